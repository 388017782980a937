"""Checks of losses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import keras
import numpy as np

from keras_registry.contract.numerics import array_of, compiled, gradient, is_close, shown
from keras_registry.contract.results import Skip
from keras_registry.contract.table import Check
from keras_registry.contract.targets import Guess, guesses_for, nothing_fits
from keras_registry.names import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keras_registry.contract.subjects import Case

__all__ = ["LOSS_CHECKS"]

_REDUCTIONS = ("sum", "sum_over_batch_size", "mean")


def check_one_value_for_each_sample(case: Case) -> None:
    """Its method `call` returns one value for each sample.

    A `call` that returns one number for the whole batch makes sample weights, class weights and
    masks scale that number: they no longer tell samples apart.
    """
    trial = _try(case)
    if trial.values.shape[:1] != (trial.guess.batch,):
        trial.fail(
            at_fault="call",
            wanted=f"values of shape ({trial.guess.batch},) or ({trial.guess.batch}, …)",
            found=f"shape {trial.values.shape}",
            method="call",
        )


def check_reductions_agree(case: Case) -> None:
    """With each `reduction`, its value is that of the values of the samples.

    Keras reduces what `call` returns: an object that reduces by itself gives another loss than the
    one that its config names.
    """
    trial = _try(case)
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
    trial = _try(case).by_sample()
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
    trial = _try(case).by_sample()
    mask = np.arange(trial.guess.y_pred[..., 0].size).reshape(trial.guess.y_pred.shape[:-1]) % 3 > 0
    if mask.shape != trial.values.shape:
        reason = f"a mask of shape {mask.shape} does not fit values of shape {trial.values.shape}"
        raise Skip(reason)
    found = trial.reduced("sum", y_pred=_Masked(mask)(trial.guess.y_pred))
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
    trial = _try(case)
    for dtype in ("float16", "float64"):
        try:
            loss = trial.case.make(dtype=dtype)
        except (TypeError, ValueError):
            reason = "its constructor takes no dtype"
            raise Skip(reason) from None
        try:
            value = loss(trial.guess.y_true, trial.guess.y_pred)
        except Exception as error:  # noqa: BLE001 - the author's code, which raises what it likes
            trial.fail(
                at_fault="dtype",
                wanted=f"a value with dtype={dtype!r}",
                found=f"{type(error).__name__}: {error}",
                method="call",
            )
        found = keras.backend.standardize_dtype(value.dtype)
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
    trial = _try(case).by_sample()
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
    trial = _try(case)
    for label, guess in _extremes(trial):
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
    trial = _try(case)
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
    trial = _try(case).by_sample()
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
    trial = _try(case)
    wanted = trial.reduced("sum_over_batch_size")
    whole = [trial.guess.y_true, trial.guess.y_pred]
    try:
        function = compiled(lambda y_true, y_pred: trial.loss(y_true, y_pred), whole)
        found = array_of(function(*whole))
    except Exception as error:  # noqa: BLE001 - the author's code, which raises what it likes
        trial.fail(
            at_fault="call",
            wanted="a loss that can be compiled",
            found=f"{type(error).__name__}: {str(error).strip()}",
            method="call",
        )
    if not is_close(found, wanted):
        trial.fail(
            at_fault="call",
            wanted=f"{shown(wanted)}, as before it was compiled",
            found=shown(found),
            method="call",
        )


@dataclass(frozen=True)
class _Trial:
    """A loss that takes a guess.

    Attributes:
        case: How it was made.
        loss: The loss.
        guess: What it takes.
        values: What `call` returns.
    """

    case: Case
    loss: Any
    guess: Guess
    values: np.ndarray[Any, Any]

    def by_sample(self) -> _Trial:
        """Returns itself if it has a value for each sample; that others lack it is said once."""
        if self.values.shape[:1] != (self.guess.batch,):
            reason = "its values are not one for each sample: see C301"
            raise Skip(reason)
        return self

    def values_of(self, guess: Guess) -> np.ndarray[Any, Any]:
        """What `call` returns."""
        return _call(self.loss, guess)

    def find_value(self, guess: Guess) -> np.ndarray[Any, Any] | None:
        """The value of the loss, or None if it refuses what it is called with."""
        try:
            return array_of(self.loss(guess.y_true, guess.y_pred))
        except Exception:  # noqa: BLE001 - the author's code, which refuses as it likes
            return None

    def reduced(
        self, reduction: str, *, y_pred: Any = None, sample_weight: Any = None
    ) -> np.ndarray[Any, Any]:
        """The value of the loss with a reduction."""
        former, self.loss.reduction = self.loss.reduction, reduction
        try:
            given = {} if sample_weight is None else {"sample_weight": sample_weight}
            y_pred = self.guess.y_pred if y_pred is None else y_pred
            return array_of(self.loss(self.guess.y_true, y_pred, **given))
        finally:
            self.loss.reduction = former

    def gradient(self, guess: Guess) -> np.ndarray[Any, Any] | None:
        """The gradient of the sum of the values by the predictions."""
        y_true = keras.ops.convert_to_tensor(guess.y_true, dtype=self.loss.dtype)
        return gradient(lambda y_pred: self.loss.call(y_true, y_pred), guess.y_pred)

    def rise(self, step: np.ndarray[Any, Any]) -> float:
        """How much higher the sum of the values is one step on than one step back."""
        y_true, y_pred = self.guess.y_true, self.guess.y_pred
        ahead, back = (
            self.values_of(Guess("", y_true, y_pred + sign * step)).astype("float64")
            for sign in (1, -1)
        )
        return float(np.sum(ahead) - np.sum(back))

    def fail(self, *, at_fault: str, wanted: str, found: str, method: str) -> NoReturn:
        """Ends the check; the case says what the loss was called with."""
        self.case.fail(
            at_fault=at_fault,
            wanted=wanted,
            found=found,
            method=method,
            called_with=self.guess.label,
        )


def _try(case: Case) -> _Trial:
    """The loss with the first guess that it takes and that it has finite values for.

    Raises:
        Skip: It takes none, or has another value each time.
    """
    loss, fallback = case.make(), None
    for guess in guesses_for(case.subject):
        try:
            values, again = _call(loss, guess), _call(loss, guess)
        except Exception:  # noqa: BLE001, S112 - the author's code, which refuses as it likes
            continue
        if not np.isfinite(values).all():
            continue
        if not is_close(again, values):
            reason = "it has another value each time"
            raise Skip(reason)
        trial = _Trial(case, loss, guess, values)
        if values.shape[:1] == (guess.batch,):
            return trial
        fallback = fallback or trial
    if fallback is None:
        raise nothing_fits(case.subject)
    return fallback


def _call(loss: Any, guess: Guess) -> np.ndarray[Any, Any]:
    """What `call` returns for the tensors that Keras would hand to it."""
    tensors = [
        keras.ops.convert_to_tensor(value, dtype=loss.dtype)
        for value in (guess.y_true, guess.y_pred)
    ]
    return array_of(loss.call(*tensors))


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
    return bool(keras.backend.standardize_dtype(made.dtype) != dtype)


def _extremes(trial: _Trial) -> Iterator[tuple[str, Guess]]:
    """Predictions at the ends of what the loss takes."""
    y_true, y_pred = trial.guess.y_true, trial.guess.y_pred

    def predicted(value: Any) -> Guess:
        return Guess("", y_true, np.asarray(value, dtype=y_pred.dtype))

    if y_true.shape == y_pred.shape:
        yield "predictions equal to the targets", predicted(y_true)
    if y_pred.dtype.kind != "f":
        return
    takes_real = _takes(trial, predicted(y_pred * 6 - 3))
    if y_true.shape == y_pred.shape and set(np.unique(y_true)) <= {0.0, 1.0}:
        yield "probabilities of 1 for what is false and 0 for what is true", predicted(1 - y_true)
    yield "predictions of 0", predicted(np.zeros_like(y_pred))
    if takes_real:
        signs = np.where(np.arange(y_pred.size).reshape(y_pred.shape) % 2, 1.0, -1.0)
        if not _grows_by_itself(trial, signs):
            yield "predictions of 100 and -100", predicted(100 * signs)


def _takes(trial: _Trial, guess: Guess) -> bool:
    """Whether the loss is defined there at all: a logarithm is not for what is negative."""
    found = trial.find_value(guess)
    return found is not None and bool(np.isfinite(found).all())


def _grows_by_itself(trial: _Trial, signs: np.ndarray[Any, Any]) -> bool:
    """Whether the loss is an exponential, so that an infinite value is its true value."""
    values = [
        np.abs(trial.values_of(Guess("", trial.guess.y_true, (size * signs).astype("float32"))))
        for size in (20.0, 40.0)
    ]
    return bool(values[1].max() > 1e6 * max(float(values[0].max()), 1e-30))


class _Masked(keras.layers.Layer):  # type: ignore[misc]
    """Hands on what it is given, with a mask."""

    def __init__(self, mask: Any) -> None:
        super().__init__()
        self.mask = mask

    def call(self, inputs: Any) -> Any:
        return inputs

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return keras.ops.convert_to_tensor(self.mask)


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
