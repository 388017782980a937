"""What this machine has: distributions, plugins, Python, Keras and its backend.

Everything is read from the metadata of installed distributions; nothing is imported. The
exception is `load_plugin`, whose whole purpose it is to import.
"""

from __future__ import annotations

import csv
import hashlib
import importlib
import json
import os
import platform
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import importlib_metadata
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from keras_registry.findings import Finding, Policy, finding
from keras_registry.keras_names import CLASSES, FUNCTIONS
from keras_registry.manifest.forms import DISTRIBUTION
from keras_registry.names import ALIAS_GROUP, Kind, ObjectRef, is_key, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

__all__ = [
    "DEFAULT_BACKEND",
    "Environment",
    "InstalledDistribution",
    "Plugin",
    "load_plugin",
    "normalise_version",
    "rivals_finding",
]

DEFAULT_BACKEND = "tensorflow"

_KIND_OF_GROUP = {kind.group: kind for kind in Kind}


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


def normalise_version(text: str | None) -> str | None:
    """The version in its normal form (PEP 440), or None if it is none."""
    try:
        return None if text is None else str(Version(text))
    except (InvalidVersion, ValueError):
        return None


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
            read = map(_read_distribution, candidates)
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
    def _scan(self) -> _Scan:
        return _scan(tuple((folder, _changed_at(folder)) for folder in self._search_path()))

    def _search_path(self) -> list[str]:
        return sys.path if self._path is None else self._path


@dataclass(frozen=True, slots=True)
class _Scan:
    distributions: tuple[InstalledDistribution, ...]
    plugins: dict[str, tuple[Plugin, ...]]
    findings: tuple[Finding, ...]


def _changed_at(folder: str) -> int:
    """When a folder last gained or lost something, as installers make it do."""
    try:
        return Path(folder).stat().st_mtime_ns
    except OSError:
        return 0


@lru_cache(maxsize=8)
def _scan(folders: tuple[tuple[str, int], ...]) -> _Scan:
    """Reads all distributions in some folders, once for as long as the folders do not change."""
    distributions: dict[str, InstalledDistribution] = {}
    findings: list[Finding] = []
    path = [folder for folder, _ in folders]
    firsts: dict[Any, Any] = {}
    for candidate in importlib_metadata.distributions(path=path):
        # The name that the folder's name gives: nothing is read for it.
        name = getattr(candidate, "_normalized_name", None) or candidate
        first = firsts.setdefault(name, candidate)
        if not _lists_plugins(candidate):
            continue
        found = _read_distribution(candidate)
        if isinstance(found, Finding):
            findings.append(found)
        elif found.name in distributions:
            findings.append(_duplicate_finding(distributions[found.name], found))
        elif (hiding := _find_hiding(first, candidate)) is not None:
            findings.append(_duplicate_finding(hiding, found))
        else:
            distributions[found.name] = found
            findings.extend(found.findings)
    ordered = tuple(sorted(distributions.values(), key=lambda found: found.name))
    plugins, rivals = _claims(ordered)
    return _Scan(ordered, plugins, (*findings, *rivals))


def _claims(
    distributions: Iterable[InstalledDistribution],
) -> tuple[dict[str, tuple[Plugin, ...]], tuple[Finding, ...]]:
    """The plugins by key and alias, and what is wrong where several claim one."""
    claims: dict[str, list[Plugin]] = defaultdict(list)
    for distribution in distributions:
        for plugin in distribution.plugins:
            for key in (plugin.key, *plugin.aliases):
                claims[key].append(plugin)
    rivals = tuple(
        rivals_finding(key, claimants)
        for key, claimants in sorted(claims.items())
        if len(claimants) > 1
    )
    plugins = {
        key: tuple(claimants)
        for key, claimants in claims.items()
        if len(claimants) == 1 or ">" in key
    }
    return plugins, rivals


def _find_hiding(first: Any, candidate: Any) -> InstalledDistribution | None:
    """The copy without plugins that Python imports in place of this one, or None."""
    read = None if first is candidate else _read_distribution(first)
    return read if isinstance(read, InstalledDistribution) else None


def _lists_plugins(candidate: Any) -> bool:
    try:
        return "keras_registry." in (candidate.read_text("entry_points.txt") or "")
    except (OSError, UnicodeDecodeError):
        return True


def _warning(code: str, summary: str, **parts: Any) -> Finding:
    """A finding about the environment itself, which no policy judges."""
    return finding(code, Policy.COMPATIBLE, summary, **parts)


def _read_distribution(candidate: Any) -> InstalledDistribution | Finding:
    """Reads one distribution's metadata, which may be broken in any way.

    Args:
        candidate: What `importlib_metadata.distributions` yields.

    Returns:
        The distribution, or what is wrong with it.
    """
    location = getattr(candidate, "_path", None)
    where = None if location is None else printable(location, limit=500)
    try:
        metadata = candidate.metadata
        name, raw_version = metadata["Name"], metadata["Version"]
        entry_points = list(candidate.entry_points)
        direct_url = json.loads(candidate.read_text("direct_url.json") or "{}")
        record = candidate.read_text("RECORD")
    except Exception as error:  # noqa: BLE001 - a broken distribution may fail in any way
        return _broken_finding(where, f"{type(error).__name__}: {printable(error)}")
    version = normalise_version(raw_version)
    if not name or version is None or not DISTRIBUTION.accepts(canonicalize_name(name)):
        return _broken_finding(where, f"Name: {printable(name)}, Version: {printable(raw_version)}")
    normalised = str(canonicalize_name(name))
    plugins, findings = _read_plugins(entry_points, normalised, version, where)
    return InstalledDistribution(
        name=normalised,
        distribution_version=version,
        location=where,
        editable=_is_editable(direct_url),
        plugins=plugins,
        findings=findings,
        record=record,
    )


def _is_editable(direct_url: object) -> bool:
    folder = direct_url.get("dir_info") if isinstance(direct_url, dict) else None
    return isinstance(folder, dict) and folder.get("editable") is True


def _read_plugins(
    entry_points: Sequence[importlib_metadata.EntryPoint],
    distribution: str,
    version: str,
    location: str | None,
) -> tuple[tuple[Plugin, ...], tuple[Finding, ...]]:
    plugins: dict[str, Plugin] = {}
    problems: list[Finding] = []
    for entry in entry_points:
        kind = _KIND_OF_GROUP.get(entry.group)
        if kind is None:
            continue
        module, _, attribute = entry.value.partition(":")
        module, attribute = module.strip(), attribute.strip()
        usable = is_key(entry.name) and ">" in entry.name and _is_dotted(module)
        if not usable or not _is_dotted(attribute) or entry.name in plugins:
            problems.append(_entry_point_finding(entry, distribution, location))
            continue
        plugins[entry.name] = Plugin(entry.name, kind, module, attribute, distribution, version)
    aliases: dict[str, list[str]] = defaultdict(list)
    by_target = {plugin.target: plugin for plugin in plugins.values()}
    taken = set(plugins)
    for entry in entry_points:
        if entry.group != ALIAS_GROUP:
            continue
        plugin = by_target.get(entry.value.replace(" ", ""))
        if plugin is None or not is_key(entry.name) or not _may_alias(entry.name):
            problems.append(_alias_finding(entry, plugin, distribution, location))
        elif entry.name not in taken:  # a distribution is no rival of its own
            aliases[plugin.key].append(entry.name)
            taken.add(entry.name)
    complete = tuple(
        Plugin(p.key, p.kind, p.module, p.attribute, distribution, version, tuple(aliases[p.key]))
        for p in plugins.values()
    )
    return complete, tuple(problems)


def _may_alias(name: str) -> bool:
    return ObjectRef.parse(name).namespace is not None or name not in CLASSES | FUNCTIONS


def _is_dotted(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))


def _broken_finding(location: str | None, found: str) -> Finding:
    return _warning(
        "D101",
        "the metadata of an installed distribution cannot be read",
        location=location,
        wanted="a Name and a Version (PEP 440), and well-formed entry points",
        found=found,
        hint="install the distribution again, or remove the folder",
    )


def _duplicate_finding(first: InstalledDistribution, second: InstalledDistribution) -> Finding:
    return _warning(
        "D102",
        f"{first.name} is installed twice",
        distribution=first.name,
        wanted="one copy on sys.path",
        found=f"{first.distribution_version} in {first.location}, which is used; "
        f"{second.distribution_version} in {second.location}",
        hint=f"pip uninstall {first.name}, until pip finds none, then install it once",
    )


def rivals_finding(key: str, claimants: Sequence[Plugin]) -> Finding:
    """The finding for a key, or a bare alias, that several distributions claim.

    Args:
        key: The key or alias.
        claimants: The plugins that claim it.
    """
    names = ", ".join(f"{p.distribution} {p.distribution_version}" for p in claimants)
    if ">" in key:
        return _warning(
            "D103",
            f"{len(claimants)} distributions claim {key}",
            wanted="one distribution for one key",
            found=names,
            hint="uninstall all but one, or tell their authors",
        )
    return _warning(
        "D105",
        f"the alias {key} is not used",
        wanted="a bare alias that one distribution claims",
        found=names,
        hint="tell their authors: an alias with a namespace cannot clash",
    )


def _entry_point_finding(
    entry: importlib_metadata.EntryPoint, distribution: str, location: str | None
) -> Finding:
    return _warning(
        "D104",
        f"an entry point of {distribution} cannot be used",
        distribution=distribution,
        location=location,
        wanted="namespace>Name = module:attribute, each name once",
        found=f"{printable(entry.name)} = {printable(entry.value)} in [{printable(entry.group)}]",
        hint=f"tell the author of {distribution}",
    )


def _alias_finding(
    entry: importlib_metadata.EntryPoint,
    plugin: Plugin | None,
    distribution: str,
    location: str | None,
) -> Finding:
    shadows = plugin is not None and is_key(entry.name)
    return _warning(
        "D105",
        f"the alias {printable(entry.name)} of {distribution} is not used",
        distribution=distribution,
        location=location,
        wanted="a name that Keras itself does not have"
        if shadows
        else f"a key that leads to a plugin of {distribution}",
        found=f"Keras has its own {entry.name}" if shadows else printable(entry.value),
        hint=f"tell the author of {distribution}",
    )


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
