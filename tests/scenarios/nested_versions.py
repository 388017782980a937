"""acme-nested: an initializer and a layer inside other layers, each with versions of its own."""

from __future__ import annotations

from tests.support.distributions import PluginProject

__all__ = ["NEW", "OLD", "SAVE_OLD"]

ENTRY_POINTS = {
    "keras_registry.layers": {
        "acme>Core": "acme_nested:Core",
        "acme>Shell": "acme_nested:Shell",
    },
    "keras_registry.initializers": {"acme>Ramp": "acme_nested:Ramp"},
}

OLD_MODULE = """\
import keras

from keras_registry import register
from keras_registry import types as t


@register("acme")
class Ramp(keras.initializers.Initializer):
    def __init__(self, slope: float = 1.0):
        self.slope = slope

    def __call__(self, shape, dtype=None, **kwargs):
        size = 1
        for part in shape:
            size *= part
        return keras.ops.reshape(keras.ops.arange(size, dtype="float32"), shape) * self.slope


@register("acme")
class Core(keras.layers.Layer):
    def __init__(self, width: t.PositiveInt, start: t.Initializer = "zeros", **kwargs):
        super().__init__(**kwargs)
        self.width, self.start = width, start

    def build(self, input_shape):
        shape = (input_shape[-1], self.width)
        self.kernel = self.add_weight(shape=shape, initializer=self.start, name="kernel")

    def call(self, inputs):
        return keras.ops.matmul(inputs, self.kernel)


@register("acme")
class Shell(keras.layers.Layer):
    def __init__(self, inner: t.Layer, gain: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.inner, self.gain = inner, gain

    def build(self, input_shape):
        if not self.inner.built:
            self.inner.build(input_shape)

    def call(self, inputs):
        return self.inner(inputs) * self.gain
"""

NEW_MODULE = """\
import keras

from keras_registry import register
from keras_registry import types as t
from keras_registry.migrations import Migration, add, convert, rename


@register("acme", version=2, migrations=[Migration(1, 2, rename("slope", "step"))])
class Ramp(keras.initializers.Initializer):
    def __init__(self, step: float = 1.0):
        self.step = step

    def __call__(self, shape, dtype=None, **kwargs):
        size = 1
        for part in shape:
            size *= part
        return keras.ops.reshape(keras.ops.arange(size, dtype="float32"), shape) * self.step


def transpose(weights, version):
    return {"0": weights["0"].T}


@register(
    "acme",
    version=3,
    migrations=[
        Migration(1, 2, rename("width", "units")),
        Migration(2, 3, rename("start", "kernel_initializer")),
    ],
    migrate_weights=transpose,
)
class Core(keras.layers.Layer):
    def __init__(
        self, units: t.PositiveInt, kernel_initializer: t.Initializer = "zeros", **kwargs
    ):
        super().__init__(**kwargs)
        self.units, self.kernel_initializer = units, kernel_initializer

    def build(self, input_shape):
        shape = (self.units, input_shape[-1])
        self.kernel = self.add_weight(
            shape=shape, initializer=self.kernel_initializer, name="kernel"
        )

    def call(self, inputs):
        return keras.ops.matmul(inputs, keras.ops.transpose(self.kernel))


def decibels(gain):
    return 20.0 * (gain - 1.0)


@register(
    "acme",
    version=2,
    migrations=[Migration(1, 2, convert("gain", decibels), add("offset", 0.5))],
)
class Shell(keras.layers.Layer):
    def __init__(self, inner: t.Layer, gain: float = 0.0, offset: float = 0.5, **kwargs):
        super().__init__(**kwargs)
        self.inner, self.gain, self.offset = inner, gain, offset

    def build(self, input_shape):
        if not self.inner.built:
            self.inner.build(input_shape)

    def call(self, inputs):
        return self.inner(inputs) * (1.0 + self.gain / 20.0) + (self.offset - 0.5)
"""

OLD = PluginProject(
    name="acme-nested",
    version="0.3.0",
    modules={"acme_nested/__init__.py": OLD_MODULE},
    entry_points=ENTRY_POINTS,
)
"""The first versions of everything."""

NEW = OLD.evolve(version="0.9.2", modules={"acme_nested/__init__.py": NEW_MODULE})
"""Versions 2, 3 and 2, with steps from version 1."""

SAVE_OLD = """\
import sys

import keras
import numpy as np

import keras_registry
from acme_nested import Core, Ramp, Shell

keras.utils.set_random_seed(4)
model = keras.Sequential(
    [
        keras.layers.Input((3,)),
        Shell(Core(4, start=Ramp(0.5), name="core"), gain=2.0, name="shell"),
        keras.layers.Dense(2, kernel_initializer=Ramp(0.25), name="head"),
        Shell(Shell(keras.layers.Dense(2, kernel_initializer=Ramp(2.0)), gain=3.0), name="double"),
    ]
)
x = np.random.default_rng(4).normal(size=(5, 3)).astype("float32")
predictions = model.predict(x, verbose=0)
model.save(sys.argv[1])
np.savez(sys.argv[2], x=x, predictions=predictions)
"""
"""Arguments: the model file; the `.npz` file of inputs and predictions."""
