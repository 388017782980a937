"""What `@register` does to the type of a class or function: nothing."""

from typing import TYPE_CHECKING, Any, assert_type

import keras
from pydantic import BaseModel

from keras_registry import register
from keras_registry import types as t

if TYPE_CHECKING:
    from collections.abc import Callable


class PlainConfig(BaseModel):
    """A config given by hand."""

    units: int


@register
class Bare:
    """Registered without parentheses."""

    def __init__(self, units: int, rate: float = 0.5) -> None:
        self.units = units
        self.rate = rate


@register("acme")
class Named:
    """Registered under a namespace."""

    def __init__(self, units: int, *, label: str = "") -> None:
        self.units = units
        self.label = label

    def double(self) -> int:
        return 2 * self.units


@register("acme", name="Other", config=PlainConfig, version=2)
class Full(Named):
    """Registered with all options."""


@register()
class Empty(Named):
    """Registered with empty parentheses."""


@register("acme")
class Gated(keras.layers.Layer):
    """A layer, as in the documentation."""

    def __init__(self, units: t.PositiveInt, activation: t.Activation = "gelu") -> None:
        super().__init__()
        self.units = units
        self.activation = activation


@register("acme")
def swishy(x: float, beta: float = 1.0) -> float:
    """Registered under a namespace."""
    return x * beta


@register
def bare(x: float) -> float:
    """Registered without parentheses."""
    return x


def classes_keep_their_type() -> None:
    """A registered class is the class that it is, with its signature and its methods."""
    assert_type(Bare(1), Bare)
    assert_type(Bare(1, rate=0.5).units, int)
    assert_type(Named(1, label="a").double(), int)
    assert_type(Full(3), Full)
    assert_type(Empty(3), Empty)
    assert_type(Gated(3).units, int)
    one: type[Named] = Named
    assert isinstance(one(1), Named)

    Bare("3")  # type: ignore[arg-type]
    Bare()  # type: ignore[call-arg]
    Bare(1, size=3)  # type: ignore[call-arg]
    Named(1, "a")  # type: ignore[call-arg]
    Named(1).triple()  # type: ignore[attr-defined]
    Full("3")  # type: ignore[arg-type]
    Gated("3")  # type: ignore[arg-type]


def functions_keep_their_type() -> None:
    """A registered function has the signature that it was written with."""
    assert_type(swishy(1.0), float)
    assert_type(swishy(1.0, beta=2.0), float)
    assert_type(bare(1.0), float)
    as_callable: Callable[[float], float] = bare
    as_callable(1.0)

    swishy("1")  # type: ignore[arg-type]
    swishy(1.0, gamma=2.0)  # type: ignore[call-arg]
    bare()  # type: ignore[call-arg]


def options_are_checked() -> None:
    """The options of `register` have types of their own."""
    decorator = register("acme")
    assert_type(decorator(Named), type[Named])
    register(namespace="acme")

    register(3)  # type: ignore[call-overload]
    register("acme", "Name")  # type: ignore[call-overload]
    register("acme", name=3)  # type: ignore[call-overload]
    register("acme", config=Named)  # type: ignore[arg-type]
    register("acme", version="2")  # type: ignore[call-overload]


def anything(value: Any) -> Any:
    """What is of unknown type may be registered; it is checked at run time."""
    return register("acme")(value)
