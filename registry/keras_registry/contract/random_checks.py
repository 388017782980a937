"""A check of configs with values that nobody thought of: each field's, one at a time, at random."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from keras_registry.contract.attempts import come_back
from keras_registry.contract.config_checks import (
    check_config_is_json,
    check_from_config_inverts_get_config,
)
from keras_registry.contract.configs import as_lists, restored
from keras_registry.contract.results import Skip
from keras_registry.contract.subjects import Case
from keras_registry.contract.table import Check

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["RANDOM_CHECKS"]

_PLAIN = (bool, int, float, str, list, dict)

_EXAMPLES = 20
"""How many values are tried of each field."""


def check_any_values_come_back(case: Case) -> None:
    """Its config is JSON, and comes back, with any values that its schema allows.

    Bounds, negative zeros, huge numbers, empty texts and lists: what the schema allows will be in
    somebody's file. What the constructor refuses is passed over.
    """
    if find_spec("hypothesis") is None:
        reason = "Hypothesis is not installed: pip install hypothesis"
        raise Skip(reason)
    from keras_registry.contract.strategies import strategy_for

    come_back(case.make())
    tried = 0
    for name, schema in case.subject.fields.items():
        values = strategy_for(schema)
        if values is not None:
            _try_values(case, name, values)
            tried += 1
    if not tried:
        reason = "no argument has a type whose values JSON holds as they are"
        raise Skip(reason)


def _try_values(case: Case, name: str, values: SearchStrategy[Any]) -> None:
    """Makes objects with values of one field; the smallest one that fails is told of."""
    from hypothesis import HealthCheck, given, settings

    # The same values in each run, and no files beside the author's own.
    @settings(
        max_examples=_EXAMPLES,
        derandomize=True,
        database=None,
        deadline=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(values)
    def comes_back(value: Any) -> None:
        found = Case(case.subject, lambda: {**case.recipe(), name: value}, f"any {name}", name)
        if found.works:
            check_config_is_json(found)
            check_from_config_inverts_get_config(found)
            _check_attribute(found, name)

    comes_back()


def _check_attribute(case: Case, name: str) -> None:
    """Fails if the object that comes back holds another value where the first one keeps it."""
    made = case.make()
    kept, found = (as_lists(getattr(one, name, None)) for one in (made, restored(made)))
    if isinstance(kept, _PLAIN) and kept != found:
        case.fail(
            at_fault=name,
            wanted=f"{name} = {kept!r} of the object that comes back",
            found=f"{name} = {found!r}",
            method="get_config",
        )


RANDOM_CHECKS = (
    Check(
        "C114",
        check_any_values_come_back,
        "store the value as it is, or narrow the argument's type to what can be stored",
        on_first_case=True,
    ),
)
