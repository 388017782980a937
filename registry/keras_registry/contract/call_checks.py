"""Checks of what a call of a layer or model gives (C21x): batches, dtypes, masks, gradients."""

from __future__ import annotations

import filecmp
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_registry.contract.attempts import attempting, in_a_line
from keras_registry.contract.configs import parameters_of
from keras_registry.contract.inputs import call_for
from keras_registry.contract.layer_checks import LAYERS
from keras_registry.contract.numerics import array_of, arrays_of, compiled, is_close, shown
from keras_registry.contract.results import Skip
from keras_registry.contract.table import Check
from keras_registry.contract.weight_gradients import gradients_of_weights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keras_registry.contract.inputs import Call
    from keras_registry.contract.subjects import Case

__all__ = ["CALL_CHECKS"]

_POLICIES = ("mixed_float16", "mixed_bfloat16")


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
    real = [_dtype(item) == "float32" for item in _flat(plain(*call.arguments))]
    wanted = [weight.dtype for weight in plain.weights]
    for policy in _POLICIES:
        label = f"{call.label}, dtype={policy!r}"
        try:
            made = case.make(dtype=policy)
        except (TypeError, ValueError) as error:
            reason = f"it refuses dtype={policy!r}: {in_a_line(error)}"
            raise Skip(reason) from error
        with attempting(case, "call", "outputs", method="call", called_with=label):
            outputs = _flat(_run(made, call.arguments))
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
        made(keras.layers.Masking()(np.where(mask[(..., *[None] * (steps.ndim - 2))], steps, 0)))
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
    for weight, value in zip(made.trainable_weights, found, strict=True):
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


def check_assets_come_back(case: Case) -> None:
    """What `save_assets` writes, `load_assets` reads, and writes again the same."""
    made = case.make()
    _need_assets(made)
    if case.subject.inputs is not None:
        made(*call_for(case).arguments)
    with tempfile.TemporaryDirectory(prefix="keras-registry-") as name:
        first, second = Path(name, "first"), Path(name, "second")
        first.mkdir()
        second.mkdir()
        made.save_assets(str(first))
        other = case.make()
        other.load_assets(str(first))
        other.save_assets(str(second))
        files = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
        for file in files:
            copy = second / file
            if not copy.exists() or not filecmp.cmp(first / file, copy, shallow=False):
                case.fail(
                    at_fault=str(file),
                    wanted="the same file",
                    found="another one" if copy.exists() else "no such file",
                    method="load_assets",
                )


def check_takes_no_assets(case: Case) -> None:
    """Its `load_assets` takes None, which stands for no assets.

    Keras calls it so where the file has assets, but none of this layer.
    """
    made = case.make()
    _need_assets(made)
    with attempting(case, "load_assets", "nothing to happen", method="load_assets"):
        made.load_assets(None)


def _need_assets(made: Any) -> None:
    if not hasattr(made, "load_assets") and not hasattr(made, "save_assets"):
        reason = "it has no assets"
        raise Skip(reason)


def _supports_jit(made: Any) -> bool:
    layers = made._flatten_layers()  # noqa: SLF001 - there is no public way to inner layers
    return all(getattr(layer, "supports_jit", True) for layer in layers)


_NO_KERNEL = ("NotFoundError", "UnimplementedError")
"""What TensorFlow raises for an operation that it does not have for a dtype on a device."""


def _run(made: Any, arguments: Sequence[Any]) -> Any:
    """Calls a layer with a dtype that the device may not know."""
    try:
        return made(*arguments)
    except Exception as error:
        if type(error).__name__ not in _NO_KERNEL:
            raise
        reason = f"{keras.backend.backend()} cannot do it here: {in_a_line(error)[:100]}"
        raise Skip(reason) from error


def _flat(value: Any) -> list[Any]:
    return list(keras.tree.flatten(list(value) if isinstance(value, tuple) else value))


def _flat_call(made: Any, call: Call) -> Any:
    """The call as a function of flat arguments, as compilers want it."""

    def function(*flat: Any) -> Any:
        arguments = keras.tree.pack_sequence_as(list(call.arguments), list(flat))
        return made(*arguments, training=False)

    return function


def _dtype(tensor: Any) -> str:
    return str(keras.backend.standardize_dtype(tensor.dtype))


CALL_CHECKS = (
    Check(
        "C211",
        check_takes_any_batch,
        "take sizes from keras.ops.shape(inputs), and none from the first batch",
        kinds=LAYERS,
        on_first_case=True,
    ),
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
    Check(
        "C219",
        check_assets_come_back,
        "let load_assets read all files that save_assets writes",
        kinds=LAYERS,
    ),
    Check(
        "C220",
        check_takes_no_assets,
        "begin load_assets with `if path is None: return`",
        kinds=LAYERS,
        on_first_case=True,
    ),
)
