"""What is measured: a registered layer, the same class unregistered, and models of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

import keras_registry
from keras_registry import register
from keras_registry import types as t

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CUSTOM_OBJECTS", "Gate", "PlainGate", "make_large_model", "make_many_layers"]


class _GateBody(keras.layers.Layer):
    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.units), initializer=self.kernel_initializer
        )

    def call(self, inputs: Any) -> Any:
        return self.activation(keras.ops.matmul(inputs, self.kernel))


class PlainGate(_GateBody):
    """A Dense-like layer as Keras's guide writes it."""

    def __init__(
        self,
        units: int,
        activation: Any = "gelu",
        kernel_initializer: Any = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)


@register("bench")
class Gate(_GateBody):
    """The same layer, registered: what arrives is converted."""

    def __init__(
        self,
        units: t.PositiveInt,
        activation: t.Activation = "gelu",
        kernel_initializer: t.Initializer = "glorot_uniform",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.activation = activation
        self.kernel_initializer = kernel_initializer


CUSTOM_OBJECTS = {"bench>Gate": Gate}


def make_large_model(path: Path, *, megabytes: int) -> Any:
    """A model with few layers and much weight, saved with its manifest."""
    width = 4096
    count = megabytes * (1 << 20) // (width * width * 4)
    layers = [Gate(width, name=f"gate_{i}") for i in range(count)]
    model = keras.Sequential([keras.Input((width,)), *layers])
    keras_registry.save_model(model, path)
    return model


def make_many_layers(path: Path, *, layers: int) -> Any:
    """A model with many small layers, saved with its manifest."""
    tensor = inputs = keras.Input((8,))
    for _ in range(layers // 2):
        tensor = keras.layers.Dense(8)(Gate(8)(tensor))
    model = keras.Model(inputs, tensor)
    keras_registry.save_model(model, path)
    return model
