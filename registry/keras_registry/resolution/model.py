"""A resolution as a value: who has each object that a model needs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from keras_registry.findings import Finding, Policy, finding

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keras_registry.artifact import ObjectUse
    from keras_registry.environment import Environment, Plugin
    from keras_registry.findings import Need
    from keras_registry.manifest import Manifest, ObjectRecord
    from keras_registry.registration import Registry

__all__ = ["ObjectResolution", "Question", "Resolution", "Source"]


class Source(StrEnum):
    """Who has an object, in the order in which they are asked."""

    CUSTOM_OBJECTS = "custom_objects"
    SCOPE = "custom_object_scope"
    LIVE = "registered by the running program"
    PLUGIN = "plugin"
    KERAS = "keras"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class ObjectResolution:
    """One object that a model needs, and who has it.

    Attributes:
        key: The key as the model names it.
        source: Who has it.
        needs: The object and its places, for messages.
        uses: The places.
        record: What the manifest says of it; None if nothing.
        plugin: The plugin, if one has it.
    """

    key: str
    source: Source
    needs: Need
    uses: tuple[ObjectUse, ...]
    record: ObjectRecord | None = None
    plugin: Plugin | None = None


@dataclass(frozen=True, slots=True)
class Resolution:
    """Whether and how an environment can load a model.

    Attributes:
        policy: The policy by which the findings were judged.
        manifest: The manifest, if there is one that can be believed.
        saved_with: The version of the Keras that saved the model, as manifest or file have it.
        objects: All objects that the model needs.
        findings: What is wrong or worth knowing, as far as no plugin code is needed to tell.
    """

    policy: Policy
    manifest: Manifest | None
    saved_with: str | None
    objects: tuple[ObjectResolution, ...]
    findings: tuple[Finding, ...]

    @property
    def plugins(self) -> tuple[Plugin, ...]:
        """The plugins that the model needs, each once."""
        found = {item.plugin.key: item.plugin for item in self.objects if item.plugin is not None}
        return tuple(found.values())


@dataclass(frozen=True)
class Question:
    """What `resolve_model` was asked, handed to its parts."""

    policy: Policy
    manifest: Manifest | None
    saved_with: str | None
    environment: Environment
    registry: Registry | None
    given: Mapping[str, Source]
    keras_has: Callable[[ObjectUse], bool] | None
    config: Any

    def finding(self, code: str, summary: str, **parts: Any) -> Finding:
        """A finding judged by the policy in question."""
        return finding(code, self.policy, summary, **parts)
