"""The arrays in the weights of a model file: where each lies, and its shape.

Two layouts of HDF5 are read. Keras 3 keeps the variables of each object in a group ``vars`` under
the object's path (``layers/dense/vars/0``); ``.h5`` files keep them in a group for each layer,
in the order of its attribute `weight_names`, as Keras 2 did.
"""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from keras_registry.artifact.keras_zip import WEIGHTS
from keras_registry.names import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    import h5py

__all__ = [
    "ROOT",
    "TOP_LEVEL",
    "Arrays",
    "LegacyLayers",
    "StoredArray",
    "arrays_of",
    "legacy_arrays_of",
    "opening_weights",
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


@contextmanager
def opening_weights(source: str | os.PathLike[str] | IO[bytes]) -> Iterator[h5py.File | None]:
    """Opens the weights of a model, in whatever container, for the length of a block.

    It gives None where the weights are in another format, such as ``.npz``.

    Args:
        source: The path of a file or a folder, or an open ``.keras`` file.
    """
    import h5py

    if not hasattr(source, "read"):
        path = Path(source)
        if path.is_dir():
            path /= WEIGHTS[0]
        if not zipfile.is_zipfile(path):
            if path.is_file() and h5py.is_hdf5(path):
                with h5py.File(path, "r") as file:
                    yield file
            else:
                yield None
            return
    with zipfile.ZipFile(source) as archive:
        if WEIGHTS[0] not in archive.namelist():
            yield None
            return
        with _open_member(archive, WEIGHTS[0]) as member, h5py.File(member, "r") as file:
            yield file


def _open_member(archive: zipfile.ZipFile, name: str) -> IO[bytes]:
    """A member as an open file in which one can jump at no cost, as HDF5 does all the time."""
    info = archive.getinfo(name)
    if info.compress_type != zipfile.ZIP_STORED or archive.fp is None:
        return archive.open(name)
    file = archive.fp
    file.seek(info.header_offset + 26)
    lengths = file.read(4)
    names = int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little")
    start = info.header_offset + 30 + names  # APPNOTE.TXT of the zip format, 4.3.7
    return io.BufferedReader(_Window(file, start, info.file_size))


class _Window(io.RawIOBase):
    """A part of an open file, as a file."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        self._file, self._start, self._size, self._at = file, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        self._file.seek(self._start + self._at)
        data = self._file.read(min(len(buffer), max(0, self._size - self._at)))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)
