"""Every way out of a process and back: each kind of object, saved here, loaded in a fresh process.

A file in each container, Keras's callbacks, pickling and JSON: the process that loads has never
imported the plugin, and gets the same model without a word.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.scenarios.all_kinds import BUILD, KINDS, PROJECT
from tests.scenarios.observing import install, plain
from tests.support.processes import run_python

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.processes import ForkServer

SAVE = f"""\
import json
import logging
import pickle
import sys
from pathlib import Path

{BUILD}
import keras_registry

logging.getLogger("absl").setLevel(logging.ERROR)  # that HDF5 is considered legacy
logging.getLogger("tensorflow").setLevel(logging.ERROR)  # that many models are traced
keras.utils.set_random_seed(3)
folder = Path(sys.argv[1])
x = np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3)
expected = {{}}


def checkpoint(model, path):
    keep = keras.callbacks.ModelCheckpoint(path)
    keep.set_model(model)
    keep.on_epoch_end(0, dict())


SAVERS = {{
    "zip.keras": lambda model, path: model.save(path),
    "folder": lambda model, path: model.save(path, zipped=False),
    "legacy.h5": lambda model, path: model.save(path),
    "legacy.hdf5": lambda model, path: keras.models.save_model(
        model, path, overwrite=True, include_optimizer=True
    ),
    "checkpoint.keras": checkpoint,
    "checkpoint.h5": checkpoint,
    "pickle": lambda model, path: Path(path).write_bytes(pickle.dumps(model)),
    "json": lambda model, path: Path(path).write_text(model.to_json()),
    "config": lambda model, path: Path(path).write_text(
        json.dumps(keras.saving.serialize_keras_object(model))
    ),
}}
for kind, make in MODELS.items():
    model = make()
    target = folder / kind
    target.mkdir()
    for route, save in SAVERS.items():
        save(model, str(target / route))
    optimizer = getattr(model, "optimizer", None)
    expected[kind] = {{
        "predictions": np.asarray(model(x)).tolist(),
        "config": keras.saving.serialize_keras_object(model),
    }}
(folder / "expected.json").write_text(json.dumps(expected))
"""

LOAD = """\
import json
import logging
import pickle
import sys
import warnings
from pathlib import Path

import keras
import numpy as np

import keras_registry

warnings.simplefilter("error")
# TensorFlow's, whenever Keras turns one of its variables into an array under NumPy 2.
warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
logging.getLogger("absl").setLevel(logging.ERROR)  # that metrics are built at the first batch
folder = Path(sys.argv[1])
x = np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3)
assert "acme_kinds" not in sys.modules


def load(kind, route):
    path = folder / kind / route
    if route == "pickle":
        return pickle.loads(path.read_bytes())
    if route == "json":
        return keras.models.model_from_json(path.read_text())
    if route == "config":
        return keras.saving.deserialize_keras_object(json.loads(path.read_text()))
    return keras.saving.load_model(path)


def observed(kind, route):
    try:
        model = load(kind, route)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
    report = keras_registry.report(model)
    return {
        "verified": None if report is None else list(report.verified),
        "findings": [] if report is None else [item.code for item in report.findings],
        "predictions": np.asarray(model(x)).tolist(),
        "config": keras.saving.serialize_keras_object(model),
    }


kinds, routes = (json.loads(text) for text in sys.argv[2:])
print(json.dumps([[kind, route, observed(kind, route)] for kind in kinds for route in routes]))
"""

FILES = (
    "zip.keras",
    "folder",
    "legacy.h5",
    "legacy.hdf5",
    "checkpoint.keras",
    "checkpoint.h5",
    "pickle",
)
WITHOUT_WEIGHTS = ("json", "config")
COMPILED = frozenset({"loss", "loss function", "metric", "optimizer", "schedule"})


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plugin distribution, installed from its wheel."""
    return install(PROJECT, tmp_path_factory.mktemp("kinds"))


@pytest.fixture(scope="module")
def saved(
    tmp_path_factory: pytest.TempPathFactory, site: Path, fork_server: ForkServer
) -> tuple[Path, dict[str, Any]]:
    """A folder with each model saved in each way, and what they are expected to be."""
    folder = tmp_path_factory.mktemp("saved")
    done = fork_server.run(SAVE, argv=[folder], path=[site]).check()
    assert done.messages == ""
    return folder, json.loads((folder / "expected.json").read_text(encoding="utf-8"))


def without_ids(config: Any) -> Any:
    """A config without the numbers by which Keras knows shared objects, which are addresses."""
    if isinstance(config, dict):
        return {
            name: without_ids(value)
            for name, value in config.items()
            if name not in {"shared_object_id", "build_config"}
        }
    return [without_ids(item) for item in config] if isinstance(config, list) else config


def check(kind: str, route: str, loaded: dict[str, Any], expected: dict[str, Any]) -> None:
    """Assert that what was loaded is what was saved, and was verified."""
    assert "error" not in loaded, loaded["error"]
    assert without_ids(loaded["config"]) == without_ids(expected[kind]["config"])
    if route in FILES:
        assert loaded["predictions"] == expected[kind]["predictions"]
        assert loaded["findings"] == []
        assert loaded["verified"] == ["layers", *(["optimizer"] if kind in COMPILED else [])]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("route", [*FILES, *WITHOUT_WEIGHTS])
def test_fresh_process(
    route: str,
    kind: str,
    saved: tuple[Path, dict[str, Any]],
    site: Path,
    fork_server: ForkServer,
) -> None:
    """The model, its weights and its compiled state are back, and verified.

    Where only the config travels, the same objects are built of it.
    """
    folder, expected = saved
    argv = [str(folder), json.dumps([kind]), json.dumps([route])]

    ((_, _, loaded),) = fork_server.run(LOAD, argv=argv, path=[site]).json()

    check(kind, route, loaded, expected)


def test_jax(tmp_path: Path, site: Path) -> None:
    """All of them under JAX, from one interpreter to another."""
    routes = [*FILES, *WITHOUT_WEIGHTS]
    run_python(SAVE, argv=[tmp_path], path=[site], backend="jax").check()
    expected = json.loads((tmp_path / "expected.json").read_text(encoding="utf-8"))
    argv = [str(tmp_path), json.dumps(KINDS), json.dumps(routes)]

    found = run_python(LOAD, argv=argv, path=[site], backend="jax").json()

    assert len(found) == len(KINDS) * len(routes)
    for kind, route, loaded in found:
        check(kind, route, loaded, expected)


@pytest.mark.parametrize("route", [*FILES, *WITHOUT_WEIGHTS])
def test_plain_keras_loads_none(
    route: str, saved: tuple[Path, dict[str, Any]], site: Path, fork_server: ForkServer
) -> None:
    """Without the hooks, Keras finds the installed plugin by none of these ways."""
    argv = [str(saved[0]), json.dumps(["layer"]), json.dumps([route])]

    ((_, _, loaded),) = fork_server.run(LOAD, argv=argv, path=[site], env=plain).json()

    assert "Gate" in loaded["error"]
