"""The hooks: what of Keras is wrapped, and how the wrappers are taken out again."""

from __future__ import annotations

import pkgutil
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from wrapt import FunctionWrapper

from keras_registry.bridge import (
    deserializing,
    exporting,
    h5,
    h5_axis,
    h5_compile,
    internals,
    loading,
    orbax,
    saving,
    weight_files,
)
from keras_registry.bridge.injection import retrieve
from keras_registry.bridge.progress import is_under_way
from keras_registry.bridge.reports import tell
from keras_registry.bridge.sync import enter_into_keras
from keras_registry.findings import Finding, Policy, finding
from keras_registry.registration import default_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from keras_registry.bridge.internals import Attribute

__all__ = ["are_on", "enter_all_into_keras", "hook_public_module", "lent", "remove", "switch_on"]


class _Hook(FunctionWrapper):  # type: ignore[type-arg]
    """A wrapper around one of Keras's functions, which is copied and pickled as a function is."""

    _self_home: str

    def __copy__(self) -> _Hook:
        return self

    def __deepcopy__(self, memo: Any) -> _Hook:
        return self

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        # Whatever stands in its place where it is unpickled, hooked or not.
        return pkgutil.resolve_name, (self._self_home,)


_REPLACEMENTS: dict[Attribute, Callable[..., Any]] = {
    internals.SAVE_ZIP: saving.save_zip,
    internals.SERIALIZE: saving.add_manifest,
    internals.SAVE_H5: h5.save_h5,
    internals.EXPORT: exporting.export_graph,
    internals.LOAD_ZIP: loading.load_zip,
    internals.LOAD_FOLDER: loading.load_path,
    internals.LOAD_H5: loading.load_path,
    internals.MAKE_H5_LAYER: h5_axis.make_with_axis,
    internals.COMPILE_ARGUMENTS: h5_compile.compile_arguments,
    internals.SAVE_WEIGHTS: weight_files.save_weights,
    internals.LOAD_WEIGHTS: weight_files.load_weights,
    internals.FILL_H5: weight_files.load_legacy_weights,
    internals.FILL_H5_BY_NAME: weight_files.load_legacy_weights_by_name,
    internals.BUILD_COMPILED: h5_compile.build_compiled,
    internals.RETRIEVE: retrieve,
    internals.MODEL_FROM_CONFIG: orbax.model_from_config,
    **dict.fromkeys(internals.DESERIALIZE, deserializing.deserialize),
}
_LENT = (
    internals.RETRIEVE,
    internals.MODEL_FROM_CONFIG,
    internals.FILL_H5,
    internals.MAKE_H5_LAYER,
    internals.COMPILE_ARGUMENTS,
    internals.BUILD_COMPILED,
)
_WHERE_PRESENT: dict[Attribute, Callable[..., Any]] = {
    internals.LOAD_ORBAX: orbax.load_checkpoint,
}
_PUBLIC: dict[Attribute, Callable[..., Any]] = {
    **dict.fromkeys(internals.PUBLIC_LOAD_MODEL, loading.load_public),
    **dict.fromkeys(internals.PUBLIC_DESERIALIZE, deserializing.deserialize),
}

_lock = threading.RLock()
_installed: dict[Attribute, tuple[Any, _Hook]] = {}
_on = False
_lent = 0
_told_missing = False


def are_on() -> bool:
    """Whether the hooks are in place."""
    return _on


def switch_on() -> None:
    """Puts the hooks in: all of them, or none if Keras lacks a function that they need."""
    global _on, _told_missing  # noqa: PLW0603 - there is one Keras in a process
    with _lock:
        missing = [attribute for attribute in _REPLACEMENTS if _find(attribute) is None]
        if missing:
            if not _told_missing:
                _told_missing = True
                tell("keras", [_missing_finding(missing)])
            return
        _on = True
        for attribute, replacement in {**_REPLACEMENTS, **_WHERE_PRESENT, **_PUBLIC}.items():
            _install(attribute, replacement)


def hook_public_module(module: Any) -> None:
    """Puts the hooks into a public module of Keras that was imported later, if they are on.

    Args:
        module: The module.
    """
    with _lock:
        if _on:
            for attribute, replacement in _PUBLIC.items():
                if attribute.module == module.__name__:
                    _install(attribute, replacement)


def remove() -> None:
    """Takes all hooks out; a hook that something else has wrapped meanwhile does nothing more."""
    global _on  # noqa: PLW0603
    with _lock:
        _on = False
        for attribute in list(_installed):
            if not (_lent and attribute in _LENT):
                _uninstall(attribute)


@contextmanager
def lent() -> Iterator[None]:
    """Puts in, for the length of a block, the hooks that a load cannot do without.

    They act only inside such a load, so that nobody else notices them.
    """
    global _lent  # noqa: PLW0603
    with _lock:
        _lent += 1
        for attribute in _LENT:
            _install(attribute, _REPLACEMENTS[attribute])
    try:
        yield
    finally:
        with _lock:
            _lent -= 1
            if not _lent and not _on:
                for attribute in _LENT:
                    _uninstall(attribute)


def _find(attribute: Attribute) -> Any:
    module = sys.modules.get(attribute.module)
    return None if module is None else vars(module).get(attribute.name)


def _install(attribute: Attribute, replacement: Callable[..., Any]) -> None:
    original = _find(attribute)
    if original is None or attribute in _installed:
        return
    # A function that several modules hand on has one hook, as it is one function.
    hooks = (hook for wrapped, hook in _installed.values() if wrapped is original)
    hook = next(hooks, None) or _make_hook(original, replacement, attribute)
    _installed[attribute] = (original, hook)
    setattr(sys.modules[attribute.module], attribute.name, hook)


def _make_hook(original: Any, replacement: Callable[..., Any], home: Attribute) -> _Hook:
    def call(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:  # noqa: ARG001
        if not _on and not is_under_way():  # lent to a load in another thread
            return wrapped(*args, **kwargs)
        return replacement(wrapped, *args, **kwargs)

    def is_installed() -> bool:
        return any(installed is hook for _, installed in _installed.values())

    hook = _Hook(original, call, enabled=is_installed)
    hook._self_home = f"{home.module}:{home.name}"
    return hook


def _uninstall(attribute: Attribute) -> None:
    original, hook = _installed.pop(attribute, (None, None))
    if hook is not None and _find(attribute) is hook:
        setattr(sys.modules[attribute.module], attribute.name, original)


def enter_all_into_keras() -> None:
    """Enters all live registrations into Keras's registry, once Keras is imported."""
    for registration in default_registry:
        enter_into_keras(registration)


def _missing_finding(missing: list[Attribute]) -> Finding:
    keras = sys.modules.get("keras")
    return finding(
        "K301",
        Policy.COMPATIBLE,
        "this Keras cannot be hooked",
        wanted=", ".join(map(str, missing)),
        found=f"keras {getattr(keras, '__version__', 'of unknown version')} without it",
        hint="call keras_registry.save_model and load_model, and upgrade keras-registry",
    )
