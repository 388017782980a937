"""Where Keras loads a model: from a `.keras` file, from a folder, or from a `.h5` file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from keras_registry.artifact import (
    find_damage,
    find_obstacle,
    is_legacy,
    read_artifact,
    read_keras_zip,
)
from keras_registry.bridge.internals import allowed_expansion
from keras_registry.bridge.keras2_files import members_without_place, with_current_layout
from keras_registry.bridge.keras_errors import make_load_error
from keras_registry.bridge.load import Load
from keras_registry.bridge.remote import loading_from, under_given_name
from keras_registry.bridge.reports import log_findings, remember, tell
from keras_registry.bridge.restored import WeightsFile
from keras_registry.config import sharing_scope
from keras_registry.errors import LoadError
from keras_registry.names import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keras_registry.artifact import Artifact, ArtifactReading
    from keras_registry.bridge.load import Open

__all__ = ["load_artifact", "load_path", "load_public", "load_zip"]


def load_zip(
    wrapped: Callable[..., Any],
    fileobj: Any,
    custom_objects: Mapping[str, Any] | None,
    compile: bool,  # noqa: A002, FBT001 - Keras's own signature
    safe_mode: bool,  # noqa: FBT001
) -> Any:
    """Stands where Keras reads an open ``.keras`` file.

    Args:
        wrapped: Keras's own function.
        fileobj: The file.
        custom_objects: The caller's objects.
        compile: Whether to restore the compiled state.
        safe_mode: Whether to refuse lambdas.
    """
    reading = under_given_name(read_keras_zip(fileobj, expansion=allowed_expansion()))
    with with_current_layout(fileobj, reading.artifact) as file:
        return load_artifact(
            reading,
            custom_objects,
            lambda overlay, compiles: wrapped(file, overlay, compiles, safe_mode),
            WeightsFile(file, without=members_without_place(reading.artifact)),
            compiles=compile,
        )


def load_path(
    wrapped: Callable[..., Any],
    path: Any,
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,  # noqa: A002, FBT001, FBT002 - Keras's own signature
    safe_mode: bool = True,  # noqa: FBT001, FBT002
) -> Any:
    """Stands where Keras reads a folder, or a ``.h5`` file.

    Args:
        wrapped: Keras's own function.
        path: The path; an open file is passed through.
        custom_objects: The caller's objects.
        compile: Whether to restore the compiled state.
        safe_mode: Whether to refuse lambdas.
    """
    if not isinstance(path, str | os.PathLike) or not os.path.exists(path):  # noqa: PTH110
        return wrapped(path, custom_objects, compile, safe_mode)

    def open_model(overlay: Mapping[str, Any] | None, compiles: bool) -> Any:  # noqa: FBT001
        with sharing_scope():  # which Keras opens for other containers alone
            return wrapped(path, overlay, compiles, safe_mode)

    weights_file = WeightsFile(path, legacy=is_legacy(path))
    return load_artifact(
        read_artifact(path), custom_objects, open_model, weights_file, compiles=compile
    )


def load_public(wrapped: Callable[..., Any], filepath: Any, *args: Any, **kwargs: Any) -> Any:
    """Stands for `keras.saving.load_model`: says what is at a path that Keras does not open.

    Args:
        wrapped: Keras's own function.
        filepath: The path.
        *args: Further arguments.
        **kwargs: Further arguments.
    """
    try:
        with loading_from(str(filepath)):
            return wrapped(filepath, *args, **kwargs)
    except LoadError:
        raise
    except (OSError, ValueError) as error:
        text = str(filepath)
        obstacle = None if "://" in text else find_obstacle(text)
        if obstacle is None:
            raise
        log_findings([obstacle])
        keras_line = str(error).partition("\n")[0]
        name = printable(text, limit=1000)
        raise make_load_error(name, [obstacle], in_place_of=(type(error), keras_line)) from error


def load_artifact(
    reading: ArtifactReading,
    custom_objects: Mapping[str, Any] | None,
    open_model: Open,
    weights_file: WeightsFile,
    *,
    compiles: bool,
) -> Any:
    """Loads a model file.

    Args:
        reading: The file's metadata and config.
        custom_objects: The caller's objects.
        open_model: Lets Keras load the file with these custom objects, compiled or not.
        weights_file: The weights in the file.
        compiles: Whether to restore the compiled state.

    Raises:
        LoadError: The model cannot be loaded, or is not the one that was saved.
    """
    artifact = reading.artifact
    if artifact is None:
        log_findings(reading.findings)
        raise make_load_error(reading.name, reading.findings)
    load = Load(artifact, dict(custom_objects or {}), weights_file, compiles=compiles)
    if artifact.container == ".h5":  # damage may be in the config, which nothing else protects
        _stop_on_damage(artifact, weights_file)
        load.prepare()
    else:
        load.prepare()
        _stop_on_damage(artifact, weights_file)
    model = load.open(open_model)
    load.verify_weights(model)
    load.judge_form()
    load.stop_on_errors()
    load.former_names.restore()
    tell(artifact.name, load.findings)
    remember(model, load.report())
    return model


def _stop_on_damage(artifact: Artifact, weights_file: WeightsFile) -> None:
    """Raises if Keras, or libhdf5, is not to read the weights."""
    damage = find_damage(weights_file.source, artifact)
    if damage is not None:
        log_findings([damage])
        raise make_load_error(artifact.name, [damage])
