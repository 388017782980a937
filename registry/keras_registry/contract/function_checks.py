"""Checks of functions, such as activations."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_registry.contract.attempts import attempting
from keras_registry.contract.numerics import (
    array_of,
    compiled,
    dtype_of,
    gradient,
    is_close,
    shown,
)
from keras_registry.contract.results import Skip
from keras_registry.contract.table import Check
from keras_registry.names import Kind

if TYPE_CHECKING:
    from keras_registry.contract.subjects import Case

__all__ = ["FUNCTION_CHECKS"]

_LINE = np.concatenate(
    [np.linspace(-50, 50, 41), np.linspace(-2, 2, 41), [-1e-3, -1e-6, 1e-6, 1e-3]]
).astype("float32")
_GRID = np.stack([_LINE, np.roll(_LINE, 7)], axis=-1)
"""Where a function of one tensor is looked at; with 0, where roots and absolute values bend."""

_NEAR = _GRID[48:]
"""The part of it near 0, which any dtype holds."""


def check_function_comes_back(case: Case) -> None:
    """Its key leads to itself.

    A model file has nothing of a function but its key.
    """
    saved = keras.saving.serialize_keras_object(case.subject.target)
    found = keras.saving.deserialize_keras_object(saved)
    if found is not case.subject.target:
        case.fail(
            at_fault=case.subject.key,
            wanted=f"{case.subject.target.__module__}.{case.subject.target.__qualname__}",
            found=f"{getattr(found, '__module__', '')}.{getattr(found, '__qualname__', found)}",
        )


def check_function_keeps_batch_and_dtype(case: Case) -> None:
    """What it returns has as many samples as it was given, and their dtype.

    Under mixed precision, constants of a fixed dtype raise an error or change the dtype.
    """
    function = _of_one_tensor(case)
    for dtype in ("float32", "float16"):
        words = f"a result for a tensor of dtype {dtype}"
        with attempting(case, "dtype", words, method="__call__"):
            found = function(keras.ops.convert_to_tensor(_NEAR, dtype=dtype))
        length = len(_NEAR)
        if tuple(found.shape)[:1] != (length,) or dtype_of(found) != dtype:
            case.fail(
                at_fault="dtype" if dtype_of(found) != dtype else "shape",
                wanted=f"shape ({length}, …) and dtype {dtype}",
                found=f"shape {tuple(found.shape)} and dtype {dtype_of(found)}",
                called_with=f"a tensor of shape {_NEAR.shape}",
            )


def check_function_has_a_finite_gradient(case: Case) -> None:
    """Where its values are finite, its gradient is finite too, and there is one.

    `keras.ops.where` does not help: a NaN in the branch that is not taken is in the gradient.
    """
    function = _of_one_tensor(case)
    values = array_of(function(keras.ops.convert_to_tensor(_GRID)))
    if values.dtype.kind != "f" or values.shape != _GRID.shape:
        reason = "it does not return a number for each number"
        raise Skip(reason)
    # Not their sum, which is always the same where shares add up to one.
    weights = np.cos(np.arange(_GRID.size)).reshape(_GRID.shape).astype("float32")
    slope = gradient(lambda x: function(x) * weights, _GRID)
    if slope is None or not slope.any():
        case.fail(
            at_fault="gradient",
            wanted="a gradient",
            found="none" if slope is None else "zeros everywhere",
        )
    wrong = np.isfinite(values) & ~np.isfinite(slope)
    if wrong.any():
        place = _GRID[wrong][0]
        case.fail(
            at_fault="gradient",
            wanted="a finite gradient where the value is finite",
            found=f"{shown(slope[wrong][0])} at {place:g}, where the value is "
            f"{shown(values[wrong][0])}",
        )


def check_function_is_finite(case: Case) -> None:
    """It has finite values for large numbers if it has for small ones.

    An exponential that is not shifted or clipped turns activations into infinity or NaN.
    """
    function = _of_one_tensor(case)
    grid = np.array([[-3e4], [-300.0], [-100.0], [100.0], [300.0], [3e4]], "float32").repeat(2, 1)
    values = array_of(function(keras.ops.convert_to_tensor(grid)))
    if values.shape[:1] != (len(grid),):
        reason = "it does not keep the batch: see C632"
        raise Skip(reason)
    small = array_of(
        function(keras.ops.convert_to_tensor(np.array([[20.0] * 2, [40.0] * 2], "f4")))
    )
    if values.dtype.kind != "f" or np.abs(small[1]).max() > 1e6 * max(np.abs(small[0]).max(), 1.0):
        return  # It is an exponential, and infinity is its true value.
    wrong = ~np.isfinite(values).reshape(len(grid), -1).all(axis=1)
    if wrong.any():
        case.fail(
            at_fault=case.subject.target.__name__,
            wanted="finite values",
            found=f"{shown(values[wrong][0])} at {grid[wrong][0, 0]:g}",
        )


def check_function_runs_compiled(case: Case) -> None:
    """Compiled, and for a batch whose size is not known, it has the same values.

    What looks at numbers, or at the size of the batch, in Python fails there.
    """
    function = _of_one_tensor(case)
    wanted = array_of(function(keras.ops.convert_to_tensor(_NEAR)))
    name = case.subject.target.__name__
    with attempting(case, name, "a function that can be compiled", method="__call__"):
        found = array_of(compiled(function, [_NEAR])(_NEAR))
    if not is_close(found, wanted):
        case.fail(
            at_fault=name,
            wanted=f"{shown(wanted)}, as before it was compiled",
            found=shown(found),
        )


def _of_one_tensor(case: Case) -> Any:
    """The function, if it takes one tensor of floats and returns another.

    Raises:
        Skip: It takes something else.
    """
    function = case.make()
    needed = [
        parameter
        for parameter in inspect.signature(function).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind not in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}
    ]
    if len(needed) == 1 and needed[0].kind is not needed[0].KEYWORD_ONLY:
        try:
            found = function(keras.ops.convert_to_tensor(_GRID))
        except Exception:  # noqa: BLE001 - the author's code, which refuses as it likes
            found = None
        if keras.ops.is_tensor(found) and np.isfinite(array_of(found)).any():
            return function
    reason = "it is no function of one tensor of floats"
    raise Skip(reason)


_FUNCTION = frozenset({Kind.FUNCTION})

FUNCTION_CHECKS = (
    Check(
        "C631",
        check_function_comes_back,
        "register the function itself, under one key, at the top of a module",
        kinds=_FUNCTION,
    ),
    Check(
        "C632",
        check_function_keeps_batch_and_dtype,
        "use keras.ops and numbers of Python, and reduce no axis but the last",
        kinds=_FUNCTION,
    ),
    Check(
        "C633",
        check_function_has_a_finite_gradient,
        "make the argument safe before the root, logarithm or division, not the result after it",
        kinds=_FUNCTION,
    ),
    Check(
        "C634",
        check_function_is_finite,
        "use keras.ops.softplus, logsumexp, sigmoid and the like, or clip the argument",
        kinds=_FUNCTION,
    ),
    Check(
        "C635",
        check_function_runs_compiled,
        "use keras.ops on tensors, and keras.ops.shape(x)[0] for the size of the batch",
        kinds=_FUNCTION,
    ),
)
