"""Tests of reading models saved as folders: whole ones, and whatever stands in their place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from keras_registry.artifact import (
    Artifact,
    Member,
    find_obstacle,
    keras_folder,
    read_artifact,
    read_keras_folder,
)
from tests.artifact.archives import CONFIG, METADATA, WEIGHTS
from tests.artifact.failures import check_text, failure

if TYPE_CHECKING:
    from pathlib import Path

    from keras_registry.findings import Finding


def make_folder(path: Path, changes: dict[str, bytes | None] | None = None) -> Path:
    """A model as a folder; members can be exchanged, added or, with None, left out."""
    members: dict[str, bytes | None] = {
        "metadata.json": json.dumps(METADATA).encode(),
        "config.json": json.dumps(CONFIG).encode(),
        "model.weights.h5": WEIGHTS,
    }
    path.mkdir(exist_ok=True)
    for name, data in (members | (changes or {})).items():
        if data is not None:
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)
    return path


def read(path: Path) -> Artifact:
    """What is in a folder that can be read."""
    reading = read_artifact(path)
    assert reading.findings == ()
    assert reading.artifact is not None
    return reading.artifact


def check(name: str, found: Finding, folder: Path) -> None:
    """Check the words of a finding about a folder."""
    check_text(f"folder_{name}", found, folder, file="churn")


@pytest.mark.parametrize("name", ["churn", "churn.h5", "churn.hdf5", "churn.v1"])
def test_whole_folder_is_read(name: str, tmp_path: Path) -> None:
    """Whatever its ending, a folder with a config is read as Keras reads it."""
    path = make_folder(tmp_path / name)

    artifact = read(path)

    sizes = {file.name: file.stat().st_size for file in path.iterdir()}
    assert (artifact.name, artifact.container, artifact.is_file) == (str(path), "folder", True)
    assert artifact.size == sum(sizes.values())
    assert artifact.members == tuple(Member(name, sizes[name]) for name in sorted(sizes))
    assert artifact.config == artifact.model == CONFIG
    assert artifact.metadata == METADATA
    assert (artifact.has_manifest, artifact.manifest_document) == (False, None)
    assert find_obstacle(path) is None


def test_folder_may_be_named_with_a_slash(tmp_path: Path) -> None:
    """A path that ends with a slash is the folder all the same."""
    path = make_folder(tmp_path / "churn")

    assert read_artifact(f"{path}/").artifact is not None


def test_ending_of_an_archive_is_no_folder(tmp_path: Path) -> None:
    """Keras opens whatever is called `.keras` as a file."""
    path = make_folder(tmp_path / "churn.keras")

    assert failure(read_artifact(path)).code == "A102"
    found = find_obstacle(path)
    assert found is not None
    assert found.code == "A102"


def test_assets_are_members(tmp_path: Path) -> None:
    """Files in folders of the folder have their paths as names, with slashes on every system."""
    path = make_folder(tmp_path / "churn", {"assets/words/list.txt": b"a\nb\n"})

    artifact = read(path)

    assert artifact.members[0] == Member("assets/words/list.txt", 4)
    assert len(artifact.members) == 4


def test_weights_may_be_npz(tmp_path: Path) -> None:
    """Keras can store weights in NumPy's format, too."""
    path = make_folder(
        tmp_path / "churn", {"model.weights.h5": None, "model.weights.npz": b"PK\x03\x04"}
    )

    assert [member.name for member in read(path).members] == [
        "config.json",
        "metadata.json",
        "model.weights.npz",
    ]


@pytest.mark.parametrize("document", [{"manifest_version": "1.0"}, None, [], "no manifest"])
def test_manifest_is_what_the_metadata_holds(document: Any, tmp_path: Path) -> None:
    """The manifest's document is handed on as it is; null is a document, too."""
    metadata = json.dumps({**METADATA, "keras_registry": document}).encode()

    artifact = read(make_folder(tmp_path / "churn", {"metadata.json": metadata}))

    assert artifact.has_manifest
    assert artifact.manifest_document == document


def test_folder_without_metadata(tmp_path: Path) -> None:
    """A folder without metadata is a model that nobody wrote a manifest for."""
    artifact = read(make_folder(tmp_path / "churn", {"metadata.json": None}))

    assert (artifact.metadata, artifact.has_manifest) == ({}, False)


NO_OBJECTS = {
    "not_json": b"keras",
    "not_text": b"\xff\xfe\x00",
    "list": b"[1, 2]",
    "null": b"null",
    "deep": b"[" * 200_000,
    "long_number": b'{"a": ' + b"1" * 10_000 + b"}",
    "empty": b"",
}


@pytest.mark.parametrize("data", NO_OBJECTS.values(), ids=NO_OBJECTS)
def test_config_that_is_no_json_object(data: bytes, tmp_path: Path) -> None:
    """Whatever stands in place of the config, there is a finding that names the file."""
    found = failure(read_artifact(make_folder(tmp_path / "churn", {"config.json": data})))

    assert (found.code, found.location) == ("A107", "config.json")


@pytest.mark.parametrize("data", NO_OBJECTS.values(), ids=NO_OBJECTS)
def test_metadata_that_is_no_json_object(data: bytes, tmp_path: Path) -> None:
    """Keras loads without the metadata, so the model is read: with a manifest that is none."""
    artifact = read(make_folder(tmp_path / "churn", {"metadata.json": data}))

    assert (artifact.metadata, artifact.config) == (None, CONFIG)
    assert (artifact.has_manifest, artifact.manifest_document) == (True, None)


def test_metadata_that_is_a_folder(tmp_path: Path) -> None:
    """The same holds where there is no file to read."""
    path = make_folder(tmp_path / "churn", {"metadata.json": None})
    (path / "metadata.json").mkdir()

    assert read(path).metadata is None


@pytest.mark.parametrize("name", ["not_json", "list", "deep"])
def test_texts_about_an_unreadable_config(name: str, tmp_path: Path) -> None:
    """What was found in place of the JSON object is said in a few words."""
    path = make_folder(tmp_path / "churn", {"config.json": NO_OBJECTS[name]})

    check(f"A107_{name}", failure(read_artifact(path)), tmp_path)


def test_huge_files_are_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is larger than any real one is not read."""
    path = make_folder(tmp_path / "churn", {"metadata.json": b" " * 2000 + b"{}"})
    monkeypatch.setattr(keras_folder, "MAX_METADATA_BYTES", 2001)
    assert read(path).metadata is None

    monkeypatch.setattr(keras_folder, "MAX_CONFIG_BYTES", 1000)
    (path / "config.json").write_bytes(b" " * 999 + b"{}")
    check("A107_huge", failure(read_artifact(path)), tmp_path)


def test_folder_without_weights(tmp_path: Path) -> None:
    """A folder without weights is no model; its files are named safely, and only the first."""
    changes = {f"part{number}.txt": b"" for number in range(4)}
    path = make_folder(tmp_path / "churn", {**changes, "a\x1b[8m": b"", "model.weights.h5": None})

    check("A106_weights", failure(read_artifact(path)), tmp_path)


def test_config_that_is_a_folder(tmp_path: Path) -> None:
    """A config has to be a file."""
    path = make_folder(tmp_path / "churn", {"config.json": None})
    (path / "config.json").mkdir()

    check("A106_config", failure(read_artifact(path)), tmp_path)


def test_folder_that_is_no_model(tmp_path: Path) -> None:
    """A folder without a config is said to be one."""
    path = make_folder(tmp_path / "churn", {"config.json": None})
    found = failure(read_artifact(path))

    assert found == find_obstacle(path)
    check("A102", found, tmp_path)


@pytest.mark.parametrize("make", ["nothing", "file", "empty folder"])
def test_anything_else_has_no_files(make: str, tmp_path: Path) -> None:
    """What the reader itself is given and is no folder, or went away meanwhile, is a finding."""
    path = tmp_path / "churn"
    if make == "file":
        path.write_bytes(b"{}")
    elif make == "empty folder":
        path.mkdir()

    found = failure(read_keras_folder(path))

    assert (found.code, found.found) == ("A106", "no files")


def test_missing_path(tmp_path: Path) -> None:
    """A path with nothing there is a missing file, whatever it was meant to be."""
    found = failure(read_artifact(tmp_path / "churn"))

    assert (found.code, find_obstacle(tmp_path / "churn")) == ("A101", found)


def test_path_that_no_system_takes() -> None:
    """A path with a null character is a finding, not an exception."""
    found = find_obstacle("churn\x00")

    assert found is not None
    assert found.code == failure(read_artifact("churn\x00")).code == "A101"


def test_other_files_are_none_of_ours(tmp_path: Path) -> None:
    """What is in a file of another ending is Keras's to say."""
    path = tmp_path / "churn.pb"
    path.write_bytes(b"model")

    assert find_obstacle(path) is None
