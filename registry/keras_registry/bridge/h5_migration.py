"""Migrated weights in ``.h5`` files.

Keras gives the arrays of a ``.h5`` file to the variables of each layer of the model by their order,
those of the layers inside it included, and asks no object to load its own. So where an object was
made from an older config, its arrays are picked by the paths that their variables had, and handed
to the object under the names that they would have in a ``.keras`` file: ``"0"``, ``"1"``, ...
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import takewhile
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

from keras_registry.artifact import TOP_LEVEL, legacy_arrays_of
from keras_registry.bridge.internals import find_names_down_to, flatten_layers
from keras_registry.config import awaits_migration, migrations_under_way
from keras_registry.errors import MigrationError
from keras_registry.findings import Policy, finding
from keras_registry.names import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keras_registry.artifact import StoredArray

    Layers = Sequence[tuple[Any, str]]

__all__ = ["fill_model"]

_LAYER_NAMES = "layer_names"
_LARGEST_EXPANSION = 1000
"""How many times as large as their file arrays can be: no compression of weights saves as much."""


def fill_model(wrapped: Callable[..., Any], group: Any, model: Any, *args: Any) -> None:
    """Fills a model with the weights of a ``.h5`` file, old ones by their migrations.

    Args:
        wrapped: Keras's own function, which fills all layers without old weights.
        group: The group of the file with the weights.
        model: The model.
        *args: Further arguments.

    Raises:
        MigrationError: Old weights cannot be told apart, or not be migrated.
    """
    waiting = [layer for layer in flatten_layers(model) if awaits_migration(layer)]
    if not waiting:
        wrapped(group, model, *args)
        return
    stored = dict(legacy_arrays_of(group))
    filling = _Filling(waiting, group.file.id.get_filesize())
    others = []
    for layer, name in _pair(model, stored, waiting):
        if filling.concerns(layer):
            filling.fill(layer, stored.get(name, ()))
        else:
            others.append((layer, name))
    has_own = any(owner is model for owner in waiting)
    if has_own:
        filling.migrate(model, stored.get(TOP_LEVEL, ()))
    kept = [name for _, name in others if name in stored]
    if not has_own and TOP_LEVEL in stored:
        kept.append(TOP_LEVEL)
    wrapped(_PartOfFile(group, kept), _part_of(model, others), *args)


def _pair(model: Any, stored: dict[str, Any], waiting: Sequence[Any]) -> Layers:
    """The layers of a model and what their weights are called in the file, by their order.

    Layers without weights have no part in the order, unless all go by the names of the file.
    """
    names = [name for name in stored if name != TOP_LEVEL]
    if all(name in {layer.name for layer in model.layers} for name in names):
        return [(layer, layer.name) for layer in model.layers]
    layers = [layer for layer in model.layers if layer.weights]
    if len(layers) != len(names):
        owner = waiting[0]
        _refuse(owner, f"{len(names)} layers with weights, and {len(layers)} in the model")
    return list(zip(layers, names, strict=True))


class _PartOfFile(dict[str, Any]):
    """Some members of a file, in the place of the group that has all of them."""

    def __init__(self, group: Any, names: Sequence[str]) -> None:
        # Keras asks for a name with a slash step by step, or did so in older versions at once.
        steps = {name.partition("/")[0] for name in names}
        super().__init__({name: group[name] for name in (*steps, *names)})
        layers = [name.encode() for name in names if name != TOP_LEVEL]
        self.attrs = {**group.attrs, _LAYER_NAMES: layers}


def _part_of(model: Any, layers: Layers) -> SimpleNamespace:
    """Some layers of a model, in its place; what it has itself is there as well."""
    return SimpleNamespace(
        layers=[layer for layer, _ in layers],
        weights=model.weights,
        _trainable_variables=model._trainable_variables,
        _non_trainable_variables=model._non_trainable_variables,
    )


@dataclass
class _Filling:
    """The layers of a model that are filled with old weights.

    Attributes:
        waiting: The objects that were made from older configs.
        file_size: The size of the file in bytes.
        done: The ids of those that have their weights: a layer may be in several others.
    """

    waiting: Sequence[Any]
    file_size: int
    done: set[int] = field(default_factory=set)

    def concerns(self, layer: Any) -> bool:
        """Whether there are old weights in a layer of the model."""
        return bool(self._owners_in(layer))

    def _owners_in(self, layer: Any) -> list[Any]:
        inside = {id(found) for found in flatten_layers(layer)}
        return [owner for owner in self.waiting if id(owner) in inside]

    def fill(self, layer: Any, arrays: Sequence[StoredArray]) -> None:
        """Gives each object inside a layer its own arrays, and the rest to the others in order."""
        variables = [*layer.trainable_weights, *layer.non_trainable_weights]
        rest, taken = list(arrays), []
        for owner in self._owners_in(layer):
            of_owner = {id(variable) for variable in _own_variables(owner)}
            variables = [variable for variable in variables if id(variable) not in of_owner]
            found = _arrays_of(owner, layer, rest)
            rest = [array for array in rest if array not in found]
            taken.append((owner, found))
        stored = [array.shape for array in rest]
        held = [tuple(variable.shape) for variable in variables]
        if stored != held:
            shown = f"beside them arrays of shapes {stored}, where the model has {held}"
            _refuse(taken[0][0], printable(shown, limit=300))
        for owner, found in taken:
            self.migrate(owner, found)
        for variable, array in zip(variables, rest, strict=True):
            variable.assign(array.read())
        if variables and hasattr(layer, "finalize_state"):
            layer.finalize_state()

    def migrate(self, owner: Any, arrays: Sequence[StoredArray]) -> None:
        """Hands old arrays to an object, which migrates them."""
        if id(owner) in self.done:
            return
        self.done.add(id(owner))
        import keras

        if type(owner).save_own_variables is not keras.layers.Layer.save_own_variables:
            _refuse(owner, "arrays without names, and a class that names them itself")
        if sum(math.prod(array.shape) for array in arrays) > _LARGEST_EXPANSION * self.file_size:
            _refuse(owner, "arrays that are larger than the file")
        owner.load_own_variables({str(i): array.read() for i, array in enumerate(arrays)})


def _own_variables(owner: Any) -> list[Any]:
    """The variables of an object, without those of the objects inside it."""
    return [*owner._trainable_variables, *owner._non_trainable_variables]


def _arrays_of(owner: Any, layer: Any, arrays: Sequence[StoredArray]) -> list[StoredArray]:
    """Those of a layer's arrays that belong to one object in it, by the paths that they had.

    A path ends with the names of the object and of the variable, mostly after those of the layers
    around it. There are none where the class had no variables then.
    """
    by_place: dict[str, list[StoredArray]] = {}
    for array in arrays:
        place = (array.saved_as or "").rpartition("/")[0]
        by_place.setdefault(place, []).append(array)
    if len(by_place) == 1 and len(flatten_layers(owner)) == 1:
        return list(arrays)
    places = [place for place in by_place if place.rpartition("/")[2] == owner.name]
    names = find_names_down_to(layer, owner)
    alike = {place: _common_ending(place.split("/"), names) for place in places}
    places = [place for place in places if alike[place] == max(alike.values())]
    if len(places) > 1:
        _refuse(owner, f"{len(places)} objects with this name")
    return by_place[places[0]] if places else []


def _common_ending(some: Sequence[str], others: Sequence[str]) -> int:
    """In how many names from the end two paths agree."""
    pairs = zip(reversed(some), reversed(others), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _refuse(owner: Any, found: str) -> NoReturn:
    """Says that the arrays of an object cannot be told from the others of the file.

    Raises:
        MigrationError: Always.
    """
    name = f'{type(owner).__name__} "{printable(owner.name)}"'
    wrong = finding(
        "W105",
        Policy.COMPATIBLE,
        f"the old weights of {name} cannot be found in the file",
        wanted="arrays that belong to it by their paths",
        found=found,
        hint="load the file with the version that saved it, save the model as .keras, and run "
        "keras-registry migrate on that",
    )
    error = MigrationError(f"{wrong.summary}: {found}", findings=(wrong,))
    watched = migrations_under_way()
    if watched is not None:
        watched.failures.append((owner, error))
    raise error
