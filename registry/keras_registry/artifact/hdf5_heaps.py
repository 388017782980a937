"""The bytes of an HDF5 file, and the two heaps in which it keeps names and texts.

The names in a group are in a local heap of its own; texts of variable length are in collections of
the global heap. libhdf5 walks through both by the lengths and addresses that the file gives, and
does not end where these lead in a circle. Layouts: HDF5 File Format Specification 3.0, III.D (local
heaps) and III.E (global heap).
"""

from __future__ import annotations

import io
import struct
from typing import IO

__all__ = ["Bytes", "Hdf5Error", "check_local_heap", "read_collection"]

_BLOCK = 1 << 16
_MAX_BLOCKS = 1 << 10

_LOCAL_HEAP = struct.Struct("<4sB3xQQQ")
_FREE_BLOCK = struct.Struct("<QQ")
_NO_FREE_BLOCK = 1

_COLLECTION = struct.Struct("<4sB3xQ")
_OBJECT = struct.Struct("<HHxxxxQ")
_FREE_SPACE = 0
"""The number of the object that is the free space at the end of a collection."""


class Hdf5Error(Exception):
    """An HDF5 file is damaged; the text says what is found, and where."""


class Bytes:
    """The bytes of a file. They are read in blocks, which are kept: metadata lies close together.

    Attributes:
        size: How many there are.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._blocks: dict[int, bytes] = {}
        self._block, self._start, self._end = b"", 0, 0
        self.size = file.seek(0, io.SEEK_END)

    def read(self, at: int, size: int) -> bytes:
        """Some of the bytes.

        Args:
            at: Where they begin.
            size: How many.

        Raises:
            Hdf5Error: The file ends before.
        """
        if self._start <= at and at + size <= self._end:  # of most, the block is the last one
            return self._block[at - self._start : at - self._start + size]
        if at >= self.size or at + size > self.size:
            message = f"a part that ends at byte {at + size:,} of {self.size:,}"
            raise Hdf5Error(message)
        start = at - at % _BLOCK
        if at + size > start + _BLOCK:
            return self._read_file(at, size)
        block = self._blocks.get(start)
        if block is None:
            if len(self._blocks) == _MAX_BLOCKS:
                self._blocks.clear()
            block = self._blocks[start] = self._read_file(start, min(_BLOCK, self.size - start))
        self._block, self._start, self._end = block, start, start + len(block)
        return block[at - start : at - start + size]

    def _read_file(self, at: int, size: int) -> bytes:
        self._file.seek(at)
        data = self._file.read(size)
        if len(data) < size:
            message = "a file that somebody is writing"
            raise Hdf5Error(message)
        return data


def check_local_heap(source: Bytes, at: int) -> int:
    """Checks that the list of free blocks in a local heap ends.

    Args:
        source: The file.
        at: The address of the heap.

    Returns:
        The address of its names.

    Raises:
        Hdf5Error: It does not end, or there is no heap.
    """
    signature, version, size, free, data = _LOCAL_HEAP.unpack(source.read(at, _LOCAL_HEAP.size))
    if (signature, version) != (b"HEAP", 0):
        message = f"no local heap at byte {at:,}"
        raise Hdf5Error(message)
    seen = set()
    while free != _NO_FREE_BLOCK:
        if free in seen or free + _FREE_BLOCK.size > size:
            message = f"a list of free blocks that does not end in the local heap at byte {at:,}"
            raise Hdf5Error(message)
        seen.add(free)
        free, _ = _FREE_BLOCK.unpack(source.read(data + free, _FREE_BLOCK.size))
    return int(data)


def read_collection(source: Bytes, at: int) -> dict[int, int]:
    """The lengths of the objects in a collection of the global heap, by their numbers.

    Args:
        source: The file.
        at: The address of the collection.

    Raises:
        Hdf5Error: There is none, or its objects do not follow one another to its end.
    """
    signature, version, size = _COLLECTION.unpack(source.read(at, _COLLECTION.size))
    if (signature, version) != (b"GCOL", 1):
        message = f"no collection of the global heap at byte {at:,}"
        raise Hdf5Error(message)
    data = source.read(at, size)
    lengths = {}
    place = _COLLECTION.size
    while place + _OBJECT.size <= size:
        number, _, length = _OBJECT.unpack_from(data, place)
        # The free space counts its own head; others are followed by bytes up to a multiple of 8.
        step = length if number == _FREE_SPACE else _OBJECT.size + (length + 7 & ~7)
        if step < _OBJECT.size or place + step > size:
            message = f"an object of {length:,} bytes in the global heap, at byte {at + place:,}"
            raise Hdf5Error(message)
        if number != _FREE_SPACE:
            lengths[number] = length
        place += step
    return lengths
