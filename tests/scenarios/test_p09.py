"""P09: threads, worker processes and clones resolve what they need, and load and save at once.

Pickled models and ``model_from_json`` in a process that has imported no plugin are in
`test_routes`.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.observing import QUIET, plain
from tests.support.processes import child_environment, core_path

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import SavedModel
    from tests.support.processes import ForkServer

WORK = f"""\
{QUIET}
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import keras
import numpy as np

import keras_registry
from keras_registry.settings import current_policy

FORMATS = ("keras", "h5")
X = np.ones((1, 3), "float32")


def first(path):
    knows = "acme_kinds" in sys.modules
    return knows, type(keras.saving.load_model(path).layers[0]).__module__


def turn(folder, number):
    import acme_kinds.objects as acme

    path = Path(folder, f"{{number}}.{{FORMATS[number % 2]}}")
    units = number % 5 + 1
    model = keras.Sequential([keras.Input((3,)), acme.Gate(units, acme.squash)])
    model.set_weights([np.full((3, units), number / 100, "float32")])
    policy = ("strict", "compatible", "permissive")[number % 3]
    with keras_registry.policy(policy):
        model.save(path)
        again = keras.saving.load_model(path)
        assert str(current_policy()) == policy
    assert again.layers[0].units == units
    assert np.array_equal(np.asarray(again(X)), np.asarray(model(X)))
    report = keras_registry.report(again)
    assert report.verified == ("layers",) and report.name == str(path), report
    return number


if __name__ == "__main__":
    folder = sys.argv[1]
    with ThreadPoolExecutor(16) as pool:
        done = list(pool.map(turn, [folder] * 100, range(100)))
    with ProcessPoolExecutor(8, mp_context=get_context("spawn")) as pool:
        print(*pool.submit(first, Path(folder, "1.h5")).result())
        done += pool.map(turn, [folder] * 100, range(100, 200))
    names = sorted(path.name for path in Path(folder).iterdir())
    print(len(done), len(names), all(name[0].isdigit() for name in names), threading.active_count())
"""


def test_threads_and_processes_at_once(kinds_site: Path, tmp_path: Path) -> None:
    """16 threads and 8 spawned processes save and load 200 models: no error, mix-up or litter.

    A spawned worker that has not imported the plugin finds it.
    """
    script, folder = tmp_path / "work.py", tmp_path / "models"
    script.write_text(WORK, encoding="utf-8")
    folder.mkdir()

    done = subprocess.run(
        [sys.executable, script, folder],
        capture_output=True,
        text=True,
        env=child_environment(path=[kinds_site, *core_path()]),
        timeout=300,
        check=False,
    )

    assert done.stdout == "False acme_kinds.objects\n200 200 True 1\n", done.stderr


ELSEWHERE = f"""\
{QUIET}
import json, sys
from concurrent.futures import ThreadPoolExecutor

import keras

import keras_registry


def get():
    try:
        return _LOAD_(sys.argv[1])
    except Exception as error:
        return f"{{type(error).__name__}}: {{error}}"


assert "acme_layers" not in sys.modules
with ThreadPoolExecutor(3) as pool:
    models = [task.result() for task in [pool.submit(get) for _ in range(3)]]
print(json.dumps([m if isinstance(m, str) else type(m.layers[0]).__module__ for m in models]))
"""
LOADS = {
    "load_model": "keras.saving.load_model",
    "clone_model": "(lambda path: keras.models.clone_model(keras.saving.load_model(path)))",
}


@pytest.mark.parametrize("load", LOADS)
def test_worker_threads(
    load: str, acme_file: SavedModel, acme_site: Path, fork_server: ForkServer
) -> None:
    """Threads that need the plugin at the same time, none of which imported it, all find it.

    What they load can be cloned. With the hooks off each of them fails.
    """
    program = ELSEWHERE.replace("_LOAD_", LOADS[load])
    options = {"argv": [acme_file.path], "path": [acme_site]}

    assert fork_server.run(program, **options).json() == ["acme_layers.gated"] * 3
    for error in fork_server.run(program, env=plain, **options).json():
        assert "GatedDense" in error
