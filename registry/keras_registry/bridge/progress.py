"""What a load under way knows, for the functions of Keras that it passes through."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = [
    "Misfit",
    "Progress",
    "is_under_way",
    "model_under_way",
    "note_compiling",
    "note_failure",
    "note_fresh",
    "note_misfit",
    "note_model",
    "take_rewritten",
    "under_way",
]


@dataclass(frozen=True, slots=True)
class Misfit:
    """An optimizer whose state in the file does not fit it, and so was left as a new one has it.

    Attributes:
        optimizer: The optimizer.
        saved: The shapes of the arrays in the file.
    """

    optimizer: Any
    saved: tuple[tuple[int, ...], ...]


@dataclass
class Progress:
    """How far Keras came.

    Attributes:
        model: The model, from the moment when it is built and its weights are about to be read.
        is_compiling: Whether Keras was about to compile the model when it last was heard of.
        misfits: The optimizers whose state was not restored.
        fresh: The optimizers that had no state when the model was saved.
        failures: The objects that could not be made, innermost first, and the error of each.
        rewritten: What Keras shall build in place of what it reads, by the part of the file.
    """

    model: Any = None
    is_compiling: bool = False
    misfits: list[Misfit] = field(default_factory=list)
    fresh: list[Any] = field(default_factory=list)
    failures: list[tuple[Any, Exception]] = field(default_factory=list)
    rewritten: dict[str, Any] = field(default_factory=dict)


_progress: ContextVar[Progress | None] = ContextVar("keras_registry_progress", default=None)


def is_under_way() -> bool:
    """Whether Keras builds objects at present whose configs were looked at as a whole."""
    return _progress.get() is not None


@contextmanager
def under_way(rewritten: Mapping[str, Any] | None = None) -> Iterator[Progress]:
    """Says so for the length of a block.

    Args:
        rewritten: What Keras shall build in place of what it reads, by the part of the file.
    """
    progress = Progress(rewritten=dict(rewritten or {}))
    token = _progress.set(progress)
    try:
        yield progress
    finally:
        _progress.reset(token)


def note_model(model: Any) -> None:
    """Notes the model of the load under way, if there is one."""
    progress = _progress.get()
    if progress is not None:
        progress.model = model


def model_under_way() -> Any:
    """The model of the load under way, once it is built; None without one."""
    progress = _progress.get()
    return None if progress is None else progress.model


def note_compiling() -> None:
    """Notes that Keras is about to compile the model of the load under way."""
    progress = _progress.get()
    if progress is not None:
        progress.is_compiling = True


def note_misfit(optimizer: Any, saved: Iterable[tuple[int, ...]]) -> None:
    """Notes that the state of an optimizer was left, since that of the file does not fit it."""
    progress = _progress.get()
    if progress is not None:
        progress.misfits.append(Misfit(optimizer, tuple(saved)))


def note_fresh(optimizer: Any) -> None:
    """Notes that an optimizer had no state when the model was saved."""
    progress = _progress.get()
    if progress is not None:
        progress.fresh.append(optimizer)


def take_rewritten(part: str) -> Any:
    """What Keras shall build in place of a part of the file, once; None if that part is right."""
    progress = _progress.get()
    return None if progress is None else progress.rewritten.pop(part, None)


def note_failure(config: Any, error: Exception) -> None:
    """Notes that an object of the load under way could not be made of its config."""
    progress = _progress.get()
    if progress is not None and not any(error is known for _, known in progress.failures):
        progress.failures.append((config, error))
