"""The types that an argument can have, each with values that it takes and values that it refuses.

`sorts` draws them at random, nested in one another. What `is_alike` calls equal is equal in type
and value, all the way down.
"""

from __future__ import annotations

import dataclasses
import enum
import operator
from dataclasses import dataclass, field
from functools import reduce
from typing import Annotated, Any, Literal, Optional

import keras
import numpy as np
from annotated_types import Ge, Le, MaxLen, MinLen
from hypothesis import strategies as st
from pydantic import BaseModel

from keras_registry import register
from keras_registry import types as t

__all__ = ["UNANNOTATED", "Sort", "is_alike", "sorts"]

UNANNOTATED = object()
"""Stands for the annotation of an argument that has none."""


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


class Level(enum.IntEnum):
    """A choice of numbers."""

    LOW = 1
    HIGH = 2


@dataclass
class Point:
    """A dataclass with a container and an object inside."""

    x: int
    y: float = 0.5
    tags: tuple[str, ...] = ()
    activation: t.Activation = "relu"


class Block(BaseModel):
    """A pydantic model with a container, a model and an object inside."""

    units: t.PositiveInt
    sizes: dict[int, float] = {}
    activation: t.Activation = "tanh"
    next: Optional["Block"] = None


@register("sorts")
def double(x):
    """Return twice what is given."""
    return 2 * x


@dataclass(frozen=True)
class Sort:
    """A type that an argument can have.

    Attributes:
        hint: The annotation.
        values: Values that it takes, as the body of the constructor receives them.
        wrong: Values that it refuses; None if there are none.
        is_hashable: Whether the values can be in a set.
        exact: Whether the body receives what was passed, and nothing made of it.
    """

    hint: Any
    values: st.SearchStrategy[Any] = field(repr=False)
    wrong: st.SearchStrategy[Any] | None = field(repr=False, default=None)
    is_hashable: bool = False
    exact: bool = True


def _just(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


_NOTHING = _just(1j, b"a", object(), int, [[object()]], {"a": object()})
"""Values that no type takes but that of an argument without one."""

_WHOLE = st.integers(-(2**70), 2**70)
_TEXT = st.text(max_size=6) | _just("class_name", "config", "1", "None", "acme>Dense", "\0")
_TINY = st.integers(0, 9)

# --- plain values ----------------------------------------------------------------------------

_NO_INT = _just("3", True, 1.0, None, [1], np.float32(1))
_NO_FLOAT = _just("0.5", True, None, [0.5], np.bool_(True))
_NO_STR = _just(1, None, True, ["a"], b"a")

PLAIN = [
    Sort(int, _WHOLE, _NO_INT, is_hashable=True),
    Sort(float, st.floats(), _NO_FLOAT, is_hashable=True),
    Sort(bool, st.booleans(), _just(0, 1, "true", None, 1.0), is_hashable=True),
    Sort(str, _TEXT, _NO_STR, is_hashable=True),
    Sort(t.PositiveInt, st.integers(1, 2**40), _NO_INT | _just(0, -1), is_hashable=True),
    Sort(t.NonNegativeInt, st.integers(0, 2**40), _NO_INT | _just(-1), is_hashable=True),
    Sort(t.Probability, st.floats(0, 1), _NO_FLOAT | _just(1.5, -0.1, float("nan"))),
    Sort(t.PositiveFloat, st.floats(1e-9, 1e9), _NO_FLOAT | _just(0.0, -1.0, float("nan"))),
    Sort(Annotated[int, Ge(-5), Le(5)], st.integers(-5, 5), _NO_INT | _just(6, -6)),
    Sort(
        Annotated[str, MinLen(1), MaxLen(3)],
        st.text(min_size=1, max_size=3),
        _NO_STR | _just("", "abcd"),
        is_hashable=True,
    ),
    Sort(t.PathFreeText, _just("", "a", "a b"), _NO_STR | _just("/a", "..", "~", "c:")),
    Sort(t.Seed, st.none() | st.integers(0, 2**31), _just(-1, "3", 0.5, True)),
    Sort(t.Padding, _just("valid", "same"), _just("full", 1, None, "")),
    Sort(t.DataFormat, _just("channels_first", "channels_last"), _just("first", 1)),
    Sort(Literal["a", "b", 3], _just("a", "b", 3), _just("c", "3", 4, None), is_hashable=True),
    Sort(Literal["a", None], _just("a", None), _just("None", 0, "b"), is_hashable=True),  # noqa: PYI061 - the spelling under test
    Sort(Colour, st.sampled_from(Colour), _just("purple", 0, None), is_hashable=True),
    Sort(Corner, st.sampled_from(Corner), _just("MIDDLE", (5, 5), None), is_hashable=True),
    Sort(Word, st.sampled_from(Word), _just("maybe", 0, None), is_hashable=True),
    Sort(Level, st.sampled_from(Level), _just("LOW", 3, None), is_hashable=True),
]

# --- values with structure -------------------------------------------------------------------

_ACTIVATIONS = _just(
    keras.activations.relu, keras.activations.tanh, keras.activations.gelu, keras.activations.linear
)
_POINTS = st.builds(
    Point, x=_WHOLE, y=st.floats(), tags=st.tuples(_TEXT, _TEXT), activation=_ACTIVATIONS
)
_LAST = st.builds(
    Block,
    units=st.integers(1, 9),
    sizes=st.dictionaries(_TINY, st.floats(), max_size=2),
    activation=_ACTIVATIONS,
)
_BLOCKS = _LAST | st.builds(Block, units=st.integers(1, 9), activation=_ACTIVATIONS, next=_LAST)

_DTYPES = ("float32", "int64", "uint8", "bool", "float16")
_ARRAYS = st.builds(
    lambda shape, dtype, start: (np.arange(np.prod(shape)) + start).reshape(shape).astype(dtype),
    st.lists(st.integers(0, 3), max_size=3).map(tuple),
    _just(*_DTYPES),
    st.integers(0, 9),
)

STRUCTURED = [
    Sort(Point, _POINTS, _just(3, None, {"x": "a"}, {"x": 1, "z": 1}, {"y": 0.5})),
    Sort(Block, _BLOCKS, _just(3, None, {"units": 0}, {}, {"units": 1, "next": 3})),
    Sort(t.Array, _ARRAYS, _just("abc", None, {"a": 1}, ["a"], {1, 2})),
    Sort(
        t.Shape,
        st.lists(st.none() | st.integers(-1, 99), max_size=4).map(tuple),
        _just("12", 3, None, (1.5,), (-2,), {1: 2}, (True,), ("1",)),
    ),
    Sort(
        t.Axis,
        st.integers(-4, 4) | st.lists(st.integers(-4, 4), max_size=3).map(tuple),
        _just("1", 0.5, None, True, (0.5,), {1: 2}),
    ),
    Sort(t.DType, _just("float32", "int8", "bfloat16"), _just("flot32", None, [1])),
]

# --- objects of Keras ------------------------------------------------------------------------

# None of them draws a seed by itself: what hypothesis draws is all that is random here.

_INITIALIZERS = st.builds(keras.initializers.Constant, st.floats(-9, 9)) | st.builds(
    keras.initializers.HeNormal, seed=st.integers(0, 99)
)
_REGULARIZERS = st.builds(keras.regularizers.L1L2, st.floats(0, 1), st.floats(0, 1))
_LAYERS = st.builds(
    keras.layers.Dense,
    st.integers(1, 9),
    activation=_ACTIVATIONS,
    kernel_initializer=_INITIALIZERS,
    trainable=st.booleans(),
) | st.builds(keras.layers.ReLU, st.floats(0, 9), name=_just("cut", "clip"))
_SCHEDULES = st.builds(
    keras.optimizers.schedules.ExponentialDecay, st.floats(0.1, 1), st.integers(1, 9), st.just(0.5)
)

KERAS = [
    Sort(t.Activation, _ACTIVATIONS, _just("nope", 3, 0.5, [1])),
    Sort(t.Activation, _just("relu", None, "tanh"), _just("nope", 3), exact=False),
    Sort(t.Initializer, _INITIALIZERS, _just("nope", None, 3, keras.initializers.Zeros(), int)),
    Sort(t.Initializer, _just("zeros", "he_normal"), _just("nope", None), exact=False),
    Sort(t.Regularizer | None, st.none() | _REGULARIZERS, _just("nope", 3, 0.5)),
    Sort(t.Constraint, st.builds(keras.constraints.MaxNorm, st.floats(0, 9)), _just("nope", None)),
    Sort(t.Layer, _LAYERS, _just("dense", 3, None, keras.layers.Dense, {"class_name": "Nope"})),
    Sort(t.LearningRate, st.floats(0, 1) | _SCHEDULES, _just("0.5", True, None)),
    Sort(t.Loss, st.builds(keras.losses.Huber, st.floats(0.1, 2)), _just("nope", None, 3)),
    Sort(t.Function, _just(double, keras.activations.tanh), _just("nope", None, 3)),
    Sort(
        t.KerasObject[keras.layers.Dense],
        st.builds(keras.layers.Dense, st.integers(1, 9), kernel_initializer=_INITIALIZERS),
        _just(None, 3, "dense", keras.layers.Flatten()),
    ),
    Sort(
        t.DTypePolicy,
        st.builds(keras.dtype_policies.DTypePolicy, _just("float32", "mixed_bfloat16")),
        _just("nope", 3),
    ),
]
# Any initializer will do: one is no wrong value.
KERAS[2] = dataclasses.replace(KERAS[2], wrong=_just("nope", None, 3, int))

# --- no annotation ---------------------------------------------------------------------------

_SCALARS = st.none() | st.booleans() | _WHOLE | st.floats() | _TEXT
_KEYS = _TEXT | st.integers(-9, 9) | st.tuples(_TINY, _TINY)
_LOOSE = st.recursive(
    _SCALARS
    | _ARRAYS
    | _REGULARIZERS
    | _ACTIVATIONS
    | _just(np.float32(0.5), np.int16(3), np.bool_(True)),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(_KEYS, inner, max_size=3)
        | st.sets(_TINY | _TEXT, max_size=3)
        | st.frozensets(_TINY, max_size=3)
    ),
    max_leaves=6,
)
LOOSE = [Sort(UNANNOTATED, _LOOSE), Sort(Any, _LOOSE), Sort(object, _LOOSE)]

LEAVES = [*PLAIN, *STRUCTURED, *KERAS]

# --- types around types ----------------------------------------------------------------------


def _broken(inner: Sort, wrap: Any) -> st.SearchStrategy[Any]:
    """Collections with one wrong item between right ones; nothing if no item is wrong."""
    if inner.wrong is None:
        return st.nothing()
    right = st.lists(inner.values, max_size=2)
    return st.builds(lambda a, b, c: wrap([*a, b, *c]), right, inner.wrong, right)


def _list(inner: Sort) -> Sort:
    wrong = _just("ab", 3, None) | _broken(inner, list)
    return Sort(list[inner.hint], st.lists(inner.values, max_size=3), wrong, exact=inner.exact)


def _tuple(inner: Sort) -> Sort:
    wrong = _just("ab", 3, None) | _broken(inner, tuple)
    values = st.lists(inner.values, max_size=3).map(tuple)
    return Sort(tuple[inner.hint, ...], values, wrong, inner.is_hashable, inner.exact)


def _pair(first: Sort, second: Sort) -> Sort:
    values = st.tuples(first.values, second.values)
    wrong = _just("ab", 3, None) | st.tuples(first.values)
    if first.wrong is not None:
        wrong |= st.tuples(first.wrong, second.values)
    return Sort(
        tuple[first.hint, second.hint],
        values,
        wrong,
        first.is_hashable and second.is_hashable,
        first.exact and second.exact,
    )


def _dict(inner: Sort) -> Sort:
    wrong = _just("ab", 3, None, [1], {1: 2})
    wrong |= _broken(inner, lambda items: dict(zip("abcde", items, strict=False)))
    values = st.dictionaries(_TEXT, inner.values, max_size=3)
    return Sort(dict[str, inner.hint], values, wrong, exact=inner.exact)


def _dict_of(key: Any, keys: st.SearchStrategy[Any], wrong: Any, inner: Sort) -> Sort:
    values = st.dictionaries(keys, inner.values, max_size=3)
    broken = _just("ab", 3, None) | st.builds(lambda value: {wrong: value}, inner.values)
    return Sort(dict[key, inner.hint], values, broken, exact=inner.exact)


def _numbered(inner: Sort) -> Sort:
    return _dict_of(int, _WHOLE, "a", inner)


def _measured(inner: Sort) -> Sort:
    return _dict_of(float, st.floats(allow_nan=False), "a", inner)


def _labelled(inner: Sort) -> Sort:
    return _dict_of(Literal["in", "out"], _just("in", "out"), "up", inner)


def _chosen(inner: Sort) -> Sort:
    return _dict_of(Word, st.sampled_from(Word), "maybe", inner)


def _set(inner: Sort) -> Sort:
    items = st.lists(inner.values, max_size=3)
    return Sort(set[inner.hint], items.map(set), _just("ab", 3, None, [object()]))


def _frozenset(inner: Sort) -> Sort:
    items = st.lists(inner.values, max_size=3)
    return Sort(frozenset[inner.hint], items.map(frozenset), _just("ab", 3, None, [object()]), True)


def _optional(inner: Sort) -> Sort:
    return Sort(
        Optional[inner.hint],  # noqa: UP045 - of a type that is known only now
        st.none() | inner.values,
        None if inner.wrong is None else _NOTHING,
        inner.is_hashable,
        inner.exact,
    )


_UNIONS = [
    (int, str),
    (int, float),
    (float, str, None),
    (bool, int, str),
    (int, list[int]),
    (str, tuple[str, ...], None),
    (int, tuple[int, int]),
    (float, dict[str, float]),
    (list[int], dict[int, str]),
    (Literal["auto"], int),
    (Literal["auto"], float, None),
    (Colour, int, None),
    (set[int], str),
]
_OF_HINT: dict[Any, st.SearchStrategy[Any]] = {
    None: st.none(),
    list[int]: st.lists(_WHOLE, max_size=3),
    set[int]: st.sets(_WHOLE, max_size=3),
    tuple[str, ...]: st.lists(_TEXT, max_size=3).map(tuple),
    tuple[int, int]: st.tuples(_WHOLE, _WHOLE),
    dict[str, float]: st.dictionaries(_TEXT, st.floats(), max_size=3),
    dict[int, str]: st.dictionaries(_WHOLE, _TEXT, max_size=3),
    Literal["auto"]: st.just("auto"),
    **{sort.hint: sort.values for sort in PLAIN[:4]},
    Colour: st.sampled_from(Colour),
}
UNIONS = [
    Sort(reduce(operator.or_, hints), st.one_of(*map(_OF_HINT.__getitem__, hints)), _NOTHING)
    for hints in _UNIONS
]
UNIONS += [
    Sort(t.Initializer | t.Layer, _INITIALIZERS | _LAYERS, _just(None, "nope", 3)),
    Sort(t.Array | str, _ARRAYS | _TEXT, _just(None, {"a": 1})),
    Sort(float | t.Layer | None, st.floats() | _LAYERS | st.none(), _just("nope", True)),
    Sort(Point | int, _POINTS | _WHOLE, _just(None, "a", {"y": 1})),
    Sort(list[t.Layer | None], st.lists(st.none() | _LAYERS, max_size=2), _just(3, [3])),
]

_AROUND = [_list, _tuple, _dict, _numbered, _measured, _labelled, _chosen, _optional]
_AROUND_HASHABLE = [_set, _frozenset]


@st.composite
def sorts(draw: st.DrawFn) -> Sort:
    """A sort at random: plain, structured, of Keras, a union, without annotation, or nested."""
    group = draw(_just(PLAIN, PLAIN, STRUCTURED, KERAS, UNIONS, LOOSE, LEAVES, LEAVES))
    sort = draw(st.sampled_from(group))
    if sort.hint is UNANNOTATED:
        return sort
    for _ in range(draw(_just(0, 0, 0, 1, 1, 2, 3))):
        if sort.is_hashable and draw(st.booleans()):
            around = draw(st.sampled_from(_AROUND_HASHABLE))
            sort = around(sort)
        elif draw(_TINY) == 0:
            sort = _pair(sort, draw(st.sampled_from(PLAIN)))
        else:
            sort = draw(st.sampled_from(_AROUND))(sort)
    return sort


# --- equality --------------------------------------------------------------------------------


def is_alike(left: Any, right: Any) -> bool:  # noqa: PLR0911 - one case for each sort of value
    """Whether two values are equal in type and value, with everything that is in them."""
    if left is right:
        return True
    if type(left) is not type(right):
        return False
    if isinstance(left, float):
        return repr(left) == repr(right)
    if isinstance(left, np.ndarray | np.generic):
        same_form = (left.dtype, left.shape) == (right.dtype, right.shape)
        return same_form and left.tobytes() == right.tobytes()
    if isinstance(left, list | tuple):
        return len(left) == len(right) and all(map(is_alike, left, right))
    if isinstance(left, set | frozenset):
        return len(left) == len(right) and all(any(is_alike(a, b) for b in right) for a in left)
    if isinstance(left, dict):
        return is_alike(list(left.items()), list(right.items()))
    if dataclasses.is_dataclass(left) or isinstance(left, BaseModel):
        return is_alike(vars(left), vars(right))
    if hasattr(left, "get_config"):
        return is_alike(left.get_config(), right.get_config())
    return bool(left == right)
