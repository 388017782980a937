"""Checks of what becomes of an object's class (C11x): copies, subclasses, hostile configs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import keras

from keras_registry.contract.attempts import attempting
from keras_registry.contract.configs import (
    as_lists,
    config_of,
    find_difference,
    serialised,
    with_usual_names,
)
from keras_registry.contract.fresh import FreshError, ask_fresh
from keras_registry.contract.hostile import UNKNOWN
from keras_registry.contract.inputs import find_call
from keras_registry.contract.layer_checks import LAYERS
from keras_registry.contract.models import origin_of
from keras_registry.contract.results import Skip
from keras_registry.contract.table import Check

if TYPE_CHECKING:
    from keras_registry.contract.subjects import Case

__all__ = ["INSTANCE_CHECKS"]


def check_class_comes_back(case: Case) -> None:
    """What Keras makes of its saved form is an object of the same class.

    Keras finds a class by its key: if another class has taken it, or `from_config` makes an
    object of another one, the model is not the one that was saved.
    """
    target = case.subject.target
    saved = serialised(case.make())
    with attempting(case, "from_config", "an object of its saved form", method="from_config"):
        again = keras.saving.deserialize_keras_object(json.loads(json.dumps(saved)))
    if type(again) is not target:
        case.fail(
            at_fault="from_config",
            wanted=f"an object of {'.'.join(origin_of(target))}",
            found=f"an object of {'.'.join(origin_of(type(again)))}",
            method="from_config",
        )


def check_two_objects_are_apart(case: Case) -> None:
    """Two objects of it in one model have names and weights of their own.

    A name that is fixed cannot be had twice in a model; a default that is a layer, or a list that
    is kept in the class, is the same one in all objects.
    """
    one = case.make()
    before = config_of(one)
    other = case.make()
    if case.subject.kind in LAYERS:
        _compare_layers(case, one, other)
    changed = find_difference(config_of(one), before)
    if changed is not None and case.subject.kind not in LAYERS:
        case.fail(
            at_fault=changed.name,
            wanted=f"{changed.place} = {changed.wanted!r}",
            found=f"{changed.place} = {changed.found!r}, once another object was made",
            method="__init__",
        )


def _compare_layers(case: Case, one: Any, other: Any) -> None:
    if one.name == other.name:
        case.fail(
            at_fault="name",
            wanted="a name for each object, if none is given",
            found=f"two objects of the name {one.name!r}",
            method="__init__",
        )
    call, _ = find_call(case)
    if call is not None:
        for made in (one, other):
            made(*call.arguments)
    known = {id(variable) for variable in one.variables}
    shared = next((variable for variable in other.variables if id(variable) in known), None)
    if shared is not None:
        case.fail(
            at_fault=shared.path,
            wanted="weights of its own for each object",
            found=f"{shared.path} in both of two objects",
            method="__init__",
        )


def check_subclass_comes_back(case: Case) -> None:
    """A subclass of it comes back from its config as the subclass.

    A `from_config` or `get_config` that names its own class, and not `cls` or `super()`, makes
    objects of that one.
    """
    target = case.subject.target
    made_up = type(f"Sub{target.__name__}", (target,), {"__module__": target.__module__})
    try:
        target.from_config(config_of(case.make()))
    except Exception as error:
        reason = "from_config makes no object of the class itself: see C105"
        raise Skip(reason) from error
    with attempting(case, "from_config", "an object of a subclass", method="from_config"):
        made = made_up(**case.recipe())
        config = as_lists(config_of(made))
        again = made_up.from_config(json.loads(json.dumps(config)))  # type: ignore[attr-defined]
    if type(again) is not made_up:
        case.fail(
            at_fault="from_config",
            wanted="an object of the subclass",
            found=f"an object of {type(again).__name__}",
            method="from_config",
        )
    found = as_lists(config_of(again))
    changed = find_difference(with_usual_names(found), with_usual_names(config))
    if changed is not None:
        case.fail(
            at_fault=changed.name,
            wanted=f"{changed.place} = {changed.wanted!r}, in a subclass",
            found=f"{changed.place} = {changed.found!r}",
            method="get_config",
        )


def check_refuses_hostile_configs(case: Case) -> None:
    """A hostile config opens no file or connection, starts nothing, and is refused if it can be.

    A model file comes from anywhere, and an argument that there is not must not pass. Paths,
    addresses, lambdas and classes of foreign modules are put into each field, in a process of
    their own, which is watched.
    """
    target = case.subject.target
    if target.__module__ == "__main__":
        reason = "it is defined in a program, which another process cannot import"
        raise Skip(reason)
    try:
        readings = ask_fresh(
            "read_hostile",
            imports=[target.__module__],
            entry=json.loads(json.dumps(serialised(case.make()))),
            fields=list(case.subject.fields),
        )
    except FreshError as error:
        case.fail(at_fault="from_config", wanted="a refusal", found=str(error))
    for reading in readings:
        field, what, events = reading["field"], reading["what"], reading["events"]
        if events:
            case.fail(
                at_fault=field,
                wanted=f"nothing to happen where {field} is {what}",
                found=f"{events[0]}, while the config was read",
                method="__init__",
            )
        if field == UNKNOWN and reading["was_made"]:
            case.fail(
                at_fault="from_config",
                wanted=f"a refusal of {field!r}, which is no argument",
                found="an object",
                method="from_config",
            )


INSTANCE_CHECKS = (
    Check(
        "C110",
        check_class_comes_back,
        "let from_config return cls(**config), and give each class its own key",
    ),
    Check(
        "C111",
        check_two_objects_are_apart,
        "make layers, lists and dicts in __init__, not as defaults or in the class; name=None",
        on_first_case=True,
    ),
    Check(
        "C112",
        check_subclass_comes_back,
        "use cls in from_config, and super() without arguments",
        on_first_case=True,
    ),
    Check(
        "C113",
        check_refuses_hostile_configs,
        "annotate text with types.PathFreeText, keep what lies in files as assets, and hand "
        "**kwargs to super().__init__()",
        on_first_case=True,
    ),
)
