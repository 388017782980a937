"""Checks of configs, which every kind of object has."""

from __future__ import annotations

import copy
import inspect
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from keras_registry.contract.attempts import attempting, in_a_line
from keras_registry.contract.configs import (
    as_lists,
    config_of,
    find_difference,
    first_unserialisable,
    serialised,
    with_usual_names,
    without_names,
)
from keras_registry.contract.results import Skip
from keras_registry.contract.table import Check
from keras_registry.contract.values import MISSING

if TYPE_CHECKING:
    from keras_registry.contract.subjects import Case

__all__ = ["CONFIG_CHECKS"]


def check_can_be_made(case: Case) -> None:
    """It can be made of what its config schema allows, or of the examples that are given.

    All other checks need an object. Where arguments depend on each other, a schema cannot say so.
    """
    subject = case.subject
    if subject.cases and not subject.examples:
        return
    for example in subject.candidates[: len(subject.examples) or 1]:
        try:
            example.make()
        except LookupError as error:
            case.fail(
                at_fault="examples",
                wanted="a value for each argument without a default",
                found=str(error.args[0] if error.args else error),
                method="__init__",
            )
        except Exception as error:  # noqa: BLE001 - the author's own code, which refuses as it likes
            example.fail(
                at_fault="__init__",
                wanted=f"an object of {subject.target.__name__}",
                found=in_a_line(error),
                method="__init__",
            )


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
    made = case.make()
    with attempting(case, _first_refused(made), "a form that Keras can store", method="get_config"):
        saved = serialised(made)
    try:
        text = json.dumps(saved)
    except (TypeError, ValueError) as error:
        name = first_unserialisable(saved)
        case.fail(
            at_fault=name,
            wanted=f"a config whose {name!r} is JSON",
            found=str(error),
            method="get_config",
        )
    changed = find_difference(json.loads(text)["config"], as_lists(saved["config"]))
    if changed is not None:
        case.fail(
            at_fault=changed.name,
            wanted=f"{changed.place} = {changed.wanted!r}",
            found=f"{changed.place} = {changed.found!r} after JSON",
            method="get_config",
        )


def _first_refused(made: Any) -> str:
    """The first name in a config whose value Keras does not serialise."""
    with suppress(Exception):  # of the author's own code: the check then says what it raises
        for name, value in made.get_config().items():
            try:
                serialised(value)
            except (TypeError, ValueError):
                return str(name)
    return "get_config"


def check_config_holds_every_argument(case: Case) -> None:
    """Its config tells any two values of each argument apart.

    An argument that `get_config` leaves out has its default after a load, without a word.
    """
    if case.changed is None:
        return
    first = case.subject.cases[0]
    config, other = config_of(case.make()), config_of(first.make())
    is_same = without_names(config) == without_names(other)
    if is_same and not _stands_for(case, first):
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
    with attempting(case, "get_config", "a config", method="get_config"):
        config = config_of(case.make())
    kept = copy.deepcopy(config)
    with attempting(case, "from_config", "an object of its config", method="from_config"):
        again = case.subject.target.from_config(config)
    if type(again) is not case.subject.target:
        case.fail(
            at_fault="from_config",
            wanted=f"an object of {case.subject.target.__name__}",
            found=f"an object of {type(again).__name__}",
            method="from_config",
        )
    with attempting(case, "from_config", "an object with a config", method="from_config"):
        found = config_of(again)
    changed = find_difference(*(as_lists(with_usual_names(config)) for config in (found, kept)))
    if changed is not None:
        case.fail(
            at_fault=changed.name,
            wanted=f"{changed.place} = {changed.wanted!r}",
            found=f"{changed.place} = {changed.found!r}, of the object that from_config made",
            method="from_config",
        )


def check_from_config_leaves_its_input(case: Case) -> None:
    """`from_config` does not change the config that it is given.

    Keras reads a config more than once: what was taken out the first time is missing the second.
    """
    config = config_of(case.make())
    kept = copy.deepcopy(config)
    try:
        case.subject.target.from_config(config)
    except Exception as error:
        reason = "from_config makes no object of it: see C105"
        raise Skip(reason) from error
    changed = find_difference(config, kept)
    if changed is not None:
        place = changed.place
        case.fail(
            at_fault=changed.name,
            wanted="a config that is as it was",
            found=f"{place} = {changed.found!r} in place of {changed.wanted!r}"
            if changed.name in config
            else f"a config without {changed.name}",
            method="from_config",
        )


def _stands_for(case: Case, first: Case) -> bool:
    """Whether the value is what None stands for, such as the usual data format."""
    name = str(case.changed)
    if case.subject.fields[name].get("default", MISSING) is not None:
        return False
    kept = [getattr(made.make(), name, MISSING) for made in (case, first)]
    return kept[0] is not MISSING and bool(kept[0] == kept[1])


CONFIG_CHECKS = (
    Check(
        "C101",
        check_can_be_made,
        "give examples: a list of dicts of arguments with which it can be made",
        without_cases=True,
    ),
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
)
