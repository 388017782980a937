"""The load side: can this environment load this model, and with what?

Pure functions over what they are given. The answer is data; whoever asks decides what to raise.
"""

from keras_registry.resolution.configs import (
    ConfigJudgement,
    judge_config_versions,
    judge_configs,
)
from keras_registry.resolution.document import form_finding, lambda_findings, manifest_findings
from keras_registry.resolution.keras2 import keras2_findings, obstacles_to
from keras_registry.resolution.keras_findings import Fit, argument_finding
from keras_registry.resolution.model import ObjectResolution, Resolution, Source
from keras_registry.resolution.newer_keras import DerivedUse, InstalledKeras, KerasFitting
from keras_registry.resolution.plugins import (
    import_finding,
    import_plugin,
    promise_finding,
    renamed_finding,
)
from keras_registry.resolution.resolve import resolve_model, resolve_weights
from keras_registry.resolution.snapshots import (
    find_in_snapshots,
    judge_by_snapshots,
    stale_snapshot_findings,
)
from keras_registry.resolution.versions import backend_findings, judge_schemas

__all__ = [
    "ConfigJudgement",
    "DerivedUse",
    "Fit",
    "InstalledKeras",
    "KerasFitting",
    "ObjectResolution",
    "Resolution",
    "Source",
    "argument_finding",
    "backend_findings",
    "find_in_snapshots",
    "form_finding",
    "import_finding",
    "import_plugin",
    "judge_by_snapshots",
    "judge_config_versions",
    "judge_configs",
    "judge_schemas",
    "keras2_findings",
    "lambda_findings",
    "manifest_findings",
    "obstacles_to",
    "promise_finding",
    "renamed_finding",
    "resolve_model",
    "resolve_weights",
    "stale_snapshot_findings",
]
