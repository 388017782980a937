"""Metrics."""

import keras

from keras_registry import register
from keras_registry_starter._tensors import Tensor, as_column

__all__ = ["Coverage"]


@register("starter")
class Coverage(keras.metrics.Metric):
    """The share of targets that lie inside their predicted interval, bounds included.

    `coverage = sum(w * (p[lower] <= y) * (y <= p[upper])) / sum(w)`

    A calibrated interval between the quantiles 0.05 and 0.95 has a coverage of 0.9. Where the
    lower bound is above the upper one, nothing is inside. Before any target was seen, and where
    all weights are 0, the result is 0.

    A mask of the predictions counts as weight 0, as in Keras's own metrics.

    Args:
        lower: Index of the lower bound on the last axis of `y_pred`. Negative ones count from
            the end.
        upper: Index of the upper bound.
        name: Name of the metric.
        **kwargs: Arguments of `keras.metrics.Metric`: `dtype`.

    Input shape:
        `y_true` `(...,)` or `(..., 1)`, `y_pred` `(..., bounds)`; `sample_weight` one weight for
        each target or for each sample.

    Output shape:
        A scalar between 0 and 1, over everything since the last `reset_state`.

    Example:
        >>> metric = Coverage()
        >>> metric.update_state([1.0, 5.0], [[0.0, 1.0, 2.0], [0.0, 1.0, 2.0]])
        >>> float(metric.result())
        0.5

    References:
        Gneiting, Balabdaoui, Raftery (2007), Probabilistic Forecasts, Calibration and Sharpness,
        Journal of the Royal Statistical Society B 69(2), 243-268,
        https://doi.org/10.1111/j.1467-9868.2007.00587.x
    """

    def __init__(
        self, lower: int = 0, upper: int = -1, name: str = "coverage", **kwargs: object
    ) -> None:
        """Keep the two indices and start from nothing seen."""
        super().__init__(name=name, **kwargs)
        self.lower = lower
        self.upper = upper
        # Keras's running mean knows sample weights and masks. A nested metric is tracked: its
        # state is saved and reset with ours.
        self.inside = keras.metrics.MeanMetricWrapper(self._inside, name="inside", dtype=self.dtype)

    def update_state(
        self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None
    ) -> None:
        """Add a batch.

        Args:
            y_true: Targets, shape `(...,)` or `(..., 1)`.
            y_pred: Predicted bounds, shape `(..., bounds)`.
            sample_weight: Weights that broadcast to the targets, from the first axis on.

        Raises:
            ValueError: If the shapes do not belong together, or a bound is not in `y_pred`.
        """
        self.inside.update_state(y_true, y_pred, sample_weight=sample_weight)

    def result(self) -> Tensor:
        """Give the weighted share of targets inside, a scalar."""
        return self.inside.result()

    def _inside(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        y_true = keras.ops.convert_to_tensor(y_true, dtype=self.dtype)
        y_pred = keras.ops.convert_to_tensor(y_pred, dtype=self.dtype)
        target = keras.ops.squeeze(as_column(y_true, y_pred), axis=-1)
        lower, upper = self._bound(y_pred, "lower"), self._bound(y_pred, "upper")
        return keras.ops.logical_and(lower <= target, target <= upper)

    def _bound(self, y_pred: Tensor, which: str) -> Tensor:
        index, bounds = getattr(self, which), y_pred.shape[-1]
        # Checked here because JAX would take the nearest index instead.
        if bounds is not None and not -bounds <= index < bounds:
            message = (
                f"the {which} bound is not in y_pred\n"
                f"  wanted  an index from {-bounds} to {bounds - 1}, "
                f"for y_pred of shape {tuple(y_pred.shape)}\n"
                f"  found   {which}={index}"
            )
            raise ValueError(message)
        return y_pred[..., index]
