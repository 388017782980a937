"""Config schemas as JSON Schema, and their fingerprints: equal for equal schemas."""

import dataclasses
import json
from enum import Enum, IntEnum
from typing import Annotated, Any, Dict, List, Literal, Optional, Tuple, Union  # noqa: UP035

import annotated_types
import jsonschema
import keras
import pydantic
import pytest
from pydantic import Field

from keras_registry import register
from keras_registry import types as t
from keras_registry.config import ConfigSchema, derive_schema
from keras_registry.config.json_schema import fingerprint_properties, own_properties
from keras_registry.registration import default_registry
from tests.support.ids import readable


def fingerprint_of(**fields):
    """Return the fingerprint of a model with these fields."""
    return fingerprint_properties(own_properties(pydantic.create_model("Made", **fields)))


def derived(source):
    """Return the fingerprint of the schema derived from a signature."""
    names = {"__name__": __name__, "t": t, "Any": Any, "Literal": Literal, "Colour": Colour}
    exec(f"class Made:\n    def __init__(self, {source}): ...\n", names)  # noqa: S102
    return derive_schema(names["Made"]).fingerprint


class Colour(Enum):
    """A choice."""

    RED = "red"
    BLUE = "blue"


class Reversed(Enum):
    """The same values in another order, under other names."""

    FIRST = "blue"
    SECOND = "red"


def test_the_fingerprint_of_the_example():
    """The fingerprint of the documentation's example is the one that files carry."""

    @register("acme")
    class GatedDense(keras.layers.Layer):
        def __init__(
            self,
            units: t.PositiveInt,
            activation: t.Activation = "gelu",
            kernel_initializer: t.Initializer = "glorot_uniform",
            **kwargs,
        ):
            super().__init__(**kwargs)

    schema = default_registry.find("acme>GatedDense").schema

    # Files in the world carry this value: if it changes, each of them loads with R206 or R207.
    assert schema.fingerprint == "xxh3:fd7cf37feebf7606df6b64c07e401c08"
    assert schema.properties == {
        "properties": {
            "activation": {
                "x-keras": "activation",
                "description": "the name of an activation or a function",
                "type": ["string", "object", "null"],
                "default": "gelu",
            },
            "kernel_initializer": {
                "x-keras": "initializer",
                "description": "the name of an initializer or an Initializer",
                "type": ["string", "object"],
                "default": "glorot_uniform",
            },
            "units": {"type": "integer", "exclusiveMinimum": 0},
        },
        "required": ["units"],
    }


def test_form():
    """A fingerprint names its algorithm."""
    algorithm, digits = fingerprint_of(units=(int, 1)).split(":")

    assert algorithm == "xxh3"
    assert len(digits) == 32


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Optional[int], int | None),  # noqa: UP045
        (Union[int, str], str | int),  # noqa: UP007
        (List[int], list[int]),  # noqa: UP006
        (Dict[str, float], dict[str, float]),  # noqa: UP006
        (Tuple[int, ...], tuple[int, ...]),  # noqa: UP006
        (Literal["a", "b"], Literal["b", "a"]),
        (Literal["red", "blue"], Colour),
        (Colour, Reversed),
        (t.PositiveInt, Annotated[int, Field(gt=0)]),
        (t.PositiveInt, Annotated[int, annotated_types.Gt(0)]),
        (t.PositiveInt, pydantic.PositiveInt),
        (Annotated[int, Field(ge=1, le=9)], Annotated[int, annotated_types.Interval(ge=1, le=9)]),
        (Annotated[int, Field(ge=1, le=9)], Annotated[int, Field(ge=1), Field(le=9)]),
        (
            Annotated[str, Field(min_length=1, max_length=4)],
            Annotated[str, annotated_types.Len(1, 4)],
        ),
        (Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0.0)]),
        (int, pydantic.StrictInt),
        (Annotated[int, "a remark"], int),
        (Annotated[int, Field(description="How many.", title="Units", examples=[1])], int),
    ],
    ids=readable,
)
def test_spelling_does_not_matter(one, other):
    """Two spellings of one type have one fingerprint, at the top and inside another type."""
    assert fingerprint_of(units=(one, ...)) == fingerprint_of(units=(other, ...))
    assert fingerprint_of(units=(list[one], ...)) == fingerprint_of(units=(list[other], ...))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("units: int, rate: float = 0.5", "rate: float = 0.5, *, units: int"),
        ("units: int", "units: 'int'"),
        ("units: int", "units: int, **kwargs"),
        ("units: int = None", "units: int | None = None"),
        ("rate: float = 1", "rate: float = 1.0"),
        ("widths: tuple[int, ...] = (1, 2)", "widths: tuple[int, ...] = [1, 2]"),
        ("colour: Colour = Colour.RED", "colour: Colour = 'red'"),
        ("colour: Colour = Colour.RED", "colour: Literal['blue', 'red'] = 'red'"),
        ("anything", "anything: Any"),
    ],
)
def test_equal_signatures(one, other):
    """Order, text annotations, `**kwargs` and implied None do not enter the fingerprint."""
    assert derived(one) == derived(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("units: int", "unit: int"),
        ("units: int", "units: float"),
        ("units: int", "units: int = 1"),
        ("units: int = 1", "units: int = 2"),
        ("units: int = 0", "units: bool = False"),
        ("units: int", "units: int | None"),
        ("units: int", "units"),
        ("units: int", "units: t.PositiveInt"),
        ("units: list[int]", "units: list[float]"),
        ("units: list[int]", "units: tuple[int]"),
        ("units: tuple[int, int]", "units: tuple[int, ...]"),
        ("units: tuple[int, float]", "units: tuple[float, int]"),
        ("units: dict[str, int]", "units: dict[int, str]"),
        ("mode: Literal['a', 'b']", "mode: Literal['a', 'b', 'c']"),
        ("mode: Literal['a']", "mode: str"),
        ("mode: Literal['1']", "mode: Literal[1]"),
        ("mode: str = 'None'", "mode: str | None = None"),
        ("f: t.Activation", "f: t.Initializer"),
        ("f: t.Activation = 'relu'", "f: t.Activation = 'gelu'"),
        ("f: t.Activation", "f: str"),
        ("units: int", "units: int, rate: float = 0.5"),
    ],
)
def test_a_change_shows(one, other):
    """Name, type, bounds, enum values, whether required and default enter the fingerprint."""
    assert derived(one) != derived(other)


@pytest.mark.parametrize("bound", ["gt", "ge", "lt", "le", "multiple_of"])
def test_each_bound_counts(bound):
    """Each bound of a number enters the fingerprint, by its name and its value."""
    found = {
        fingerprint_of(units=(int, ...)),
        fingerprint_of(units=(Annotated[int, Field(**{bound: 3})], ...)),
        fingerprint_of(units=(Annotated[int, Field(**{bound: 4})], ...)),
        fingerprint_of(units=(Annotated[int, Field(ge=3, le=4)], ...)),
    }

    assert len(found) == 4


def test_a_bound_inside_a_container_counts():
    """A bound on the items of a list enters the fingerprint like one on the field itself."""
    found = {
        fingerprint_of(units=(list[Annotated[int, Field(gt=bound)]], ...)) for bound in (0, 1, 2)
    }

    assert len(found) == 3


@pytest.mark.parametrize(
    "annotation", [dict[str, Any], list, Any, t.Activation | None, list[t.Initializer], bytes]
)
def test_any_type_has_a_fingerprint(annotation):
    """A fingerprint can be taken of whatever a field may be annotated with, and it is stable."""
    assert fingerprint_of(units=(annotation, ...)) == fingerprint_of(units=(annotation, ...))


def test_callable_annotations_have_a_fingerprint():
    """`Callable` with its argument types has a fingerprint like any other type."""
    from collections.abc import Callable

    assert fingerprint_of(f=(Callable[[int], int], ...)) != fingerprint_of(f=(int, ...))


def test_arguments_of_keras_bases_do_not_matter():
    """What Keras's base class keeps is no field, so it does not enter the fingerprint."""

    class Short(keras.layers.Layer):
        def __init__(self, units: int, **kwargs):
            super().__init__(**kwargs)

    class Long(keras.layers.Layer):
        def __init__(self, units: int, name: str | None = None, trainable: bool = True):
            super().__init__(name=name, trainable=trainable)

    assert derive_schema(Short).fingerprint == derive_schema(Long).fingerprint


@pytest.mark.parametrize("name", ["activation", "properties", "description", "default", "enum"])
def test_what_only_people_read_does_not_matter(name):
    """The words that describe a field type do not enter the fingerprint, whatever its name is."""
    schema = own_properties(pydantic.create_model("Made", **{name: (t.Activation, "relu")}))
    other = json.loads(json.dumps(schema))
    other["properties"][name]["description"] = "other words"
    other["properties"][name]["title"] = "Other"

    assert other != schema
    assert fingerprint_properties(other) == fingerprint_properties(schema)


@pytest.mark.parametrize("name", ["title", "description"])
def test_a_field_that_is_called_like_an_annotation_counts(name):
    """A field called `title` or `description` enters the fingerprint like any other."""
    found = {
        fingerprint_of(units=(int, 1)),
        fingerprint_of(**{"units": (int, 1), name: (int, 1)}),
        fingerprint_of(**{"units": (int, 1), name: (str, "")}),
    }

    assert len(found) == 3


def test_docs_and_names_of_models_do_not_matter():
    """Titles, descriptions and the name of the model do not enter the fingerprint."""

    class One(pydantic.BaseModel):
        """One text."""

        units: int = Field(3, title="Units", description="How many.")

    class Other(pydantic.BaseModel):
        """Another text."""

        units: int = 3

    assert fingerprint_properties(own_properties(One)) == fingerprint_properties(
        own_properties(Other)
    )


def test_a_given_model_equals_a_derived_one():
    """A model written by hand has the fingerprint of the signature that says the same."""

    class Given(pydantic.BaseModel):
        units: t.PositiveInt
        activation: t.Activation = "gelu"

    assert ConfigSchema(Given).fingerprint == derived(
        "units: t.PositiveInt, activation: t.Activation = 'gelu'"
    )


def test_a_nested_model_counts_by_its_fields():
    """A field that is a model enters with its fields, whatever the model is called."""

    class Inner(pydantic.BaseModel):
        units: int

    class Same(pydantic.BaseModel):
        units: int

    class Wider(pydantic.BaseModel):
        units: float

    one, same, wider = (fingerprint_of(inner=(inner, ...)) for inner in (Inner, Same, Wider))

    assert one == same
    assert one != wider


def test_a_dataclass_counts_by_its_fields():
    """A field that is a dataclass enters as a model with the same fields and defaults does."""

    @dataclasses.dataclass
    class Held:
        units: int
        rate: float = 1
        widths: list[int] = dataclasses.field(default_factory=list)

    class Given(pydantic.BaseModel):
        units: int
        rate: float = 1.0
        widths: list[int] = Field(default_factory=list)

    assert fingerprint_of(inner=(Held, ...)) == fingerprint_of(inner=(Given, ...))


class Node(pydantic.BaseModel):
    """A model that holds itself."""

    units: int = 1
    inner: Optional["Node"] = None


def test_a_model_that_holds_itself():
    """A model that holds itself is written once and referred to by its name."""
    inner = own_properties(Node)["properties"]["inner"]

    assert inner == {"anyOf": [{"type": "null"}, {"x-python": "Node"}], "default": None}
    assert fingerprint_of(node=(Node, ...)) == fingerprint_of(node=(Node, ...))


class Size(IntEnum):
    """A choice of numbers."""

    LARGE = 9
    SMALL = 1


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (str, {"type": "string"}),
        (bool, {"type": "boolean"}),
        (None, {"type": "null"}),
        (Any, {}),
        (Literal["b", 1], {"enum": ["b", 1]}),
        (Colour, {"enum": ["blue", "red"]}),
        (Size, {"enum": [1, 9]}),
        (int | None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (set[int], {"type": "array", "x-python": "set", "items": {"type": "integer"}}),
        (frozenset[int], {"type": "array", "x-python": "frozenset", "items": {"type": "integer"}}),
        (tuple[int, ...], {"type": "array", "x-python": "tuple", "items": {"type": "integer"}}),
        (
            tuple[int, str],
            {
                "type": "array",
                "x-python": "tuple",
                "prefixItems": [{"type": "integer"}, {"type": "string"}],
                "minItems": 2,
                "maxItems": 2,
            },
        ),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (
            dict[int, str],
            {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "propertyNames": {"pattern": "^-?[0-9]+$"},
            },
        ),
        (
            dict[Literal["a"], int],
            {
                "type": "object",
                "additionalProperties": {"type": "integer"},
                "propertyNames": {"enum": ["a"]},
            },
        ),
        (t.Probability, {"type": "number", "minimum": 0.0, "maximum": 1.0}),
        (
            Annotated[int, Field(gt=1, lt=9, multiple_of=2)],
            {
                "type": "integer",
                "exclusiveMinimum": 1,
                "exclusiveMaximum": 9,
                "multipleOf": 2,
            },
        ),
        (
            Annotated[str, Field(max_length=4, pattern="^a")],
            {
                "type": "string",
                "maxLength": 4,
                "pattern": "^a",
            },
        ),
        (
            Annotated[list[int], Field(min_length=1)],
            {
                "type": "array",
                "items": {"type": "integer"},
                "minItems": 1,
            },
        ),
        (
            Annotated[dict[str, int], Field(max_length=2)],
            {
                "type": "object",
                "additionalProperties": {"type": "integer"},
                "maxProperties": 2,
            },
        ),
        (
            Annotated[t.Axis, annotated_types.MaxLen(2)],
            {
                "x-keras": "axis",
                "description": "an axis or several",
                "type": ["integer", "array"],
                "maxItems": 2,
            },
        ),
    ],
    ids=readable,
)
def test_json_schema(annotation, schema):
    """Each sort of type has one JSON Schema, at the top and inside another type."""
    units = type(None) if annotation is None else annotation  # which pydantic 2.7 does not take
    model = pydantic.create_model("Made", units=(units, ...), inner=(list[annotation], ...))

    properties = own_properties(model)["properties"]

    assert properties["units"] == schema
    assert properties["inner"] == {"type": "array", "items": schema}
    jsonschema.Draft202012Validator.check_schema({"properties": properties})


def test_a_default_that_is_made_anew():
    """A default factory enters as such, since calling it might give something new each time."""
    with_factory = fingerprint_of(units=(list[int], Field(default_factory=list)))

    assert with_factory == fingerprint_of(units=(list[int], Field(default_factory=lambda: [*()])))
    assert with_factory != fingerprint_of(units=(list[int], ...))


@pytest.mark.parametrize("default", [float("inf"), float("nan"), -0.0, 1e300, 2**70])
def test_odd_numbers_as_defaults(default):
    """A default that JSON cannot hold exactly still gives one fingerprint, and its own."""
    odd = fingerprint_of(rate=(float, default))

    assert odd == fingerprint_of(rate=(float, default))
    assert odd != fingerprint_of(rate=(float, 0.5))
