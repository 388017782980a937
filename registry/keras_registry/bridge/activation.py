"""Turning the hooks on when Keras is imported, before or after keras_registry."""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import TYPE_CHECKING, Any

from keras_registry.settings import hooks_wanted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec

__all__ = ["activate", "disable", "enable"]

_ROOTS = ("keras", "tf_keras")


class _KerasTrigger:
    """Waits for the first import of Keras, and only then imports what hooking it takes.

    A finder of the import system (`importlib.abc.MetaPathFinder`) that finds nothing itself. It
    keeps ``import keras_registry`` cheap for programs that never import Keras.
    """

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,  # noqa: ARG002
        target: Any = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        """Called by the import system for each module that is not imported yet."""
        if fullname not in _ROOTS:
            return None
        sys.meta_path.remove(self)
        _subscribe()
        return importlib.util.find_spec(fullname)


_trigger = _KerasTrigger()
_wanted = hooks_wanted()


def activate() -> None:
    """Hooks Keras now if it is imported, else as soon as it is."""
    if any(root in sys.modules for root in _ROOTS):
        _subscribe()
    elif _trigger not in sys.meta_path:
        sys.meta_path.insert(0, _trigger)


def _subscribe() -> None:
    import wrapt

    from keras_registry.bridge import hooks, internals
    from keras_registry.bridge.sync import enter_into_keras
    from keras_registry.registration import default_registry

    default_registry.subscribe(enter_into_keras)
    wrapt.register_post_import_hook(_enter_keras, "keras")
    for name in internals.PUBLIC_MODULES:
        wrapt.register_post_import_hook(hooks.hook_public_module, name)
    wrapt.register_post_import_hook(_warn_of_legacy_keras, internals.LEGACY_KERAS)


def _enter_keras(module: Any) -> None:  # noqa: ARG001 - what a post-import hook is given
    """Called once Keras is imported."""
    from keras_registry.bridge import hooks

    hooks.enter_all_into_keras()
    if _wanted:
        hooks.switch_on()


def _warn_of_legacy_keras(module: Any) -> None:
    """Warns that tf_keras is not covered, if TensorFlow is set to use it as tf.keras."""
    from keras_registry.bridge.reports import tell
    from keras_registry.findings import Policy, finding

    if os.environ.get("TF_USE_LEGACY_KERAS", "").lower() not in {"1", "true"}:
        return
    tell(
        "tf_keras",
        [
            finding(
                "K302",
                Policy.COMPATIBLE,
                "tf.keras is tf_keras (Keras 2), which keras-registry does not cover",
                wanted="Keras 3",
                found=f"tf_keras {getattr(module, '__version__', '')}, by TF_USE_LEGACY_KERAS",
                hint="unset TF_USE_LEGACY_KERAS, or import keras",
            )
        ],
    )


def disable() -> None:
    """Takes the hooks out of Keras: every function is again the one that Keras defined."""
    _want(hooks=False)


def enable() -> None:
    """Puts the hooks back after `disable`, or in although ``KERAS_REGISTRY_HOOKS=0``."""
    _want(hooks=True)


def _want(*, hooks: bool) -> None:
    global _wanted  # noqa: PLW0603 - there is one Keras in a process
    _wanted = hooks
    if "keras" in sys.modules:
        from keras_registry.bridge import hooks as installed

        (installed.switch_on if hooks else installed.remove)()
