"""The classes and functions of this process that one load may use: the caller's, and registered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras_registry.bridge.injection import callers_scope
from keras_registry.names import Kind
from keras_registry.publishing import describe_registration
from keras_registry.registration import default_registry
from keras_registry.resolution import Source

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keras_registry.artifact import ConfigScan, ObjectUse
    from keras_registry.resolution import ObjectResolution
    from keras_registry.snapshot import ObjectSnapshot

__all__ = ["LiveObjects", "describe_live", "keras_has"]


class LiveObjects:
    """What is at hand for one load.

    Args:
        custom_objects: What the caller passed, by key or bare name.

    Attributes:
        given: What the caller gives and the model needs, by key, with all else that was passed.
    """

    def __init__(self, custom_objects: dict[str, Any]) -> None:
        self._custom_objects = custom_objects
        self.given = dict(custom_objects)

    def names(self) -> set[str]:
        """The names for which the caller gives objects."""
        return {*self._custom_objects, *callers_scope()}

    def match(self, scan: ConfigScan) -> dict[str, Source]:
        """Which of a model's keys the caller has objects for, by full or by bare name.

        Args:
            scan: The objects that the model names.
        """
        scope = callers_scope()
        matched: dict[str, Source] = {}
        self.given = dict(self._custom_objects)
        for use in scan.uses:
            for objects, source in (
                (self._custom_objects, Source.CUSTOM_OBJECTS),
                (scope, Source.SCOPE),
            ):
                found = next((objects[n] for n in _names(use) if n in objects), None)
                if found is not None:
                    matched[use.key], self.given[use.key] = source, found
                    break
        return matched

    def leaves_to_its_owner(self, config: Any, use: ObjectUse) -> bool:
        """Whether only the code of a class that Keras has, and that is not Keras's own, reads it.

        Keras hands such a class its config as it is: what is made of an object in it, and where
        its class is looked up, is that code's affair.

        Args:
            config: The JSON document that names the object.
            use: The place.
        """
        import keras

        owner, node = None, config
        for step in use.path:
            if step == "config" and isinstance(node, dict) and "class_name" in node:
                owner = node.get("registered_name") or node["class_name"]
            node = node[step]
        if not isinstance(owner, str) or default_registry.find(owner) is not None:
            return False
        target = self.given.get(owner) or keras.saving.get_registered_object(owner)
        return isinstance(target, type) and target.__module__.partition(".")[0] != "keras"

    def target_of(self, item: ObjectResolution) -> Any:
        """The class or function that an object of the model is made of; None if it is not known.

        Args:
            item: The object, resolved.
        """
        if item.source in {Source.CUSTOM_OBJECTS, Source.SCOPE}:
            return self.given.get(item.key)
        live = default_registry.find(_key_of(item))
        return None if live is None else live.target


def describe_live(item: ObjectResolution) -> ObjectSnapshot | None:
    """What the live code of an object says of it; None if it is not a registered object."""
    if item.source not in {Source.LIVE, Source.PLUGIN}:
        return None
    live = default_registry.find(_key_of(item))
    return None if live is None else describe_registration(live)


def keras_has(use: ObjectUse) -> bool:
    """Whether Keras finds an object itself."""
    import keras

    if keras.saving.get_registered_object(use.key) is not None or use.in_keras_family:
        return True
    # Keras up to 3.6 wrote functions without their namespace; newer ones look for the ending.
    bare = use.kind is Kind.FUNCTION and ">" not in use.key and use.module == "builtins"
    ending = f">{use.key}"
    return bare and any(name.endswith(ending) for name in keras.saving.get_custom_objects())


def _key_of(item: ObjectResolution) -> str:
    return item.key if item.plugin is None else item.plugin.key


def _names(use: ObjectUse) -> Sequence[str]:
    """The names under which a caller may pass an object, the full one first."""
    bare = use.key.rpartition(">")[2]
    return [name for name in (use.key, bare, use.class_name) if name is not None]
