"""`save_model` and `load_model`: the same as the hooks do, said explicitly."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from keras_registry.artifact import find_obstacle, read_keras_zip, replace_metadata
from keras_registry.bridge import hooks
from keras_registry.bridge.loading import load_artifact, load_public, missing_compile
from keras_registry.bridge.saving import make_manifest, replaceable, replacing
from keras_registry.manifest import MANIFEST_KEY
from keras_registry.settings import policy as policy_block

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from pathlib import Path

    from keras_registry.findings import Policy

__all__ = ["load_model", "save_model"]


def save_model(model: Any, filepath: str | os.PathLike[str], **kwargs: Any) -> None:
    """Saves a model with its manifest, hooks or no hooks.

    Args:
        model: A Keras model.
        filepath: The path of a ``.keras`` file.
        **kwargs: Further arguments of `keras.saving.save_model`.

    Example:
        >>> keras_registry.save_model(model, "churn.keras")  # doctest: +SKIP
    """
    import keras

    target = replaceable(str(filepath))
    if hooks.are_on() or target is None:
        keras.saving.save_model(model, filepath, **kwargs)
        return
    if target.exists() and not kwargs.get("overwrite", True):
        before = target.stat()
        keras.saving.save_model(model, filepath, **kwargs)  # asks the user first
        if target.stat() != before:
            with replacing(target) as temporary:
                shutil.copyfile(target, temporary)
                _embed(model, temporary)
        return
    with replacing(target) as temporary:
        keras.saving.save_model(model, temporary, **kwargs)
        _embed(model, temporary)


def _embed(model: Any, path: Path) -> None:
    """Puts the manifest into a file that plain Keras saved."""
    artifact = read_keras_zip(path).artifact
    manifest = None if artifact is None else make_manifest(model, artifact.config)
    if artifact is not None and manifest is not None:
        replace_metadata(path, {**(artifact.metadata or {}), MANIFEST_KEY: manifest})


def load_model(
    filepath: str | os.PathLike[str],
    *,
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,  # noqa: A002 - Keras's name
    safe_mode: bool = True,
    policy: str | Policy | None = None,
    on_missing_compile: str = "raise",
) -> Any:
    """Loads a model and checks that it is the one that was saved, hooks or no hooks.

    Args:
        filepath: The path of a ``.keras`` file.
        custom_objects: Objects by key or bare name; they win over plugins.
        compile: Whether to restore the optimizer, loss and metrics.
        safe_mode: Whether to refuse lambdas.
        policy: ``"strict"``, ``"compatible"`` or ``"permissive"``; None leaves it as it is set.
        on_missing_compile: ``"raise"``, or ``"skip"`` to load the model uncompiled, with a
            warning, if only a loss, metric or optimizer is missing.

    Returns:
        The model.

    Raises:
        LoadError: It cannot be loaded, or is not the one that was saved. The error is also an
            instance of the class that plain Keras raises in that situation.

    Example:
        >>> model = keras_registry.load_model("churn.keras", policy="strict")  # doctest: +SKIP
    """
    import keras

    with ExitStack() as stack:
        stack.enter_context(missing_compile(on_missing_compile))
        if policy is not None:
            stack.enter_context(policy_block(policy))
        if hooks.are_on() or not str(filepath).endswith(".keras"):
            return keras.saving.load_model(
                filepath, custom_objects=custom_objects, compile=compile, safe_mode=safe_mode
            )
        stack.enter_context(hooks.lent())
        return load_public(_load_unhooked, filepath, custom_objects, compile, safe_mode)


def _load_unhooked(
    filepath: str | os.PathLike[str],
    custom_objects: Mapping[str, Any] | None,
    compile: bool,  # noqa: A002, FBT001 - Keras's own signature
    safe_mode: bool,  # noqa: FBT001
) -> Any:
    import keras

    def open_model(overlay: Mapping[str, Any] | None, compiles: bool) -> Any:  # noqa: FBT001
        return keras.saving.load_model(
            filepath, custom_objects=overlay, compile=compiles, safe_mode=safe_mode
        )

    if find_obstacle(filepath) is not None:
        return open_model(custom_objects, compile)  # what Keras says of it is explained
    return load_artifact(read_keras_zip(filepath), custom_objects, open_model, compiles=compile)
