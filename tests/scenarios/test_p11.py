"""P11: a model that was compiled with ``loss="mse"``, in ``.h5``: it loads back compiled.

In ``.keras`` Keras does it by itself, and the hooks change nothing about that.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from keras_registry.artifact import read_artifact
from tests.scenarios.observing import QUIET, plain

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.processes import ForkServer

LOSSES = {
    "mse": ("'mse'", "mean_squared_error"),
    "upper case": ("'MSE'", "mean_squared_error"),
    "whole name": ("'mean_absolute_error'", "mean_absolute_error"),
    "list": ("['MAE']", "mean_absolute_error"),
}
"""What is given to `compile`, and the function that it means."""

SAVE = f"""\
{QUIET}
import json, sys

import keras
import numpy as np

import keras_registry

keras.utils.set_random_seed(11)
model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3), keras.layers.Dense(2)])
model.compile("adam", loss=_LOSS_)
x, y = np.eye(4, dtype="float32"), np.ones((4, 2), "float32")
model.fit(x, y, verbose=0)
model.save(sys.argv[1])


def told(model):
    return dict(
        state=[np.asarray(v).tolist() for v in model.optimizer.variables],
        optimizer=type(model.optimizer).__name__,
        losses=model.fit(x, y, verbose=0, shuffle=False, epochs=3).history["loss"],
    )


print(json.dumps(told(model)))
"""
LOAD = f"""\
{SAVE.partition("keras.utils")[0]}
{SAVE[SAVE.index("def told") : SAVE.index("print")]}
x, y = np.eye(4, dtype="float32"), np.ones((4, 2), "float32")
seen = {{"error": None}}
try:
    model = keras.saving.load_model(sys.argv[1])
    loss = model.loss[0] if isinstance(model.loss, list) else model.loss
    seen["loss"] = getattr(loss, "__name__", loss)
    seen |= told(model)
except Exception as error:
    seen["error"] = f"{{type(error).__name__}}: {{error}}"
else:
    report = keras_registry.report(model)
    seen["verified"], seen["codes"] = report.verified, [item.code for item in report.findings]
print(json.dumps(seen))
"""


def save(fork_server: ForkServer, file: Path, loss: str, *, env: dict[str, str] | None = None):
    """Train and save a model, and return what its optimizer has and how it goes on."""
    return fork_server.run(SAVE.replace("_LOSS_", LOSSES[loss][0]), argv=[file], env=env).json()


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize("loss", ["mse", "list"])
def test_loads_back_compiled(
    loss: str, suffix: str, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Loss and optimizer are back, with the optimizer's state: training goes on alike."""
    file = tmp_path / f"model{suffix}"
    saved = save(fork_server, file, loss)

    loaded = fork_server.run(LOAD, argv=[file]).json()

    assert len(saved["state"]) == 10
    assert {name: loaded[name] for name in saved} == saved
    if suffix == ".h5":  # where the names are made whole when the model is saved
        assert loaded["loss"] == LOSSES[loss][1]
    assert (loaded["verified"], loaded["codes"]) == (["layers", "optimizer"], [])


def test_plain_keras_cannot_read_its_own_file(fork_server: ForkServer, tmp_path: Path) -> None:
    """Plain Keras fails on the file that it wrote; with the hooks that file is loaded, compiled."""
    file = tmp_path / "model.h5"
    saved = save(fork_server, file, "mse", env=plain)

    ours = fork_server.run(LOAD, argv=[file]).json()
    theirs = fork_server.run(LOAD, argv=[file], env=plain).json()

    assert "Could not deserialize 'keras.metrics.mse'" in theirs["error"]
    assert ours["state"] == saved["state"]
    assert (ours["loss"], ours["codes"]) == ("mean_squared_error", ["M101"])


@pytest.mark.parametrize("loss", LOSSES)
def test_plain_keras_reads_what_is_saved_with_the_hooks(
    loss: str, fork_server: ForkServer, tmp_path: Path
) -> None:
    """The file has the whole name, by which plain Keras finds the loss: it needs nothing of us.

    Training goes on with the hooks alone: the optimizer that Keras makes does not fit the model.
    """
    file = tmp_path / "model.h5"
    save(fork_server, file, loss)

    theirs = fork_server.run(LOAD, argv=[file], env=plain).json()

    assert theirs["loss"] == LOSSES[loss][1]
    assert theirs["error"] is not None
    assert "losses" not in theirs
    artifact = read_artifact(file).artifact
    assert artifact is not None
    assert LOSSES[loss][1] in json.dumps(artifact.config["training_config"]["loss"])
