"""Saved configs against the config schemas of the installed objects."""

from __future__ import annotations

import shlex
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from packaging.version import Version

from keras_registry.artifact import ObjectUse, describe_place
from keras_registry.config import PreparedConfigs, read_config_version
from keras_registry.errors import MigrationError
from keras_registry.findings import Finding, finding
from keras_registry.names import printable
from keras_registry.resolution.model import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from keras_registry.config import ConfigReading, ConfigSchema
    from keras_registry.registration import Registration, Registry
    from keras_registry.resolution.model import ObjectResolution, Resolution
    from keras_registry.snapshot import ObjectSnapshot

__all__ = ["ConfigJudgement", "judge_config_versions", "judge_configs"]


@dataclass
class ConfigJudgement:
    """What came of reading all configs of a model under the schemas of the live objects.

    Attributes:
        findings: What is wrong, and what was migrated.
        prepared: The validated configs, for the constructors that Keras will call.
        migrated: The places of the configs that were migrated, and how.
        errors: What pydantic and the migrations raised.
    """

    findings: list[Finding] = field(default_factory=list)
    prepared: PreparedConfigs = field(default_factory=PreparedConfigs)
    migrated: list[tuple[ObjectUse, ConfigReading]] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)


def judge_configs(
    resolution: Resolution, config: Any, registry: Registry, *, file: str | None = None
) -> ConfigJudgement:
    """Migrates and validates every config of a model; nothing is built.

    Args:
        resolution: The resolution, its plugins imported.
        config: The JSON document of ``config.json``.
        registry: The live registered objects.
        file: The path of the file, if it has one: for the command that migrates it.
    """
    judgement = ConfigJudgement()
    for item in resolution.objects:
        live = _find_live(item, registry)
        schema = None if live is None else live.schema
        if live is None or schema is None:
            continue
        read: list[tuple[ObjectUse, ConfigReading]] = []
        for use, inner in _configs_of(item, config):
            reading = _read(judgement, resolution, item, schema, (config, use, inner))
            if reading is not None:
                read.append((use, reading))
                if isinstance(live.target, type):
                    judgement.prepared.add(live.target, inner, reading)
        migrated = [(use, reading) for use, reading in read if reading.steps]
        judgement.migrated += migrated
        judgement.findings += _migration_notes(resolution, item, schema, migrated, file)
    return judgement


def _find_live(item: ObjectResolution, registry: Registry) -> Registration | None:
    if item.source not in {Source.LIVE, Source.PLUGIN}:
        return None
    return registry.find(item.key if item.plugin is None else item.plugin.key)


def _configs_of(item: ObjectResolution, config: Any) -> Iterator[tuple[ObjectUse, dict[str, Any]]]:
    for use in item.uses:
        node = config
        for token in use.path:
            node = node[token]
        inner = node.get("config") if isinstance(node, dict) else None
        if isinstance(inner, dict):
            yield use, inner


def _read(
    judgement: ConfigJudgement,
    resolution: Resolution,
    item: ObjectResolution,
    schema: ConfigSchema,
    where: tuple[Any, ObjectUse, dict[str, Any]],
) -> ConfigReading | None:
    """Reads one config and notes what is wrong with it."""
    config, use, inner = where
    place = describe_place(config, use.path)
    wrong_version = _version_finding(
        resolution, item, use, place, _Versions(inner, schema.config_version, schema.oldest_version)
    )
    if wrong_version is not None:
        judgement.findings.append(wrong_version)
        return None
    try:
        reading = schema.read_config(inner)
    except MigrationError as error:
        judgement.errors.append(error)
        judgement.findings.append(
            finding(
                "S105",
                resolution.policy,
                f"{place}: a migration of {item.needs.key} failed",
                wanted=f"config_version {schema.config_version}{_installed(item)}",
                found=f"{printable(error, limit=300)}{_saved_with(resolution, item)}",
                hint=_author_hint(item),
                **_parts(item, use, place),
            )
        )
        return None
    if reading.error is not None:
        judgement.errors.append(reading.error)
    if reading.problems:
        judgement.findings.append(_invalid_finding(resolution, item, use, place, reading))
        return None
    return reading


def _invalid_finding(
    resolution: Resolution,
    item: ObjectResolution,
    use: ObjectUse,
    place: str,
    reading: ConfigReading,
) -> Finding:
    problems, parts = reading.problems, _parts(item, use, place)
    if len(problems) == 1:
        steps = (str(step) for step in problems[0].location)
        tail = "".join(f"/{s.replace('~', '~0').replace('/', '~1')}" for s in steps)
        parts["location"] += printable(tail)
    made = f", made by the migrations from config_version {reading.saved_version}"
    return finding(
        "S101",
        resolution.policy,
        "; ".join(f"{place}: {p.field}: {p.wanted}" for p in problems),
        wanted=f"a config that {item.needs.key}{_installed(item)} accepts",
        found="; ".join(f"{p.field} = {p.found}" for p in problems)
        + (made if reading.steps else "")
        + _saved_with(resolution, item),
        hint=_upgrade_hint(resolution, item, newer=False),
        **parts,
    )


def judge_config_versions(
    resolution: Resolution,
    config: Any,
    find: Callable[[ObjectResolution], ObjectSnapshot | None],
) -> tuple[Finding, ...]:
    """Which configs are too new or too old for the installed objects, by their snapshots.

    Args:
        resolution: The resolution; no plugin needs to be imported.
        config: The JSON document of ``config.json``.
        find: What a snapshot says of an object, or None.
    """
    findings = []
    for item in resolution.objects:
        known = find(item)
        if known is None or known.config_version is None:
            continue
        current = known.config_version
        for use, inner in _configs_of(item, config):
            versions = _Versions(inner, current, known.oldest_version or current)
            place = describe_place(config, use.path)
            findings.append(_version_finding(resolution, item, use, place, versions))
    return tuple(item for item in findings if item is not None)


@dataclass(frozen=True, slots=True)
class _Versions:
    """A config, and the config versions that the installed object reads."""

    config: dict[str, Any]
    current: int
    oldest: int


def _version_finding(
    resolution: Resolution,
    item: ObjectResolution,
    use: ObjectUse,
    place: str,
    versions: _Versions,
) -> Finding | None:
    """What is said of a config that is too new or too old; None if it can be read."""
    saved = read_config_version(versions.config)
    if versions.oldest <= saved <= versions.current:
        return None
    newer = saved > versions.current
    have = str(versions.current)
    if versions.oldest < versions.current:
        have = f"{versions.oldest} to {versions.current}"
    return finding(
        "S102" if newer else "S103",
        resolution.policy,
        f"{place}: the config of {item.needs.key} is too {'new' if newer else 'old'}",
        wanted=f"config_version {have}{_installed(item)}",
        found=f"config_version {saved}{_saved_with(resolution, item)}",
        hint=_upgrade_hint(resolution, item, newer=newer),
        **_parts(item, use, place),
    )


def _parts(item: ObjectResolution, use: ObjectUse, place: str) -> dict[str, Any]:
    return {
        "location": f"{use.pointer}/config",
        "needs": (replace(item.needs, count=1, place=place),),
        "distribution": None if item.plugin is None else item.plugin.distribution,
    }


def _migration_notes(
    resolution: Resolution,
    item: ObjectResolution,
    schema: ConfigSchema,
    migrated: list[tuple[ObjectUse, ConfigReading]],
    file: str | None,
) -> Iterator[Finding]:
    """One note for each version from which configs of an object were brought to the present one."""
    by_version: dict[int, list[ConfigReading]] = defaultdict(list)
    for _, reading in migrated:
        by_version[reading.saved_version].append(reading)
    for version, readings in by_version.items():
        command = "" if file is None else f"keras-registry migrate {shlex.quote(file)}"
        yield finding(
            "S104",
            resolution.policy,
            f"{item.needs.key} was migrated from config_version {version} "
            f"to {schema.config_version}",
            needs=(replace(item.needs, count=len(readings)),),
            distribution=None if item.plugin is None else item.plugin.distribution,
            wanted=f"config_version {schema.config_version}{_installed(item)}",
            found=f"config_version {version}{_saved_with(resolution, item)}; "
            f"steps: {'; '.join(map(printable, readings[0].steps))}",
            hint=command or "save the model again",
        )


def _installed(item: ObjectResolution) -> str:
    if item.plugin is None:
        return ""
    return f" of {item.plugin.distribution} {item.plugin.distribution_version}"


def _recorded_version(resolution: Resolution, item: ObjectResolution) -> str | None:
    if resolution.manifest is None or item.record is None:
        return None
    record = resolution.manifest.find_distribution(item.record.distribution)
    return None if record is None else record.version


def _saved_with(resolution: Resolution, item: ObjectResolution) -> str:
    version = _recorded_version(resolution, item)
    return (
        ""
        if version is None or item.record is None
        else (f"      saved with {item.record.distribution} {version}")
    )


def _author_hint(item: ObjectResolution) -> str:
    who = "its author" if item.plugin is None else f"the author of {item.plugin.distribution}"
    return f"tell {who}, with these lines"


def _upgrade_hint(resolution: Resolution, item: ObjectResolution, *, newer: bool) -> str | None:
    version = _recorded_version(resolution, item)
    if item.record is None or version is None or item.plugin is None:
        return None
    installed = item.plugin.distribution_version
    if version == installed or (newer and Version(installed) >= Version(version)):
        return f"the file was changed, or tell the author of {item.plugin.distribution}"
    operator = ">=" if newer else "=="
    return f'pip install "{item.record.distribution}{operator}{version}"'
