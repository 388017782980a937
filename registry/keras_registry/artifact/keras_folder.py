"""A model saved as a folder: the members of a ``.keras`` archive as files, not zipped."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_registry.artifact.keras_zip import CONFIG, METADATA, WEIGHTS
from keras_registry.artifact.model import Artifact, Member
from keras_registry.artifact.reading import (
    MAX_CONFIG_BYTES,
    MAX_METADATA_BYTES,
    FileFormat,
    UnreadableError,
    check_size,
    parse_json,
    read_as,
)
from keras_registry.names import printable

if TYPE_CHECKING:
    import os

    from keras_registry.artifact.reading import ArtifactReading

__all__ = ["FOLDER_FORMAT", "read_keras_folder"]

FOLDER_FORMAT = FileFormat("a folder", "a folder with config.json", "folder", b"")


def read_keras_folder(path: str | os.PathLike[str]) -> ArtifactReading:
    """Reads the metadata and config of a model that `model.save(path, zipped=False)` wrote.

    Args:
        path: The folder.
    """
    return read_as(FOLDER_FORMAT, path, lambda name: _read(Path(path), name))


def _read(folder: Path, name: str) -> Artifact:
    config = _read_json(folder, CONFIG, MAX_CONFIG_BYTES)
    if not any((folder / weights).is_file() for weights in WEIGHTS):
        raise _incomplete(folder, WEIGHTS[0])
    members = [
        Member(file.relative_to(folder).as_posix(), file.stat().st_size)
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    ]
    return Artifact(
        name=name,
        size=sum(member.size for member in members),
        members=tuple(members),
        metadata=_read_metadata(folder),
        config=config,
        container="folder",
        is_file=True,
    )


def _read_metadata(folder: Path) -> dict[str, Any] | None:
    if not (folder / METADATA).exists():
        return {}
    try:
        return _read_json(folder, METADATA, MAX_METADATA_BYTES)
    except UnreadableError:
        return None


def _read_json(folder: Path, name: str, limit: int) -> dict[str, Any]:
    file = folder / name
    if not file.is_file():
        raise _incomplete(folder, name)
    check_size(name, file.stat().st_size, limit)
    return parse_json(name, file.read_bytes())


def _incomplete(folder: Path, name: str) -> UnreadableError:
    present = folder.iterdir() if folder.is_dir() else ()
    files = sorted(f"{file.name}/" if file.is_dir() else file.name for file in present)
    shown = ", ".join(printable(file, limit=60) for file in files[:5])
    return UnreadableError(
        "A106",
        "the folder is no Keras model",
        location=name,
        wanted=f"a file {name}",
        found=f"files {shown}{', …' if len(files) > 5 else ''}" if files else "no files",  # noqa: PLR2004
        hint="such a folder is written by model.save(path, zipped=False)",
    )
