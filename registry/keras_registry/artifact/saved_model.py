"""An exported model: TensorFlow's SavedModel, a folder with a graph and without a config.

Keras does not load such a folder as a model, so it is read for what it tells, and refused where a
model is wanted. The manifest lies where TensorFlow leaves files of others alone: see
https://github.com/tensorflow/tensorflow/blob/master/tensorflow/cc/saved_model/README.md
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_registry.artifact.model import SAVED_MODEL, Artifact, Member
from keras_registry.artifact.reading import (
    MAX_METADATA_BYTES,
    ArtifactReading,
    FileFormat,
    UnreadableError,
    check_size,
    parse_json,
    read_as,
)
from keras_registry.findings import Policy, finding
from keras_registry.hashes import hash_bytes
from keras_registry.manifest import MANIFEST_KEY
from keras_registry.names import printable

if TYPE_CHECKING:
    import os

__all__ = [
    "EXTRA_FOLDER",
    "EXTRA_MANIFEST",
    "GRAPH_FINGERPRINT",
    "find_graph_fingerprint",
    "is_saved_model",
    "read_saved_model",
    "refuse_saved_model",
]

EXTRA_FOLDER = "assets.extra"
EXTRA_MANIFEST = "keras_registry.json"
GRAPH_FINGERPRINT = "fingerprint.pb"
"""What TensorFlow writes beside each graph: hashes of it, and a number drawn for each save."""

_GRAPHS = ("saved_model.pb", "saved_model.pbtxt")
_MAX_FINGERPRINT_BYTES = 1 << 16
_FOLDER = FileFormat("a SavedModel", "a folder with saved_model.pb", "folder", b"")


def is_saved_model(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a folder with a graph.

    Args:
        path: A local path.
    """
    try:
        return any(Path(path, name).is_file() for name in _GRAPHS)
    except ValueError:  # a null character
        return False


def read_saved_model(path: str | os.PathLike[str]) -> ArtifactReading:
    """Reads what is known of an exported model: its files, and the manifest if it has one.

    Args:
        path: The folder.
    """
    return read_as(_FOLDER, path, lambda name: _read(Path(path), name))


def refuse_saved_model(path: str | os.PathLike[str]) -> ArtifactReading:
    """The reading of an exported model where one is wanted that Keras can load.

    Args:
        path: The folder.
    """
    refusal = finding(
        "A110",
        Policy.COMPATIBLE,
        "an exported model cannot be loaded as a Keras model",
        location=printable(path),
        wanted="a model that model.save wrote",
        found="a SavedModel of TensorFlow: a graph, and no config",
        hint="serve it with TensorFlow or keras.layers.TFSMLayer, which need no plugin",
    )
    return ArtifactReading(printable(path, limit=1000), None, (refusal,))


def find_graph_fingerprint(path: str | os.PathLike[str]) -> str | None:
    """The hash of what TensorFlow notes about the graph in a folder; None if it notes nothing.

    Args:
        path: The folder.
    """
    file = Path(path, GRAPH_FINGERPRINT)
    if not file.is_file() or file.stat().st_size > _MAX_FINGERPRINT_BYTES:
        return None
    return hash_bytes(file.read_bytes())


def _read(folder: Path, name: str) -> Artifact:
    members = [
        Member(file.relative_to(folder).as_posix(), file.stat().st_size)
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    ]
    return Artifact(
        name=name,
        size=sum(member.size for member in members),
        members=tuple(members),
        metadata=_read_metadata(folder / EXTRA_FOLDER / EXTRA_MANIFEST),
        config={},
        container=SAVED_MODEL,
        is_file=True,
    )


def _read_metadata(file: Path) -> dict[str, Any] | None:
    if not file.is_file():
        return {}
    try:
        check_size(EXTRA_MANIFEST, file.stat().st_size, MAX_METADATA_BYTES)
        return {MANIFEST_KEY: parse_json(EXTRA_MANIFEST, file.read_bytes())}
    except UnreadableError:
        return None
