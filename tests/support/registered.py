"""Objects that a test registers: gone afterwards, and sent through Keras and back."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["restored_registries", "round_trip"]


@contextmanager
def restored_registries() -> Iterator[None]:
    """Leave our default registry and Keras's own one as they were before the `with` block."""
    from keras.src.saving import object_registration

    from keras_registry.registration import default_registry

    places = [
        default_registry._by_key,
        object_registration.GLOBAL_CUSTOM_OBJECTS,
        object_registration.GLOBAL_CUSTOM_NAMES,
    ]
    before = [dict(place) for place in places]
    try:
        yield
    finally:
        for place, content in zip(places, before, strict=True):
            place.clear()
            place.update(content)


def round_trip(thing: Any) -> Any:
    """Return the object that Keras makes of a serialised one, having gone through JSON text."""
    import keras

    text = json.dumps(keras.saving.serialize_keras_object(thing))
    return keras.saving.deserialize_keras_object(json.loads(text))
