"""The pytest plugin: the hooks for sessions that ask for them, and nothing for all others."""

from __future__ import annotations

import configparser
import subprocess
import sys
import zipfile
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from tests.support.distributions import make_venv, pip_install
from tests.support.processes import Completed, child_environment, core_path, run_python

if TYPE_CHECKING:
    from pathlib import Path

FOREIGN = """\
import sys

IMPORTED = "keras_registry" in sys.modules
ARMED = any(type(f).__module__ == "keras_registry.bridge.activation" for f in sys.meta_path)


def test_session():
    assert (IMPORTED, ARMED, "keras_registry" in sys.modules) == ({wanted},) * 3
    assert "keras" not in sys.modules
"""

# Our own session, and who started it, must not matter to the one that is tested; and coverage does
# not follow into an environment that has another copy of the core.
ENVIRONMENT = dict.fromkeys(
    ("PYTEST_ADDOPTS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD", "PYTEST_PLUGINS", "COLUMNS")
)
UNMEASURED = {"COVERAGE_PROCESS_START": None, "COVERAGE_PROCESS_CONFIG": None}

HEADER = f"keras-registry: {version('keras-registry')}"


def run_pytest(
    folder: Path, *arguments: str, wanted: bool, setting: str = "", python: Path | None = None
) -> Completed:
    """Run pytest in a project whose one test passes if keras_registry is there as wanted."""
    (folder / "pytest.ini").write_text(f"[pytest]\n{setting}\n", encoding="utf-8")
    (folder / "test_foreign.py").write_text(FOREIGN.format(wanted=wanted), encoding="utf-8")
    env = {**ENVIRONMENT, **({} if python is None else UNMEASURED)}
    done = subprocess.run(
        [python or sys.executable, "-m", *(arguments or ["pytest"])],
        env=child_environment(env, path=core_path() if python is None else ()),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=60,
        encoding="utf-8",
    )
    return Completed(done.returncode, done.stdout, done.stderr)


def test_session_that_does_not_ask_is_left_alone(tmp_path: Path) -> None:
    """In a project that does not ask for it, keras_registry is not imported, nor named."""
    done = run_pytest(tmp_path, wanted=False).check()

    assert HEADER not in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "setting"),
    [
        (["pytest", "--keras-registry"], ""),
        (["pytest"], "keras_registry = true"),
        (["pytest", "--override-ini=keras_registry=true"], "keras_registry = false"),
    ],
    ids=["option", "setting", "overridden"],
)
def test_session_that_asks_has_the_hooks(
    arguments: list[str], setting: str, tmp_path: Path
) -> None:
    """By option or setting, the hooks wait for Keras before a test module is imported."""
    done = run_pytest(tmp_path, *arguments, wanted=True, setting=setting).check()

    assert done.stdout.splitlines().count(HEADER) == 1
    assert done.stderr == ""


def test_plugin_itself_costs_nothing() -> None:
    """The module of the plugin imports no other."""
    code = (
        "import __future__, sys, typing\n"
        "before = set(sys.modules)\n"
        "import keras_registry_pytest\n"
        "print(*set(sys.modules) - before)\n"
    )

    assert run_python(code).check().stdout == "keras_registry_pytest\n"


# --- where the wheel is installed, of which pytest knows every file ------------------------------


def test_wheel_has_the_plugin_and_lists_it(core_wheel: Path) -> None:
    """The module lies in the wheel beside the package, and its entry point leads there."""
    with zipfile.ZipFile(core_wheel) as archive:
        names = archive.namelist()
        (listed,) = [name for name in names if name.endswith(".dist-info/entry_points.txt")]
        entry_points = configparser.ConfigParser()
        entry_points.read_string(archive.read(listed).decode())

    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {
        "keras_registry",
        "keras_registry_pytest.py",
    }
    assert dict(entry_points["pytest11"]) == {"keras_registry": "keras_registry_pytest"}


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory, core_wheel: Path) -> Path:
    """The interpreter of an environment into which pip has installed the wheel."""
    interpreter = make_venv(tmp_path_factory.mktemp("plugin") / "venv")
    pip_install(core_wheel, python=interpreter)
    return interpreter


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ("pytest", False),
        ("pytest --keras-registry", True),
        ("keras_registry run -m pytest", True),
        ("keras_registry run -m pytest --keras-registry", True),
    ],
)
def test_installed_plugin_brings_no_warning(
    arguments: str, wanted: bool, tmp_path: Path, python: Path
) -> None:
    """Where every warning is an error, pytest does not complain of when we were imported."""
    command = [*arguments.split(), "-Werror::pytest.PytestAssertRewriteWarning"]

    done = run_pytest(tmp_path, *command, wanted=wanted, python=python).check()

    assert done.stderr == ""
