"""The save side of ``.h5`` files, and what Keras writes there and cannot read again."""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_registry.artifact import (
    H5_ENDINGS,
    MODEL_CONFIG,
    TRAINING_CONFIG,
    read_h5_configs,
    replace_h5_config,
    replace_h5_manifest,
)
from keras_registry.bridge.config_faults import judge_faults
from keras_registry.bridge.loading import is_under_way
from keras_registry.bridge.saving import make_manifest, replaceable, replacing
from keras_registry.bridge.weights import PARTS
from keras_registry.config import collecting_faults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import h5py

__all__ = ["build_compiled", "compile_arguments", "complete_h5", "save_h5"]


def save_h5(
    wrapped: Callable[..., Any],
    model: Any,
    filepath: Any,
    overwrite: bool = True,  # noqa: FBT001, FBT002 - Keras's own signature
    include_optimizer: bool = True,  # noqa: FBT001, FBT002
) -> Any:
    """Stands where Keras writes a ``.h5`` file, and replaces the former file in one step.

    Args:
        wrapped: Keras's own function.
        model: The model.
        filepath: The path, or an open file, which is passed through.
        overwrite: Whether to replace a file without asking.
        include_optimizer: Whether to save the compiled state.
    """
    target = None
    if isinstance(filepath, str | os.PathLike) and (overwrite or not Path(filepath).exists()):
        target = _target(os.fspath(filepath))
    if target is None:
        return wrapped(model, filepath, overwrite, include_optimizer)
    import h5py

    with ExitStack() as stack:
        temporary = stack.enter_context(replacing(target))
        with h5py.File(temporary, "w") as file, collecting_faults() as faults:
            with _keeping_compile_config(model):
                wrapped(model, file, overwrite, include_optimizer)
            judge_faults(faults, read_h5_configs(file))
            complete_h5(model, file)
    return None


@contextmanager
def _keeping_compile_config(model: Any) -> Iterator[None]:
    """Lets the model keep its optimizer, which Keras takes out of what `compile` was given.

    Whatever saved it afterwards would save a model with the optimizer that `compile` defaults to.
    """
    config = getattr(getattr(model, "_compile_config", None), "config", {})
    before = dict(config)
    try:
        yield
    finally:
        config.update(before)


def _target(filepath: str) -> Path | None:
    folder = os.path.dirname(filepath)  # noqa: PTH120 - as Keras does
    if folder and "://" not in filepath:
        Path(folder).mkdir(parents=True, exist_ok=True)
    return replaceable(filepath, H5_ENDINGS)


def complete_h5(model: Any, file: h5py.File) -> None:
    """Mends what Keras wrote into a file and cannot read again, and adds the manifest.

    Args:
        model: The model that was written.
        file: The file, open for writing.
    """
    config = read_h5_configs(file)
    mended = _mended(model, config)
    for part, value in mended.items():
        if value != config[part]:
            replace_h5_config(file, part, value)
    saved = PARTS if "optimizer_weights" in file else ("layers",)
    manifest = make_manifest(model, mended, parts=saved)
    if manifest is not None:
        replace_h5_manifest(file, manifest)


def _mended(model: Any, config: Mapping[str, Any]) -> dict[str, Any]:
    """The configs with the key of the model's class, and names of losses that Keras resolves."""
    import keras

    mended = dict(config)
    key = keras.saving.get_registered_name(type(model))
    if ">" in key:
        # Keras looks for the key, and writes the bare name of the outermost class.
        mended[MODEL_CONFIG] = {**config[MODEL_CONFIG], "class_name": key}
    if TRAINING_CONFIG in config:
        mended[TRAINING_CONFIG] = _with_loss_names(config[TRAINING_CONFIG])
    return mended


def compile_arguments(
    wrapped: Callable[..., Any], training_config: Any, *args: Any, **kwargs: Any
) -> Any:
    """Stands where Keras makes the arguments of `compile` of what a ``.h5`` file says.

    Args:
        wrapped: Keras's own function.
        training_config: The compiled state.
        *args: Further arguments.
        **kwargs: Further arguments.
    """
    if isinstance(training_config, dict):
        training_config = _with_loss_names(training_config)
    return wrapped(training_config, *args, **kwargs)


def build_compiled(wrapped: Callable[..., Any], model: Any) -> Any:
    """Stands where Keras builds what a model of a ``.h5`` file is compiled with.

    Keras builds the optimizer for the variables that the model has itself, which are none where
    all are its layers', and then finds no place for the state that was saved.

    Args:
        wrapped: Keras's own function.
        model: The model.
    """
    optimizer = getattr(model, "optimizer", None)
    if is_under_way() and optimizer is not None and not optimizer.built:
        optimizer.build(model.trainable_variables)
    return wrapped(model)


def _with_loss_names(training: Mapping[str, Any]) -> dict[str, Any]:
    """The compiled state with whole names of losses: Keras reads none of the short ones."""
    return {**training, "loss": _whole_names(training.get("loss"))}


def _whole_names(loss: Any) -> Any:
    if isinstance(loss, str):
        return _whole_name(loss)
    if isinstance(loss, list):
        return [_whole_names(item) for item in loss]
    if isinstance(loss, dict) and "class_name" not in loss:
        return {name: _whole_names(item) for name, item in loss.items()}
    return loss


def _whole_name(name: str) -> str:
    import keras

    try:
        found = keras.losses.get(name)
    except ValueError:
        return name  # a custom one
    return str(getattr(found, "__name__", name))
