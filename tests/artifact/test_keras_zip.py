"""Tests of reading `.keras` files: whole ones, and whatever stands in their place."""

from __future__ import annotations

import io
import json
import os
import tempfile
from typing import TYPE_CHECKING, Any

import pytest

from keras_registry.artifact import Member, find_obstacle, read_keras_zip
from keras_registry.artifact.keras_zip import MAX_CONFIG_BYTES
from keras_registry.findings import render_findings
from tests.artifact.archives import CONFIG, METADATA, WEIGHTS, claim_size, make_archive
from tests.artifact.failures import check_text, failure

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.processes import ForkServer

SAVE_MODEL = """
import sys, keras
model = keras.Sequential(
    [keras.layers.Input((4,)), keras.layers.Dense(3, name="hidden")], name="small"
)
model.save(sys.argv[1])
print(keras.__version__)
"""


def test_real_model_is_read(fork_server: ForkServer, tmp_path: Path) -> None:
    """Of a file that Keras wrote: its members, its metadata and the model's config."""
    path = tmp_path / "churn.keras"
    version = fork_server.run(SAVE_MODEL, argv=[path]).check().stdout.strip()

    reading = read_keras_zip(path, verify_members=True)

    assert reading.findings == ()
    assert reading.name == str(path)
    artifact = reading.artifact
    assert artifact is not None
    assert (artifact.name, artifact.size) == (str(path), path.stat().st_size)
    assert {member.name for member in artifact.members} == {
        "metadata.json",
        "config.json",
        "model.weights.h5",
    }
    assert artifact.metadata["keras_version"] == version
    assert artifact.config["class_name"] == "Sequential"
    assert artifact.config["config"]["name"] == "small"
    assert (artifact.has_manifest, artifact.manifest_document) == (False, None)


@pytest.mark.parametrize("document", [{"manifest_version": "1.0"}, None, [], "no manifest"])
def test_manifest_is_what_the_metadata_holds(document: Any) -> None:
    """The manifest's document is handed on as it is; null is a document, too."""
    metadata = json.dumps({**METADATA, "keras_registry": document}).encode()

    artifact = read_keras_zip(io.BytesIO(make_archive({"metadata.json": metadata}))).artifact

    assert artifact is not None
    assert artifact.has_manifest
    assert artifact.manifest_document == document


def test_paths_and_open_files_are_read_alike(tmp_path: Path) -> None:
    """A path as text, a path, an open file and bytes in memory give the same model."""
    path = tmp_path / "churn.keras"
    path.write_bytes(make_archive())

    with path.open("rb") as file:
        readings = [
            read_keras_zip(source) for source in (path, str(path), file, io.BytesIO(make_archive()))
        ]

    artifacts = [reading.artifact for reading in readings]
    assert [artifact and artifact.config for artifact in artifacts] == [CONFIG] * 4
    assert [artifact and artifact.metadata for artifact in artifacts] == [METADATA] * 4
    assert [reading.name for reading in readings] == [str(path)] * 3 + ["model"]
    size = path.stat().st_size
    assert [artifact and artifact.size for artifact in artifacts] == [size, size, None, None]
    assert artifacts[0] is not None
    assert artifacts[0].members[2] == Member("model.weights.h5", len(WEIGHTS))


def test_open_file_stays_open() -> None:
    """A file that the caller opened is the caller's to close, also if it cannot be read."""
    for raw in (make_archive(), b"no archive"):
        file = io.BytesIO(raw)
        read_keras_zip(file, verify_members=True)
        assert not file.closed


def test_named_temporary_file_is_an_open_file() -> None:
    """What `tempfile` opens is an open file as any other."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(make_archive())
        file.seek(0)
        assert read_keras_zip(file).artifact is not None


def test_weights_are_not_read() -> None:
    """Only the directory and two small members are read, however large the weights are."""

    class Counting(io.BytesIO):
        count = 0

        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            self.count += len(data)
            return data

    file = Counting(make_archive({"model.weights.h5": bytes(1 << 23)}))

    assert read_keras_zip(file).artifact is not None
    assert file.count < 1 << 17


def test_compressed_members_and_further_ones_are_read() -> None:
    """A file that was packed again by another program is still the model; so is one with assets."""
    raw = make_archive({"assets/vocabulary.txt": b"a\nb\n"}, compression=8, comment=b"packed")

    artifact = read_keras_zip(io.BytesIO(raw), verify_members=True).artifact

    assert artifact is not None
    assert [member.name for member in artifact.members][3:] == ["assets/vocabulary.txt"]


def test_weights_may_be_npz() -> None:
    """Keras can store weights in NumPy's format, too."""
    raw = make_archive({"model.weights.h5": None, "model.weights.npz": b"PK"})

    assert read_keras_zip(io.BytesIO(raw)).artifact is not None


def test_missing_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path with nothing there is said with the working directory."""
    monkeypatch.chdir(tmp_path)

    found = failure(read_keras_zip("chrun.keras"))

    check_text("A101", found, tmp_path)


def test_folder_that_is_no_model(tmp_path: Path) -> None:
    """A folder without a config is no model."""
    check_text("A102_folder", failure(read_keras_zip(tmp_path)), tmp_path)


def test_folder_that_is_a_model(tmp_path: Path) -> None:
    """A model saved as a folder is recognised, and not called damaged."""
    (tmp_path / "config.json").write_text(json.dumps(CONFIG), encoding="utf-8")

    check_text("A102_model", failure(read_keras_zip(tmp_path)), tmp_path)


def write_file(folder: Path, data: bytes) -> Path:
    """A file with these bytes where a model should be."""
    path = folder / "churn.keras"
    path.write_bytes(data)
    return path


def test_empty_file(tmp_path: Path) -> None:
    """A file without a byte has its own finding."""
    found = failure(read_keras_zip(write_file(tmp_path, b"")))

    check_text("A103", found, tmp_path)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("html", b"\n  <!DOCTYPE html>\n<html><title>Sign in</title></html>"),
        ("hdf5", b"\x89HDF\r\n\x1a\n" + bytes(100)),
        ("gzip", b"\x1f\x8b\x08\x00" + bytes(20)),
        ("git_lfs", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"),
        ("pickle", b"\x80\x05\x95" + bytes(20)),
        ("unknown", b"\x1b[31m\x00\xff\r\n model"),
    ],
)
def test_other_files_are_recognised(name: str, data: bytes, tmp_path: Path) -> None:
    """What stands in place of the archive is named, and the hint is one for that."""
    found = failure(read_keras_zip(write_file(tmp_path, data)))

    assert found.code == "A104"
    check_text(f"A104_{name}", found, tmp_path)


@pytest.mark.parametrize(
    "head", [b"<!doctype html>", b"<html lang='en'>", b"<!DOCTYPE HTML PUBLIC>", b"\n\n<html>"]
)
def test_web_pages_are_recognised_in_any_form(head: bytes, tmp_path: Path) -> None:
    """A page that was downloaded in place of the file is called one."""
    found = failure(read_keras_zip(write_file(tmp_path, head + b"..." * 30)))

    assert found.found == "a web page (HTML)"


@pytest.mark.parametrize("head", [b"<HTML>", b"\xef\xbb\xbf<!DOCTYPE html>", b"<!Doctype html>"])
def test_web_pages_are_recognised_in_any_case(head: bytes, tmp_path: Path) -> None:
    """HTML does not distinguish small and capital letters, and may begin with a byte order mark."""
    found = failure(read_keras_zip(write_file(tmp_path, head + b"..." * 30)))

    assert found.found == "a web page (HTML)"


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("other", dict.fromkeys(["metadata.json", "config.json", "model.weights.h5"])),
        ("config", {"config.json": None}),
        ("weights", {"model.weights.h5": None}),
    ],
)
def test_archive_that_is_no_model(
    name: str, changes: dict[str, bytes | None], tmp_path: Path
) -> None:
    """A zip archive without a config or without weights is some other archive."""
    if name == "other":
        changes |= {f"word/part{n}.xml": b"" for n in range(9)} | {"[x]\x1b[8m": b""}
    found = failure(read_keras_zip(write_file(tmp_path, make_archive(changes))))

    check_text(f"A106_{name}", found, tmp_path)


def test_archive_without_members(tmp_path: Path) -> None:
    """An empty archive is no model either."""
    changes = dict.fromkeys(["metadata.json", "config.json", "model.weights.h5"])

    found = failure(read_keras_zip(write_file(tmp_path, make_archive(changes))))

    assert (found.code, found.found) == ("A106", "no members")


NO_OBJECTS = {
    "not_json": b"keras",
    "not_text": b"\xff\xfe\x00",
    "list": b"[1, 2]",
    "null": b"null",
    "deep_list": b"[" * 200_000,
    "deep_object": b'{"a":' * 200_000,
    "long_number": b'{"a": ' + b"1" * 10_000 + b"}",
    "empty": b"",
}


@pytest.mark.parametrize("data", NO_OBJECTS.values(), ids=NO_OBJECTS)
def test_config_that_is_no_json_object(data: bytes) -> None:
    """Whatever stands in place of the config, there is a finding that names the member."""
    found = failure(read_keras_zip(io.BytesIO(make_archive({"config.json": data}))))

    assert (found.code, found.location) == ("A107", "config.json")


@pytest.mark.parametrize("data", NO_OBJECTS.values(), ids=NO_OBJECTS)
def test_metadata_that_is_no_json_object(data: bytes) -> None:
    """Keras loads without the metadata, so the model is read: with a manifest that is none."""
    artifact = read_keras_zip(io.BytesIO(make_archive({"metadata.json": data}))).artifact

    assert artifact is not None
    assert (artifact.metadata, artifact.config) == (None, CONFIG)
    assert artifact.has_manifest
    assert artifact.manifest_document is None
    assert artifact.find_metadata("keras_version") is None


def test_file_without_metadata() -> None:
    """A file without metadata is a model that nobody wrote a manifest for."""
    artifact = read_keras_zip(io.BytesIO(make_archive({"metadata.json": None}))).artifact

    assert artifact is not None
    assert (artifact.metadata, artifact.has_manifest) == ({}, False)
    assert artifact.find_metadata("keras_version") is None


@pytest.mark.parametrize("name", ["not_json", "list", "deep", "huge"])
def test_texts_about_an_unreadable_member(name: str, tmp_path: Path) -> None:
    """What was found in place of the JSON object is said in a few words."""
    data = {"not_json": b"keras", "list": b"[1]", "deep": b"[" * 200_000, "huge": b"{}"}[name]
    raw = make_archive({"config.json": data})
    if name == "huge":
        raw = claim_size(raw, "config.json", MAX_CONFIG_BYTES + 1)

    check_text(f"A107_{name}", failure(read_keras_zip(io.BytesIO(raw))), tmp_path)


def test_nothing_is_in_the_way_of_an_archive(tmp_path: Path) -> None:
    """What Keras opens is no obstacle, whether or not it turns out to be a model."""
    assert find_obstacle(write_file(tmp_path, make_archive())) is None
    assert find_obstacle(str(write_file(tmp_path, make_archive({"config.json": None})))) is None


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "A103"),
        (b"<!DOCTYPE html>", "A104"),
        (make_archive()[:300], "A105"),
        (b"PK\x03\x04", "A105"),
    ],
    ids=["empty", "html", "truncated", "head"],
)
def test_obstacles_are_what_the_reader_finds(data: bytes, code: str, tmp_path: Path) -> None:
    """What Keras cannot even open has the finding that reading it has."""
    path = write_file(tmp_path, data)

    found = find_obstacle(path)

    assert found is not None
    assert found.code == code == failure(read_keras_zip(path)).code


def test_obstacles_that_are_no_files(tmp_path: Path) -> None:
    """A folder and a path with nothing there are told, too."""
    codes = [found and found.code for found in map(find_obstacle, (tmp_path, tmp_path / "no"))]

    assert codes == ["A102", "A101"]


def test_text_about_a_file_that_was_cut_off(tmp_path: Path) -> None:
    """Of an archive that is cut off the words say what is missing."""
    found = find_obstacle(write_file(tmp_path, make_archive()[:300]))

    assert found is not None
    check_text("A105_obstacle", found, tmp_path)


def test_path_that_the_system_refuses(tmp_path: Path) -> None:
    """A path too long for the system is a finding with the system's reason."""
    found = failure(read_keras_zip(tmp_path / ("x" * 5000)))

    assert found.code == "A105"
    assert found.found


def test_path_that_no_system_takes() -> None:
    """A path with a null character is a finding, not an exception."""
    assert failure(read_keras_zip("churn\x00.keras")).code == "A101"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_path_of_a_pipe(tmp_path: Path) -> None:
    """What is neither a file nor a folder is not opened: a pipe would never answer."""
    os.mkfifo(tmp_path / "churn.keras")

    assert failure(read_keras_zip(tmp_path / "churn.keras")).code == "A104"


def test_hostile_path_is_shown_safely(tmp_path: Path) -> None:
    """A path is untrusted text as well: it is printed with escapes."""
    reading = read_keras_zip(tmp_path / "a\x1b[31m\u202eb.keras")

    assert "\\x1b[31m\\u202eb" in reading.name
    text = render_findings(reading.name, reading.findings)
    assert "\x1b" not in text
    assert "\u202e" not in text


@pytest.mark.parametrize("data", [b"", b"\n", b"<!DOCTYPE html>", bytes(1000)])
def test_open_file_that_is_no_archive(data: bytes) -> None:
    """An open file without an archive in it is a finding, too."""
    assert failure(read_keras_zip(io.BytesIO(data))).code == "A105"
