"""`keras-registry verify`: can this environment load a model file?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.scenarios.archives import alter
from tests.scenarios.observing import install, normalised
from tests.support.golden import check_golden
from tests.support.plugins import acme_project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ended
    from tests.conftest import SavedModel


@pytest.fixture(scope="module")
def older_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an acme-layers that is a little older than the one that saved the model."""
    return install(acme_project("1.4.0"), tmp_path_factory.mktemp("older"))


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory, acme_model: SavedModel) -> Path:
    """A file that gives an error, a warning and a note where the plugin is not installed."""

    def change(manifest: dict[str, Any]) -> None:
        manifest["environment"] |= {"backend": "torch", "backend_version": "2.13.0"}
        manifest["config"] = f"xxh3:{'0' * 32}"

    return alter(acme_model.path, tmp_path_factory.mktemp("bad") / "model.keras", manifest=change)


@pytest.mark.usefixtures("with_acme")
def test_good_file_is_one_line(run: Callable[..., Ended], acme_model: SavedModel) -> None:
    """A file that can be loaded here takes one line, and ends with 0."""
    ended = run("verify", acme_model.path)

    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"{acme_model.path} can be loaded here: no findings\n"


def test_findings_are_counted_and_sorted(run: Callable[..., Ended], troubled: Path) -> None:
    """Errors come first, then warnings, then notes, under a headline that counts them."""
    ended = run("verify", troubled)

    assert (ended.code, ended.err) == (1, "")
    check_golden("cli/verify", normalised(ended.out), replace={str(troubled.parent): "FOLDER"})


def test_json_holds_the_same(run: Callable[..., Ended], troubled: Path) -> None:
    """The JSON document has every finding with all its parts, and who has each object."""
    ended = run("verify", "--json", troubled)

    document = json.loads(ended.out)
    assert (ended.code, ended.err) == (1, "")
    assert list(document) == [
        "report_version",
        "command",
        "file",
        "readable",
        "policy",
        "loadable",
        "objects",
        "findings",
    ]
    assert (document["policy"], document["loadable"]) == ("compatible", False)
    assert {(item["key"], item["source"]) for item in document["objects"]} == {
        ("acme>GatedDense", "missing"),
        ("acme>swishy", "missing"),
        ("acme>Pinball", "missing"),
        ("acme>Coverage", "missing"),
    }
    levels = {item["code"]: item["level"] for item in document["findings"]}
    assert levels == {"M106": "warning", "K102": "note", "R101": "error"}
    (missing,) = [item for item in document["findings"] if item["code"] == "R101"]
    assert missing["distribution"] == "acme-layers"
    assert missing["needs"][0] == {
        "key": "acme>GatedDense",
        "count": 2,
        "place": 'layers[1] "gate"',
        "kind": "layer",
    }


@pytest.mark.usefixtures("with_acme")
def test_json_of_a_good_file(run: Callable[..., Ended], acme_model: SavedModel) -> None:
    """For a file that loads the document names the plugin and its version for each object."""
    document = json.loads(run("verify", "--json", acme_model.path).out)

    assert (document["loadable"], document["findings"]) == (True, [])
    assert document["objects"][0] == {
        "key": "acme>GatedDense",
        "source": "plugin",
        "distribution": "acme-layers",
        "distribution_version": "1.4.2",
    }


@pytest.mark.parametrize(
    ("option", "variable", "level", "code"),
    [
        (None, None, "warning", 0),
        ("strict", None, "error", 1),
        ("compatible", None, "warning", 0),
        ("permissive", None, "note", 0),
        (None, "strict", "error", 1),
        (None, " permissive ", "note", 0),
        (None, "", "warning", 0),
        ("permissive", "strict", "note", 0),
        ("strict", "no policy", "error", 1),
    ],
)
def test_policy_judges(
    option: str | None,
    variable: str | None,
    level: str,
    code: int,
    *,
    run: Callable[..., Ended],
    acme_model: SavedModel,
    older_site: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The option, else the variable, says how an older plugin is judged and how it ends."""
    monkeypatch.syspath_prepend(older_site)
    if variable is not None:
        monkeypatch.setenv("KERAS_REGISTRY_POLICY", variable)
    options = [] if option is None else ["--policy", option]

    ended = run("verify", "--json", *options, acme_model.path)

    document = json.loads(ended.out)
    assert [(item["code"], item["level"]) for item in document["findings"]] == [("R202", level)]
    assert ended.code == code
    assert document["loadable"] is (code == 0)


@pytest.mark.usefixtures("with_acme")
def test_file_without_a_manifest_is_resolved_by_a_scan(
    run: Callable[..., Ended], acme_model: SavedModel, tmp_path: Path
) -> None:
    """Without a manifest the installed plugins are searched, and a note says what is unknown."""
    file = alter(
        acme_model.path, tmp_path / "bare.keras", metadata=lambda doc: doc.pop("keras_registry")
    )

    ended = run("verify", file)
    strict = run("verify", "--policy", "strict", file)

    assert (ended.code, strict.code) == (0, 0)
    assert ended.out.splitlines() == [
        f"{file} can be loaded here: 1 note",
        "  M101 note     the file has no manifest",
        "       hint       save the model again with keras_registry imported",
    ]
    assert "  M101 warning" in strict.out


def test_nearest_names_are_shown(
    run: Callable[..., Ended],
    acme_model: SavedModel,
    tmp_path: Path,
    with_acme: None,
) -> None:
    """An object that nobody has is answered with the nearest names that are installed."""

    def misspell(config: dict[str, Any]) -> None:
        config["config"]["layers"][1]["registered_name"] = "acme>GatedDens"

    file = alter(
        acme_model.path,
        tmp_path / "model.keras",
        config=misspell,
        metadata=lambda doc: doc.pop("keras_registry"),
    )

    ended = run("verify", file)

    assert ended.code == 1
    assert "nothing here provides acme>GatedDens" in ended.out
    assert "the nearest names here: acme>GatedDense" in ended.out
