"""Installed versions against recorded ones, and installed code against recorded code."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Any

from packaging.version import Version

from keras_registry.findings import Finding, finding
from keras_registry.ranges import Drift, compare_versions
from keras_registry.resolution.words import install_line, wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from keras_registry.environment import InstalledDistribution, Plugin
    from keras_registry.manifest import DistributionRecord, Manifest
    from keras_registry.resolution.model import ObjectResolution, Question, Resolution
    from keras_registry.snapshot import ObjectSnapshot

__all__ = ["backend_findings", "judge_schemas", "version_findings"]


def _by_distribution(
    resolution_objects: Iterable[ObjectResolution],
) -> Mapping[str, list[ObjectResolution]]:
    """The objects that come from the distribution that the manifest names, by its name."""
    grouped: dict[str, list[ObjectResolution]] = {}
    for item in resolution_objects:
        recorded = None if item.record is None else item.record.distribution
        if item.plugin is not None and item.plugin.distribution == recorded:
            grouped.setdefault(item.plugin.distribution, []).append(item)
    return grouped


def _drift(manifest: Manifest | None, plugin: Plugin | None) -> Drift | None:
    if manifest is None or plugin is None:
        return None
    record = manifest.find_distribution(plugin.distribution)
    if record is None or record.version is None:
        return None
    return compare_versions(plugin.distribution_version, record.version)


def version_findings(question: Question, objects: Sequence[ObjectResolution]) -> Iterator[Finding]:
    """How installed distributions differ from the recorded ones, by their metadata alone.

    Args:
        question: What `resolve_model` was asked.
        objects: All objects, resolved.
    """
    manifest = question.manifest
    for name, items in _by_distribution(objects).items():
        record = manifest and manifest.find_distribution(name)
        installed = question.environment.find_distribution(name)
        drift = _drift(manifest, items[0].plugin)
        if not record or installed is None or drift is None:
            continue
        parts: dict[str, Any] = {
            "needs": tuple(item.needs for item in items),
            "distribution": name,
            "wanted": wanted(name, record),
            "found": f"{name} {installed.distribution_version}",
        }
        upgrade = install_line(name, record)
        if drift is Drift.OLDER:
            yield question.finding("R201", f"{name} is too old", hint=upgrade, **parts)
        elif drift is Drift.OLDER_IN_RANGE:
            floor = Version(record.version or "0").public
            hint = f'pip install "{name}>={floor},{upgrade.rpartition(",")[2]}'
            summary = f"{name} is older than the one used to save"
            yield question.finding("R202", summary, hint=hint, **parts)
        elif drift is Drift.NEWER_IN_RANGE:
            yield question.finding("R203", f"{name} is newer than the one used to save", **parts)
        elif drift is Drift.SAME:
            yield from _digest_findings(question, installed, record, parts)


def _digest_findings(
    question: Question,
    installed: InstalledDistribution,
    record: DistributionRecord,
    parts: dict[str, Any],
) -> Iterator[Finding]:
    name = installed.name
    if installed.editable or record.editable:
        where = "here" if installed.editable else "where the model was saved"
        yield question.finding(
            "R209",
            f"{name} is an editable install {where}, so its code cannot be compared",
            **parts,
        )
        return
    if record.digest is None or installed.digest is None or record.digest == installed.digest:
        return
    parts = {
        **parts,
        "wanted": f"{name} {record.version} with {record.digest[:19]}…",
        "found": f"{name} {installed.distribution_version} with {installed.digest[:19]}…",
    }
    yield question.finding(
        "R208",
        f"{name} {record.version} has other code than when the model was saved",
        hint=f'pip install --force-reinstall "{name}=={record.version}", '
        "or give changed code a new version",
        **parts,
    )


def judge_schemas(
    resolution: Resolution, find: Callable[[ObjectResolution], ObjectSnapshot | None]
) -> tuple[Finding, ...]:
    """What the config schemas of the installed objects tell of newer distributions.

    Args:
        resolution: The resolution.
        find: What the code or the snapshot of an object says of it; None if that is not known.
    """
    findings = []
    for name, items in _by_distribution(resolution.objects).items():
        is_newer = _drift(resolution.manifest, items[0].plugin) is Drift.NEWER
        sorts: dict[_Change, list[ObjectResolution]] = {change: [] for change in _Change}
        for item in items:
            sorts[_change_of(item, find(item))].append(item)
        for change, (code, words) in (_NEWER if is_newer else _IN_RANGE).items():
            if sorts[change]:
                summary = f"{name} {words}"
                findings.append(_newer_finding(resolution, code, summary, name, sorts[change]))
    return tuple(findings)


class _Change(Enum):
    """What became of an object's config schema since a model was saved."""

    UNKNOWN = auto()
    NONE = auto()
    UNREADABLE = auto()
    MIGRATED = auto()
    UNDECLARED = auto()


_NEWER = {
    _Change.UNKNOWN: ("R211", "is newer than the compatible range"),
    _Change.NONE: ("R205", "is newer than the compatible range"),
    _Change.MIGRATED: ("R204", "is newer than the compatible range, and migrates the config"),
    _Change.UNDECLARED: ("R206", "is newer, and its config schema changed without a migration"),
}
_IN_RANGE = {
    _Change.UNDECLARED: ("R207", "changed a config schema without a new config_version"),
}


def _change_of(item: ObjectResolution, known: ObjectSnapshot | None) -> _Change:
    if known is None:
        return _Change.UNKNOWN
    record = item.record
    if record is None or record.schema is None or known.schema is None:
        return _Change.NONE
    saved, current = record.config_version or 1, known.config_version or 1
    if saved < current:
        # Where no migration leads from the saved version, that is a finding of its own.
        reads = saved >= (known.oldest_version or current)
        return _Change.MIGRATED if reads else _Change.UNREADABLE
    same = saved > current or record.schema == known.schema
    return _Change.NONE if same else _Change.UNDECLARED


def backend_findings(
    resolution: Resolution,
    find: Callable[[ObjectResolution], ObjectSnapshot | None],
    backend: str,
) -> tuple[Finding, ...]:
    """Objects that do not run on the backend in use.

    Args:
        resolution: The resolution.
        find: What the code or the snapshot of an object says of it; None if that is not known.
        backend: The name of the backend.
    """
    findings = []
    for item in resolution.objects:
        known = find(item)
        if known is not None and known.backends and backend not in known.backends:
            findings.append(
                finding(
                    "K104",
                    resolution.policy,
                    f"{item.needs.key} does not run on {backend}",
                    needs=(item.needs,),
                    distribution=None if item.plugin is None else item.plugin.distribution,
                    wanted=f"the backend {' or '.join(known.backends)}",
                    found=backend,
                    hint=f"set KERAS_BACKEND={known.backends[0]} before Keras is imported",
                )
            )
    return tuple(findings)


def _newer_finding(
    resolution: Resolution,
    code: str,
    summary: str,
    name: str,
    items: Sequence[ObjectResolution],
) -> Finding:
    record = resolution.manifest and resolution.manifest.find_distribution(name)
    plugin = items[0].plugin
    return finding(
        code,
        resolution.policy,
        summary,
        needs=tuple(item.needs for item in items),
        distribution=name,
        wanted=wanted(name, record or None),
        found=f"{name} {plugin.distribution_version}" if plugin else None,
        hint=f"{install_line(name, record or None)}, or save the model again when it is checked",
    )
