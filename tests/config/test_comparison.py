"""What changed from one version of a config schema to the next, and whether that breaks files."""

import dataclasses
import json
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal

import pydantic
import pytest
from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen, MultipleOf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from keras_registry import types as t
from keras_registry.config import ConfigSchema, compare_properties, is_comparable
from keras_registry.config.annotations import as_field
from keras_registry.config.json_schema import own_properties
from keras_registry.config.wrapping import _to_config
from tests.support.ids import readable

PROPERTY = settings(
    derandomize=True,
    deadline=None,
    max_examples=300,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def schema(hint: Any, default: Any = ...) -> dict[str, Any]:
    """The schema of a class with one argument."""
    return own_properties(pydantic.create_model("Made", x=(hint, default)))


def changes(
    old: Any, new: Any, *, is_complete: bool = True, accepts: Any = ()
) -> list[tuple[str, str, bool]]:
    """The changes from one set of fields to another, or from one type to another."""
    before, after = (one if isinstance(one, dict) else schema(as_field(one)) for one in (old, new))
    # As a published file would hold them.
    before, after = json.loads(json.dumps([before, after]))
    assert is_comparable(before)
    assert is_comparable(after)
    found = compare_properties(before, after, is_complete=is_complete, accepts=accepts)
    return [(change.field, change.words, change.is_breaking) for change in found]


class Colour(Enum):
    """A choice."""

    RED = "red"
    BLUE = "blue"


class Red(Enum):
    """A choice that lost a value."""

    RED = "red"


class Corner(Enum):
    """A choice whose values JSON cannot hold."""

    LEFT = (0, 1)
    RIGHT = (1, 1)


class Narrow(BaseModel):
    """A nested model."""

    units: int
    rate: float = 0.5


class Wide(BaseModel):
    """The nested model, widened."""

    units: float
    rate: float = 0.5
    name: str = ""


class Renewed(BaseModel):
    """The nested model with another default."""

    units: int
    rate: float = 0.25


@dataclasses.dataclass
class Held:
    """A dataclass that says the same as the nested model."""

    units: int
    rate: float = 0.5


# --- fields ----------------------------------------------------------------------------------

TWO = {"properties": {"x": {"type": "integer"}, "y": {"type": "string"}}, "required": ["x", "y"]}
ONE = {"properties": {"x": {"type": "integer"}}, "required": ["x"]}
OPTIONAL = {
    "properties": {"x": {"type": "integer"}, "y": {"type": "string", "default": ""}},
    "required": ["x"],
}
RENAMED = {"properties": {"x": {"type": "integer"}, "z": {"type": "string"}}, "required": ["x"]}
MADE = {"properties": {"x": {"type": "integer"}, "y": {"type": "string"}}, "required": ["x"]}


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (TWO, TWO, []),
        (TWO, ONE, [("y", "removed", True)]),
        (ONE, TWO, [("y", "added, and required", True)]),
        (ONE, OPTIONAL, [("y", "added, with a default", False)]),
        (ONE, MADE, [("y", "added, with a default", False)]),
        (OPTIONAL, TWO, [("y", "made required", True)]),
        (TWO, OPTIONAL, [("y", "made optional", False)]),
        (TWO, RENAMED, [("y", "removed", True), ("z", "added, with a default", False)]),
        ({"properties": {}, "required": []}, ONE, [("x", "added, and required", True)]),
    ],
)
def test_fields(old, new, found):
    """A field that is gone, renamed, new and required or made required breaks; no other does."""
    assert changes(old, new) == found


@pytest.mark.parametrize(
    ("accepts", "is_breaking"), [((), True), (("y",), False), (("z",), True), (None, False)]
)
def test_a_field_that_the_config_may_hold_all_the_same(accepts, is_breaking):
    """A field that left the class is no loss where the new configs may still hold its name."""
    words = "removed" if is_breaking else "removed; configs may still hold it"
    assert changes(TWO, ONE, accepts=accepts) == [("y", words, is_breaking)]


def test_fields_are_compared_by_name():
    """All changes are told, by the names of the fields, whatever their order was."""
    old = {"properties": {"b": {"type": "string"}, "a": {"type": "string"}}, "required": []}
    new = {"properties": {"c": {}, "b": {"type": "integer"}}, "required": []}

    assert changes(old, new) == [
        ("a", "removed", True),
        ("b", "type changed from string to integer", True),
        ("c", "added, with a default", False),
    ]


# --- defaults --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hint", "old", "new", "words"),
    [
        (int, 1, 2, "default changed from 1 to 2"),
        (str, "a", "b", "default changed from 'a' to 'b'"),
        (int | None, None, 1, "default changed from None to 1"),
        (Any, 0, False, "default changed from 0 to False"),
        (Any, 1, True, "default changed from 1 to True"),
        (Any, [1], [True], "default changed from [1] to [True]"),
        (Any, {"a": 1}, {"a": 2}, "default changed from {'a': 1} to {'a': 2}"),
        (tuple[int, ...], (1,), (1, 2), "default changed from [1] to [1, 2]"),
        (t.Activation, "relu", "gelu", "default changed from 'relu' to 'gelu'"),
        (
            list[int],
            [1],
            Field(default_factory=list),
            "default changed: one of the two is made by a function",
        ),
        (
            list[int],
            Field(default_factory=list),
            [1],
            "default changed: one of the two is made by a function",
        ),
    ],
)
def test_default(hint, old, new, words):
    """Another default breaks only where saved configs may lack the field."""
    before, after = schema(hint, old), schema(hint, new)

    assert changes(before, after) == [("x", words, False)]
    assert changes(before, after, is_complete=False) == [("x", words, True)]


@pytest.mark.parametrize(
    ("hint", "old", "new"),
    [
        (float, 1, 1.0),
        (tuple[int, ...], (1, 2), [1, 2]),
        (Colour, Colour.RED, "red"),
        (list[int], Field(default_factory=list), Field(default_factory=tuple)),
    ],
)
def test_default_in_another_spelling(hint, old, new):
    """A default that is stored in the same way is the same default."""
    assert changes(schema(hint, old), schema(hint, new), is_complete=False) == []


def test_default_and_type_change_at_once():
    """Where default and type change, each of them is told."""
    found = changes(schema(int, 1), schema(float | str, "auto"), is_complete=False)

    assert found == [
        ("x", "default changed from 1 to 'auto'", True),
        ("x", "widened from integer to number or string", False),
    ]


# --- types -----------------------------------------------------------------------------------

EQUAL = [
    (int, int),
    (Literal["a", "b"], Literal["b", "a"]),
    (Literal["red", "blue"], Colour),
    (int | str, str | int),
    (Annotated[int, Gt(0)], Annotated[int, Ge(1)]),
    (Annotated[int, Lt(9)], Annotated[int, Le(8)]),
    (Annotated[float, Gt(0)], t.PositiveFloat),
    (Narrow, Held),
    (list[Narrow], list[Held]),
    (Corner, Corner),
    (dict[int, str], dict[int, str]),
    (Any, object),
]


@pytest.mark.parametrize(("one", "other"), EQUAL, ids=readable)
def test_two_spellings_of_one_type(one, other):
    """Types that take the same values do not differ."""
    assert changes(one, other) == []
    assert changes(other, one) == []


WIDENED = [
    (int, float, "widened from integer to number"),
    (int, int | None, "widened from integer to integer or null"),
    (int, int | str, "widened from integer to integer or string"),
    (int | str, int | str | None, "widened from integer or string to integer or string or null"),
    (Literal["a"], Literal["a", "b"], "widened from one of 'a' to one of 'a', 'b'"),
    (Red, Colour, "widened from one of 'red' to one of 'blue', 'red'"),
    (Literal["a"], str, "widened from one of 'a' to string"),
    (Literal[1, 2], int, "widened from one of 1, 2 to integer"),
    (Literal[1, 2], float, "widened from one of 1, 2 to number"),
    (t.PositiveInt, int, "widened from integer (> 0) to integer"),
    (t.PositiveInt, t.NonNegativeInt, "widened from integer (> 0) to integer (>= 0)"),
    (
        t.PositiveFloat,
        t.NonNegativeFloat,
        "widened from number (> 0.0) to number (>= 0.0)",
    ),
    (Annotated[int, Ge(2)], t.PositiveInt, "widened from integer (>= 2) to integer (> 0)"),
    (Annotated[int, Le(8)], Annotated[int, Le(9)], "widened from integer (<= 8) to integer (<= 9)"),
    (Annotated[int, Lt(8)], Annotated[int, Lt(9)], "widened from integer (< 8) to integer (< 9)"),
    (
        Annotated[float, Lt(9)],
        Annotated[float, Le(9)],
        "widened from number (< 9.0) to number (<= 9.0)",
    ),
    (t.Probability, float, "widened from number (>= 0.0, <= 1.0) to number"),
    (Annotated[int, MultipleOf(2)], int, "widened from integer (a multiple of 2) to integer"),
    (
        Annotated[str, MinLen(2)],
        Annotated[str, MinLen(1)],
        "widened from string (length >= 2) to string (length >= 1)",
    ),
    (
        Annotated[str, MaxLen(2)],
        Annotated[str, MaxLen(3)],
        "widened from string (length <= 2) to string (length <= 3)",
    ),
    (Annotated[str, Field(pattern="^a")], str, "widened from string (pattern ^a) to string"),
    (
        Annotated[list[int], MinLen(1)],
        list[int],
        "widened from array of integer (length >= 1) to array of integer",
    ),
    (
        Annotated[dict[str, int], MaxLen(1)],
        dict[str, int],
        "widened from dict of integer (length <= 1) to dict of integer",
    ),
    (list[int], list[float], "widened from array of integer to array of number"),
    (list[int], list[int | None], "widened from array of integer to array of integer or null"),
    (
        tuple[int, int],
        tuple[int, ...],
        "widened from tuple of integer, integer to tuple of integer",
    ),
    (
        tuple[int, int],
        tuple[int, float],
        "widened from tuple of integer, integer to tuple of integer, number",
    ),
    (set[int], set[float], "widened from set of integer to set of number"),
    (dict[str, int], dict[str, float], "widened from dict of integer to dict of number"),
    (
        dict[int, int],
        dict[int, float],
        "widened from dict of integer (integer keys) to dict of number (integer keys)",
    ),
    (
        dict[Literal["a"], int],
        dict[str, int],
        "widened from dict of integer (keys: one of 'a') to dict of integer",
    ),
    (t.Initializer, t.Initializer | None, "widened from initializer to initializer or null"),
    (t.Initializer, t.Initializer | t.Layer, "widened from initializer to initializer or layer"),
    (int, t.LearningRate, "widened from integer to schedule or number"),
    (list[t.Layer], list[t.Layer | None], "widened from array of layer to array of layer or null"),
    (Narrow, Narrow | None, "widened from model to model or null"),
    (int, Any, "widened from integer to any"),
    (str | None, Any, "widened from string or null to any"),
    (list[int], Any, "widened from array of integer to any"),
    (dict[str, list[str]], Any, "widened from dict of array of string to any"),
    (Literal["a", 1], Any, "widened from one of 'a', 1 to any"),
]


@pytest.mark.parametrize(("narrow", "wide", "words"), WIDENED, ids=readable)
def test_widened_or_narrowed(narrow, wide, words):
    """A type that takes more than before breaks nothing, one that takes less does."""
    assert changes(narrow, wide) == [("x", words, False)]
    before, after = words.removeprefix("widened from ").split(" to ")
    assert changes(wide, narrow) == [("x", f"narrowed from {after} to {before}", True)]


CHANGED = [
    (int, str, "integer", "string"),
    (int, bool, "integer", "boolean"),
    (float, bool, "number", "boolean"),
    (Literal[1], Literal[True], "one of 1", "one of True"),
    (Literal[0, 1], bool, "one of 0, 1", "boolean"),
    (Literal["a", "b"], Literal["b", "c"], "one of 'a', 'b'", "one of 'b', 'c'"),
    (Literal["a"], int, "one of 'a'", "integer"),
    (int | str, int | None, "integer or string", "integer or null"),
    (int, list[int], "integer", "array of integer"),
    (list[int], tuple[int, ...], "array of integer", "tuple of integer"),
    (list[int], set[int], "array of integer", "set of integer"),
    (set[int], frozenset[int], "set of integer", "frozenset of integer"),
    (list[int], list[str], "array of integer", "array of string"),
    (tuple[int, int], tuple[int], "tuple of integer, integer", "tuple of integer"),
    (list[int], dict[str, int], "array of integer", "dict of integer"),
    (dict[str, int], dict[int, int], "dict of integer", "dict of integer (integer keys)"),
    (
        dict[int, int],
        dict[float, int],
        "dict of integer (integer keys)",
        "dict of integer (number keys)",
    ),
    (t.Activation, t.Initializer, "activation", "initializer"),
    (t.Activation, str, "activation", "string"),
    (t.Initializer, t.Activation | None, "initializer", "activation or null"),
    (t.Shape, tuple[int, ...], "shape", "tuple of integer"),
    (t.Array, list[float], "array", "array of number"),
    (Corner, Colour, "enum LEFT, RIGHT", "one of 'blue', 'red'"),
    (Narrow, dict[str, float], "model", "dict of number"),
    (Narrow, int, "model", "integer"),
    (
        Annotated[int, Ge(0), Le(5)],
        Annotated[int, Ge(1), Le(9)],
        "integer (>= 0, <= 5)",
        "integer (>= 1, <= 9)",
    ),
    (
        Annotated[str, Field(pattern="^a")],
        Annotated[str, Field(pattern="^b")],
        "string (pattern ^a)",
        "string (pattern ^b)",
    ),
    (
        Annotated[int, MultipleOf(2)],
        Annotated[int, MultipleOf(3)],
        "integer (a multiple of 2)",
        "integer (a multiple of 3)",
    ),
    # What any value may be comes back from JSON as JSON holds it.
    (tuple[int, ...], Any, "tuple of integer", "any"),
    (list[tuple[int, ...]], Any, "array of tuple of integer", "any"),
    (dict[int, str], Any, "dict of string (integer keys)", "any"),
    (t.Initializer, Any, "initializer", "any"),
    (Narrow, Any, "model", "any"),
    (list[Narrow | None], Any, "array of model or null", "any"),
]


@pytest.mark.parametrize(("one", "other", "before", "after"), CHANGED, ids=readable)
def test_type_changed(one, other, before, after):
    """A type that refuses some values of the other, or gives them another type, breaks files."""
    ((field, words, is_breaking),) = changes(one, other)

    assert (field, is_breaking) == ("x", True)
    assert words in {
        f"type changed from {before} to {after}",
        f"narrowed from {before} to {after}",
    }
    assert changes(other, one)[0][1] in {
        f"type changed from {after} to {before}",
        f"narrowed from {after} to {before}",
        f"widened from {after} to {before}",
    }


@pytest.mark.parametrize("limit", [2**60, 2**64, 10**400])
def test_bounds_of_large_numbers(limit):
    """Bounds that a float cannot tell apart are told apart."""
    old, new = Annotated[int, Ge(limit)], Annotated[int, Ge(limit + 1)]

    assert [is_breaking for *_, is_breaking in changes(old, new)] == [True]
    assert [is_breaking for *_, is_breaking in changes(new, old)] == [False]


@pytest.mark.parametrize("bound", [float("inf"), Decimal(3)])
def test_bounds_that_are_no_numbers_in_json(bound):
    """A bound that JSON cannot hold is compared as it is written, and stops nothing."""
    hint = float if isinstance(bound, float) else Decimal
    bounded = schema(Annotated[hint, Le(bound)])

    assert changes(bounded, bounded) == []
    assert changes(bounded, schema(hint))[0][2] is False
    assert changes(schema(hint), bounded)[0][2] is True


# --- models inside ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("around", "way"),
    [
        (lambda model: model, "x"),
        (lambda model: model | None, "x"),
        (lambda model: list[model], "x[]"),
        (lambda model: tuple[model, ...], "x[]"),
        (lambda model: dict[str, model], "x[]"),
        (lambda model: dict[str, list[model] | None], "x[][]"),
    ],
)
def test_model_inside(around: Callable[[Any], Any], way):
    """What changed in a model is told field by field, with the way into it."""
    assert changes(around(Narrow), around(Wide)) == [
        (f"{way}.name", "added, with a default", False),
        (f"{way}.units", "widened from integer to number", False),
    ]
    assert changes(around(Wide), around(Narrow)) == [
        (f"{way}.name", "removed", True),
        (f"{way}.units", "narrowed from number to integer", True),
    ]
    default = (f"{way}.rate", "default changed from 0.5 to 0.25")
    assert changes(around(Narrow), around(Renewed)) == [(*default, False)]
    assert changes(around(Narrow), around(Renewed), is_complete=False) == [(*default, True)]


def test_model_inside_and_what_holds_it_change_at_once():
    """A model that changed inside something that changed is told in two lines."""
    assert changes(list[Wide | None], list[Narrow]) == [
        ("x[].name", "removed", True),
        ("x[].units", "narrowed from number to integer", True),
        ("x", "narrowed from array of model or null to array of model", True),
    ]


@pytest.mark.parametrize("around", [lambda m: tuple[m, m], lambda m: m | list[m]])
def test_several_models_inside(around):
    """Of several models in one field it is told that something in them changed."""
    ((field, words, is_breaking),) = changes(around(Wide), around(Narrow))
    assert (field, words.partition(" ")[0], is_breaking) == ("x", "narrowed", True)
    ((field, words, is_breaking),) = changes(around(Narrow), around(Wide))
    assert (field, words.partition(" ")[0], is_breaking) == ("x", "widened", False)
    assert changes(around(Narrow), around(Renewed)) == []
    assert [c[2] for c in changes(around(Narrow), around(Renewed), is_complete=False)] == [True]


# --- documents of others ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"properties": {}},
        {"required": []},
        {"properties": [], "required": []},
        {"properties": {"x": 3}, "required": []},
        {"properties": {}, "required": "x"},
        {"properties": {}, "required": [1]},
        {"properties": {"x": {"anyOf": 3}}, "required": []},
        {"properties": {"x": {"anyOf": [3]}}, "required": []},
        {"properties": {"x": {"enum": {"a": 1}}}, "required": []},
        {"properties": {"x": {"items": True}}, "required": []},
        {"properties": {"x": {"pattern": ["a"]}}, "required": []},
        {"properties": {"x": {"properties": {}}}, "required": []},
        {"properties": {"x": {"items": {"prefixItems": [None]}}}, "required": []},
    ],
    ids=readable,
)
def test_documents_that_are_no_schemas(document):
    """A document in which a schema should stand and does not is told before it is compared."""
    assert not is_comparable(document)


def test_document_that_is_nested_too_deeply():
    """A schema that is deeper than any real one is not compared."""
    deep: dict[str, Any] = {}
    for _ in range(80):
        deep = {"items": deep}

    assert not is_comparable({"properties": {"x": deep}, "required": []})


_WORDS = st.sampled_from(["a", "integer", "string", "^-?[0-9]+$", "model"])
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_WORDS, inner, max_size=2),
    max_leaves=3,
)
_KEYWORDS = st.sampled_from(
    [
        *("type", "enum", "anyOf", "items", "prefixItems", "additionalProperties"),
        *("propertyNames", "properties", "required", "minimum", "exclusiveMinimum", "maximum"),
        *("exclusiveMaximum", "minLength", "maxItems", "pattern", "multipleOf", "default"),
        *("x-keras", "x-python"),
    ]
)
_HOSTILE = st.recursive(
    _JSON,
    lambda inner: (
        st.dictionaries(_KEYWORDS, inner, max_size=4)
        | st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from("xy"), inner, max_size=2)
    ),
    max_leaves=8,
)


@PROPERTY
@given(old=_HOSTILE, new=_HOSTILE)
def test_documents_of_others_raise_nothing(old, new):
    """Whatever passes for a schema is compared without an exception."""
    documents = [{"properties": {"x": inner}, "required": []} for inner in (old, new)]
    if all(map(is_comparable, documents)):
        for one, other in (documents, documents[::-1]):
            for change in compare_properties(one, other, is_complete=False):
                assert change.field.startswith("x")


# --- the promise -----------------------------------------------------------------------------

_SMALL = st.integers(-2, 3)


def _bounded(hint: Any, numbers: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    bounds = st.builds(
        lambda kind, number: kind(number), st.sampled_from([Gt, Ge, Lt, Le]), numbers
    )
    return st.lists(bounds, min_size=1, max_size=2).map(lambda items: Annotated[(hint, *items)])


_LENGTHS = st.builds(lambda kind, n: kind(n), st.sampled_from([MinLen, MaxLen]), st.integers(0, 2))
_ENUMS = st.lists(
    st.sampled_from(["a", "b", "", 0, 1, True, False, None]), min_size=1, max_size=3
).map(lambda values: Literal[tuple(values)])
_BOUNDED = [
    _bounded(int, _SMALL),
    _bounded(float, _SMALL | st.sampled_from([0.5, 1.5])),
    _LENGTHS.map(lambda length: Annotated[str, length]),
]
_LEAVES = st.one_of(
    st.sampled_from([int, float, str, bool, Any, t.PositiveInt, t.Probability, Colour, Red]),
    st.sampled_from([t.DType, t.Axis]),
    *_BOUNDED,
    _ENUMS,
)


def _model_of(fields: list[Any], defaults: bool) -> type[BaseModel]:
    config = pydantic.ConfigDict(extra="forbid")
    hints = {
        name: (hint | None, None) if defaults else (hint, ...)
        for name, hint in zip("uvw", fields, strict=False)
    }
    return pydantic.create_model("Inner", __config__=config, **hints)


_HINTS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        inner.map(lambda hint: list[hint]),
        st.tuples(inner, _LENGTHS).map(lambda pair: Annotated[list[pair[0]], pair[1]]),
        inner.map(lambda hint: tuple[hint, ...]),
        st.tuples(inner, inner).map(lambda pair: tuple[pair]),
        inner.map(lambda hint: dict[str, hint]),
        inner.map(lambda hint: dict[int, hint]),
        inner.map(lambda hint: dict[Literal["a", "b"], hint]),
        inner.map(lambda hint: hint | None),
        st.tuples(inner, inner).map(lambda pair: pair[0] | pair[1]),
        st.builds(_model_of, st.lists(inner, max_size=2), st.booleans()),
    ),
    max_leaves=3,
)
_ATOMS = [
    None,
    True,
    False,
    -2,
    -1,
    0,
    1,
    2,
    3,
    0.0,
    0.5,
    1.0,
    1.5,
    "",
    "a",
    "b",
    "abc",
    "red",
    "1",
]
_VALUES: list[Any] = [*_ATOMS, "blue", "float32", [], {}]
_VALUES += [value for atom in _ATOMS for value in ([atom], [atom, atom], {"1": atom}, {"a": atom})]
_VALUES += [value for atom in _ATOMS for value in ({"u": atom}, [[atom]], [{"u": atom}], {"u": {}})]

_BARE = [int, float, str, bool, Any, t.PositiveInt, t.Probability, Colour, Red, t.Axis]
_AROUND: list[Callable[[Any], Any]] = [
    lambda hint: hint,
    lambda hint: list[hint],
    lambda hint: tuple[hint, ...],
    lambda hint: tuple[hint, hint],
    lambda hint: Annotated[list[hint], MinLen(1)],
    lambda hint: dict[str, hint],
    lambda hint: dict[int, hint],
    lambda hint: hint | None,
    lambda hint: hint | str,
    lambda hint: _model_of([hint], defaults=False),
    lambda hint: _model_of([hint], defaults=True),
    lambda hint: list[_model_of([hint], defaults=True)],
]


@st.composite
def _related(draw: st.DrawFn) -> tuple[Any, Any]:
    """Two types that have more in common than two types at random."""
    change = draw(st.integers(0, 9))
    if change == 0:
        return draw(_HINTS), draw(_HINTS)
    if change == 1:
        old = draw(_HINTS)
        return old, old | draw(_LEAVES)
    if change == 2:
        old = draw(_HINTS)
        return old | draw(_LEAVES), old
    family = draw(st.sampled_from([st.sampled_from(_BARE), _ENUMS, *_BOUNDED, _LEAVES]))
    around = draw(st.sampled_from(_AROUND))
    if change < 5:
        return around(draw(family)), around(draw(family))
    leaf = draw(family)
    other = Any if change == 5 else draw(st.sampled_from(_AROUND))(leaf)
    return around(leaf), other


def _read(schema: ConfigSchema, config: Any) -> BaseModel | None:
    """What a class is given for a config; None if its schema refuses it."""
    if schema.read_config(config).problems:
        return None
    return schema.model.model_validate(config)


def _written(schema: ConfigSchema, made: BaseModel) -> Any:
    """The config of an object, as a file holds it."""
    return json.loads(json.dumps(_to_config(object, schema, vars(made))))


def _comparable(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return (
            "model",
            {name: _comparable(getattr(value, name)) for name in type(value).model_fields},
        )
    if isinstance(value, Enum):
        return _comparable(value.value)
    if isinstance(value, list | tuple):
        return type(value)(map(_comparable, value))
    if isinstance(value, dict):
        return {name: _comparable(item) for name, item in value.items()}
    if hasattr(value, "tolist"):
        return ("array", str(value.dtype), value.tolist())
    return (isinstance(value, bool), value)


def _schema_of(hint: Any) -> ConfigSchema | None:
    try:
        return ConfigSchema(pydantic.create_model("Made", x=(as_field(hint), ...)))
    except (TypeError, pydantic.PydanticUserError):
        return None  # a type that @register refuses


@PROPERTY
@given(pair=_related())
def test_what_does_not_break_is_read_as_before(pair):
    """After a change that is called harmless every config that was written gives what it gave."""
    old, new = map(_schema_of, pair)
    if old is None or new is None:
        return
    found = list(compare_properties(old.properties, new.properties, is_complete=True))
    if any(change.is_breaking for change in found):
        return
    for value in _VALUES:
        before = _read(old, {"x": value})
        if before is not None:
            after = _read(new, _written(old, before))
            assert after is not None, (value, found)
            assert _comparable(after) == _comparable(before), (value, found)
