"""Installed versions against recorded ones, and installed code against recorded code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packaging.version import Version

from keras_registry.findings import Finding, finding
from keras_registry.ranges import Drift, compare_versions
from keras_registry.resolution.words import install_line, wanted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from keras_registry.environment import InstalledDistribution, Plugin
    from keras_registry.manifest import DistributionRecord, Manifest
    from keras_registry.registration import Registry
    from keras_registry.resolution.model import ObjectResolution, Question, Resolution

__all__ = ["judge_code", "judge_without_code", "version_findings"]


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


def judge_without_code(resolution: Resolution) -> tuple[Finding, ...]:
    """What must be said of newer distributions as long as their code is not imported."""
    findings = []
    for name, items in _by_distribution(resolution.objects).items():
        if _drift(resolution.manifest, items[0].plugin) is Drift.NEWER:
            summary = f"{name} is newer than the compatible range"
            findings.append(_newer_finding(resolution, "R211", summary, name, items))
    return tuple(findings)


def judge_code(resolution: Resolution, registry: Registry) -> tuple[Finding, ...]:
    """What the imported code tells of the objects' config schemas.

    Args:
        resolution: The resolution, its plugins imported.
        registry: The live registered objects.
    """
    findings = []
    for name, items in _by_distribution(resolution.objects).items():
        drift = _drift(resolution.manifest, items[0].plugin)
        changed = [item for item in items if _has_other_schema(item, registry)]
        same = [item for item in items if item not in changed]
        if drift is Drift.NEWER and same:
            summary = f"{name} is newer than the compatible range"
            findings.append(_newer_finding(resolution, "R205", summary, name, same))
        if drift is Drift.NEWER and changed:
            summary = f"{name} is newer, and its config schema changed without a migration"
            findings.append(_newer_finding(resolution, "R206", summary, name, changed))
        elif changed:
            summary = f"{name} changed a config schema without a new config_version"
            findings.append(_newer_finding(resolution, "R207", summary, name, changed))
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


def _has_other_schema(item: ObjectResolution, registry: Registry) -> bool:
    live = None if item.plugin is None else registry.find(item.plugin.key)
    if live is None or live.schema is None or item.record is None or item.record.schema is None:
        return False
    same_version = item.record.config_version in {None, live.config_version}
    return same_version and item.record.schema != live.schema.fingerprint
