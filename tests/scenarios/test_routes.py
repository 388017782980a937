"""Every way out of a process and back: each kind of object, saved here, loaded in a fresh process.

A file in each container, Keras's callbacks, pickling and JSON: the process that loads has never
imported the plugin, and gets the same model without a word.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.scenarios.all_kinds import KINDS
from tests.scenarios.observing import plain
from tests.scenarios.routes import FILES, LOAD, SAVE, WITHOUT_WEIGHTS
from tests.support.processes import other_backends, run_python

if TYPE_CHECKING:
    from tests.support.processes import Completed, ForkServer

    Results = dict[tuple[str, str], dict[str, Any]]

DOCS = Path(__file__).resolve().parents[2] / "docs" / "formats.md"
ROUTES = (*FILES, *WITHOUT_WEIGHTS)
H5 = ("legacy.h5", "legacy.hdf5", "checkpoint.h5")
COMPILED = frozenset({"loss", "loss function", "metric", "optimizer", "schedule"})

FAILS = {("operation", route): "Unknown layer: 'Relu'" for route in H5}
"""What is not loaded by which way, and Keras's own words for it."""

LOSES = {("assets", route) for route in H5}
"""What comes back without something by which way."""

SAID = dict.fromkeys(FAILS, "K204") | dict.fromkeys(LOSES, "K203")
"""The finding of the save that says so."""

DOCUMENTED = {
    "operation": "an operation as a layer, such as `keras.ops.relu(x)` in a functional model",
    "assets": "the assets of a layer (`save_assets`)",
}
"""How the documentation calls them."""


@pytest.fixture(scope="module")
def saved(
    tmp_path_factory: pytest.TempPathFactory, kinds_site: Path, fork_server: ForkServer
) -> tuple[Path, dict[str, Any]]:
    """A folder with each model saved in each way, and what they are expected to be."""
    folder = tmp_path_factory.mktemp("saved")
    done = fork_server.run(SAVE, argv=[folder], path=[kinds_site]).check()
    assert done.messages == ""
    return folder, read_expected(folder)


@pytest.fixture(scope="module", params=ROUTES)
def loaded(
    request: pytest.FixtureRequest,
    saved: tuple[Path, dict[str, Any]],
    kinds_site: Path,
    fork_server: ForkServer,
) -> Results:
    """What came of each kind by one way, each loaded in a process that had imported no plugin."""
    argv = [*arguments(saved[0], KINDS, [request.param]), "apart"]
    return results(fork_server.run(LOAD, argv=argv, path=[kinds_site]))


def arguments(folder: Path, kinds: Any, routes: Any) -> list[str]:
    """Return the arguments of `LOAD`."""
    return [str(folder), json.dumps(kinds), json.dumps(routes)]


def results(done: Completed) -> Results:
    """Return what `LOAD` found, by kind and route."""
    return {(kind, route): found for kind, route, found in done.json()}


def read_expected(folder: Path) -> dict[str, Any]:
    """Return what the models in a folder are expected to be, by kind."""
    return json.loads((folder / "expected.json").read_text(encoding="utf-8"))


def without_ids(config: Any) -> Any:
    """A config without the numbers by which Keras knows shared objects, which are addresses."""
    if isinstance(config, dict):
        return {
            name: without_ids(value)
            for name, value in config.items()
            if name not in {"shared_object_id", "build_config"}
        }
    return [without_ids(item) for item in config] if isinstance(config, list) else config


def check(cell: tuple[str, str], found: dict[str, Any], expected: dict[str, Any]) -> None:
    """Assert that what was loaded is what was saved, and was verified."""
    kind, route = cell
    wanted = expected[kind]
    if cell in FAILS:
        assert SAID[cell] in wanted["said"][route]
        assert found["error"].splitlines()[-1] == f"{FAILS[cell]}."
        return
    assert "error" not in found, found["error"]
    assert without_ids(found["config"]) == without_ids(wanted["config"])
    assert wanted["said"][route] == ([SAID[cell]] if cell in SAID else [])
    if route in FILES:
        assert (found["predictions"] == wanted["predictions"]) == (cell not in LOSES)
        assert found["findings"] == []
        further = ["optimizer"] if kind in COMPILED else ["assets"] if kind == "assets" else []
        assert found["verified"] == ["layers", *([] if cell in LOSES else further)]


@pytest.mark.parametrize("kind", KINDS)
def test_fresh_process(loaded: Results, kind: str, saved: tuple[Path, dict[str, Any]]) -> None:
    """The model, its weights and its compiled state are back, and verified.

    Where only the config travels, the same objects are built of it.
    """
    for cell, found in loaded.items():
        if cell[0] == kind:
            check(cell, found, saved[1])


@pytest.mark.parametrize("backend", other_backends())
def test_other_backends(backend: str, tmp_path: Path, kinds_site: Path) -> None:
    """All of them under another backend, from one interpreter to another."""
    run_python(SAVE, argv=[tmp_path], path=[kinds_site], backend=backend).check()
    expected = read_expected(tmp_path)
    argv = arguments(tmp_path, KINDS, ROUTES)

    found = results(run_python(LOAD, argv=argv, path=[kinds_site], backend=backend))

    assert len(found) == len(KINDS) * len(ROUTES)
    for cell, result in found.items():
        check(cell, result, expected)


@pytest.mark.parametrize("route", ROUTES)
def test_plain_keras_loads_none(
    route: str, saved: tuple[Path, dict[str, Any]], kinds_site: Path, fork_server: ForkServer
) -> None:
    """Without the hooks, Keras finds the installed plugin by none of these ways."""
    argv = arguments(saved[0], ["layer"], [route])

    (found,) = results(fork_server.run(LOAD, argv=argv, path=[kinds_site], env=plain)).values()

    assert "Gate" in found["error"]


# --- the exceptions --------------------------------------------------------------------------


def test_exceptions_are_those_of_keras(
    kinds_site: Path, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Plain Keras, with the plugin imported, cannot do either: in its own files as little."""
    kinds = sorted({kind for kind, _ in SAID})
    options = {"path": [kinds_site], "env": plain}
    fork_server.run(SAVE, argv=[tmp_path, *kinds], **options).check()
    program = LOAD.replace("assert", "import acme_kinds.objects\nassert 'nothing' or")

    found = results(fork_server.run(program, argv=arguments(tmp_path, kinds, H5), **options))

    expected = read_expected(tmp_path)
    for cell, words in FAILS.items():
        assert words in found[cell]["error"]
    for cell in LOSES:
        assert found[cell]["predictions"] != expected[cell[0]]["predictions"]


@pytest.mark.parametrize("kind", DOCUMENTED)
def test_exceptions_are_documented(kind: str) -> None:
    """The table in the documentation has each exception, with Keras's own words or our finding."""
    assert {kind for kind, _ in SAID} == DOCUMENTED.keys()
    words = {text for table in (FAILS, SAID) for cell, text in table.items() if cell[0] == kind}
    rows = [row for row in DOCS.read_text(encoding="utf-8").splitlines() if row.startswith("|")]

    (row,) = (row for row in rows if row.startswith(f"| {DOCUMENTED[kind]} | `.h5`, `.hdf5` |"))

    assert all(text in row for text in words)
