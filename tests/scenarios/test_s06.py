"""S06: a custom activation: as a layer, as a function, as an instance in `Dense(activation=…)`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.scenarios.archives import read_manifest_document
from tests.scenarios.observing import QUIET, observe, plain
from tests.support.distributions import PluginProject

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.processes import ForkServer

    Shelf = Callable[[PluginProject], Path]

MODULE = '''\
import keras

from keras_registry import register


@register("acme")
def bounded(x):
    return x / (1 + keras.ops.abs(x))


@register("acme")
class Bounded(keras.layers.Layer):
    """An activation with an argument and a weight of its own."""

    def __init__(self, bound: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.bound = bound

    def build(self, input_shape):
        self.slope = self.add_weight(shape=(input_shape[-1],), name="slope")

    def call(self, inputs):
        x = inputs * self.slope
        return self.bound * x / (self.bound + keras.ops.abs(x))


@register("acme")
class Steep:
    """An activation that is no layer: an object that can be called."""

    def __init__(self, factor: float = 1.0):
        self.factor = factor

    def __call__(self, x):
        return keras.ops.tanh(self.factor * x)
'''
PROJECT = PluginProject(
    name="acme-bounded",
    version="1.0.0",
    modules={"acme_bounded/__init__.py": MODULE},
    entry_points={
        "keras_registry.layers": {"acme>Bounded": "acme_bounded:Bounded"},
        "keras_registry.functions": {"acme>bounded": "acme_bounded:bounded"},
        "keras_registry.objects": {"acme>Steep": "acme_bounded:Steep"},
    },
)

WAYS = {
    "layer": ("acme.Bounded(2.0)", "acme>Bounded"),
    "function": ("keras.layers.Dense(3, activation=acme.bounded)", "acme>bounded"),
    "function in Activation": ("keras.layers.Activation(acme.bounded)", "acme>bounded"),
    "instance": ("keras.layers.Dense(3, activation=acme.Bounded(2.0))", "acme>Bounded"),
    "object": ("keras.layers.Dense(3, activation=acme.Steep(2.0))", "acme>Steep"),
}
"""The layer of the model, and the key that it needs, by the way that it has the activation."""

SAVE = f"""\
{QUIET}
import sys

import keras
import numpy as np

import acme_bounded as acme
import keras_registry

keras.utils.set_random_seed(6)
model = keras.Sequential([keras.layers.Input((4,)), _LAYER_, keras.layers.Dense(1)])
x = np.random.default_rng(6).normal(size=(8, 4)).astype("float32")
predictions = model.predict(x, verbose=0)  # an activation has its weights from the first call on
model.save(sys.argv[1])
np.savez(sys.argv[2], x=x, predictions=predictions)
"""


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    """How the model has the activation."""
    return request.param


@pytest.fixture(params=[".keras", ".h5"])
def files(
    request: pytest.FixtureRequest, way: str, shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> tuple[Path, Path]:
    """A model with the activation, and what it predicts."""
    made = tmp_path / f"model{request.param}", tmp_path / "model.npz"
    fork_server.run(SAVE.replace("_LAYER_", WAYS[way][0]), argv=made, path=[shelf(PROJECT)]).check()
    return made


def test_activation_comes_back(
    files: tuple[Path, Path], way: str, shelf: Shelf, fork_server: ForkServer
) -> None:
    """The activation is found and has its arguments: the same predictions, without a word."""
    path, npz = files
    _, key = WAYS[way]

    loaded = observe(fork_server.run, path, path=[shelf(PROJECT)], inputs=npz)

    assert [record["key"] for record in read_manifest_document(path)["objects"]] == [key]
    assert loaded.before == ()
    assert loaded.is_silent(), loaded.raw
    assert loaded.findings == ()
    assert loaded.after == ("acme_bounded",)
    np.testing.assert_array_equal(
        np.asarray(loaded.predictions, "float32"), np.load(npz)["predictions"]
    )


def test_plain_keras_does_not_find_it(
    files: tuple[Path, Path], way: str, shelf: Shelf, fork_server: ForkServer
) -> None:
    """With the hooks off none of the files is loaded: the activation is found in no place."""
    failed = observe(fork_server.run, files[0], path=[shelf(PROJECT)], env=plain)

    assert WAYS[way][1].partition(">")[2] in failed.text
