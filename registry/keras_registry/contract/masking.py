"""Tensors with a mask."""

from __future__ import annotations

from typing import Any

import keras

__all__ = ["masked"]


def masked(array: Any, mask: Any) -> Any:
    """A tensor of an array, with a mask as layers hand them on.

    Args:
        array: The values.
        mask: What counts of them: booleans, in the shape of the first axes of the array.
    """
    return _Masked(mask)(array)


class _Masked(keras.layers.Layer):
    """Hands on what it is given, with a mask."""

    def __init__(self, mask: Any) -> None:
        super().__init__()
        self.mask = mask

    def call(self, inputs: Any) -> Any:
        return inputs

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        del inputs, previous_mask  # Keras hands them on by name.
        return keras.ops.convert_to_tensor(self.mask)
