"""Every way out of a process and back: programs that save each kind of object, and load it."""

from __future__ import annotations

from tests.scenarios.all_kinds import BUILD
from tests.scenarios.observing import QUIET

__all__ = ["FILES", "LOAD", "SAVE", "WITHOUT_WEIGHTS"]

FILES = (
    "zip.keras",
    "folder",
    "legacy.h5",
    "legacy.hdf5",
    "checkpoint.keras",
    "checkpoint.h5",
    "pickle",
)
"""The ways by which a model comes back with its weights."""

WITHOUT_WEIGHTS = ("json", "config")
"""The ways by which only the config travels."""

SAVE = f"""\
{QUIET}
import json
import pickle
import sys
import warnings
from pathlib import Path

{BUILD}
import keras_registry

logging.getLogger("tensorflow").setLevel(logging.ERROR)  # that many models are traced
logging.getLogger("keras_registry").disabled = True  # what it says is noted below
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
for kind in sys.argv[2:] or MODELS:
    model = MODELS[kind]()
    target = folder / kind
    target.mkdir()
    said = {{}}
    for route, save in SAVERS.items():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            save(model, str(target / route))
        said[route] = [w.message.finding.code for w in caught if hasattr(w.message, "finding")]
    expected[kind] = {{
        "predictions": keras.ops.convert_to_numpy(model(x)).tolist(),
        "config": keras.saving.serialize_keras_object(model),
        "said": said,
    }}
(folder / "expected.json").write_text(json.dumps(expected))
"""
"""Arguments: a folder; the kinds to save, by default all."""

LOAD = f"""\
{QUIET}
import json
import os
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
folder = Path(sys.argv[1])
x = np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3)
assert "acme_kinds" not in sys.modules


def load(path):
    if path.name == "pickle":
        return pickle.loads(path.read_bytes())
    if path.name == "json":
        return keras.models.model_from_json(path.read_text())
    if path.name == "config":
        return keras.saving.deserialize_keras_object(json.loads(path.read_text()))
    return keras.saving.load_model(path)


def observed(path):
    try:
        model = load(path)
    except Exception as error:
        return {{"error": f"{{type(error).__name__}}: {{error}}"}}
    report = keras_registry.report(model)
    return {{
        "verified": None if report is None else list(report.verified),
        "findings": [] if report is None else [item.code for item in report.findings],
        "predictions": keras.ops.convert_to_numpy(model(x)).tolist(),
        "config": keras.saving.serialize_keras_object(model),
    }}


def apart(path):
    read, write = os.pipe()
    if os.fork() == 0:
        with open(write, "w") as answer:
            json.dump(observed(path), answer)
        os._exit(0)
    os.close(write)
    with open(read) as answer:
        return json.load(answer)


kinds, routes = (json.loads(text) for text in sys.argv[2:4])
observe = apart if "apart" in sys.argv and hasattr(os, "fork") else observed
print(json.dumps([[kind, r, observe(folder / kind / r)] for kind in kinds for r in routes]))
"""
"""Arguments: the folder; kinds and routes, as JSON; `apart` for a process for each of them."""
