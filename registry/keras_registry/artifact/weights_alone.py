"""Weights without a model: ``.weights.h5`` files, and the index of weights in several files.

A ``.weights.h5`` file has its manifest where a ``.h5`` file has it; the index, a JSON document
(``.weights.json``), in its member `metadata`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_registry.artifact.files import replacing
from keras_registry.artifact.keras_h5 import (
    H5_FORMAT,
    check_root,
    read_h5_metadata,
    replace_h5_manifest,
)
from keras_registry.artifact.keras_zip import read_keras_zip
from keras_registry.artifact.model import WEIGHTS_ALONE, Artifact, Member
from keras_registry.artifact.reading import (
    MAX_CONFIG_BYTES,
    check_file,
    check_size,
    parse_json,
    read_as,
)
from keras_registry.manifest import MANIFEST_KEY
from keras_registry.names import printable

if TYPE_CHECKING:
    import os

    from keras_registry.artifact.reading import ArtifactReading

__all__ = ["read_weights_alone", "read_weights_metadata", "replace_weights_manifest"]

_METADATA = "metadata"


def read_weights_alone(path: str | os.PathLike[str]) -> ArtifactReading:
    """Reads what is known of a ``.weights.h5`` file: its members, and the manifest if it has one.

    Args:
        path: The file.
    """
    return read_as(H5_FORMAT, path, lambda name: _read(Path(path), name))


def _read(path: Path, name: str) -> Artifact:
    size = check_file(path, H5_FORMAT)
    check_root(path)
    import h5py

    with h5py.File(path, "r") as file:
        return Artifact(
            name=name,
            size=size,
            members=tuple(Member(printable(member), 0) for member in file),
            metadata=read_h5_metadata(file),
            config={},
            container=WEIGHTS_ALONE,
            is_file=True,
        )


def read_weights_metadata(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What a file with weights says of itself, its manifest's document included.

    It is empty where nothing can be read: Keras says what is wrong with the file.

    Args:
        path: A file of weights, or of a model.
    """
    file = Path(path)
    try:
        if file.suffix == ".keras":
            artifact = read_keras_zip(file).artifact
            return {} if artifact is None else dict(artifact.metadata or {})
        if file.suffix == ".json":
            return dict(_read_index(file).get(_METADATA, {}))
        check_root(file)
        import h5py

        with h5py.File(file, "r") as opened:
            return read_h5_metadata(opened)
    except Exception:  # noqa: BLE001 - damage shows in many ways
        return {}


def replace_weights_manifest(path: str | os.PathLike[str], manifest: Any) -> None:
    """Puts a manifest's document into a file of weights alone; None leaves it without.

    Args:
        path: A ``.weights.h5`` file, which is written in place, or an index, which is replaced.
        manifest: The document.
    """
    file = Path(path)
    if file.suffix == ".json":
        index = _read_index(file)
        metadata = {**index.get(_METADATA, {}), MANIFEST_KEY: manifest}
        if manifest is None:
            del metadata[MANIFEST_KEY]
        with replacing(file) as temporary:
            temporary.write_text(json.dumps({**index, _METADATA: metadata}), encoding="utf-8")
        return
    import h5py

    with h5py.File(file, "r+") as opened:
        replace_h5_manifest(opened, manifest)


def _read_index(file: Path) -> dict[str, Any]:
    check_size(file.name, file.stat().st_size, MAX_CONFIG_BYTES)
    return parse_json(file.name, file.read_bytes())
