"""Reading the metadata of one distribution, which may be broken in any way."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from keras_registry.documents.forms import DISTRIBUTION
from keras_registry.environment.findings import (
    alias_finding,
    broken_finding,
    entry_point_finding,
)
from keras_registry.environment.model import InstalledDistribution, Plugin
from keras_registry.keras_names import CLASSES, FUNCTIONS
from keras_registry.names import ALIAS_GROUP, Kind, ObjectRef, is_key, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    import importlib_metadata

    from keras_registry.findings import Finding

__all__ = ["lists_plugins", "normalise_version", "read_distribution"]

_KIND_OF_GROUP = {kind.group: kind for kind in Kind}


def normalise_version(text: str | None) -> str | None:
    """The version in its normal form (PEP 440), or None if it is none."""
    try:
        return None if text is None else str(Version(text))
    except (InvalidVersion, ValueError):
        return None


def lists_plugins(candidate: Any) -> bool:
    """Whether a distribution may list plugins: nothing more of it is read to tell."""
    try:
        return "keras_registry." in (candidate.read_text("entry_points.txt") or "")
    except (OSError, UnicodeDecodeError):
        return True


def read_distribution(candidate: Any) -> InstalledDistribution | Finding:
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
        return broken_finding(where, f"{type(error).__name__}: {printable(error)}")
    version = normalise_version(raw_version)
    if not name or version is None or not DISTRIBUTION.accepts(canonicalize_name(name)):
        return broken_finding(where, f"Name: {printable(name)}, Version: {printable(raw_version)}")
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
            problems.append(entry_point_finding(entry, distribution, location))
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
            problems.append(alias_finding(entry, plugin, distribution, location))
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
