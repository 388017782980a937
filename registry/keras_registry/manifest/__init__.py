"""The manifest: the document inside a model file that says which plugins the model needs."""

from keras_registry.manifest.codec import (
    ManifestReading,
    dump_manifest,
    make_json_schema,
    read_manifest,
)
from keras_registry.manifest.model import (
    GRAPH,
    MANIFEST_KEY,
    MANIFEST_VERSION,
    MAX_PATHS,
    DistributionRecord,
    EnvironmentRecord,
    Manifest,
    ObjectRecord,
    WeightsRecord,
)
from keras_registry.manifest.validation import validate_reading

__all__ = [
    "GRAPH",
    "MANIFEST_KEY",
    "MANIFEST_VERSION",
    "MAX_PATHS",
    "DistributionRecord",
    "EnvironmentRecord",
    "Manifest",
    "ManifestReading",
    "ObjectRecord",
    "WeightsRecord",
    "dump_manifest",
    "make_json_schema",
    "read_manifest",
    "validate_reading",
]
