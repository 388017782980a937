"""What live code says of an object, as a value that can be written down and compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras_registry.config import base_fields_of_kind, fields_of_author
from keras_registry.documents import generator
from keras_registry.names import Kind
from keras_registry.snapshot import SNAPSHOT_VERSION, ObjectSnapshot, Snapshot

if TYPE_CHECKING:
    from keras_registry.environment import InstalledDistribution
    from keras_registry.registration import Registration, Registry

__all__ = ["describe_registration", "take_snapshot"]


def describe_registration(registration: Registration) -> ObjectSnapshot:
    """What the code of an object says of it."""
    schema = registration.schema
    return ObjectSnapshot(
        key=registration.key,
        kind=registration.kind,
        module=registration.module,
        class_name=registration.target.__name__,
        former_names=registration.former_names or None,
        backends=registration.backends,
        config_version=None if registration.kind is Kind.FUNCTION else registration.config_version,
        oldest_version=None if schema is None else schema.oldest_version,
        schema=None if schema is None else schema.fingerprint,
        config=None if schema is None else schema.properties,
        accepts=_accepted(registration),
        complete=None if schema is None else schema.is_complete,
    )


def _accepted(registration: Registration) -> tuple[str, ...] | None:
    """Names that a config may hold besides its own fields; None where Keras decides that.

    What Keras's own layers take differs from one Keras to the next, so it is not written down.
    """
    schema, target = registration.schema, registration.target
    if schema is None or not schema.checks_config or schema.base_fields is None:
        return None
    known = base_fields_of_kind(registration.kind)
    others = schema.base_fields - known
    if not isinstance(target, type) or not others <= fields_of_author(target):
        return None
    return tuple(sorted({*known, *others} - set(schema.fields)))


def take_snapshot(distribution: InstalledDistribution, registry: Registry) -> Snapshot:
    """The snapshot of a distribution whose plugins are imported.

    Args:
        distribution: The distribution.
        registry: The live registered objects.
    """
    live = (registry.find(plugin.key) for plugin in distribution.plugins)
    objects = (describe_registration(found) for found in live if found is not None)
    return Snapshot(
        snapshot_version=SNAPSHOT_VERSION,
        generator=generator(),
        distribution=distribution.name,
        objects=tuple(sorted(objects, key=lambda item: item.key)),
    )
