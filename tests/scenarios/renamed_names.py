"""acme-names: one object of each kind, whose names change from one version to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.scenarios.sources import GATE, IMPORTS, SQUASH
from tests.support.distributions import PluginProject

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ALIASED",
    "BARE",
    "BEHIND",
    "FIRST",
    "MOVED",
    "SAVE",
    "SAVE_TOWER",
    "WITHOUT",
]

NEW_NAMES = {
    "Gate": "GatedLinear",
    "Share": "ShareWithin",
    "Slow": "SlowDescent",
    "Gap": "MarginLoss",
    "Tower": "GatedTower",
    "squash": "smooth_squash",
}
GROUPS = {
    "Gate": "layers",
    "Share": "metrics",
    "Slow": "optimizers",
    "Gap": "losses",
    "Tower": "models",
    "squash": "functions",
}

SOURCE = f"""\
{IMPORTS}

@REGISTER("squash")
{SQUASH}

@REGISTER("Gate")
{GATE}

@REGISTER("Gap")
class Gap(keras.losses.Loss):
    def __init__(self, margin: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.margin = margin

    def call(self, y_true, y_pred):
        gap = keras.ops.abs(y_true - y_pred) - self.margin
        return keras.ops.mean(keras.ops.maximum(gap, 0.0), axis=-1)


@REGISTER("Share")
class Share(keras.metrics.Metric):
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


@REGISTER("Slow")
class Slow(keras.optimizers.SGD):
    def __init__(self, learning_rate: float = 0.1, drag: float = 0.5, **kwargs):
        super().__init__(learning_rate, momentum=0.9, **kwargs)
        self.drag = drag

    def update_step(self, gradient, variable, learning_rate):
        super().update_step(gradient * self.drag, variable, learning_rate)


@REGISTER("Tower")
class Tower(keras.Model):
    def __init__(self, units: t.PositiveInt, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.gate = Gate(units, activation=squash)
        self.head = keras.layers.Dense(1)

    def build(self, input_shape):
        self.gate.build(input_shape)
        self.head.build((*input_shape[:-1], self.units))

    def call(self, inputs):
        return self.head(self.gate(inputs))
"""

SAVE = """\
import sys

import keras
import numpy as np

import keras_registry
from acme_names import Gap, Gate, Share, Slow, squash

keras.utils.set_random_seed(5)
model = keras.Sequential(
    [
        keras.layers.Input((4,)),
        Gate(8, name="first"),
        keras.Sequential([Gate(3)], name="inner") if "nested" in sys.argv else Gate(3),
        keras.layers.Reshape((3, 1)),
        keras.layers.TimeDistributed(Gate(2)) if "nested" in sys.argv else Gate(2),
        keras.layers.Flatten(),
        keras.layers.Dense(1, activation=squash, name="head"),
    ]
)
model.compile(Slow(0.05, drag=0.25, name="slow"), loss=Gap(0.125), metrics=[Share(0.5)])
x = np.random.default_rng(5).normal(size=(16, 4)).astype("float32")
y = x.sum(axis=1, keepdims=True)
model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)
model.save(sys.argv[1])
np.savez(sys.argv[2], x=x, y=y, predictions=model.predict(x, verbose=0))
"""
"""Arguments: the model file; the `.npz` file of inputs, targets and predictions."""

SAVE_TOWER = """\
import sys

import keras
import numpy as np

import keras_registry
from acme_names import Tower

keras.utils.set_random_seed(6)
model = Tower(5)
model.compile("adam", "mse")
x = np.random.default_rng(6).normal(size=(16, 4)).astype("float32")
model.fit(x, x.sum(axis=1, keepdims=True), verbose=0)
model.save(sys.argv[1])
np.savez(sys.argv[2], x=x, predictions=model.predict(x, verbose=0))
"""
"""Arguments: the model file; the `.npz` file of inputs and predictions."""


def _source(namespace: str, names: Mapping[str, str], *, keeps_keys: bool = False) -> str:
    """Return the module with other names.

    Args:
        namespace: The namespace of all keys.
        names: The new names by the old ones.
        keeps_keys: Let the keys have the old names all the same.
    """
    text = SOURCE
    for old, new in names.items():
        options = f", name={old!r}" if keeps_keys else ""
        text = text.replace(f'REGISTER("{old}")', f"register({namespace!r}{options})")
        for before, after in (
            (f"class {old}(", f"class {new}("),
            (f"def {old}(", f"def {new}("),
            (f"= {old}(", f"= {new}("),
            (f"={old})", f"={new})"),
        ):
            text = text.replace(before, after)
    return text


def _entries(namespace: str, names: Mapping[str, str], module: str) -> dict[str, dict[str, str]]:
    return {
        f"keras_registry.{GROUPS[old]}": {f"{namespace}>{new}": f"{module}:{new}"}
        for old, new in names.items()
    }


def _aliases(names: Mapping[str, str], module: str) -> dict[str, dict[str, str]]:
    return {
        "keras_registry.aliases": {f"acme>{old}": f"{module}:{new}" for old, new in names.items()}
    }


SAME = {name: name for name in NEW_NAMES}

FIRST = PluginProject(
    name="acme-names",
    version="1.2.0",
    modules={"acme_names/__init__.py": _source("acme", SAME)},
    entry_points=_entries("acme", SAME, "acme_names"),
)
"""The first names: `acme>Gate` and so on."""

ALIASED = FIRST.evolve(
    version="1.3.0",
    modules={"acme_names/__init__.py": _source("acme.core", NEW_NAMES)},
    entry_points=_entries("acme.core", NEW_NAMES, "acme_names") | _aliases(NEW_NAMES, "acme_names"),
)
"""Other names in another namespace, with the old keys as aliases."""

BARE = ALIASED.evolve(version="1.4.0", entry_points=_entries("acme.core", NEW_NAMES, "acme_names"))
"""The new names alone: nothing here knows the old ones."""

BEHIND = FIRST.evolve(
    version="1.3.1",
    modules={"acme_names/__init__.py": _source("acme", NEW_NAMES, keeps_keys=True)},
    entry_points={
        f"keras_registry.{GROUPS[old]}": {f"acme>{old}": f"acme_names:{new}"}
        for old, new in NEW_NAMES.items()
    },
)
"""The keys are the old ones; the classes behind them have new names."""

MOVED = PluginProject(
    name="acme-core",
    version="0.2.0",
    modules={"acme_core/__init__.py": _source("acme-core", NEW_NAMES)},
    entry_points=_entries("acme-core", NEW_NAMES, "acme_core") | _aliases(NEW_NAMES, "acme_core"),
)
"""Another distribution that has taken over everything, under names of its own."""

WITHOUT = FIRST.evolve(
    version="2.0.0",
    modules={"acme_names/__init__.py": "", "acme_names/other.py": "other = None\n"},
    entry_points={"keras_registry.objects": {"acme>other": "acme_names.other:other"}},
)
"""acme-names after everything has moved out of it."""
