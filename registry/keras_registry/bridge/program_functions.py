"""Functions of a program that no file keeps: namesakes of Keras's, closures and partial ones.

Keras writes a function by its name. Of one that is not registered it first looks among its own: a
program with another ``relu`` gets Keras's back, without a word. And of functions that are made by
another one, each with values of its own, all come back as the one that was registered last.
"""

from __future__ import annotations

from contextlib import contextmanager
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from keras_registry.bridge.internals import flatten_layers
from keras_registry.findings import Need, Policy, finding
from keras_registry.keras_names import FUNCTIONS
from keras_registry.names import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from types import CellType

    from keras_registry.findings import Finding

__all__ = ["explaining_refusals", "function_findings"]

_COMPILED = ("loss", "metrics", "weighted_metrics")
_OF_CLASS = frozenset({"class_name", "module", "registered_name"})
_SAME = ("keras", "tensorflow")
"""Whose functions compute the same as Keras's of the same name."""


def function_findings(model: Any, config: Any) -> Iterator[Finding]:
    """What is said of functions that will be others when the model is loaded.

    Args:
        model: The model that is being saved.
        config: The JSON document of its config: what a layer holds besides is not saved.
    """
    held = [
        (owner, name, value)
        for owner, name, value in _held(model, FunctionType)
        if _module(value).partition(".")[0] not in _SAME
    ]
    named, closures = (_saved(held, config, is_meant) for is_meant in (_is_namesake, _is_closure))
    if named:
        modules = {f"{_module(function)}.{function.__name__}" for _, function in named}
        yield finding(
            "K206",
            Policy.COMPATIBLE,
            "functions of this program are called like Keras's, which a load puts in their place",
            needs=_needs_of(named),
            wanted="names of their own, or registered functions",
            found=", ".join(printable(name, limit=200) for name in sorted(modules)),
            hint="decorate them with @keras_registry.register, in an installable distribution",
        )
    if closures:
        uses = {function.__name__: _variables(function) for _, function in closures}
        yield finding(
            "K207",
            Policy.COMPATIBLE,
            "functions use values that no file keeps",
            needs=_needs_of(closures),
            wanted="values that are in the config of an object",
            found="; ".join(f"{name} uses {', '.join(used)}" for name, used in uses.items()),
            hint="make it a class whose constructor takes them, with @keras_registry.register",
        )


def _saved(
    held: Iterable[tuple[Any, str, FunctionType]],
    config: Any,
    is_meant: Callable[[FunctionType], bool],
) -> list[tuple[str, FunctionType]]:
    """The functions of a kind, of those that a model holds, that its config names."""
    import keras

    meant = [item for item in held if is_meant(item[2])]
    if not meant:
        return []
    names = set(_iter_names(config))
    of_function = keras.saving.get_registered_name
    return [
        (_place(owner, name), function)
        for owner, name, function in meant
        if {function.__name__, of_function(function)} & names
    ]


def _iter_names(node: Any) -> Iterator[str]:
    """The texts in a config by which it can name a function."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, list):
        for item in node:
            yield from _iter_names(item)
    elif isinstance(node, dict):
        for name, item in node.items():
            if name not in _OF_CLASS:
                yield from _iter_names(item)


def _needs_of(functions: Iterable[tuple[str, FunctionType]]) -> tuple[Need, ...]:
    places: dict[str, list[str]] = {}
    for place, function in functions:
        places.setdefault(function.__name__, []).append(place)
    return tuple(Need(name, len(found), found[0]) for name, found in places.items())


def _module(function: FunctionType) -> str:
    return function.__module__ or "__main__"  # None, of a function made by exec


def _is_namesake(function: FunctionType) -> bool:
    import keras

    is_bare = ">" not in keras.saving.get_registered_name(function)
    return function.__name__ in FUNCTIONS and is_bare


def _is_closure(function: FunctionType) -> bool:
    """Whether a load will not find this very function, and so not the values that it uses."""
    import keras

    if function.__name__ == "<lambda>" or not _variables(function):
        return False
    key = keras.saving.get_registered_name(function)
    return ">" not in key or keras.saving.get_registered_object(key) is not function


def _variables(function: FunctionType) -> list[str]:
    """The names of the variables of an enclosing function that hold values, not code."""
    if "<locals>" not in function.__qualname__:  # decorated, and found by its name as it is
        return []
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    return [printable(name, limit=60) for name, cell in cells if not _is_code(cell)]


def _is_code(cell: CellType) -> bool:
    try:
        return isinstance(cell.cell_contents, ModuleType | type)
    except ValueError:  # nothing was put into it yet
        return True


@contextmanager
def explaining_refusals(model: Any) -> Iterator[None]:
    """Adds to what Keras raises when it cannot save a model where the object is that it refuses.

    The error stays as it is, with a note.

    Args:
        model: The model.
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        _note_place(error, model)
        raise


def _note_place(error: Exception, model: Any) -> None:
    text = str(error)
    for owner, name, found in _held(model):
        if not isinstance(found, str | int | float | bool | None) and repr(found) in text:
            kind = printable(type(found).__name__)
            error.add_note(
                f"keras-registry: {_place(owner, name)} is of type {kind}, which Keras cannot "
                "save: pass a function with a name, decorated with @keras_registry.register"
            )
            return


def _held(model: Any, kind: type | None = None) -> Iterator[tuple[Any, str, Any]]:
    """What of a type a model's compiled state and its layers hold: layer, name and value."""
    import keras

    if not isinstance(model, keras.layers.Layer):
        return
    compiled = getattr(getattr(model, "_compile_config", None), "config", {})
    for part in _COMPILED:
        for value in _flat(compiled.get(part)):
            if kind is None or type(value) is kind:
                yield None, part, value
    for layer in flatten_layers(model):
        held = vars(layer)
        types = map(type, held.values())
        names = [name for name, found in zip(held, types, strict=True) if found is (kind or found)]
        for name in names:
            # What `compile` was given is told above.
            if layer is not model or name not in _COMPILED:
                yield layer, name, held[name]


def _place(layer: Any, name: str) -> str:
    """Where a layer, or the compiled state if there is none, holds something."""
    if layer is None:
        return f"compile({name})"
    return f'{type(layer).__name__} "{printable(layer.name, limit=60)}".{name}'


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _flat(item)
    else:
        yield value
