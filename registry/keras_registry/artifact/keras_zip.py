"""The ``.keras`` container: a zip archive with ``metadata.json``, ``config.json`` and weights."""

from __future__ import annotations

import json
import zipfile
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
    from collections.abc import Sequence

    from keras_registry.artifact.reading import ArtifactReading
    from keras_registry.findings import Finding

__all__ = [
    "CONFIG",
    "METADATA",
    "WEIGHTS",
    "find_zip_obstacle",
    "read_keras_zip",
    "replace_metadata",
]

CONFIG = "config.json"
METADATA = "metadata.json"
WEIGHTS = ("model.weights.h5", "model.weights.npz")

_ZIP = FileFormat("a .keras file", "a zip archive", "archive", b"PK")


def read_keras_zip(
    source: str | os.PathLike[str] | IO[bytes], *, verify_members: bool = False
) -> ArtifactReading:
    """Reads a ``.keras`` file's metadata and config, with bounds on all that is read.

    Args:
        source: The path of the file, or the file itself, open for reading.
        verify_members: Also read every member through and compare its CRC-32.
    """
    return read_as(_ZIP, source, lambda name: _read(source, name, verify_members=verify_members))


def find_zip_obstacle(path: str | os.PathLike[str]) -> Finding | None:
    """What keeps Keras from even opening a ``.keras`` path; None if it is a zip archive.

    Args:
        path: A local path.
    """
    try:
        check_file(Path(path), _ZIP)
    except UnreadableError as error:
        return error.finding
    if zipfile.is_zipfile(path):
        return None
    missing = zipfile.BadZipFile("the directory at the end of the archive is missing")
    return damaged(missing, _ZIP).finding


def _read(source: Any, name: str, *, verify_members: bool) -> Artifact:
    size = None if hasattr(source, "read") else check_file(Path(source), _ZIP)
    with zipfile.ZipFile(source) as archive:
        infos = archive.infolist()
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
