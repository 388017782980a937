"""Checks of layers and models in low precision (C212, C213)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

from keras_registry.contract.attempts import attempting, in_a_line
from keras_registry.contract.configs import parameters_of
from keras_registry.contract.inputs import call_for
from keras_registry.contract.layer_checks import LAYERS
from keras_registry.contract.results import Skip
from keras_registry.contract.table import Check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keras_registry.contract.subjects import Case

__all__ = ["DTYPE_CHECKS"]

_POLICIES = ("mixed_float16", "mixed_bfloat16")

_NO_KERNEL = ("NotFoundError", "UnimplementedError")
"""What TensorFlow raises for an operation that it does not have for a dtype on a device."""


def check_follows_its_dtype_policy(case: Case) -> None:
    """Under mixed precision it runs, computes in the low precision, and keeps its weights.

    A constant or cast of a fixed dtype raises an error there, or gives every layer behind it
    another dtype.
    """
    if "dtype" not in parameters_of(case.subject.target):
        reason = "its constructor takes no dtype"
        raise Skip(reason)
    call = call_for(case)
    holds_layers = case.holds_layers
    plain = case.make()
    real = [_dtype(item) == "float32" for item in keras.tree.flatten(plain(*call.arguments))]
    wanted = [weight.dtype for weight in plain.weights]
    for policy in _POLICIES:
        label = f"{call.label}, dtype={policy!r}"
        try:
            made = case.make(dtype=policy)
        except (TypeError, ValueError) as error:
            reason = f"it refuses dtype={policy!r}: {in_a_line(error)}"
            raise Skip(reason) from error
        with attempting(case, "call", "outputs", method="call", called_with=label):
            outputs = keras.tree.flatten(_run(made, call.arguments))
        if holds_layers or made._layers:  # noqa: SLF001 - there is no public way to inner layers
            continue  # which have dtypes of their own
        compute = keras.dtype_policies.get(policy).compute_dtype
        stray = [_dtype(o) for o, is_real in zip(outputs, real, strict=True) if is_real]
        if any(dtype != compute for dtype in stray):
            case.fail(
                at_fault="call",
                wanted=f"outputs of {compute}",
                found=f"outputs of {', '.join(stray)}",
                method="call",
                called_with=label,
            )
        for weight, dtype in zip(made.weights, wanted, strict=True):
            if weight.dtype != dtype:
                case.fail(
                    at_fault=weight.name,
                    wanted=f"a weight of {dtype}",
                    found=f"a weight of {weight.dtype}",
                    method="build",
                    called_with=label,
                )


def check_takes_low_precision_inputs(case: Case) -> None:
    """It takes inputs of float16, as a layer under mixed precision hands them on."""
    call = call_for(case)
    if not call.has_real_numbers:
        reason = "it takes no real numbers"
        raise Skip(reason)
    label = f"{call.label}, cast to float16"
    with attempting(case, "call", "outputs", method="call", called_with=label):
        _run(case.make(), call.cast("float16"))


def _run(made: Any, arguments: Sequence[Any]) -> Any:
    """Calls a layer with a dtype that the device may not know."""
    try:
        return made(*arguments)
    except Exception as error:
        if type(error).__name__ not in _NO_KERNEL:
            raise
        reason = f"{keras.backend.backend()} cannot do it here: {in_a_line(error)[:100]}"
        raise Skip(reason) from error


def _dtype(tensor: Any) -> str:
    return str(keras.backend.standardize_dtype(tensor.dtype))


DTYPE_CHECKS = (
    Check(
        "C212",
        check_follows_its_dtype_policy,
        "make constants with dtype=self.compute_dtype, and weights without a dtype",
        kinds=LAYERS,
        on_first_case=True,
    ),
    Check(
        "C213",
        check_takes_low_precision_inputs,
        "leave the casting of inputs to Keras, or cast them to self.compute_dtype",
        kinds=LAYERS,
        on_first_case=True,
    ),
)
