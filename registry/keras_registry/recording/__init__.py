"""The manifest of a serialised model, made when it is saved or long after.

Pure functions over what they are given; the weights are hashed elsewhere.
"""

from keras_registry.recording.files import record_file
from keras_registry.recording.live import KnownObject, record_model
from keras_registry.recording.parts import ConfigFacts, Recording, read_facts

__all__ = [
    "ConfigFacts",
    "KnownObject",
    "Recording",
    "read_facts",
    "record_file",
    "record_model",
]
