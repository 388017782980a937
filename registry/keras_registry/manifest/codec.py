"""The manifest to JSON and back."""

from __future__ import annotations

from typing import Any

from keras_registry.documents import DocumentReading, Format, with_known_kinds
from keras_registry.manifest.model import MANIFEST_VERSION, Manifest

__all__ = ["ManifestReading", "dump_manifest", "make_json_schema", "read_manifest"]

ManifestReading = DocumentReading[Manifest]


_FORMAT = Format("manifest", Manifest, MANIFEST_VERSION, with_known_kinds)


def read_manifest(document: Any) -> ManifestReading:
    """Reads a manifest from a JSON document, which may hold anything."""
    return _FORMAT.read(document)


def dump_manifest(manifest: Manifest) -> dict[str, Any]:
    """The manifest as a JSON object, without the members that are unknown."""
    return _FORMAT.dump(manifest)


def make_json_schema() -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the manifest format."""
    return _FORMAT.make_json_schema()
