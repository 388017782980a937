"""Model files: what is in them, read without any framework."""

from keras_registry.artifact.containers import (
    H5_ENDINGS,
    find_obstacle,
    is_legacy,
    read_artifact,
    read_without_config,
)
from keras_registry.artifact.damage import WHOLE_HDF5, find_damage
from keras_registry.artifact.drafts import Draft
from keras_registry.artifact.files import FileState, replaceable, replacing
from keras_registry.artifact.keras2 import (
    Modernised,
    Obstacle,
    is_keras2,
    modernise_artifact,
    without_obstacles,
)
from keras_registry.artifact.keras2_weights import has_old_layout, renumber_layers
from keras_registry.artifact.keras_folder import read_keras_folder
from keras_registry.artifact.keras_h5 import (
    read_h5_configs,
    read_h5_metadata,
    read_keras_h5,
    replace_h5_config,
    replace_h5_manifest,
)
from keras_registry.artifact.keras_zip import (
    EXPANSION,
    METADATA,
    WEIGHTS,
    Expansion,
    read_keras_zip,
    replace_metadata,
)
from keras_registry.artifact.model import WEIGHTS_ALONE, Artifact, Member
from keras_registry.artifact.orbax_folder import is_orbax
from keras_registry.artifact.reading import ArtifactReading
from keras_registry.artifact.rewriting import (
    MODEL_CONTAINERS,
    Changes,
    find_model_state,
    rewrite_model,
)
from keras_registry.artifact.saved_model import (
    EXTRA_FOLDER,
    EXTRA_MANIFEST,
    GRAPH_FINGERPRINT,
    find_graph_fingerprint,
    is_saved_model,
    read_saved_model,
)
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
from keras_registry.artifact.weight_arrays import (
    ROOT,
    TOP_LEVEL,
    Arrays,
    LegacyLayers,
    StoredArray,
    arrays_of,
    legacy_arrays_of,
)
from keras_registry.artifact.weights_alone import read_weights_metadata, replace_weights_manifest
from keras_registry.artifact.weights_file import opening_weights

__all__ = [
    "EXPANSION",
    "EXTRA_FOLDER",
    "EXTRA_MANIFEST",
    "GRAPH_FINGERPRINT",
    "H5_ENDINGS",
    "METADATA",
    "MODEL_CONFIG",
    "MODEL_CONTAINERS",
    "ROOT",
    "TOP_LEVEL",
    "TRAINING_CONFIG",
    "WEIGHTS",
    "WEIGHTS_ALONE",
    "WHOLE_HDF5",
    "Arrays",
    "Artifact",
    "ArtifactReading",
    "Changes",
    "ConfigScan",
    "Draft",
    "Expansion",
    "FileState",
    "LegacyLayers",
    "Member",
    "Modernised",
    "ObjectUse",
    "Obstacle",
    "StoredArray",
    "arrays_of",
    "describe_place",
    "find_damage",
    "find_graph_fingerprint",
    "find_model_state",
    "find_obstacle",
    "find_use",
    "has_old_layout",
    "is_keras2",
    "is_legacy",
    "is_orbax",
    "is_saved_model",
    "iter_objects",
    "legacy_arrays_of",
    "modernise_artifact",
    "opening_weights",
    "read_artifact",
    "read_h5_configs",
    "read_h5_metadata",
    "read_keras_folder",
    "read_keras_h5",
    "read_keras_zip",
    "read_saved_model",
    "read_weights_metadata",
    "read_without_config",
    "renumber_layers",
    "replace_h5_config",
    "replace_h5_manifest",
    "replace_metadata",
    "replace_weights_manifest",
    "replaceable",
    "replacing",
    "rewrite_model",
    "scan_config",
    "without_obstacles",
]
