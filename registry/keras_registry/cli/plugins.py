"""Distributions whose plugins a command imports."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

from keras_registry.environment import Environment, load_plugin
from keras_registry.errors import SettingsError
from keras_registry.findings import Finding, Need, Policy, finding
from keras_registry.names import printable
from keras_registry.registration import default_registry

if TYPE_CHECKING:
    from keras_registry.environment import InstalledDistribution

__all__ = ["find_plugin_distribution", "import_plugins"]


def find_plugin_distribution(name: str) -> InstalledDistribution:
    """An installed distribution that lists plugins.

    Raises:
        SettingsError: There is none of this name.
    """
    found = Environment().find_distribution(name)
    if found is None:
        message = f"{printable(name)} is not installed here: pip install {printable(name)}"
        raise SettingsError(message)
    if not found.plugins:
        message = f"{found.name} lists no plugins in its entry points"
        raise SettingsError(message)
    return found


def import_plugins(distribution: InstalledDistribution) -> list[Finding]:
    """Imports all plugins of a distribution, and says which of them are not what they should be."""
    findings = []
    name, version = distribution.name, distribution.distribution_version
    for plugin in distribution.plugins:
        need = (Need(plugin.key, kind=str(plugin.kind)),)
        try:
            # What a plugin prints when it is imported is no part of what the command prints.
            with contextlib.redirect_stdout(sys.stderr):
                loaded = load_plugin(plugin)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may do anything
            findings.append(
                finding(
                    "R103",
                    Policy.COMPATIBLE,
                    f"{name}=={version} cannot be imported",
                    needs=need,
                    distribution=name,
                    wanted=f"import {plugin.module}",
                    found=f"{type(error).__name__}: {printable(error, limit=300)}",
                    hint="install what it requires, or mend the import",
                )
            )
            continue
        live = default_registry.find(plugin.key)
        if live is None or live.target is not loaded or live.kind is not plugin.kind:
            shown = "an object that is not registered"
            if live is not None:
                shown = f"the {live.kind} {'.'.join(live.origin)}"
            findings.append(
                finding(
                    "R105",
                    Policy.COMPATIBLE,
                    f"{name}=={version} does not keep its promise",
                    needs=need,
                    distribution=name,
                    wanted=f"{plugin.target} registered as {plugin.key}, in {plugin.kind.group}",
                    found=shown,
                    hint="mend the entry point, or the arguments of @register",
                )
            )
    return findings
