"""Checks of initializers, regularizers and constraints: what works on weights."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_registry.contract.numerics import array_of, dtype_of, gradient, is_close, shown
from keras_registry.contract.results import Skip
from keras_registry.contract.table import Check
from keras_registry.names import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keras_registry.contract.subjects import Case

__all__ = ["WEIGHT_CHECKS"]

_SHAPES = ((4, 3), (3, 3, 2, 4), (3, 3), (5,))
"""The shapes of weights that are tried: of a dense layer, a convolution, a square, a bias."""


# --- initializers ----------------------------------------------------------------------------


def check_initializer_gives_shape_and_dtype(case: Case) -> None:
    """It returns finite values of the shape and the dtype that it is asked for.

    Under mixed precision, and for layers with a `dtype`, weights of another dtype raise an error.
    """
    made = case.make()
    for shape in _shapes_taken(lambda shape: made(shape, dtype="float32")):
        for dtype in ("float32", "float16"):
            found = made(shape, dtype=dtype)
            if tuple(found.shape) != shape or dtype_of(found) != dtype:
                case.fail(
                    at_fault="shape" if tuple(found.shape) != shape else "dtype",
                    wanted=f"shape {shape} and dtype {dtype}",
                    found=f"shape {tuple(found.shape)} and dtype {dtype_of(found)}",
                    method="__call__",
                )
            if not np.isfinite(array_of(found)).all():
                case.fail(
                    at_fault="__call__",
                    wanted=f"finite values for shape {shape} and dtype {dtype}",
                    found=shown(array_of(found)),
                    method="__call__",
                )


def check_dtype_may_be_left_out(case: Case) -> None:
    """Without a dtype, or with None, it returns values of the default dtype.

    Keras calls initializers both ways.
    """
    made = case.make()
    for shape in _shapes_taken(lambda shape: made(shape, dtype="float32"))[:1]:
        for given, label in (({}, "no dtype"), ({"dtype": None}, "dtype=None")):
            try:
                found = dtype_of(made(shape, **given))
            except Exception as error:  # noqa: BLE001 - the author's code, which raises anything
                found = f"{type(error).__name__}: {str(error).strip()}"
            if found != keras.backend.floatx():
                case.fail(
                    at_fault="dtype",
                    wanted=f"values of dtype {keras.backend.floatx()} with {label}",
                    found=found,
                    method="__call__",
                )


def check_seed_decides(case: Case) -> None:
    """With a seed its values are the same each time, and after it is loaded; others with another.

    Otherwise experiments cannot be repeated, or layers that should differ are alike.
    """
    if "seed" not in inspect.signature(case.subject.target).parameters:
        reason = "its constructor takes no seed"
        raise Skip(reason)
    made, other = case.make(seed=3), case.make(seed=4)
    shape = _shapes_taken(lambda shape: made(shape, dtype="float32"))[0]
    wanted = array_of(made(shape, dtype="float32"))
    for label, again in (
        ("a second call", made),
        ("another one with the same seed", case.make(seed=3)),
        ("one from its config", case.subject.target.from_config(made.get_config())),
    ):
        found = array_of(again(shape, dtype="float32"))
        if not is_close(found, wanted):
            case.fail(
                at_fault="seed",
                wanted=f"{shown(wanted)} with seed=3",
                found=f"{shown(found)} from {label}",
                method="__call__",
            )
    if is_close(array_of(other(shape, dtype="float32")), wanted):
        case.fail(
            at_fault="seed",
            wanted="other values with seed=4 than with seed=3",
            found=f"{shown(wanted)} with both",
            method="__call__",
        )


# --- regularizers ----------------------------------------------------------------------------


def check_penalty_is_one_number(case: Case) -> None:
    """It returns one finite number, in the dtype of the weights.

    Keras adds it to the loss: a tensor of another shape or dtype raises an error or broadcasts.
    """
    made = case.make()
    for shape in _shapes_taken(lambda shape: made(_weights(shape))):
        for dtype in ("float32", "float16"):
            found = made(keras.ops.cast(_weights(shape), dtype))
            if array_of(found).shape != () or not np.isfinite(array_of(found)):
                case.fail(
                    at_fault="__call__",
                    wanted="one finite number",
                    found=f"{shown(array_of(found))} of shape {array_of(found).shape}",
                    method="__call__",
                    called_with=f"weights of shape {shape}",
                )
            if hasattr(found, "dtype") and dtype_of(found) != dtype:
                case.fail(
                    at_fault="dtype",
                    wanted=f"a number of dtype {dtype}, as the weights",
                    found=f"dtype {dtype_of(found)}",
                    method="__call__",
                    called_with=f"weights of shape {shape}",
                )


def check_penalty_has_a_finite_gradient(case: Case) -> None:
    """Its gradient is finite, also where weights are 0, and is that of what it returns.

    Biases begin at 0: a root or a division there turns all weights into NaN in the first step.
    """
    made = case.make()
    for shape in _shapes_taken(lambda shape: made(_weights(shape))):
        for label, weights in (
            (f"weights of shape {shape}", array_of(_weights(shape))),
            (f"zeros of shape {shape}", np.zeros(shape, "float32")),
        ):
            slope = gradient(made, weights)
            if slope is None and is_close(array_of(made(2 * weights)), array_of(made(weights))):
                continue  # A penalty of nothing, such as 0 times a norm, needs none.
            if slope is None or not np.isfinite(slope).all():
                case.fail(
                    at_fault="__call__",
                    wanted="a finite gradient",
                    found="none" if slope is None else shown(slope),
                    method="__call__",
                    called_with=label,
                )


# --- constraints -----------------------------------------------------------------------------


def check_constraint_keeps_shape_and_dtype(case: Case) -> None:
    """What it returns has the shape and the dtype of the weights, and is finite, also for zeros.

    Keras assigns it to the weights after each step.
    """
    made = case.make()
    for shape in _shapes_taken(lambda shape: made(_weights(shape))):
        for dtype, factor in (("float32", 1.0), ("float16", 1.0), ("float32", 0.0)):
            weights = keras.ops.cast(factor * _weights(shape), dtype)
            found = made(weights)
            wanted = f"shape {shape} and dtype {dtype}"
            what = f"shape {tuple(found.shape)} and dtype {dtype_of(found)}"
            if what != wanted or not np.isfinite(array_of(found)).all():
                at_fault = "dtype" if tuple(found.shape) == shape else "shape"
                case.fail(
                    at_fault=at_fault if what != wanted else "__call__",
                    wanted=f"finite values of {wanted}",
                    found=f"{shown(array_of(found))} of {what}",
                    method="__call__",
                    called_with="weights" if factor else "zeros",
                )


def check_constraint_is_idempotent(case: Case) -> None:
    """What keeps the constraint already is left as it is.

    Otherwise weights go on changing after each step, without a gradient.
    """
    made = case.make()
    for shape in _shapes_taken(lambda shape: made(_weights(shape))):
        once = made(_weights(shape))
        if tuple(once.shape) != shape:
            reason = "it does not keep the shape: see C621"
            raise Skip(reason)
        found = array_of(made(once))
        if not is_close(found, array_of(once)):
            case.fail(
                at_fault="__call__",
                wanted=f"{shown(array_of(once))}, as after the first time",
                found=f"{shown(found)} after the second time",
                method="__call__",
                called_with=f"weights of shape {shape}",
            )


def _shapes_taken(call: Any) -> list[tuple[int, ...]]:
    """The shapes for which a call works."""
    taken = list(_iter_taken(call))
    if not taken:
        reason = f"it takes no weights of shapes {', '.join(map(str, _SHAPES))}"
        raise Skip(reason)
    return taken


def _iter_taken(call: Any) -> Iterator[tuple[int, ...]]:
    for shape in _SHAPES:
        try:
            call(shape)
        except Exception:  # noqa: BLE001, S112 - the author's code, which refuses as it likes
            continue
        yield shape


def _weights(shape: tuple[int, ...]) -> Any:
    values = np.random.default_rng(5).normal(size=shape).astype("float32")
    return keras.ops.convert_to_tensor(values)


_INITIALIZER = frozenset({Kind.INITIALIZER})
_REGULARIZER = frozenset({Kind.REGULARIZER})
_CONSTRAINT = frozenset({Kind.CONSTRAINT})

WEIGHT_CHECKS = (
    Check(
        "C601",
        check_initializer_gives_shape_and_dtype,
        "hand shape and dtype on to what makes the values",
        kinds=_INITIALIZER,
    ),
    Check(
        "C602",
        check_dtype_may_be_left_out,
        "give dtype the default None, and use keras.backend.floatx() for it",
        kinds=_INITIALIZER,
        on_first_case=True,
    ),
    Check(
        "C603",
        check_seed_decides,
        "draw with keras.random and seed=self.seed, and keep the seed in the config",
        kinds=_INITIALIZER,
        on_first_case=True,
    ),
    Check(
        "C611",
        check_penalty_is_one_number,
        "sum over all axes, and cast constants to the dtype of the weights",
        kinds=_REGULARIZER,
    ),
    Check(
        "C612",
        check_penalty_has_a_finite_gradient,
        "add keras.backend.epsilon() below roots and divisions",
        kinds=_REGULARIZER,
    ),
    Check(
        "C621",
        check_constraint_keeps_shape_and_dtype,
        "keepdims=True in sums, and keras.backend.epsilon() in divisions",
        kinds=_CONSTRAINT,
    ),
    Check(
        "C622",
        check_constraint_is_idempotent,
        "project: change only what breaks the constraint",
        kinds=_CONSTRAINT,
        on_first_case=True,
    ),
)
