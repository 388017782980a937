"""S05: saved under another TensorFlow, or under another backend than the one that loads.

Where the model loads all the same, Keras is right to be silent, and so are we: it is noted. Where
it fails, plain Keras says nothing of the two backends.
"""

from __future__ import annotations

import re
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.scenarios.archives import read_manifest_document
from tests.scenarios.observing import QUIET, normalised, plain
from tests.support.distributions import PluginProject
from tests.support.golden import check_golden
from tests.support.processes import run_python

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.processes import ForkServer

TENSOR = '''\
"""A layer that calls TensorFlow; one of them says so."""

import keras

from keras_registry import register


class Base(keras.layers.Layer):
    def call(self, inputs):
        import tensorflow as tf

        return tf.nn.softplus(inputs)


@register("acme", backends=("tensorflow",))
class Declared(Base):
    """Says on which backend it runs."""


@register("acme")
class Undeclared(Base):
    """Does not say so."""
'''
PROJECT = PluginProject(
    name="acme-tensor",
    version="2.0.0",
    modules={"acme_tensor.py": TENSOR},
    entry_points={
        "keras_registry.layers": {
            "acme>Declared": "acme_tensor:Declared",
            "acme>Undeclared": "acme_tensor:Undeclared",
        }
    },
)
SAVE = f"""\
{QUIET}
import sys

import keras
import numpy as np
import tensorflow as tf

import keras_registry
from acme_tensor import Declared, Undeclared

x = np.linspace(-1, 1, 12, dtype="float32").reshape(3, 4)


def save(name, *between):
    keras.utils.set_random_seed(5)
    inputs = keras.layers.Input((4,))
    outputs = keras.layers.Dense(3, name="first")(inputs)
    for layer in between:
        outputs = layer(outputs)
    model = keras.Model(inputs, outputs)
    for ending in (".keras", ".h5"):
        model.save(f"{{sys.argv[1]}}/{{name}}{{ending}}")
    np.save(f"{{sys.argv[1]}}/{{name}}.npy", model.predict(x, verbose=0))


save("simple")
save("declared", Declared(name="soft"))
save("undeclared", Undeclared(name="soft"))
tf.__version__ = "2.11.0"  # what an older one would say
save("older", Undeclared(name="soft"))
"""
LOAD = f"""\
{QUIET}
import json, sys, warnings

import keras
import numpy as np

import keras_registry

warnings.simplefilter("error")
warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
x = np.linspace(-1, 1, 12, dtype="float32").reshape(3, 4)
if "lacking" in sys.argv:
    import tensorflow as tf

    del tf.nn.softplus  # what another one may not have
found = {{}}
for name in sys.argv[2:]:
    if name == "lacking":
        continue
    try:
        model = keras.saving.load_model(f"{{sys.argv[1]}}/{{name}}")
    except Exception as error:
        found[name] = {{"error": str(error)}}
    else:
        report = keras_registry.report(model)
        found[name] = {{
            "codes": [item.code for item in report.findings],
            "predictions": model.predict(x, verbose=0).tolist(),
        }}
print(json.dumps(found))
"""
ENDINGS = (".keras", ".h5")


@pytest.fixture(scope="module")
def site(shelf: Callable[[PluginProject], Path]) -> Path:
    """A folder with acme-tensor."""
    return shelf(PROJECT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, site: Path, fork_server: ForkServer) -> Path:
    """Models that were saved under TensorFlow: without a layer of its own, and with each."""
    made = tmp_path_factory.mktemp("saved")
    fork_server.run(SAVE, argv=[made], path=[site]).check()
    return made


def files(*names: str) -> list[str]:
    """The files of some models."""
    return [f"{name}{ending}" for name in names for ending in ENDINGS]


@pytest.fixture(scope="module")
def under_jax(folder: Path, site: Path) -> list[dict[str, Any]]:
    """What interpreters under JAX make of them: with the hooks, and without."""
    argv = [folder, *files("simple", "declared", "undeclared")]
    environments = ({}, plain)
    programs = (LOAD, LOAD.replace("report.findings", "()"))
    return [
        run_python(program, argv=argv, path=[site], env=env, backend="jax").json()
        for program, env in zip(programs, environments, strict=True)
    ]


@pytest.mark.parametrize("ending", ENDINGS)
def test_backend_is_recorded(folder: Path, ending: str) -> None:
    """The manifest has the backend and its version."""
    environment = read_manifest_document(folder / f"simple{ending}")["environment"]

    assert environment["backend"] == "tensorflow"
    assert environment["backend_version"] == version("tensorflow")


@pytest.mark.parametrize("ending", ENDINGS)
def test_another_backend_is_noted(
    folder: Path, under_jax: list[dict[str, Any]], ending: str
) -> None:
    """A model that runs anywhere loads under JAX without a word; the report has a note."""
    found = under_jax[0][f"simple{ending}"]

    assert found["codes"] == ["K102"]
    expected = np.load(folder / "simple.npy")
    np.testing.assert_allclose(found["predictions"], expected, rtol=1e-5)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("name", ["declared", "undeclared"])
def test_a_layer_for_tensorflow_alone(
    folder: Path, under_jax: list[dict[str, Any]], name: str, ending: str
) -> None:
    """Under JAX it is named before anything is built, or its failure with both backends."""
    ours, theirs = (found[f"{name}{ending}"]["error"] for found in under_jax)

    replace = {f"{folder}/": "", version("keras"): "VERSION"}
    check_golden(f"scenarios/s05_{name}{ending}", normalised(ours), replace=replace)
    assert "saved" not in theirs


@pytest.mark.parametrize("ending", ENDINGS)
def test_another_tensorflow_is_noted(
    folder: Path, site: Path, fork_server: ForkServer, ending: str
) -> None:
    """Another TensorFlow is noted, and told with a failure; plain Keras never tells of it."""
    argv = [folder, f"older{ending}"]
    fine = fork_server.run(LOAD, argv=argv, path=[site]).json()[f"older{ending}"]
    ours, theirs = (
        fork_server.run(LOAD, argv=[*argv, "lacking"], path=[site], env=env).json()
        for env in ({}, plain)
    )

    assert fine["codes"] == ["K113"]
    np.testing.assert_allclose(fine["predictions"], np.load(folder / "older.npy"), rtol=1e-6)
    text = re.sub(r"\bline \d+", "line N", ours[f"older{ending}"]["error"])
    replace = {f"{folder}/": "", version("keras"): "VERSION", version("tensorflow"): "HERE"}
    check_golden(f"scenarios/s05_older{ending}", text, replace=replace)
    assert "2.11.0" not in theirs[f"older{ending}"]["error"]
