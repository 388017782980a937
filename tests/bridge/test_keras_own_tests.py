"""Keras's own tests of saving: each ends as without the hooks, on the installed Keras.

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

import keras

from tests.support.processes import child_environment, core_path

SOURCE = Path(os.environ.get("KERAS_TESTS") or Path(keras.__file__).parent / "src")
OUTCOME = re.compile(r"^(PASSED|FAILED|ERROR|SKIPPED) (\S+::\S+)", re.MULTILINE)

HOOKS_ARE_ON = """
import sys

def test_hooks_are_on():
    import keras
    assert "keras_registry" in sys.modules and hasattr(keras.saving.load_model, "__wrapped__")
"""


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
    (folder / "hooks_test.py").write_text(HOOKS_ARE_ON, encoding="utf-8")
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
    """Each test ends alike with and without the hooks."""
    with ThreadPoolExecutor() as pool:
        plain, hooked = pool.map(
            lambda run: outcomes(tmp_path / run[0], *run[1:]),
            [("plain", "-p", "no:keras_registry"), ("hooked", "--keras-registry")],
        )

    on = "hooks_test.py::test_hooks_are_on"
    assert (plain.pop(on), hooked.pop(on)) == ("FAILED", "PASSED")
    names = plain.keys() | hooked.keys()
    ends = {name: (plain.get(name), hooked.get(name)) for name in names}
    assert {name: found for name, found in ends.items() if found[0] != found[1]} == {}
