"""Reading the snapshot of an installed distribution; nothing is imported."""

from __future__ import annotations

import csv
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keras_registry.environment.findings import (
    broken_snapshot_finding,
    foreign_snapshot_finding,
    newer_snapshot_findings,
    stale_snapshot_finding,
    unopened_snapshot_finding,
)
from keras_registry.names import printable
from keras_registry.snapshot import SNAPSHOT_FILE, Snapshot, read_snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keras_registry.environment.model import InstalledDistribution
    from keras_registry.findings import Finding

__all__ = [
    "InstalledSnapshot",
    "find_package_folders",
    "read_installed_snapshot",
    "read_snapshot_file",
]

# Far above every real one; a file that is larger is not read.
MAX_SNAPSHOT_BYTES = 1 << 24


@dataclass(frozen=True, slots=True)
class InstalledSnapshot:
    """The snapshot of an installed distribution.

    Attributes:
        snapshot: What it says; None if there is none that can be believed.
        findings: What is wrong with it.
        path: The file; None if the distribution has none.
    """

    snapshot: Snapshot | None = None
    findings: tuple[Finding, ...] = ()
    path: Path | None = None


def read_installed_snapshot(distribution: InstalledDistribution) -> InstalledSnapshot:
    """Reads the snapshot that a distribution was installed with, which may hold anything."""
    path = next(_candidates(distribution), None)
    return InstalledSnapshot() if path is None else read_snapshot_file(distribution, path)


def read_snapshot_file(  # noqa: PLR0911 - one case for each way to be broken
    distribution: InstalledDistribution, path: Path
) -> InstalledSnapshot:
    """Reads a file that should be the snapshot of a distribution, and may hold anything."""
    try:
        size = path.stat().st_size
        if size > MAX_SNAPSHOT_BYTES:
            found = f"{size:,} bytes"
            return _broken(distribution, path, f"at most {MAX_SNAPSHOT_BYTES:,} bytes", found)
        document = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        return _broken(distribution, path, "JSON of a sane depth", "JSON nested too deeply")
    except OSError as error:
        unopened = unopened_snapshot_finding(distribution, path, error)
        return InstalledSnapshot(None, (unopened,), path)
    except ValueError as error:
        return _broken(distribution, path, "JSON in UTF-8", printable(error))
    reading = read_snapshot(document)
    findings = tuple(newer_snapshot_findings(distribution, path, reading))
    snapshot = reading.value
    if snapshot is None:
        return InstalledSnapshot(None, findings, path)
    if snapshot.distribution != distribution.name:
        foreign = foreign_snapshot_finding(distribution, path, snapshot.distribution)
        return InstalledSnapshot(None, (*findings, foreign), path)
    provided = {plugin.key: plugin.kind for plugin in distribution.plugins}
    described = {item.key: item.kind for item in snapshot.objects}
    if provided != described:
        differing = provided.items() ^ described.items()
        keys = sorted({key for key, _ in differing})
        stale = stale_snapshot_finding(distribution, path, "entry points", keys)
        return InstalledSnapshot(snapshot, (*findings, stale), path)
    return InstalledSnapshot(snapshot, findings, path)


def _broken(
    distribution: InstalledDistribution, path: Path, wanted: str, found: str
) -> InstalledSnapshot:
    finding = broken_snapshot_finding(distribution, path, wanted, found)
    return InstalledSnapshot(None, (finding,), path)


def _candidates(distribution: InstalledDistribution) -> Iterator[Path]:
    if distribution.editable:
        folders = find_package_folders(distribution)
        yield from (path for folder in folders if (path := folder / SNAPSHOT_FILE).is_file())
        return
    if distribution.record is None or distribution.location is None:
        return
    wanted = {f"{root}/{SNAPSHOT_FILE}" for root in _roots(distribution)}
    try:
        rows = [row[0] for row in csv.reader(distribution.record.splitlines()) if row]
    except csv.Error:  # a field longer than the module takes
        return
    base = Path(distribution.location).parent
    yield from (base / row for row in rows if row in wanted)


def _roots(distribution: InstalledDistribution) -> list[str]:
    """The top-level names of the distribution's plugins, each once."""
    return list(dict.fromkeys(p.module.partition(".")[0] for p in distribution.plugins))


def find_package_folders(distribution: InstalledDistribution) -> list[Path]:
    """The folders of the import packages in which a distribution's plugins are."""
    folders = []
    for root in _roots(distribution):
        try:
            spec = importlib.util.find_spec(root)
        except (ImportError, ValueError):  # ValueError: a module that was put into sys.modules
            continue
        locations = None if spec is None else spec.submodule_search_locations
        folders += [Path(location) for location in locations or ()]
    return folders
