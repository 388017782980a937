"""What a load does when only the compiled state misses something."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from keras_registry.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["missing_compile", "skips_compile"]

_skips_compile: ContextVar[bool] = ContextVar("keras_registry_skips_compile", default=False)


@contextmanager
def missing_compile(action: str) -> Iterator[None]:
    """What loads inside the block do when only the compiled state misses something.

    Args:
        action: ``"raise"``, or ``"skip"`` to load the model uncompiled, with a warning.

    Raises:
        SettingsError: There is no such action.
    """
    if action not in {"raise", "skip"}:
        message = f"on_missing_compile={action!r} is not known; it is 'raise' or 'skip'"
        raise SettingsError(message)
    token = _skips_compile.set(action == "skip")
    try:
        yield
    finally:
        _skips_compile.reset(token)


def skips_compile() -> bool:
    """Whether such a load goes on without the compiled state."""
    return _skips_compile.get()
