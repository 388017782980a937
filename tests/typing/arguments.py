"""What a caller may pass to an argument of a field type, and what a body may do with it."""

from typing import TYPE_CHECKING, assert_type

from keras_registry import register
from keras_registry import types as t

if TYPE_CHECKING:
    from collections.abc import Callable


@register("acme")
class Gated:
    """A class with an argument of each field type."""

    def __init__(
        self,
        units: t.PositiveInt,
        activation: t.Activation = "gelu",
        kernel_initializer: t.Initializer = "glorot_uniform",
        bias_initializer: t.Initializer | None = None,
    ) -> None:
        assert_type(units, int)
        self.twice: int = units * 2
        units.append(1)  # type: ignore[attr-defined]

        self.result = activation(1.0)
        as_callable: Callable[[float], object] = activation
        as_callable(1.0)
        activation + 1  # type: ignore[operator]
        activation.upper()  # type: ignore[union-attr]

        kernel_initializer((2, 3), dtype="float32")
        kernel_initializer + 1  # type: ignore[operator]

        if bias_initializer is not None:
            bias_initializer((3,))


def relu(x: float) -> float:
    """Return the positive part."""
    return max(x, 0.0)


def callers() -> None:
    """A caller passes what users of Keras pass."""
    Gated(3)
    Gated(3, "relu", "zeros")
    Gated(3, relu)
    Gated(3, lambda x: x, kernel_initializer=lambda shape, dtype=None: 0.0)
    Gated(3, activation={"class_name": "function", "config": "relu"})
    Gated(3, activation=None, bias_initializer=None)

    Gated("3")  # type: ignore[arg-type]
    Gated(None)  # type: ignore[arg-type]
    Gated(3.5)  # type: ignore[arg-type]
    Gated(units=3, unit=4)  # type: ignore[call-arg]
