"""P09: threads and processes load and save at once."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.all_kinds import PROJECT
from tests.scenarios.observing import install
from tests.support.processes import child_environment, core_path

if TYPE_CHECKING:
    from pathlib import Path

WORK = """\
import logging
import sys
import threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import keras
import numpy as np

import keras_registry
from keras_registry.settings import current_policy

logging.getLogger("absl").setLevel(logging.ERROR)  # that HDF5 is considered legacy
FORMATS = ("keras", "h5")
X = np.ones((1, 3), "float32")


def turn(folder, number):
    import acme_kinds.objects as acme

    path = Path(folder, f"{number}.{FORMATS[number % 2]}")
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
        done += pool.map(turn, [folder] * 100, range(100, 200))
    names = sorted(path.name for path in Path(folder).iterdir())
    print(len(done), len(names), all(name[0].isdigit() for name in names), threading.active_count())
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plugin distribution, installed from its wheel."""
    return install(PROJECT, tmp_path_factory.mktemp("kinds"))


def test_threads_and_processes_at_once(site: Path, tmp_path: Path) -> None:
    """16 threads and 8 spawned processes save and load 200 models: no error, mix-up or litter."""
    script, folder = tmp_path / "work.py", tmp_path / "models"
    script.write_text(WORK, encoding="utf-8")
    folder.mkdir()

    done = subprocess.run(
        [sys.executable, script, folder],
        capture_output=True,
        text=True,
        env=child_environment(path=[site, *core_path()]),
        timeout=300,
        check=False,
    )

    assert done.stdout == "200 200 True 1\n", done.stderr
