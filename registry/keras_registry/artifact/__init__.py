"""Model files: what is in them, read without any framework."""

from keras_registry.artifact.containers import H5_ENDINGS, find_obstacle, read_artifact
from keras_registry.artifact.keras_folder import read_keras_folder
from keras_registry.artifact.keras_h5 import (
    read_h5_configs,
    read_keras_h5,
    replace_h5_config,
    replace_h5_manifest,
)
from keras_registry.artifact.keras_zip import METADATA, read_keras_zip, replace_metadata
from keras_registry.artifact.model import Artifact, Member
from keras_registry.artifact.reading import ArtifactReading
from keras_registry.artifact.scan import (
    MODEL_CONFIG,
    TRAINING_CONFIG,
    ConfigScan,
    ObjectUse,
    describe_place,
    find_use,
    iter_objects,
    scan_config,
)

__all__ = [
    "H5_ENDINGS",
    "METADATA",
    "MODEL_CONFIG",
    "TRAINING_CONFIG",
    "Artifact",
    "ArtifactReading",
    "ConfigScan",
    "Member",
    "ObjectUse",
    "describe_place",
    "find_obstacle",
    "find_use",
    "iter_objects",
    "read_artifact",
    "read_h5_configs",
    "read_keras_folder",
    "read_keras_h5",
    "read_keras_zip",
    "replace_h5_config",
    "replace_h5_manifest",
    "replace_metadata",
    "scan_config",
]
