"""Model files: what is in them, read without any framework."""

from keras_registry.artifact.keras_zip import (
    ArtifactReading,
    find_obstacle,
    read_keras_zip,
    replace_metadata,
)
from keras_registry.artifact.model import Artifact, Member
from keras_registry.artifact.scan import (
    ConfigScan,
    ObjectUse,
    describe_place,
    find_use,
    iter_objects,
    scan_config,
)

__all__ = [
    "Artifact",
    "ArtifactReading",
    "ConfigScan",
    "Member",
    "ObjectUse",
    "describe_place",
    "find_obstacle",
    "find_use",
    "iter_objects",
    "read_keras_zip",
    "replace_metadata",
    "scan_config",
]
