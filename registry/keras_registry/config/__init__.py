"""Config schemas: one pydantic model per object, for its constructor and its saved config."""

from keras_registry.config.comparison import SchemaChange, compare_properties
from keras_registry.config.derivation import (
    base_arguments,
    derive_schema,
    fields_of_author,
    schema_from_model,
)
from keras_registry.config.faults import ConfigFault, collecting_faults
from keras_registry.config.json_schema import is_comparable
from keras_registry.config.kinds import base_fields_of_kind, kind_of_class
from keras_registry.config.prepared import PreparedConfigs
from keras_registry.config.schema import (
    CONFIG_VERSION_FIELD,
    ConfigProblem,
    ConfigReading,
    ConfigSchema,
    read_config_version,
)
from keras_registry.config.sharing import may_be_marked_once, sharing_scope, unmark
from keras_registry.config.weight_migration import (
    WeightMigrations,
    awaits_migration,
    migrations_under_way,
    watching_weights,
)
from keras_registry.config.wrapping import wrap_class

__all__ = [
    "CONFIG_VERSION_FIELD",
    "ConfigFault",
    "ConfigProblem",
    "ConfigReading",
    "ConfigSchema",
    "PreparedConfigs",
    "SchemaChange",
    "WeightMigrations",
    "awaits_migration",
    "base_arguments",
    "base_fields_of_kind",
    "collecting_faults",
    "compare_properties",
    "derive_schema",
    "fields_of_author",
    "is_comparable",
    "kind_of_class",
    "may_be_marked_once",
    "migrations_under_way",
    "read_config_version",
    "schema_from_model",
    "sharing_scope",
    "unmark",
    "watching_weights",
    "wrap_class",
]
