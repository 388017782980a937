"""`keras-registry inspect`: what is in a model file."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import h5py
import pytest
from tests.scenarios.archives import alter, read_manifest_document, write_archive
from tests.scenarios.observing import normalised
from tests.support.golden import check_golden

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ended
    from tests.conftest import SavedModel


def test_text_shows_everything_in_the_file(
    run: Callable[..., Ended], acme_model: SavedModel
) -> None:
    """The text shows file, model, versions, weights, objects with their places, distributions."""
    ended = run("inspect", acme_model.path)

    assert (ended.code, ended.err) == (0, "")
    folder = str(acme_model.path.parent)
    check_golden("cli/inspect", normalised(ended.out), replace={folder: "FOLDER"})


def test_json_holds_the_same(run: Callable[..., Ended], acme_model: SavedModel) -> None:
    """The JSON document has all of that as data, the manifest included."""
    ended = run("inspect", "--json", acme_model.path)

    document = json.loads(ended.out)
    assert (ended.code, ended.err) == (0, "")
    assert list(document) == [
        "report_version",
        "command",
        "file",
        "readable",
        "container",
        "size",
        "members",
        "keras_version",
        "date_saved",
        "model",
        "objects",
        "only_in_keras2",
        "lambdas",
        "manifest",
        "findings",
    ]
    assert document["report_version"] == "1.0"
    assert document["size"] == acme_model.path.stat().st_size
    assert {member["name"] for member in document["members"]} == {
        "config.json",
        "metadata.json",
        "model.weights.h5",
    }
    assert document["model"] == {"class_name": "Sequential", "name": "acme_model"}
    assert document["manifest"] == read_manifest_document(acme_model.path)
    assert document["objects"][0] == {
        "key": "acme>GatedDense",
        "kind": "layer",
        "count": 2,
        "first_place": 'layers[1] "gate"',
        "distribution": "acme-layers",
        "config_version": 1,
    }
    assert (document["lambdas"], document["findings"]) == ([], [])


def break_manifest(manifest: dict[str, Any]) -> None:
    """Put something else in place of a distribution's name."""
    manifest["objects"][0]["distribution"] = "no name"


def age_manifest(manifest: dict[str, Any]) -> None:
    """Claim a format of tomorrow."""
    manifest["manifest_version"] = "2.0"


@pytest.mark.parametrize(
    ("change", "code", "exit_code"), [(break_manifest, "M105", 0), (age_manifest, "M103", 1)]
)
def test_unusable_manifest_is_a_finding(
    change: Any,
    code: str,
    exit_code: int,
    *,
    run: Callable[..., Ended],
    acme_model: SavedModel,
    tmp_path: Path,
) -> None:
    """Objects are found from the model itself where the manifest cannot be used, which is said."""
    file = alter(acme_model.path, tmp_path / "model.keras", manifest=change)

    ended = run("inspect", "--json", file)
    shown = run("inspect", file)

    document = json.loads(ended.out)
    assert ended.code == shown.code == exit_code
    assert [item["code"] for item in document["findings"]] == [code]
    assert document["manifest"] is None
    assert len(document["objects"]) == 4
    assert f"  {code} " in shown.out


HTML = b"<!DOCTYPE html><title>Sign in</title>"


def empty_weights() -> bytes:
    """Return an HDF5 file with nothing in it."""
    store = io.BytesIO()
    h5py.File(store, "w").close()
    return store.getvalue()


WHOLE = {"config.json": "{}", "metadata.json": "{}", "model.weights.h5": empty_weights()}


def write_bytes(data: bytes) -> Callable[[Path], Path]:
    """Return a function that makes a file of these bytes."""

    def make(folder: Path) -> Path:
        file = folder / "model.keras"
        file.write_bytes(data)
        return file

    return make


def write_zip(**changes: bytes | str | None) -> Callable[[Path], Path]:
    """Return a function that makes an archive; a member that is None is left out."""
    members = {**WHOLE, **{name.replace("_", "."): data for name, data in changes.items()}}
    present = {name: data for name, data in members.items() if data is not None}
    return lambda folder: write_archive(folder / "model.keras", present)


def cut_off(folder: Path) -> Path:
    """Make an archive that lacks its end."""
    file = write_zip()(folder)
    file.write_bytes(file.read_bytes()[:-30])
    return file


def make_folder(folder: Path) -> Path:
    """Make a folder in place of a file."""
    (folder / "model.keras").mkdir()
    return folder / "model.keras"


UNREADABLE: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "nothing": ("A101", lambda folder: folder / "model.keras"),
    "folder": ("A102", make_folder),
    "empty": ("A103", write_bytes(b"")),
    "html": ("A104", write_bytes(HTML)),
    "hdf5": ("A104", write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))),
    "lfs": ("A104", write_bytes(b"version https://git-lfs.github.com/spec/v1\n")),
    "cut off": ("A105", cut_off),
    "garbage": ("A105", write_bytes(b"PK\x03\x04" + bytes(1000))),
    "no config": ("A106", write_zip(config_json=None)),
    "no weights": ("A106", write_zip(**{"model.weights.h5": None})),
    "no members": ("A106", lambda folder: write_archive(folder / "model.keras", {})),
    "no json": ("A107", write_zip(config_json="{")),
    "json of another form": ("A107", write_zip(config_json="[]")),
    "deep json": ("A107", write_zip(config_json="[" * 100_000)),
    "no text": ("A107", write_zip(config_json=b"\xff\xfe\x00")),
}


@pytest.mark.parametrize("command", ["inspect", "verify"])
@pytest.mark.parametrize(("code", "make"), UNREADABLE.values(), ids=UNREADABLE)
def test_unreadable_file_ends_with_3(
    code: str,
    make: Callable[[Path], Path],
    command: str,
    *,
    run: Callable[..., Ended],
    tmp_path: Path,
) -> None:
    """A file that cannot be read ends with 3, a finding on stderr, and a complete JSON document."""
    file = make(tmp_path)

    shown = run(command, file)
    ended = run(command, "--json", file)

    assert (shown.code, shown.out) == (3, "")
    assert shown.err.startswith(f"{file} cannot be read: 1 error\n  {code} error ")
    assert len(shown.err.splitlines()) <= 12
    document = json.loads(ended.out)
    assert (ended.code, ended.err) == (3, "")
    assert [item["code"] for item in document["findings"]] == [code]
    assert list(document) == ["report_version", "command", "file", "readable", "findings"]
    assert (document["command"], document["readable"]) == (command, False)


ODD_DOCUMENTS = {
    "empty": ({}, {}),
    "wrong types": (
        {"class_name": [1], "config": "text", "compile_config": 3, "module": {}},
        {"keras_version": {"a": 1}, "date_saved": None, "keras_registry": None},
    ),
    "classes without names": (
        {"config": {"layers": [{"class_name": None, "config": 1}, [], None, 5]}},
        {"keras_registry": []},
    ),
    "a key that is a number": (
        {"config": {"layers": [{"class_name": "X", "config": {}, "registered_name": 5}]}},
        {"keras_registry": 1},
    ),
    "a function without a name": (
        {"loss": {"class_name": "function", "config": None}},
        {"keras_registry": "text"},
    ),
}


@pytest.mark.parametrize("command", ["inspect", "verify"])
@pytest.mark.parametrize(("config", "metadata"), ODD_DOCUMENTS.values(), ids=ODD_DOCUMENTS)
def test_documents_of_any_form_are_read(
    config: Any,
    metadata: Any,
    command: str,
    *,
    run: Callable[..., Ended],
    tmp_path: Path,
) -> None:
    """JSON of another form than Keras writes is no defect of the command."""
    members = {**WHOLE, "config.json": json.dumps(config), "metadata.json": json.dumps(metadata)}
    file = write_archive(tmp_path / "model.keras", members)

    for options in ([], ["--json"]):
        ended = run(command, *options, file)

        assert ended.code in {0, 1}, ended.err
        assert ended.err == ""
