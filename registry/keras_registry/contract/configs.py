"""Configs of objects: made, compared, and taken apart."""

from __future__ import annotations

import inspect
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Difference",
    "as_lists",
    "base_value",
    "config_of",
    "find_difference",
    "first_unserialisable",
    "parameters_of",
    "restored",
    "serialised",
    "types_of",
    "with_usual_names",
    "without_names",
]

_TAKEN_BY_KERAS = frozenset({"args", "kwargs", "self"})


def config_of(made: Any) -> dict[str, Any]:
    """The config of an object, everything inside it serialised."""
    saved = serialised(made)["config"]
    return dict(saved) if isinstance(saved, dict) else {}


def serialised(made: Any) -> Any:
    """What Keras stores for an object."""
    return keras.saving.serialize_keras_object(made)


def restored(made: Any) -> Any:
    """The object after a round trip through JSON."""
    text = json.dumps(serialised(made))
    return keras.saving.deserialize_keras_object(json.loads(text))


def without_names(config: dict[str, Any]) -> dict[str, Any]:
    """A config without automatic names, which differ from one object to the next."""
    return {name: value for name, value in config.items() if name != "name"}


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two configs differ first.

    Attributes:
        name: The name in the config.
        place: The place in its value, such as ``cell.units``.
        wanted: What the one holds there.
        found: What the other holds there.
    """

    name: str
    place: str
    wanted: Any
    found: Any


def find_difference(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> Difference | None:
    """The first difference between two configs; None if there is none.

    Args:
        found: A config.
        wanted: What it should be.
    """
    for name in (*wanted, *(name for name in found if name not in wanted)):
        one, other = wanted.get(name), found.get(name)
        if one != other or (name in wanted) != (name in found):
            return Difference(name, *_inner_difference(name, one, other))
    return None


def _inner_difference(place: str, wanted: Any, found: Any) -> tuple[str, Any, Any]:
    """The place of the first difference inside two values, and what is there."""
    if isinstance(wanted, dict) and isinstance(found, dict) and wanted.keys() == found.keys():
        for key, value in wanted.items():
            if value != found[key]:
                inner = place if key == "config" else f"{place}.{key}"
                return _inner_difference(inner, value, found[key])
    if isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for number, (one, other) in enumerate(zip(wanted, found, strict=True)):
            if one != other:
                return _inner_difference(f"{place}[{number}]", one, other)
    return place, wanted, found


def with_usual_names(config: dict[str, Any]) -> dict[str, Any]:
    """A config in which the names of objects inside have no numbers at the end.

    Keras numbers what nobody named, and an object that is made anew inside another one has another
    number each time, which is no fault.

    Args:
        config: A config; its own name stays as it is.
    """
    return {key: _without_numbers(value) for key, value in config.items()}


def _without_numbers(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(map(_without_numbers, value))
    if not isinstance(value, dict):
        return value
    changed = {key: _without_numbers(inner) for key, inner in value.items()}
    if isinstance(changed.get("name"), str):
        changed["name"] = re.sub(r"_\d+$", "", changed["name"])
    return changed


def first_unserialisable(saved: Any) -> str:
    """The first name in the config of what Keras stores that JSON has no form for."""
    config = saved.get("config") if isinstance(saved, dict) else {}
    for name, value in (config if isinstance(config, dict) else {}).items():
        try:
            json.dumps(value)
        except (TypeError, ValueError):
            return str(name)
    return "config"


def as_lists(value: Any) -> Any:
    """A value with lists for tuples: that these come back is another promise."""
    if isinstance(value, dict):
        return {name: as_lists(inner) for name, inner in value.items()}
    return [as_lists(inner) for inner in value] if isinstance(value, list | tuple) else value


def types_of(value: Any) -> str:
    """The type of a value, and of what it holds, in words."""
    if isinstance(value, dict) and isinstance(value.get("class_name"), str):
        return f"dict that stores a {value['class_name'].rpartition('>')[2]}"
    if isinstance(value, dict):  # and what Keras makes of one that is an attribute
        inner = ", ".join(f"{key}: {types_of(item)}" for key, item in value.items())
        return f"dict of {inner}" if inner else "dict"
    if isinstance(value, list | tuple):
        name = "list" if isinstance(value, list) else type(value).__name__
        inner = ", ".join(map(types_of, value))
        kinds = {types_of(item) for item in value}
        return f"{name} of {len(value)} {kinds.pop()}" if len(kinds) == 1 else f"{name} ({inner})"
    if isinstance(value, np.ndarray):
        return f"array of {value.dtype} {value.shape}"
    return type(value).__name__


def parameters_of(target: Any) -> set[str]:
    """What the constructor of a class takes, by way of its parents too."""
    taken: set[str] = set()
    for base in target.__mro__[:-1]:
        if "__init__" in vars(base):
            parameters = inspect.signature(base.__init__).parameters
            taken |= set(parameters) - _TAKEN_BY_KERAS
            if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
                break
    return taken


def base_value(made: Any, name: str) -> Any:
    """What an object holds of an argument of its base class, in a form that can be compared."""
    found = getattr(made, name, None)
    if hasattr(found, "get_config") and not hasattr(found, "name"):
        return serialised(found)
    return getattr(found, "name", found)
