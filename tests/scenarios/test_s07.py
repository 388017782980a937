"""S07: the calls that older code makes to save a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.scenarios.observing import plain

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.processes import ForkServer

PROGRAM = """\
import json, logging, os
import keras
import keras_registry
from keras_registry.artifact import read_artifact

logging.getLogger("absl").setLevel(logging.ERROR)  # that HDF5 and `save_format` are deprecated
model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
model.compile("sgd", "mse")
answer = {"error": None, "manifest": None, "loaded": None}
try:
    _CALL_
except Exception as error:
    answer["error"] = f"{type(error).__name__}: {error}"
else:
    name, = os.listdir()
    answer["manifest"] = read_artifact(name).artifact.has_manifest
    answer["loaded"] = len(keras.saving.load_model(name, compile=False).layers)
print(json.dumps(answer))
"""

ACCEPTED = (
    "keras.models.save_model(model, 'x.h5', include_optimizer=True, save_format='h5')",
    "keras.models.save_model(model, 'x.hdf5', overwrite=True, include_optimizer=False)",
    "keras.saving.save_model(model, 'x.keras', save_format='keras')",
    "model.save('x.h5', save_format='h5')",
    "model.save('x.keras', overwrite=True, zipped=True)",
    "model.save('x', zipped=False)",
    "keras.src.saving.saving_api.save_model(model, 'x.h5')",
)
REJECTED = (
    "keras.models.save_model(model, 'x.h5', save_format='h5', signatures=None)",
    "model.save('x.h5', options=None)",
    "model.save('x')",
    "model.save('x', save_format='tf')",
    "model.save('x.keras', zipped=False)",
)


@pytest.mark.parametrize("call", ACCEPTED)
def test_what_keras_accepts_has_a_manifest(
    call: str, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Each call that Keras accepts writes a file with a manifest, which loads."""
    done = fork_server.run(PROGRAM.replace("_CALL_", call), cwd=tmp_path)

    assert done.json() == {"error": None, "manifest": True, "loaded": 1}


def test_plain_keras_writes_none(fork_server: ForkServer, tmp_path: Path) -> None:
    """With the hooks off the first of these calls writes a file without a manifest."""
    done = fork_server.run(PROGRAM.replace("_CALL_", ACCEPTED[0]), cwd=tmp_path, env=plain)

    assert done.json() == {"error": None, "manifest": False, "loaded": 1}


@pytest.mark.parametrize("call", REJECTED)
def test_what_keras_rejects_is_passed_through(
    call: str, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Each call that Keras rejects fails with Keras's own words, and leaves no file."""
    program = PROGRAM.replace("_CALL_", call)

    ours = fork_server.run(program, cwd=tmp_path).json()

    assert ours == fork_server.run(program, cwd=tmp_path, env=plain).json()
    assert ours["error"].startswith("ValueError")
    assert list(tmp_path.iterdir()) == []
