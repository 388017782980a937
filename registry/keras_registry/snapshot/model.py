"""The snapshot as a value: what only the code of a plugin knows."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Any

from keras_registry.documents import forms
from keras_registry.names import Kind

__all__ = ["SNAPSHOT_VERSION", "ObjectSnapshot", "Snapshot", "changed_members"]

SNAPSHOT_VERSION = "1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectSnapshot:
    """What the code of a plugin says of one object.

    Attributes:
        key: Its key.
        kind: What it is used for.
        module: The module that defines it.
        class_name: Its Python name; Keras builds weight paths from it.
        former_names: The names that the class had before.
        backends: The Keras backends that it runs on; null for all.
        config_version: The version of its config schema; null for functions.
        oldest_version: The oldest config version that its migrations read.
        schema: The fingerprint of its config schema; null where Keras keeps the config.
        config: The config's own fields as JSON Schema: ``properties`` and ``required``.
        accepts: Names that a config may hold besides; null if any.
        complete: Whether each saved config has every field.
    """

    key: Annotated[str, forms.KEY]
    kind: Kind
    module: Annotated[str, forms.MODULE] | None = None
    class_name: Annotated[str, forms.CLASS_NAME] | None = None
    former_names: tuple[Annotated[str, forms.CLASS_NAME], ...] | None = None
    backends: tuple[Annotated[str, forms.BACKEND], ...] | None = None
    config_version: Annotated[int, 1] | None = None
    oldest_version: Annotated[int, 1] | None = None
    schema: Annotated[str, forms.HASH] | None = None
    config: dict[str, Any] | None = None
    accepts: tuple[str, ...] | None = None
    complete: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The public face of a plugin distribution.

    Attributes:
        snapshot_version: The version of this format.
        generator: The program that wrote the snapshot, and its version.
        distribution: The normalised name of the distribution.
        objects: The objects that it provides, by key.
    """

    snapshot_version: Annotated[str, forms.FORMAT_VERSION]
    generator: Annotated[str, forms.GENERATOR]
    distribution: Annotated[str, forms.DISTRIBUTION]
    objects: tuple[ObjectSnapshot, ...]

    def find_object(self, key: str) -> ObjectSnapshot | None:
        """What is said of an object, or None."""
        return next((item for item in self.objects if item.key == key), None)


def changed_members(old: ObjectSnapshot, new: ObjectSnapshot) -> tuple[str, ...]:
    """The members in which two accounts of one object differ."""
    names = (field.name for field in dataclasses.fields(ObjectSnapshot))
    return tuple(name for name in names if getattr(old, name) != getattr(new, name))
