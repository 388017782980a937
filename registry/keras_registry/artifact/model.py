"""A model file as a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from keras_registry.manifest import MANIFEST_KEY

__all__ = ["SAVED_MODEL", "WEIGHTS_ALONE", "Artifact", "Member"]

SAVED_MODEL = "saved_model"
WEIGHTS_ALONE = ".weights.h5"


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside an archive: its name and its size in bytes."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Artifact:
    """What a model file holds, its weights apart.

    Attributes:
        name: How messages call the file: its path, or ``model`` where there is none.
        size: Its size in bytes; None if it is not known.
        members: The files inside it.
        metadata: What Keras notes about the save, and the manifest's document; empty if the file
            has none, as plain Keras does not need it; None if it cannot be read.
        config: The serialised model, as Keras deserialises it; of a ``.h5`` file, its
            `model_config` and `training_config` by these names. Exported models and weights
            alone have none: empty.
        container: How it is kept: ``.keras``, ``folder``, ``.h5``, ``saved_model`` or
            ``.weights.h5``.
        is_file: Whether the name is a path.
    """

    name: str
    size: int | None
    members: tuple[Member, ...]
    metadata: dict[str, Any] | None
    config: dict[str, Any]
    container: str = ".keras"
    is_file: bool = False

    @property
    def model(self) -> dict[str, Any]:
        """The serialised model itself, without its compiled state where that stands apart."""
        model = self.config.get("model_config", self.config)
        return model if isinstance(model, dict) else {}

    @property
    def is_exported(self) -> bool:
        """Whether it is a graph without a config, which Keras does not load."""
        return self.container == SAVED_MODEL

    @property
    def has_config(self) -> bool:
        """Whether it is a model, and not what was made of one."""
        return self.container not in {SAVED_MODEL, WEIGHTS_ALONE}

    @property
    def has_manifest(self) -> bool:
        """Whether there is a manifest document, of whatever form."""
        return self.metadata is None or MANIFEST_KEY in self.metadata

    @property
    def manifest_document(self) -> Any:
        """The manifest's JSON document, not yet read; None if there is none."""
        return self.find_metadata(MANIFEST_KEY)

    def find_metadata(self, name: str) -> Any:
        """A member of the metadata, or None."""
        return None if self.metadata is None else self.metadata.get(name)
