"""The save side of ``.h5`` files, and what Keras writes there and cannot read again."""

from __future__ import annotations

import copy
import importlib
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_registry.artifact import (
    H5_ENDINGS,
    MODEL_CONFIG,
    TRAINING_CONFIG,
    read_h5_configs,
    replace_h5_config,
    replace_h5_manifest,
    replaceable,
    replacing,
)
from keras_registry.bridge.compiled_config import complete_compile_config
from keras_registry.bridge.config_faults import judge_faults
from keras_registry.bridge.h5_compile import with_whole_names
from keras_registry.bridge.h5_limits import limit_findings
from keras_registry.bridge.internals import SAVE_H5
from keras_registry.bridge.program_functions import explaining_refusals
from keras_registry.bridge.progress import note_model
from keras_registry.bridge.reports import tell
from keras_registry.bridge.saving import make_manifest
from keras_registry.config import collecting_faults, sharing_scope, unmark

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import h5py


__all__ = [
    "build_model",
    "complete_h5",
    "save_h5",
    "write_h5",
]

BUILD_CONFIG = "build_config"


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

    with replacing(target) as temporary, h5py.File(temporary, "w") as file:
        with (
            collecting_faults() as faults,
            _keeping_compile_config(model),
            sharing_scope(),
            explaining_refusals(model),
        ):
            wrapped(model, file, overwrite, include_optimizer)
        judge_faults(faults, read_h5_configs(file))
        complete_h5(model, file)
    return None


def write_h5(model: Any, path: Path) -> None:
    """Writes a ``.h5`` file with its manifest, hooks or no hooks.

    Unlike `keras.saving.save_model` it does not say that the format is an old one.

    Args:
        model: The model.
        path: The file.
    """
    module = importlib.import_module(SAVE_H5.module)
    save_h5(getattr(module, SAVE_H5.name), model, path)


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
    tell("save", limit_findings(model))
    mended = _mended(model, config)
    for part, value in mended.items():
        if value != config[part]:
            replace_h5_config(file, part, value)
    saved = ("layers", "optimizer") if "optimizer_weights" in file else ("layers",)
    manifest = make_manifest(model, mended, parts=saved)
    if manifest is not None:
        replace_h5_manifest(file, manifest)


def _mended(model: Any, config: Mapping[str, Any]) -> dict[str, Any]:
    """The configs with the key of the model's class, and names of losses that Keras resolves."""
    import keras

    mended = copy.deepcopy(dict(config))
    unmark(mended, policies=False)
    key = keras.saving.get_registered_name(type(model))
    if ">" in key:
        # Keras looks for the key, and writes the bare name of the outermost class.
        mended[MODEL_CONFIG]["class_name"] = key
    is_subclassed = not isinstance(model, keras.Sequential) and not hasattr(model, "operations")
    build_config = model.get_build_config() if is_subclassed and model.built else None
    if build_config:
        # Without it the weights of a subclassed model find no layers to go to.
        mended[MODEL_CONFIG][BUILD_CONFIG] = build_config
    if TRAINING_CONFIG in config:
        complete_compile_config(model, mended[TRAINING_CONFIG], with_optimizer=False)
        mended[TRAINING_CONFIG] = with_whole_names(mended[TRAINING_CONFIG])
    return {part: _with_readable_tuples(value) for part, value in mended.items()}


def _with_readable_tuples(node: Any) -> Any:
    """A config whose tuples Keras can read in ``.h5`` too, where it wants them under `items`."""
    if isinstance(node, list):
        return [_with_readable_tuples(item) for item in node]
    if not isinstance(node, dict):
        return node
    made = {name: _with_readable_tuples(value) for name, value in node.items()}
    if made.get("class_name") == "__tuple__" and isinstance(made.get("config"), list):
        made["items"] = made["config"]
    return made


def build_model(group: Any, model: Any) -> None:
    """Builds a model that is about to be filled with the weights of a ``.h5`` file.

    Args:
        group: The group of the file with the weights.
        model: The model.
    """
    if not model.built:
        build_config = read_h5_configs(group.file)[MODEL_CONFIG].get(BUILD_CONFIG)
        if isinstance(build_config, dict):
            model.build_from_config(build_config)
    note_model(model)
