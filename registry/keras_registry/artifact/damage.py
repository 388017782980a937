"""Damage that a reading of metadata and config does not meet, to be found before Keras reads on.

libhdf5 does not end with some of it. Other damage loads: a ``.keras`` file has a checksum for each
member, but a ``.h5`` file for its manifest alone, so that a config in which bytes were changed may
still be JSON. It is told by its hash in the manifest, and from an edit by its place in the file.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, TYPE_CHECKING

from keras_registry.artifact.hdf5_heaps import Bytes, Hdf5Error
from keras_registry.artifact.hdf5_structure import check_hdf5
from keras_registry.artifact.keras_h5 import H5_FORMAT, check_manifest
from keras_registry.artifact.keras_zip import WEIGHTS
from keras_registry.artifact.reading import UnreadableError, damaged, damaged_part
from keras_registry.artifact.scan import MODEL_CONFIG
from keras_registry.artifact.weights_file import is_hdf5, opening_hdf5
from keras_registry.hashes import hash_json
from keras_registry.names import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keras_registry.artifact.hdf5_objects import Text
    from keras_registry.artifact.model import Artifact
    from keras_registry.findings import Finding

__all__ = ["WHOLE_HDF5", "find_damage"]

WHOLE_HDF5 = "a whole HDF5 file"
"""What is wanted in the place of weights that are damaged, or that are none."""


def find_damage(
    source: str | os.PathLike[str] | IO[bytes], artifact: Artifact | None = None
) -> Finding | None:
    """What is damaged in a file that has weights; None if nothing of what is looked for.

    What describes the arrays is read, and the arrays are not.

    Args:
        source: The path of a file or a folder, or an open ``.keras`` file.
        artifact: What was read of the file, if it is a model.
    """
    try:
        with opening_hdf5(source) as file:
            if file is None:
                return None
            texts = check_hdf5(Bytes(file))
        if isinstance(source, str | os.PathLike) and is_hdf5(Path(source)):
            _check_h5(Path(source), artifact, texts)
    except UnreadableError as error:
        return error.finding
    except Hdf5Error as error:
        return _weights_finding(source, error)
    except Exception as error:  # noqa: BLE001 - damage shows in many ways: zlib.error, OSError, ...
        return damaged(error, H5_FORMAT).finding
    return None


def _weights_finding(source: str | os.PathLike[str] | IO[bytes], error: Hdf5Error) -> Finding:
    """The finding for damage in the structure of the file, or of the member with the weights."""
    if isinstance(source, str | os.PathLike) and is_hdf5(Path(source)):
        return damaged(error, H5_FORMAT).finding
    return damaged_part(
        WEIGHTS[0],
        "the weights in the file are damaged",
        wanted=WHOLE_HDF5,
        found=printable(error),
    ).finding


def _check_h5(path: Path, artifact: Artifact | None, texts: Mapping[str, Sequence[Text]]) -> None:
    """Checks the manifest of a ``.h5`` file, and by it the config.

    Raises:
        UnreadableError: One of them is damaged.
    """
    import h5py

    with h5py.File(path, "r") as file:
        is_in_place = check_manifest(file, texts)
    if is_in_place and artifact is not None:
        _check_config(artifact)


def _check_config(artifact: Artifact) -> None:
    """Checks a config that nobody wrote since the manifest was."""
    document = artifact.manifest_document
    wanted = document.get("config") if isinstance(document, dict) else None
    found = hash_json(artifact.config)
    if isinstance(wanted, str) and wanted != found:
        raise damaged_part(
            MODEL_CONFIG,
            "the model description in the file is damaged",
            wanted=f"a config with the hash {printable(wanted, limit=60)}",
            found=f"one with the hash {found}, whose bytes were changed where they are",
        )
