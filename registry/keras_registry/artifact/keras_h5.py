"""The ``.h5`` container: an HDF5 file with the configs as attributes of its root.

Keras reads `model_config` and `training_config` there, and leaves other members of the root alone.
The manifest is the dataset ``keras_registry/manifest``, JSON in UTF-8. Of its attributes,
``checksum`` is the hash of its bytes, and ``config_places`` tells the length of each config and
where the global heap had it when the manifest was written: collection and number. Beside it lies an
empty group ``vars``: such a group is to Keras an object without variables, so that
`KerasFileEditor` passes it by, where it would write a dataset of the root into its copy as a weight
of the model.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_registry.artifact.hdf5_heaps import Bytes, Hdf5Error
from keras_registry.artifact.hdf5_structure import check_hdf5
from keras_registry.artifact.model import Artifact, Member
from keras_registry.artifact.reading import (
    MAX_CONFIG_BYTES,
    MAX_METADATA_BYTES,
    FileFormat,
    UnreadableError,
    check_file,
    check_size,
    damaged_part,
    parse_json,
    read_as,
    unreadable,
)
from keras_registry.artifact.scan import MODEL_CONFIG, TRAINING_CONFIG
from keras_registry.hashes import hash_bytes
from keras_registry.manifest import MANIFEST_KEY
from keras_registry.names import printable

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    import h5py

    from keras_registry.artifact.hdf5_objects import Text
    from keras_registry.artifact.reading import ArtifactReading
    from keras_registry.findings import Finding

__all__ = [
    "H5_FORMAT",
    "check_manifest",
    "check_root",
    "find_h5_obstacle",
    "read_h5_configs",
    "read_h5_metadata",
    "read_keras_h5",
    "replace_h5_config",
    "replace_h5_manifest",
]

_DOCUMENT = "manifest"
_CHECKSUM, _PLACES = "checksum", "config_places"
_CONFIGS = (MODEL_CONFIG, TRAINING_CONFIG)

H5_FORMAT = FileFormat("a .h5 file", "an HDF5 file", "file", b"\x89HDF\r\n\x1a\n")


def read_keras_h5(path: str | os.PathLike[str]) -> ArtifactReading:
    """Reads the configs and the manifest of a ``.h5`` file, with bounds on all that is read.

    Args:
        path: The file.
    """
    return read_as(H5_FORMAT, path, lambda name: _read(Path(path), name))


def find_h5_obstacle(path: str | os.PathLike[str]) -> Finding | None:
    """What keeps Keras from even opening a ``.h5`` path; None if it begins as HDF5 does.

    Args:
        path: A local path.
    """
    try:
        check_file(Path(path), H5_FORMAT)
    except UnreadableError as error:
        return error.finding
    return None


def _read(path: Path, name: str) -> Artifact:
    size = check_file(path, H5_FORMAT)
    check_root(path)
    import h5py

    with h5py.File(path, "r") as file:
        config = read_h5_configs(file)
        metadata = read_h5_metadata(file)
        members = tuple(Member(printable(member), 0) for member in file)
    return Artifact(
        name=name,
        size=size,
        members=members,
        metadata=metadata,
        config=config,
        container=".h5",
        is_file=True,
    )


def check_root(path: Path) -> dict[str, list[Text]]:
    """Checks what is read of an HDF5 file for its metadata, before libhdf5 reads it.

    Args:
        path: The file.

    Returns:
        Where the texts of the root's attributes are, by the names of the attributes.

    Raises:
        Hdf5Error: It is damaged there.
    """
    with path.open("rb", buffering=0) as file:
        return check_hdf5(Bytes(file), member=MANIFEST_KEY)


def read_h5_configs(file: h5py.File) -> dict[str, Any]:
    """The configs of the model and, if it is compiled, of its compiled state, by their names.

    Raises:
        UnreadableError: There is none, or it is no JSON object.
    """
    configs = {}
    for part in _CONFIGS:
        found = _find_text(file, part)
        if found is None and part == MODEL_CONFIG:
            raise _incomplete(file)
        if found is not None:
            check_size(part, len(found), MAX_CONFIG_BYTES)
            configs[part] = parse_json(part, found)
    return configs


def _find_text(file: h5py.File, name: str) -> str | None:
    """A text among the attributes; None if there is no attribute of this name.

    Raises:
        UnreadableError: It is something else. That is not read: an array of texts may repeat one
            text as often as it likes.
    """
    import h5py

    if name not in file.attrs:
        return None
    claim = file.attrs.get_id(name)
    if claim.shape != () or h5py.check_string_dtype(claim.dtype) is None:
        found = "an array" if claim.shape else printable(f"a value of type {claim.dtype}", limit=60)
        raise unreadable(name, "text", "nothing" if claim.shape is None else found)
    value = file.attrs[name]
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def read_h5_metadata(file: h5py.File) -> dict[str, Any]:
    """What a file says of the save, and its manifest's document, as the metadata of an archive.

    Args:
        file: An open file, of a model or of weights alone.
    """
    metadata: dict[str, Any] = {}
    for name in ("keras_version", "backend"):
        with suppress(UnreadableError):
            found = _find_text(file, name)
            if found is not None:
                metadata[name] = found
    if _has_link(file, MANIFEST_KEY):
        metadata[MANIFEST_KEY] = _read_manifest(file)
    return metadata


def _has_link(group: h5py.Group, name: str) -> bool:
    """Whether a group has a member; unlike `in` it does not look where a link leads."""
    return bool(group.id.links.exists(name.encode()))


def _read_manifest(file: h5py.File) -> Any:
    """The manifest's document; None if it cannot be read."""
    try:
        return parse_json(MANIFEST_KEY, bytes(_manifest_dataset(file)[()]))
    except Exception:  # noqa: BLE001 - damage shows in many ways, and Keras loads without it
        return None


def check_manifest(file: h5py.File, texts: Mapping[str, Sequence[Text]]) -> bool:
    """Checks that the manifest is the one that was written, if there is one.

    Args:
        file: The file, open.
        texts: Where the texts of its root's attributes are.

    Returns:
        Whether the configs are where they were then. Who writes a config by way of libhdf5 moves
        it: what stays in its place is as it was, or bytes of the file were changed.

    Raises:
        UnreadableError: It is another one. What libhdf5 cannot read has errors of libhdf5.
    """
    if not _has_link(file, MANIFEST_KEY):
        return False
    try:
        dataset = _manifest_dataset(file)
    except UnreadableError:
        return False  # not written here
    checksum, places = dataset.attrs.get(_CHECKSUM), dataset.attrs.get(_PLACES)
    found = hash_bytes(bytes(dataset[()]))
    if checksum is not None and checksum != found.encode():
        written = checksum.decode("utf-8", "replace") if isinstance(checksum, bytes) else checksum
        raise damaged_part(
            MANIFEST_KEY,
            "the manifest in the file is damaged",
            wanted=f"bytes with the hash {printable(written, limit=60)}",
            found=f"bytes with the hash {found}",
        )
    return places is not None and places.tolist() == _places(texts)


def _manifest_dataset(file: h5py.File) -> h5py.Dataset:
    """The dataset with the manifest, which is small and has bytes of its own.

    Raises:
        UnreadableError: Something else is in its place.
    """
    dataset = _member(_member(file, MANIFEST_KEY), _DOCUMENT)
    if dataset.is_virtual or dataset.external or (dataset.dtype, dataset.ndim) != ("uint8", 1):
        raise unreadable(MANIFEST_KEY, "bytes in the file itself", "something else")
    check_size(MANIFEST_KEY, dataset.nbytes, MAX_METADATA_BYTES)
    return dataset


def _member(group: Any, name: str) -> Any:
    """A member of a group, but not through a link, which may lead into another file."""
    import h5py

    if not isinstance(group, h5py.Group):
        raise unreadable(name, "a member of a group", "no group")
    if group.id.links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
        raise unreadable(name, "a member of the file", "a link")
    return group[name]


def _incomplete(file: h5py.File) -> UnreadableError:
    has_weights_alone = "layer_names" in file.attrs or any(
        _has_link(file, name) for name in ("layers", "vars")
    )
    names = list(file)
    shown = ", ".join(printable(name, limit=60) for name in names[:5])
    members = f"members {shown}{', …' if len(names) > 5 else ''}" if names else "no members"  # noqa: PLR2004
    return UnreadableError(
        "A106",
        "the file is no Keras model",
        location=MODEL_CONFIG,
        wanted=f"an attribute {MODEL_CONFIG}",
        found="weights without a model" if has_weights_alone else members,
        hint="build the model and call model.load_weights(path)"
        if has_weights_alone
        else "a .h5 file is written by model.save(path)",
    )


def replace_h5_config(file: h5py.File, part: str, config: Any) -> None:
    """Puts another config into a file that is open for writing."""
    file.attrs[part] = json.dumps(config).encode()


def replace_h5_manifest(file: h5py.File, manifest: Any) -> None:
    """Puts a manifest's document into a file that is open for writing; None takes it out."""
    import numpy as np

    if _has_link(file, MANIFEST_KEY):
        del file[MANIFEST_KEY]
    if manifest is not None:
        data = json.dumps(manifest).encode()
        group = file.create_group(MANIFEST_KEY)
        dataset = group.create_dataset(_DOCUMENT, data=np.frombuffer(data, "uint8"))
        dataset.attrs[_CHECKSUM] = np.bytes_(hash_bytes(data))
        group.create_group("vars")
        file.flush()
        with suppress(OSError, Hdf5Error):  # a file in memory is not looked into
            texts = check_root(Path(file.filename))
            dataset.attrs[_PLACES] = np.array(_places(texts), "uint64")


def _places(texts: Mapping[str, Sequence[Text]]) -> list[list[int]]:
    """The length and the place of each config, with zeros for one that is not there."""
    return [list(next(iter(texts.get(part, ())), (0, 0, 0))) for part in _CONFIGS]
