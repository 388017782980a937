"""The manifest: the document inside a model file that says which plugins the model needs."""

from keras_registry.manifest.codec import (
    ManifestReading,
    Problem,
    dump_manifest,
    make_json_schema,
    read_manifest,
)
from keras_registry.manifest.hashes import hash_bytes, hash_json
from keras_registry.manifest.model import (
    MANIFEST_KEY,
    MANIFEST_VERSION,
    MAX_PATHS,
    DistributionRecord,
    EnvironmentRecord,
    Manifest,
    ObjectRecord,
    WeightsRecord,
)

__all__ = [
    "MANIFEST_KEY",
    "MANIFEST_VERSION",
    "MAX_PATHS",
    "DistributionRecord",
    "EnvironmentRecord",
    "Manifest",
    "ManifestReading",
    "ObjectRecord",
    "Problem",
    "WeightsRecord",
    "dump_manifest",
    "hash_bytes",
    "hash_json",
    "make_json_schema",
    "read_manifest",
]
