"""The ``.h5`` container: an HDF5 file with the configs as attributes of its root.

Keras reads `model_config` and `training_config` there, and lets other attributes and datasets of
the root alone.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_registry.artifact.model import Artifact, Member
from keras_registry.artifact.reading import (
    MAX_CONFIG_BYTES,
    MAX_METADATA_BYTES,
    FileFormat,
    UnreadableError,
    check_file,
    check_size,
    parse_json,
    read_as,
)
from keras_registry.artifact.scan import MODEL_CONFIG, TRAINING_CONFIG
from keras_registry.manifest import MANIFEST_KEY
from keras_registry.names import printable

if TYPE_CHECKING:
    import os

    import h5py

    from keras_registry.artifact.reading import ArtifactReading
    from keras_registry.findings import Finding

__all__ = [
    "find_h5_obstacle",
    "read_h5_configs",
    "read_keras_h5",
    "replace_h5_config",
    "replace_h5_manifest",
]

_H5 = FileFormat("a .h5 file", "an HDF5 file", "file", b"\x89HDF\r\n\x1a\n")


def read_keras_h5(path: str | os.PathLike[str]) -> ArtifactReading:
    """Reads the configs and the manifest of a ``.h5`` file, with bounds on all that is read.

    Args:
        path: The file.
    """
    return read_as(_H5, path, lambda name: _read(Path(path), name))


def find_h5_obstacle(path: str | os.PathLike[str]) -> Finding | None:
    """What keeps Keras from even opening a ``.h5`` path; None if it begins as HDF5 does.

    Args:
        path: A local path.
    """
    try:
        check_file(Path(path), _H5)
    except UnreadableError as error:
        return error.finding
    return None


def _read(path: Path, name: str) -> Artifact:
    size = check_file(path, _H5)
    import h5py

    with h5py.File(path, "r") as file:
        config = read_h5_configs(file)
        metadata = {
            member: value
            for member in ("keras_version", "backend")
            if isinstance(value := _text(file.attrs.get(member)), str)
        }
        if MANIFEST_KEY in file:
            metadata[MANIFEST_KEY] = _read_manifest(file[MANIFEST_KEY])
        members = tuple(Member(printable(member), 0) for member in file)
    return Artifact(
        name=name,
        size=size,
        members=members,
        metadata=metadata,
        config=config,
        container=".h5",
        is_file=True,
    )


def read_h5_configs(file: h5py.File) -> dict[str, Any]:
    """The configs of the model and, if it is compiled, of its compiled state, by their names.

    Raises:
        UnreadableError: There is none, or it is no JSON object.
    """
    configs = {}
    for part in (MODEL_CONFIG, TRAINING_CONFIG):
        found = _text(file.attrs.get(part))
        if found is None and part == MODEL_CONFIG:
            raise _incomplete(file)
        if found is not None:
            check_size(part, len(found), MAX_CONFIG_BYTES)
            configs[part] = parse_json(part, found)
    return configs


def _text(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _read_manifest(dataset: Any) -> Any:
    """The manifest's document; None if it cannot be read."""
    try:
        check_size(MANIFEST_KEY, dataset.nbytes, MAX_METADATA_BYTES)
        return parse_json(MANIFEST_KEY, bytes(dataset[()]))
    except (AttributeError, TypeError, UnreadableError):
        return None


def _incomplete(file: h5py.File) -> UnreadableError:
    has_weights_alone = "layers" in file or "layer_names" in file.attrs or "vars" in file
    names = ", ".join(printable(name, limit=60) for name in list(file)[:5])
    return UnreadableError(
        "A106",
        "the file is no Keras model",
        location=MODEL_CONFIG,
        wanted=f"an attribute {MODEL_CONFIG}",
        found="weights without a model" if has_weights_alone else f"groups {names or 'none'}",
        hint="build the model and call model.load_weights(path)"
        if has_weights_alone
        else "a .h5 file is written by model.save(path)",
    )


def replace_h5_config(file: h5py.File, part: str, config: Any) -> None:
    """Puts another config into a file that is open for writing."""
    file.attrs[part] = json.dumps(config).encode()


def replace_h5_manifest(file: h5py.File, manifest: Any) -> None:
    """Puts a manifest's document into a file that is open for writing."""
    import numpy as np

    if MANIFEST_KEY in file:
        del file[MANIFEST_KEY]
    file.create_dataset(MANIFEST_KEY, data=np.frombuffer(json.dumps(manifest).encode(), "uint8"))
