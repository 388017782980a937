"""`inspect` and `verify` on exported models, which Keras does not load."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from tests.scenarios.observing import normalised
from tests.support.golden import check_golden

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ended
    from tests.conftest import SavedModel
    from tests.support.processes import ForkServer

EXPORT = """\
import sys
import keras
import keras_registry
keras.saving.load_model(sys.argv[1]).export(sys.argv[2], verbose=False)
"""


@pytest.fixture(scope="module")
def exported(
    tmp_path_factory: pytest.TempPathFactory,
    acme_model: SavedModel,
    acme_site: Path,
    fork_server: ForkServer,
) -> Path:
    """The acme model as a graph. Read only."""
    path = tmp_path_factory.mktemp("exported") / "acme"
    fork_server.run(EXPORT, argv=[acme_model.path, path], path=[acme_site]).check()
    return path


@pytest.fixture
def altered(exported: Path, tmp_path: Path) -> Callable[[Callable[[dict[str, Any]], Any]], Path]:
    """Make a copy of it with another manifest; what is no dict is written as it is."""

    def alter(change: Callable[[dict[str, Any]], Any]) -> Path:
        path = shutil.copytree(exported, tmp_path / "copy")
        file = path / "assets.extra" / "keras_registry.json"
        document = json.loads(file.read_text(encoding="utf-8"))
        made = change(document)
        file.write_text(json.dumps(document) if made is None else made, encoding="utf-8")
        return path

    return alter


def test_text_of_inspect_shows_what_the_graph_was_made_from(
    run: Callable[..., Ended], exported: Path
) -> None:
    """The text has versions, weights, objects and distributions, although there is no config."""
    ended = run("inspect", exported)

    assert (ended.code, ended.err) == (0, "")
    folder = str(exported.parent)
    check_golden("cli/inspect_exported", normalised(ended.out), replace={folder: "FOLDER"})


def test_document_of_inspect_has_the_members_of_all(
    run: Callable[..., Ended], exported: Path, acme_model: SavedModel
) -> None:
    """The JSON document is that of a `.keras` file; what a graph does not tell is null."""
    wanted = json.loads(run("inspect", "--json", acme_model.path).out)

    ended = run("inspect", "--json", exported)

    document = json.loads(ended.out)
    assert (ended.code, ended.err) == (0, "")
    assert list(document) == list(wanted)
    assert document["container"] == "saved_model"
    assert document["model"] == {"class_name": None, "name": None}
    assert (document["lambdas"], document["findings"]) == (None, [])
    assert document["objects"][0] == {
        "key": "acme>GatedDense",
        "kind": "layer",
        "count": 2,
        "first_place": "/config/layers/1",
        "distribution": "acme-layers",
        "config_version": 1,
    }
    changing = {"key", "kind", "count", "distribution", "config_version"}
    assert [{part: item[part] for part in changing} for item in document["objects"]] == [
        {part: item[part] for part in changing} for item in wanted["objects"]
    ]
    parts = ("layers", "objects", "distributions", "environment")
    assert document["manifest"]["weights"]["layers"] == wanted["manifest"]["weights"]["layers"]
    assert [document["manifest"].get(part) for part in parts] == [
        wanted["manifest"].get(part) for part in parts
    ]


def test_graph_that_was_exported_anew_by_plain_keras(
    run: Callable[..., Ended], altered: Callable[..., Path]
) -> None:
    """A manifest that another export left behind is named as that."""
    path = altered(
        lambda manifest: manifest["weights"]["graph"].update(fingerprint=f"xxh3:{0:032}")
    )

    ended = run("inspect", path)

    finding = ended.out[ended.out.index("  M106") :]
    assert (ended.code, ended.err) == (0, "")
    check_golden("cli/inspect_exported_M106", normalised(finding))


def test_exported_model_without_manifest(
    run: Callable[..., Ended], exported: Path, tmp_path: Path
) -> None:
    """What the objects were is unknown where nothing says so, not none."""
    path = shutil.copytree(exported, tmp_path / "plain", ignore=shutil.ignore_patterns("*.extra"))

    ended = run("inspect", path)

    assert (ended.code, ended.err) == (0, "")
    assert "  manifest       none\n  objects        unknown\n  M101 note" in ended.out
    assert json.loads(run("inspect", "--json", path).out)["objects"] == []


BROKEN: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "no json": (lambda manifest: "{", "M102"),
    "no manifest": (lambda manifest: "{}", "M102"),
    "another major": (lambda manifest: manifest.update(manifest_version="2.0"), "M103"),
    "hostile": (lambda manifest: manifest["objects"][0].update(key="\x1b[2J>\u202e"), "M105"),
    "no places": (lambda manifest: manifest["objects"][0].update(paths=[], count=None), ""),
    "no hash": (lambda manifest: manifest["weights"].update(graph=None), ""),
}


@pytest.mark.parametrize(("change", "code"), BROKEN.values(), ids=BROKEN)
def test_manifest_of_any_form_is_read(
    change: Callable[[dict[str, Any]], Any],
    code: str,
    run: Callable[..., Ended],
    altered: Callable[..., Path],
) -> None:
    """A manifest that cannot be used is named; unknown members leave gaps, and nothing else."""
    path = altered(change)

    for options in ([], ["--json"]):
        ended = run("inspect", *options, path)

        assert ended.err == ""
        assert ended.code == (1 if code == "M103" else 0)
        assert "\x1b" not in ended.out
        assert "\u202e" not in ended.out
    assert [item["code"] for item in json.loads(ended.out)["findings"]] == [code] * bool(code)


@pytest.mark.usefixtures("with_acme")
def test_verify_says_that_it_is_no_model(run: Callable[..., Ended], exported: Path) -> None:
    """Whatever is installed, such a folder cannot be loaded: 3, and what to do with it."""
    shown, ended = run("verify", exported), run("verify", "--json", exported)

    assert (shown.code, shown.out) == (3, "")
    assert shown.err.startswith(f"{exported} cannot be read: 1 error\n  A110 error ")
    document = json.loads(ended.out)
    assert (ended.code, document["readable"]) == (3, False)
    assert [item["code"] for item in document["findings"]] == ["A110"]
