"""Keras's own tests of saving: the same on the installed Keras with the hooks on.

Keras brings its tests since 3.15. For an older one those of a newer are taken: `KERAS_TESTS` names
the folder `keras/src` that has them, as `nox` does. What a Keras does not have yet fails with the
hooks as without.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import keras

from tests.support.processes import child_environment, core_path

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCE = Path(os.environ.get("KERAS_TESTS") or Path(keras.__file__).parent / "src")
OUTCOME = re.compile(r"^(PASSED|FAILED|ERROR|SKIPPED) (\S+::\S+)", re.MULTILINE)

DIFFERENT: Mapping[str, str] = {
    "saving_lib_test.py::SafeZipReadTest::test_load_model_rejects_bomb_config": (
        "the file has no weights, which is said before anything in it is unpacked"
    ),
    "saving_lib_test.py::SafeZipReadTest::test_load_model_rejects_bomb_weights": (
        "the weights are no HDF5, which is said before anything in the file is unpacked"
    ),
    "saving_lib_test.py::SavingTest::test_partial_load": (
        "weights that do not fit are named in our words, before the model is changed"
    ),
    "saving_lib_test.py::SavingTest::test_save_model_exception_raised_high_memory_config": (
        "expects a broken file where a save failed: with the hooks there is none"
    ),
    "saving_lib_test.py::SavingTest::test_save_model_exception_raised_low_memory_config": (
        "the same"
    ),
}
"""The tests that fail with the hooks on, and why that is meant."""


def outcomes(folder: Path, *options: str) -> dict[str, str]:
    """The outcome of each test, by its name."""
    folder.mkdir()
    settings = folder / "pytest.ini"  # or pytest takes those of the project around the environment
    settings.write_text("[pytest]\n", encoding="utf-8")
    # Beside no package: they would bring the Keras that they lie in.
    tests = [*SOURCE.glob("saving/*_test.py"), *SOURCE.glob("legacy/saving/*_test.py")]
    assert tests, f"{SOURCE} has no tests: set KERAS_TESTS to the folder keras/src of a newer Keras"
    for test in tests:
        shutil.copy(test, folder)
    arguments = [
        *("-c", str(settings), f"--rootdir={folder}", "-p", "no:cacheprovider"),
        *("-q", "-rA", "--tb=no", "-W", "ignore", "-o", "python_files=*_test.py"),
        *options,
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=child_environment(path=core_path(), backend=keras.backend.backend()),
        check=False,
    )
    found = {name: outcome for outcome, name in OUTCOME.findall(done.stdout)}
    assert len(found) > 100, done.stdout[-2000:] + done.stderr[-2000:]
    return found


def test_outcomes_are_the_same(tmp_path: Path) -> None:
    """Each test ends alike with and without the hooks, but for those that are listed."""
    with ThreadPoolExecutor() as pool:
        plain, hooked = pool.map(
            lambda run: outcomes(tmp_path / run[0], *run[1:]),
            [("plain", "-p", "no:keras_registry"), ("hooked", "--keras-registry")],
        )

    different = {name for name in plain | hooked if plain.get(name) != hooked.get(name)}
    assert different  # the hooks are on
    assert different <= DIFFERENT.keys()
    assert {plain[name] for name in different} <= {"PASSED"}
