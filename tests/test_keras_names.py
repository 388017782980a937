"""Tests of the frozen table of Keras's names, and of the script that writes it."""

from __future__ import annotations

import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from keras_registry import keras_names
from tests.support.processes import run_python

if TYPE_CHECKING:
    from tests.support.processes import ForkServer

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "keras_names.py"
RUN_SCRIPT = (
    "import runpy, sys; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
)


def run_script(server: ForkServer, *arguments: str | Path) -> None:
    """Run the script under the Keras that is installed here."""
    server.run(RUN_SCRIPT, argv=[SCRIPT, *arguments]).check()


def read_table(path: Path) -> dict[str, frozenset[str]]:
    """Return the sets of names in a table that the script has written."""
    namespace: dict[str, frozenset[str]] = {}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), namespace)  # noqa: S102
    return {name: frozenset(namespace[name]) for name in keras_names.__all__}


def test_table_has_every_name_of_the_installed_keras(
    fork_server: ForkServer, tmp_path: Path
) -> None:
    """A name that this Keras resolves by itself is in the table."""
    run_script(fork_server, "--output", tmp_path / "names.py")
    found = read_table(tmp_path / "names.py")

    assert found["KERAS_VERSIONS"] == {version("keras")}
    hint = "run scripts/keras_names.py --merge"
    assert not found["CLASSES"] - keras_names.CLASSES, hint
    assert not found["FUNCTIONS"] - keras_names.FUNCTIONS, hint


def test_merging_keeps_what_other_versions_have(fork_server: ForkServer, tmp_path: Path) -> None:
    """With `--merge` names that only an older Keras knew stay, and the file reads the same."""
    path = tmp_path / "names.py"
    source = Path(keras_names.__file__).read_text(encoding="utf-8")
    older = source.replace('"3.12.0",', '"3.9.0",\n    "3.12.0",').replace(
        '"AUC",', '"AUC", "Aged",'
    )
    path.write_text(older, encoding="utf-8")

    run_script(fork_server, "--merge", "--output", path)

    merged = read_table(path)
    assert merged["CLASSES"] == keras_names.CLASSES | {"Aged"}
    assert merged["FUNCTIONS"] == keras_names.FUNCTIONS
    assert merged["KERAS_VERSIONS"] == {*keras_names.KERAS_VERSIONS, "3.9.0", version("keras")}
    text = path.read_text(encoding="utf-8")
    assert text.index('"3.9.0"') < text.index('"3.12.0"')


@pytest.mark.parametrize(
    "name", ["Dense", "Functional", "CompileLoss", "SeedGenerator", "GlorotUniform", "l2", "Policy"]
)
def test_classes_of_keras_are_known(name: str) -> None:
    """Exported classes, aliases, and classes that only Keras itself names are in the table."""
    assert name in keras_names.CLASSES


@pytest.mark.parametrize(
    "name", ["relu", "mse", "acc", "glorot_uniform", "adam", "swish", "matmul"]
)
def test_functions_of_keras_are_known(name: str) -> None:
    """Functions and string identifiers of every sort are in the table."""
    assert name in keras_names.FUNCTIONS


@pytest.mark.parametrize("name", ["LayerScale", "StochasticDepth", "Threshold", "Cross"])
def test_names_that_keras_never_resolves_alone_are_free(name: str) -> None:
    """A plugin's layer may be called like a class that Keras finds only by its module."""
    assert name not in keras_names.CLASSES


def test_table_costs_nothing_to_import() -> None:
    """Importing the table imports no framework."""
    code = (
        "import sys, keras_registry.keras_names\n"
        "print([name for name in ('keras', 'tensorflow', 'numpy') if name in sys.modules])"
    )
    assert run_python(code).check().stdout == "[]\n"
    assert sys.getsizeof(keras_names.CLASSES) < 2**16
