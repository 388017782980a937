"""Losses."""

import keras

from keras_registry import register
from keras_registry_starter._tensors import Tensor, as_column

__all__ = ["PinballLoss"]


@register("starter")
class PinballLoss(keras.losses.Loss):
    """The quantile (pinball, check) loss of several quantiles at once.

    For a target `y`, the prediction `f` of its quantile `q` costs

    `max(q * (y - f), (q - 1) * (y - f))`

    so that too low costs `q` and too high `1 - q` a unit. The expected cost is least where `f` is
    the `q`-quantile of `y`. The loss of one target is the mean over its quantiles.

    Args:
        quantiles: Levels strictly between 0 and 1, in the order of the last axis of `y_pred`.
        name: Name of the loss.
        **kwargs: Arguments of `keras.losses.Loss`: `reduction`, `dtype`.

    Raises:
        ValueError: If there is no level, or one is not strictly between 0 and 1.

    Input shape:
        `y_true` `(...,)` or `(..., 1)`, `y_pred` `(..., len(quantiles))`. Other shapes, also those
        that would broadcast, raise a ValueError when the loss is called.

    Output shape:
        `(...,)` before the reduction, which by default is the mean.

    Example:
        >>> import numpy as np
        >>> loss = PinballLoss((0.1, 0.5, 0.9))
        >>> y_true, y_pred = np.array([1, 2]), np.array([[0, 1, 3], [1, 2, 2]])
        >>> round(float(loss(y_true, y_pred)), 4)
        0.0667

    References:
        Koenker, Bassett (1978), Regression Quantiles, Econometrica 46(1), 33-50,
        https://doi.org/10.2307/1913643
    """

    def __init__(
        self,
        quantiles: tuple[float, ...] = (0.05, 0.5, 0.95),
        name: str = "pinball_loss",
        **kwargs: object,
    ) -> None:
        """Keep the levels, checked."""
        super().__init__(name=name, **kwargs)
        # Asked this way round, NaN is refused as well.
        if not quantiles or any(not 0 < level < 1 for level in quantiles):
            message = (
                f"quantiles must be one or more numbers strictly between 0 and 1, found {quantiles}"
            )
            raise ValueError(message)
        self.quantiles = quantiles

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Give the loss of each target, shape `(...,)`.

        Args:
            y_true: Targets, shape `(...,)` or `(..., 1)`.
            y_pred: One prediction for each quantile, shape `(..., len(quantiles))`.
        """
        error = keras.ops.subtract(as_column(y_true, y_pred), y_pred)
        predicted = y_pred.shape[-1]
        if predicted not in (len(self.quantiles), None):
            message = (
                "the last axis of y_pred holds one prediction for each quantile\n"
                f"  wanted  {len(self.quantiles)}, for quantiles {self.quantiles}\n"
                f"  found   {predicted}, in y_pred of shape {tuple(y_pred.shape)}"
            )
            raise ValueError(message)
        levels = keras.ops.convert_to_tensor(self.quantiles, dtype=y_pred.dtype)
        costs = keras.ops.maximum(levels * error, (levels - 1) * error)
        return keras.ops.mean(costs, axis=-1)
