"""Tests of the table of what newer Keras releases added, and of the script that writes it."""

from __future__ import annotations

import json
import runpy
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from packaging.version import Version

from keras_registry import keras_arguments
from tests.support.processes import run_python

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.processes import ForkServer

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "keras_arguments.py"
RUN_SCRIPT = (
    "import runpy, sys; sys.argv = sys.argv[1:]; sys.path.insert(0, sys.argv.pop(0)); "
    "runpy.run_path(sys.argv[0], run_name='__main__')"
)
INSTALLED = version("keras")


@pytest.fixture(scope="module")
def note(fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the script notes of the Keras that is installed here."""
    folder = tmp_path_factory.mktemp("notes")
    fork_server.run(RUN_SCRIPT, argv=[SCRIPT.parent, SCRIPT, "--note", folder]).check()
    found: dict[str, Any] = json.loads((folder / f"{INSTALLED}.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def compare() -> Callable[..., Any]:
    """The function of the script that makes the table of notes."""
    made: Callable[..., Any] = runpy.run_path(str(SCRIPT))["compare"]
    return made


def is_older(since: str) -> bool:
    """Whether the installed Keras is older than a release."""
    return Version(INSTALLED) < Version(since)


def test_table_knows_the_installed_minor() -> None:
    """The releases that were compared reach the installed one: run the script for a newer one."""
    newest = Version(keras_arguments.KERAS_VERSIONS[-1]).release[:2]

    assert Version(INSTALLED).release[:2] <= newest


def test_installed_keras_has_what_the_table_says(note: dict[str, Any]) -> None:
    """A class or argument is known to the installed Keras if that is new enough, and only then."""
    for path, since in keras_arguments.CLASSES.items():
        assert (path in note) != is_older(since), path
    for path, added in keras_arguments.ARGUMENTS.items():
        for name, entry in added.items():
            known = path in note and name in note[path]
            assert known != is_older(entry["since"]), (path, name)


def test_defaults_are_those_of_the_installed_keras(note: dict[str, Any]) -> None:
    """What is left out of a config is what the installed Keras writes there by default."""
    for path, added in keras_arguments.ARGUMENTS.items():
        for name, entry in added.items():
            if "default" in entry and not is_older(entry["since"]):
                assert note[path][name] == {"default": entry["default"]}, (path, name)


def test_new_classes_and_arguments_are_dated(compare: Callable[..., Any]) -> None:
    """The first release that has something counts, also for a class that is itself new."""
    dense, units = {"units": {}}, {"default": None}
    notes = {
        "3.1.0": {"keras.layers.Dense": dense},
        "3.2.0": {"keras.layers.Dense": dense | {"gate": units}, "keras.layers.New": {"a": units}},
        "3.2.1": {"keras.layers.Dense": dense, "keras.layers.New": {"a": units, "b": {}}},
        "3.3.0": {"keras.layers.Dense": dense | {"gate": units}},
    }

    classes, arguments = compare(notes)

    assert classes == {"keras.layers.New": "3.2.0"}
    assert arguments == {
        "keras.layers.Dense": {"gate": {"since": "3.2.0", "default": None}},
        "keras.layers.New": {"b": {"since": "3.2.1"}},
    }


def test_default_that_changes_something_is_no_default(compare: Callable[..., Any]) -> None:
    """Of arguments whose default is not what Keras did before, the table has no default."""
    muon = "keras.optimizers.Muon"
    notes = {"3.12.0": {muon: {}}, "3.13.0": {muon: {"rms_rate": {"default": 0.2}}}}

    assert compare(notes)[1] == {muon: {"rms_rate": {"since": "3.13.0"}}}
    assert keras_arguments.ARGUMENTS[muon]["rms_rate"] == {"since": "3.13.0"}


def test_written_table_is_read_back(compare: Callable[..., Any], tmp_path: Path) -> None:
    """What the script writes is a module with the same table, and says what it compared."""
    releases, layer = ("3.9.0", "3.10.0"), "keras.layers.Dense"
    for release, taken in zip(releases, [{}, {"mode": {"default": "a"}}], strict=True):
        text = json.dumps({layer: taken, **({"keras.New": {}} if taken else {})})
        (tmp_path / f"{release}.json").write_text(text, encoding="utf-8")
    target = tmp_path / "table.py"

    main = runpy.run_path(str(SCRIPT))["main"]
    assert main(["--write", str(tmp_path), "--output", str(target)]) == 0

    table = runpy.run_path(str(target))
    assert table["KERAS_VERSIONS"] == releases
    assert table["CLASSES"] == {"keras.New": "3.10.0"}
    assert table["ARGUMENTS"] == {layer: {"mode": {"since": "3.10.0", "default": "a"}}}


def test_reading_the_table_imports_no_keras() -> None:
    """The table is there for whoever may not import Keras."""
    done = run_python(
        "import sys, keras_registry.keras_arguments\n"
        "print([name for name in ('keras', 'numpy') if name in sys.modules])"
    )

    assert done.check().stdout == "[]\n"
