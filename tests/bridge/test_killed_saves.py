"""Saves that are killed: whatever the moment, there is a whole model at the path."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
import zipfile
from io import BytesIO

import h5py
import numpy as np
import pytest

KILLS = 50
LOADS = 5
LONGEST = 0.25
"""Seconds that a process saves before it is killed, at most: time for some two saves."""

SAVE = """
import keras
import numpy as np
import keras_registry

path, started, value, times = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
model = keras.Sequential([keras.layers.Input((1600,)), keras.layers.Dense(1600, name="a"),
                          keras.layers.Dense(1600, name="b")])
for value in range(value + 1, value + 1 + times):
    for variable in model.variables:
        variable.assign(np.full(variable.shape, value, "float32"))
    os.write(1, b"%d begins\\n" % value)
    if not os.path.exists(started):
        with open(started + "-", "w") as file:
            file.write(str(os.getpid()))
        os.replace(started + "-", started)
    model.save(path)
    os.write(1, b"%d ends\\n" % value)
"""
"""Saves one model over another, 20 MB each, all of whose weights are one number that grows."""

LOAD = """
import keras
import keras_registry

model = keras.saving.load_model(sys.argv[1])
report = keras_registry.report(model)
answer(values=sorted({float(v) for w in model.get_weights() for v in (w.min(), w.max())}),
       verified=report.verified, findings=codes(report.findings))
"""


def read_value(path):
    """Return the number that all weights in a file are, having read it to its last byte."""
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert len(archive.namelist()) == 3
        store = BytesIO(archive.read("model.weights.h5"))
    values = set()
    with h5py.File(store) as file:
        for layer in "ab":
            for name in ("0", "1"):
                values.update(np.unique(file[f"layers/dense{'_1' * (layer == 'b')}/vars/{name}"]))
    [value] = values
    return int(value)


def kill_after(started, seconds):
    """Kill a process some time after it has written its id to a file."""
    deadline = time.monotonic() + 60
    while not started.exists() and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(seconds)
    os.kill(int(started.read_text()), signal.SIGKILL)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="starting 50 interpreters takes minutes")
def test_kill_at_any_moment_of_a_save(child, tmp_path):
    """Killed at 50 random moments of a save over a file, the old or the new model is there."""
    moments = random.Random(20)  # noqa: S311
    folder = tmp_path / "models"
    folder.mkdir()
    path = folder / "m.keras"
    seen = {"old": 0, "new": 0, "left behind": 0}
    child(SAVE, path, tmp_path / "never-killed", 0, 1).check()
    previous = read_value(path)
    for kill in range(1, KILLS + 1):
        started = tmp_path / f"started-{kill}"
        killer = threading.Thread(target=kill_after, args=(started, moments.uniform(0, LONGEST)))
        killer.start()
        done = child(SAVE, path, started, 1000 * kill, 1000)
        killer.join()
        assert done.returncode == -signal.SIGKILL, done.stderr

        lines = [line.split() for line in done.stdout.splitlines()]
        begun = [int(value) for value, what in lines if what == "begins"]
        ended = [int(value) for value, what in lines if what == "ends"]
        old = ended[-1] if ended else previous
        value = previous = read_value(path)
        assert value in {old, begun[-1]}
        seen["old" if value != begun[-1] else "new"] += 1

        others = [file for file in folder.iterdir() if file != path]
        assert len(others) <= 1
        seen["left behind"] += len(others)
        for file in others:
            assert file.name != path.name
            file.unlink()
        if kill % (KILLS // LOADS) == 0:
            assert child(LOAD, path).json() == {
                "values": [value],
                "verified": ["layers"],
                "findings": [],
            }

    # The moments lay within saves, else this would have shown nothing.
    assert seen["left behind"] >= KILLS // 5, seen
    assert seen["old"] >= KILLS // 5, seen
