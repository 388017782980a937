"""P14: a file from a newer Keras whose extra arguments equal the default there loads, with a word.

The files of Keras 3.15.1 are real; an older Keras than that leaves something out of them, and the
tests hold under each. That there is something to leave out under the newest Keras, too, it is told
of an argument that no release has yet.
"""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import keras
import numpy as np
import pytest
from packaging.version import Version

from keras_registry.artifact import read_artifact, replace_h5_config, replace_h5_manifest
from keras_registry.hashes import hash_json
from tests.scenarios.archives import write_archive
from tests.scenarios.observing import QUIET, observe, plain
from tests.support.golden import check_golden

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.scenarios.observing import Observed
    from tests.support.processes import ForkServer

COMPAT = Path(__file__).resolve().parents[1] / "compat" / "keras-3.15.1"
INSTALLED = keras.__version__
IS_OLDER = Version(INSTALLED) < Version("3.15")

DEFAULTS = ("transformer.keras", "adam.keras", "adam.h5", "nested.h5")
NEEDING = [
    (f"{name}{suffix}", since, code)
    for name, since, code in (("pooling", "3.13", "K110"), ("renorm", "3.14", "K103"))
    for suffix in (".keras", ".h5")
]


def inputs_of(file: Path, folder: Path) -> Path:
    """Return a file with the inputs under the name that `observe` looks for."""
    target = folder / f"{file.stem}.npz"
    np.savez(target, x=np.load(file.with_suffix(".npz"))["x0"])
    return target


def assert_as_saved(loaded: Observed, file: Path) -> None:
    """Check that a model predicts what Keras 3.15.1 predicted."""
    wanted = np.load(file.with_suffix(".npz"))["predictions"]
    np.testing.assert_allclose(loaded.predictions, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", DEFAULTS)
def test_file_of_a_newer_keras_loads(name: str, fork_server: ForkServer, tmp_path: Path) -> None:
    """It loads and predicts the same; a Keras that knows all of it loads it in silence."""
    file = COMPAT / name

    loaded = observe(fork_server.run, file, inputs=inputs_of(file, tmp_path))

    assert [code for _, code, *_ in loaded.warnings] == (["K109"] if IS_OLDER else [])
    assert set(loaded.codes) == {"M101", *(["K101", "K109"] if IS_OLDER else [])}
    assert loaded.raw["compiled"] == name.startswith("adam")
    assert_as_saved(loaded, file)


@pytest.mark.parametrize(("name", "since", "code"), NEEDING)
def test_file_that_needs_a_newer_keras_stops(
    name: str, since: str, code: str, fork_server: ForkServer, tmp_path: Path
) -> None:
    """A value that is no default, or a new class, stops before anything is built."""
    file = COMPAT / name

    loaded = observe(fork_server.run, file, inputs=inputs_of(file, tmp_path))

    if Version(INSTALLED) < Version(since):
        assert [found for found, level in loaded.findings if level == "error"] == [code]
        assert "keras 3.15.1" in loaded.text
        assert f"keras {INSTALLED}" in loaded.text
        assert f'pip install "keras>={since}.0"' in loaded.text
    else:
        assert loaded.warnings == ()
        assert_as_saved(loaded, file)


# --- an argument of the future ----------------------------------------------------------------

FUTURE = """
from keras_registry import keras_arguments as table

since = {"since": "3.98.0", "default": None}
table.CLASSES.clear()
table.CLASSES["keras.layers.Gazing"] = "3.98.0"
table.ARGUMENTS.clear()
table.ARGUMENTS |= {
    "keras.layers.Dense": {"mirrored": since, "tilt": {"since": "3.97.0", "default": [0.5, "x"]}},
    "keras.initializers.GlorotUniform": {"spin": {"since": "3.98.0", "default": False}},
    "keras.optimizers.Adam": {"lookahead": {"since": "3.98.0", "default": 1}},
}
"""
"""Makes the table what it may be one day, before any file is read."""

EXTRA: dict[str, dict[str, Any]] = {
    "Dense": {"mirrored": None, "tilt": [0.5, "x"]},
    "Mine": {"mirrored": None},
    "GlorotUniform": {"spin": False},
    "Adam": {"lookahead": 1},
}

CLASSES = """
import keras

import keras_registry
from keras_registry import types as t


@keras_registry.register("acme")
class Holder(keras.layers.Layer):
    def __init__(self, inner: t.Layer, **kwargs):
        print("made")
        super().__init__(**kwargs)
        self.inner = inner

    def build(self, shape):
        if not self.inner.built:
            self.inner.build(shape)

    def call(self, inputs):
        return self.inner(inputs)


@keras_registry.register("acme")
class Mine(keras.layers.Dense):
    def __init__(self, units: int, bend: float = 1.0, **kwargs):
        super().__init__(units, **kwargs)
        self.bend = bend
"""
SAVE = f"""\
{QUIET}
import sys

import numpy as np
{CLASSES}
keras.utils.set_random_seed(14)
model = keras.Sequential(
    [
        keras.layers.Input((4,)),
        keras.layers.Dense(3, name="first"),
        Holder(keras.layers.Dense(3, name="inner"), name="holder"),
        Mine(3, name="mine"),
        keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(2, name="deep")], name="in"),
    ]
)
model.compile("adam", "mean_squared_error")
x = np.random.default_rng(14).normal(size=(5, 4)).astype("float32")
model.fit(x, np.ones((5, 2)), verbose=0)
for path in sys.argv[2:]:
    model.save(path, **({{"zipped": False}} if path.endswith("new") else {{}}))
np.savez(sys.argv[1], x=x, predictions=model.predict(x, verbose=0))
"""
FORMS = ("new.keras", "new.h5", "new")


def age(node: Any) -> None:
    """Let a config be one that a Keras of the future wrote."""
    if isinstance(node, list):
        for item in node:
            age(item)
    elif isinstance(node, dict):
        inner = node.get("config")
        if isinstance(inner, dict):
            inner |= EXTRA.get(str(node.get("class_name")).rpartition(">")[2], {})
        for item in list(node.values()):
            age(item)


def rewrite(file: Path, change: Callable[[Any], None]) -> None:
    """Change the config of a model of the future in place; its manifest agrees with it."""
    artifact = read_artifact(file).artifact
    assert artifact is not None
    assert artifact.metadata is not None
    config, metadata = artifact.config, artifact.metadata
    change(config)
    metadata["keras_version"] = "3.99.0"
    metadata["keras_registry"]["config"] = hash_json(config)
    metadata["keras_registry"]["environment"]["keras"] = "3.99.0"
    if file.suffix == ".keras":
        contents = {"config.json": json.dumps(config), "metadata.json": json.dumps(metadata)}
        write_archive(file, {**read_members(file), **contents})
    elif file.suffix == ".h5":
        with h5py.File(file, "r+") as opened:
            for part, value in config.items():
                replace_h5_config(opened, part, value)
            replace_h5_manifest(opened, metadata["keras_registry"])
    else:
        (file / "config.json").write_text(json.dumps(config), encoding="utf-8")
        (file / "metadata.json").write_text(json.dumps(metadata), encoding="utf-8")


def read_members(file: Path) -> dict[str, bytes]:
    """Return the members of a `.keras` file."""
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def future(fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one model of a Keras of the future, in each form, and its predictions."""
    folder = tmp_path_factory.mktemp("future")
    files = [folder / name for name in FORMS]
    fork_server.run(SAVE, argv=[folder / "new.npz", *files]).check()
    for file in files:
        rewrite(file, age)
    return folder


def shown(text: str, folder: Path) -> str:
    """Return a message without what differs from one machine to the next."""
    return text.replace(str(folder), "FOLDER").replace(INSTALLED, "INSTALLED")


@pytest.mark.parametrize("name", FORMS)
def test_defaults_of_the_future_are_left_out(
    name: str, future: Path, fork_server: ForkServer
) -> None:
    """In each form of file: of inner layers, initializers, optimizers and derived classes."""
    loaded = observe(
        fork_server.run, future / name, inputs=future / "new.npz", prelude=FUTURE + CLASSES
    )

    assert [code for _, code, *_ in loaded.warnings] == ["K109"]
    np.testing.assert_array_equal(loaded.predictions, np.load(future / "new.npz")["predictions"])
    assert set(loaded.raw["verified"]) >= {"layers", "optimizer"}
    assert loaded.raw["compiled"]
    check_golden(f"scenarios/p14_{name}", shown(loaded.warnings[0][2], future))


@pytest.mark.parametrize("name", FORMS)
def test_plain_keras_stops_at_defaults(name: str, future: Path, fork_server: ForkServer) -> None:
    """Plain Keras stops at an argument that it does not know, whatever its value is."""
    loaded = observe(fork_server.run, future / name, env=plain, prelude=CLASSES)

    assert "Unrecognized keyword arguments" in loaded.text
    assert "3.99.0" not in loaded.text


@pytest.mark.parametrize("policy", ["strict", "permissive"])
def test_policy_decides(policy: str, future: Path, fork_server: ForkServer) -> None:
    """The strict policy stops for what would be left out, and the permissive one still warns."""
    loaded = observe(
        fork_server.run,
        future / "new.keras",
        prelude=FUTURE + CLASSES,
        env={"KERAS_REGISTRY_POLICY": policy},
    )

    assert (loaded.error is not None) == (policy == "strict")
    level = "error" if policy == "strict" else "warning"
    assert ("K109", level) in loaded.findings
    assert ("made\n" in loaded.done.stdout) == (policy == "permissive")


def with_value(config: Any) -> None:
    """Give arguments of the future values that are no defaults."""
    layers = config.get("model_config", config)["config"]["layers"]
    layers[1]["config"]["tilt"] = [0.5, "y"]
    layers[2]["config"]["inner"]["config"]["mirrored"] = "left"


def with_class(config: Any) -> None:
    """Use a layer of the future."""
    config.get("model_config", config)["config"]["layers"][1]["class_name"] = "Gazing"


CHANGES = {"value": with_value, "class": with_class}


# The names of a `.h5` file are those of `keras_names.py`: to them, a class of the future is custom.
@pytest.mark.parametrize(
    ("name", "change"), [(name, "value") for name in FORMS] + [("new.keras", "class")]
)
def test_other_values_stop_before_anything_is_built(
    name: str, change: str, future: Path, fork_server: ForkServer, tmp_path: Path
) -> None:
    """The error names object, place, value and both versions, and what to install."""
    file = tmp_path / name
    (shutil.copytree if (future / name).is_dir() else shutil.copy)(future / name, file)
    rewrite(file, CHANGES[change])

    loaded = observe(fork_server.run, file, prelude=FUTURE + CLASSES)

    assert "made" not in loaded.done.stdout
    check_golden(f"scenarios/p14_{change}_{name}", shown(loaded.text, tmp_path))


def test_compiled_state_of_the_future_may_be_skipped(
    future: Path, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Where only the optimizer cannot be made, the model loads without its compiled state."""

    def look_farther(config: Any) -> None:
        config["compile_config"]["optimizer"]["config"]["lookahead"] = 2

    file = Path(shutil.copy(future / "new.keras", tmp_path / "new.keras"))
    rewrite(file, look_farther)
    run, prelude = fork_server.run, FUTURE + CLASSES

    stopped = observe(run, file, prelude=prelude)
    uncompiled = observe(run, file, prelude=prelude, compile=False)
    load = "keras_registry.load_model"
    skipped = observe(run, file, prelude=prelude, load=load, on_missing_compile="skip")

    assert [code for code, level in stopped.findings if level == "error"] == ["K103"]
    assert [code for _, code, *_ in uncompiled.warnings] == ["K109"]
    assert {code for _, code, *_ in skipped.warnings} == {"K109", "R108"}
    assert not skipped.raw["compiled"]


def test_class_of_the_caller_gets_its_arguments(future: Path, fork_server: ForkServer) -> None:
    """A class that replaces Keras's, as it can in `.h5`, is given all that the file has."""
    prelude = """
class Dense(keras.layers.Dense):
    def __init__(self, *args, mirrored=1, tilt=1, **kwargs):
        super().__init__(*args, **kwargs)
        assert (mirrored, tilt) == (None, [0.5, "x"]), (mirrored, tilt)
        print("mine")

objects["Dense"] = Dense
"""

    loaded = observe(fork_server.run, future / "new.h5", prelude=FUTURE + CLASSES + prelude)

    assert loaded.error is None
    assert loaded.done.stdout.count("mine\n") == 2
    assert "keras Dense (1 place" in loaded.warnings[0][2]  # which a registered layer holds
