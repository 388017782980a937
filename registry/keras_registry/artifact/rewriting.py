"""Model files that are rewritten: another manifest, config or weights, and all else as it was."""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_registry.artifact.files import ChangedError, find_state, replacing
from keras_registry.artifact.keras_folder import FOLDER_FORMAT
from keras_registry.artifact.keras_h5 import H5_FORMAT, replace_h5_config, replace_h5_manifest
from keras_registry.artifact.keras_zip import CONFIG, METADATA, WEIGHTS, ZIP_FORMAT, copy_archive
from keras_registry.artifact.model import WEIGHTS_ALONE
from keras_registry.artifact.reading import (
    MAX_METADATA_BYTES,
    UnreadableError,
    check_size,
    damaged,
)
from keras_registry.findings import Finding, Policy, finding
from keras_registry.manifest import MANIFEST_KEY
from keras_registry.names import printable

if TYPE_CHECKING:
    import h5py

    from keras_registry.artifact.files import FileState
    from keras_registry.artifact.model import Artifact

__all__ = ["MODEL_CONTAINERS", "Changes", "find_model_state", "rewrite_model"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What is to be another in a model file.

    Attributes:
        manifest: The document of its manifest; None for a file without.
        config: Its config, as `Artifact.config` has it; None leaves that as it is.
        weights: A file that has its weights as its container keeps them: a whole ``.h5`` file, or
            what is `model.weights.h5` elsewhere. None leaves them as they are.
    """

    manifest: Any
    config: dict[str, Any] | None = None
    weights: Path | None = None


def find_model_state(path: Path) -> FileState | None:
    """The state of a model file, to be compared later; of a folder, that of its metadata.

    Args:
        path: The model.
    """
    return find_state(path / METADATA if os.path.isdir(path) else path)  # noqa: PTH112 - no errors


def rewrite_model(
    path: Path,
    artifact: Artifact,
    changes: Changes,
    *,
    target: Path | None = None,
    known: FileState | None = None,
) -> Finding | None:
    """Rewrites a model: a file in one step, the files of a folder each in one, metadata last.

    Args:
        path: The model.
        artifact: What is in it.
        changes: What is to be another.
        target: Where the result goes, if not to the model itself; no folder must be there yet.
        known: The state in which the model was before it was read: nobody may have written it.

    Returns:
        What kept it from being rewritten, or None.
    """
    source = Path(os.path.realpath(path))
    place = source if target is None else Path(os.path.realpath(target))
    try:
        _check_unchanged(source, known)
        if artifact.container == "folder":
            _rewrite_folder(source, place, artifact, changes)
        else:
            _check_writable(place)
            with replacing(place, known=known if place == source else None) as temporary:
                if artifact.container == ".keras":
                    _rewrite_archive(source, temporary, artifact, changes)
                else:
                    _rewrite_h5(source, temporary, changes)
    except UnreadableError as error:
        return error.finding
    except OSError as error:
        if error.errno is None and not isinstance(error, ChangedError):
            return damaged(error, _FORMS[artifact.container]).finding  # as h5py says it
        return _unwritable_finding(place, error)
    except Exception as error:  # noqa: BLE001 - damage shows in many ways: zlib.error, KeyError, ...
        return damaged(error, _FORMS[artifact.container]).finding
    return None


MODEL_CONTAINERS = {".keras": ZIP_FORMAT, "folder": FOLDER_FORMAT, ".h5": H5_FORMAT}
"""The containers of models that can be rewritten, and what each should be."""

_FORMS = {**MODEL_CONTAINERS, WEIGHTS_ALONE: H5_FORMAT}


def _check_unchanged(path: Path, known: FileState | None) -> None:
    if known is not None and find_model_state(path) != known:
        raise ChangedError


def _check_writable(place: Path) -> None:
    """Refuses a file that is not meant to be written, though it could be replaced.

    Raises:
        PermissionError: It is read-only.
    """
    if place.exists() and not os.access(place, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _rewrite_archive(source: Path, target: Path, artifact: Artifact, changes: Changes) -> None:
    members: dict[str, bytes | Path | None] = {METADATA: _metadata_of(artifact, changes)}
    if changes.config is not None:
        members[CONFIG] = json.dumps(changes.config).encode()
    if changes.weights is not None:
        members |= {**dict.fromkeys(WEIGHTS), WEIGHTS[0]: changes.weights}
    copy_archive(source, target, members)


def _rewrite_h5(source: Path, target: Path, changes: Changes) -> None:
    import h5py

    shutil.copyfile(changes.weights or source, target)
    with h5py.File(target, "r+") as file:
        if changes.weights is not None:
            _take_over(source, file)
        for part, config in (changes.config or {}).items():
            replace_h5_config(file, part, config)
        replace_h5_manifest(file, changes.manifest)


def _take_over(source: Path, file: h5py.File) -> None:
    """Puts into a file what another one has at its root, but for its weights."""
    import h5py

    with h5py.File(source, "r") as old:
        for name, value in old.attrs.items():
            file.attrs[name] = value
        for name in old:
            # A link is left out: it may lead into another file.
            kind = old.id.links.get_info(name.encode()).type
            if name not in (*_OF_WEIGHTS, *file) and kind == h5py.h5l.TYPE_HARD:
                old.copy(name, file)


_OF_WEIGHTS = ("model_weights", "optimizer_weights")


def _rewrite_folder(source: Path, place: Path, artifact: Artifact, changes: Changes) -> None:
    if place == source:
        _rewrite_files(source, artifact, changes)
        return
    if place.exists():
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    temporary = place.with_name(f".keras-registry-{secrets.token_hex(8)}")
    try:
        shutil.copytree(source, temporary)
        _rewrite_files(temporary, artifact, changes)
        temporary.rename(place)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _rewrite_files(folder: Path, artifact: Artifact, changes: Changes) -> None:
    """Replaces files of a folder, each in one step; a symlink stays one."""
    files: dict[str, bytes | Path] = {}
    if changes.config is not None:
        files[CONFIG] = json.dumps(changes.config).encode()
    if changes.weights is not None:
        files[WEIGHTS[0]] = changes.weights
    files[METADATA] = _metadata_of(artifact, changes)
    places = {name: Path(os.path.realpath(folder / name)) for name in files}
    for place in places.values():
        _check_writable(place)
    for name, content in files.items():
        with replacing(places[name]) as temporary:
            if isinstance(content, Path):
                shutil.copyfile(content, temporary)
            else:
                temporary.write_bytes(content)
    if changes.weights is not None:
        (folder / WEIGHTS[1]).unlink(missing_ok=True)


def _metadata_of(artifact: Artifact, changes: Changes) -> bytes:
    """The metadata with the new manifest, written as Keras writes it."""
    metadata = dict(artifact.metadata or {})
    metadata.pop(MANIFEST_KEY, None)
    if changes.manifest is not None:
        metadata[MANIFEST_KEY] = changes.manifest
    data = json.dumps(metadata).encode()
    check_size(METADATA, len(data), MAX_METADATA_BYTES)
    return data


def _unwritable_finding(place: Path, error: OSError) -> Finding:
    return finding(
        "A111",
        Policy.COMPATIBLE,
        "the model cannot be rewritten",
        location=printable(place, limit=1000),
        wanted="a file that may be written, in a folder that takes a new one",
        found=printable(error.strerror or error),
        hint="the model is as it was; run the command again when that is mended",
    )
