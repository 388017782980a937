"""A check of the structure of an HDF5 file, before libhdf5 reads it.

With some damage libhdf5 does not end, crashes, or takes gigabytes: a list that runs in a circle, a
length of nothing, a text that claims to be longer than it is. That is looked for wherever Keras may
read: in each group, in each attribute that holds texts, and in the index of each dataset that is
stored in chunks. Other damage is left to libhdf5, which raises an error.

Known are the forms that h5py writes unless it is asked for newer ones. Links and attributes in
dense storage, and newer indexes of chunks, are left alone. Layouts: HDF5 File Format Specification
3.0, II.A (superblock), III.A (B-trees) and III.B (members of a group).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from keras_registry.artifact.hdf5_heaps import Hdf5Error, check_local_heap, read_collection
from keras_registry.artifact.hdf5_objects import (
    ATTRIBUTE,
    DATATYPE,
    FILTERS,
    LAYOUT,
    LINK,
    SYMBOL_TABLE,
    find_chunks,
    find_target,
    has_variable_length,
    iter_messages,
    texts_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keras_registry.artifact.hdf5_heaps import Bytes
    from keras_registry.artifact.hdf5_objects import Text

__all__ = ["check_hdf5"]

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_SUPERBLOCKS = {0: (13, 40, 64), 1: (13, 44, 68), 2: (9, 28, 36), 3: (9, 28, 36)}
"""By version, where these are: the sizes of addresses and lengths, the file's end, the root."""
_SIZES = bytes([8, 8])
"""How many bytes an address and a length have; other sizes are possible, but not used."""

_NODE = struct.Struct("<4sBBH16x")
_OF_GROUP, _OF_CHUNKS = 0, 1
_MEMBERS = struct.Struct("<4sBxH")
_MEMBER = struct.Struct("<QQI20x")
_SOFT_LINK = 2
_PAIR = struct.Struct("<QQ")
_CHECKSUM = 4
"""The length of a Fletcher-32 checksum, which libhdf5 takes from that of a chunk unseen."""


def check_hdf5(source: Bytes, *, member: str | None = None) -> dict[str, list[Text]]:
    """Checks all groups of a file, and the attributes of all its groups and datasets.

    Args:
        source: The file.
        member: Of the members of the root, the only one to be checked.

    Returns:
        Where the texts of the root's attributes are, by the names of the attributes.

    Raises:
        Hdf5Error: The file is damaged.
    """
    walk = _Walk(source, None if member is None else member.encode())
    try:
        walk.run()
    except (struct.error, IndexError):
        message = "a part that is shorter than what it should hold"
        raise Hdf5Error(message) from None
    return walk.root_texts


class _Walk:
    """A walk along all that leads from the root to other objects, or into one of its members."""

    def __init__(self, source: Bytes, member: bytes | None) -> None:
        self.root_texts: dict[str, list[Text]] = {}
        self._source, self._member = source, member
        self._ahead: list[int] = []
        self._seen: set[int] = set()
        self._collections: dict[int, dict[int, int]] = {}

    def run(self) -> None:
        """Checks what there is on the way."""
        root = _find_root(self._source)
        if root is None:
            return
        self._seen.add(root)
        self._check_object(root, self._member, self.root_texts)
        while self._ahead:
            self._check_object(self._ahead.pop())

    def _check_object(
        self,
        at: int,
        member: bytes | None = None,
        root_texts: dict[str, list[Text]] | None = None,
    ) -> None:
        chunks, has_filters = None, False
        for kind, data in iter_messages(self._source, at):
            if kind == DATATYPE:
                has_variable_length(data)
            elif kind == LAYOUT:
                chunks = find_chunks(data)
            elif kind == FILTERS:
                has_filters = True
            elif kind == SYMBOL_TABLE:
                tree, heap = _PAIR.unpack_from(data)
                self._check_group(tree, heap, member)
            elif kind == LINK:
                self._lead_to(find_target(data, member))
            elif kind == ATTRIBUTE:
                name, texts = texts_of(data)
                self._check_texts(texts)
                if root_texts is not None:
                    root_texts[name] = texts
        if chunks is not None:
            self._check_chunks(*chunks, least=_CHECKSUM if has_filters else 1)

    def _lead_to(self, at: int | None) -> None:
        if at is not None and at not in self._seen:
            self._seen.add(at)
            self._ahead.append(at)

    def _check_group(self, tree: int, heap: int, member: bytes | None) -> None:
        names = check_local_heap(self._source, heap)
        for _, at in self._leaves(tree, _OF_GROUP, _PAIR):
            signature, _, count = _MEMBERS.unpack(self._source.read(at, _MEMBERS.size))
            if signature != b"SNOD":
                message = f"no members of a group at byte {at:,}"
                raise Hdf5Error(message)
            members = self._source.read(at + _MEMBERS.size, count * _MEMBER.size)
            for name, address, kind in _MEMBER.iter_unpack(members):
                is_wanted = member is None or self._has_text(names + name, member + b"\0")
                if kind != _SOFT_LINK and is_wanted:
                    self._lead_to(address)

    def _has_text(self, at: int, text: bytes) -> bool:
        return self._source.read(at, max(1, min(len(text), self._source.size - at))) == text

    def _check_chunks(self, tree: int, numbers: int, *, least: int) -> None:
        for size, *_, at in self._leaves(tree, _OF_CHUNKS, struct.Struct(f"<Ixxxx{numbers}QQ")):
            if size < least or at + size > self._source.size:
                message = f"a chunk of {size:,} bytes at byte {at:,}"
                raise Hdf5Error(message)

    def _leaves(self, tree: int, kind: int, form: struct.Struct) -> Iterator[tuple[Any, ...]]:
        """What the leaves of a B-tree hold: a key each, and the address that it leads to."""
        nodes = [tree]
        while nodes:
            at = nodes.pop()
            if at in self._seen:
                message = f"a B-tree that leads twice to byte {at:,}"
                raise Hdf5Error(message)
            self._seen.add(at)
            signature, found, level, used = _NODE.unpack(self._source.read(at, _NODE.size))
            if (signature, found) != (b"TREE", kind):
                message = f"no B-tree at byte {at:,}"
                raise Hdf5Error(message)
            entries = form.iter_unpack(self._source.read(at + _NODE.size, used * form.size))
            if level:
                nodes += [entry[-1] for entry in entries]
            else:
                yield from entries

    def _check_texts(self, texts: list[Text]) -> None:
        for size, at, number in texts:
            if at not in self._collections:
                self._collections[at] = read_collection(self._source, at)
            if size > self._collections[at].get(number, -1):
                message = f"a text of {size:,} bytes that is not in the file"
                raise Hdf5Error(message)


def _find_root(source: Bytes) -> int | None:
    """The address of the root; None where the form is newer than what is known here."""
    head = source.read(0, min(source.size, 96))
    if not head.startswith(_SIGNATURE):
        message = "no HDF5 file"
        raise Hdf5Error(message)
    places = _SUPERBLOCKS.get(head[8])
    if places is None:
        return None
    sizes, end, root = places
    if head[sizes : sizes + 2] != _SIZES:
        message = f"addresses and lengths of {head[sizes]} and {head[sizes + 1]} bytes"
        raise Hdf5Error(message)
    length = int.from_bytes(head[end : end + 8], "little")
    if source.size < length:
        message = f"a truncated file: {source.size:,} of {length:,} bytes"
        raise Hdf5Error(message)
    return int.from_bytes(head[root : root + 8], "little")
