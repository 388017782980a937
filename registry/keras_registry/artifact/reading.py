"""What the readers of all containers share: what comes of a reading, and how it fails."""

from __future__ import annotations

import json
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from keras_registry.findings import Finding, Policy, finding
from keras_registry.names import printable

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from keras_registry.artifact.model import Artifact

__all__ = [
    "MAX_CONFIG_BYTES",
    "MAX_METADATA_BYTES",
    "SAVE_AGAIN",
    "UNNAMED",
    "ArtifactReading",
    "FileFormat",
    "UnreadableError",
    "check_file",
    "check_size",
    "damaged",
    "damaged_part",
    "parse_json",
    "read_as",
    "unreadable",
]

# Far above every real model; a part that claims more is an attack on the reader's memory.
MAX_METADATA_BYTES = 1 << 26
MAX_CONFIG_BYTES = 1 << 28

UNNAMED = "model"
SAVE_AGAIN = "copy or save the model again"


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


class UnreadableError(Exception):
    """Carries the finding from the place where it is made to the end of the reading."""

    def __init__(self, code: str, summary: str, **parts: Any) -> None:
        super().__init__(summary)
        self.finding = finding(code, Policy.COMPATIBLE, summary, **parts)


def read_as(
    wanted: FileFormat,
    source: str | os.PathLike[str] | IO[bytes],
    read: Callable[[str], Artifact],
) -> ArtifactReading:
    """Runs a reader, and makes a finding of whatever it raises.

    Args:
        wanted: What the file should be.
        source: The path or the open file.
        read: The reader; it is given the name for messages.
    """
    name = _name_of(source)
    try:
        return ArtifactReading(name, read(name))
    except UnreadableError as error:
        return ArtifactReading(name, None, (error.finding,))
    except Exception as error:  # noqa: BLE001 - damage shows in many ways: zlib.error, OSError, ...
        return ArtifactReading(name, None, (damaged(error, wanted).finding,))


def _name_of(source: Any) -> str:
    name = source
    if hasattr(source, "read"):
        name = getattr(source, "name", None)
        if not isinstance(name, str):
            return UNNAMED
    return printable(name, limit=1000)


_KINDS = (
    (b"PK", "a zip archive", "give it the ending .keras"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "give it the ending .h5 (or .weights.h5)"),
    (b"<!DOCTYPE", "a web page (HTML)", "download the file itself, not the page about it"),
    (b"<html", "a web page (HTML)", "download the file itself, not the page about it"),
    (b"\x1f\x8b", "a gzip file", "unpack it first"),
    (b"version https://git-lfs", "a Git LFS pointer", "run: git lfs pull"),
    (b"\x80", "a pickle", None),
)


@dataclass(frozen=True, slots=True)
class FileFormat:
    """What a file should be.

    Attributes:
        file: What it is called, such as ``a .keras file``.
        form: What its bytes are, such as ``a zip archive``.
        thing: What its bytes are, in one word, such as ``archive``.
        magic: The bytes that it begins with.
    """

    file: str
    form: str
    thing: str
    magic: bytes


def check_file(path: Path, wanted: FileFormat) -> int:
    """The size of a file that begins as it should.

    Args:
        path: Where it should be.
        wanted: What it should be.

    Raises:
        UnreadableError: There is none, or it is something else.
    """
    try:
        if path.is_dir():
            raise UnreadableError(
                "A102",
                "the path is a folder",
                location=printable(path),
                wanted=wanted.file,
                found="a folder without config.json"
                if not (path / "config.json").exists()
                else "a model saved as a folder, under the ending of a file",
                hint="name the model file itself"
                if not (path / "config.json").exists()
                else "rename the folder: Keras reads none with this ending",
            )
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableError(
                "A104",
                f"this is not {wanted.file}",
                location=printable(path),
                wanted=wanted.form,
                found="a device, a pipe or a socket",
            )
        with path.open("rb") as file:
            head = file.read(64)
    except (FileNotFoundError, ValueError) as error:  # ValueError: a null character
        raise UnreadableError(
            "A101",
            "there is no such file",
            location=printable(path),
            wanted=wanted.file,
            found="nothing at this path",
            hint=f"check the spelling; the working directory is {_working_directory()}",
        ) from error
    except OSError as error:
        raise UnreadableError(
            "A105",
            "the file cannot be read",
            location=printable(path),
            found=printable(error.strerror or error),
        ) from error
    if status.st_size == 0:
        raise UnreadableError(
            "A103",
            "the file is empty",
            location=printable(path),
            wanted=wanted.form,
            found="0 bytes",
            hint=SAVE_AGAIN,
        )
    if not head.startswith(wanted.magic):
        stripped = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
        known = next((kind for kind in _KINDS if stripped.startswith(kind[0].lower())), None)
        raise UnreadableError(
            "A104",
            f"this is not {wanted.file}",
            location=printable(path),
            wanted=wanted.form,
            found=known[1] if known else f"a file that begins with {head[:8]!r}",
            hint=(known and known[2]) or SAVE_AGAIN,
        )
    return status.st_size


def _working_directory() -> str:
    try:
        return printable(Path.cwd())
    except OSError:
        return "gone"


def check_size(part: str, size: int, limit: int) -> None:
    """Refuses a part that is larger than any model's.

    Raises:
        UnreadableError: It is.
    """
    if size > limit:
        raise unreadable(part, f"at most {limit:,} bytes", f"{size:,} bytes")


def parse_json(part: str, data: bytes | str) -> dict[str, Any]:
    """A part of a file that holds a JSON object.

    Raises:
        UnreadableError: It does not.
    """
    try:
        document = json.loads(data)
    except RecursionError:
        raise unreadable(part, "JSON of a sane depth", "JSON nested too deeply") from None
    except ValueError as error:
        raise unreadable(part, "JSON", printable(error)) from None
    if not isinstance(document, dict):
        raise unreadable(part, "a JSON object", f"a JSON {type(document).__name__}")
    return document


def unreadable(part: str, wanted: str, found: str) -> UnreadableError:
    """The error for a part that is not what it should be."""
    return UnreadableError(
        "A107",
        f"{part} cannot be read",
        location=part,
        wanted=wanted,
        found=found,
        hint=SAVE_AGAIN,
    )


def damaged(error: Exception, wanted: FileFormat) -> UnreadableError:
    """The error for a file that begins as it should and cannot be read."""
    return UnreadableError(
        "A105",
        f"the {wanted.thing} is damaged",
        wanted=f"a whole {wanted.form.partition(' ')[2]}",
        found=printable(error) or type(error).__name__,
        hint=SAVE_AGAIN,
    )


def damaged_part(part: str, summary: str, *, wanted: str, found: str) -> UnreadableError:
    """The error for a part of a file that is not what was written.

    Args:
        part: The part.
        summary: What is wrong.
        wanted: What should be there.
        found: What is there.
    """
    return UnreadableError(
        "A105", summary, location=part, wanted=wanted, found=found, hint=SAVE_AGAIN
    )
