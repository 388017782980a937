"""The hooks: what of Keras is wrapped, and how the wrappers are taken out again."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

from wrapt import FunctionWrapper

from keras_registry.bridge import internals, loading, saving
from keras_registry.bridge.injection import retrieve
from keras_registry.bridge.reports import tell
from keras_registry.bridge.sync import enter_into_keras
from keras_registry.findings import Policy, finding
from keras_registry.registration import default_registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from keras_registry.bridge.internals import Attribute

__all__ = ["are_complete", "hook_module", "hooked_modules", "remove", "switch_on"]


class _Hook(FunctionWrapper):  # type: ignore[type-arg]
    """A wrapper around one of Keras's functions, which pickles by name as the function does."""

    def __reduce_ex__(self, protocol: Any) -> str:
        return str(self.__name__)


_REPLACEMENTS: dict[Attribute, Callable[..., Any]] = {
    internals.SAVE_ZIP: saving.save_zip,
    internals.SERIALIZE: saving.add_manifest,
    internals.LOAD_ZIP: loading.load_zip,
    internals.RETRIEVE: retrieve,
}
_OPTIONAL = frozenset(internals.PUBLIC_LOAD_MODEL)

_lock = threading.RLock()
_on = False
_installed: dict[Attribute, tuple[Any, _Hook]] = {}
_by_original: dict[int, _Hook] = {}


def hooked_modules() -> list[str]:
    """The modules of Keras that have hooks."""
    return sorted({attribute.module for attribute in (*_REPLACEMENTS, *_OPTIONAL)})


def are_complete() -> bool:
    """Whether the hooks are on and each is in place."""
    return _on and all(attribute in _installed for attribute in _REPLACEMENTS)


def switch_on() -> None:
    """Puts the hooks into all modules of Keras that are imported."""
    global _on  # noqa: PLW0603 - there is one Keras in a process
    with _lock:
        _on = True
        for name in hooked_modules():
            if name in sys.modules:
                hook_module(sys.modules[name])


def hook_module(module: Any) -> None:
    """Puts the hooks into one module of Keras, if they are on.

    Args:
        module: The module, fully imported.
    """
    with _lock:
        if not _on:
            return
        replacements = {**_REPLACEMENTS, **dict.fromkeys(_OPTIONAL, loading.load_public)}
        for attribute, replacement in replacements.items():
            if attribute.module == module.__name__ and attribute not in _installed:
                _install(module, attribute, replacement)


def _install(module: Any, attribute: Attribute, replacement: Callable[..., Any]) -> None:
    original = vars(module).get(attribute.name)
    if original is None:
        if attribute not in _OPTIONAL:
            tell("keras", [_missing_finding(attribute)])
        return
    if isinstance(original, _Hook):  # handed on by a module that was hooked before
        _installed[attribute] = (original.__wrapped__, original)
        return
    hook = _by_original.get(id(original))
    if hook is None:

        def call(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:  # noqa: ARG001
            return replacement(wrapped, *args, **kwargs)

        hook = _by_original[id(original)] = _Hook(original, call, enabled=lambda: _on)
    _installed[attribute] = (original, hook)
    setattr(module, attribute.name, hook)


def remove() -> None:
    """Takes all hooks out; a hook that something else has wrapped meanwhile does nothing more."""
    global _on  # noqa: PLW0603
    with _lock:
        _on = False
        for attribute, (original, hook) in _installed.items():
            module = sys.modules.get(attribute.module)
            if module is not None and vars(module).get(attribute.name) is hook:
                setattr(module, attribute.name, original)
        _installed.clear()
        _by_original.clear()


def enter_all_into_keras() -> None:
    """Enters all live registrations into Keras's registry, once Keras is imported."""
    for registration in default_registry:
        enter_into_keras(registration)


def _missing_finding(attribute: Attribute) -> Any:
    keras = sys.modules.get("keras")
    return finding(
        "K301",
        Policy.COMPATIBLE,
        "this Keras cannot be hooked",
        wanted=str(attribute),
        found=f"keras {getattr(keras, '__version__', 'of unknown version')} without it",
        hint="call keras_registry.save_model and load_model, and upgrade keras-registry",
    )
