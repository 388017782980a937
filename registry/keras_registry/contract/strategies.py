"""Hypothesis strategies for what a field takes, made from its schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["strategy_for"]

_MOST_ITEMS = 4
"""How many more items than it must have an array gets."""


def strategy_for(schema: Mapping[str, Any]) -> st.SearchStrategy[Any] | None:
    """A strategy for the values of a field that JSON holds as they are; None if there are none.

    Bounds are among the values that Hypothesis tries first.

    Args:
        schema: The field's schema.
    """
    if "x-keras" in schema:
        return None
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        return _one_of([strategy_for(member) for member in schema["anyOf"]])
    sorts = schema.get("type", ())
    return _one_of([_of_sort(s, schema) for s in ([sorts] if isinstance(sorts, str) else sorts)])


def _one_of(found: list[st.SearchStrategy[Any] | None]) -> st.SearchStrategy[Any] | None:
    known = [strategy for strategy in found if strategy is not None]
    return st.one_of(known) if known else None


def _of_sort(sort: str, schema: Mapping[str, Any]) -> st.SearchStrategy[Any] | None:
    make = _BY_SORT.get(sort)
    return None if make is None else make(schema)


def _integers(schema: Mapping[str, Any]) -> st.SearchStrategy[int]:
    """Small numbers, where nothing bounds them: constructors may make as many things."""
    low = schema.get("minimum", schema.get("exclusiveMinimum", -2) + 1)
    high = schema.get("maximum", schema.get("exclusiveMaximum", max(low, 0) + 65) - 1)
    step = schema.get("multipleOf", 1)
    numbers = st.integers(min(-(-low // step), high // step), high // step)
    return numbers.map(lambda number: number * step)


def _floats(schema: Mapping[str, Any]) -> st.SearchStrategy[float]:
    return st.floats(
        schema.get("minimum", schema.get("exclusiveMinimum")),
        schema.get("maximum", schema.get("exclusiveMaximum")),
        exclude_min="minimum" not in schema and "exclusiveMinimum" in schema,
        exclude_max="maximum" not in schema and "exclusiveMaximum" in schema,
        allow_nan=False,
        allow_infinity=False,
    )


def _texts(schema: Mapping[str, Any]) -> st.SearchStrategy[str]:
    if "pattern" in schema:
        return st.from_regex(schema["pattern"])
    least = schema.get("minLength", 0)
    most = schema.get("maxLength", least + 20)
    return st.text(st.characters(codec="utf-8"), min_size=least, max_size=most)


def _arrays(schema: Mapping[str, Any]) -> st.SearchStrategy[Any] | None:
    if "prefixItems" in schema:
        items = [strategy_for(item) for item in schema["prefixItems"]]
        known = [item for item in items if item is not None]
        return st.tuples(*known) if len(known) == len(items) else None
    item = strategy_for(schema.get("items", {"type": "integer"}))
    least = schema.get("minItems", 0)
    most = schema.get("maxItems", least + _MOST_ITEMS)
    return None if item is None else st.lists(item, min_size=least, max_size=most)


def _objects(schema: Mapping[str, Any]) -> st.SearchStrategy[Any] | None:
    inner = schema.get("additionalProperties")
    values = strategy_for(inner) if isinstance(inner, dict) else None
    if "properties" in schema or values is None:
        return None
    return st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=8), values, max_size=3)


_BY_SORT: Mapping[str, Callable[[Mapping[str, Any]], st.SearchStrategy[Any] | None]] = {
    "integer": _integers,
    "number": _floats,
    "boolean": lambda _: st.booleans(),
    "null": lambda _: st.none(),
    "string": _texts,
    "array": _arrays,
    "object": _objects,
}
