"""acme-projection through its versions: one layer whose arguments and weights change."""

from __future__ import annotations

from tests.support.distributions import PluginProject
from tests.support.plugins import altered

__all__ = [
    "BARE_FOUR",
    "FIVE",
    "FOUR",
    "MODULE",
    "ONE",
    "ONE_LAYER",
    "SAVE_FIVE",
    "SAVE_ONE",
    "TWO",
    "TWO_LAYER",
    "of_version",
]

KEY = "acme>Projection"
MODULE = "acme_projection/layer.py"
ENTRY_POINTS = {"keras_registry.layers": {KEY: "acme_projection.layer:Projection"}}

ONE_LAYER = '''\
"""The first version."""

import keras

from keras_registry import register
from keras_registry import types as t


@register("acme")
class Projection(keras.layers.Layer):
    def __init__(self, width: t.PositiveInt, rate: float = 0.5, legacy: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.width, self.rate, self.legacy = width, rate, legacy

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.width), name="kernel")

    def call(self, inputs):
        return keras.ops.matmul(inputs, self.kernel) * self.rate
'''

TWO_LAYER = '''\
"""An argument has another name; the weights are as they were."""

import keras

from keras_registry import register
from keras_registry import types as t
from keras_registry.migrations import Migration, rename


@register("acme", version=2, migrations=[Migration(1, 2, rename("width", "units"))])
class Projection(keras.layers.Layer):
    def __init__(self, units: t.PositiveInt, rate: float = 0.5, legacy: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.units, self.rate, self.legacy = units, rate, legacy

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")

    def call(self, inputs):
        return keras.ops.matmul(inputs, self.kernel) * self.rate
'''

FOUR_LAYER = '''\
"""Another name, an argument less, another meaning, and the kernel the other way round."""

import keras

from keras_registry import register
from keras_registry import types as t
from keras_registry.migrations import Migration, convert, drop, rename


def transpose(weights, version):
    return {"0": weights["0"].T}


def keep_to_drop(rate):
    return 1 - rate


@register(
    "acme",
    version=4,
    migrations=[
        Migration(1, 2, rename("width", "units")),
        Migration(2, 3, drop("legacy")),
        Migration(3, 4, convert("rate", keep_to_drop)),
    ],
    migrate_weights=transpose,
)
class Projection(keras.layers.Layer):
    def __init__(self, units: t.PositiveInt, rate: float = 0.5, **kwargs):
        super().__init__(**kwargs)
        self.units, self.rate = units, rate

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(self.units, input_shape[-1]), name="kernel")

    def call(self, inputs):
        return keras.ops.matmul(inputs, keras.ops.transpose(self.kernel)) * (1 - self.rate)
'''

_MIGRATIONS = FOUR_LAYER[FOUR_LAYER.index("    migrations=[") : FOUR_LAYER.index(")\nclass")]

BARE_FOUR_LAYER = altered(FOUR_LAYER, _MIGRATIONS, "")

FIVE_LAYER = FOUR_LAYER
for _old, _new in (
    ("version=4", "version=5"),
    ("keep_to_drop)),\n", 'keep_to_drop)),\n        Migration(4, 5, rename("rate", "loss")),\n'),
    ("rate: float", "loss: float"),
    ("self.rate = units, rate", "self.loss = units, loss"),
    ("1 - self.rate", "1 - self.loss"),
):
    FIVE_LAYER = altered(FIVE_LAYER, _old, _new)


def of_version(version: str, layer: str) -> PluginProject:
    """Return acme-projection of a version, with the source of its layer."""
    return PluginProject(
        name="acme-projection",
        version=version,
        modules={MODULE: layer},
        entry_points=ENTRY_POINTS,
        requires=["keras-registry"],
    )


ONE = of_version("1.3.0", ONE_LAYER)
"""The layer as it was at first."""

TWO = of_version("2.0.0", TWO_LAYER)
"""Version 2 of its config, which old files reach by another name of an argument alone."""

FOUR = of_version("4.1.0", FOUR_LAYER)
"""Version 4 of its config, with a chain of migrations from version 1, weights included."""

BARE_FOUR = of_version("4.2.0", BARE_FOUR_LAYER)
"""Version 4 of its config, without a step for older files."""

FIVE = of_version("5.0.1", FIVE_LAYER)
"""Version 5, which none of the others reads."""

SAVE_ONE = """\
import sys

import keras
import numpy as np

import keras_registry
from acme_projection.layer import Projection

keras.utils.set_random_seed(3)
model = keras.Sequential(
    [
        keras.layers.Input((3,)),
        Projection(4, rate=0.25, legacy=True, name="first"),
        Projection(4, name="second"),
        keras.layers.Dense(2, name="head"),
    ],
    name="projected",
)
model.compile("adam", "mse", metrics=["mae"])
x = np.random.default_rng(3).normal(size=(8, 3)).astype("float32")
model.fit(x, x[:, :2], batch_size=4, epochs=2, shuffle=False, verbose=0)
model.save(sys.argv[1])
np.savez(
    sys.argv[2],
    x=x,
    predictions=model.predict(x, verbose=0),
    **{variable.path: variable.numpy() for variable in model.optimizer.variables},
)
"""
"""Arguments: the model file; the `.npz` file of inputs, predictions and optimizer variables."""

SAVE_FIVE = """\
import sys

import keras

import keras_registry
from acme_projection.layer import Projection

keras.Sequential([keras.layers.Input((3,)), Projection(2, loss=0.25, name="first")]).save(
    sys.argv[1]
)
"""
"""Argument: the model file."""
