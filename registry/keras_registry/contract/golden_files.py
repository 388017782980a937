"""Golden files: small models that released versions saved, with what they gave.

They lie in the sources of a plugin, a folder for each version of it:

- ``tests/golden/1.4.2/golden.json``: which models there are, and what made them;
- ``tests/golden/1.4.2/acme-GatedDense.keras``: a model with one object in it;
- ``tests/golden/1.4.2/acme-GatedDense.npz``: its inputs, outputs and weights.
"""

from __future__ import annotations

import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from keras_registry.contract.wheels import find_source
from keras_registry.names import Kind, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keras_registry.environment import InstalledDistribution

__all__ = [
    "GOLDEN_FOLDER",
    "INDEX",
    "GoldenIndex",
    "GoldenModel",
    "Release",
    "find_golden_folder",
    "iter_releases",
    "read_arrays",
    "write_arrays",
]

GOLDEN_FOLDER = Path("tests", "golden")
"""Where golden files lie in a project, unless its author says otherwise."""

INDEX = "golden.json"

_MOST_BYTES = 1 << 20
"""Of an index."""

_MOST_BYTES_OF_ARRAYS = 64 << 20
"""Of the arrays of a model, unpacked."""

_MOST_MODELS = 10_000
_MOST_RELEASES = 1_000


class _Part(BaseModel):
    """A part of an index; what a later version of it may have besides is left alone."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class GoldenModel(_Part):
    """A model with one object in it.

    Attributes:
        key: The object's key.
        kind: What it is used for.
        file: The name of the files, without their endings.
        config_version: The version of the object's config.
        made_by: The line of code that made the object.
        called_with: What the model is called with, in words.
        structure: How the inputs are nested: lists and dicts of their numbers.
        outputs: The dtypes of what the model gave, by name.
    """

    key: str = Field(pattern=r"^([\w.-]+>)?[\w.-]+$", max_length=500)
    kind: Kind
    file: str = Field(pattern=r"^\w[\w.-]*$", max_length=200)
    config_version: int = Field(default=1, ge=1)
    made_by: str
    called_with: str
    structure: Any
    outputs: dict[str, str]


class GoldenIndex(_Part):
    """What one released version saved.

    Attributes:
        golden_version: The version of this form.
        generator: The program that wrote it.
        distribution: The distribution.
        distribution_version: Its version.
        environment: The versions of Python, Keras and the backend, and the name of the backend.
        models: The models.
        left_out: Why other objects have none, by key.
    """

    golden_version: str = Field(default="1.0", pattern=r"^1\.[0-9]{1,6}$")
    generator: str
    distribution: str
    distribution_version: str
    environment: dict[str, str | None]
    models: tuple[GoldenModel, ...] = Field(max_length=_MOST_MODELS)
    left_out: dict[str, str]


@dataclass(frozen=True, slots=True)
class Release:
    """The folder of one version.

    Attributes:
        folder: The folder.
        index: What is in it; None if that cannot be told.
        obstacle: Why not.
    """

    folder: Path
    index: GoldenIndex | None = None
    obstacle: str = ""


def find_golden_folder(distribution: InstalledDistribution) -> Path | None:
    """Where a distribution's golden files lie, or are to lie; None if its sources are not here.

    Its sources are where it was installed from in editable mode, or the working directory, if the
    project there is this one.
    """
    source = find_source(distribution.name) if distribution.editable else None
    if source is None and _project_in(Path.cwd()) == distribution.name:
        source = Path.cwd()
    return None if source is None else source / GOLDEN_FOLDER


def _project_in(folder: Path) -> str | None:
    """The name of the project whose pyproject.toml is in a folder."""
    try:
        document = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
        return canonicalize_name(document["project"]["name"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def iter_releases(folder: Path | None) -> Iterator[Release]:
    """The versions that have golden files, the oldest first.

    Args:
        folder: The folder in which there is one for each version; None for nowhere.
    """
    if folder is None or not folder.is_dir():
        return
    found = [item for item in folder.iterdir() if item.is_dir() and not item.name.startswith(".")]
    for item in sorted(found[:_MOST_RELEASES], key=_age):
        yield _read(item)


def _age(folder: Path) -> tuple[bool, Version, str]:
    try:
        return True, Version(folder.name), folder.name
    except InvalidVersion:
        return False, Version("0"), folder.name


def _read(folder: Path) -> Release:
    path = folder / INDEX
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except FileNotFoundError:
        return Release(folder, obstacle="no such file")
    except OSError as error:
        return Release(folder, obstacle=printable(error.strerror or error))
    if len(data) > _MOST_BYTES:
        return Release(folder, obstacle=f"more than {_MOST_BYTES} bytes")
    try:
        return Release(folder, GoldenIndex.model_validate_json(data))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        if first["type"] == "json_invalid":
            return Release(folder, obstacle="no JSON")
        place = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in first["loc"])
        value = "missing" if first["type"] == "missing" else repr(first["input"])
        words = f"{place.lstrip('.') or 'the whole'} is {value}"
        return Release(folder, obstacle=printable(words, limit=200))


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Writes arrays by name, the same bytes each time."""
    np.savez_compressed(path, **arrays)


def read_arrays(path: Path) -> dict[str, Any]:
    """The arrays in a file, by name.

    Raises:
        ValueError: It is no such file, or has more in it than a golden file may.
        OSError: It cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
    except zipfile.BadZipFile as error:
        message = "no arrays of numpy"
        raise ValueError(message) from error
    if size > _MOST_BYTES_OF_ARRAYS:
        message = f"more than {_MOST_BYTES_OF_ARRAYS} bytes of arrays"
        raise ValueError(message)
    with np.load(path, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}
