"""The wheel of a distribution that is installed in editable mode, built to see what is in it."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

import importlib_metadata

from keras_registry.contract.results import Skip

__all__ = ["find_source", "names_in_wheel"]

_LIMIT = 300.0
"""Seconds that a build may take."""

_NOT_BUILT = (".*", "__pycache__", "build", "dist", "node_modules", "venv", "*.keras", "*.h5")
"""What no build reads; the sources are copied, because some builds write beside them."""


def names_in_wheel(name: str) -> tuple[str, list[str]]:
    """The name of the wheel of a distribution, and the names of the files in it.

    Args:
        name: The distribution, installed in editable mode.

    Raises:
        Skip: The wheel cannot be built here.
    """
    if importlib.util.find_spec("build") is None:
        reason = "its wheel is not here, and cannot be built: pip install build"
        raise Skip(reason)
    source = find_source(name)
    if source is None:
        reason = "its sources are not here"
        raise Skip(reason)
    with tempfile.TemporaryDirectory(prefix="keras-registry-") as folder:
        copy, out = Path(folder, "source"), Path(folder, "out")
        shutil.copytree(source, copy, ignore=shutil.ignore_patterns(*_NOT_BUILT))
        options = ["--wheel", "--no-isolation", "--skip-dependency-check", "--outdir", str(out)]
        done = subprocess.run(  # noqa: S603 - the author's own build, of the author's own sources
            [sys.executable, "-m", "build", *options, str(copy)],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=_LIMIT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        wheel = next(out.glob("*.whl"), None)
        if done.returncode != 0 or wheel is None:
            last = (done.stdout.strip().splitlines() or ["nothing was said"])[-1]
            reason = f"its wheel cannot be built here: {last}"
            raise Skip(reason)
        with zipfile.ZipFile(wheel) as archive:
            return wheel.name, archive.namelist()


def find_source(name: str) -> Path | None:
    """The folder that a distribution was installed from, as the installer wrote down (PEP 610)."""
    text = importlib_metadata.distribution(name).read_text("direct_url.json") or "{}"
    url = urlsplit(str(json.loads(text).get("url", "")))
    folder = Path(url2pathname(unquote(url.path)))
    return folder if url.scheme == "file" and folder.is_dir() else None
