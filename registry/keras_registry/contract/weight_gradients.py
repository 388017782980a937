"""Gradients of what a layer gives for its weights, on whichever backend is in use."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_registry.contract.numerics import array_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["gradients_of_weights", "reached_in_other_ways"]


def gradients_of_weights(layer: Any, arguments: Sequence[Any], **options: Any) -> list[Any] | None:
    """The gradient for each trainable weight: an array, or None if there is no way back to it.

    The weights are moved a little first: what begins with zeros hides what is behind it.

    Args:
        layer: A built layer; its weights change.
        arguments: What it is called with.
        **options: What else it is called with.

    Returns:
        The gradients, or None if the outputs are no real numbers.
    """
    random = np.random.default_rng(7)
    for weight in layer.trainable_weights:
        value = array_of(weight)
        if value.dtype.kind == "f":
            weight.assign(value + 0.1 * random.uniform(0.1, 1.0, value.shape))
    if _total(layer(*arguments, training=False, **options)) is None:
        return None
    match keras.backend.backend():
        case "tensorflow":
            return _with_tensorflow(layer, arguments, options)
        case "jax":
            return _with_jax(layer, arguments, options)
        case _:
            return _with_torch(layer, arguments, options)


def reached_in_other_ways(layer: Any, arguments: Sequence[Any]) -> set[str]:
    """The paths of weights that a call with another option, such as `reverse=True`, depends on.

    An option may want other inputs: nothing can be said then of any weight.

    Args:
        layer: A built layer; its weights change.
        arguments: What it is called with.
    """
    reached: set[str] = set()
    for name, parameter in inspect.signature(layer.call).parameters.items():
        if name == "training" or not isinstance(parameter.default, bool):
            continue
        try:
            found = gradients_of_weights(layer, arguments, **{name: not parameter.default})
        except Exception:  # noqa: BLE001 - the author's own code, which refuses as it likes
            return {weight.path for weight in layer.trainable_weights}
        pairs = zip(layer.trainable_weights, found or (), strict=False)
        reached |= {weight.path for weight, value in pairs if value is not None}
    return reached


def _total(outputs: Any) -> Any:
    """One number that depends on all outputs of real numbers; None if there are none."""
    real = [item for item in keras.tree.flatten(outputs) if _is_real(item)]
    total = None
    for number, item in enumerate(real):
        # Different factors, because the sum of what a softmax gives is always 1.
        size = int(np.prod(item.shape))
        factors = np.random.default_rng(number).uniform(0.5, 1.5, size).reshape(item.shape)
        part = keras.ops.sum(keras.ops.cast(item, "float32") * factors.astype("float32"))
        total = part if total is None else total + part
    return total


def _is_real(item: Any) -> bool:
    return item is not None and "float" in keras.backend.standardize_dtype(item.dtype)


def _with_tensorflow(layer: Any, arguments: Sequence[Any], options: Mapping[str, Any]) -> list[Any]:
    import tensorflow as tf

    with tf.GradientTape() as tape:
        total = _total(layer(*arguments, training=False, **options))
    found = tape.gradient(total, [weight.value for weight in layer.trainable_weights])
    return [None if item is None else array_of(tf.convert_to_tensor(item)) for item in found]


def _with_jax(layer: Any, arguments: Sequence[Any], options: Mapping[str, Any]) -> list[Any]:
    import jax

    fixed = [variable.value for variable in layer.non_trainable_variables]
    tensors = keras.tree.map_structure(keras.ops.convert_to_tensor, list(arguments))

    def function(values: Any) -> Any:
        outputs, _ = layer.stateless_call(values, fixed, *tensors, **options)
        return _total(outputs)

    # JAX gives zeros where there is no way back.
    found = jax.grad(function)([variable.value for variable in layer.trainable_variables])
    return [array_of(item) if np.any(array_of(item)) else None for item in found]


def _with_torch(layer: Any, arguments: Sequence[Any], options: Mapping[str, Any]) -> list[Any]:
    total = _total(layer(*arguments, training=False, **options))
    values = [weight.value for weight in layer.trainable_weights]
    if not total.requires_grad:
        return [None for _ in values]
    total.backward()
    return [None if value.grad is None else array_of(value.grad) for value in values]
