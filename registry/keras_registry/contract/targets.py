"""What losses and metrics are called with: targets and predictions of common shapes.

What an object takes is found by trying: first what most losses take, then what only some do. An
author whose object takes nothing of it gives `inputs`, a function that returns the targets and the
predictions.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_registry.contract.results import Skip

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keras_registry.contract.subjects import Subject

__all__ = ["BATCH", "Guess", "guesses_for", "nothing_fits"]

BATCH = 8
"""How many samples there are: enough to be split unevenly."""


@dataclass(frozen=True)
class Guess:
    """Targets and predictions.

    Attributes:
        label: What they are, in the words of a message.
        y_true: The targets.
        y_pred: The predictions.
    """

    label: str
    y_true: Any
    y_pred: Any

    @property
    def batch(self) -> int:
        """How many samples there are."""
        return len(self.y_pred)

    @property
    def is_one_hot(self) -> bool:
        """Whether the last axis is a choice between classes."""
        return bool(self.y_true.shape[-1:] > (1,) and (self.y_true.sum(-1) == 1).all())

    def part(self, chosen: Any) -> Guess:
        """The chosen samples alone.

        Args:
            chosen: A slice, or which ones as booleans.
        """
        return Guess(self.label, self.y_true[chosen], self.y_pred[chosen])


def guesses_for(subject: Subject) -> Iterator[Guess]:
    """What an object may take, the most common first; what its author gives, and nothing else.

    Args:
        subject: The object.
    """
    if subject.inputs is None:
        yield from _common()
        return
    y_true, y_pred = subject.inputs()
    yield Guess("the inputs that were given", np.asarray(y_true), np.asarray(y_pred))


def nothing_fits(subject: Subject) -> Skip:
    """The reason to skip the checks of an object that takes none of the guesses."""
    tried = "the inputs that were given"
    if subject.inputs is None:
        tried = "; ".join(guess.label for guess in _common())
    return Skip(f"it cannot be called with {tried}: give inputs that it takes")


@cache
def _common() -> tuple[Guess, ...]:
    random = np.random.default_rng(7)

    def shares(*shape: int) -> np.ndarray[Any, Any]:
        raw = random.uniform(0.1, 1.0, shape)
        found: np.ndarray[Any, Any] = (raw / raw.sum(-1, keepdims=True)).astype("float32")
        return found

    def chances(*shape: int) -> np.ndarray[Any, Any]:
        return random.uniform(0.05, 0.95, shape).astype("float32")

    def choices(*shape: int) -> np.ndarray[Any, Any]:
        # Each class is the answer to some sample, and no sample is without one.
        numbers = np.arange(int(np.prod(shape[:-1]))) % shape[-1]
        return np.eye(shape[-1], dtype="float32")[numbers].reshape(shape)

    def signs(*shape: int) -> np.ndarray[Any, Any]:
        return (np.arange(int(np.prod(shape))).reshape(shape) % 2).astype("float32")

    def labels(*shape: int) -> np.ndarray[Any, Any]:
        return (np.arange(int(np.prod(shape))).reshape(shape) % 3).astype("int32")

    def real(*shape: int) -> np.ndarray[Any, Any]:
        return random.normal(size=shape).astype("float32")

    return (
        Guess(
            "one-hot y_true (8, 3) and probabilities y_pred (8, 3)",
            choices(BATCH, 3),
            shares(BATCH, 3),
        ),
        Guess(
            "integer labels y_true (8,) and probabilities y_pred (8, 3)",
            labels(BATCH),
            shares(BATCH, 3),
        ),
        Guess(
            "y_true of 0 and 1 (8, 1) and probabilities y_pred (8, 1)",
            signs(BATCH, 1),
            chances(BATCH, 1),
        ),
        Guess("y_true of 0 and 1 (8,) and probabilities y_pred (8,)", signs(BATCH), chances(BATCH)),
        Guess(
            "one-hot y_true (8, 4, 4, 3) and probabilities y_pred (8, 4, 4, 3)",
            choices(BATCH, 4, 4, 3),
            shares(BATCH, 4, 4, 3),
        ),
        Guess("real y_true (8, 3) and y_pred (8, 3)", real(BATCH, 3), real(BATCH, 3)),
        Guess("real y_true (8, 5, 3) and y_pred (8, 5, 3)", real(BATCH, 5, 3), real(BATCH, 5, 3)),
        Guess(
            "integer labels y_true (8, 2) and real y_pred (8, 6, 4)",
            1 + labels(BATCH, 2),
            real(BATCH, 6, 4),
        ),
    )
