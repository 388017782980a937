"""Checks of what a call of a layer or model gives (C21x): batches, dtypes, masks, gradients."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_registry.contract.attempts import attempting
from keras_registry.contract.inputs import call_for
from keras_registry.contract.layer_checks import LAYERS
from keras_registry.contract.masking import masked
from keras_registry.contract.numerics import array_of, arrays_of, compiled, is_close, shown
from keras_registry.contract.results import Skip
from keras_registry.contract.table import Check
from keras_registry.contract.weight_gradients import gradients_of_weights, reached_in_other_ways

if TYPE_CHECKING:
    from keras_registry.contract.inputs import Call
    from keras_registry.contract.subjects import Case

__all__ = ["CALL_CHECKS"]


def check_takes_any_batch(case: Case) -> None:
    """It takes batches of any size, also where the size is not known beforehand.

    `fit` and `predict` trace a layer once, and the last batch is smaller than the others.
    """
    call = call_for(case)
    made = case.make()
    if getattr(made, "stateful", False):
        reason = "it is stateful, so it keeps to one size"
        raise Skip(reason)
    wanted = arrays_of(made(*call.arguments, training=False))
    traced = compiled(_flat_call(made, call), _flat(call.arguments))
    for batch in (3, 1):
        words = f"outputs for {batch} samples"
        with attempting(case, "call", words, method="call", called_with=call.label):
            found = arrays_of(traced(*_flat(call.resized(batch))))
        for before, after in zip(wanted, found, strict=True):
            # What has the batch as its first axis follows it.
            follows = before.shape[:1] == (2,) and before.ndim == after.ndim
            if follows and after.shape != (batch, *before.shape[1:]):
                case.fail(
                    at_fault="call",
                    wanted=f"shape {(batch, *before.shape[1:])} for {batch} samples",
                    found=f"shape {after.shape}",
                    method="call",
                    called_with=call.label,
                )


def check_passes_masks_on(case: Case) -> None:
    """A mask that it passes on fits its outputs.

    A layer that says `supports_masking` hands the mask of its inputs to its outputs. If it has
    taken the axis of time away, the layers behind it get a mask of the wrong shape.
    """
    made = case.make()
    if not made.supports_masking:
        reason = "it does not say that it supports masks"
        raise Skip(reason)
    first = call_for(case).arguments[0]
    is_single = len(call_for(case).arguments) == 1 and isinstance(first, np.ndarray)
    if not is_single or first.dtype.kind != "f":
        reason = "it takes no single tensor of real numbers"
        raise Skip(reason)
    steps = first if first.ndim > 2 else np.ones((2, 5, *first.shape[1:]), "float32")  # noqa: PLR2004
    try:
        outputs = _flat(made(steps))
    except Exception:  # noqa: BLE001 - it need not take sequences
        reason = f"it takes no float32 of shape {steps.shape}, which could be masked"
        raise Skip(reason) from None
    mask = np.arange(steps.shape[0] * steps.shape[1]).reshape(steps.shape[:2]) % 3 > 0
    label = f"float32 of shape {steps.shape} with a mask of shape {mask.shape}"
    with attempting(case, "compute_mask", "a mask", method="compute_mask", called_with=label):
        made(masked(steps, mask))
        passed = _flat(made.compute_mask(steps, keras.ops.convert_to_tensor(mask)))
    for one, output in zip(passed, outputs, strict=False):
        if one is not None and tuple(one.shape) != tuple(output.shape)[: len(one.shape)]:
            case.fail(
                at_fault="supports_masking",
                wanted=f"no mask, or one for outputs of shape {tuple(output.shape)}",
                found=f"a mask of shape {tuple(one.shape)}",
                method="compute_mask",
                called_with=label,
            )


def check_runs_in_training_and_inference(case: Case) -> None:
    """It runs in training and in inference, and inference changes nothing in it.

    What inference changes depends on the order of the batches, and is another after each call.
    """
    call = call_for(case)
    made = case.make()
    for training in (True, False):
        label = f"{call.label}, training={training}"
        with attempting(case, "training", "outputs", method="call", called_with=label):
            made(*call.arguments, training=training)
    if getattr(made, "stateful", False):
        return
    before = [array_of(weight) for weight in made.weights]
    made(*call.arguments, training=False)
    for weight, value in zip(made.weights, before, strict=True):
        found = array_of(weight)
        if not np.array_equal(found, value, equal_nan=value.dtype.kind == "f"):
            case.fail(
                at_fault=weight.name,
                wanted=f"{shown(value)}, as before a call with training=False",
                found=shown(found),
                method="call",
                called_with=call.label,
            )


def check_follows_the_seed(case: Case) -> None:
    """After `keras.utils.set_random_seed`, weights and outputs are the same each time.

    Random numbers of another source can be repeated by nobody.
    """
    call = call_for(case)

    def run() -> list[Any]:
        keras.utils.set_random_seed(7)
        made = case.make()
        outputs = arrays_of(made(*call.arguments, training=True))
        return [*(array_of(weight) for weight in made.weights), *outputs]

    first, second = run(), run()
    for number, (one, other) in enumerate(zip(first, second, strict=True)):
        if not is_close(other, one, tolerance=1e-5):
            method = "build" if number < len(_called(case, call).weights) else "call"
            case.fail(
                at_fault=method,
                wanted=f"{shown(one)}, as the first time",
                found=shown(other),
                method=method,
                called_with=f"{call.label}, training=True",
            )


def _called(case: Case, call: Call) -> Any:
    made = case.make()
    made(*call.arguments)
    return made


def check_is_the_same_when_compiled(case: Case) -> str | None:
    """It gives the same when it is traced, and when it is compiled by XLA.

    `fit` and `predict` trace a model, and compile it where its layers say that this can be done.
    """
    call = call_for(case)
    made = case.make()
    wanted = arrays_of(made(*call.arguments, training=False))
    again = arrays_of(made(*call.arguments, training=False))
    flat = _flat(call.arguments)
    ways = {"traced": compiled(_flat_call(made, call), flat)}
    if keras.backend.backend() == "tensorflow" and _supports_jit(made):
        import tensorflow as tf

        ways["compiled by XLA"] = tf.function(
            _flat_call(made, call), jit_compile=True, autograph=False
        )
    for way, function in ways.items():
        label = f"{call.label}, {way}"
        with attempting(case, "call", "outputs", method="call", called_with=label):
            found = arrays_of(function(*flat))
        for before, after, other in zip(wanted, found, again, strict=True):
            if is_close(other, before) and not is_close(after, before, tolerance=1e-3):
                case.fail(
                    at_fault="call",
                    wanted=f"{shown(before)}, as without tracing",
                    found=shown(after),
                    method="call",
                    called_with=label,
                )
    return None if len(ways) > 1 else "not compiled by XLA"


def check_gradients_reach_its_weights(case: Case) -> None:
    """Its outputs have finite gradients for every weight that is to be trained.

    A weight that no gradient reaches keeps its first, random values.
    """
    call = call_for(case)
    made = case.make()
    made(*call.arguments)
    if not made.trainable_weights:
        reason = "it has no weights that are trained"
        raise Skip(reason)
    found = gradients_of_weights(made, call.arguments)
    if found is None:
        reason = "its outputs are no real numbers"
        raise Skip(reason)
    is_lacking = any(value is None for value in found)
    elsewhere = reached_in_other_ways(made, call.arguments) if is_lacking else set()
    for weight, value in zip(made.trainable_weights, found, strict=True):
        if value is None and (weight.path in elsewhere or _may_be_zero(case)):
            continue
        if value is None or not np.all(np.isfinite(value)):
            case.fail(
                at_fault=weight.path,
                wanted="a gradient of finite numbers",
                found="no gradient: the outputs do not depend on it"
                if value is None
                else shown(value[~np.isfinite(value)]),
                method="call",
                called_with=call.label,
            )


def _may_be_zero(case: Case) -> bool:
    """Whether it cannot be told if there is no gradient, or one that is 0 for this argument.

    JAX gives zeros for both, and a factor may be 0 where an argument is not the usual one.
    """
    return keras.backend.backend() == "jax" and case is not case.subject.cases[0]


def _supports_jit(made: Any) -> bool:
    layers = made._flatten_layers()  # noqa: SLF001 - there is no public way to inner layers
    return all(getattr(layer, "supports_jit", True) for layer in layers)


def _flat(value: Any) -> list[Any]:
    return list(keras.tree.flatten(list(value) if isinstance(value, tuple) else value))


def _flat_call(made: Any, call: Call) -> Any:
    """The call as a function of flat arguments, as compilers want it."""

    def function(*flat: Any) -> Any:
        arguments = keras.tree.pack_sequence_as(list(call.arguments), list(flat))
        if keras.backend.backend() != "jax":
            return made(*arguments, training=False)
        # Under JAX nothing that is compiled may change a variable, such as the state of a seed.
        variables = made.trainable_variables, made.non_trainable_variables
        values = [[variable.value for variable in some] for some in variables]
        takes_training = "training" in inspect.signature(made.call).parameters
        options = {"training": False} if takes_training else {}
        return made.stateless_call(*values, *arguments, **options)[0]

    return function


CALL_CHECKS = (
    Check(
        "C211",
        check_takes_any_batch,
        "take sizes from keras.ops.shape(inputs), and none from the first batch",
        kinds=LAYERS,
        on_first_case=True,
    ),
    Check(
        "C214",
        check_passes_masks_on,
        "write compute_mask, which returns None where no mask is left, or leave supports_masking",
        kinds=LAYERS,
        on_first_case=True,
    ),
    Check(
        "C215",
        check_runs_in_training_and_inference,
        "take `training=None` in call(), and change weights only where it is true",
        kinds=LAYERS,
        on_first_case=True,
    ),
    Check(
        "C216",
        check_follows_the_seed,
        "draw with keras.random and a keras.random.SeedGenerator",
        kinds=LAYERS,
        on_first_case=True,
    ),
    Check(
        "C217",
        check_is_the_same_when_compiled,
        "use keras.ops in call(); where XLA cannot follow, say self.supports_jit = False",
        kinds=LAYERS,
        on_first_case=True,
    ),
    Check(
        "C218",
        check_gradients_reach_its_weights,
        "use the weight in call() by operations that have gradients, or make it trainable=False",
        kinds=LAYERS,
    ),
)
