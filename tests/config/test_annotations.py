"""From the annotation of an argument to a field type: what is taken, stored and refused."""

from __future__ import annotations

import collections.abc
import enum
import json
import typing
from typing import Annotated, Any, Generic, Literal, NewType, Optional, TypeVar, Union

import keras
import numpy as np
import numpy.typing as npt
import pytest
from annotated_types import Ge
from pydantic import AfterValidator

from keras_registry import ConfigError, RegistrationError, register
from keras_registry import types as t
from keras_registry.config.annotations import UnstorableError, as_field, takes_none
from keras_registry.config.json_schema import own_properties
from keras_registry.registration import default_registry
from keras_registry.types.values import ANYTHING
from tests.support.ids import readable

T = TypeVar("T")
Number = TypeVar("Number", int, str)
Bounded = TypeVar("Bounded", bound=keras.layers.Layer)
Units = NewType("Units", int)
Many = NewType("Many", list[Units])


class Colour(enum.Enum):
    """A choice whose values JSON can hold."""

    RED = "red"
    BLUE = "blue"


class Corner(enum.Enum):
    """A choice whose values JSON cannot hold."""

    LEFT = (0, 1)
    RIGHT = (1, 1)


class Word(enum.StrEnum):
    """A choice that can be the key of a dict."""

    YES = "yes"
    NO = "no"


class Size(enum.IntEnum):
    """A choice of numbers."""

    SMALL = 1
    LARGE = 2


class Own:
    """A class of the author's with a config."""

    def __init__(self, size: int = 1):
        self.size = size


register("annotations")(Own)


@register("annotations")
def double(x):
    """Return the double."""
    return 2 * x


def class_of(hint: Any) -> type:
    """Return a registered class whose constructor takes one value of a type."""

    class Held:
        def __init__(self, value):
            self.value = value

    Held.__init__.__annotations__["value"] = hint
    return register("annotations")(Held)


def trip(hint: Any, value: Any) -> tuple[Any, Any]:
    """Return what a constructor receives for a value, and what comes back from its config."""
    cls = class_of(hint)
    held = cls(value)
    config = json.loads(json.dumps(held.get_config()))
    assert default_registry.find("annotations>Held").schema.read_config(config).problems == ()
    return held.value, cls.from_config(config).value


def refusal(hint: Any, value: Any) -> str:
    """Return the text with which a constructor refuses a value."""
    with pytest.raises(ConfigError) as caught:
        class_of(hint)(value)
    return str(caught.value).partition("Held: ")[2]


def advice(hint: Any) -> str:
    """Return the text with which an annotation is refused."""
    with pytest.raises(UnstorableError) as caught:
        as_field(hint)
    return str(caught.value)


def schema_of(hint: Any) -> Any:
    """Return the JSON Schema of a field of a type, without the words for people."""
    from pydantic import create_model

    schema = own_properties(create_model("Made", value=(as_field(hint), ...)))
    schema["properties"]["value"].pop("description", None)
    return schema["properties"]["value"]


# --- collections ---------------------------------------------------------------------------------

ITEMS = [1, (2.0, "a"), {"b": {3}}, None]


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (list, ITEMS),
        (typing.List, ITEMS),  # noqa: UP006 - the spelling under test
        (tuple, tuple(ITEMS)),
        (typing.Tuple, tuple(ITEMS)),  # noqa: UP006
        (set, {1, "a", (2, 3)}),
        (set[Any], {(1, (2, 3)), frozenset({4})}),
        (set[t.Axis], {1, (2, 3)}),
        (frozenset, frozenset({1, "a"})),
        (dict, {"a": 1, 2: (3,), (4, 5): {6}}),
        (typing.Dict, {"a": {1: 2}}),  # noqa: UP006
        (collections.abc.Mapping, {"a": {1: 2}}),
        (list[int], [1, 2]),
        (list[Any], ITEMS),
        (tuple[int, str], (1, "a")),
        (tuple[()], ()),
        (tuple[list[int], ...], ([1], [])),
        (set[int], {1, 2}),
        (set[tuple[int, str]], {(1, "a")}),
        (frozenset[str], frozenset("ab")),
        (dict[str, set[int]], {"a": {1}}),
        (dict[str, Any], {"a": (1, {2: 3})}),
        (dict[int, tuple[int, ...]], {-1: (1, 2), 10**20: ()}),
        (dict[float, str], {0.1: "a", float("inf"): "b", -1e-300: "c", 2.0: "d"}),
        (dict[Word, int], {Word.YES: 1}),
        (dict[Literal["a", "b"], int], {"a": 1}),
        (dict[str, dict[int, dict[float, int]]], {"a": {1: {0.5: 2}}}),
        (typing.Dict[int, typing.List[int]], {1: [2]}),  # noqa: UP006
    ],
    ids=readable,
)
def test_collections_come_back(hint, value):
    """A collection comes back as itself, with the types of its items and keys."""
    received, again = trip(hint, value)

    for found in (received, again):
        assert found == value
        assert type(found) is type(value)
        assert sorted(map(repr, found)) == sorted(map(repr, value))


@pytest.mark.parametrize(
    ("hint", "value", "received"),
    [
        (collections.abc.Sequence[int], [1, 2], (1, 2)),
        (collections.abc.Sequence, [1, (2,)], (1, (2,))),
        (collections.abc.MutableSequence, (1, (2,)), [1, (2,)]),
        (collections.abc.Set, {1, (2,)}, frozenset({1, (2,)})),
        (typing.Sequence[int], [1], (1,)),
        (collections.abc.Iterable[int], [1], (1,)),
        (collections.abc.Collection[str], ["a"], ("a",)),
        (collections.abc.MutableSequence[int], (1,), [1]),
        (collections.abc.Set[int], {1}, frozenset({1})),
        (typing.AbstractSet[int], {1}, frozenset({1})),
        (collections.abc.Mapping[str, int], {"a": 1}, {"a": 1}),
        (collections.abc.MutableMapping[int, str], {1: "a"}, {1: "a"}),
        (list[int], (1, 2), [1, 2]),
        (tuple[int, ...], [1, 2], (1, 2)),
    ],
    ids=readable,
)
def test_abstract_collections_become_concrete_ones(hint, value, received):
    """For an abstract collection the constructor has one that nobody else can change."""
    found = trip(hint, value)

    assert found == (received, received)
    assert all(type(item) is type(received) for item in found)


@pytest.mark.parametrize(
    ("hint", "wrong", "text"),
    [
        (list, "ab", "value: Input should be a valid list"),
        (dict, [1], "value: Input should be a dict"),
        (tuple, 3, "value: Input should be a valid tuple"),
        (set, "ab", "value: Input should be a valid set"),
        (list[int], [1, "2"], "value[1]: Input should be a valid integer"),
        (dict[int, str], {"a": "b"}, "value"),
        (dict[int, str], {1.5: "b"}, "value"),
        (dict[Literal["a"], int], {"b": 1}, "value"),
        (tuple[int, str], (1,), "value[1]: Field required"),
        (collections.abc.Sequence[int], "12", "value: Input should be a valid tuple"),
    ],
    ids=readable,
)
def test_what_is_no_such_collection_is_refused(hint, wrong, text):
    """A value that is no such collection is refused at its place."""
    assert refusal(hint, wrong).startswith(text)


@pytest.mark.parametrize(
    "hint",
    [
        dict[tuple[int, int], str],
        dict[bool, int],
        dict[Colour, int],
        dict[Size, int],
        dict[int | str, int],
        dict[Any, int],
        dict[Literal[1, 2], int],
        collections.abc.Mapping[frozenset[int], int],
    ],
    ids=readable,
)
def test_keys_that_text_cannot_hold_are_refused(hint):
    """A dict whose keys would not come back from text is refused, with what to write instead."""
    assert advice(list[hint]) == (
        "JSON holds keys as text. Annotate it with a list of pairs, `list[tuple[..., ...]]`"
    )


# --- functions, aliases, variables ---------------------------------------------------------------


@pytest.mark.parametrize(
    "hint",
    [
        collections.abc.Callable,
        typing.Callable,
        collections.abc.Callable[[int], int],
        typing.Callable[..., Any],
    ],
    ids=readable,
)
def test_callables_are_functions(hint):
    """`Callable` stands for a registered function or one of Keras's, stored by its key."""
    assert as_field(hint) is t.Function
    assert trip(hint, double) == (double, double)
    assert trip(hint | None, None) == (None, None)
    assert refusal(hint, 3).startswith("value: Input should be a registered function or its key")


@pytest.mark.parametrize(
    ("hint", "same"),
    [
        (Units, int),
        (Many, list[int]),
        (list[Units], list[int]),
        (T, Any),
        (Number, int | str),
        (Bounded, keras.layers.Layer),
        (list[T], list),
        (Optional[Number], int | str | None),  # noqa: UP045
        (object, Any),
        (typing.List[int], list[int]),  # noqa: UP006
        (Union[int, None], int | None),  # noqa: UP007
        (collections.abc.Sequence[int], tuple[int, ...]),
        (collections.abc.Sequence, tuple),
        (np.ndarray, t.Array),
        (npt.NDArray[np.float32], t.Array),
        (npt.NDArray[Any], t.Array),
        (keras.random.SeedGenerator, t.SeedGenerator),
        (Annotated[int, "a remark"], int),
        (Annotated[list[Units], "a remark"], list[int]),
    ],
    ids=readable,
)
def test_spellings(hint, same):
    """A name, a variable or an alias for a type is as good as the type."""
    assert schema_of(hint) == schema_of(same)


def test_an_alias_of_a_type_statement():
    """`type Widths = list[int]`, of Python 3.12 and newer, is as good as the type."""
    from typing_extensions import TypeAliasType

    assert schema_of(TypeAliasType("Widths", list[int])) == schema_of(list[int])


def test_own_field_types_stay_as_they_are():
    """A type of `keras_registry.types` is left alone, also with further annotations around it."""
    narrowed = Annotated[t.Shape, Ge((1,))]

    assert as_field(t.Activation) is t.Activation
    assert as_field(narrowed) is narrowed
    assert as_field(Literal["a"]) == Literal["a"]
    assert as_field(None) is type(None)


def test_validators_of_the_author_stay():
    """Bounds and validators in an annotation are kept where its type is turned into a field."""
    hint = Annotated[list[int], AfterValidator(sorted)]
    flat = Annotated[np.ndarray, AfterValidator(lambda array: array.ravel())]

    assert trip(hint, (3, 1)) == ([1, 3], [1, 3])
    assert refusal(flat, "a").startswith("value: Input should be an array of numbers")
    assert [found.shape for found in trip(flat, [[1, 2]])] == [(2,), (2,)]


class Generic2(keras.layers.Layer, Generic[T]):
    """A layer with a type variable."""

    def __init__(self, value: T, more: dict[str, T] | None = None, **kwargs):
        super().__init__(**kwargs)
        self.value, self.more = value, more


def test_generic_layers():
    """The arguments of a generic layer take what its type variable allows."""
    register("annotations")(Generic2)

    layer = Generic2[int]((1, {2}), {"a": 0.5})
    again = Generic2.from_config(json.loads(json.dumps(layer.get_config())))

    assert again.value == (1, {2})
    assert again.more == {"a": 0.5}


# --- unions --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hint", "values"),
    [
        (int | str, [1, "1", "a"]),
        (int | float, [1, 1.0, 0.5, 2**60]),
        (bool | int | float | str | None, [True, 1, 1.0, "True", None]),
        (int | tuple[int, int], [1, (1, 2)]),
        (int | list[int], [1, [1, 2]]),
        (list[int] | tuple[int, ...], [(1, 2), ()]),
        (set[int] | str, [{1, 2}, "a"]),
        (list[int] | dict[int, str], [[1], {1: "a"}]),
        (Literal["auto"] | int, ["auto", 1]),
        (Literal["auto", 1] | float, ["auto", 1, 0.5]),
        (Colour | int | None, [Colour.RED, 3, None]),
        (Colour | list[Colour], [Colour.RED, [Colour.BLUE]]),
        (Corner | int, [Corner.LEFT, 3]),
        (t.Initializer | t.Regularizer | None, [None]),
        (float | t.Layer | None, [0.5, None]),
    ],
    ids=readable,
)
def test_unions_come_back(hint, values):
    """Each value of a union comes back as the member that it was."""
    for value in values:
        for found in trip(hint, value):
            assert found == value
            assert type(found) is type(value)


def test_a_list_and_a_tuple_of_any_length():
    """A union of list and tuple gives a tuple for either: JSON does not tell them apart."""
    assert trip(list[int] | tuple[int, ...], [1, 2]) == ((1, 2), (1, 2))
    assert trip(int | list[int] | tuple[int, ...] | None, 3) == (3, 3)


@pytest.mark.parametrize("hint", [list[int] | tuple[int, int], list | tuple[int, str] | None])
def test_a_list_and_a_tuple_of_one_length_are_refused(hint):
    """A union of a list and a tuple with a type for each place is refused with both ways out."""
    assert advice(hint) == (
        "JSON does not tell a list from a tuple. Annotate it with one of the two, or with "
        "`tuple[..., ...]` of any length, which takes both"
    )


@pytest.mark.parametrize("hint", [Colour | str, Size | int | None, Word | str | float])
def test_an_enum_beside_its_own_values_is_refused(hint):
    """A union of an enum and the type of its values is refused: a file does not tell which."""
    assert advice(hint) == (
        "an enum's value cannot be told from the same plain value. Leave one of them out"
    )


@pytest.mark.parametrize(
    ("hint", "text"),
    [
        (
            str | t.Activation,
            "a name that was given as text cannot be told from a stored one. Leave `str` out",
        ),
        (
            list[int] | t.Shape | None,
            "JSON does not tell a list from a tuple, which shape is. Leave one of them out",
        ),
        (
            t.Axis | set[int],
            "JSON does not tell a list from a tuple, which axis is. Leave one of them out",
        ),
        (dict[str, int] | dict[int, int], "JSON holds keys as text. Leave all dicts but one out"),
        (
            dict[str, Any] | t.Layer,
            "a dict cannot be told from a stored object. Write a bare `dict`",
        ),
    ],
    ids=readable,
)
def test_members_that_are_stored_alike_are_refused(hint, text):
    """A union whose members a file does not tell apart would change a value's type."""
    assert advice(hint) == text


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (str | t.Function, keras.activations.relu),
        (str | t.Layer, "name"),
        (tuple[int, ...] | t.Shape, (1, 2)),
        (list[int] | t.Array, [1, 2]),
        (dict | t.Layer, {"a": (1, 2)}),
        (dict[str, int] | t.Initializer, {"a": 1}),
    ],
    ids=readable,
)
def test_members_that_are_told_apart(hint, value):
    """A union beside a field type is fine where their stored values differ."""
    for found in trip(hint, value):
        assert found == value
        assert type(found) is type(value)


@pytest.mark.parametrize(
    ("hint", "value"),
    [
        (t.Initializer | t.Layer, keras.initializers.Constant(0.5)),
        (t.Initializer | t.Layer, keras.layers.ReLU(max_value=3.0)),
        (t.Layer | t.Initializer | None, keras.initializers.Constant(0.5)),
        (t.Regularizer | t.Constraint, keras.regularizers.L2(0.5)),
        (t.LearningRateSchedule | t.Layer, keras.layers.Dense(2)),
        (keras.layers.Dense | keras.layers.Conv2D, keras.layers.Conv2D(1, 2)),
        (keras.layers.Dense | Own | float, Own(3)),
        (t.Optimizer | t.Loss | None, keras.losses.Huber(0.5)),
    ],
    ids=readable,
)
def test_unions_of_several_keras_types(hint, value):
    """A union of field types takes what any of them takes, and gives it back."""
    received, again = trip(hint, value)

    assert received is value
    assert type(again) is type(value)
    if value.get_config is not None:
        assert again.get_config() == value.get_config()


def test_the_first_of_several_keras_types_has_a_name():
    """A name that several members of a union know is the first one's; others are looked up."""
    hint = t.Initializer | t.Activation

    assert isinstance(trip(hint, "zeros")[1], keras.initializers.Zeros)
    assert trip(hint, "relu")[1] is keras.activations.relu
    assert refusal(hint, "reul").startswith(
        "value: Input should be the name of an initializer or an Initializer or the name of an "
        "activation or a function"
    )


def test_the_refusal_of_a_union_is_one_sentence():
    """What no member of a union takes is refused at its place, with all that is taken."""
    assert refusal(int | str | None, 0.5) == (
        "value: Input should be a valid integer or a valid string (got 0.5)"
    )
    assert refusal(list[int | t.Layer], [1, "a"]) == (
        "value[1]: Input should be a valid integer or a layer (got 'a')"
    )


# --- classes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("member", Corner)
@pytest.mark.parametrize("hint", [Corner, Corner | None, Literal["x"] | Corner], ids=readable)
def test_an_enum_whose_values_json_cannot_hold(hint, member):
    """An enum whose values have no form in JSON is stored by the names of its members."""
    assert trip(hint, member) == (member, member)
    assert class_of(hint)(member).get_config() == {"value": member.name}
    assert class_of(hint)("LEFT").value is Corner.LEFT


def test_the_refusal_of_such_an_enum():
    """A wrong name is refused with the names that there are."""
    assert refusal(Corner, "UP") == (
        "value: Input should be a member of Corner: LEFT, RIGHT (got 'UP')"
    )


@pytest.mark.parametrize(
    ("hint", "value", "stored"),
    [(Colour, Colour.RED, "red"), (Size, Size.LARGE, 2), (Word, Word.NO, "no")],
)
def test_other_enums_are_stored_by_value(hint, value, stored):
    """An enum of plain values is stored by the value, and taken by the value too."""
    assert class_of(hint)(value).get_config() == {"value": stored}
    for found in (*trip(hint, value), *trip(hint, stored)):
        assert found is value


@pytest.mark.parametrize(
    "hint", [np.ndarray, npt.NDArray[np.float32], npt.NDArray[Any], np.ndarray | None], ids=readable
)
def test_arrays(hint):
    """`np.ndarray` and `NDArray[...]` are arrays of any dtype, which come back as they were."""
    for value in (np.arange(3, dtype="int16"), np.zeros((2, 0), dtype="float32")):
        for found in trip(hint, value):
            assert (found.dtype, found.shape) == (value.dtype, value.shape)
            assert np.array_equal(found, value)


@pytest.mark.parametrize(
    ("hint", "value", "wrong", "wanted"),
    [
        (keras.layers.Layer, keras.layers.Dense(2), keras.initializers.Zeros(), "Layer"),
        (keras.layers.Dense, keras.layers.Dense(2), keras.layers.Flatten(), "Dense"),
        (keras.Model, keras.Sequential([]), keras.layers.Dense(2), "Model"),
        (keras.losses.Loss, keras.losses.Huber(0.5), "mse", "Loss"),
        (keras.metrics.Metric, keras.metrics.Mean(), "mean", "Metric"),
        (keras.optimizers.Optimizer, keras.optimizers.SGD(0.5), "sgd", "Optimizer"),
        (keras.regularizers.Regularizer, keras.regularizers.L2(0.5), "l2", "Regularizer"),
        (Own, Own(5), 5, "Own"),
    ],
)
def test_classes_with_a_config(hint, value, wrong, wanted):
    """A class that has a config is the field of its objects: of Keras, or of the author's own."""
    received, again = trip(hint, value)

    assert received is value
    assert type(again) is type(value)
    assert again.get_config() == value.get_config()
    assert refusal(hint, wrong).startswith(f"value: Input should be an object of {wanted}")


@pytest.mark.parametrize(
    ("hint", "text"),
    [
        (complex, "JSON has no complex numbers. Take two floats"),
        (bytes, "JSON has no bytes. Take a str, or an array (`t.Array`)"),
    ],
)
@pytest.mark.parametrize(
    "around",
    [lambda h: h, lambda h: h | None, lambda h: list[h], lambda h: dict[str, tuple[h, int]]],
    ids=["alone", "optional", "list", "deep"],
)
def test_what_json_cannot_hold(hint, text, around):
    """A type that no config can hold is refused wherever it stands, with what to take instead."""
    assert advice(around(hint)) == text


# --- None ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        (Any, True),
        (object, True),
        (None, True),
        (int | None, True),
        (Optional[t.Layer], True),  # noqa: UP045
        (t.Seed, True),
        (t.Activation, True),
        (t.DTypePolicy, True),
        (t.DataFormat, True),
        (Annotated[int | None, "a remark"], True),
        (int, False),
        (t.Initializer, False),
        (t.PositiveInt, False),
        (list[int | None], False),
    ],
    ids=readable,
)
def test_takes_none(hint, expected):
    """Whether None is a value of a type, so that a default of None needs no `| None`."""
    assert takes_none(hint) is expected


# --- annotations that are text -------------------------------------------------------------------


class Textual:
    """Annotations that are text, as `from __future__ import annotations` makes them."""

    def __init__(
        self,
        table: dict[int, list[Colour]],
        *,
        when: Optional[Units] = None,  # noqa: UP045
        array: npt.NDArray[Any] | None = None,
        call: collections.abc.Callable[..., Any] | None = None,
        own: Own | None = None,
    ):
        self.values = (table, when, array, call, own)


def test_text_annotations():
    """An annotation that is text is resolved where the class is, and then like any other."""
    register("annotations")(Textual)

    made = Textual({1: [Colour.RED]}, when=3, array=[1], call=double, own=Own(2))
    again = Textual.from_config(json.loads(json.dumps(made.get_config())))

    table, when, array, call, own = again.values
    assert table == {1: [Colour.RED]}
    assert (when, call, own.size) == (3, double, 2)
    assert array.tolist() == [1]


def test_a_text_annotation_of_a_local_class_is_refused():
    """A name that only the function around a class knows cannot be resolved, and is named."""

    class Local:
        pass

    class Held:
        def __init__(self, value: Local):
            self.value = value

    with pytest.raises(RegistrationError, match="name 'Local' is not defined"):
        register("annotations")(Held)


def test_the_field_of_anything():
    """An argument that is annotated with Any or object, or not at all, has one and the same."""
    assert as_field(Any) == as_field(object) == Annotated[Any, ANYTHING]
