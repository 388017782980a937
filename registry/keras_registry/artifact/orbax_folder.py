"""A folder of Orbax checkpoints, which Keras loads by way of Orbax alone."""

from __future__ import annotations

import os
from pathlib import Path

from keras_registry.artifact.reading import ArtifactReading
from keras_registry.findings import Policy, finding
from keras_registry.names import printable

__all__ = ["is_orbax", "refuse_orbax"]

_MARK = "_CHECKPOINT_METADATA"


def is_orbax(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a folder of checkpoints: a folder for each step, named by its number.

    Args:
        path: A local path.
    """
    try:
        steps = [name for name in os.listdir(path) if name.isdigit()]  # noqa: PTH208
    except (OSError, ValueError):
        return False
    return any(Path(path, step, _MARK).exists() for step in steps)


def refuse_orbax(path: str | os.PathLike[str]) -> ArtifactReading:
    """The reading of such a folder without Orbax.

    Args:
        path: The folder.
    """
    refusal = finding(
        "A102",
        Policy.COMPATIBLE,
        "the path is a folder of Orbax checkpoints",
        location=printable(path),
        wanted="a model that model.save wrote",
        found="a config and arrays that Orbax alone reads",
        hint="load it with keras.saving.load_model; to inspect the model, save it as .keras",
    )
    return ArtifactReading(printable(path, limit=1000), None, (refusal,))
