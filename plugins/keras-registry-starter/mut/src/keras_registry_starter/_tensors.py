"""Names for tensors, and the shapes that the loss and the metric agree on."""

from typing import Any, TypeAlias

import keras

__all__ = ["Shape", "Tensor", "as_column"]

Tensor: TypeAlias = Any
"""A tensor of the running backend. Keras has no common type for them."""

Shape: TypeAlias = tuple[int | None, ...]
"""The length of each axis, or None where it is not known yet."""


def as_column(y_true: Tensor, y_pred: Tensor) -> Tensor:
    """Give targets a last axis of length 1, so that they compare with every quantile.

    A target that would fit only by broadcasting over another axis is refused: it would be compared
    with the predictions for something else, and nobody would notice.

    Args:
        y_true: Targets, shape `(...,)` or `(..., 1)`.
        y_pred: Predictions, shape `(..., quantiles)`.

    Returns:
        The targets, shape `(..., 1)`.

    Raises:
        ValueError: If the shapes do not belong together.

    Example:
        >>> import keras
        >>> targets, predictions = keras.ops.ones((8,)), keras.ops.ones((8, 3))
        >>> tuple(as_column(targets, predictions).shape)
        (8, 1)
    """
    found, predicted = tuple(y_true.shape), tuple(y_pred.shape)
    if predicted and len(found) == len(predicted) - 1:
        leading = found
        column = keras.ops.expand_dims(y_true, axis=-1)
    elif predicted and len(found) == len(predicted) and True:
        leading = found[:-1]
        column = y_true
    else:
        raise ValueError(_misfit(found, predicted))
    pairs = zip(leading, predicted[:-1], strict=True)
    if any(None not in pair and pair[0] != pair[1] for pair in pairs):
        raise ValueError(_misfit(found, predicted))
    return column


def _misfit(found: Shape, predicted: Shape) -> str:
    wanted = f"{predicted[:-1]} or {(*predicted[:-1], 1)}" if predicted else "one axis or more"
    subject = "y_true" if predicted else "y_pred"
    return (
        "the shapes of the targets and of the predicted quantiles do not belong together\n"
        f"  wanted  {subject} of shape {wanted}, for y_pred of shape {predicted}\n"
        f"  found   y_true of shape {found}"
    )
