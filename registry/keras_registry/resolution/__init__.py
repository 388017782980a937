"""The load side: can this environment load this model, and with what?

Pure functions over what they are given. The answer is data; whoever asks decides what to raise.
"""

from keras_registry.resolution.configs import validate_configs
from keras_registry.resolution.model import ObjectResolution, Resolution, Source
from keras_registry.resolution.plugins import import_finding, promise_finding
from keras_registry.resolution.resolve import resolve_model
from keras_registry.resolution.versions import judge_code, judge_without_code

__all__ = [
    "ObjectResolution",
    "Resolution",
    "Source",
    "import_finding",
    "judge_code",
    "judge_without_code",
    "promise_finding",
    "resolve_model",
    "validate_configs",
]
