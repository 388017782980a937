"""The ``.keras`` container: a zip archive with ``metadata.json``, ``config.json`` and weights."""

from __future__ import annotations

import copy
import io
import json
import shutil
import struct
import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from keras_registry.artifact.model import Artifact, Member
from keras_registry.artifact.reading import (
    MAX_CONFIG_BYTES,
    MAX_METADATA_BYTES,
    SAVE_AGAIN,
    UNNAMED,
    FileFormat,
    UnreadableError,
    check_file,
    check_size,
    damaged,
    parse_json,
    read_as,
)
from keras_registry.names import printable

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from keras_registry.artifact.reading import ArtifactReading
    from keras_registry.findings import Finding

__all__ = [
    "CONFIG",
    "EXPANSION",
    "METADATA",
    "WEIGHTS",
    "ZIP_FORMAT",
    "Expansion",
    "copy_archive",
    "find_zip_obstacle",
    "read_keras_zip",
    "replace_metadata",
]

CONFIG = "config.json"
METADATA = "metadata.json"
WEIGHTS = ("model.weights.h5", "model.weights.npz")

_READ_IN_PLACE = 3
"""The most members of an archive that Keras does not unpack into a folder."""

ZIP_FORMAT = FileFormat("a .keras file", "a zip archive", "archive", b"PK")


@dataclass(frozen=True, slots=True)
class Expansion:
    """How far the members of an archive may unpack: a decompression bomb is beyond (CWE-409).

    Keras writes members as they are, and a file that somebody compressed stays far below.

    Attributes:
        times: How many times its bytes in the archive a large member may have.
        large: The bytes from which a member is large that is read into memory.
        large_on_disk: The same where all members are unpacked into a folder, as Keras does with
            archives of more than three.
    """

    times: int = 100
    large: int = 1 << 32
    large_on_disk: int = 1 << 28


EXPANSION = Expansion()
"""As Keras has it since 3.15."""


def read_keras_zip(
    source: str | os.PathLike[str] | IO[bytes],
    *,
    verify_members: bool = False,
    expansion: Expansion = EXPANSION,
) -> ArtifactReading:
    """Reads a ``.keras`` file's metadata and config, with bounds on all that is read.

    Args:
        source: The path of the file, or the file itself, open for reading.
        verify_members: Also read every member through and compare its CRC-32.
        expansion: How far members may unpack.
    """
    return read_as(
        ZIP_FORMAT,
        source,
        lambda name: _read(source, name, verify_members=verify_members, expansion=expansion),
    )


def find_zip_obstacle(path: str | os.PathLike[str]) -> Finding | None:
    """What keeps Keras from even opening a ``.keras`` path; None if it is a zip archive.

    Args:
        path: A local path.
    """
    try:
        check_file(Path(path), ZIP_FORMAT)
    except UnreadableError as error:
        return error.finding
    if zipfile.is_zipfile(path):
        return None
    missing = zipfile.BadZipFile("the directory at the end of the archive is missing")
    return damaged(missing, ZIP_FORMAT).finding


def _read(source: Any, name: str, *, verify_members: bool, expansion: Expansion) -> Artifact:
    size = None if hasattr(source, "read") else check_file(Path(source), ZIP_FORMAT)
    with zipfile.ZipFile(source) as archive:
        infos = archive.infolist()
        _check_expansion(infos, expansion)
        metadata = _read_metadata(archive)
        config = _read_json(archive, CONFIG, MAX_CONFIG_BYTES)
        members = {info.filename for info in infos}
        if not members.intersection(WEIGHTS):
            raise _incomplete(WEIGHTS[0], infos)
        if verify_members:
            _verify_members(archive)
    return Artifact(
        name=name,
        size=size,
        members=tuple(Member(info.filename, info.file_size) for info in infos),
        metadata=metadata,
        config=config,
        is_file=name != UNNAMED,
    )


def _check_expansion(infos: Sequence[zipfile.ZipInfo], allowed: Expansion) -> None:
    large = allowed.large if len(infos) <= _READ_IN_PLACE else allowed.large_on_disk
    for info in infos:
        if info.file_size > max(large, allowed.times * info.compress_size):
            raise UnreadableError(
                "A112",
                "a member of the archive is a decompression bomb",
                location=printable(info.filename),
                wanted=f"at most {allowed.times} times the {info.compress_size:,} bytes stored",
                found=f"a claim of {info.file_size:,} bytes",
                hint="do not load the file; ask whoever gave it to you for another copy",
            )


def _read_metadata(archive: zipfile.ZipFile) -> dict[str, Any] | None:
    if METADATA not in archive.namelist():
        return {}
    try:
        return _read_json(archive, METADATA, MAX_METADATA_BYTES)
    except UnreadableError:
        return None


def _read_json(archive: zipfile.ZipFile, name: str, limit: int) -> dict[str, Any]:
    try:
        info = archive.getinfo(name)
    except KeyError:
        raise _incomplete(name, archive.infolist()) from None
    check_size(name, info.file_size, limit)
    with archive.open(info) as member:
        data = member.read(limit + 1)
    return parse_json(name, data)


def _incomplete(member: str, infos: Sequence[zipfile.ZipInfo]) -> UnreadableError:
    names = ", ".join(printable(info.filename, limit=60) for info in infos[:5])
    return UnreadableError(
        "A106",
        "the archive is no Keras model",
        location=member,
        wanted=f"a member {member}",
        found=f"members {names}{', …' if len(infos) > 5 else ''}" if infos else "no members",  # noqa: PLR2004
        hint="a .keras file is written by model.save(path)",
    )


def _verify_members(archive: zipfile.ZipFile) -> None:
    for info in archive.infolist():
        try:
            with archive.open(info) as member:
                while member.read(1 << 20):
                    pass
        except Exception as error:
            raise UnreadableError(
                "A105",
                "a member of the archive is damaged",
                location=printable(info.filename),
                wanted="the bytes that were written (CRC-32)",
                found=printable(error),
                hint=SAVE_AGAIN,
            ) from error


def replace_metadata(path: Path, metadata: dict[str, Any]) -> None:
    """Puts other metadata into an archive, without moving its other members.

    The new member is written behind the others and the old one leaves the archive's directory,
    so the number of members stays. Not safe against interruption: for files nobody reads yet.
    """
    if not zipfile.is_zipfile(path):  # opened for appending, it would become the head of one
        message = f"{printable(path)} is no zip archive"
        raise zipfile.BadZipFile(message)
    with zipfile.ZipFile(path, "a") as archive:
        archive.filelist = [info for info in archive.filelist if info.filename != METADATA]
        archive.NameToInfo.pop(METADATA, None)
        archive.writestr(METADATA, json.dumps(metadata))


def copy_archive(source: Path, target: Path, changes: Mapping[str, bytes | Path | None]) -> None:
    """Copies an archive, with other bytes in some of its members.

    Every member keeps its place, date, attributes and compression. Those that do not change are
    read through on the way, which compares their CRC-32; none is held in memory.

    Args:
        source: The archive.
        target: Where the copy goes.
        changes: What to put into members, by their names, or the files that hold it; None leaves
            a member out. One that is not there yet comes last.

    Raises:
        zipfile.BadZipFile: The archive is damaged.
        OSError: A file cannot be read or written.
    """
    with (
        zipfile.ZipFile(source) as old,
        zipfile.ZipFile(target, "w") as new,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", UserWarning)  # a name that occurs twice stays as it is
        infos = old.infolist()
        if sum(info.compress_size for info in infos) > source.stat().st_size:
            message = "its members overlap"
            raise zipfile.BadZipFile(message)
        new.comment = old.comment
        for info in infos:
            is_read = old.getinfo(info.filename) is info  # of several, the last one is
            if not is_read or info.filename not in changes:
                with old.open(info) as content:
                    _write_member(new, info, content)
            else:
                _write_change(new, info, changes[info.filename])
        for name in [name for name in changes if name not in old.namelist()]:
            added = zipfile.ZipInfo(name)
            added.external_attr = 0o600 << 16  # as `zipfile` has it
            _write_change(new, added, changes[name])


def _write_change(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, change: bytes | Path | None
) -> None:
    if change is None:
        return
    with change.open("rb") if isinstance(change, Path) else io.BytesIO(change) as content:
        changed = copy.copy(info)
        changed.file_size = content.seek(0, io.SEEK_END)
        content.seek(0)
        _write_member(archive, changed, content)


def _write_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, content: IO[bytes]) -> None:
    """Writes a member that is described as another one is."""
    written = copy.copy(info)
    written.extra = _without_sizes(info.extra)
    with archive.open(written, "w") as member:
        shutil.copyfileobj(content, member, 1 << 20)
    written.external_attr = info.external_attr  # in place of 0, `zipfile` puts something else


def _without_sizes(extra: bytes) -> bytes:
    """A member's extra field without sizes of 64 bits, which are written anew where they matter.

    They have the id 1 in section 4.5.3 of the specification of zip files (APPNOTE.TXT).
    """
    kept = b""
    while len(extra) >= 4:  # noqa: PLR2004 - two numbers: the id of a part, and its size
        number, size = struct.unpack_from("<HH", extra)
        part, extra = extra[: 4 + size], extra[4 + size :]
        kept += b"" if number == 1 else part
    return kept + extra
