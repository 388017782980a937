"""Giving Keras the classes that one load needs, for that load alone.

Three ways at once, because each alone fails somewhere: a custom object scope loses against
Keras's global registry, `custom_objects` is not handed down everywhere, and the place where Keras
looks a class up is not asked for every name. Nothing is registered, and threads do not meet.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from keras_registry.bridge.internals import enclosing_scope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["inject", "retrieve"]

_overlay: ContextVar[Mapping[str, Any] | None] = ContextVar("keras_registry_overlay", default=None)


@contextmanager
def inject(overlay: Mapping[str, Any]) -> Iterator[None]:
    """Makes Keras find the objects of the overlay first, inside the ``with`` block.

    Args:
        overlay: Objects by key or name.
    """
    import keras

    token = _overlay.set(overlay)
    try:
        with keras.saving.CustomObjectScope({**enclosing_scope(), **overlay}):
            yield
    finally:
        _overlay.reset(token)


def retrieve(
    wrapped: Callable[..., Any], name: str, registered_name: str, *args: Any, **kwargs: Any
) -> Any:
    """Stands where Keras looks a class or function up, and asks the overlay first.

    Args:
        wrapped: Keras's own look-up.
        name: The name of a function, or the class name.
        registered_name: The registered name of a class.
        *args: Further arguments of the look-up.
        **kwargs: Further arguments of the look-up.
    """
    overlay = _overlay.get()
    if overlay:
        obj_type = args[1] if len(args) > 1 else kwargs.get("obj_type")
        found = overlay.get(name if obj_type == "function" else registered_name)
        if found is not None:
            return found
    return wrapped(name, registered_name, *args, **kwargs)
