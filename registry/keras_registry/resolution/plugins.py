"""What is said of a plugin that cannot be imported, or is not what it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras_registry.findings import Finding, Need, finding
from keras_registry.names import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keras_registry.environment import Plugin
    from keras_registry.resolution.model import ObjectResolution, Resolution

__all__ = ["import_finding", "promise_finding", "renamed_finding"]


def import_finding(resolution: Resolution, plugin: Plugin, error: BaseException) -> Finding:
    """The finding for a plugin whose import fails.

    Args:
        resolution: The resolution that needs the plugin.
        plugin: The plugin.
        error: What importing it raised.
    """
    line = f'pip install "{plugin.distribution}=={plugin.distribution_version}"'
    return finding(
        "R103",
        resolution.policy,
        f"{plugin.distribution}=={plugin.distribution_version} cannot be imported",
        needs=_needs_of(resolution, plugin),
        distribution=plugin.distribution,
        wanted=f"import {plugin.module}",
        found=f"{type(error).__name__}: {printable(error, limit=300)}",
        hint=f"{line}    pip then brings what it requires",
    )


def promise_finding(resolution: Resolution, plugin: Plugin, found: str) -> Finding:
    """The finding for a plugin whose entry point leads to something that is not registered.

    Args:
        resolution: The resolution that needs the plugin.
        plugin: The plugin.
        found: What is there instead.
    """
    return finding(
        "R105",
        resolution.policy,
        f"{plugin.distribution}=={plugin.distribution_version} does not keep its promise",
        needs=_needs_of(resolution, plugin),
        distribution=plugin.distribution,
        wanted=f"{plugin.target} registered as {plugin.key}",
        found=found,
        hint=f"tell the author of {plugin.distribution}: decorate it with @register",
    )


def renamed_finding(
    resolution: Resolution, item: ObjectResolution, old_names: Sequence[str], name: str
) -> Finding:
    """The note for an object that the file calls by another name.

    Args:
        resolution: The resolution that needs the object.
        item: The object and its places.
        old_names: What the file calls it.
        name: What it is called now.
    """
    plugin = item.plugin
    of = "" if plugin is None else f" of {plugin.distribution} {plugin.distribution_version}"
    return finding(
        "R305",
        resolution.policy,
        f"{item.needs.key} was renamed",
        needs=(item.needs,),
        distribution=None if plugin is None else plugin.distribution,
        wanted=f"{', '.join(map(printable, old_names))}, as the file calls it",
        found=f"{name}{of}",
    )


def _needs_of(resolution: Resolution, plugin: Plugin) -> tuple[Need, ...]:
    return tuple(item.needs for item in resolution.objects if item.plugin == plugin)
