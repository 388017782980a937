"""Registered objects in Keras's own registry, so that plain Keras finds them as well."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from keras_registry.errors import RegistrationError
from keras_registry.names import ObjectRef

if TYPE_CHECKING:
    from keras_registry.registration import Registration

__all__ = ["enter_into_keras"]


def enter_into_keras(registration: Registration) -> None:
    """Enters an object under its key, as `keras.saving.register_keras_serializable` does.

    Before Keras is imported this does nothing; the registrations made until then are entered
    when it is.

    Raises:
        RegistrationError: Another object was registered with Keras under the key.
    """
    saving = sys.modules.get("keras.saving")
    register = getattr(saving, "register_keras_serializable", None)
    if saving is None or register is None:
        return
    present = saving.get_custom_objects().get(registration.key)
    if present is not None and present is not registration.target:
        named = present if hasattr(present, "__qualname__") else type(present)
        origin = (named.__module__, named.__qualname__)
        if origin != registration.origin:
            message = (
                f"the key {registration.key!r} is taken in Keras's registry by "
                f"{'.'.join(origin)}, so {'.'.join(registration.origin)} cannot have it. Give it "
                "another name or namespace."
            )
            raise RegistrationError(message)
    ref = ObjectRef.parse(registration.key)
    register(package=ref.namespace, name=ref.name)(registration.target)
