"""Tests of reading exported models: SavedModel folders, with and without a manifest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from keras_registry.artifact import (
    Artifact,
    Member,
    find_graph_fingerprint,
    find_obstacle,
    is_saved_model,
    read_artifact,
    read_saved_model,
    saved_model,
)
from tests.artifact.failures import check_text, failure

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = "assets.extra/keras_registry.json"


def make_saved_model(path: Path, changes: dict[str, bytes | None] | None = None) -> Path:
    """Make a SavedModel's files; they can be exchanged, added or, with None, left out."""
    files: dict[str, bytes | None] = {
        "saved_model.pb": b"\x08\x01",
        "fingerprint.pb": b"\x09\x02",
        "variables/variables.index": b"index",
        MANIFEST: b'{"manifest_version": "1.0"}',
    }
    for name, data in (files | (changes or {})).items():
        if data is not None:
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_bytes(data)
    return path


def read(path: Path) -> Artifact:
    """What is known of a folder that can be read."""
    reading = read_saved_model(path)
    assert reading.findings == ()
    assert reading.artifact is not None
    return reading.artifact


def test_files_and_manifest_are_read(tmp_path: Path) -> None:
    """An exported model has files and a manifest, and no config."""
    path = make_saved_model(tmp_path / "churn")

    artifact = read(path)

    assert (artifact.name, artifact.container, artifact.is_file) == (str(path), "saved_model", True)
    assert artifact.is_exported
    assert artifact.members == (
        Member(MANIFEST, 27),
        Member("fingerprint.pb", 2),
        Member("saved_model.pb", 2),
        Member("variables/variables.index", 5),
    )
    assert artifact.size == 36
    assert (artifact.config, artifact.model) == ({}, {})
    assert artifact.manifest_document == {"manifest_version": "1.0"}


def test_graph_as_text(tmp_path: Path) -> None:
    """A graph that is written as text makes a SavedModel, too."""
    changes = {"saved_model.pb": None, "saved_model.pbtxt": b""}

    assert is_saved_model(make_saved_model(tmp_path / "churn", changes))


@pytest.mark.parametrize("path", ["nothing", "empty", "file", "a\0b"])
def test_other_paths_are_no_saved_models(path: str, tmp_path: Path) -> None:
    """A folder without a graph, a file and a path that cannot be are something else."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_bytes(b"")

    assert not is_saved_model(tmp_path / path)


def test_saved_model_without_manifest(tmp_path: Path) -> None:
    """What plain Keras exports, or another program, has no manifest."""
    artifact = read(make_saved_model(tmp_path / "churn", {MANIFEST: None}))

    assert (artifact.metadata, artifact.has_manifest) == ({}, False)


@pytest.mark.parametrize("data", [b"", b"keras", b"[1]", b"null", b"[" * 200_000, b"\xff\xfe"])
def test_manifest_that_is_no_json_object(data: bytes, tmp_path: Path) -> None:
    """Whatever stands in place of the manifest, there is one that cannot be used."""
    artifact = read(make_saved_model(tmp_path / "churn", {MANIFEST: data}))

    assert (artifact.has_manifest, artifact.manifest_document) == (True, None)


def test_huge_manifest_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A manifest that is larger than any real one is not read."""
    monkeypatch.setattr(saved_model, "MAX_METADATA_BYTES", 26)

    assert read(make_saved_model(tmp_path / "churn")).metadata is None


def test_hash_of_the_graph_is_that_of_its_fingerprint(tmp_path: Path) -> None:
    """Another fingerprint has another hash; without one, or with a huge one, there is none."""
    cases: dict[str, bytes | None] = {"one": b"1", "same": b"1", "other": b"2", "none": None}
    cases["huge"] = bytes((1 << 16) + 1)

    found = {
        name: find_graph_fingerprint(make_saved_model(tmp_path / name, {"fingerprint.pb": data}))
        for name, data in cases.items()
    }

    assert found["one"] == found["same"] != found["other"]
    assert (found["none"], found["huge"]) == (None, None)


@pytest.mark.parametrize("name", ["churn", "churn.keras", "churn.h5"])
def test_exported_model_is_refused_where_a_model_is_wanted(name: str, tmp_path: Path) -> None:
    """Whatever its name, the finding says what it is and what can be done with it."""
    path = make_saved_model(tmp_path / name)

    found = failure(read_artifact(path))

    assert found.code == "A110"
    assert find_obstacle(path) == found
    check_text("A110", found, path, file="churn")


def test_model_saved_beside_a_graph_is_a_model(tmp_path: Path) -> None:
    """A folder with a config is what Keras takes it for, whatever else lies there."""
    config: dict[str, Any] = {"class_name": "Sequential", "config": {}}
    changes = {"config.json": json.dumps(config).encode(), "model.weights.h5": b"\x89HDF"}

    artifact = read_artifact(make_saved_model(tmp_path / "churn", changes)).artifact

    assert artifact is not None
    assert (artifact.container, artifact.config) == ("folder", config)
