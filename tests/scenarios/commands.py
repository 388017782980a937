"""The command line in a process of its own, where chosen modules cannot be imported."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.support.processes import Completed, child_environment, core_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

__all__ = ["FRAMEWORKS", "block_imports", "run_command"]

FRAMEWORKS = ("keras", "tensorflow", "jax", "torch", "tf_keras", "keras_hub")
"""Keras, its backends and what is built on them."""

BLOCKER = """\
import sys


class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ImportError(f"nobody may import {{name}} here")


sys.meta_path.insert(0, Blocker())
"""


def block_imports(folder: Path, *names: str) -> Path:
    """Write a folder which, on the path of a new interpreter, makes imports raise.

    Args:
        folder: Where to write it.
        *names: The top-level modules that nobody may import.

    Returns:
        The folder.
    """
    folder.mkdir(exist_ok=True)
    # Python imports a module of this name when it starts.
    text = BLOCKER.format(blocked=set(names))
    (folder / "sitecustomize.py").write_text(text, encoding="utf-8")
    return folder


def run_command(
    *arguments: str | Path,
    path: Iterable[Path] = (),
    env: Mapping[str, str | None] | None = None,
    cwd: Path | None = None,
) -> Completed:
    """Run `python -m keras_registry` with these arguments in a new interpreter.

    Args:
        *arguments: The arguments of the command.
        path: Folders to put on its path.
        env: Environment variables.
        cwd: The working directory.
    """
    done = subprocess.run(
        [sys.executable, "-m", "keras_registry", *map(os.fspath, arguments)],
        env=child_environment(env, path=[*path, *core_path()]),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=60,
        encoding="utf-8",
        errors="replace",
    )
    return Completed(done.returncode, done.stdout, done.stderr)
