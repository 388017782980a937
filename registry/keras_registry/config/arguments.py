"""The arguments of a constructor, kept with the object that they made."""

from __future__ import annotations

import copy
from enum import Enum
from typing import Any

__all__ = ["MISSING", "Arguments", "arguments_of", "attribute_of", "copied", "keep_arguments"]

# A dunder name in __dict__ itself passes by the tracking of layers, optimizers and torch modules,
# and Keras's saving does not walk into it.
_ARGUMENTS = "__keras_registry_args__"

MISSING = object()
"""Stands for an attribute that an object does not have."""


class Arguments:
    """The constructor arguments of one object, for each class that takes some.

    A class that passes its arguments on to a registered parent has two entries.

    Attributes:
        values: The arguments by class and name, as they were passed, after conversion.
        passed_on: The arguments that the caller gave for Keras's own constructors.
        tracked: The classes and names of the arguments that are read from attributes at a save.
    """

    __slots__ = ("passed_on", "tracked", "values")

    def __init__(self) -> None:
        self.values: dict[str, dict[str, Any]] = {}
        self.passed_on: dict[str, Any] = {}
        self.tracked: frozenset[tuple[str, str]] = frozenset()

    def close(self, instance: object) -> None:
        """Notes which attributes equal their arguments now that the object is constructed.

        Only these are read again when the object is saved: reading others would turn
        ``self.units = units * 2`` into 32, 64, 128 over three round trips.
        """
        self.tracked = frozenset(
            (label, name)
            for label, values in self.values.items()
            for name, value in values.items()
            if is_same(attribute_of(instance, name), value)
        )

    def current(self, instance: object, label: str) -> tuple[dict[str, Any], bool]:
        """The arguments of a class as they are now, and whether any changed since construction."""
        values, changed = {}, False
        for name, kept in self.values[label].items():
            values[name] = kept
            if (label, name) in self.tracked:
                now = attribute_of(instance, name)
                if not is_same(now, kept):
                    values[name], changed = _unwrapped(now), True
        return values, changed


def keep_arguments(instance: Any) -> tuple[Arguments, bool]:
    """The record of an object under construction, and whether it was made just now."""
    record = instance.__dict__.get(_ARGUMENTS)
    if record is not None:
        return record, False
    record = instance.__dict__[_ARGUMENTS] = Arguments()
    return record, True


def arguments_of(instance: Any) -> Arguments | None:
    """The record of an object; None if it was made without its constructor."""
    record: Arguments | None = instance.__dict__.get(_ARGUMENTS)
    return record


def attribute_of(instance: object, name: str) -> Any:
    """An attribute of an object, or `MISSING`."""
    try:
        return getattr(instance, name, MISSING)
    except Exception:  # noqa: BLE001 - a property of the author's may raise anything
        return MISSING


def _unwrapped(value: Any) -> Any:
    """A tuple in which TensorFlow tracks a layer as the tuple that it was."""
    if not isinstance(value, tuple):
        return value
    items = map(_unwrapped, value)
    kind = type(getattr(value, "__wrapped__", value))
    return kind(*items) if hasattr(value, "_fields") else tuple(items)


_COMPARABLE = (bool, int, float, str, bytes, list, tuple, dict, set, frozenset, Enum)


def is_same(  # noqa: PLR0911 - one case for each sort of value
    attribute: object, argument: object
) -> bool:
    """Whether an attribute still is the argument, by identity or by value and type."""
    if attribute is argument:
        return True
    if attribute is MISSING:
        return False
    if type(attribute).__module__ == type(argument).__module__ == "numpy":
        import numpy as np

        left, right = np.asarray(attribute), np.asarray(argument)
        return left.dtype == right.dtype and np.array_equal(left, right)
    if not isinstance(argument, _COMPARABLE) or not isinstance(attribute, type(argument)):
        return False
    if isinstance(attribute, bool) is not isinstance(argument, bool):
        return False
    try:
        return bool(attribute == argument)
    except Exception:  # noqa: BLE001 - arrays inside a list have no truth value
        return _is_same_inside(attribute, argument)


def _is_same_inside(left: Any, right: Any) -> bool:
    if isinstance(right, dict):
        return left.keys() == right.keys() and all(is_same(left[n], right[n]) for n in right)
    if isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(is_same, left, right))
    return False


def copied(value: Any) -> Any:
    """A copy of containers and arrays, so that later changes of the caller's do not matter."""
    if isinstance(value, list | tuple | set | frozenset):
        items = map(copied, value)
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    if isinstance(value, dict):
        return {name: copied(item) for name, item in value.items()}
    return copy.copy(value) if type(value).__module__ == "numpy" else value
