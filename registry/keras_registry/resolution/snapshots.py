"""What the snapshots of installed distributions tell before any plugin is imported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras_registry.environment import stale_snapshot_finding
from keras_registry.resolution.configs import judge_config_versions
from keras_registry.resolution.versions import backend_findings, judge_schemas
from keras_registry.snapshot import changed_members

if TYPE_CHECKING:
    from collections.abc import Callable

    from keras_registry.environment import Environment
    from keras_registry.findings import Finding
    from keras_registry.resolution.model import ObjectResolution, Resolution
    from keras_registry.snapshot import ObjectSnapshot

__all__ = ["find_in_snapshots", "judge_by_snapshots", "stale_snapshot_findings"]


def find_in_snapshots(
    environment: Environment,
) -> Callable[[ObjectResolution], ObjectSnapshot | None]:
    """A function that says what the snapshot of an object's distribution says of it.

    Args:
        environment: What is installed.
    """

    def find(item: ObjectResolution) -> ObjectSnapshot | None:
        plugin = item.plugin
        found = None if plugin is None else environment.find_distribution(plugin.distribution)
        snapshot = None if found is None else found.snapshot.snapshot
        return None if snapshot is None or plugin is None else snapshot.find_object(plugin.key)

    return find


def judge_by_snapshots(
    resolution: Resolution, config: Any, environment: Environment
) -> tuple[Finding, ...]:
    """All that snapshots tell of a model: the code may know better.

    Args:
        resolution: The resolution.
        config: The JSON document of ``config.json``.
        environment: What is installed.
    """
    find = find_in_snapshots(environment)
    names = dict.fromkeys(p.distribution for p in resolution.plugins)
    found = (environment.find_distribution(name) for name in names)
    return (
        *(finding for item in found if item is not None for finding in item.snapshot.findings),
        *judge_schemas(resolution, find),
        *judge_config_versions(resolution, config, find),
        *backend_findings(resolution, find, environment.backend),
    )


def stale_snapshot_findings(
    resolution: Resolution,
    environment: Environment,
    describe: Callable[[ObjectResolution], ObjectSnapshot | None],
) -> tuple[Finding, ...]:
    """What is wrong with the snapshots of the plugins that a model needs.

    Args:
        resolution: The resolution, its plugins imported.
        environment: What is installed.
        describe: What the imported code says of an object.
    """
    find = find_in_snapshots(environment)
    differing: dict[str, list[str]] = {}
    for item in resolution.objects:
        said, true = find(item), describe(item)
        if item.plugin and said is not None and true is not None and changed_members(said, true):
            differing.setdefault(item.plugin.distribution, []).append(item.plugin.key)
    findings: list[Finding] = []
    for name in dict.fromkeys(plugin.distribution for plugin in resolution.plugins):
        installed = environment.find_distribution(name)
        if installed is None:
            continue
        findings += installed.snapshot.findings
        path = installed.snapshot.path
        if name in differing and path is not None:
            findings.append(stale_snapshot_finding(installed, path, "code", differing[name]))
    return tuple(findings)
