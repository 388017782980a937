"""Saved configs against the config schemas of the imported code."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from keras_registry.artifact import ObjectUse, describe_place
from keras_registry.config import read_config_version
from keras_registry.findings import Finding, finding
from keras_registry.resolution.model import Source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keras_registry.config import ConfigSchema
    from keras_registry.registration import Registry
    from keras_registry.resolution.model import ObjectResolution, Resolution

__all__ = ["validate_configs"]


def validate_configs(resolution: Resolution, config: Any, registry: Registry) -> list[Finding]:
    """What the config schemas of the live objects refuse in a model's config.

    Args:
        resolution: The resolution, its plugins imported.
        config: The JSON document of ``config.json``.
        registry: The live registered objects.
    """
    findings: list[Finding] = []
    for item in resolution.objects:
        if item.source not in {Source.LIVE, Source.PLUGIN}:
            continue
        live = registry.find(item.key if item.plugin is None else item.plugin.key)
        if live is None or live.schema is None:
            continue
        for use in item.uses:
            inner = _node_at(config, use).get("config")
            if isinstance(inner, dict):
                where = (f"{use.pointer}/config", describe_place(config, use.path))
                findings += _config_findings(resolution, item, where, live.schema, inner)
    return findings


def _node_at(config: Any, use: ObjectUse) -> dict[str, Any]:
    node = config
    for token in use.path:
        node = node[token]
    return node if isinstance(node, dict) else {}


def _config_findings(
    resolution: Resolution,
    item: ObjectResolution,
    where: tuple[str, str],
    schema: ConfigSchema,
    inner: dict[str, Any],
) -> Iterator[Finding]:
    """What a schema refuses in one config.

    Args:
        resolution: The resolution that the config belongs to.
        item: The object.
        where: The place of the config, as a JSON pointer and in words.
        schema: The schema.
        inner: The config.
    """
    pointer, place = where
    parts: dict[str, Any] = {
        "location": pointer,
        "needs": (replace(item.needs, count=1, place=place),),
        "distribution": None if item.plugin is None else item.plugin.distribution,
    }
    saved = read_config_version(inner)
    if saved != schema.config_version:
        newer = saved > schema.config_version
        have = _installed(item)
        yield finding(
            "S102" if newer else "S103",
            resolution.policy,
            f"{place}: the config of {item.needs.key} is too {'new' if newer else 'old'}",
            wanted=f"config_version {schema.config_version}{have}",
            found=f"config_version {saved}{_saved_with(resolution, item)}",
            hint=_upgrade_hint(resolution, item, newer=newer),
            **parts,
        )
        return
    problems = schema.validate_config(inner)
    if problems:
        yield finding(
            "S101",
            resolution.policy,
            "; ".join(f"{place}: {p.field}: {p.wanted}" for p in problems),
            wanted=f"a config that {item.needs.key}{_installed(item)} accepts",
            found="; ".join(f"{p.field} = {p.found}" for p in problems)
            + _saved_with(resolution, item),
            hint=_upgrade_hint(resolution, item, newer=False),
            **parts,
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


def _upgrade_hint(resolution: Resolution, item: ObjectResolution, *, newer: bool) -> str | None:
    version = _recorded_version(resolution, item)
    if item.record is None or version is None or item.plugin is None:
        return None
    if version == item.plugin.distribution_version:
        return f"the file was changed, or tell the author of {item.plugin.distribution}"
    operator = ">=" if newer else "=="
    return f'pip install "{item.record.distribution}{operator}{version}"'
