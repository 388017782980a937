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
logging.getLogger("absl").setLevel(logging.ERROR)  # that metrics are built at the first batch
folder, kind, route = Path(sys.argv[1]), *sys.argv[2:]
path = folder / kind / route
x = np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3)
assert "acme_kinds" not in sys.modules
LOADERS = {
    "pickle": lambda: pickle.loads(path.read_bytes()),
    "json": lambda: keras.models.model_from_json(path.read_text()),
    "config": lambda: keras.saving.deserialize_keras_object(json.loads(path.read_text())),
}
try:
    model = LOADERS.get(route, lambda: keras.saving.load_model(path))()
except Exception as error:
    print(json.dumps({"error": f"{type(error).__name__}: {error}"}))
else:
    report = keras_registry.report(model)
    print(json.dumps({
        "verified": None if report is None else list(report.verified),
        "findings": [] if report is None else [item.code for item in report.findings],
        "predictions": np.asarray(model(x)).tolist(),
        "config": keras.saving.serialize_keras_object(model),
    }))
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


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("route", FILES)
def test_file(
    route: str,
    kind: str,
    saved: tuple[Path, dict[str, Any]],
    site: Path,
    fork_server: ForkServer,
) -> None:
    """The model, its weights and its compiled state are back, and verified."""
    folder, expected = saved

    loaded = fork_server.run(LOAD, argv=[folder, kind, route], path=[site]).json()

    assert "error" not in loaded, loaded["error"]
    assert loaded["predictions"] == expected[kind]["predictions"]
    assert loaded["findings"] == []
    assert loaded["verified"] == ["layers", *(["optimizer"] if kind in COMPILED else [])]
    assert without_ids(loaded["config"]) == without_ids(expected[kind]["config"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("route", WITHOUT_WEIGHTS)
def test_config(
    route: str,
    kind: str,
    saved: tuple[Path, dict[str, Any]],
    site: Path,
    fork_server: ForkServer,
) -> None:
    """Where only the config travels, the same objects are built of it."""
    folder, expected = saved

    loaded = fork_server.run(LOAD, argv=[folder, kind, route], path=[site]).json()

    assert "error" not in loaded, loaded["error"]
    assert without_ids(loaded["config"]) == without_ids(expected[kind]["config"])


@pytest.mark.parametrize("route", [*FILES, *WITHOUT_WEIGHTS])
def test_plain_keras_loads_none(
    route: str, saved: tuple[Path, dict[str, Any]], site: Path, fork_server: ForkServer
) -> None:
    """Without the hooks, Keras finds the installed plugin by none of these ways."""
    loaded = fork_server.run(LOAD, argv=[saved[0], "layer", route], path=[site], env=plain).json()

    assert "Gate" in loaded["error"]
