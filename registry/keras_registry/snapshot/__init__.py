"""The snapshot: the public face of a plugin distribution, readable without running its code.

It is the file ``keras_registry.json`` in the distribution's import package, written by
``keras-registry snapshot``.
"""

from keras_registry.snapshot.codec import (
    SNAPSHOT_FILE,
    SnapshotReading,
    dump_object,
    dump_snapshot,
    make_json_schema,
    read_object,
    read_snapshot,
)
from keras_registry.snapshot.model import (
    SNAPSHOT_VERSION,
    ObjectSnapshot,
    Snapshot,
    changed_members,
)

__all__ = [
    "SNAPSHOT_FILE",
    "SNAPSHOT_VERSION",
    "ObjectSnapshot",
    "Snapshot",
    "SnapshotReading",
    "changed_members",
    "dump_object",
    "dump_snapshot",
    "make_json_schema",
    "read_object",
    "read_snapshot",
]
