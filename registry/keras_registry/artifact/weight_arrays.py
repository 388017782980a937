"""The arrays in the weights of a model file: where each lies, and its shape.

Two layouts of HDF5 are read. Keras 3 keeps the variables of each object in a group ``vars`` under
the object's path (``layers/dense/vars/0``); ``.h5`` files keep them in a group for each layer,
in the order of its attribute `weight_names`, as Keras 2 did.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from keras_registry.names import printable

if TYPE_CHECKING:
    import h5py

__all__ = [
    "ROOT",
    "TOP_LEVEL",
    "Arrays",
    "LegacyLayers",
    "StoredArray",
    "arrays_of",
    "legacy_arrays_of",
]

ROOT = "(the model)"
_MODEL_WEIGHTS = "model_weights"
TOP_LEVEL = "top_level_model_weights"
"""What ``.h5`` files call the variables that a model has outside its layers."""


@dataclass(frozen=True, slots=True)
class StoredArray:
    """An array of a model, in a file or in memory.

    Attributes:
        owner: The path of the object that it belongs to, such as ``layers/dense``.
        name: How the object calls it, such as ``0``.
        shape: Its shape.
        read: Reads its values.
        title: What people call it: the name of its layer, or the path of its variable.
        saved_as: The path that its variable had when a ``.h5`` file was saved.
    """

    owner: str
    name: str
    shape: tuple[int, ...]
    read: Callable[[], Any]
    title: str | None = None
    saved_as: str | None = None

    @property
    def path(self) -> str:
        """The place as a text, the same in memory and in files."""
        return f"{self.owner}/{self.name}"

    def __str__(self) -> str:
        title = f' "{printable(self.title, limit=100)}"' if self.title else ""
        return f"{printable(self.path, limit=200)}{title} {self.shape}"


Arrays = dict[str, StoredArray]
"""Arrays by their paths."""

LegacyLayers = Sequence[tuple[str, Sequence[StoredArray]]]
"""The arrays of each layer of a ``.h5`` file, under the layer's name."""


def arrays_of(file: h5py.File) -> Arrays:
    """The arrays of a file in the layout of Keras 3, by path.

    Args:
        file: An open file. Links that lead elsewhere are not followed.
    """
    import h5py

    arrays: Arrays = {}

    def visit(name: str, item: Any) -> None:
        group, _, variable = name.rpartition("/")
        owner, _, last = f"/{group}".rpartition("/")
        if isinstance(item, h5py.Dataset) and last == "vars":
            # What Keras 2.13 wrote, and Keras 3 reads as `layers`.
            place = owner[1:].replace("_layer_checkpoint_dependencies", "layers") or ROOT
            title = item.parent.attrs.get("name")
            found = _array(place, variable, item, title if isinstance(title, str) else None)
            arrays[found.path] = found

    file.visititems(visit)
    return arrays


def legacy_arrays_of(file: h5py.File) -> LegacyLayers:
    """The arrays of each layer of a ``.h5`` file that has any: the layer's name, and its arrays.

    Args:
        file: An open file, of a model or of weights alone.
    """
    import h5py

    group = file
    if "layer_names" not in file.attrs:
        group = _find(file, _MODEL_WEIGHTS) or file
    layers = []
    for name in [*_texts(group, "layer_names"), TOP_LEVEL]:
        layer = _find(group, name)
        names = _texts(layer, "weight_names") if isinstance(layer, h5py.Group) else []
        datasets = ((path, _find(layer, path)) for path in names)
        found = [
            replace(_array(name, str(position), dataset), saved_as=path)
            for position, (path, dataset) in enumerate(datasets)
            if isinstance(dataset, h5py.Dataset)
        ]
        if found:
            layers.append((name, found))
    return layers


def _find(group: h5py.Group, path: str) -> Any:
    """What lies at a path inside a group; None if nothing does, or links lead elsewhere."""
    import h5py

    found: Any = group
    for name in filter(None, path.split("/")):
        if not isinstance(found, h5py.Group) or not found.id.links.exists(name.encode()):
            return None
        if found.id.links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
            return None
        found = found[name]
    return found


def _array(owner: str, name: str, dataset: h5py.Dataset, title: str | None = None) -> StoredArray:
    shape = tuple(map(int, dataset.shape or ()))
    return StoredArray(owner, name, shape, lambda: _values(dataset), title)


def _values(dataset: h5py.Dataset) -> Any:
    """The values of a dataset; bfloat16 is to HDF5 two bytes, with a note of Keras's beside."""
    values = dataset[()]
    if dataset.attrs.get("dtype") == "bfloat16":
        import ml_dtypes

        values = values.view(ml_dtypes.bfloat16)
    return values


def _texts(group: h5py.Group, name: str) -> list[str]:
    """An attribute with texts, which Keras cuts in parts if it is long."""
    parts = [name] if name in group.attrs else []
    while f"{name}{len(parts)}" in group.attrs and parts[:1] != [name]:
        parts.append(f"{name}{len(parts)}")
    texts = (text for part in parts for text in group.attrs[part])
    return [text.decode("utf-8", "replace") if isinstance(text, bytes) else text for text in texts]
