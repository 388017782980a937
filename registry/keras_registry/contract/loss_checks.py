"""Checks of losses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_registry.contract.attempts import attempting
from keras_registry.contract.losses import extremes_of, try_loss
from keras_registry.contract.masking import masked
from keras_registry.contract.numerics import array_of, compiled, dtype_of, is_close, shown
from keras_registry.contract.results import Skip
from keras_registry.contract.table import Check
from keras_registry.contract.targets import Guess, guesses_for
from keras_registry.names import Kind

if TYPE_CHECKING:
    from keras_registry.contract.subjects import Case

__all__ = ["LOSS_CHECKS"]

_REDUCTIONS = ("sum", "sum_over_batch_size", "mean")


def check_one_value_for_each_sample(case: Case) -> str:
    """Its method `call` returns one value for each sample.

    A `call` that returns one number for the whole batch makes sample weights, class weights and
    masks scale that number: they no longer tell samples apart.
    """
    trial = try_loss(case)
    if trial.values.shape[:1] != (trial.guess.batch,):
        trial.fail(
            at_fault="call",
            wanted=f"values of shape ({trial.guess.batch},) or ({trial.guess.batch}, …)",
            found=f"shape {trial.values.shape}",
            method="call",
        )
    return f"called with {trial.guess.label}"


def check_reductions_agree(case: Case) -> None:
    """With each `reduction`, its value is that of the values of the samples.

    Keras reduces what `call` returns: an object that reduces by itself gives another loss than the
    one that its config names.
    """
    trial = try_loss(case)
    for reduction in ("none", *_REDUCTIONS):
        found = trial.reduced(reduction)
        wanted = _reduced(trial.values, reduction)
        if not is_close(found, wanted):
            trial.fail(
                at_fault="reduction",
                wanted=f"{shown(wanted)} for reduction={reduction!r}",
                found=f"{shown(found)}{_shape_note(found, wanted)}",
                method="__call__",
            )


def check_sample_weights_count(case: Case) -> None:
    """A weight given for a sample multiplies its value.

    A loss that leaves weights out trains as if there were none, and nothing says so.
    """
    trial = try_loss(case).by_sample()
    weights = np.linspace(0.0, 2.0, trial.guess.batch, dtype="float32")
    weights = weights.reshape((-1, *(1,) * (trial.values.ndim - 1)))
    found = trial.reduced("sum", sample_weight=weights)
    wanted = np.sum(trial.values * weights)
    if not is_close(found, wanted):
        trial.fail(
            at_fault="sample_weight",
            wanted=f"{shown(wanted)} with the weights {shown(weights)} and reduction='sum'",
            found=f"{shown(found)}; without weights it is {shown(np.sum(trial.values))}",
            method="__call__",
        )


def check_masked_samples_do_not_count(case: Case) -> None:
    """What the mask of the predictions leaves out does not count.

    A loss that leaves the mask out trains on padding.
    """
    trial = try_loss(case).by_sample()
    mask = np.arange(trial.guess.y_pred[..., 0].size).reshape(trial.guess.y_pred.shape[:-1]) % 3 > 0
    if mask.shape != trial.values.shape:
        reason = f"a mask of shape {mask.shape} does not fit values of shape {trial.values.shape}"
        raise Skip(reason)
    found = trial.reduced("sum", y_pred=masked(trial.guess.y_pred, mask))
    wanted = np.sum(trial.values[mask])
    if not is_close(found, wanted):
        trial.fail(
            at_fault="mask",
            wanted=f"{shown(wanted)} where every third value is masked, with reduction='sum'",
            found=f"{shown(found)}; without a mask it is {shown(np.sum(trial.values))}",
            method="__call__",
        )


def check_dtype_of_the_loss(case: Case) -> None:
    """Its value has the loss's own dtype, also where that is not the default.

    Under mixed precision, and wherever `dtype` is given, constants and casts of a fixed dtype
    raise an error or change the result's dtype.
    """
    trial = try_loss(case)
    for dtype in ("float16", "float64"):
        try:
            loss = trial.case.make(dtype=dtype)
        except (TypeError, ValueError):
            reason = "its constructor takes no dtype"
            raise Skip(reason) from None
        words, label = f"a value with dtype={dtype!r}", trial.guess.label
        with attempting(case, "dtype", words, method="call", called_with=label):
            value = loss(trial.guess.y_true, trial.guess.y_pred)
        found = dtype_of(value)
        if found != loss.dtype and not _is_jax_without(dtype):
            trial.fail(
                at_fault="dtype",
                wanted=f"a value of dtype {loss.dtype}",
                found=f"a value of dtype {found}",
                method="call",
            )


def check_batch_split_equals_whole(case: Case) -> None:
    """The value of a sample does not depend on the other samples of its batch.

    Otherwise the loss changes with the size of the batch, and validation with its last batch.
    """
    trial = try_loss(case).by_sample()
    cut = trial.guess.batch - 3
    parts = [trial.guess.part(slice(None, cut)), trial.guess.part(slice(cut, None))]
    found = np.concatenate([trial.values_of(part) for part in parts])
    if not is_close(found, trial.values):
        trial.fail(
            at_fault="call",
            wanted=f"values {shown(trial.values)}, as for the whole batch",
            found=f"{shown(found)} for two parts of it",
            method="call",
        )


def check_finite_at_extremes(case: Case) -> None:
    """Its value and its gradient are finite where predictions are perfect, or as wrong as can be.

    One sample with an infinite gradient turns all weights into NaN.
    """
    trial = try_loss(case)
    for label, guess in extremes_of(trial):
        with np.errstate(all="ignore"):
            value = trial.values_of(guess)
        if not np.isfinite(value).all():
            trial.fail(
                at_fault="call",
                wanted="finite values",
                found=f"{_worst(value)} for {label}",
                method="call",
            )
        slope = trial.gradient(guess)
        if slope is not None and not np.isfinite(slope).all():
            trial.fail(
                at_fault="call",
                wanted="a finite gradient",
                found=f"a gradient of {_worst(slope)} for {label}",
                method="call",
            )


def check_gradient_is_that_of_the_values(case: Case) -> None:
    """Its gradient by the predictions is the slope of its values.

    A loss that goes through integers, rounding or numpy has no gradient: a model does not learn
    from it.
    """
    trial = try_loss(case)
    if trial.guess.y_pred.dtype.kind != "f":
        reason = "its predictions are integers"
        raise Skip(reason)
    slope = trial.gradient(trial.guess)
    if slope is None or not slope.any():
        trial.fail(
            at_fault="call",
            wanted="a gradient by y_pred",
            found="none" if slope is None else "a gradient of zeros",
            method="call",
        )
    random, wanted, found = np.random.default_rng(3), 0.0, 0.0
    for _ in range(4):  # A direction may cross an edge of the loss; not every one does.
        step = random.choice([-1.0, 1.0], trial.guess.y_pred.shape).astype("float32") * 5e-3
        wanted, found = trial.rise(step), float(np.sum(slope * step * 2))
        if abs(found - wanted) <= 0.05 * abs(wanted) + 2e-3 * float(np.abs(slope * step).sum()):
            return
    trial.fail(
        at_fault="call",
        wanted=f"a gradient that gives {shown(wanted)} for a small step in y_pred",
        found=shown(found),
        method="call",
    )


def check_ranks_do_not_broadcast(case: Case) -> None:
    """Targets of shape (batch,) are refused, or mean the same as targets of shape (batch, 1).

    Targets without the last axis of the predictions are subtracted from each of them: every
    prediction is compared with the targets of all other samples, and nothing says so.
    """
    trial = try_loss(case).by_sample()
    for guess in guesses_for(case.subject):
        if guess.y_pred.shape != (guess.batch, 1) or guess.y_true.shape != (guess.batch, 1):
            continue
        wanted = trial.find_value(guess)
        found = trial.find_value(Guess(guess.label, guess.y_true[:, 0], guess.y_pred))
        if wanted is None or found is None:
            return
        if not is_close(found, wanted):
            trial.fail(
                at_fault="y_true",
                wanted=f"{shown(wanted)}, as for y_true {guess.y_true.shape}, or an error",
                found=f"{shown(found)} for y_true {guess.y_true[:, 0].shape} "
                f"and y_pred {guess.y_pred.shape}",
                method="call",
            )


def check_loss_runs_compiled(case: Case) -> None:
    """Compiled, and for a batch whose size is not known, it has the same value.

    `fit` compiles the loss: what looks at numbers, or at the size of the batch, in Python fails
    there, or keeps the numbers of the first batch.
    """
    trial = try_loss(case)
    whole = [trial.guess.y_true, trial.guess.y_pred]
    wanted = array_of(trial.loss(*whole))
    words = "a loss that can be compiled"
    with attempting(case, "call", words, method="call", called_with=trial.guess.label):
        function = compiled(trial.loss.__call__, whole)
        found = array_of(function(*whole))
    if not is_close(found, wanted):
        trial.fail(
            at_fault="call",
            wanted=f"{shown(wanted)}, as before it was compiled",
            found=shown(found),
            method="call",
        )


def _reduced(values: np.ndarray[Any, Any], reduction: str) -> np.ndarray[Any, Any]:
    if reduction == "none":
        return values
    return np.asarray(np.sum(values) if reduction == "sum" else np.mean(values))


def _shape_note(found: np.ndarray[Any, Any], wanted: np.ndarray[Any, Any]) -> str:
    return "" if found.shape == wanted.shape else f" of shape {found.shape}, not {wanted.shape}"


def _worst(values: np.ndarray[Any, Any]) -> str:
    return "NaN" if np.isnan(values).any() else "infinity"


def _is_jax_without(dtype: str) -> bool:
    """Whether the backend makes something else of a dtype by itself, as JAX does of float64."""
    made = keras.ops.zeros((), dtype=dtype)
    return bool(dtype_of(made) != dtype)


_LOSS = frozenset({Kind.LOSS})

LOSS_CHECKS = (
    Check(
        "C301",
        check_one_value_for_each_sample,
        "average over the last axis only: keras.ops.mean(…, axis=-1)",
        kinds=_LOSS,
    ),
    Check(
        "C302",
        check_reductions_agree,
        "override call, not __call__, and return one value for each sample: Keras reduces them",
        kinds=_LOSS,
        on_first_case=True,
    ),
    Check(
        "C303",
        check_sample_weights_count,
        "override call, not __call__, so that Keras multiplies by the weights",
        kinds=_LOSS,
        on_first_case=True,
    ),
    Check(
        "C304",
        check_masked_samples_do_not_count,
        "override call, not __call__, so that Keras reads the mask of the predictions",
        kinds=_LOSS,
        on_first_case=True,
    ),
    Check(
        "C305",
        check_dtype_of_the_loss,
        "cast constants to the dtype of y_pred, and use keras.ops",
        kinds=_LOSS,
        on_first_case=True,
    ),
    Check(
        "C306",
        check_batch_split_equals_whole,
        "normalise by what belongs to one sample, not over the batch",
        kinds=_LOSS,
    ),
    Check(
        "C307",
        check_finite_at_extremes,
        "clip before logarithms, roots and divisions, with keras.backend.epsilon()",
        kinds=_LOSS,
    ),
    Check(
        "C308",
        check_gradient_is_that_of_the_values,
        "leave out rounding, integers, numpy and stop_gradient on the way from y_pred",
        kinds=_LOSS,
    ),
    Check(
        "C309",
        check_ranks_do_not_broadcast,
        "bring y_true to the shape of y_pred first, or raise an error where it has another rank",
        kinds=_LOSS,
        on_first_case=True,
    ),
    Check(
        "C310",
        check_loss_runs_compiled,
        "use keras.ops on tensors, and keras.ops.shape(x)[0] for the size of the batch",
        kinds=_LOSS,
        on_first_case=True,
    ),
)
