"""A plugin that the tests use everywhere: `acme-layers`, and programs that need it.

It is the example of the documentation: a gated dense layer, a loss, a metric and a function, in a
module each, so that a test can see which of them a load imported.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.distributions import PluginProject

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ACME_ENTRY_POINTS",
    "ACME_MODULES",
    "BETA_EXTRAS",
    "FUNCTIONS_SOURCE",
    "GATED_SOURCE",
    "LOAD_AND_COMPARE",
    "LOSSES_SOURCE",
    "METRICS_SOURCE",
    "TRAIN_AND_SAVE",
    "acme_project",
    "altered",
]

GATED_SOURCE = '''\
"""A dense layer with a gate."""

import keras

from keras_registry import register
from keras_registry import types as t


@register("acme")
class GatedDense(keras.layers.Layer):
    """`activation(x @ gate) * (x @ kernel)`."""

    def __init__(
        self,
        units: t.PositiveInt,
        activation: t.Activation = "gelu",
        kernel_initializer: t.Initializer = "glorot_uniform",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = units
        self.activation = activation
        self.kernel_initializer = kernel_initializer

    def build(self, input_shape):
        shape = (input_shape[-1], self.units)
        self.kernel = self.add_weight(
            shape=shape, initializer=self.kernel_initializer, name="kernel"
        )
        self.gate = self.add_weight(shape=shape, initializer=self.kernel_initializer, name="gate")

    def call(self, inputs):
        gate = self.activation(keras.ops.matmul(inputs, self.gate))
        return gate * keras.ops.matmul(inputs, self.kernel)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)
'''

LOSSES_SOURCE = '''\
"""The loss for a quantile."""

import keras

from keras_registry import register


@register("acme")
class Pinball(keras.losses.Loss):
    """The pinball loss: its minimum is the quantile of the target."""

    def __init__(self, quantile: float = 0.5, **kwargs):
        super().__init__(**kwargs)
        self.quantile = quantile

    def call(self, y_true, y_pred):
        error = y_true - y_pred
        return keras.ops.mean(
            keras.ops.maximum(self.quantile * error, (self.quantile - 1) * error), axis=-1
        )
'''

METRICS_SOURCE = '''\
"""How many predictions are close enough."""

import keras

from keras_registry import register


@register("acme")
class Coverage(keras.metrics.Metric):
    """The share of predictions that are at most `tolerance` away from the target."""

    def __init__(self, tolerance: float = 0.1, **kwargs):
        super().__init__(**kwargs)
        self.tolerance = tolerance
        self.hits = self.add_variable(shape=(), initializer="zeros", name="hits")
        self.total = self.add_variable(shape=(), initializer="zeros", name="total")

    def update_state(self, y_true, y_pred, sample_weight=None):
        close = keras.ops.abs(y_true - y_pred) <= self.tolerance
        self.hits.assign_add(keras.ops.sum(keras.ops.cast(close, self.dtype)))
        self.total.assign_add(keras.ops.cast(keras.ops.size(close), self.dtype))

    def result(self):
        return self.hits / keras.ops.maximum(self.total, 1.0)
'''

FUNCTIONS_SOURCE = '''\
"""An activation function."""

import keras

from keras_registry import register


@register("acme")
def swishy(x):
    """`x * sigmoid(1.5 x)`."""
    return x * keras.ops.sigmoid(1.5 * x)
'''

ACME_MODULES = {
    "acme_layers/__init__.py": '"""Layers, losses and metrics by Acme."""\n',
    "acme_layers/gated.py": GATED_SOURCE,
    "acme_layers/losses.py": LOSSES_SOURCE,
    "acme_layers/metrics.py": METRICS_SOURCE,
    "acme_layers/functions.py": FUNCTIONS_SOURCE,
}
"""Source texts by path."""

ACME_ENTRY_POINTS = {
    "keras_registry.layers": {"acme>GatedDense": "acme_layers.gated:GatedDense"},
    "keras_registry.losses": {"acme>Pinball": "acme_layers.losses:Pinball"},
    "keras_registry.metrics": {"acme>Coverage": "acme_layers.metrics:Coverage"},
    "keras_registry.functions": {"acme>swishy": "acme_layers.functions:swishy"},
}
"""Import targets by group and key."""


def acme_project(
    version: str = "1.4.2", *, modules: Mapping[str, str | None] | None = None
) -> PluginProject:
    """Return the source of `acme-layers`.

    Args:
        version: The version of the distribution.
        modules: Modules to exchange, add or, with None, leave out, by path.
    """
    project = PluginProject(
        name="acme-layers",
        version=version,
        modules=ACME_MODULES,
        entry_points=ACME_ENTRY_POINTS,
        requires=["keras-registry"],
    )
    return project.with_modules(modules or {})


def altered(source: str, old: str, new: str) -> str:
    """Return a source text with one place changed.

    Raises:
        ValueError: The place does not occur exactly once, so the test would not test anything.
    """
    if source.count(old) != 1:
        message = f"{old!r} occurs {source.count(old)} times"
        raise ValueError(message)
    return source.replace(old, new)


BETA_EXTRAS = PluginProject(
    name="beta-extras",
    version="0.3.1",
    modules={
        "beta_extras/scale.py": """\
import keras

from keras_registry import register


@register("beta")
class Scale(keras.layers.Layer):
    def __init__(self, factor: float, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, inputs):
        return self.factor * inputs
"""
    },
    entry_points={"keras_registry.layers": {"beta>Scale": "beta_extras.scale:Scale"}},
)

TRAIN_AND_SAVE = '''\
"""Arguments: the model file to save; the .npz file for inputs, targets and predictions."""

import sys

import keras
import numpy as np

import keras_registry
from acme_layers.functions import swishy
from acme_layers.gated import GatedDense
from acme_layers.losses import Pinball
from acme_layers.metrics import Coverage

keras.utils.set_random_seed(20)
model = keras.Sequential(
    [
        keras.layers.Input((4,)),
        GatedDense(8, name="gate"),
        GatedDense(6, activation=swishy, kernel_initializer="he_normal", name="second_gate"),
        keras.layers.Dense(1, name="head"),
    ],
    name="acme_model",
)
model.compile(optimizer="adam", loss=Pinball(quantile=0.25), metrics=[Coverage(tolerance=0.5)])
x = np.random.default_rng(20).normal(size=(32, 4)).astype("float32")
y = x.sum(axis=1, keepdims=True)
model.fit(x, y, epochs=1, batch_size=16, shuffle=False, verbose=0)
model.save(sys.argv[1])
np.savez(sys.argv[2], x=x, y=y, predictions=model.predict(x, verbose=0))
'''
"""A program that trains a model of everything in `acme-layers`, and saves it."""

LOAD_AND_COMPARE = '''\
"""Arguments: a model file; the .npz file with inputs and predictions. Prints JSON."""

import json
import sys

import keras
import numpy as np

import keras_registry

before = sorted(name for name in sys.modules if name.partition(".")[0] == "acme_layers")
model = keras.saving.load_model(sys.argv[1])
known = np.load(sys.argv[2])
predictions = model.predict(known["x"], verbose=0)
print(
    json.dumps(
        {
            "before": before,
            "after": sorted(n for n in sys.modules if n.partition(".")[0] == "acme_layers"),
            "equal": bool(np.array_equal(predictions, known["predictions"])),
            "layers": [type(layer).__name__ for layer in model.layers],
            "loss": type(model.loss).__name__,
            "compiled": bool(model.compiled),
        }
    )
)
'''
"""A program that loads a model without the plugin's help, and says what that brought."""
