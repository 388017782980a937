"""Which container a path has: the one place that tells them apart."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from keras_registry.artifact.keras_folder import read_keras_folder
from keras_registry.artifact.keras_h5 import find_h5_obstacle, read_keras_h5
from keras_registry.artifact.keras_zip import CONFIG, find_zip_obstacle, read_keras_zip
from keras_registry.artifact.model import WEIGHTS_ALONE
from keras_registry.artifact.orbax_folder import is_orbax, refuse_orbax
from keras_registry.artifact.saved_model import (
    is_saved_model,
    read_saved_model,
    refuse_saved_model,
)
from keras_registry.artifact.weights_alone import read_weights_alone

if TYPE_CHECKING:
    from keras_registry.artifact.reading import ArtifactReading
    from keras_registry.findings import Finding

__all__ = ["H5_ENDINGS", "find_obstacle", "is_legacy", "read_artifact", "read_without_config"]

H5_ENDINGS = (".h5", ".hdf5")


def read_artifact(path: str | os.PathLike[str], *, verify_members: bool = False) -> ArtifactReading:
    """Reads a model file or folder, whichever it is.

    Args:
        path: A local path.
        verify_members: Also read every member of a ``.keras`` file and compare its CRC-32.
    """
    text = os.fspath(path)
    if _is_folder(text):
        return read_keras_folder(text)
    if is_saved_model(text):
        return refuse_saved_model(text)
    if is_orbax(text):
        return refuse_orbax(text)
    if text.endswith(H5_ENDINGS):
        return read_keras_h5(text)
    return read_keras_zip(text, verify_members=verify_members)


def read_without_config(path: str | os.PathLike[str]) -> ArtifactReading | None:
    """Reads what was made of a model and is none: an exported graph, or weights alone.

    Args:
        path: A local path.

    Returns:
        The reading; None if there is nothing of that kind at the path.
    """
    text = os.fspath(path)
    if is_saved_model(text):
        return read_saved_model(text)
    if text.endswith(WEIGHTS_ALONE):
        return read_weights_alone(text)
    return None


def find_obstacle(path: str | os.PathLike[str]) -> Finding | None:
    """What keeps Keras from even opening a path; None if it can, or if the path is no model's.

    Args:
        path: A local path.
    """
    text = os.fspath(path)
    if _is_folder(text) or is_orbax(text):
        return None
    if is_saved_model(text):
        return refuse_saved_model(text).findings[0]
    if text.endswith(H5_ENDINGS):
        return find_h5_obstacle(text)
    if text.endswith(".keras") or os.path.isdir(text) or not os.path.exists(text):  # noqa: PTH110, PTH112
        return find_zip_obstacle(text)
    return None


def is_legacy(path: str | os.PathLike[str]) -> bool:
    """Whether Keras keeps the weights at a path as Keras 2 did: layer by layer, in their order.

    Args:
        path: A local path.
    """
    text = os.fspath(path)
    return text.endswith(H5_ENDINGS) and not text.endswith(WEIGHTS_ALONE) and not _is_folder(text)


def _is_folder(path: str) -> bool:
    """Whether Keras reads a path as a folder: whatever its ending, but `.keras`."""
    config = os.path.join(path, CONFIG)  # noqa: PTH118
    return not path.endswith(".keras") and os.path.isdir(path) and os.path.exists(config)  # noqa: PTH110, PTH112
