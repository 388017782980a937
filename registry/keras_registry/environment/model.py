"""Installed distributions and plugins as values."""

from __future__ import annotations

import csv
import hashlib
import importlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras_registry.environment.snapshots import InstalledSnapshot
    from keras_registry.findings import Finding
    from keras_registry.names import Kind

__all__ = ["InstalledDistribution", "Plugin", "load_plugin"]


@dataclass(frozen=True, slots=True)
class Plugin:
    """One installed entry point: an object that can be imported when a model needs it.

    Attributes:
        key: The Keras key.
        kind: What it is used for.
        module: The module to import.
        attribute: The dotted path of the object inside the module.
        distribution: The normalised name of the distribution.
        distribution_version: Its version.
        aliases: Further keys under which files may name the object.
    """

    key: str
    kind: Kind
    module: str
    attribute: str
    distribution: str
    distribution_version: str
    aliases: tuple[str, ...] = ()

    @property
    def target(self) -> str:
        """The import target, ``module:attribute``."""
        return f"{self.module}:{self.attribute}"


@dataclass(frozen=True)
class InstalledDistribution:
    """An installed distribution and the plugins that it lists.

    Attributes:
        name: The normalised name (PEP 503).
        distribution_version: The normalised version (PEP 440).
        location: The folder of its metadata; None if it has none.
        editable: Whether it is an editable install (PEP 660).
        plugins: Its plugins.
        findings: What is wrong with its entry points.
    """

    name: str
    distribution_version: str
    location: str | None = None
    editable: bool = False
    plugins: tuple[Plugin, ...] = ()
    findings: tuple[Finding, ...] = ()
    record: str | None = field(default=None, repr=False)

    @cached_property
    def digest(self) -> str | None:
        """SHA-256 over the sorted (path, hash) rows of RECORD; None if it cannot be told.

        Rows without a hash, of the metadata folder, outside the installation folder and of
        compiled modules do not count, so that every installer of one wheel gives the same.
        The form of RECORD is that of the specification "Recording installed projects".
        """
        if self.editable or self.record is None:
            return None
        try:
            rows = sorted(
                f"{row[0]},{row[1]}\n"
                for row in csv.reader(self.record.splitlines())
                if len(row) > 1 and row[1] and _counts_for_digest(row[0])
            )
        except csv.Error:  # a field longer than the module takes
            return None
        return f"sha256:{hashlib.sha256(''.join(rows).encode()).hexdigest()}" if rows else None

    @cached_property
    def snapshot(self) -> InstalledSnapshot:
        """Its snapshot, and what is wrong with that; nothing is imported to read it."""
        from keras_registry.environment.snapshots import read_installed_snapshot

        return read_installed_snapshot(self)

    def find_plugin(self, key: str) -> Plugin | None:
        """The plugin that a key or an alias of this distribution leads to, or None."""
        return next((p for p in self.plugins if p.key == key or key in p.aliases), None)


def _counts_for_digest(path: str) -> bool:
    parts = path.split("/")
    return (
        not path.endswith(".pyc")
        and ".." not in parts
        and not parts[0].endswith(".dist-info")
        # Scripts, which installers write anew; some put them here for an install with --target.
        and parts[0] not in {"bin", "Scripts"}
    )


def load_plugin(plugin: Plugin) -> object:
    """Imports a plugin's module and returns the object that its entry point names.

    Raises:
        Exception: Whatever the plugin's own code raises while it is imported.
        AttributeError: The module has no such attribute.
    """
    loaded: object = importlib.import_module(plugin.module)
    for name in plugin.attribute.split("."):
        loaded = getattr(loaded, name)
    return loaded
