"""What all manifests are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keras_registry.artifact import scan_config
from keras_registry.documents.forms import POINTER, Form
from keras_registry.hashes import hash_form, hash_json
from keras_registry.manifest import MAX_PATHS

if TYPE_CHECKING:
    from keras_registry.artifact import ConfigScan, ObjectUse
    from keras_registry.findings import Finding
    from keras_registry.manifest import Manifest

__all__ = ["ConfigFacts", "Recording", "if_fits", "places_of", "read_facts"]


@dataclass(frozen=True, slots=True)
class ConfigFacts:
    """What a manifest says of a config by itself.

    Attributes:
        scan: The objects that it names.
        hash: The hash of the whole; None without a config.
        form: The hash of its form; None without a config.
    """

    scan: ConfigScan
    hash: str | None = None
    form: str | None = None


def read_facts(config: Any) -> ConfigFacts:
    """Reads what a manifest says of a config.

    Args:
        config: The JSON document of ``config.json``.
    """
    return ConfigFacts(scan_config(config), hash_json(config), hash_form(config))


@dataclass(frozen=True, slots=True)
class Recording:
    """What came of recording a model.

    Attributes:
        manifest: Its manifest.
        findings: What in the model nobody else can load, or nobody here provides.
    """

    manifest: Manifest
    findings: tuple[Finding, ...]


def if_fits(form: Form, text: str | None) -> str | None:
    """The text, or None if a manifest may not hold it."""
    return text if text is not None and form.accepts(text) else None


def places_of(uses: tuple[ObjectUse, ...]) -> dict[str, Any]:
    """The members of a record that say where a config uses an object."""
    pointers = (use.pointer for use in uses[:MAX_PATHS])
    return {"paths": tuple(filter(POINTER.accepts, pointers)), "count": len(uses)}
