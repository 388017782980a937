"""Trainings with a plugin layer that are interrupted, and go on as if they had not been."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.processes import ForkServer

TRAIN = """\
import json
import os
import sys
import warnings

import keras
import numpy as np

import keras_registry
from acme_layers.functions import swishy
from acme_layers.gated import GatedDense
from acme_layers.losses import Pinball

warnings.simplefilter("error")
# TensorFlow's, whenever Keras turns one of its variables into an array under NumPy 2.
warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
folder, stop_at = sys.argv[1], int(sys.argv[2])


class Kill(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch + 1 == stop_at:
            os._exit(9)


keras.utils.set_random_seed(4)
model = keras.Sequential(
    [
        keras.Input((4,)),
        GatedDense(8, activation=swishy, name="gate"),
        keras.layers.BatchNormalization(name="norm"),
        keras.layers.Dense(1, name="head"),
    ]
)
model.compile(keras.optimizers.Adam(0.05), Pinball(quantile=0.25))
x = np.random.default_rng(4).normal(size=(32, 4)).astype("float32")
y = x.sum(axis=1, keepdims=True)
callbacks = [Kill(), keras.callbacks.BackupAndRestore(f"{folder}/backup")]
callbacks += [keras.callbacks.ModelCheckpoint(f"{folder}/kept.weights.h5", save_weights_only=True)]
history = model.fit(
    x, y, epochs=6, batch_size=8, shuffle=False, verbose=0, callbacks=callbacks
).history
state = [*model.weights, *model.optimizer.variables]
kept = keras.models.clone_model(model)
kept.load_weights(f"{folder}/kept.weights.h5")
same = [np.array_equal(a, b) for a, b in zip(model.weights, kept.weights, strict=True)]
print(
    json.dumps(
        {
            "losses": history["loss"],
            "state": [np.asarray(variable).tolist() for variable in state],
            "kept": all(same),
        }
    )
)
"""


@pytest.fixture
def train(
    fork_server: ForkServer, acme_site: Path, tmp_path: Path
) -> Callable[..., tuple[int, Any, list[str]]]:
    """Train in a process of its own; how it ended, what it tells, and the files that it left."""

    def run(folder: str, *, stop_at: int = 0) -> Any:
        (tmp_path / folder).mkdir(exist_ok=True)
        argv = [str(tmp_path / folder), str(stop_at)]
        done = fork_server.run(TRAIN, argv=argv, path=[acme_site])
        assert done.messages == ""
        files = [path for path in (tmp_path / folder).rglob("*") if path.is_file()]
        names = sorted(path.relative_to(tmp_path / folder).as_posix() for path in files)
        return done.returncode, json.loads(done.stdout or "null"), names

    return run


def test_interrupted_training_goes_on(train: Callable[..., tuple[int, Any, list[str]]]) -> None:
    """Killed twice, a training ends with the weights and the optimizer of one that was not."""
    code, expected, left = train("whole")
    assert (code, left) == (0, ["kept.weights.h5"])

    backup = ["backup/latest.weights.h5", "backup/training_metadata.json"]
    for stop_at in (3, 5):
        code, nothing, left = train("killed", stop_at=stop_at)
        assert (code, nothing) == (9, None)
        assert left == [*backup, "kept.weights.h5"]
    code, found, left = train("killed")

    assert (code, left) == (0, ["kept.weights.h5"])
    assert found["state"] == expected["state"]
    assert found["losses"] == expected["losses"][4:]  # the fifth epoch was not kept
    assert (found["kept"], expected["kept"]) == (True, True)
