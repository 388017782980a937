"""Scanning all installed distributions for plugins."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import importlib_metadata

from keras_registry.environment.findings import duplicate_finding, rivals_finding
from keras_registry.environment.model import InstalledDistribution, Plugin
from keras_registry.environment.reading import lists_plugins, read_distribution
from keras_registry.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Scan", "scan_folders"]


@dataclass(frozen=True, slots=True)
class Scan:
    """What a scan found: distributions by name, plugins by key or alias, and what is wrong."""

    distributions: tuple[InstalledDistribution, ...]
    plugins: dict[str, tuple[Plugin, ...]]
    findings: tuple[Finding, ...]


def _changed_at(folder: str) -> int:
    """When a folder last gained or lost something, as installers make it do."""
    try:
        return Path(folder).stat().st_mtime_ns
    except OSError:
        return 0


def scan_folders(folders: tuple[str, ...]) -> Scan:
    """Reads all distributions in some folders, once for as long as the folders do not change."""
    return _scan(tuple((folder, _changed_at(folder)) for folder in folders))


@lru_cache(maxsize=8)
def _scan(folders: tuple[tuple[str, int], ...]) -> Scan:
    distributions: dict[str, InstalledDistribution] = {}
    findings: list[Finding] = []
    path = [folder for folder, _ in folders]
    firsts: dict[Any, Any] = {}
    for candidate in importlib_metadata.distributions(path=path):
        # The name that the folder's name gives: nothing is read for it.
        name = getattr(candidate, "_normalized_name", None) or candidate
        first = firsts.setdefault(name, candidate)
        if not lists_plugins(candidate):
            continue
        found = read_distribution(candidate)
        if isinstance(found, Finding):
            findings.append(found)
        elif found.name in distributions:
            findings.append(duplicate_finding(distributions[found.name], found))
        elif (hiding := _find_hiding(first, candidate)) is not None:
            findings.append(duplicate_finding(hiding, found))
        else:
            distributions[found.name] = found
            findings.extend(found.findings)
    ordered = tuple(sorted(distributions.values(), key=lambda found: found.name))
    plugins, rivals = _claims(ordered)
    return Scan(ordered, plugins, (*findings, *rivals))


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
    read = None if first is candidate else read_distribution(first)
    return read if isinstance(read, InstalledDistribution) else None
