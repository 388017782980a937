"""The private parts of Keras that the bridge relies on, all in one place.

They were the same from Keras 3.12 to 3.15. One that is missing is reported (K301), and
`keras_registry.save_model` and `load_model` work without any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = [
    "BUILD_COMPILED",
    "COMPILE_ARGUMENTS",
    "DESERIALIZE",
    "FILL_H5",
    "LEGACY_KERAS",
    "LOAD_FOLDER",
    "LOAD_H5",
    "LOAD_ZIP",
    "MODEL_FROM_CONFIG",
    "PUBLIC_DESERIALIZE",
    "PUBLIC_LOAD_MODEL",
    "PUBLIC_MODULES",
    "RETRIEVE",
    "SAVE_H5",
    "SAVE_ZIP",
    "SERIALIZE",
    "Attribute",
    "enclosing_scope",
    "flatten_layers",
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


def enclosing_scope() -> dict[str, Any]:
    """The objects of the `custom_object_scope` around the caller."""
    try:
        from keras.src.backend.common import global_state
    except ImportError:
        return {}
    return dict(global_state.get_global_attribute("custom_objects_scope_dict", {}))


def flatten_layers(model: Any) -> list[Any]:
    """A model and all layers inside it, each once, in a fixed order."""
    return list(model._flatten_layers())
