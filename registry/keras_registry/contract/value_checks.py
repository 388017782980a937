"""Checks of what becomes of values and of arguments of base classes (C107 to C109)."""

from __future__ import annotations

import copy
import pickle
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from keras_registry.contract.attempts import attempting, come_back
from keras_registry.contract.configs import (
    as_lists,
    base_value,
    config_of,
    find_difference,
    parameters_of,
    types_of,
    with_usual_names,
)
from keras_registry.contract.results import Skip
from keras_registry.contract.table import Check
from keras_registry.names import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from keras_registry.contract.subjects import Case

__all__ = ["VALUE_CHECKS"]


def check_values_keep_their_types(case: Case) -> None:
    """Values have the same types after a round trip, all the way down.

    In plain Keras a tuple comes back as a list, a layer as a dict, an array as a list.
    """
    made = case.make()
    again = come_back(made)
    for name in case.recipe():
        before, after = getattr(made, name, None), getattr(again, name, None)
        if types_of(before) != types_of(after):
            case.fail(
                at_fault=name,
                wanted=f"{name}: {types_of(before)}",
                found=f"{name}: {types_of(after)}, after a round trip",
                method="from_config",
            )


_BASE: dict[str, dict[str, Any]] = {
    Kind.LAYER: {
        "name": "renamed",
        "trainable": False,
        "dtype": "float16",
        "activity_regularizer": "l2",
    },
    Kind.MODEL: {"name": "renamed", "trainable": False},
    Kind.LOSS: {"name": "renamed", "reduction": "sum"},
    Kind.METRIC: {"name": "renamed", "dtype": "float16"},
    Kind.OPTIMIZER: {"name": "renamed", "weight_decay": 0.5, "clipnorm": 2.0},
}


def check_base_arguments_survive(case: Case) -> None:
    """What the base class takes, such as `name` and `dtype`, is the same after a round trip.

    A `get_config` without `super().get_config()` gives every loaded object the defaults.
    """
    taken = parameters_of(case.subject.target)
    wanted = {n: v for n, v in _BASE.get(case.subject.kind, {}).items() if n in taken}
    tried = []
    for name, value in wanted.items():
        with suppress(Exception):  # the constructor may give the argument itself, or refuse it
            tried.append((name, value, case.make(**{name: value})))
    if not tried:
        reason = "its constructor takes nothing of the base class"
        raise Skip(reason)
    for name, value, made in tried:
        before, after = base_value(made, name), base_value(come_back(made), name)
        if before != after:
            case.fail(
                at_fault=name,
                wanted=f"{name} = {before!r}",
                found=f"{name} = {after!r} after a round trip",
                method="get_config",
            )
        if before == base_value(case.make(), name):
            case.fail(
                at_fault=name,
                wanted=f"{name} = {value!r}, as it was given",
                found=f"{name} = {before!r}",
                method="__init__",
            )


def check_copies_and_pickles(case: Case) -> None:
    """A copy, and what another process unpickles, have the same config."""
    made = case.make()
    for way, duplicate in _WAYS.items():
        with attempting(case, way, "a copy", method="__reduce__"):
            other = duplicate(made)
        found, wanted = (with_usual_names(as_lists(config_of(one))) for one in (other, made))
        changed = find_difference(found, wanted)
        if changed is not None:
            case.fail(
                at_fault=changed.name,
                wanted=f"{changed.place} = {changed.wanted!r}",
                found=f"{changed.place} = {changed.found!r} after {way}",
                method="get_config",
            )


_WAYS: dict[str, Callable[[Any], Any]] = {
    "copy.deepcopy": copy.deepcopy,
    "pickle": lambda made: pickle.loads(pickle.dumps(made)),  # noqa: S301 - pickled just now
}


VALUE_CHECKS = (
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
