"""What the author of a plugin publishes: the snapshot and the config schemas of its objects.

Pure functions over live registrations and documents; whoever calls imports the plugins first.
"""

from keras_registry.publishing.comparison import compare_objects
from keras_registry.publishing.describing import describe_registration, take_snapshot
from keras_registry.publishing.released import compare_snapshot, read_released
from keras_registry.publishing.schemas import (
    PUBLISHED_FOLDER,
    make_published_schema,
    published_path,
    read_published,
)

__all__ = [
    "PUBLISHED_FOLDER",
    "compare_objects",
    "compare_snapshot",
    "describe_registration",
    "make_published_schema",
    "published_path",
    "read_published",
    "read_released",
    "take_snapshot",
]
