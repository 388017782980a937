"""A metric that is tried out: what it takes, and what it makes of it."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import keras
import numpy as np

from keras_registry.contract.numerics import arrays_of, compiled, is_close, shown
from keras_registry.contract.targets import guesses_for, nothing_fits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keras_registry.contract.subjects import Case
    from keras_registry.contract.targets import Guess

__all__ = ["Trial", "are_close", "numbers_of", "numbers_shown", "try_metric"]

_Arrays = list[np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Trial:
    """A metric that takes a guess.

    Attributes:
        case: How it is made.
        guess: What it takes.
        takes_values: Whether it takes one array of values, not targets and predictions.
        wanted: Its result for all samples at once.
    """

    case: Case
    guess: Guess
    takes_values: bool
    wanted: _Arrays

    def metric(self, *seen: Guess) -> Any:
        """A new metric that has seen some samples."""
        made = self.case.make()
        for guess in seen:
            self.update(made, guess)
        return made

    def update(self, metric: Any, guess: Guess, **given: Any) -> None:
        """Shows samples to a metric."""
        metric.update_state(*self._arguments(guess), **given)

    def weighted(self, weights: np.ndarray[Any, Any]) -> Any:
        """A new metric that has seen all samples with weights.

        Weights that differ by sample are given as they are or, to a metric that wants as many as
        there are targets, to each target of a sample.
        """
        metric = self.case.make()
        try:
            self.update(metric, self.guess, sample_weight=weights)
        except Exception:  # noqa: BLE001 - the author's code, which refuses as it likes
            shape = (self.guess.y_pred if self.takes_values else self.guess.y_true).shape
            metric = self.case.make()
            spread = weights.reshape((-1, *(1,) * (len(shape) - 1)))
            self.update(metric, self.guess, sample_weight=np.broadcast_to(spread, shape))
        return metric

    def update_compiled(self, metric: Any) -> None:
        """Shows all samples to a metric in two batches, as `fit` would."""
        first, second = (self._arguments(part) for part in self.parts())
        if keras.backend.backend() == "jax":
            step = compiled(metric.stateless_update_state, ())
            values = [variable.value for variable in metric.variables]
            for batch in (first, second):
                values = step(values, *batch)
            for variable, value in zip(metric.variables, values, strict=True):
                variable.assign(value)
            return

        def update(*batch: Any) -> None:
            metric.update_state(*batch)

        function = compiled(update, first)
        function(*first)
        function(*second)

    def parts(self) -> tuple[Guess, Guess]:
        """The samples in two batches, the second one smaller."""
        cut = self.guess.batch - 3
        return self.guess.part(slice(None, cut)), self.guess.part(slice(cut, None))

    def fail(self, *, at_fault: str, wanted: str, found: str, method: str) -> NoReturn:
        """Ends the check; the case says what the metric was called with."""
        self.case.fail(
            at_fault=at_fault,
            wanted=wanted,
            found=found,
            method=method,
            called_with=self.guess.label,
        )

    def _arguments(self, guess: Guess) -> tuple[Any, ...]:
        return (guess.y_pred,) if self.takes_values else (guess.y_true, guess.y_pred)


def try_metric(case: Case) -> Trial:
    """The metric with the first guess that it takes and has a finite result for.

    A guess in which two batches and the whole agree is better than one that comes before it: a
    metric may take targets of one meaning for those of another.

    Raises:
        Skip: It takes none.
    """
    parameters = list(inspect.signature(case.make().update_state).parameters)
    takes_values = len([name for name in parameters if name != "sample_weight"]) == 1
    fallback = None
    for guess in guesses_for(case.subject):
        trial = Trial(case, guess, takes_values, [])
        try:
            wanted = numbers_of(trial.metric(guess))
            parts = numbers_of(trial.metric(*trial.parts()))
        except Exception:  # noqa: BLE001, S112 - the author's code, which refuses as it likes
            continue
        if wanted and all(np.isfinite(value).all() for value in wanted):
            trial = Trial(case, guess, takes_values, wanted)
            if are_close(parts, wanted):
                return trial
            fallback = fallback or trial
    if fallback is None:
        raise nothing_fits(case.subject)
    return fallback


def numbers_of(metric: Any) -> _Arrays:
    """What a metric says, as arrays."""
    return arrays_of(metric.result())


def are_close(found: Sequence[Any], wanted: Sequence[Any]) -> bool:
    """Whether two lists of arrays are the same but for rounding."""
    return len(found) == len(wanted) and all(map(is_close, found, wanted))


def numbers_shown(values: Sequence[Any]) -> str:
    """A few numbers of each array as text."""
    return " and ".join(map(shown, values)) or "nothing"
