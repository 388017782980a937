"""Config schemas: one pydantic model per object, for its constructor and its saved config."""

from keras_registry.config.derivation import derive_schema, schema_from_model
from keras_registry.config.kinds import kind_of_class
from keras_registry.config.schema import (
    CONFIG_VERSION_FIELD,
    ConfigProblem,
    ConfigSchema,
    read_config_version,
)
from keras_registry.config.wrapping import wrap_class

__all__ = [
    "CONFIG_VERSION_FIELD",
    "ConfigProblem",
    "ConfigSchema",
    "derive_schema",
    "kind_of_class",
    "read_config_version",
    "schema_from_model",
    "wrap_class",
]
