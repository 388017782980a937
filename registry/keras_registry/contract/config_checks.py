"""Checks of configs, which every kind of object has."""

from __future__ import annotations

import copy
import inspect
import json
import pickle
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_registry.contract.results import Skip
from keras_registry.contract.table import Check
from keras_registry.names import Kind

if TYPE_CHECKING:
    from keras_registry.contract.subjects import Case

__all__ = ["CONFIG_CHECKS"]

_TAKEN_BY_KERAS = frozenset({"args", "kwargs", "self"})


def check_schema_is_complete(case: Case) -> None:
    """Its config schema has every argument of `__init__`.

    An argument that the schema lacks is neither validated nor saved: after a load it has its
    default.
    """
    parameters = inspect.signature(case.subject.target).parameters.values()
    named = [p.name for p in parameters if p.kind not in {p.VAR_POSITIONAL, p.VAR_KEYWORD}]
    base = case.subject.registration.schema and case.subject.registration.schema.base_fields
    for name in named:
        if name not in case.subject.fields and name not in (base or {name}):
            case.fail(
                at_fault=name,
                wanted=f"a field {name!r} in the config schema",
                found=f"fields {', '.join(case.subject.fields) or 'none'}",
                method="__init__",
            )


def check_config_is_json(case: Case) -> None:
    """Its config is JSON, and the same after it has been through JSON.

    Keras saves a config as JSON: what JSON does not know is refused, or comes back as something
    else, such as a tuple as a list.
    """
    saved = _serialised(case.make())
    try:
        text = json.dumps(saved)
    except (TypeError, ValueError) as error:
        name = _first_unserialisable(saved)
        case.fail(
            at_fault=name,
            wanted=f"a config whose {name!r} is JSON",
            found=str(error),
            method="get_config",
        )
    found, wanted = json.loads(text)["config"], _as_lists(saved["config"])
    if found != wanted:
        name = _first_difference(found, wanted)
        case.fail(
            at_fault=name,
            wanted=f"{name} = {wanted.get(name)!r}",
            found=f"{name} = {found.get(name)!r} after JSON",
            method="get_config",
        )


def check_config_holds_every_argument(case: Case) -> None:
    """Its config tells any two values of each argument apart.

    An argument that `get_config` leaves out has its default after a load, without a word.
    """
    if case.changed is None:
        return
    first = case.subject.cases[0]
    config, other = _config(case.make()), _config(first.make())
    if _without_names(config) == _without_names(other):
        case.fail(
            at_fault=case.changed,
            wanted=f"a config that holds {case.changed!r}",
            found=f"the same config for {first} as for this",
            method="get_config",
        )


def check_from_config_inverts_get_config(case: Case) -> None:
    """What `from_config` makes of its config has the same config.

    An argument that `from_config` or `__init__` changes is another one after each load.
    """
    config = _config(case.make())
    kept = copy.deepcopy(config)
    again = case.subject.target.from_config(config)
    if type(again) is not case.subject.target:
        case.fail(
            at_fault="from_config",
            wanted=f"an object of {case.subject.target.__name__}",
            found=f"an object of {type(again).__name__}",
            method="from_config",
        )
    found = _config(again)
    if found != kept:
        name = _first_difference(found, kept)
        case.fail(
            at_fault=name,
            wanted=f"{name} = {kept.get(name)!r}",
            found=f"{name} = {found.get(name)!r}, of the object that from_config made",
            method="from_config",
        )


def check_from_config_leaves_its_input(case: Case) -> None:
    """`from_config` does not change the config that it is given.

    Keras reads a config more than once: what was taken out the first time is missing the second.
    """
    config = _config(case.make())
    kept = copy.deepcopy(config)
    case.subject.target.from_config(config)
    if config != kept:
        name = _first_difference(config, kept)
        case.fail(
            at_fault=name,
            wanted="a config that is as it was",
            found=f"{name} = {config.get(name)!r} in place of {kept.get(name)!r}",
            method="from_config",
        )


def check_values_keep_their_types(case: Case) -> None:
    """Values have the same types after a round trip, all the way down.

    In plain Keras a tuple comes back as a list, a layer as a dict, an array as a list.
    """
    made = case.make()
    again = _restored(made)
    for name in case.recipe():
        before, after = getattr(made, name, None), getattr(again, name, None)
        if _types(before) != _types(after):
            case.fail(
                at_fault=name,
                wanted=f"{name} of {_types(before)}",
                found=f"{name} of {_types(after)} after a round trip",
                method="from_config",
            )


_BASE: dict[Kind, dict[str, Any]] = {
    Kind.LAYER: {"name": "renamed", "trainable": False, "dtype": "float16"},
    Kind.MODEL: {"name": "renamed", "trainable": False},
    Kind.LOSS: {"name": "renamed", "reduction": "sum"},
    Kind.METRIC: {"name": "renamed", "dtype": "float16"},
    Kind.OPTIMIZER: {"name": "renamed", "weight_decay": 0.5, "clipnorm": 2.0},
}


def check_base_arguments_survive(case: Case) -> None:
    """What the base class takes, such as `name` and `dtype`, is the same after a round trip.

    A `get_config` without `super().get_config()` gives every loaded object the defaults.
    """
    taken = _parameters(case.subject.target)
    wanted = {n: v for n, v in _BASE.get(case.subject.kind, {}).items() if n in taken}
    if not wanted:
        reason = "its constructor takes nothing of the base class"
        raise Skip(reason)
    made = case.make(**wanted)
    again = _restored(made)
    for name in wanted:
        before, after = _base_value(made, name), _base_value(again, name)
        if before != after:
            case.fail(
                at_fault=name,
                wanted=f"{name} = {before!r}",
                found=f"{name} = {after!r} after a round trip",
                method="get_config",
            )


def check_copies_and_pickles(case: Case) -> None:
    """A copy, and what another process unpickles, have the same config."""
    made = case.make()
    for way, other in (
        ("copy.deepcopy", copy.deepcopy(made)),
        ("pickle", pickle.loads(pickle.dumps(made))),  # noqa: S301 - what was pickled just now
    ):
        if _config(other) != _config(made):
            name = _first_difference(_config(other), _config(made))
            case.fail(
                at_fault=name,
                wanted=f"{name} as it was",
                found=f"another {name} after {way}",
                method="get_config",
            )


def _config(made: Any) -> dict[str, Any]:
    """The config of an object, everything inside it serialised."""
    saved = _serialised(made)["config"]
    return dict(saved) if isinstance(saved, dict) else {}


def _serialised(made: Any) -> Any:
    return keras.saving.serialize_keras_object(made)


def _restored(made: Any) -> Any:
    """The object after a round trip through JSON."""
    text = json.dumps(_serialised(made))
    return keras.saving.deserialize_keras_object(json.loads(text))


def _without_names(config: dict[str, Any]) -> dict[str, Any]:
    """A config without automatic names, which differ from one object to the next."""
    return {name: value for name, value in config.items() if name != "name"}


def _first_difference(found: dict[str, Any], wanted: dict[str, Any]) -> str:
    names = [*wanted, *(name for name in found if name not in wanted)]
    return next((name for name in names if found.get(name) != wanted.get(name)), "config")


def _first_unserialisable(saved: Any) -> str:
    config = saved.get("config") if isinstance(saved, dict) else {}
    for name, value in (config if isinstance(config, dict) else {}).items():
        try:
            json.dumps(value)
        except (TypeError, ValueError):
            return str(name)
    return "config"


def _as_lists(value: Any) -> Any:
    """A value with lists for tuples: that these come back is another promise."""
    if isinstance(value, dict):
        return {name: _as_lists(inner) for name, inner in value.items()}
    return [_as_lists(inner) for inner in value] if isinstance(value, list | tuple) else value


def _types(value: Any) -> Any:
    """The type of a value, and of what it holds."""
    if isinstance(value, dict):
        return dict, {key: _types(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return type(value), [_types(inner) for inner in value]
    if isinstance(value, np.ndarray):
        return np.ndarray, value.dtype, value.shape
    return type(value)


def _parameters(target: Any) -> set[str]:
    """What the constructor of a class takes, by way of its parents too."""
    taken: set[str] = set()
    for base in target.__mro__[:-1]:
        if "__init__" in vars(base):
            parameters = inspect.signature(base.__init__).parameters
            taken |= set(parameters) - _TAKEN_BY_KERAS
            if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
                break
    return taken


def _base_value(made: Any, name: str) -> Any:
    found = getattr(made, name, None)
    return getattr(found, "name", found)


CONFIG_CHECKS = (
    Check(
        "C102",
        check_schema_is_complete,
        "give the config model a field for it, or let the schema be derived from __init__",
        on_first_case=True,
    ),
    Check(
        "C103",
        check_config_is_json,
        "annotate the argument with a type of keras_registry.types and let get_config be derived",
    ),
    Check(
        "C104",
        check_config_holds_every_argument,
        "add it to get_config, or delete get_config: it is derived from __init__",
    ),
    Check(
        "C105",
        check_from_config_inverts_get_config,
        "let __init__ keep its arguments as they are, and compute with copies of them",
    ),
    Check(
        "C106",
        check_from_config_leaves_its_input,
        "copy the config before anything is taken out of it",
    ),
    Check(
        "C107",
        check_values_keep_their_types,
        "annotate the argument with its type, and let from_config be derived",
    ),
    Check(
        "C108",
        check_base_arguments_survive,
        "call super().get_config(), and hand **kwargs to super().__init__()",
        kinds=frozenset(_BASE),
        on_first_case=True,
    ),
    Check(
        "C109",
        check_copies_and_pickles,
        "keep no files, locks, lambdas or local classes in the object",
        on_first_case=True,
    ),
)
