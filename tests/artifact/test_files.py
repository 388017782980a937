"""Tests of files that are replaced in one step."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from keras_registry.artifact import replaceable, replacing
from keras_registry.artifact.files import ChangedError, find_state


@pytest.mark.parametrize(
    "path",
    [
        "m.h5",
        "m",
        "gs://bucket/m.keras",
        "hf://me/m.keras",
        "s3://bucket/m.keras",
        "/gcs/bucket/m.keras",
        "/cns/cell/m.keras",
        "/readahead/m.keras",
        "no-such-folder/m.keras",
    ],
)
def test_paths_that_cannot_be_replaced(path: str) -> None:
    """What is remote, no `.keras` file or in no folder is left to Keras."""
    assert replaceable(path) is None


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_pipe_cannot_be_replaced(tmp_path: Path) -> None:
    """A named pipe, which is no regular file, is left to Keras."""
    os.mkfifo(tmp_path / "m.keras")

    assert replaceable(str(tmp_path / "m.keras")) is None


def test_replacing_uses_a_name_of_its_own(tmp_path: Path) -> None:
    """The temporary file is in the same folder under another name each time."""
    target = tmp_path / "m.keras"
    names = set()
    for _ in range(3):
        with replacing(target) as temporary:
            temporary.write_bytes(b"new")
            names.add(temporary.name)
            assert temporary.parent == tmp_path
            assert not target.exists() or target.read_bytes() == b"new"

    assert len(names) == 3
    assert target.name not in names
    assert [path.name for path in tmp_path.iterdir()] == ["m.keras"]


def test_replaced_file_is_on_disk_before_it_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new file is flushed to the disk before it is renamed."""
    events = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda file: (events.append("fsync"), fsync(file)))
    monkeypatch.setattr(
        Path, "replace", lambda self, to: (events.append("replace"), replace(self, to))[1]
    )
    with replacing(tmp_path / "m.keras") as temporary:
        temporary.write_bytes(b"new")

    assert events == ["fsync", "replace"]


@pytest.mark.parametrize("change", ["written", "replaced", "removed", "nothing"])
def test_file_in_another_state_is_not_replaced(tmp_path: Path, change: str) -> None:
    """A file that was written, replaced or removed meanwhile stays as whoever did that left it."""
    target, other = tmp_path / "m.keras", tmp_path / "other"
    target.write_bytes(b"old")
    other.write_bytes(b"its")
    known = find_state(target)

    def replace() -> None:
        with replacing(target, known=known) as temporary:
            temporary.write_bytes(b"new")
            if change == "written":
                target.write_bytes(b"theirs")
            elif change == "replaced":
                other.replace(target)
            elif change == "removed":
                target.unlink()

    if change == "nothing":
        replace()
    else:
        with pytest.raises(ChangedError, match="another program wrote the file meanwhile"):
            replace()

    wanted = {"written": b"theirs", "replaced": b"its", "removed": None, "nothing": b"new"}[change]
    assert (target.read_bytes() if target.exists() else None) == wanted
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".keras-registry")]


def test_state_of_what_is_not_there(tmp_path: Path) -> None:
    """Where there is no file, or can be none, there is no state."""
    for name in ("nothing", "a\0b", "n" * 5000):
        assert find_state(tmp_path / name) is None
