"""Configs of objects: made, compared, and taken apart."""

from __future__ import annotations

import inspect
import json
from typing import Any

import keras
import numpy as np

__all__ = [
    "as_lists",
    "base_value",
    "config_of",
    "first_difference",
    "first_unserialisable",
    "parameters_of",
    "restored",
    "serialised",
    "types_of",
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


def first_difference(found: dict[str, Any], wanted: dict[str, Any]) -> str:
    """The first name under which two configs hold different values."""
    names = [*wanted, *(name for name in found if name not in wanted)]
    return next((name for name in names if found.get(name) != wanted.get(name)), "config")


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


def types_of(value: Any) -> Any:
    """The type of a value, and of what it holds."""
    if isinstance(value, dict):
        return dict, {key: types_of(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value), [types_of(inner) for inner in value]
    if isinstance(value, np.ndarray):
        return np.ndarray, value.dtype, value.shape
    return type(value)


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
