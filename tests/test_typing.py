"""The files in `tests/typing`, read by mypy: what a type checker says to users of the package.

An expected error is marked `# type: ignore[code]` there, so that `nox -s types` checks the files as
they are. Here the marks are taken out, and mypy must find exactly the errors that they named.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import child_environment

CHECKOUT = Path(__file__).resolve().parents[1]
FILES = sorted((CHECKOUT / "tests" / "typing").glob("*.py"))
MARK = re.compile(r"  # type: ignore\[([\w, -]+)\]$")
ERROR = re.compile(r"^(?P<file>[^:]+):(?P<line>\d+): error: .*\[(?P<code>[\w-]+)\]$")


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Return the errors that mypy finds in the files without their marks: file, line, code."""
    pytest.importorskip("mypy", reason="`nox -s types` has mypy")
    folder = tmp_path_factory.mktemp("typing")
    for file in FILES:
        lines = file.read_text(encoding="utf-8").splitlines()
        text = "\n".join(MARK.sub("", line) for line in lines) + "\n"
        (folder / file.name).write_text(text, encoding="utf-8")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", f"--config-file={CHECKOUT / 'pyproject.toml'}"),
            *("--no-error-summary", "--no-pretty", "--hide-error-context"),
            *(f"--cache-dir={folder / 'cache'}", *(file.name for file in FILES)),
        ],
        cwd=folder,
        env=child_environment({"MYPYPATH": str(CHECKOUT / "registry")}),
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    matches = map(ERROR.match, done.stdout.splitlines())
    return {(m["file"], int(m["line"]), m["code"]) for m in matches if m}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_mypy_says_what_the_marks_say(file, found):
    """Each marked line is an error to mypy, with that code, and no other line is."""
    lines = enumerate(file.read_text(encoding="utf-8").splitlines(), start=1)
    expected = {
        (file.name, number, code.strip())
        for number, line in lines
        if (mark := MARK.search(line))
        for code in mark[1].split(",")
    }

    assert {error for error in found if error[0] == file.name} == expected


def test_there_are_files():
    """The files are where this test looks for them."""
    assert {file.stem for file in FILES} >= {"arguments", "registering"}
