"""S18: saved under mixed precision or another backend, loaded with the default policy.

A manifest names the backend and its version, and no device: neither configs nor weights depend on
it, and what is saved on a GPU is byte for byte what the same weights give on the CPU.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.scenarios.archives import read_manifest_document
from tests.scenarios.observing import QUIET, normalised, observe, plain
from tests.scenarios.typed_layers import PROJECT, TELL, TOLD
from tests.support.golden import check_golden
from tests.support.processes import run_python

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.distributions import PluginProject
    from tests.support.processes import ForkServer

    Shelf = Callable[[PluginProject], Path]

SAVE = f"""\
{QUIET}
import json, sys

import keras
import numpy as np

import keras_registry
from acme_typed import Curt, Pair, Scaled

keras.utils.set_random_seed(18)
keras.config.set_dtype_policy(sys.argv[2])
by_layer = keras.dtype_policies.DTypePolicyMap(default_policy="mixed_bfloat16")
by_layer[".*own"] = keras.DTypePolicy("float32")
model = keras.Sequential(
    [
        keras.layers.Input((4,)),
        Scaled(4, name="scaled"),
        Curt(3),
        Pair(Scaled(3, name="inner"), name="pair"),
        Pair(Scaled(3, name="other"), dtype=by_layer, name="map"),
        keras.layers.Dense(2, name="dense"),
        keras.layers.Dense(2, dtype="float32", name="head"),
    ]
)
model.compile("sgd", "mean_squared_error")
x = np.random.default_rng(18).normal(size=(8, 4)).astype("float32")
model.fit(x, x[:, :2], verbose=0)
for suffix in (".keras", ".h5"):
    model.save(sys.argv[1] + suffix)
np.savez(sys.argv[1] + ".npz", x=x, predictions=model.predict(x, verbose=0))
{TOLD}
layers = model._flatten_layers(include_self=False)
print(json.dumps([told(x) for x in layers if x.name != "input_layer"]))
"""
"""Arguments: the path without an ending; the policy of the program."""

SEE = f"""{TELL}
seen["optimizer"] = type(model.optimizer).__name__
"""


@pytest.fixture(params=[".keras", ".h5"])
def suffix(request: pytest.FixtureRequest) -> str:
    """The ending of the file."""
    return request.param


@pytest.fixture(scope="module", params=["mixed_float16", "mixed_bfloat16"])
def saved(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    shelf: Shelf,
    fork_server: ForkServer,
) -> tuple[str, Path, list[list[str]]]:
    """A policy, the path of a model that was trained under it, and what its layers have."""
    policy, path = request.param, tmp_path_factory.mktemp("mixed") / "model"
    told = fork_server.run(SAVE, argv=[path, policy], path=[shelf(PROJECT)]).json()
    return policy, path, told


def test_policies_are_those_of_the_file(
    saved: tuple[str, Path, list[list[str]]], suffix: str, shelf: Shelf, fork_server: ForkServer
) -> None:
    """Where float32 is the default, each layer computes as it did, and the loss is scaled again."""
    policy, path, told = saved

    loaded = observe(
        fork_server.run,
        path.with_suffix(suffix),
        path=[shelf(PROJECT)],
        inputs=path.with_suffix(".npz"),
        prelude="assert keras.config.dtype_policy().name == 'float32'",
        epilogue=SEE,
    )

    assert loaded.before == ()
    assert loaded.is_silent(), loaded.raw
    assert loaded.findings == ()
    assert loaded.raw["verified"] == ["layers", "optimizer"]
    assert [layer for layer in loaded.raw["told"] if layer[0] != "input_layer"] == told
    low = policy.removeprefix("mixed_")
    assert [(name, compute) for name, _, compute, _ in told] == [
        ("scaled", low),
        ("curt", low),
        ("pair", low),
        ("own", low),
        ("inner", low),
        ("map", "bfloat16"),
        ("own", "float32"),
        ("other", low),
        ("dense", low),
        ("head", "float32"),
    ]
    scaled = "LossScaleOptimizer" if policy == "mixed_float16" else "SGD"
    assert loaded.raw["optimizer"] == scaled
    np.testing.assert_array_equal(
        np.asarray(loaded.predictions, "float32"), np.load(path.with_suffix(".npz"))["predictions"]
    )


SCALED = f"""\
{QUIET}
import json, sys, warnings

import keras
import numpy as np

import keras_registry

x = np.ones((4, 4), "float32")


def see(model):
    scale = getattr(model.optimizer, "dynamic_scale", None)
    try:
        model.fit(x, x[:, :2], verbose=0)
        trained = "trained"
    except Exception as error:
        trained = type(error).__name__
    return [type(model.optimizer).__name__, None if scale is None else float(scale), trained]


if sys.argv[2] == "save":
    keras.config.set_dtype_policy("mixed_float16")
    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(2)])
    model.compile("sgd", "mean_squared_error")
    model.fit(x, x[:, :2], verbose=0)
    model.optimizer.dynamic_scale.assign(1024.0)
    for suffix in (".keras", ".h5"):
        model.save(sys.argv[1] + suffix)
else:
    warnings.simplefilter("ignore")
    load = keras.saving.load_model
    print(json.dumps({{x: see(load(sys.argv[1] + x)) for x in (".keras", ".h5")}}))
"""


def test_plain_keras_forgets_the_scale_of_the_loss(fork_server: ForkServer, tmp_path: Path) -> None:
    """Plain Keras loads its own files of Keras's own layers without the state, or trains none.

    The ``.keras`` file does not say that the loss was scaled; for a ``.h5`` file the optimizer is
    built for no variables. What was saved with the hooks on, plain Keras restores from ``.keras``.
    """
    path = tmp_path / "plain"

    fork_server.run(SCALED, argv=[path, "save"], env=plain).check()
    theirs = fork_server.run(SCALED, argv=[path, "load"], env=plain).json()
    fork_server.run(SCALED, argv=[path, "save"]).check()
    crossed = fork_server.run(SCALED, argv=[path, "load"], env=plain).json()
    ours = fork_server.run(SCALED, argv=[path, "load"]).json()

    saved = ["LossScaleOptimizer", 1024.0, "trained"]
    assert ours == {".keras": saved, ".h5": saved}
    assert crossed[".keras"] == saved
    assert theirs[".keras"] == ["SGD", None, "trained"]
    for found in (theirs, crossed):
        assert found[".h5"][0] == "LossScaleOptimizer"
        assert "Error" in found[".h5"][2]


@pytest.fixture(scope="module")
def by_jax(tmp_path_factory: pytest.TempPathFactory, shelf: Shelf) -> Path:
    """The path, without an ending, of what an interpreter under JAX has saved."""
    path = tmp_path_factory.mktemp("jax") / "model"
    argv = [path, "mixed_bfloat16"]
    run_python(SAVE, argv=argv, path=[shelf(PROJECT)], backend="jax").check()
    return path


def test_jax_is_noted(by_jax: Path, suffix: str, shelf: Shelf, fork_server: ForkServer) -> None:
    """Saved under JAX: the report notes it, and each policy is as it was saved."""
    path = by_jax.with_suffix(suffix)

    loaded = observe(fork_server.run, path, path=[shelf(PROJECT)], epilogue=SEE)

    assert read_manifest_document(path)["environment"]["backend"] == "jax"
    assert loaded.is_silent(), loaded.raw
    assert loaded.codes == ["K102"]
    report = normalised(loaded.raw["report"])
    check_golden("scenarios/s18", report, replace={str(path): "FILE"})
    computes = [compute for _, _, compute, _ in loaded.raw["told"] if compute]
    assert computes.count("bfloat16") == 8


def test_plain_keras_says_nothing_of_jax(
    by_jax: Path, suffix: str, shelf: Shelf, fork_server: ForkServer
) -> None:
    """With the hooks off the layers are not found; of the backend plain Keras says nothing."""
    path = by_jax.with_suffix(suffix)

    failed = observe(fork_server.run, path, path=[shelf(PROJECT)], env=plain)

    assert "Scaled" in failed.text
    assert "jax" not in failed.text
