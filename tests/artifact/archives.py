"""Archives made by hand, and the ways to damage them."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from typing import Any

__all__ = [
    "CONFIG",
    "FLAGS",
    "METADATA",
    "METHOD",
    "OFFSET",
    "WEIGHTS",
    "claim_size",
    "data_of",
    "flip",
    "make_archive",
    "patch",
]

CONFIG: dict[str, Any] = {
    "module": "keras",
    "class_name": "Sequential",
    "config": {
        "name": "small",
        "layers": [{"module": "keras.layers", "class_name": "Dense", "config": {"units": 3}}],
    },
    "registered_name": None,
}
METADATA: dict[str, Any] = {"keras_version": "3.15.1", "date_saved": "2026-11-21@05:29:00"}
WEIGHTS = b"\x89HDF\r\n\x1a\n" + bytes(range(256)) * 2

# Of an entry of a zip archive's directory: its signature, and where its fields are.
ENTRY = b"PK\x01\x02"
FLAGS, METHOD, SIZE, OFFSET = 8, 10, 24, 42


def make_archive(
    changes: dict[str, bytes | None] | None = None,
    *,
    compression: int = zipfile.ZIP_STORED,
    comment: bytes = b"",
) -> bytes:
    """Return the bytes of a `.keras` file.

    Args:
        changes: Members to exchange, add or, with None, leave out.
        compression: How members are stored; Keras does not compress.
        comment: A comment behind the archive's directory.
    """
    members: dict[str, bytes | None] = {
        "metadata.json": json.dumps(METADATA).encode(),
        "config.json": json.dumps(CONFIG).encode(),
        "model.weights.h5": WEIGHTS,
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in (members | (changes or {})).items():
            if data is not None:
                archive.writestr(name, data)
        archive.comment = comment
    return buffer.getvalue()


def flip(raw: bytes, position: int) -> bytes:
    """Return the bytes with all bits of one of them turned over."""
    return raw[:position] + bytes([raw[position] ^ 0xFF]) + raw[position + 1 :]


def data_of(raw: bytes, name: str) -> range:
    """Return the positions of a member's bytes."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        info = archive.getinfo(name)
    lengths = struct.unpack_from("<HH", raw, info.header_offset + 26)
    start = info.header_offset + 30 + sum(lengths)
    return range(start, start + info.compress_size)


def patch(raw: bytes, name: str, field: int, form: str, value: int) -> bytes:
    """Return an archive in whose directory one field of a member says something else.

    Args:
        raw: The archive.
        name: The member.
        field: Where the field is in the entry of the directory.
        form: Its form, as in `struct`.
        value: What to write there.
    """
    entry = raw.rindex(ENTRY, 0, raw.rindex(name.encode()))
    patched = bytearray(raw)
    struct.pack_into(form, patched, entry + field, value)
    return bytes(patched)


def claim_size(raw: bytes, name: str, size: int) -> bytes:
    """Return an archive whose directory gives another size for a member."""
    return patch(raw, name, SIZE, "<I", size)
