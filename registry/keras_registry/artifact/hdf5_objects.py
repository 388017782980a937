"""What the header of an object in an HDF5 file says: where its members, arrays and texts are.

A header is a list of messages, in one block or in several. Layouts: HDF5 File Format Specification
3.0, IV.A.1 (headers of versions 1 and 2) and IV.A.2 (messages).
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, NamedTuple

from keras_registry.artifact.hdf5_heaps import Hdf5Error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keras_registry.artifact.hdf5_heaps import Bytes

__all__ = [
    "ATTRIBUTE",
    "DATATYPE",
    "FILTERS",
    "LAYOUT",
    "LINK",
    "SYMBOL_TABLE",
    "Text",
    "find_chunks",
    "find_target",
    "has_variable_length",
    "iter_messages",
    "texts_of",
]


DATATYPE, LINK, LAYOUT, FILTERS, ATTRIBUTE, SYMBOL_TABLE = 0x03, 0x06, 0x08, 0x0B, 0x0C, 0x11
"""The types of messages that are looked into."""

_YIELDED = frozenset({DATATYPE, LINK, LAYOUT, FILTERS, ATTRIBUTE, SYMBOL_TABLE})
_CONTINUATION = 0x10


class Text(NamedTuple):
    """Where a text of variable length is: in the global heap.

    Attributes:
        size: Its length in bytes.
        collection: The address of the collection that has it.
        number: Its number there.
    """

    size: int
    collection: int
    number: int


_OLD_HEADER = struct.Struct("<BxHIIxxxx")
_OLD_MESSAGE = struct.Struct("<HHBxxx")
_NEW_MESSAGE, _NUMBERED_MESSAGE = struct.Struct("<BHB"), struct.Struct("<BHBxx")
_BLOCK = struct.Struct("<QQ")
_SHARED = 0x02

_ATTRIBUTE = struct.Struct("<BBHHH")
_NAMED_IN_SOME_ENCODING = 3
_VARIABLE_LENGTH, _SEQUENCE, _STRING = 9, 0, 1
_TEXT = struct.Struct("<IQI")
_NEW_SPACE, _NO_VALUES = 2, 2

_LAYOUT_VERSION, _CHUNKED = 3, 2
_NOWHERE = (1 << 64) - 1


def iter_messages(source: Bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """The messages in the header of an object that are looked into: of each, its type and data.

    Args:
        source: The file.
        at: The address of the header.

    Raises:
        Hdf5Error: There is no header, or its blocks lead in a circle.
    """
    head = source.read(at, max(1, min(_OLD_HEADER.size, source.size - at)))
    if head[:5] == b"OHDR\x02":
        form, frame, first = _new_header(source, at, head[5])
    else:
        version, _, _, size = _OLD_HEADER.unpack(head)
        if version != 1:
            message = f"no object at byte {at:,}"
            raise Hdf5Error(message)
        form, frame, first = _OLD_MESSAGE, (0, 0), (at + _OLD_HEADER.size, size)
    blocks = [first]
    for start, length in blocks:
        block = source.read(start, length)
        place = 0
        while place + form.size <= length:
            kind, size, flags = form.unpack_from(block, place)
            place += form.size
            if kind in _YIELDED and not flags & _SHARED:
                yield kind, block[place : place + size]
            elif kind == _CONTINUATION:
                address, whole = _BLOCK.unpack_from(block, place)
                following = (address + frame[0], max(0, whole - sum(frame)))
                if following in blocks:
                    message = f"a header that leads twice to byte {address:,}"
                    raise Hdf5Error(message)
                blocks.append(following)
            place += size


def _new_header(
    source: Bytes, at: int, flags: int
) -> tuple[struct.Struct, tuple[int, int], tuple[int, int]]:
    """Of a header of version 2: the form of messages, the frame of blocks, and the first block."""
    place = at + 6 + 16 * (flags >> 5 & 1) + 4 * (flags >> 4 & 1)
    width = 1 << (flags & 3)
    size = int.from_bytes(source.read(place, width), "little")
    form = _NUMBERED_MESSAGE if flags & 4 else _NEW_MESSAGE
    return form, (4, 4), (place + width, size)  # a signature and a checksum


def find_target(data: bytes, name: bytes | None) -> int | None:
    """The address that a link leads to; None if it leads elsewhere than to an object.

    Args:
        data: The link.
        name: The only name that is asked for; None asks for all.
    """
    flags = data[1]
    has_kind = flags >> 3 & 1
    if has_kind and data[2]:
        return None
    at = 2 + has_kind + 8 * (flags >> 2 & 1) + (flags >> 4 & 1)
    width = 1 << (flags & 3)
    length = int.from_bytes(data[at : at + width], "little")
    at += width
    if name is not None and data[at : at + length] != name:
        return None
    return int.from_bytes(data[at + length : at + length + 8], "little")


def find_chunks(data: bytes) -> tuple[int, int] | None:
    """The address of the B-tree with the chunks of a dataset, and how many numbers place a chunk.

    None if the dataset has no chunks, or none yet, or another index of them.

    Args:
        data: The layout of the dataset.
    """
    address = int.from_bytes(data[3:11], "little")
    if (data[0], data[1]) != (_LAYOUT_VERSION, _CHUNKED) or address == _NOWHERE:
        return None
    return address, data[2]


def texts_of(data: bytes) -> tuple[str, list[Text]]:
    """The name of an attribute, and its texts of variable length, if it holds any.

    Args:
        data: The attribute.

    Raises:
        Hdf5Error: It has no room for as many texts as it should have, or for none at all.
    """
    version, flags, name_size, type_size, space_size = _ATTRIBUTE.unpack_from(data)
    at = _ATTRIBUTE.size + (version == _NAMED_IN_SOME_ENCODING)
    unit = 8 if version == 1 else 1  # the oldest fill up each part
    name = data[at : at + name_size].partition(b"\0")[0].decode("utf-8", "replace")
    at += -(-name_size // unit) * unit
    if (version > 1 and flags) or not has_variable_length(data, at):
        return name, []
    (width,) = struct.unpack_from("<I", data, at + 12)  # of what the value is a sequence of
    at += -(-type_size // unit) * unit
    count = _count_of(data, at)
    at += -(-space_size // unit) * unit
    if at + count * _TEXT.size > len(data):
        message = f'{count:,} texts in an attribute "{name}" of {len(data):,} bytes'
        raise Hdf5Error(message)
    found = (_TEXT.unpack_from(data, at + number * _TEXT.size) for number in range(count))
    return name, [Text(size * width, place, number) for size, place, number in found if place]


def has_variable_length(data: bytes, at: int = 0) -> bool:
    """Whether values of a datatype have a length of their own.

    Args:
        data: The datatype, or what holds it.
        at: Where it begins.

    Raises:
        Hdf5Error: They have, and are neither sequences nor texts.
    """
    if data[at] & 0x0F != _VARIABLE_LENGTH:
        return False
    if data[at + 1] & 0x0F not in {_SEQUENCE, _STRING}:
        message = "values of variable length that are neither sequences nor texts"
        raise Hdf5Error(message)
    return True


def _count_of(data: bytes, at: int) -> int:
    """How many values a dataspace has."""
    version, rank, _, kind = struct.unpack_from("<4B", data, at)
    if (version, kind) == (_NEW_SPACE, _NO_VALUES):
        return 0
    sizes = struct.unpack_from(f"<{rank}Q", data, at + (4 if version == _NEW_SPACE else 8))
    return math.prod(sizes)
