"""The weights in ``.keras`` files of Keras 2.12 and 2.13, which lie elsewhere than in later ones.

There a model kept its layers in a group `_layer_checkpoint_dependencies`, under the name of their
class with a number for each further layer of that class. A layer with weights was counted twice, so
that the second `Dense` is ``dense_2``; Keras 3 looks for ``dense_1``.
"""

from __future__ import annotations

import re
import zipfile
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os

    import h5py

__all__ = ["has_old_layout", "renumber_layers"]

_OLD, _NEW = "_layer_checkpoint_dependencies", "layers"
_NUMBERED = re.compile(r"(.+?)(?:_([0-9]+))?")
_MAX_DEPTH = 100


def has_old_layout(source: str | os.PathLike[str] | IO[bytes], weights: str) -> bool:
    """Whether the weights in a ``.keras`` file lie where Keras 2.13 kept them.

    Args:
        source: The file, by its path or open.
        weights: The member with the weights.
    """
    import h5py

    try:
        with (
            zipfile.ZipFile(source) as archive,
            archive.open(weights) as member,
            h5py.File(member, "r") as file,
        ):
            return _OLD in file
    except Exception:  # noqa: BLE001 - damage shows in many ways, and Keras says what it is
        return False


def renumber_layers(file: h5py.File) -> None:
    """Moves the layers of all models in a file to where Keras 3 looks for them.

    Args:
        file: A file of weights, open for writing.
    """
    _renumber(file, 0)


def _renumber(group: h5py.Group, depth: int) -> None:
    import h5py

    if _OLD in group and _NEW not in group:
        group.move(_OLD, _NEW)
        _close_gaps(group[_NEW])
    for name in list(group):
        is_inside = group.id.links.get_info(name.encode()).type == h5py.h5l.TYPE_HARD
        inner: Any = group[name] if is_inside else None
        if isinstance(inner, h5py.Group) and depth < _MAX_DEPTH:
            _renumber(inner, depth + 1)


def _close_gaps(layers: h5py.Group) -> None:
    """Numbers the layers of each class one by one, in their order."""
    numbered: dict[str, list[tuple[int, str]]] = {}
    for name in layers:
        stem, number = _split(name, layers)
        numbered.setdefault(stem, []).append((number, name))
    for stem, names in numbered.items():
        for position, (_, name) in enumerate(sorted(names)):
            wanted = f"{stem}_{position}" if position else stem
            if name != wanted:
                layers.move(name, wanted)


def _split(name: str, layers: h5py.Group) -> tuple[str, int]:
    """The name of the class and the number; a class's own name may end in one, as ``block_2``."""
    match = _NUMBERED.fullmatch(name)
    if match is None or match[2] is None or match[1] not in layers:
        return name, 0
    return match[1], int(match[2])
