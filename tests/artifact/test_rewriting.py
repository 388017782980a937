"""Tests of archives that are copied with other members, and of models that are rewritten."""

from __future__ import annotations

import json
import struct
import zipfile
from typing import TYPE_CHECKING

import h5py
import pytest

from keras_registry.artifact import Changes, read_artifact, rewrite_model
from keras_registry.artifact.keras_zip import copy_archive
from tests.artifact.archives import METADATA, WEIGHTS, make_archive
from tests.artifact.h5_files import make_h5

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MANIFEST = {"manifest_version": "1.0", "generator": "keras-registry 0.1.0", "objects": []}


def described(path: Path) -> list[tuple[object, ...]]:
    """Return the members of an archive, with what its directory says of them."""
    with zipfile.ZipFile(path) as archive:
        return [
            (
                info.filename,
                info.date_time,
                info.compress_type,
                info.comment,
                info.extra,
                info.create_system,
                info.external_attr,
                info.internal_attr,
                archive.read(info),
            )
            for info in archive.infolist()
        ]


def strange_archive(path: Path) -> None:
    """Write an archive of members that differ in all that an archive can say of them."""
    with zipfile.ZipFile(path, "w") as archive:
        for number, name in enumerate(["b", "metadata.json", "assets/", "a", "n\xe4me", "z"]):
            info = zipfile.ZipInfo(name, (1990 + number, 2, 3, 4, 6, 8))
            info.compress_type = zipfile.ZIP_DEFLATED if number % 2 else zipfile.ZIP_STORED
            info.comment = name.encode()
            info.extra = struct.pack("<HHI", 0x7A7A, 4, number)
            info.create_system = number % 2 * 3
            info.external_attr = number << 16
            info.internal_attr = number % 2
            archive.writestr(info, b"" if name.endswith("/") else name.encode() * 100)
        for info in archive.filelist:
            info.external_attr &= 0xFF << 16  # `writestr` replaces 0
        archive.filelist[0].external_attr = 0
        archive.comment = b"of the whole"


def test_copied_archive_is_the_same(tmp_path: Path) -> None:
    """Order, dates, attributes, comments, compression and bytes of all members are the same."""
    strange_archive(tmp_path / "old")

    copy_archive(tmp_path / "old", tmp_path / "new", {})

    assert described(tmp_path / "new") == described(tmp_path / "old")
    with zipfile.ZipFile(tmp_path / "new") as archive:
        assert archive.comment == b"of the whole"
        assert archive.testzip() is None


def test_changed_members_keep_their_places(tmp_path: Path) -> None:
    """A member with other bytes is described as before; a new one comes last, one can be left out.

    The bytes may come from a file.
    """
    strange_archive(tmp_path / "old")
    (tmp_path / "bytes").write_bytes(b"from a file")
    changes = {
        "metadata.json": b"other",
        "a": tmp_path / "bytes",
        "z": None,
        "added": b"new",
        "never there": None,
    }

    copy_archive(tmp_path / "old", tmp_path / "new", changes)

    before, after = described(tmp_path / "old"), described(tmp_path / "new")
    names = ["b", "metadata.json", "assets/", "a", "n\xe4me", "added"]
    assert [row[0] for row in after] == names
    assert [row[:-1] for row in after[:-1]] == [row[:-1] for row in before[:-1]]
    contents = {row[0]: row[-1] for row in after}
    assert (contents["metadata.json"], contents["a"]) == (b"other", b"from a file")
    assert contents["added"] == b"new"
    assert contents["b"] == before[0][-1]


def test_name_that_occurs_twice_stays_twice(tmp_path: Path) -> None:
    """Of members of one name the last one counts: it is changed, and the other one copied."""
    (tmp_path / "old").write_bytes(make_archive())
    with (
        zipfile.ZipFile(tmp_path / "old", "a") as archive,
        pytest.warns(UserWarning, match="Duplicate"),
    ):
        archive.writestr("metadata.json", "{}")

    copy_archive(tmp_path / "old", tmp_path / "new", {"metadata.json": b"last"})

    first, *_, last = described(tmp_path / "new")
    assert (first[0], first[-1]) == ("metadata.json", json.dumps(METADATA).encode())
    assert (last[0], last[-1]) == ("metadata.json", b"last")


def test_sizes_of_64_bits_are_not_written_twice(tmp_path: Path) -> None:
    """A member whose sizes were written with 64 bits has such a field once, and only if need be."""
    other = struct.pack("<HHI", 0x7A7A, 4, 5)
    wide = struct.pack("<HHQQ", 1, 16, 3, 3)
    with zipfile.ZipFile(tmp_path / "old", "w") as archive:
        info = zipfile.ZipInfo("a")
        info.extra = other
        archive.writestr(info, b"abc")
        archive.filelist[0].extra = wide + other + b"\x00"

    copy_archive(tmp_path / "old", tmp_path / "new", {})

    with zipfile.ZipFile(tmp_path / "new") as archive:
        assert archive.getinfo("a").extra == other + b"\x00"
        assert archive.read("a") == b"abc"


def forged(path: Path) -> Path:
    """Write a model whose weights have another CRC-32 than the archive says."""
    data = bytearray(make_archive())
    data[data.index(WEIGHTS) + 100] ^= 0xFF
    path.write_bytes(data)
    return path


def locked(path: Path) -> Path:
    """Write a model whose weights claim to be encrypted."""
    data = make_archive()
    with zipfile.ZipFile(path, "w") as archive:
        pass
    path.write_bytes(data)
    with zipfile.ZipFile(path, "a") as archive:
        archive.getinfo("model.weights.h5").flag_bits |= 1
        archive._didModify = True
    return path


@pytest.mark.parametrize("make", [forged, locked])
def test_damage_is_a_finding(make: Callable[[Path], Path], tmp_path: Path) -> None:
    """What cannot be read on the way ends the rewriting, and the file stays as it is."""
    file = make(tmp_path / "m.keras")
    before = file.read_bytes()
    artifact = read_artifact(file).artifact
    assert artifact is not None

    found = rewrite_model(file, artifact, Changes(manifest=MANIFEST))

    assert found is not None
    assert found.code == "A105"
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["m.keras"]


def test_manifest_that_nobody_would_read_is_not_written(tmp_path: Path) -> None:
    """Metadata beyond what the reader takes are refused."""
    file = tmp_path / "m.keras"
    file.write_bytes(make_archive())
    artifact = read_artifact(file).artifact
    assert artifact is not None

    found = rewrite_model(file, artifact, Changes(manifest={"generator": "x" * (1 << 26)}))

    assert found is not None
    assert (found.code, found.location) == ("A107", "metadata.json")


def test_other_members_of_h5_stay(tmp_path: Path) -> None:
    """Attributes, groups and datasets that are not Keras's own stay beside a new manifest."""
    file = make_h5(tmp_path / "m.h5", {"owner": "acme"})
    with h5py.File(file, "r+") as opened:
        opened.create_dataset("extra/table", data=[[1, 2], [3, 4]], chunks=(1, 2))
    artifact = read_artifact(file).artifact
    assert artifact is not None

    assert rewrite_model(file, artifact, Changes(manifest=MANIFEST)) is None

    again = read_artifact(file).artifact
    assert again is not None
    assert (again.manifest_document, again.config) == (MANIFEST, artifact.config)
    with h5py.File(file) as opened:
        assert opened.attrs["owner"] == "acme"
        assert opened["extra/table"][()].tolist() == [[1, 2], [3, 4]]
        assert opened["extra/table"].chunks == (1, 2)
        assert opened["model_weights/gate/kernel"].shape == (4, 3)


def test_file_that_changed_before_is_left(tmp_path: Path) -> None:
    """A model in another state than the one that was read is not rewritten."""
    file = tmp_path / "m.keras"
    file.write_bytes(make_archive())
    artifact = read_artifact(file).artifact
    assert artifact is not None

    found = rewrite_model(file, artifact, Changes(manifest=MANIFEST), known=(0, 0, 0))

    assert found is not None
    assert (found.code, found.found) == ("A111", "another program wrote the file meanwhile")
    assert file.read_bytes() == make_archive()
