"""The private parts of Keras that the bridge relies on, all in one place.

They were the same from Keras 3.12 to 3.15. One that is missing is reported (K301), and
`keras_registry.save_model` and `load_model` work without any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keras_registry.artifact import EXPANSION, ROOT, Expansion

__all__ = [
    "BUILD_COMPILED",
    "COMPILE_ARGUMENTS",
    "DESERIALIZE",
    "EXPORT",
    "FILL_H5",
    "FILL_H5_BY_NAME",
    "LEGACY_KERAS",
    "LOAD_FOLDER",
    "LOAD_H5",
    "LOAD_ORBAX",
    "LOAD_WEIGHTS",
    "LOAD_ZIP",
    "MAKE_H5_LAYER",
    "MODEL_FROM_CONFIG",
    "PUBLIC_DESERIALIZE",
    "PUBLIC_LOAD_MODEL",
    "PUBLIC_MODULES",
    "RETRIEVE",
    "SAVE_H5",
    "SAVE_WEIGHTS",
    "SAVE_ZIP",
    "SERIALIZE",
    "Attribute",
    "allowed_expansion",
    "decode_h5_config",
    "enclosing_scope",
    "find_names_down_to",
    "find_saved",
    "flatten_layers",
    "has_generators",
    "metrics_of",
    "state_to_save",
]

LEGACY_KERAS = "tf_keras"


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of a module, looked up by Keras each time that it is called."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


SAVE_ZIP = Attribute("keras.src.saving.saving_lib", "save_model")
SERIALIZE = Attribute("keras.src.saving.saving_lib", "_serialize_model_as_json")
LOAD_ZIP = Attribute("keras.src.saving.saving_lib", "_load_model_from_fileobj")
LOAD_FOLDER = Attribute("keras.src.saving.saving_lib", "_load_model_from_dir")
SAVE_H5 = Attribute("keras.src.legacy.saving.legacy_h5_format", "save_model_to_hdf5")
LOAD_H5 = Attribute("keras.src.legacy.saving.legacy_h5_format", "load_model_from_hdf5")
FILL_H5 = Attribute("keras.src.legacy.saving.legacy_h5_format", "load_weights_from_hdf5_group")
FILL_H5_BY_NAME = Attribute(
    "keras.src.legacy.saving.legacy_h5_format", "load_weights_from_hdf5_group_by_name"
)
SAVE_WEIGHTS = Attribute("keras.src.saving.saving_lib", "save_weights_only")
LOAD_WEIGHTS = Attribute("keras.src.saving.saving_lib", "load_weights_only")
LOAD_ORBAX = Attribute("keras.src.saving.saving_api", "_load_model_from_orbax_checkpoint")
"""Since Keras 3.14."""
EXPORT = Attribute("keras.src.export", "export_saved_model")
MAKE_H5_LAYER = Attribute("keras.src.legacy.saving.saving_utils", "model_from_config")
BUILD_COMPILED = Attribute("keras.src.legacy.saving.saving_utils", "try_build_compiled_arguments")
COMPILE_ARGUMENTS = Attribute(
    "keras.src.legacy.saving.saving_utils", "compile_args_from_training_config"
)
MODEL_FROM_CONFIG = Attribute("keras.src.saving.saving_lib", "_model_from_config")
DESERIALIZE = tuple(
    Attribute(module, "deserialize_keras_object")
    for module in (
        "keras.src.saving.serialization_lib",
        "keras.src.saving.saving_lib",
        "keras.src.saving",
    )
)
RETRIEVE = Attribute("keras.src.saving.serialization_lib", "_retrieve_class_or_fn")

# Not where it is defined: a name that was bound before is pickled by looking there.
PUBLIC_LOAD_MODEL = tuple(
    Attribute(f"{root}.{name}", "load_model")
    for root in ("keras", "keras._tf_keras.keras")
    for name in ("saving", "models")
)
PUBLIC_DESERIALIZE = tuple(
    Attribute(f"{root}.{name}", "deserialize_keras_object")
    for root in ("keras", "keras._tf_keras.keras")
    for name in ("saving", "utils")
)
PUBLIC_MODULES = frozenset(hook.module for hook in (*PUBLIC_LOAD_MODEL, *PUBLIC_DESERIALIZE))


def allowed_expansion() -> Expansion:
    """How far members of an archive may unpack, as this Keras has it; before 3.15 as that has."""
    from keras.src.saving import saving_lib

    return Expansion(
        times=getattr(saving_lib, "_ZIP_MEMBER_MAX_EXPANSION", EXPANSION.times),
        large=getattr(saving_lib, "_ZIP_MEMBER_BOMB_FLOOR_BYTES", EXPANSION.large),
        large_on_disk=getattr(saving_lib, "_ZIP_EXTRACT_BOMB_FLOOR_BYTES", EXPANSION.large_on_disk),
    )


def decode_h5_config(text: str) -> Any:
    """A config as Keras reads it from the text in a ``.h5`` file."""
    from keras.src.legacy.saving import json_utils

    return json_utils.decode(text)


def enclosing_scope() -> dict[str, Any]:
    """The objects of the `custom_object_scope` around the caller."""
    try:
        from keras.src.backend.common import global_state
    except ImportError:
        return {}
    return dict(global_state.get_global_attribute("custom_objects_scope_dict", {}))


def find_saved(owner: Any, name: str) -> Any:
    """What Keras saves under a name inside an object, or inside a list of objects; None if nothing.

    In a list, objects have the names of their classes, as in `saving_lib._save_container_state`.
    """
    from keras.src.saving.keras_saveable import KerasSaveable
    from keras.src.utils import naming

    if not isinstance(owner, list | tuple | dict):
        return getattr(owner, name, None)
    counts: dict[str, int] = {}
    for item in owner.values() if isinstance(owner, dict) else owner:
        if isinstance(item, KerasSaveable):
            stem = naming.to_snake_case(type(item).__name__)
            count = counts[stem] = counts.get(stem, -1) + 1
            if name == (f"{stem}_{count}" if count else stem):
                return item
    return None


def flatten_layers(model: Any) -> list[Any]:
    """A model and all layers inside it, each once, in a fixed order."""
    return list(model._flatten_layers())


def has_generators(layer: Any) -> bool:
    """Whether a layer draws random numbers of its own, with a state that goes on."""
    return bool(layer._seed_generators)


def metrics_of(layers: list[Any]) -> list[Any]:
    """The metrics in layers whose state Keras saves, each once, in the layers' order.

    Keras's own metrics are not among them: they begin anew after a load.
    """
    held = {id(metric): metric for layer in layers for metric in layer._metrics}
    return [metric for metric in held.values() if hasattr(metric, "save_own_variables")]


def find_names_down_to(layer: Any, inner: Any) -> list[str]:
    """The names of the layers from one down to another inside it; empty if it is not there."""
    if layer is inner:
        return [layer.name]
    for child in layer._flatten_layers(include_self=False, recursive=False):
        names = find_names_down_to(child, inner)
        if names:
            return [layer.name, *names]
    return []


def state_to_save(model: Any) -> dict[str, dict[str, Any]]:
    """What a save would write: the variables of each object of a model, by the object's path."""
    from keras.src.saving import saving_lib

    store = saving_lib.NpzIOStore("", mode="w")  # opens no file before it is closed
    saving_lib._save_state(model, store, None, "", set())
    return {ROOT if path == "__root__" else path: dict(v) for path, v in store.contents.items()}
