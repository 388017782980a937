"""What a load under way knows, for the functions of Keras that it passes through."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "Progress",
    "is_under_way",
    "note_failure",
    "note_model",
    "take_rewritten",
    "under_way",
]


@dataclass
class Progress:
    """How far Keras came.

    Attributes:
        model: The model, from the moment when it is built and its weights are about to be read.
        failures: The objects that could not be made, innermost first, and the error of each.
        rewritten: What Keras shall build in place of what it reads, by the part of the file.
    """

    model: Any = None
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


def take_rewritten(part: str) -> Any:
    """What Keras shall build in place of a part of the file, once; None if that part is right."""
    progress = _progress.get()
    return None if progress is None else progress.rewritten.pop(part, None)


def note_failure(config: Any, error: Exception) -> None:
    """Notes that an object of the load under way could not be made of its config."""
    progress = _progress.get()
    if progress is not None and not any(error is known for _, known in progress.failures):
        progress.failures.append((config, error))
