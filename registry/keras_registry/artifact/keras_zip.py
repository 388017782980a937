"""The ``.keras`` container: a zip archive with ``metadata.json``, ``config.json`` and weights."""

from __future__ import annotations

import json
import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from keras_registry.artifact.model import Artifact, Member
from keras_registry.findings import Finding, Policy, finding
from keras_registry.names import printable

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

__all__ = ["ArtifactReading", "find_obstacle", "read_keras_zip", "replace_metadata"]

CONFIG = "config.json"
METADATA = "metadata.json"
WEIGHTS = ("model.weights.h5", "model.weights.npz")

# Far above every real model; a member that claims more is an attack on the reader's memory.
MAX_METADATA_BYTES = 1 << 26
MAX_CONFIG_BYTES = 1 << 28

_UNNAMED = "model"
_SAVE_AGAIN = "copy or save the model again"
_KINDS = (
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "give it the ending .h5 (or .weights.h5)"),
    (b"<!DOCTYPE", "a web page (HTML)", "download the file itself, not the page about it"),
    (b"<html", "a web page (HTML)", "download the file itself, not the page about it"),
    (b"\x1f\x8b", "a gzip file", "unpack it first"),
    (b"version https://git-lfs", "a Git LFS pointer", "run: git lfs pull"),
    (b"\x80", "a pickle", None),
)


@dataclass(frozen=True, slots=True)
class ArtifactReading:
    """What came of reading a file.

    Attributes:
        name: How messages call the file: its path, or ``model`` where there is none.
        artifact: What is in it; None if it cannot be read.
        findings: Why it cannot be read.
    """

    name: str
    artifact: Artifact | None
    findings: tuple[Finding, ...] = ()


class _UnreadableError(Exception):
    """Carries the finding from the place where it is made to the end of the reading."""

    def __init__(self, code: str, summary: str, **parts: Any) -> None:
        super().__init__(summary)
        self.finding = finding(code, Policy.COMPATIBLE, summary, **parts)


def read_keras_zip(
    source: str | os.PathLike[str] | IO[bytes], *, verify_members: bool = False
) -> ArtifactReading:
    """Reads a ``.keras`` file's metadata and config, with bounds on all that is read.

    Args:
        source: The path of the file, or the file itself, open for reading.
        verify_members: Also read every member through and compare its CRC-32.
    """
    name = _name_of(source)
    try:
        return ArtifactReading(name, _read(source, name, verify_members=verify_members))
    except _UnreadableError as error:
        return ArtifactReading(name, None, (error.finding,))


def find_obstacle(path: str | os.PathLike[str]) -> Finding | None:
    """What keeps Keras from even opening a ``.keras`` path; None if it is a zip archive.

    Args:
        path: A local path.
    """
    try:
        _check_file(Path(path))
    except _UnreadableError as error:
        return error.finding
    if zipfile.is_zipfile(path):
        return None
    return _damaged(
        zipfile.BadZipFile("the directory at the end of the archive is missing")
    ).finding


def _name_of(source: str | os.PathLike[str] | IO[bytes]) -> str:
    if not hasattr(source, "read"):
        return printable(source, limit=1000)
    name = getattr(source, "name", None)
    return printable(name, limit=1000) if isinstance(name, str) else _UNNAMED


def _read(source: Any, name: str, *, verify_members: bool) -> Artifact:
    size = None if hasattr(source, "read") else _check_file(Path(source))
    try:
        return _read_archive(source, name, size, verify_members=verify_members)
    except _UnreadableError:
        raise
    except Exception as error:  # damage shows in many ways: zlib.error, lzma.LZMAError, ...
        raise _damaged(error) from error


def _read_archive(source: Any, name: str, size: int | None, *, verify_members: bool) -> Artifact:
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
        is_file=name != _UNNAMED,
    )


def _check_file(path: Path) -> int:
    """The size of the file, which begins as a zip archive does."""
    try:
        if path.is_dir():
            raise _UnreadableError(
                "A102",
                "the path is a folder",
                location=printable(path),
                wanted="a .keras file",
                found=f"a folder without {CONFIG}"
                if not (path / CONFIG).exists()
                else "a model saved as a folder, which this version does not read",
                hint="name the .keras file itself",
            )
        status = path.stat()
        size = status.st_size
        if not stat.S_ISREG(status.st_mode):
            raise _UnreadableError(
                "A104",
                "this is not a .keras file",
                location=printable(path),
                wanted="a zip archive",
                found="a device, a pipe or a socket",
            )
        with path.open("rb") as file:
            head = file.read(64)
    except (FileNotFoundError, ValueError) as error:  # ValueError: a null character
        raise _UnreadableError(
            "A101",
            "there is no such file",
            location=printable(path),
            wanted="a .keras file",
            found="nothing at this path",
            hint=f"check the spelling; the working directory is {_working_directory()}",
        ) from error
    except OSError as error:
        raise _UnreadableError(
            "A105",
            "the file cannot be read",
            location=printable(path),
            found=printable(error.strerror or error),
        ) from error
    if size == 0:
        raise _UnreadableError(
            "A103",
            "the file is empty",
            location=printable(path),
            wanted="a zip archive",
            found="0 bytes",
            hint=_SAVE_AGAIN,
        )
    if not head.startswith(b"PK"):
        stripped = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
        known = next((kind for kind in _KINDS if stripped.startswith(kind[0].lower())), None)
        raise _UnreadableError(
            "A104",
            "this is not a .keras file",
            location=printable(path),
            wanted="a zip archive",
            found=known[1] if known else f"a file that begins with {head[:8]!r}",
            hint=(known and known[2]) or _SAVE_AGAIN,
        )
    return size


def _working_directory() -> str:
    try:
        return printable(Path.cwd())
    except OSError:
        return "gone"


def _read_metadata(archive: zipfile.ZipFile) -> dict[str, Any] | None:
    if METADATA not in archive.namelist():
        return {}
    try:
        return _read_json(archive, METADATA, MAX_METADATA_BYTES)
    except _UnreadableError:
        return None


def _read_json(archive: zipfile.ZipFile, name: str, limit: int) -> dict[str, Any]:
    try:
        info = archive.getinfo(name)
    except KeyError:
        raise _incomplete(name, archive.infolist()) from None
    if info.file_size > limit:
        raise _unreadable(name, f"at most {limit:,} bytes", f"{info.file_size:,} bytes")
    with archive.open(info) as member:
        data = member.read(limit + 1)
    try:
        document = json.loads(data)
    except RecursionError:
        raise _unreadable(name, "JSON of a sane depth", "JSON nested too deeply") from None
    except ValueError as error:
        raise _unreadable(name, "JSON", printable(error)) from None
    if not isinstance(document, dict):
        raise _unreadable(name, "a JSON object", f"a JSON {type(document).__name__}")
    return document


def _unreadable(member: str, wanted: str, found: str) -> _UnreadableError:
    return _UnreadableError(
        "A107",
        f"{member} cannot be read",
        location=member,
        wanted=wanted,
        found=found,
        hint=_SAVE_AGAIN,
    )


def _incomplete(member: str, infos: Sequence[zipfile.ZipInfo]) -> _UnreadableError:
    names = ", ".join(printable(info.filename, limit=60) for info in infos[:5])
    return _UnreadableError(
        "A106",
        "the archive is no Keras model",
        location=member,
        wanted=f"a member {member}",
        found=f"members {names}{', …' if len(infos) > 5 else ''}" if infos else "no members",  # noqa: PLR2004
        hint="a .keras file is written by model.save(path)",
    )


def _damaged(error: Exception) -> _UnreadableError:
    return _UnreadableError(
        "A105",
        "the archive is damaged",
        wanted="a whole zip archive",
        found=printable(error) or type(error).__name__,
        hint=_SAVE_AGAIN,
    )


def _verify_members(archive: zipfile.ZipFile) -> None:
    for info in archive.infolist():
        try:
            with archive.open(info) as member:
                while member.read(1 << 20):
                    pass
        except Exception as error:
            raise _UnreadableError(
                "A105",
                "a member of the archive is damaged",
                location=printable(info.filename),
                wanted="the bytes that were written (CRC-32)",
                found=printable(error),
                hint=_SAVE_AGAIN,
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
