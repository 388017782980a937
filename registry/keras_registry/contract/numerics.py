"""Numbers of tensors, gradients and compiled functions, on whichever backend is in use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["array_of", "arrays_of", "compiled", "dtype_of", "gradient", "is_close", "shown"]


def array_of(value: Any) -> np.ndarray[Any, Any]:
    """A tensor, variable or number as an array; what numpy has no type for becomes float32."""
    if isinstance(value, int | float | np.ndarray | np.generic):
        return np.asarray(value)
    found: np.ndarray[Any, Any] = keras.ops.convert_to_numpy(value)
    return found.astype("float32") if found.dtype.kind not in "biufc" else found


def arrays_of(value: Any) -> list[np.ndarray[Any, Any]]:
    """The tensors in lists, tuples and dicts as arrays; nothing for what is no number."""
    return [array_of(leaf) for leaf in keras.tree.flatten(value) if leaf is not None]


def dtype_of(tensor: Any) -> str:
    """The name of a tensor's dtype, the same on every backend."""
    return str(keras.backend.standardize_dtype(tensor.dtype))


def is_close(found: Any, wanted: Any, *, tolerance: float = 1e-4) -> bool:
    """Whether two arrays have one shape and the same values but for rounding.

    Args:
        found: An array.
        wanted: An array.
        tolerance: The difference that is allowed, relative to the largest value wanted.
    """
    found, wanted = np.asarray(found), np.asarray(wanted)
    if found.shape != wanted.shape:
        return False
    finite = np.abs(wanted[np.isfinite(wanted)]).astype("float64")
    scale = float(finite.max()) if finite.size else 0.0
    return bool(
        np.allclose(found, wanted, rtol=tolerance, atol=tolerance * scale + 1e-6, equal_nan=True)
    )


def shown(value: Any) -> str:
    """A few numbers of an array as text, short enough for a message."""
    array = np.asarray(value)
    numbers = [f"{number:.4g}" for number in array.reshape(-1)[:4].tolist()]
    if array.ndim == 0:
        return numbers[0]
    return f"[{', '.join(numbers)}{', …' if array.size > len(numbers) else ''}]"


def gradient(function: Callable[[Any], Any], at: Any) -> np.ndarray[Any, Any] | None:
    """The gradient of the sum of what a function returns, or None if there is no way back to it.

    Args:
        function: Takes one tensor and returns another.
        at: Where: an array.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tensor = tf.convert_to_tensor(at)
        with tf.GradientTape() as tape:
            tape.watch(tensor)
            value = function(tensor)
        found = tape.gradient(value, tensor)
        return None if found is None else array_of(found)
    if keras.backend.backend() == "jax":
        import jax

        return array_of(jax.grad(lambda x: keras.ops.sum(function(x)))(jax.numpy.asarray(at)))
    tensor = keras.ops.convert_to_tensor(at).clone().detach().requires_grad_(True)  # noqa: FBT003
    value = keras.ops.sum(function(tensor))
    if not value.requires_grad:
        return None
    value.backward()
    return None if tensor.grad is None else array_of(tensor.grad)


def compiled(function: Callable[..., Any], arrays: Sequence[Any]) -> Callable[..., Any]:
    """A function as `fit` runs it: traced, under TensorFlow for batches of any size.

    Args:
        function: Takes tensors and returns one, or several.
        arrays: What it will be called with, or arrays that differ from that in the first axis.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        signature = [
            tf.TensorSpec((None, *array.shape[1:]) if array.ndim else (), array.dtype)
            for array in map(np.asarray, arrays)
        ]
        # Keras too turns AutoGraph off for what is called in a step of training.
        return tf.function(function, input_signature=signature, autograph=False)  # type: ignore[no-any-return]
    if keras.backend.backend() == "jax":
        import jax

        found: Callable[..., Any] = jax.jit(function)
        return found
    return function
