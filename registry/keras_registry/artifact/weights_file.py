"""The HDF5 file with the weights of a model, in whatever container."""

from __future__ import annotations

import io
import os
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from keras_registry.artifact.keras_zip import WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import h5py

__all__ = ["is_hdf5", "opening_hdf5", "opening_weights"]

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_MAX_UNPACKED = 1 << 30
"""Up to which size a member that is compressed, as Keras's are not, is unpacked into memory."""


@contextmanager
def opening_weights(source: str | os.PathLike[str] | IO[bytes]) -> Iterator[h5py.File | None]:
    """Opens the weights of a model, in whatever container, for the length of a block.

    It gives None where the weights are in another format, such as ``.npz``.

    Args:
        source: The path of a file or a folder, or an open ``.keras`` file.
    """
    import h5py

    with _finding_hdf5(source) as found:
        if found is None:
            yield None
        else:
            with h5py.File(found, "r") as file:
                yield file


@contextmanager
def opening_hdf5(source: str | os.PathLike[str] | IO[bytes]) -> Iterator[IO[bytes] | None]:
    """The same as a plain binary file, in which one can jump."""
    with _finding_hdf5(source) as found:
        if isinstance(found, Path):
            with found.open("rb", buffering=0) as file:
                yield file
        else:
            yield found


@contextmanager
def _finding_hdf5(
    source: str | os.PathLike[str] | IO[bytes],
) -> Iterator[Path | IO[bytes] | None]:
    if not hasattr(source, "read"):
        path = Path(source)
        if path.is_dir():
            path /= WEIGHTS[0]
        if not zipfile.is_zipfile(path):
            yield path if is_hdf5(path) else None
            return
    with zipfile.ZipFile(source) as archive:
        if WEIGHTS[0] not in archive.namelist():
            yield None
            return
        with _open_member(archive, WEIGHTS[0]) as member:
            yield member


def is_hdf5(path: Path) -> bool:
    """Whether a file begins as HDF5 does."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_SIGNATURE)) == _SIGNATURE


def _open_member(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    """A member as an open file in which one can jump at no cost, as HDF5 does all the time."""
    info = archive.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED or archive.fp is None:
        is_small = info.file_size <= _MAX_UNPACKED
        return io.BytesIO(archive.read(info)) if is_small else archive.open(info)
    file = archive.fp
    file.seek(info.header_offset + 26)
    lengths = file.read(4)
    names = int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")
    start = info.header_offset + 30 + names  # APPNOTE.TXT of the zip format, 4.3.7
    return io.BufferedReader(_Window(file, start, info.file_size))


class _Window(io.RawIOBase):
    """A part of an open file, as a file."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        self._file, self._start, self._size, self._at = file, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        self._file.seek(self._start + self._at)
        data = self._file.read(min(len(buffer), max(0, self._size - self._at)))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
