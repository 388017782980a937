"""Real distributions: projects that hatchling builds, wheels that pip and uv install.

Nothing here needs the network: the build backend is the one of the running environment, and the
installers are told to use no index. What comes out is what an author uploads and a user installs.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.processes import child_environment

__all__ = [
    "PluginProject",
    "build_wheel",
    "find_uv",
    "hand_made_distribution",
    "make_venv",
    "pip_install",
    "pip_install_editable",
    "pip_uninstall",
    "record_row",
    "uv_install",
]

EntryPoints = Mapping[str, Mapping[str, str]]
"""Entry points by group and name: `{"keras_registry.layers": {"acme>X": "acme_layers.x:X"}}`."""

INSTALL_TIMEOUT = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginProject:
    """The source of a distribution, as its author would have it in a repository.

    Attributes:
        name: The name of the distribution.
        version: Its version.
        modules: Source texts by path, `"acme_layers/gated.py"`. A folder that lacks an
            `__init__.py` gets an empty one. Other files (data, a snapshot) go in as they are.
        entry_points: By group and name.
        requires: Requirements, as in `project.dependencies`.
    """

    name: str
    version: str
    modules: Mapping[str, str]
    entry_points: EntryPoints = field(default_factory=dict)
    requires: Iterable[str] = ()

    def evolve(self, **changes: Any) -> PluginProject:
        """Return a project with some attributes exchanged."""
        return dataclasses.replace(self, **changes)

    def with_modules(self, changes: Mapping[str, str | None]) -> PluginProject:
        """Return a project with some modules added or exchanged or, with None, left out."""
        modules = {**self.modules, **changes}
        return self.evolve(
            modules={name: text for name, text in modules.items() if text is not None}
        )

    def write(self, folder: Path) -> Path:
        """Write `pyproject.toml` and `src/` into a folder, which is made; return the folder."""
        source = folder / "src"
        source.mkdir(parents=True)
        (folder / "pyproject.toml").write_text(self._pyproject(), encoding="utf-8")
        for name, text in self.modules.items():
            path = source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            for parent in path.relative_to(source).parents[:-1]:
                (source / parent / "__init__.py").touch()
        return folder

    def _pyproject(self) -> str:
        # A JSON string is a TOML basic string.
        lines = [
            "[build-system]",
            'requires = ["hatchling"]',
            'build-backend = "hatchling.build"',
            "",
            "[project]",
            f"name = {json.dumps(self.name)}",
            f"version = {json.dumps(self.version)}",
            'requires-python = ">=3.11"',
            f"dependencies = {json.dumps(list(self.requires))}",
        ]
        for group, entries in self.entry_points.items():
            lines += ["", f"[project.entry-points.{json.dumps(group)}]"]
            lines += [f"{json.dumps(key)} = {json.dumps(entries[key])}" for key in entries]
        lines += [
            "",
            "[tool.hatch.build.targets.wheel]",
            'only-include = ["src"]',
            'sources = ["src"]',
            "",
            "[tool.hatch.build]",
            'dev-mode-dirs = ["src"]',
            "",
        ]
        return "\n".join(lines)


def build_wheel(project: Path, out: Path) -> Path:
    """Build the wheel of a project folder, as `python -m build` does, and return its path.

    Without an environment of its own: the build backend of this environment is used.
    """
    import build
    import pyproject_hooks

    builder = build.ProjectBuilder(project, runner=pyproject_hooks.quiet_subprocess_runner)
    out.mkdir(parents=True, exist_ok=True)
    return Path(builder.build("wheel", os.fspath(out)))


def pip_install(
    wheel: Path,
    target: Path | None = None,
    *,
    python: Path | None = None,
    byte_compile: bool = True,
) -> None:
    """Install a wheel with pip, without what it requires.

    Args:
        wheel: The wheel.
        target: A folder to install into, as `pip install --target` does.
        python: Or the interpreter of an environment, where it replaces what is there.
        byte_compile: Let pip write `*.pyc` files, as it does by default.
    """
    if (target is None) == (python is None):
        message = "give either a target folder or an interpreter"
        raise ValueError(message)
    options: list[str | Path] = ["--no-index", "--no-deps", "--force-reinstall"]
    options += [] if byte_compile else ["--no-compile"]
    options += [] if target is None else ["--target", target]
    _run_pip("install", *options, wheel, python=python)


def pip_install_editable(project: Path, *, python: Path) -> None:
    """Install a project folder with `pip install --editable` into an environment."""
    options = ["--no-index", "--no-deps", "--no-build-isolation"]
    _run_pip("install", *options, "--editable", project, python=python)


def pip_uninstall(name: str, *, python: Path) -> None:
    """Remove a distribution from an environment with pip."""
    _run_pip("uninstall", "--yes", name, python=python)


def uv_install(wheel: Path, target: Path) -> None:
    """Install a wheel with uv into a folder, without what it requires.

    Raises:
        FileNotFoundError: There is no uv.
    """
    uv = find_uv()
    if uv is None:
        message = "uv is neither installed here nor on the path"
        raise FileNotFoundError(message)
    _run(
        *(uv, "pip", "install", "--quiet", "--offline", "--no-index", "--no-deps", "--no-config"),
        *("--python", sys.executable, "--target", target, wheel),
    )


def find_uv() -> str | None:
    """Return the path of uv, of the running environment first; None if there is none."""
    with contextlib.suppress(ImportError, FileNotFoundError):
        import uv

        return os.fspath(uv.find_uv_bin())
    return shutil.which("uv")


def make_venv(folder: Path) -> Path:
    """Make a virtual environment that sees what this environment has, and return its interpreter.

    `python -m venv --without-pip`, plus a `.pth` file that appends the site-packages of the
    running environment: TensorFlow need not be installed again, and what is installed here comes
    first. Install into it with `pip_install(wheel, python=...)`.
    """
    _run(sys.executable, "-m", "venv", "--without-pip", folder)
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    site = _run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    inherited = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    # addsitedir and not a bare path, so that the .pth files there (editable installs) count.
    lines = [f"import site; site.addsitedir({path!r})" for path in inherited]
    Path(site, "inherited.pth").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return python


def hand_made_distribution(
    folder: Path,
    name: str,
    version: str,
    entry_points: EntryPoints | None = None,
    *,
    record: Iterable[str] | None = (),
    requires: Iterable[str] = (),
    metadata: str | None = None,
) -> Path:
    """Write a `*.dist-info` folder, so that a folder on the path has this distribution.

    Args:
        folder: Where to write it; made if need be.
        name: The name of the distribution.
        version: Its version.
        entry_points: By group and name.
        record: Rows of RECORD, see `record_row`; those of the metadata itself are added. None
            writes no RECORD.
        requires: Its requirements.
        metadata: The whole text of METADATA, to write a broken one.

    Returns:
        The `*.dist-info` folder.
    """
    stem = re.sub(r"[-_.]+", "_", name).lower()
    info = folder / f"{stem}-{version}.dist-info"
    info.mkdir(parents=True)
    if metadata is None:
        lines = ["Metadata-Version: 2.3", f"Name: {name}", f"Version: {version}"]
        lines += [f"Requires-Dist: {requirement}" for requirement in requires]
        metadata = "\n".join(lines) + "\n"
    files = {"METADATA": metadata}
    if entry_points:
        files["entry_points.txt"] = "\n".join(
            f"[{group}]\n" + "".join(f"{key} = {value}\n" for key, value in entries.items())
            for group, entries in entry_points.items()
        )
    for file, text in files.items():
        (info / file).write_text(text, encoding="utf-8", newline="\n")
    if record is not None:
        rows = [
            *record,
            *(record_row(f"{info.name}/{file}", text) for file, text in files.items()),
            f"{info.name}/RECORD,,",
        ]
        (info / "RECORD").write_text("\n".join(rows) + "\n", encoding="utf-8", newline="\n")
    return info


def record_row(path: str, text: str) -> str:
    """Return the row of RECORD for a file with this text."""
    data = text.encode()
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{path},sha256={digest},{len(data)}"


def _run_pip(*arguments: str | Path, python: Path | None) -> None:
    where: list[str | Path] = [] if python is None else ["--python", python]
    options = ["--quiet", "--disable-pip-version-check", "--no-input"]
    _run(sys.executable, "-m", "pip", *options, *where, *arguments)


def _run(*command: str | Path) -> str:
    """Run a program, deaf to the settings of pip and uv, and return what it printed.

    Raises:
        AssertionError: It failed; the text holds both outputs.
    """
    settings = {name: None for name in os.environ if name.startswith(("PIP_", "UV_"))}
    done = subprocess.run(
        [os.fspath(part) for part in command],
        env=child_environment({**settings, "PIP_CONFIG_FILE": os.devnull}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=INSTALL_TIMEOUT,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode != 0:
        shown = " ".join(os.fspath(part) for part in command)
        message = f"{shown}\n--- stdout\n{done.stdout}\n--- stderr\n{done.stderr}"
        raise AssertionError(message)
    return done.stdout
