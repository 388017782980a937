"""Remote paths, which Keras reaches through TensorFlow's file systems.

Keras loads a remote ``.keras`` file from a local copy. What is told of it carries the path that
the caller gave.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from keras_registry.names import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keras_registry.artifact import ArtifactReading

__all__ = ["fetched", "is_remote_file", "loading_from", "sent", "under_given_name"]

_remote: ContextVar[str | None] = ContextVar("keras_registry_remote", default=None)


def is_remote_file(path: str) -> bool:
    """Whether Keras takes a path for that of a remote ``.keras`` file.

    Args:
        path: The path.
    """
    from keras.src.utils import file_utils

    return path.endswith(".keras") and bool(file_utils.is_remote_path(path))


@contextmanager
def loading_from(path: str) -> Iterator[None]:
    """Notes, for the length of a block, the path that the caller of a load gave.

    Args:
        path: The path.
    """
    token = _remote.set(path if is_remote_file(path) else None)
    try:
        yield
    finally:
        _remote.reset(token)


def under_given_name(reading: ArtifactReading) -> ArtifactReading:
    """A reading under the path that the caller gave, where it was made of Keras's local copy.

    Args:
        reading: The reading.
    """
    path = _remote.get()
    if path is None or reading.name.replace(os.sep, "/").rpartition("/")[2] != _file_name(path):
        return reading
    name, artifact = printable(path, limit=1000), reading.artifact
    if artifact is not None:
        artifact = replace(artifact, name=name, is_file=False)  # no command of ours can open it
    return replace(reading, name=name, artifact=artifact)


@contextmanager
def fetched(path: str) -> Iterator[Path]:
    """A local copy of a remote file, for the length of a block.

    Args:
        path: The remote path.
    """
    from keras.src.utils import file_utils

    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, _file_name(path))
        file_utils.copy(path, str(copy))
        yield copy


@contextmanager
def sent(path: str) -> Iterator[Path]:
    """A local path whose file goes to a remote path when the block ends well.

    Args:
        path: The remote path.
    """
    from keras.src.utils import file_utils

    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, _file_name(path))
        yield copy
        file_utils.copy(str(copy), path)


def _file_name(path: str) -> str:
    return printable(path, limit=1000).rpartition("/")[2]
