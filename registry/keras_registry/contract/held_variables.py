"""Variables that a layer holds, wherever it holds them."""

from __future__ import annotations

import functools
import gc
import types
import weakref
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Held", "count_variables_made", "find_untracked", "new_variables"]

_DEEPEST = 6
_CONTAINERS = (dict, list, tuple, set, frozenset)
_CLOSED = (
    *(str, bytes, int, float, complex, type(None), type, types.ModuleType),
    *(types.FunctionType, types.BuiltinFunctionType, types.MethodType, np.ndarray, np.generic),
    *(keras.KerasTensor, keras.optimizers.Optimizer, keras.metrics.Metric, keras.losses.Loss),
)
"""What holds no variables, or keeps them by itself."""


@dataclass(frozen=True, slots=True)
class Held:
    """A variable, or a layer with variables, that Keras does not know of.

    Attributes:
        place: Where it is held, such as ``self.parts[0].kernel``.
        what: What it is, in words.
    """

    place: str
    what: str


def find_untracked(layer: Any) -> Held | None:
    """The first variable that a layer, or a layer inside it, holds and Keras does not know of.

    Args:
        layer: A layer that was called.
    """
    layers = {id(item): item for item in layer._flatten_layers()}  # noqa: SLF001 - nothing public
    known = _known_to_keras(layer)
    native = {id(variable.value) for variable in layer.variables}
    ours = {*vars(keras.layers.Layer()), *vars(keras.Model()), "__keras_registry_args__"}
    for number, item in enumerate(layers.values()):
        name = "self" if number == 0 else item.name
        held = {key: value for key, value in vars(item).items() if key not in ours}
        for place, value in _walk(name, held, set()):
            if isinstance(value, keras.layers.Layer):
                # A Sequential model keeps a functional one of the same layers, which are tracked.
                own = [variable for variable in value.variables if id(variable) not in known]
                if id(value) not in layers and own:
                    return Held(place, f"a {type(value).__name__} with {len(own)} variables")
            elif isinstance(value, keras.Variable):
                if id(value) not in known:
                    return Held(place, _in_words(value))
            elif id(value) not in native:
                return Held(place, f"a variable of {keras.backend.backend()}")
    return None


def _known_to_keras(layer: Any) -> set[int]:
    """What is in `variables`, and the states that Keras keeps out of them on purpose."""
    recurrent = [
        item
        for item in layer._flatten_layers()  # noqa: SLF001 - nothing public
        if isinstance(item, keras.layers.RNN) and item.stateful
    ]
    states = keras.tree.flatten([item.states for item in recurrent])
    return {id(variable) for variable in (*layer.variables, *states)}


def _walk(place: str, value: Any, seen: set[int], depth: int = 0) -> Iterator[tuple[str, Any]]:
    """The layers and variables in an object that is none itself."""
    if depth > _DEEPEST or id(value) in seen or isinstance(value, _CLOSED):
        return
    seen.add(id(value))
    if isinstance(value, keras.layers.Layer | keras.Variable) or _is_native_variable(value):
        yield place, value
        return
    if keras.ops.is_tensor(value):
        return
    if isinstance(value, dict):
        inner = [
            (f"{place}.{key}" if depth == 0 else f"{place}[{key!r}]", item)
            for key, item in value.items()
        ]
    elif isinstance(value, _CONTAINERS):
        inner = [(f"{place}[{number}]", item) for number, item in enumerate(value)]
    else:
        inner = [(f"{place}.{key}", item) for key, item in getattr(value, "__dict__", {}).items()]
    for where, item in inner:
        yield from _walk(where, item, seen, depth + 1)


def _is_native_variable(value: Any) -> bool:
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return isinstance(value, tf.Variable)


def _in_words(variable: Any) -> str:
    return f"a variable {variable.name} of shape {tuple(variable.shape)}"


def new_variables(make: Callable[[], Any]) -> tuple[Any, list[str]]:
    """What a function makes, and the variables it made that this does not know of.

    Args:
        make: Makes a layer and calls it.

    Returns:
        The layer, and the other variables that are still alive, in words.
    """
    with _noting_variables() as made:
        layer = make()
    known = _known_to_keras(layer)
    if all(id(reference()) in known for reference in made if reference() is not None):
        return layer, []
    gc.collect()
    alive = [reference() for reference in made]
    return layer, [_in_words(v) for v in alive if v is not None and id(v) not in known]


def count_variables_made(function: Callable[[], Any]) -> int:
    """How many variables a function makes, whatever becomes of them."""
    with _noting_variables() as made:
        function()
    return len(made)


@contextmanager
def _noting_variables() -> Iterator[list[weakref.ref[Any]]]:
    """Notes the variables that are made inside the ``with`` block, and keeps none alive."""
    made: list[weakref.ref[Any]] = []
    cls: Any = keras.Variable
    own = vars(cls).get("__init__")
    original = cls.__init__

    @functools.wraps(original)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        original(self, *args, **kwargs)
        made.append(weakref.ref(self))

    cls.__init__ = __init__
    try:
        yield made
    finally:
        if own is None:
            del cls.__init__
        else:
            cls.__init__ = own
