"""The manifest of a serialised model, made when it is saved or long after.

Pure functions over what they are given; the weights are hashed elsewhere.
"""

from keras_registry.recording.files import record_file
from keras_registry.recording.live import KnownObject, record_model
from keras_registry.recording.parts import Recording

__all__ = ["KnownObject", "Recording", "record_file", "record_model"]
