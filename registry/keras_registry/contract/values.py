"""Values for the arguments of an object, made from its config schema.

A field's schema says what it takes; of each kind of value there are a few that differ from the
default and from one another. What is made here is what a user would write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_registry.contract.untyped import is_untyped, sort_by_name, values_like

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["MISSING", "default_of", "is_same", "others_than_default", "value_for"]

MISSING = object()
"""Stands for the default of a field that has none."""

_BY_SORT: dict[str, Callable[[], list[Any]]] = {
    "activation": lambda: ["tanh", "sigmoid"],
    "initializer": lambda: ["he_normal", "ones"],
    "regularizer": lambda: ["l2", keras.regularizers.L1(0.01)],
    "constraint": lambda: ["non_neg", keras.constraints.MaxNorm(2.0)],
    "dtype": lambda: ["float32", "int32"],
    "dtype_policy": lambda: ["float32", "mixed_bfloat16"],
    "loss": lambda: ["mean_absolute_error", keras.losses.Huber()],
    "metric": lambda: [keras.metrics.Mean(), keras.metrics.Sum()],
    "optimizer": lambda: ["sgd", "adam"],
    "learning_rate": lambda: [0.02, keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)],
    "schedule": lambda: [keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)],
    "layer": lambda: [keras.layers.Dense(3), keras.layers.Dense(2, activation="relu")],
    "model": lambda: [keras.Sequential([keras.layers.Dense(3)])],
    "function": lambda: [keras.ops.sin, keras.ops.cos],
    "shape": lambda: [(2, 3), (4,)],
    "array": lambda: [np.arange(3, dtype="float32"), np.ones((2, 2), "float32")],
    "tensor": lambda: [np.arange(3, dtype="float32")],
    "seed_generator": lambda: [keras.random.SeedGenerator(3)],
    "data_format": lambda: ["channels_last"],
    "axis": lambda: [-1],
}


def default_of(schema: Mapping[str, Any]) -> Any:
    """The default of a field, as its config holds it; `MISSING` if it has none.

    Args:
        schema: The field's schema.
    """
    return schema.get("default", MISSING)


def value_for(schema: Mapping[str, Any]) -> Any:
    """A value that a field takes.

    Args:
        schema: The field's schema.

    Raises:
        LookupError: Nothing is known that it takes.
    """
    for value in _values(schema):
        return value
    kind = schema.get("x-python") or schema.get("x-keras") or schema.get("type", "any type")
    message = f"no value of {kind} is known for {schema.get('title', 'it')}"
    raise LookupError(message)


def others_than_default(schema: Mapping[str, Any]) -> list[Any]:
    """Values that a field takes and that are not its default, the simplest first.

    Args:
        schema: The field's schema.
    """
    default = default_of(schema)
    return [value for value in _values(schema) if not is_same(value, default)]


def is_same(value: Any, other: Any) -> bool:
    """Whether two values are of one type and equal."""
    return type(value) is type(other) and bool(np.all(np.asarray(value == other)))


def _values(schema: Mapping[str, Any]) -> Iterator[Any]:
    name = str(schema.get("title", ""))
    sort = sort_by_name(name) if is_untyped(schema) else schema.get("x-keras")
    if sort in _BY_SORT:
        yield from _BY_SORT[sort]()
        return
    if is_untyped(schema):
        yield from values_like(default_of(schema), name, MISSING)
        return
    if "const" in schema:
        yield schema["const"]
    elif "enum" in schema:
        yield from schema["enum"]
    elif "anyOf" in schema:
        for member in schema["anyOf"]:
            yield from _values(member)
    else:
        yield from _plain_values(schema)


def _plain_values(schema: Mapping[str, Any]) -> Iterator[Any]:
    sorts = schema.get("type", ())
    for sort in [sorts] if isinstance(sorts, str) else sorts:
        match sort:
            case "integer":
                yield from _numbers(schema, (2, 3, 1, 0, -1))
            case "number":
                yield from _numbers(schema, (0.25, 0.75, 1.5, 2.0, 0.0, -0.5))
            case "boolean":
                yield from (True, False)
            case "string":
                yield from ("word", "other")
            case "null":
                yield None
            case "array":
                yield from _arrays(schema)
            case "object":
                yield from _objects(schema)


def _numbers(schema: Mapping[str, Any], tried: tuple[float, ...]) -> Iterator[float]:
    low = schema.get("minimum", schema.get("exclusiveMinimum", -np.inf))
    high = schema.get("maximum", schema.get("exclusiveMaximum", np.inf))
    step = schema.get("multipleOf")
    integral = isinstance(tried[0], int)
    inside = [low, low + 1, high, high - 1] if integral else [(low + high) / 2, low, high]
    for value in (*tried, *(v for v in inside if np.isfinite(v))):
        above = value > low or (value == low and "minimum" in schema)
        below = value < high or (value == high and "maximum" in schema)
        if above and below and (step is None or value % step == 0):
            yield int(value) if integral else float(value)


def _arrays(schema: Mapping[str, Any]) -> Iterator[Any]:
    if "prefixItems" in schema:
        choices = [list(_values(item)) for item in schema["prefixItems"]]
        for number in range(max(map(len, choices), default=0)):
            yield tuple(choice[min(number, len(choice) - 1)] for choice in choices)
        return
    found = list(_values(schema.get("items", {"type": "integer"})))
    least = max(1, schema.get("minItems", 1))
    if found:
        yield [found[number % len(found)] for number in range(least)]
        if schema.get("maxItems", least + 1) > least:
            yield [found[number % len(found)] for number in range(least + 1)]


def _objects(schema: Mapping[str, Any]) -> Iterator[Any]:
    if "properties" in schema:
        yield {name: value_for(inner) for name, inner in schema["properties"].items()}
    elif isinstance(schema.get("additionalProperties"), dict):
        for number, value in enumerate(_values(schema["additionalProperties"])):
            yield {"ab"[number % 2]: value}
