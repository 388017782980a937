"""``.keras`` files of Keras 2.12 to 2.14, read by way of a copy with the weights where they belong.

Keras 3 means to read these files, and finds the first layer of each class in them alone: a model
with two `Dense` layers stops. The copy has another `model.weights.h5` and is gone after the load.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_registry.artifact import (
    WEIGHTS,
    find_damage,
    has_old_layout,
    is_keras2,
    renumber_layers,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keras_registry.artifact import Artifact

__all__ = ["members_without_place", "with_current_layout"]

_WEIGHTS = WEIGHTS[0]


@contextmanager
def with_current_layout(source: Any, artifact: Artifact | None) -> Iterator[Any]:
    """A ``.keras`` file whose weights lie where Keras 3 looks for them, for the length of a block.

    It is the file itself, except where Keras 2 saved it in the old layout.

    Args:
        source: The file, by its path or open; the copy is given in the same way.
        artifact: What was read of it; None if it cannot be read.
    """
    if artifact is None or not _is_old(source, artifact):
        yield source
        return
    with tempfile.TemporaryDirectory(prefix="keras-registry-") as folder:
        copy = Path(folder, "model.keras")
        _copy_renumbered(source, copy)
        if isinstance(source, str | os.PathLike):
            yield copy
        else:
            with copy.open("rb") as opened:
                yield opened


def members_without_place(artifact: Artifact | None) -> tuple[str, ...]:
    """What of a model Keras 2 saved, and Keras 3 does not look for: what metrics have counted.

    Args:
        artifact: The file; None if it cannot be read.
    """
    return ("metrics",) if artifact is not None and is_keras2(artifact) else ()


def _is_old(source: Any, artifact: Artifact) -> bool:
    if artifact.container != ".keras" or not is_keras2(artifact):
        return False
    # What is damaged is not opened: some damage libhdf5 does not survive.
    return find_damage(source, artifact) is None and has_old_layout(source, _WEIGHTS)


def _copy_renumbered(source: Any, target: Path) -> None:
    import h5py

    weights = target.with_name(_WEIGHTS)
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        with old.open(_WEIGHTS) as member, weights.open("wb") as extracted:
            shutil.copyfileobj(member, extracted, 1 << 20)
        with h5py.File(weights, "r+") as file:
            renumber_layers(file)
        for info in old.infolist():
            if info.filename == _WEIGHTS:
                new.write(weights, _WEIGHTS)
            else:
                with old.open(info) as member, new.open(info.filename, "w") as copied:
                    shutil.copyfileobj(member, copied, 1 << 20)
