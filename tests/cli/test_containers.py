"""`inspect` and `verify` on models that are no `.keras` files: `.h5` files and folders."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from tests.artifact.h5_files import make_h5
from tests.scenarios.observing import normalised
from tests.support.golden import check_golden
from tests.support.plugins import TRAIN_AND_SAVE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ended
    from tests.conftest import SavedModel
    from tests.support.processes import ForkServer


@pytest.fixture(scope="module")
def models(
    tmp_path_factory: pytest.TempPathFactory,
    acme_model: SavedModel,
    acme_site: Path,
    fork_server: ForkServer,
) -> dict[str, Path]:
    """The same model as a `.h5` file and as a folder. Read only."""
    folder = tmp_path_factory.mktemp("containers")
    found = {"h5": folder / "acme.h5", "folder": folder / "acme"}
    arguments = [found["h5"], folder / "acme.npz"]
    fork_server.run(TRAIN_AND_SAVE, argv=arguments, path=[acme_site]).check()
    with zipfile.ZipFile(acme_model.path) as archive:
        archive.extractall(found["folder"])
    return found


@pytest.mark.parametrize("container", ["h5", "folder"])
def test_text_of_inspect_shows_everything(
    container: str, run: Callable[..., Ended], models: dict[str, Path]
) -> None:
    """The text has all that it has for a `.keras` file, places included."""
    ended = run("inspect", models[container])

    assert (ended.code, ended.err) == (0, "")
    folder = str(models[container].parent)
    check_golden(f"cli/inspect_{container}", normalised(ended.out), replace={folder: "FOLDER"})


@pytest.mark.parametrize("container", ["h5", "folder"])
def test_text_of_verify_tells_what_is_missing(
    container: str, run: Callable[..., Ended], models: dict[str, Path]
) -> None:
    """Where the plugin is not installed the finding is the one of a `.keras` file."""
    ended = run("verify", models[container])

    assert (ended.code, ended.err) == (1, "")
    folder = str(models[container].parent)
    check_golden(f"cli/verify_{container}", normalised(ended.out), replace={folder: "FOLDER"})


@pytest.mark.usefixtures("with_acme")
@pytest.mark.parametrize("container", ["h5", "folder"])
def test_good_file_is_one_line(
    container: str, run: Callable[..., Ended], models: dict[str, Path]
) -> None:
    """With the plugin installed there is nothing to say, whatever the policy."""
    for options in ([], ["--policy", "strict"]):
        ended = run("verify", *options, models[container])

        assert (ended.code, ended.err) == (0, "")
        assert ended.out == f"{models[container]} can be loaded here: no findings\n"


@pytest.mark.usefixtures("with_acme")
@pytest.mark.parametrize("container", ["h5", "folder"])
def test_documents_are_those_of_a_keras_file(
    container: str, run: Callable[..., Ended], models: dict[str, Path], acme_model: SavedModel
) -> None:
    """The JSON documents have the same members, and the same objects with their distributions."""
    for command in ("inspect", "verify"):
        wanted = json.loads(run(command, "--json", acme_model.path).out)
        ended = run(command, "--json", models[container])
        document = json.loads(ended.out)

        assert (ended.code, ended.err) == (0, "")
        assert list(document) == list(wanted)
        assert document["file"] == str(models[container])
        changing = {"key", "kind", "count", "distribution", "source"}
        assert [{part: item.get(part) for part in changing} for item in document["objects"]] == [
            {part: item.get(part) for part in changing} for item in wanted["objects"]
        ]
        assert document["findings"] == []


@pytest.mark.parametrize("container", ["h5", "folder"])
def test_document_of_inspect_describes_the_container(
    container: str, run: Callable[..., Ended], models: dict[str, Path]
) -> None:
    """Container, size, members and model are those of the path."""
    path = models[container]

    document = json.loads(run("inspect", "--json", path).out)

    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    assert document["container"] == {"h5": ".h5", "folder": "folder"}[container]
    assert document["size"] == sum(file.stat().st_size for file in files)
    assert {member["name"] for member in document["members"]} == {
        "h5": {"keras_registry", "model_weights", "optimizer_weights"},
        "folder": {"config.json", "metadata.json", "model.weights.h5"},
    }[container]
    assert document["model"] == {"class_name": "Sequential", "name": "acme_model"}
    assert document["manifest"]["manifest_version"] == "1.0"
    assert document["objects"][0]["first_place"] == 'layers[1] "gate"'


UNREADABLE: dict[str, tuple[str, str, Callable[[Path], Any]]] = {
    "h5 nothing": ("A101", "churn.h5", lambda path: None),
    "h5 folder": ("A102", "churn.h5", lambda path: path.mkdir()),
    "h5 empty": ("A103", "churn.h5", lambda path: path.write_bytes(b"")),
    "h5 zip": ("A104", "churn.h5", lambda path: path.write_bytes(b"PK\x03\x04" + bytes(50))),
    "h5 cut off": ("A105", "churn.h5", lambda path: path.write_bytes(b"\x89HDF\r\n\x1a\n")),
    "h5 no model": ("A106", "churn.h5", lambda path: make_h5(path, {"model_config": None})),
    "h5 no json": ("A107", "churn.h5", lambda path: make_h5(path, {"model_config": b"{"})),
    "h5 no text": ("A107", "churn.h5", lambda path: make_h5(path, {"model_config": 7})),
    "folder nothing": ("A101", "churn", lambda path: None),
    "folder no config": ("A102", "churn", lambda path: path.mkdir()),
    "folder no weights": ("A106", "churn", lambda path: write_config(path, "{}")),
    "folder no json": ("A107", "churn", lambda path: write_config(path, "[]")),
}


def write_config(path: Path, text: str) -> None:
    """Make a folder with nothing in it but a config."""
    path.mkdir()
    (path / "config.json").write_text(text, encoding="utf-8")


@pytest.mark.parametrize("command", ["inspect", "verify"])
@pytest.mark.parametrize(("code", "name", "make"), UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable_model_ends_with_3(
    code: str,
    name: str,
    make: Callable[[Path], Any],
    command: str,
    *,
    run: Callable[..., Ended],
    tmp_path: Path,
) -> None:
    """What cannot be read ends with 3, a finding on stderr, and a complete JSON document."""
    path = tmp_path / name
    make(path)

    shown = run(command, path)
    ended = run(command, "--json", path)

    assert (shown.code, shown.out) == (3, "")
    assert shown.err.startswith(f"{path} cannot be read: 1 error\n  {code} error ")
    document = json.loads(ended.out)
    assert (ended.code, ended.err) == (3, "")
    assert [item["code"] for item in document["findings"]] == [code]
    assert list(document) == ["report_version", "command", "file", "readable", "findings"]


ODD = {
    "empty": ({}, None, {}),
    "wrong types": ({"class_name": [1], "config": "text"}, ["loss"], "text"),
    "no names": ({"config": {"layers": [{"class_name": None, "config": 1}, [], 5]}}, {}, 1),
    "odd compiled state": ({}, {"loss": {"class_name": 3}, "metrics": [{"a": None}, 1.5]}, []),
    "hostile text": (
        {"class_name": "\x1b[2J", "config": {"name": "\u202e", "layers": [None]}},
        {"loss": "\x1b[8mloss", "metrics": {"\ud800": ["\ud800"]}},
        {"manifest_version": "\x1b[2J"},
    ),
}


@pytest.mark.parametrize("command", ["inspect", "verify"])
@pytest.mark.parametrize(("model", "training", "manifest"), ODD.values(), ids=ODD)
def test_h5_documents_of_any_form_are_read(
    model: Any,
    training: Any,
    manifest: Any,
    command: str,
    *,
    run: Callable[..., Ended],
    tmp_path: Path,
) -> None:
    """JSON of another form than Keras writes is no defect of the command, and is shown safely."""
    changes = {"model_config": json.dumps(model), "training_config": json.dumps(training)}
    if not isinstance(training, dict):
        changes["training_config"] = json.dumps({"loss": training})
    path = make_h5(tmp_path / "churn.h5", changes, manifest=manifest)

    for options in ([], ["--json"]):
        ended = run(command, *options, path)

        assert ended.code in {0, 1}, ended.err
        assert ended.err == ""
        assert "\x1b" not in ended.out
        assert "\u202e" not in ended.out


def test_h5_file_of_plain_keras_is_resolved_by_a_scan(
    run: Callable[..., Ended], with_acme: None, tmp_path: Path
) -> None:
    """Without a manifest the installed plugins are searched for what the config names."""
    path = make_h5(tmp_path / "churn.h5", manifest=None)

    ended = run("verify", path)

    assert ended.code == 0
    assert ended.out.splitlines() == [
        f"{path} can be loaded here: 1 note",
        "  M101 note     the file has no manifest",
        "       hint       save the model again with keras_registry imported",
    ]
    assert json.loads(run("verify", "--json", path).out)["objects"] == [
        {
            "key": "acme>GatedDense",
            "source": "plugin",
            "distribution": "acme-layers",
            "distribution_version": "1.4.2",
        }
    ]


@pytest.mark.parametrize(("code", "name", "make"), UNREADABLE.values(), ids=UNREADABLE)
def test_migrate_refuses_what_cannot_be_read(
    code: str, name: str, make: Callable[[Path], Any], run: Callable[..., Ended], tmp_path: Path
) -> None:
    """`migrate` ends with 3 before Keras is imported, in every container alike."""
    make(tmp_path / name)

    ended = run("migrate", tmp_path / name)

    assert (ended.code, ended.out) == (3, "")
    assert ended.err.startswith(f"{tmp_path / name} cannot be read: 1 error\n  {code} error ")
