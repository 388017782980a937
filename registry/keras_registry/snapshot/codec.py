"""The snapshot to JSON and back."""

from __future__ import annotations

from typing import Any

from keras_registry.documents import (
    DocumentReading,
    Format,
    Problem,
    dump_part,
    read_part,
    with_known_kinds,
)
from keras_registry.snapshot.model import SNAPSHOT_VERSION, ObjectSnapshot, Snapshot

__all__ = [
    "SNAPSHOT_FILE",
    "SnapshotReading",
    "dump_object",
    "dump_snapshot",
    "make_json_schema",
    "read_object",
    "read_snapshot",
]

SNAPSHOT_FILE = "keras_registry.json"
"""The name of the file, in the import package of the distribution."""

SnapshotReading = DocumentReading[Snapshot]

_FORMAT = Format("snapshot", Snapshot, SNAPSHOT_VERSION, with_known_kinds)


def read_snapshot(document: Any) -> SnapshotReading:
    """Reads a snapshot from a JSON document, which may hold anything."""
    return _FORMAT.read(document)


def dump_snapshot(snapshot: Snapshot) -> dict[str, Any]:
    """The snapshot as a JSON object, without the members that are unknown."""
    return _FORMAT.dump(snapshot)


def read_object(document: Any) -> tuple[ObjectSnapshot | None, tuple[Problem, ...]]:
    """Reads what a document says of one object: the object, or what is wrong."""
    return read_part(document, ObjectSnapshot)


def dump_object(item: ObjectSnapshot) -> dict[str, Any]:
    """What is said of one object as JSON, without the members that are unknown."""
    return dump_part(item)


def make_json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the snapshot format."""
    return _FORMAT.make_json_schema()
