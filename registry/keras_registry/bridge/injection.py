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

__all__ = ["callers_scope", "inject", "retrieve"]

_overlay: ContextVar[Mapping[str, Any] | None] = ContextVar("keras_registry_overlay", default=None)
_found: ContextVar[Mapping[str, Any] | None] = ContextVar("keras_registry_found", default=None)


def callers_scope() -> dict[str, Any]:
    """The objects of the `custom_object_scope` around the caller, without those of other sources.

    Inside a load that is under way the scope holds what that load injected, and Keras's whole
    registry: a model that is loaded there is to be checked like any other.
    """
    import keras

    registered, found = keras.saving.get_custom_objects(), _found.get() or {}
    return {
        name: target
        for name, target in enclosing_scope().items()
        if registered.get(name) is not target and found.get(name) is not target
    }


@contextmanager
def inject(found: Mapping[str, Any], given: Mapping[str, Any]) -> Iterator[None]:
    """Makes Keras find these objects first, inside the ``with`` block.

    Args:
        found: Objects by key that keras-registry found.
        given: Objects by key or name that the caller gave; they win.
    """
    import keras

    overlay = {**found, **given}
    tokens = _overlay.set(overlay), _found.set(found)
    try:
        with keras.saving.CustomObjectScope({**enclosing_scope(), **overlay}):
            yield
    finally:
        _overlay.reset(tokens[0])
        _found.reset(tokens[1])


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
