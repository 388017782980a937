"""What released versions said, and whether a snapshot says what the code says."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from keras_registry.config import is_comparable
from keras_registry.documents import worst_problem
from keras_registry.environment import (
    missing_snapshot_finding,
    read_snapshot_file,
    stale_snapshot_finding,
)
from keras_registry.findings import Finding, Level, Policy, finding
from keras_registry.names import printable
from keras_registry.publishing.schemas import read_published
from keras_registry.snapshot import SNAPSHOT_VERSION, changed_members, read_snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from keras_registry.environment import InstalledDistribution
    from keras_registry.snapshot import ObjectSnapshot, Snapshot

__all__ = ["compare_snapshot", "read_released"]


def compare_snapshot(
    distribution: InstalledDistribution, true: Snapshot, path: Path
) -> list[Finding]:
    """What is wrong with the snapshot that a distribution has; warnings count as errors here.

    Args:
        distribution: The distribution.
        true: What its code says.
        path: Where the snapshot lies, or should lie.
    """
    if not path.exists():
        missing = missing_snapshot_finding(distribution, path)
        return [replace(missing, level=Level.ERROR)]
    installed = read_snapshot_file(distribution, path)
    if installed.snapshot is None:
        findings = list(installed.findings)
    else:
        said = {item.key: item for item in installed.snapshot.objects}
        differing = [
            item.key
            for item in true.objects
            if item.key not in said or changed_members(said[item.key], item)
        ]
        differing += sorted(said.keys() - {item.key for item in true.objects})
        if not differing:
            return []
        findings = [stale_snapshot_finding(distribution, path, "code", differing)]
    return [replace(item, level=Level.ERROR) for item in findings]


def read_released(path: Path) -> tuple[dict[str, ObjectSnapshot], Finding | None]:
    """What published schemas or a snapshot say of released objects, by key.

    Args:
        path: A snapshot, a published schema or a folder of published schemas, which may hold
            anything.

    Returns:
        The objects, and why they cannot be read, if they cannot.
    """
    found: dict[str, ObjectSnapshot] = {}
    files = sorted(path.rglob("*.json")) if path.is_dir() else [path]
    if not files:
        return {}, _unreadable(path, "published config schemas", "a folder without any")
    for file in files:
        items = _read_file(file)
        if isinstance(items, Finding):
            return {}, items
        found |= {item.key: item for item in items}
    return found, None


def _read_file(  # noqa: PLR0911 - one case for each way to be broken
    file: Path,
) -> tuple[ObjectSnapshot, ...] | Finding:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return _unreadable(file, "published config schemas", "nothing at this path")
    except OSError as error:
        return _unreadable(file, "a file that can be read", printable(error.strerror or error))
    except RecursionError:
        return _unreadable(file, "JSON of a sane depth", "JSON nested too deeply")
    except ValueError as error:
        return _unreadable(file, "JSON in UTF-8", printable(error))
    if isinstance(document, dict) and "snapshot_version" in document:
        reading = read_snapshot(document)
        items, problems = () if reading.value is None else reading.value.objects, reading.problems
        if reading.other_major is not None:
            other = f"snapshot_version {reading.other_major}"
            return _unreadable(file, f"snapshot_version {SNAPSHOT_VERSION}", other)
    else:
        item, problems = read_published(document)
        items = () if item is None else (item,)
    if problems:
        shown, parts = worst_problem(problems)
        return _unreadable(file, shown.wanted, f"{shown.found} at {parts['location']}")
    for item in items:
        if item.config is not None and not is_comparable(item.config):
            wanted = "fields in the form that keras-registry writes"
            return _unreadable(file, wanted, f"another form of {item.key}")
    return items


def _unreadable(path: Path, wanted: str, found: str) -> Finding:
    return finding(
        "A108",
        Policy.COMPATIBLE,
        "no schemas can be read here",
        location=printable(path, limit=500),
        wanted=wanted,
        found=found,
        hint="they are written by: keras-registry schema export",
    )
