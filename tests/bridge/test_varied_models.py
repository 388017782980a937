"""No false alarm: models of many forms are saved and loaded without a word, and proved restored."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

import pytest

from tests.support.processes import CHECKOUT, other_backends, run_python

PROGRAM = "from tests.bridge.varied_models import main; main()"

Row = dict[str, Any]

UNLOADABLE = {
    ("shared_model", ".keras"): "Keras saves a model that two models hold once, and looks twice",
    ("shared_model", "folder"): "the same",
    ("residual", ".h5"): "operations have bare names in `.h5`",
    ("transformer", ".h5"): "the same: what was `a + b` is taken for the layer `Add`",
    ("bfloat16", ".h5"): "HDF5 has no such numbers, and Keras notes none in `.h5`",
    ("float8", ".h5"): "Keras reads the variables in another order than it writes them",
    ("replaced_layer", ".h5"): "Keras writes the layer that was replaced, too",
}
"""What plain Keras cannot load again: it is an error here too, and says what is wrong."""

UNVERIFIABLE = {
    ("int8_with_lora", ".keras"): "Keras quantises an adapted kernel anew at every save",
    ("int8_with_lora", "folder"): "the same",
    ("int8_with_lora", ".h5"): "the same",
    ("replaced_layer", ".keras"): "the layer that was replaced was hashed, and is not in the file",
    ("replaced_layer", "folder"): "the same",
    ("shared_model", ".h5"): "the model that two models hold is two models after the load",
}
"""Where the weights cannot be proved to be the same, which is a note."""

RANDOM = {"compiled", "compiled_nested", "subclassed_compiled"}
"""Models that are trained with dropout: it is noted that their random numbers are new ones."""

MENDED = {("subclassed", ".h5"), ("subclassed_compiled", ".h5")}
"""What is lost where plain Keras saves it, and not where we do."""


@pytest.fixture(scope="module", params=["tensorflow", *other_backends()])
def rows(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Row]:
    """What was said of each model in each container, with a manifest and without."""
    done = run_python(
        PROGRAM,
        backend=request.param,
        path=[CHECKOUT],
        cwd=tmp_path_factory.mktemp("varied"),
        timeout=900,
    ).check()
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def chosen(rows: list[Row], *, ours: bool) -> dict[tuple[str, str], Row]:
    """The rows of files with, or without, a manifest."""
    return {(row["name"], row["container"]): row for row in rows if row["ours"] is ours}


def test_there_are_many(rows: list[Row]) -> None:
    """Each container holds at least sixty models."""
    by_container: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        by_container[row["container"]].add(row["name"])

    assert {container: len(names) >= 60 for container, names in by_container.items()} == {
        ".keras": True,
        "folder": True,
        ".h5": True,
    }


def test_files_with_a_manifest(rows: list[Row]) -> None:
    """Each model that Keras can load is loaded without a warning, its weights proved the same."""
    found = chosen(rows, ours=True)

    assert {key for key, row in found.items() if "error" in row} == UNLOADABLE.keys()
    loaded = {key: row for key, row in found.items() if "error" not in row}
    assert {key: row["warned"] for key, row in loaded.items() if row["warned"]} == {}
    unproved = {key for key, row in loaded.items() if "layers" not in row["verified"]}
    assert unproved == UNVERIFIABLE.keys()
    assert {code for row in loaded.values() for code in row["codes"]} == {"K112", "W103"}
    assert {name for (name, _), row in loaded.items() if "K112" in row["codes"]} == RANDOM


def test_files_without_a_manifest(rows: list[Row]) -> None:
    """Of a file of plain Keras it is noted that it has no manifest, and nothing of its weights."""
    found = chosen(rows, ours=False)

    failed = {key for key, row in found.items() if "error" in row}
    assert failed == UNLOADABLE.keys() | MENDED
    loaded = {key: row for key, row in found.items() if "error" not in row}
    assert {key: row["warned"] for key, row in loaded.items() if row["warned"]} == {}
    for (name, _), row in loaded.items():
        assert row["codes"] == (["M101", "K112"] if name in RANDOM else ["M101"])


def test_errors_say_what_is_wrong(rows: list[Row]) -> None:
    """What cannot be loaded ends with an error of ours, not with one of a library."""
    errors = {row["error"].partition(":")[0] for row in rows if "error" in row}

    assert {error[:4] for error in errors} == {"Load"}
