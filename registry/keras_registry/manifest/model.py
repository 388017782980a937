"""The manifest as a value: what a model needs, and what it was saved with.

The classes below are the one declaration of the format. The reader and the published JSON
Schema are both derived from them (see `keras_registry.documents.codec`).

They are plain dataclasses, not pydantic models, because ``keras-registry inspect`` reads
manifests in less time than importing pydantic's models takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from keras_registry.documents import forms
from keras_registry.names import Kind

__all__ = [
    "GRAPH",
    "MANIFEST_KEY",
    "MANIFEST_VERSION",
    "MAX_PATHS",
    "DistributionRecord",
    "EnvironmentRecord",
    "Manifest",
    "ObjectRecord",
    "WeightsRecord",
]

MANIFEST_KEY = "keras_registry"
MANIFEST_VERSION = "1.0"
MAX_PATHS = 8
GRAPH = "graph"
"""The part of the weights under which the manifest of an exported model has the graph's hash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentRecord:
    """What the model was saved with."""

    python: Annotated[str, forms.VERSION] | None = None
    keras: Annotated[str, forms.VERSION] | None = None
    backend: Annotated[str, forms.BACKEND] | None = None
    backend_version: Annotated[str, forms.VERSION] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributionRecord:
    """A distribution that objects of the model come from.

    Attributes:
        version: The version that was installed when the model was saved.
        requires: Its compatible range, for a person to read; never believed at load.
        editable: Whether it was an editable install.
        digest: SHA-256 over the rows of its RECORD; null for editable installs.
    """

    version: Annotated[str, forms.VERSION] | None = None
    requires: Annotated[str, forms.REQUIRES] | None = None
    editable: bool | None = None
    digest: Annotated[str, forms.DIGEST] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRecord:
    """A custom object that the model uses.

    Attributes:
        key: Its key, as it stands in the model's config.
        kind: What it is used for.
        class_name: Its Python name when the model was saved; Keras builds weight paths from it.
        module: The module that defined it.
        distribution: The normalised name of the distribution that provided it.
        config_version: The version of its config schema.
        schema: The fingerprint of its config schema.
        paths: JSON pointers into the model's config, at most eight.
        count: In how many places the model uses it.
    """

    key: Annotated[str, forms.KEY]
    kind: Kind
    class_name: Annotated[str, forms.CLASS_NAME] | None = None
    module: Annotated[str, forms.MODULE] | None = None
    distribution: Annotated[str, forms.DISTRIBUTION] | None = None
    config_version: Annotated[int, 1] | None = None
    schema: Annotated[str, forms.HASH] | None = None
    paths: tuple[Annotated[str, forms.POINTER], ...] | None = None
    count: Annotated[int, 0] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsRecord:
    """The weights of one part of the model.

    Attributes:
        count: The number of arrays (of assets: of files).
        fingerprint: The hash over their names, shapes, dtypes and bytes.
    """

    count: Annotated[int, 0] | None = None
    fingerprint: Annotated[str, forms.HASH] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a model file needs and holds.

    Attributes:
        manifest_version: The version of this format.
        generator: The program that wrote the manifest, and its version.
        objects: The custom objects that the model uses.
        environment: What the model was saved with.
        distributions: The distributions of the objects, by normalised name.
        weights: The weights, by part: ``layers``, ``optimizer``, ``metrics``, ``assets``; of an
            exported model, ``layers`` and ``graph``.
        config: The hash of the model's config.
        config_form: The hash of its members and of the types of their values.
    """

    manifest_version: Annotated[str, forms.FORMAT_VERSION]
    generator: Annotated[str, forms.GENERATOR]
    objects: tuple[ObjectRecord, ...]
    environment: EnvironmentRecord | None = None
    distributions: dict[Annotated[str, forms.DISTRIBUTION], DistributionRecord] | None = None
    weights: dict[str, WeightsRecord | None] | None = None
    config: Annotated[str, forms.HASH] | None = None
    config_form: Annotated[str, forms.HASH] | None = None

    def find_object(self, key: str) -> ObjectRecord | None:
        """The record of an object, or None."""
        return next((record for record in self.objects if record.key == key), None)

    def find_distribution(self, name: str | None) -> DistributionRecord | None:
        """The record of a distribution, or None."""
        return (self.distributions or {}).get(name) if name is not None else None

    def find_weights(self, part: str) -> WeightsRecord | None:
        """The record of one part of the weights, or None."""
        return (self.weights or {}).get(part)
