"""HDF5 files with damage that libhdf5 does not survive, made where it hurts.

Offsets: HDF5 File Format Specification 3.0.
"""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING

import h5py
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["NASTY", "make_weights"]

GROUP_NODE, CHUNK_NODE = b"TREE\x00", b"TREE\x01"
TEXTS = b"\x19\x01\x01\x00"
"""How the datatype of texts of variable length in UTF-8 begins."""
FREE_SPACE = struct.pack("<HHI", 0, 0, 0)


def make_weights() -> bytes:
    """Return an HDF5 file with all that is damaged here: many members, texts, chunks."""
    store = io.BytesIO()
    with h5py.File(store, "w") as file:
        file.attrs["keras_version"] = "3.15.1"
        for number in range(300):
            file.create_group(f"layers/dense_{number}")
        data = np.arange(60, dtype="float32")
        file.create_dataset("vars/0", data=data, chunks=(30,), fletcher32=True)
    return store.getvalue()


def circle_of_free_names(raw: bytearray) -> None:
    """The list of free blocks in the root's heap of names leads from the first to itself."""
    heap = raw.index(b"HEAP")
    free, names = struct.unpack_from("<QQ", raw, heap + 16)
    struct.pack_into("<Q", raw, names + free, free)


def text_of_no_length(raw: bytearray) -> None:
    """The free space behind the texts has no length, so that a walk does not get past it."""
    collection = raw.index(b"GCOL")
    (size,) = struct.unpack_from("<Q", raw, collection + 8)
    free = raw.index(FREE_SPACE, collection + 16, collection + size)
    struct.pack_into("<Q", raw, free + 8, 0)


def text_of_a_gigabyte(raw: bytearray) -> None:
    """A text claims to be longer than the file."""
    collection = raw.index(b"GCOL")
    reference = raw.index(struct.pack("<QI", collection, 1))
    struct.pack_into("<I", raw, reference - 4, 1 << 30)


def neither_text_nor_sequence(raw: bytearray) -> None:
    """A value has a length of its own, and is of a kind that there is not."""
    raw[raw.index(TEXTS) + 1] = 0x0F


def circle_of_members(raw: bytearray) -> None:
    """The B-tree of a large group leads from its top to its top."""
    place = raw.index(GROUP_NODE + b"\x01")
    (count,) = struct.unpack_from("<H", raw, place + 6)
    for number in range(count):
        struct.pack_into("<Q", raw, place + 32 + 16 * number, place)


def chunk_of_nothing(raw: bytearray) -> None:
    """A part of an array is stored in fewer bytes than its checksum takes."""
    struct.pack_into("<I", raw, raw.index(CHUNK_NODE) + 24, 0)


NASTY: dict[str, Callable[[bytearray], None]] = {
    damage.__name__: damage
    for damage in (
        circle_of_free_names,
        text_of_no_length,
        text_of_a_gigabyte,
        neither_text_nor_sequence,
        circle_of_members,
        chunk_of_nothing,
    )
}
"""What damages a file that `make_weights` made, or a model with such weights, in place."""
