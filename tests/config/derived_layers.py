"""Layers whose `get_config` is derived, each made with values that are no defaults."""

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, NewType, TypeVar

import keras
import numpy as np
from pydantic import BaseModel

from keras_registry import register
from keras_registry import types as t

__all__ = ["LAYERS", "Made"]

T = TypeVar("T")
N = TypeVar("N", bound=int)
Units = NewType("Units", int)


class Mode(enum.Enum):
    """A choice."""

    FAST = "fast"
    EXACT = "exact"


@dataclass
class Window:
    """A part of an image."""

    size: tuple[int, int]
    stride: int = 1


class Head(BaseModel):
    """What stands at the end of a network."""

    units: t.PositiveInt
    activation: t.Activation
    names: dict[int, str] = {}


@dataclass(frozen=True)
class Made:
    """A class, an object of it, and what must come back.

    Attributes:
        cls: The registered class.
        make: Makes the object.
        kept: What attributes of the object must be, by their dotted paths.
        in_chain: Whether it is a layer that takes the output of any other.
    """

    cls: type
    make: Callable[[type], Any]
    kept: dict[str, Any]
    in_chain: bool = True

    def __str__(self) -> str:
        return self.cls.__name__


LAYERS: list[Made] = []


def made(make: Callable[[type], Any], *, in_chain: bool = True, **kept: Any) -> Any:
    """Register the class below and put it into the table; `__` in a name stands for a dot."""

    def decorator(cls: type) -> type:
        paths = {path.replace("__", "."): value for path, value in kept.items()}
        LAYERS.append(Made(register("derived")(cls), make, paths, in_chain))
        return cls

    return decorator


@register("derived")
def halve(x):
    """Return half of what is given."""
    return x / 2


class Same(keras.layers.Layer):
    """What all layers here do: nothing."""

    def build(self, input_shape):
        self.built = True

    def call(self, inputs):
        return inputs


# --- name, trainable, dtype ------------------------------------------------------------------

BASE: dict[str, Any] = {"name": "mine", "trainable": False, "dtype": "mixed_bfloat16"}
KEPT: dict[str, Any] = {"name": "mine", "trainable": False, "dtype_policy__name": "mixed_bfloat16"}


@made(
    lambda cls: cls(2.5, "tanh", keras.initializers.Constant(3.0), **BASE),
    factor=2.5,
    activation=keras.activations.tanh,
    kernel_initializer__value=3.0,
    **KEPT,
)
class Scale(Same):
    def __init__(
        self,
        factor: float = 1.0,
        activation: t.Activation = "relu",
        kernel_initializer: t.Initializer = "zeros",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.factor, self.activation = factor, activation
        self.kernel_initializer = kernel_initializer


def make_bare(cls):
    """Make a layer whose constructor takes nothing of Keras's."""
    layer = cls(2.5)
    layer.name, layer.trainable, layer.dtype_policy = BASE.values()
    return layer


@made(make_bare, factor=2.5, **KEPT)
class BareScale(Same):
    def __init__(self, factor: float = 1.0):
        super().__init__()
        self.factor = factor


@made(lambda cls: cls(2.5, name="mine", dtype="float16"), factor=2.5, name="mine", dtype="float16")
class ExplicitScale(Same):
    def __init__(self, factor: float = 1.0, name=None, dtype=None):
        super().__init__(name=name, dtype=dtype)
        self.factor = factor


@made(
    lambda cls: cls(2.5, **BASE, activity_regularizer=keras.regularizers.L2(0.5)),
    factor=2.5,
    activity_regularizer__l2=0.5,
    **KEPT,
)
class FullyExplicitScale(Same):
    def __init__(
        self,
        factor: float = 1.0,
        *,
        name: str | None = None,
        trainable: bool = True,
        dtype: Any = None,
        activity_regularizer: t.Regularizer | None = None,
    ):
        super().__init__(
            name=name, trainable=trainable, dtype=dtype, activity_regularizer=activity_regularizer
        )
        self.factor = factor


# --- inheritance -----------------------------------------------------------------------------


@made(lambda cls: cls(2.5, **BASE), factor=2.5, **KEPT)
class InheritedScale(Scale):
    pass


@made(lambda cls: cls(0.25, factor=2.5, **BASE), shift=0.25, factor=2.5, **KEPT)
class ShiftedScale(Scale):
    def __init__(self, shift: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.shift = shift


@made(lambda cls: cls(0.5, activation="gelu", **BASE), factor=5.0, **KEPT)
class TenfoldScale(Scale):
    def __init__(self, factor: float = 1.0, **kwargs):
        super().__init__(factor * 10, **kwargs)


@made(
    lambda cls: cls(3, 2.5, activation="tanh", use_bias=False, kernel_regularizer="l2", **BASE),
    units=3,
    gain=2.5,
    activation=keras.activations.tanh,
    use_bias=False,
    **KEPT,
)
class GainDense(keras.layers.Dense):
    def __init__(self, units: t.PositiveInt, gain: float = 1.0, **kwargs):
        super().__init__(units, **kwargs)
        self.gain = gain


@made(lambda cls: cls(2.5, units=3, lora_rank=2, **BASE), gain=2.5, units=3, lora_rank=2, **KEPT)
class LooseDense(keras.layers.Dense):
    def __init__(self, gain: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.gain = gain


@made(lambda cls: cls(2.5, use_bias=False, **BASE), gain=2.5, units=5, use_bias=False, **KEPT)
class FiveDense(keras.layers.Dense):
    def __init__(self, gain: float = 1.0, **kwargs):
        super().__init__(units=5, **kwargs)
        self.gain = gain


@made(lambda cls: cls(2.5), gain=2.5, units=5, name="five")
class BareFiveDense(keras.layers.Dense):
    def __init__(self, gain: float = 1.0):
        super().__init__(5, name="five")
        self.gain = gain


@made(
    lambda cls: cls(2, groups=3, filters=4, padding="same", **BASE),
    groups=3,
    kernel_size=(2, 2),
    padding="same",
    **KEPT,
    in_chain=False,
)
class GroupConv(keras.layers.Conv2D):
    def __init__(self, kernel_size: int = 1, groups: t.PositiveInt = 1, **kwargs):
        super().__init__(kernel_size=kernel_size, **kwargs)
        self.groups = groups


@made(
    lambda cls: cls(0.5, momentum=0.75, center=False, **BASE),
    floor=0.5,
    momentum=0.75,
    center=False,
    **KEPT,
)
class FlooredNorm(keras.layers.BatchNormalization):
    def __init__(self, floor: float = 0.0, momentum: t.Probability = 0.99, **kwargs):
        super().__init__(momentum=momentum, **kwargs)
        self.floor = floor


@made(
    lambda cls: cls(keras.layers.Dense(2, name="inner"), 3, **BASE),
    times=3,
    layer__units=2,
    layer__name="inner",
    **KEPT,
)
class Repeat(keras.layers.Wrapper):
    def __init__(self, layer: t.Layer, times: int = 2, **kwargs):
        super().__init__(layer, **kwargs)
        self.times = times

    def call(self, inputs):
        return self.layer(inputs)


@made(lambda cls: cls(3, 0.25, **BASE), state_size=3, leak=0.25, **KEPT, in_chain=False)
class LeakyCell(Same):
    def __init__(self, units: t.PositiveInt, leak: t.Probability = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.state_size, self.leak = units, leak

    def call(self, inputs, states):
        return states[0], states


# --- types -----------------------------------------------------------------------------------


@made(lambda cls: cls("up", 0.5, None), direction="up", rate=0.5, limit=None)
class Choosing(Same):
    def __init__(
        self,
        direction: Literal["up", "down"] = "down",
        rate: float | None = None,
        limit: int | None = 3,
    ):
        super().__init__()
        self.direction, self.rate, self.limit = direction, rate, limit


@made(
    lambda cls: cls(head=Head(units=3, activation=keras.activations.gelu, names={1: "a"}), **BASE),
    head__units=3,
    head__activation=keras.activations.gelu,
    head__names={1: "a"},
    **KEPT,
)
class Headed(Same):
    def __init__(self, head: Head, **kwargs):
        super().__init__(**kwargs)
        self.head = head


@made(
    lambda cls: cls(Window((3, 4), 2), [Window((1, 1))], **BASE),
    window=Window((3, 4), 2),
    others=[Window((1, 1))],
    **KEPT,
)
class Windowed(Same):
    def __init__(self, window: Window | None = None, others: list[Window] = (), **kwargs):
        super().__init__(**kwargs)
        self.window, self.others = window, others


@made(
    lambda cls: cls(Mode.EXACT, {"a": Mode.FAST}, **BASE),
    mode=Mode.EXACT,
    others={"a": Mode.FAST},
    **KEPT,
)
class Moded(Same):
    def __init__(self, mode: Mode = Mode.FAST, others: dict[str, Mode] | None = None, **kwargs):
        super().__init__(**kwargs)
        self.mode, self.others = mode, others


@made(lambda cls: cls(halve, keras.activations.gelu, **BASE), function=halve, **KEPT)
class Mapping(Same):
    def __init__(self, function: t.Function, after: Callable[[Any], Any] | None = None, **kwargs):
        super().__init__(**kwargs)
        self.function, self.after = function, after


@made(
    lambda cls: cls(np.arange(6, dtype="int16").reshape(2, 3), [np.eye(2)], **BASE),
    table=np.arange(6, dtype="int16").reshape(2, 3),
    others=[np.eye(2)],
    **KEPT,
)
class Tabled(Same):
    def __init__(self, table: t.Array, others: list[np.ndarray] = (), **kwargs):
        super().__init__(**kwargs)
        self.table, self.others = table, others


@made(
    lambda cls: cls((3, 4), ("a", "b"), [(1, 0.5)], **BASE),
    size=(3, 4),
    names=("a", "b"),
    pairs=[(1, 0.5)],
    **KEPT,
)
class Tupled(Same):
    def __init__(
        self,
        size: tuple[int, int] = (1, 1),
        names: tuple[str, ...] = (),
        pairs: list[tuple[int, float]] = (),
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.size, self.names, self.pairs = size, names, pairs


@made(
    lambda cls: cls({1: "a", -2: "b"}, {"c": (1, 2)}, {0.5: [1]}, **BASE),
    by_number={1: "a", -2: "b"},
    by_name={"c": (1, 2)},
    by_rate={0.5: [1]},
    **KEPT,
)
class Mapped(Same):
    def __init__(
        self,
        by_number: dict[int, str],
        by_name: dict[str, tuple[int, int]],
        by_rate: dict[float, list[int]],
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.by_number, self.by_name, self.by_rate = by_number, by_name, by_rate


@made(
    lambda cls: cls({3, 1}, frozenset({"a"}), **BASE),
    numbers={1, 3},
    names=frozenset({"a"}),
    **KEPT,
)
class Grouped(Same):
    def __init__(self, numbers: set[int], names: frozenset[str] = frozenset(), **kwargs):
        super().__init__(**kwargs)
        self.numbers, self.names = numbers, names


@made(
    lambda cls: cls(
        (None, 3), (1, -1), "SAME", "int8", data_format="channels_first", rate=0.25, seed=7
    ),
    shape=(None, 3),
    axis=(1, -1),
    padding="same",
    out="int8",
    data_format="channels_first",
    rate=0.25,
    seed=7,
)
class Shaped(Same):
    def __init__(
        self,
        shape: t.Shape = (),
        axis: t.Axis = -1,
        padding: t.Padding = "valid",
        out: t.DType = "float32",
        *,
        data_format: t.DataFormat = "channels_last",
        rate: t.Probability = 0.5,
        seed: t.Seed = None,
    ):
        super().__init__()
        self.shape, self.axis, self.padding, self.out = shape, axis, padding, out
        self.data_format, self.rate, self.seed = data_format, rate, seed


@made(
    lambda cls: cls(keras.regularizers.L1(0.5), keras.constraints.MaxNorm(3.0), **BASE),
    regularizer__l1=0.5,
    constraint__max_value=3.0,
    **KEPT,
)
class Bounded(Same):
    def __init__(
        self,
        regularizer: t.Regularizer | None = None,
        constraint: t.Constraint | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.regularizer, self.constraint = regularizer, constraint


@made(
    lambda cls: cls({1: (2, [np.float32(0.5)])}, {3}, keras.activations.tanh, **BASE),
    anything={1: (2, [np.float32(0.5)])},
    more={3},
    function=keras.activations.tanh,
    **KEPT,
)
class Loose(Same):
    def __init__(self, anything, more: Any = None, function=None, **kwargs):
        super().__init__(**kwargs)
        self.anything, self.more, self.function = anything, more, function


@made(lambda cls: cls(3, 2, Units(4), **BASE), value=3, number=2, units=4, **KEPT)
class Typed(Same, Generic[T, N]):
    def __init__(self, value: T, number: N, units: Units = Units(1), **kwargs):
        super().__init__(**kwargs)
        self.value, self.number, self.units = value, number, units
