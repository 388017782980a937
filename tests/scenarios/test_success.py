"""A load that succeeds prints nothing: no output, no warning, no record above DEBUG.

Eighteen models, saved in every way that Keras has, come back in a new interpreter in which every
warning is an error, and in processes that had imported Keras already.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.all_kinds import BUILD
from tests.scenarios.observing import QUIET
from tests.support.processes import run_python

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.processes import ForkServer

SAVE = f"""\
{QUIET}
import json
import pickle
import sys
from pathlib import Path

{BUILD}
import keras_registry

keras.utils.set_random_seed(12)
x = np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3)


def shared():
    inputs = keras.Input((3,))
    dense = L.Dense(3)
    return keras.Model(inputs, dense(dense(inputs)))


def adapted():
    layer = L.Normalization()
    layer.adapt(x)
    return stack(layer, L.Dense(2))


def mixed():
    return stack(L.Dense(2, dtype="mixed_bfloat16"))


def trained():
    model = stack(L.Dense(4, "relu"), L.Dropout(0.5, seed=1), L.Dense(2))
    return compiled(model, "adam", metrics=["mean_absolute_error"])


def weights():
    return stack(acme.Gate(2), L.Dense(2))


SAVED = {{
    "sequential.keras": lambda: stack(L.Dense(4, "relu"), L.BatchNormalization(), L.Dense(2)),
    "shared.keras": shared,
    "nested.keras": nested,
    "adapted.keras": adapted,
    "mixed.keras": mixed,
    "trained.keras": trained,
    "plugin.keras": MODELS["layer"],
    "plugin_trained.keras": MODELS["metric"],
    "subclassed.keras": MODELS["subclassed model"],
    "assets.keras": MODELS["assets"],
    "sequential.h5": lambda: stack(L.Dense(4, "relu"), L.Dense(2)),
    "nested.h5": nested,
    "trained.h5": trained,
    "subclassed.h5": MODELS["subclassed model"],
    "folder": MODELS["optimizer"],
    "plain.weights.h5": weights,
    "model.pickle": trained,
    "model.json": nested,
}}
expected = {{}}
for name, make in SAVED.items():
    model, path = make(), Path(name)
    if name == "folder":
        model.save(path, zipped=False)
    elif name.endswith(".weights.h5"):
        model.save_weights(path)
    elif path.suffix == ".pickle":
        path.write_bytes(pickle.dumps(model))
    elif path.suffix == ".json":
        path.write_text(model.to_json())
    else:
        model.save(path)
    predicted = None if path.suffix == ".json" else np.asarray(model(x)).tolist()
    expected[name] = predicted
Path("expected.txt").write_text(json.dumps(expected))
"""
"""Saves into the working directory, and what each model computes beside it."""

LOAD = f"""\
{QUIET}
import json
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
logging.getLogger("keras_registry").addHandler(logging.StreamHandler())
logging.getLogger("keras_registry").setLevel(logging.INFO)
assert not any(name.startswith("acme_kinds") for name in sys.modules)
x = np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3)
expected = json.loads(Path("expected.txt").read_text())
left = set(expected)


def load(path):
    if path.name.endswith(".weights.h5"):
        import acme_kinds.objects as acme
        layers = [keras.Input((3,)), acme.Gate(2), keras.layers.Dense(2)]
        model = keras.Sequential(layers)
        model.load_weights(path)
        return model
    if path.suffix == ".pickle":
        return pickle.loads(path.read_bytes())
    if path.suffix == ".json":
        return keras.models.model_from_json(path.read_text())
    return keras.saving.load_model(path)


for name in sys.argv[1:]:
    model = load(Path(name))
    if expected[name] is not None:
        assert np.allclose(np.asarray(model(x)), expected[name], rtol=1e-5), name
    left.remove(name)
sys.exit(len(left))  # as many as were not asked for
"""
"""Arguments: what to load from the working directory. It ends with the number of the others."""

NAMES = (
    "sequential.keras",
    "shared.keras",
    "nested.keras",
    "adapted.keras",
    "mixed.keras",
    "trained.keras",
    "plugin.keras",
    "plugin_trained.keras",
    "subclassed.keras",
    "assets.keras",
    "sequential.h5",
    "nested.h5",
    "trained.h5",
    "subclassed.h5",
    "folder",
    "plain.weights.h5",
    "model.pickle",
    "model.json",
)


@pytest.fixture(scope="module")
def folder(
    kinds_site: Path, fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder with a file for each load."""
    path = tmp_path_factory.mktemp("success")
    fork_server.run(SAVE, path=[kinds_site], cwd=path).check()
    assert set(json.loads((path / "expected.txt").read_text())) == set(NAMES)
    return path


@pytest.mark.parametrize("endings", [".keras", ".h5", ("folder", ".pickle", ".json")])
def test_load_prints_nothing(
    endings: str | tuple[str, ...], folder: Path, kinds_site: Path, fork_server: ForkServer
) -> None:
    """A load that succeeds writes to neither stream, and warns of nothing."""
    names = [name for name in NAMES if name.endswith(endings)]

    done = fork_server.run(LOAD, argv=names, path=[kinds_site], cwd=folder)

    assert (done.stdout, done.messages) == ("", "")
    assert done.returncode == len(NAMES) - len(names)


def test_new_interpreter_prints_nothing(folder: Path, kinds_site: Path) -> None:
    """All of them, one after the other in a new interpreter with `-W error`, print nothing."""
    ignored = "ignore:__array__ implementation:DeprecationWarning"  # as above

    done = run_python(
        LOAD,
        argv=NAMES,
        path=[kinds_site],
        cwd=folder,
        env={"PYTHONWARNINGS": f"error,{ignored}", "TF_CPP_MIN_LOG_LEVEL": "2"},
    )

    assert (done.stdout, done.messages) == ("", "")
    assert done.returncode == 0
