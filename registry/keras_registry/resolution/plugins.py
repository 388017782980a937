"""What is said of a plugin that cannot be imported, or is not what it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras_registry.environment import load_plugin
from keras_registry.findings import Finding, Need, Policy, finding
from keras_registry.names import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keras_registry.environment import Plugin
    from keras_registry.registration import Registry
    from keras_registry.resolution.model import ObjectResolution, Resolution

__all__ = ["import_finding", "import_plugin", "promise_finding", "renamed_finding"]


def import_plugin(
    plugin: Plugin, registry: Registry, policy: Policy, needs: tuple[Need, ...]
) -> Finding | None:
    """Imports a plugin and sees that it is what its entry point says.

    Args:
        plugin: The plugin.
        registry: The live registered objects.
        policy: How strictly to judge.
        needs: The objects that are needed of it.

    Returns:
        What is wrong, or None.
    """
    try:
        loaded = load_plugin(plugin)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may do anything
        return import_finding(plugin, error, policy, needs)
    live = registry.find(plugin.key)
    if live is not None and live.target is loaded:
        return None
    shown = "an object that is not registered"
    if live is not None:
        shown = f"another object than the registered {'.'.join(live.origin)}"
    return promise_finding(plugin, shown, policy, needs)


def import_finding(
    plugin: Plugin, error: BaseException, policy: Policy, needs: tuple[Need, ...]
) -> Finding:
    """The finding for a plugin whose import fails.

    Args:
        plugin: The plugin.
        error: What importing it raised.
        policy: How strictly to judge.
        needs: The objects that are needed of it.
    """
    line = f'pip install "{plugin.distribution}=={plugin.distribution_version}"'
    return finding(
        "R103",
        policy,
        f"{plugin.distribution}=={plugin.distribution_version} cannot be imported",
        needs=needs,
        distribution=plugin.distribution,
        wanted=f"import {plugin.module}",
        found=f"{type(error).__name__}: {printable(error, limit=300)}",
        hint=f"{line}    pip then brings what it requires",
    )


def promise_finding(plugin: Plugin, found: str, policy: Policy, needs: tuple[Need, ...]) -> Finding:
    """The finding for a plugin whose entry point leads to something that is not registered.

    Args:
        plugin: The plugin.
        found: What is there instead.
        policy: How strictly to judge.
        needs: The objects that are needed of it.
    """
    return finding(
        "R105",
        policy,
        f"{plugin.distribution}=={plugin.distribution_version} does not keep its promise",
        needs=needs,
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
