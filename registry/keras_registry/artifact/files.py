"""Files on disk that are replaced in one step."""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ChangedError", "FileState", "find_state", "replaceable", "replacing"]

FileState = tuple[int, int, int]
"""What changes when a file is written anew: its number, its size and its time in nanoseconds."""


class ChangedError(OSError):
    """Somebody else wrote a file while its replacement was being made."""

    def __init__(self) -> None:
        super().__init__("another program wrote the file meanwhile")


def find_state(path: Path) -> FileState | None:
    """The state of the file behind a path, to be compared later; None if there is none."""
    try:
        status = path.stat()
    except (OSError, ValueError):  # ValueError: a null character
        return None
    return status.st_ino, status.st_size, status.st_mtime_ns


def replaceable(filepath: str, endings: tuple[str, ...] = (".keras",)) -> Path | None:
    """The real file behind a path if it can be replaced in one step, else None.

    It cannot where Keras would refuse the path, where it is remote or no regular file, or where
    its folder takes no new file.

    Args:
        filepath: The path.
        endings: Those that Keras takes.
    """
    if not filepath.endswith(endings) or "://" in filepath:
        return None
    if filepath.startswith(("/gcs/", "/cns/", "/cfs/", "/readahead/", "/placer/", "/tfhub/")):
        return None  # what `keras.src.utils.file_utils.is_remote_path` takes for remote besides
    target = Path(os.path.realpath(filepath))
    if not target.parent.is_dir() or not os.access(target.parent, os.W_OK):
        return None
    if target.exists() and not (target.is_file() and os.access(target, os.W_OK)):
        return None
    return target


@contextmanager
def replacing(target: Path, *, known: FileState | None = None) -> Iterator[Path]:
    """A temporary path beside a file, which takes the file's place when the block ends well.

    The new file has the mode bits of the old one. At every moment there is the old file or the
    new one at the path, whole, even if the process is killed.

    Args:
        target: The real path of the file.
        known: The state of the old file from which the new one was made; None if from nothing.

    Raises:
        ChangedError: The file is in another state than that by now.
    """
    ending = "".join(target.suffixes[-2:])  # Keras tells `.weights.h5` from `.h5`
    temporary = target.with_name(f".keras-registry-{secrets.token_hex(8)}{ending}")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        if target.exists():
            shutil.copymode(target, temporary)
        if known is not None and find_state(target) != known:
            raise ChangedError
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
