"""Values at random: what the schema allows is drawn, and what does not come back is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

import jsonschema
import keras
import pytest
from hypothesis import given, settings
from pydantic import Field

from keras_registry import register
from keras_registry import types as t
from keras_registry.contract import Status, find_check, run_check
from keras_registry.contract.configs import as_lists
from keras_registry.contract.rendering import render_failure
from keras_registry.contract.strategies import strategy_for
from keras_registry.contract.subjects import Subject
from keras_registry.registration import default_registry
from tests.support.golden import check_golden

SCHEMAS = [
    {"type": "integer"},
    {"type": "integer", "minimum": 7},
    {"type": "integer", "exclusiveMinimum": 0, "multipleOf": 8},
    {"type": "integer", "maximum": -9},
    {"type": "integer", "minimum": 3, "exclusiveMaximum": 5},
    {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
    {"type": "number", "minimum": 0},
    {"type": ["number", "null"]},
    {"type": "string", "minLength": 2, "maxLength": 3},
    {"type": "string", "pattern": "^[a-c]+$"},
    {"type": "array", "items": {"type": "boolean"}, "minItems": 2, "maxItems": 2},
    {"type": "array", "prefixItems": [{"type": "integer"}, {"enum": ["a", "b"]}]},
    {"type": "object", "additionalProperties": {"type": "number"}},
    {"anyOf": [{"const": "auto"}, {"type": "integer", "minimum": 1}]},
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_values_are_those_that_the_schema_allows(schema):
    """All values that are drawn for a field are valid by its schema."""

    @settings(max_examples=60, derandomize=True, database=None, deadline=None)
    @given(strategy_for(schema))
    def is_valid(value):
        jsonschema.validate(as_lists(value), schema, jsonschema.Draft202012Validator)

    is_valid()


@pytest.mark.parametrize("schema", [{"x-keras": "layer"}, {}, {"type": "array", "items": {}}])
def test_no_values_are_made_up(schema):
    """Of what is no plain value, or has no type, nothing is drawn."""
    assert strategy_for(schema) is None


def result_of(cls):
    """Return the outcome of the check for a class."""
    check = find_check("any_values_come_back")
    return check, run_check(check, Subject(default_registry.find(f"random>{cls.__name__}")))


def test_derived_schemas_keep_every_value():
    """A class whose config is derived from its constructor keeps whatever it takes."""

    @register("random")
    class Kept(keras.layers.Layer):
        def __init__(
            self,
            *,
            units: t.PositiveInt,
            rate: Annotated[float, Field(gt=0, le=1)] = 0.5,
            words: list[str] | None = None,
            shape: tuple[int, int] = (1, 2),
            weights_by_name: dict[str, float] | None = None,
            mode: Literal["sum", "mean"] | None = None,
            **kwargs,
        ):
            super().__init__(**kwargs)
            self.units, self.rate, self.words, self.shape = units, rate, words, shape
            self.weights_by_name, self.mode = weights_by_name, mode

    _, result = result_of(Kept)

    assert result.status is Status.PASSED


def test_class_without_plain_arguments_is_skipped():
    """Where no argument has plain values, there is nothing to draw, and that is said."""

    @register("random")
    class Wraps(keras.layers.Layer):
        def __init__(self, activation: t.Activation = "relu", **kwargs):
            super().__init__(**kwargs)
            self.activation = activation

    _, result = result_of(Wraps)

    assert result.status is Status.SKIPPED
    assert result.reason == "no argument has a type whose values JSON holds as they are"


def test_smallest_value_that_is_lost_is_shown():
    """A value that is cut on its way into the config is told of by the smallest one that is."""

    @register("random")
    class Clipped(keras.layers.Layer):
        def __init__(self, units: int = 1, **kwargs):
            super().__init__(**kwargs)
            self.units = units

        def get_config(self):
            return {**super().get_config(), "units": min(self.units, 40)}

    check, result = result_of(Clipped)

    assert result.status is Status.FAILED
    assert result.failure.case == "Clipped(units=41)"
    failure = replace(result.failure, where=None)
    check_golden("contract/any_values", render_failure(replace(result, failure=failure), check))
