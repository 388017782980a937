"""The environment: what is installed where a process runs."""

from __future__ import annotations

import json
import os
import platform
import sys
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import importlib_metadata
from packaging.utils import canonicalize_name

from keras_registry.environment.model import InstalledDistribution
from keras_registry.environment.reading import normalise_version, read_distribution
from keras_registry.environment.scanning import scan_folders

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from keras_registry.environment.model import Plugin
    from keras_registry.environment.scanning import Scan
    from keras_registry.findings import Finding

__all__ = ["DEFAULT_BACKEND", "Environment"]

DEFAULT_BACKEND = "tensorflow"


class Environment:
    """What is installed where this process runs, or what a test says is installed.

    Args:
        path: The folders to look in for distributions; None stands for ``sys.path``.
        python_version: The version of Python; None stands for the running one.
        keras_version: The version of Keras; None stands for the installed one.
        backend: The name of Keras's backend; None stands for the one that Keras would choose.
        backend_version: The version of the backend's distribution; None means not known.
    """

    def __init__(
        self,
        *,
        path: Sequence[str] | None = None,
        python_version: str | None = None,
        keras_version: str | None = None,
        backend: str | None = None,
        backend_version: str | None = None,
    ) -> None:
        self._path = None if path is None else list(path)
        self.python_version = python_version or normalise_version(platform.python_version())
        self._keras_version = keras_version
        self.backend = backend or _configured_backend()
        self._backend_version = backend_version
        self._found: dict[str, InstalledDistribution | None] = {}

    @cached_property
    def keras_version(self) -> str | None:
        """The version of Keras, or None if it is not installed."""
        return self._keras_version or self._version_of("keras")

    @cached_property
    def backend_version(self) -> str | None:
        """The version of the backend's distribution, or None if it is not known."""
        return self._backend_version or self._version_of(self.backend)

    def _version_of(self, name: str) -> str | None:
        found = self.find_distribution(name)
        return None if found is None else found.distribution_version

    def find_distribution(self, name: str) -> InstalledDistribution | None:
        """The installed distribution of this name, found directly and without a scan, or None."""
        wanted = canonicalize_name(name)
        if wanted not in self._found:
            candidates = importlib_metadata.distributions(name=wanted, path=self._search_path())
            read = map(read_distribution, candidates)
            whole = (found for found in read if isinstance(found, InstalledDistribution))
            self._found[wanted] = next((found for found in whole if found.name == wanted), None)
        return self._found[wanted]

    def find_plugins(self, key: str) -> tuple[Plugin, ...]:
        """All plugins that provide a key, or an alias of that name; more than one are rivals."""
        return self._scan.plugins.get(key, ())

    def iter_distributions(self) -> Iterator[InstalledDistribution]:
        """All installed distributions that list plugins, by name."""
        yield from self._scan.distributions

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What a scan of all installed distributions finds wrong (codes D)."""
        return self._scan.findings

    @cached_property
    def _scan(self) -> Scan:
        return scan_folders(tuple(self._search_path()))

    def _search_path(self) -> list[str]:
        return sys.path if self._path is None else self._path


def _configured_backend() -> str:
    """The backend that Keras would choose, by the rules of `keras.config`, without importing it."""
    chosen = os.environ.get("KERAS_BACKEND")
    if not chosen:
        home = os.environ.get("KERAS_HOME")
        folder = Path(home).expanduser() if home else Path("~").expanduser() / ".keras"
        try:
            chosen = json.loads((folder / "keras.json").read_text())["backend"]
        except (OSError, ValueError, KeyError, TypeError):
            chosen = None
    return chosen if isinstance(chosen, str) and chosen.isidentifier() else DEFAULT_BACKEND
