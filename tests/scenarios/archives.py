"""Model files that were changed after the save, as an editor or an attacker would change them."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import h5py

from keras_registry.hashes import hash_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    Edit = Callable[[dict[str, Any]], Any]

__all__ = ["Edit", "alter", "read_document", "read_manifest_document", "write_archive"]

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"


def read_document(path: Path, member: str) -> dict[str, Any]:
    """Return a JSON member of a model file."""
    with zipfile.ZipFile(path) as archive:
        document: dict[str, Any] = json.loads(archive.read(member))
    return document


def read_manifest_document(path: Path) -> dict[str, Any]:
    """Return the manifest of a ``.keras`` or ``.h5`` file as JSON."""
    document: dict[str, Any]
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            document = json.loads(bytes(file["keras_registry/manifest"][()]))
    else:
        document = read_document(path, METADATA)["keras_registry"]
    return document


def write_archive(path: Path, members: Mapping[str, bytes | str]) -> Path:
    """Write a zip archive, its members uncompressed as Keras stores them; return its path."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def alter(
    source: Path,
    target: Path,
    *,
    config: Edit | None = None,
    metadata: Edit | None = None,
    manifest: Edit | None = None,
    members: Mapping[str, bytes | str] | None = None,
    rehash: bool = True,
) -> Path:
    """Write a changed copy of a model file.

    Args:
        source: The file.
        target: Where the copy goes.
        config: Changes the document of `config.json` in place.
        metadata: Changes the document of `metadata.json` in place.
        manifest: Changes the manifest in place.
        members: What to write for other members, or besides.
        rehash: Let the manifest agree with the changed config, as a careful attacker would.

    Returns:
        The path of the copy.
    """
    with zipfile.ZipFile(source) as archive:
        contents: dict[str, bytes | str] = {i.filename: archive.read(i) for i in archive.infolist()}
    described, noted = json.loads(contents[CONFIG]), json.loads(contents[METADATA])
    if config is not None:
        config(described)
        if rehash and "keras_registry" in noted:
            noted["keras_registry"]["config"] = hash_json(described)
    if manifest is not None:
        manifest(noted["keras_registry"])
    if metadata is not None:
        metadata(noted)
    contents |= {CONFIG: json.dumps(described), METADATA: json.dumps(noted), **(members or {})}
    return write_archive(target, contents)
