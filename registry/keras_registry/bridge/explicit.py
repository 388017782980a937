"""`save_model` and `load_model`: the same as the hooks do, said explicitly."""

from __future__ import annotations

import functools
import json
import os
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_registry.artifact import (
    H5_ENDINGS,
    METADATA,
    find_obstacle,
    is_legacy,
    is_orbax,
    read_artifact,
    replace_metadata,
    replaceable,
    replacing,
)
from keras_registry.bridge import hooks, orbax
from keras_registry.bridge.h5 import complete_h5
from keras_registry.bridge.keras2_files import members_without_place, with_current_layout
from keras_registry.bridge.loading import load_artifact, load_public
from keras_registry.bridge.missing_compile import missing_compile
from keras_registry.bridge.remote import fetched, is_remote_file, sent, under_given_name
from keras_registry.bridge.restored import WeightsFile
from keras_registry.bridge.saving import folder_path, make_manifest
from keras_registry.manifest import MANIFEST_KEY
from keras_registry.settings import policy as policy_block

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keras_registry.findings import Policy

__all__ = ["load_model", "save_model"]


def save_model(model: Any, filepath: str | os.PathLike[str], **kwargs: Any) -> None:
    """Saves a model with its manifest, hooks or no hooks.

    Args:
        model: A Keras model.
        filepath: The path of a ``.keras`` or ``.h5`` file, or of a folder.
        **kwargs: Further arguments of `keras.saving.save_model`.

    Example:
        >>> keras_registry.save_model(model, "churn.keras")  # doctest: +SKIP
    """
    import keras

    target = replaceable(str(filepath), (".keras", *H5_ENDINGS))
    if hooks.are_on():
        keras.saving.save_model(model, filepath, **kwargs)
    elif is_remote_file(str(filepath)):
        with sent(str(filepath)) as temporary:
            keras.saving.save_model(model, temporary, **kwargs)
            _embed(model, temporary)
    elif target is None or (target.exists() and not kwargs.get("overwrite", True)):
        before = _state(filepath)
        path = filepath if kwargs.get("zipped", True) else folder_path(filepath)
        keras.saving.save_model(model, path, **kwargs)  # asks the user first
        if _state(filepath) != before:
            _embed_in_place(model, Path(filepath), target)
    else:
        with replacing(target) as temporary:
            keras.saving.save_model(model, temporary, **kwargs)
            _embed(model, temporary)


def _embed_in_place(model: Any, path: Path, target: Path | None) -> None:
    """Puts the manifest into a file in one step, or into a folder."""
    if target is not None:
        with replacing(target) as temporary:
            shutil.copyfile(target, temporary)
            _embed(model, temporary)
    elif path.is_dir():
        _embed(model, path)


def _state(filepath: str | os.PathLike[str]) -> os.stat_result | None:
    """What changes when something is saved at a path; None if nothing is there."""
    try:
        return Path(filepath).stat()
    except (OSError, ValueError):
        return None


def _embed(model: Any, path: Path) -> None:
    """Puts the manifest into what plain Keras saved."""
    if path.name.endswith(H5_ENDINGS):
        import h5py

        with h5py.File(path, "r+") as file:
            complete_h5(model, file)
        return
    artifact = read_artifact(path).artifact
    manifest = None if artifact is None else make_manifest(model, artifact.config)
    if artifact is None or manifest is None:
        return
    metadata = {**(artifact.metadata or {}), MANIFEST_KEY: manifest}
    if artifact.container == "folder":
        (path / METADATA).write_text(json.dumps(metadata), encoding="utf-8")
    else:
        replace_metadata(path, metadata)


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
        filepath: The path of a ``.keras`` or ``.h5`` file, or of a folder.
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
        if hooks.are_on():
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

    text = os.fspath(filepath)
    if is_remote_file(text):
        with fetched(text) as copy:
            return _load_unhooked(copy, custom_objects, compile, safe_mode)

    def open_model(
        overlay: Mapping[str, Any] | None,
        compiles: bool,  # noqa: FBT001
        source: Any = filepath,
    ) -> Any:
        return keras.saving.load_model(
            source, custom_objects=overlay, compile=compiles, safe_mode=safe_mode
        )

    if is_orbax(text):
        return orbax.load_checkpoint(
            keras.saving.load_model, text, custom_objects, compile, safe_mode
        )
    is_model = text.endswith((".keras", *H5_ENDINGS)) or os.path.isdir(text)  # noqa: PTH112
    if not is_model or "://" in text or find_obstacle(text) is not None:
        return open_model(custom_objects, compile)  # what Keras says of it is explained
    reading = under_given_name(read_artifact(text))
    with with_current_layout(filepath, reading.artifact) as source:
        without = members_without_place(reading.artifact)
        weights_file = WeightsFile(source, legacy=is_legacy(text), without=without)
        opening = functools.partial(open_model, source=source)
        return load_artifact(reading, custom_objects, opening, weights_file, compiles=compile)
