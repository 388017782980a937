"""Whether a model holds the arrays that its file holds: the same places, shapes and values.

The places are those to which Keras would save the model: what the file holds elsewhere was not
restored. A fingerprint tells that something differs, this tells what.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from keras_registry.artifact import (
    TOP_LEVEL,
    StoredArray,
    arrays_of,
    legacy_arrays_of,
    opening_weights,
)
from keras_registry.bridge.internals import find_saved, state_to_save

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Sequence
    from typing import IO

    from keras_registry.artifact import Arrays, LegacyLayers

__all__ = ["Comparison", "WeightsFile"]

_OPTIMIZER = "optimizer"


class Comparison:
    """The arrays of a model beside those of its file; the optimizer's are left out.

    Attributes:
        unread: Those of the file that have no place in the model.
        missing: Those of the model that the file does not have.
        misfits: Those that are in both with other shapes: of the file, of the model.
    """

    def __init__(self, stored: Arrays, held: Arrays) -> None:
        stored, held = _without_optimizer(stored), _without_optimizer(held)
        self.unread = [found for path, found in stored.items() if path not in held]
        self.missing = [found for path, found in held.items() if path not in stored]
        common = [(stored[path], found) for path, found in held.items() if path in stored]
        self.misfits = [pair for pair in common if pair[0].shape != pair[1].shape]
        self._fitting = [pair for pair in common if pair[0].shape == pair[1].shape]

    def held_by(self, owner: str) -> list[StoredArray]:
        """The arrays that one object of the model has, by its path."""
        held = [*self.missing, *(found for _, found in (*self.misfits, *self._fitting))]
        return [array for array in held if array.owner == owner]

    @property
    def fits(self) -> bool:
        """Whether each array has its place, and each place its array."""
        return not (self.unread or self.missing or self.misfits)

    def differing(self) -> list[StoredArray]:
        """The arrays of the file whose values are not those in the model, in the model's dtype."""
        return [stored for stored, held in self._fitting if not _equal(stored, held)]


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """The weights of a file, to be compared with a model.

    Attributes:
        source: The file, by its path or open, or the folder.
        legacy: Whether it has the layout of a ``.h5`` file, an ordered list for each layer.
        by_name: Whether only layers of one name belong together there, not those of one position.
        without: Members of the model whose arrays are not looked for.
    """

    source: str | os.PathLike[str] | IO[bytes]
    legacy: bool = False
    by_name: bool = False
    without: tuple[str, ...] = ()

    @contextmanager
    def compared(self, model: Any) -> Iterator[Comparison | None]:
        """Compares the file with a model.

        It gives None where the weights are in another format, or a layer cannot be saved.

        Args:
            model: A Keras model.
        """
        with opening_weights(self.source) as file:
            if file is None:
                yield None
            elif self.legacy:
                yield _compare_legacy(legacy_arrays_of(file), model, by_name=self.by_name)
            else:
                held = _find_arrays_in_memory(model)
                stored = {
                    path: array
                    for path, array in arrays_of(file).items()
                    if array.owner.partition("/")[0] not in self.without
                }
                yield None if held is None else Comparison(stored, _renamed(held, stored, model))


def _compare_legacy(stored: LegacyLayers, model: Any, *, by_name: bool) -> Comparison:
    held = list(_legacy_layers(model))
    if not by_name and len(stored) == len(held):
        # Whatever their names, they belong together by their order.
        held = [(name, found) for (name, _), (_, found) in zip(stored, held, strict=True)]
    return Comparison(_arrays(stored), _arrays(held))


def _find_arrays_in_memory(model: Any) -> Arrays | None:
    """The arrays that a save of a model would write, by path; None if it cannot be saved."""
    try:
        state = state_to_save(model)
    except Exception:  # noqa: BLE001 - a layer's own code, which may fail as it likes
        return None
    arrays = {}
    for owner, variables in state.items():
        for name, value in variables.items():
            found = _array(owner, name, value)
            arrays[found.path] = found
    return arrays


def _renamed(held: Arrays, stored: Arrays, model: Any) -> Arrays:
    """The arrays of a model under the paths of a file, where these lead to the same object.

    Keras saves an object under the first of its names in another one, and loads it by each.
    """
    places = {array.owner for array in held.values()}
    saved = {array.owner for array in stored.values()}
    unread = saved - places
    further = {owner: _further_names(model, owner) & unread for owner in places - saved if unread}
    names = {owner: found.pop() for owner, found in further.items() if found}
    renamed = (replace(item, owner=names.get(item.owner, item.owner)) for item in held.values())
    return {item.path: item for item in renamed}


def _further_names(model: Any, path: str) -> set[str]:
    """The paths that end in another attribute for the same object."""
    *parents, last = path.split("/")
    owner = model
    for name in parents:
        owner = find_saved(owner, name)
    wanted = find_saved(owner, last)
    found = set()
    for name in dir(owner) if wanted is not None else ():
        # As Keras does: a property's own code may fail as it likes.
        with suppress(Exception):
            if not name.startswith("__") and getattr(owner, name) is wanted:
                found.add("/".join([*parents, name]))
    return found


def _legacy_layers(model: Any) -> Iterator[tuple[str, Sequence[StoredArray]]]:
    """The arrays of each layer that has any, as `legacy_h5_format` writes and reads them."""
    own = [*model._trainable_variables, *model._non_trainable_variables]
    in_use = {id(variable) for variable in model.weights}
    top = [variable for variable in own if id(variable) in in_use]
    layers = [(layer.name, _legacy_weights(layer)) for layer in model.layers]
    for name, variables in [*layers, (TOP_LEVEL, top)]:
        if variables:
            yield name, [_array(name, str(i), value) for i, value in enumerate(variables)]


def _legacy_weights(layer: Any) -> list[Any]:
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def _array(owner: str, name: str, value: Any) -> StoredArray:
    title = getattr(value, "path", None)
    return StoredArray(owner, name, tuple(map(int, value.shape)), lambda: value, title)


def _arrays(layers: Iterable[tuple[str, Sequence[StoredArray]]]) -> Arrays:
    """The arrays of layers by path, each layer under a name of its own."""
    arrays = {}
    for name, found in layers:
        for array in found:
            renamed = replace(array, owner=name)
            arrays[renamed.path] = renamed
    return arrays


def _without_optimizer(arrays: Arrays) -> Arrays:
    return {
        path: array for path, array in arrays.items() if _OPTIMIZER not in array.owner.split("/")
    }


def _equal(stored: StoredArray, held: StoredArray) -> bool:
    import keras
    import numpy as np

    in_memory = keras.ops.convert_to_numpy(held.read())
    in_file = np.asarray(stored.read())
    if in_file.dtype.kind == "V" and in_file.dtype.itemsize == 1:  # a float8: its bytes alone
        in_file = in_file.view(in_memory.dtype)
    # Keras casts to the dtype of the variable, which may be another than that of the file.
    return bool(in_file.astype(in_memory.dtype).tobytes() == in_memory.tobytes())
