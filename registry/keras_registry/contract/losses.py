"""A loss that is tried out: what it takes, its values, its gradient, and where it may end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import keras
import numpy as np

from keras_registry.contract.numerics import array_of, gradient, is_close
from keras_registry.contract.results import Skip
from keras_registry.contract.targets import Guess, guesses_for, nothing_fits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keras_registry.contract.subjects import Case

__all__ = ["Trial", "extremes_of", "try_loss"]


@dataclass(frozen=True)
class Trial:
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

    def by_sample(self) -> Trial:
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


def try_loss(case: Case) -> Trial:
    """The loss with the first guess that it takes and has finite values for, of fitting shape.

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
        trial = Trial(case, loss, guess, values)
        if values.ndim and values.shape == guess.y_pred.shape[: values.ndim]:
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


def extremes_of(trial: Trial) -> Iterator[tuple[str, Guess]]:
    """Predictions at the ends of what the loss takes."""
    y_true, y_pred = trial.guess.y_true, trial.guess.y_pred

    def predicted(value: Any) -> Guess:
        return Guess("", y_true, np.asarray(value, dtype=y_pred.dtype))

    if y_true.shape == y_pred.shape:
        yield "predictions equal to the targets", predicted(y_true)
    if y_pred.dtype.kind != "f":
        return
    if y_true.shape == y_pred.shape and set(np.unique(y_true)) <= {0.0, 1.0}:
        # Shares of one sample add up to one: all of it goes to a wrong class.
        wrong = np.roll(y_true, 1, axis=-1) if trial.guess.is_one_hot else 1 - y_true
        yield "probabilities of 1 for what is false and 0 for what is true", predicted(wrong)
    if _takes(trial, predicted(y_pred * 6 - 3)):
        # What divides shares by their sum is not defined where there is nothing to share.
        if not (trial.guess.is_one_hot and _is_alike(trial, predicted(2 * y_pred))):
            yield "predictions of 0", predicted(np.zeros_like(y_pred))
        signs = np.where(np.arange(y_pred.size).reshape(y_pred.shape) % 2, 1.0, -1.0)
        if not _grows_by_itself(trial, signs):
            yield "predictions of 100 and -100", predicted(100 * signs)


def _takes(trial: Trial, guess: Guess) -> bool:
    """Whether the loss is defined there at all: a logarithm is not for what is negative."""
    found = trial.find_value(guess)
    return found is not None and bool(np.isfinite(found).all())


def _is_alike(trial: Trial, guess: Guess) -> bool:
    return is_close(trial.values_of(guess), trial.values)


def _grows_by_itself(trial: Trial, signs: np.ndarray[Any, Any]) -> bool:
    """Whether the loss is an exponential, so that an infinite value is its true value."""
    values = [
        np.abs(trial.values_of(Guess("", trial.guess.y_true, (size * signs).astype("float32"))))
        for size in (20.0, 40.0)
    ]
    return bool(values[1].max() > 1e6 * max(float(values[0].max()), 1e-30))
