"""Distributions whose plugins a command imports."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from keras_registry.cli.output import foreign_code
from keras_registry.environment import Environment
from keras_registry.errors import SettingsError
from keras_registry.findings import Finding, Need, Policy
from keras_registry.names import printable
from keras_registry.registration import default_registry
from keras_registry.resolution import import_plugin, promise_finding

if TYPE_CHECKING:
    from keras_registry.environment import InstalledDistribution

_HINTS = {
    "R103": "install what it requires, or mend the import",
    "R105": "mend the entry point, or the arguments of @register",
}
"""What an author does, where the hint of a load tells a user to ask the author."""

__all__ = ["find_plugin_distribution", "import_plugins", "project_here"]


def project_here(wanted: str) -> str:
    """The name of the project in the working directory.

    Args:
        wanted: What may be named in its place, in words.

    Raises:
        SettingsError: There is none.
    """
    try:
        document = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))
        name = document["project"]["name"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        message = f"name {wanted}; no pyproject.toml here names one"
        raise SettingsError(message) from error
    return str(name)


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
    for plugin in distribution.plugins:
        needs = (Need(plugin.key, kind=str(plugin.kind)),)
        with foreign_code():
            wrong = import_plugin(plugin, default_registry, Policy.COMPATIBLE, needs)
        live = default_registry.find(plugin.key)
        if wrong is None and live is not None and live.kind is not plugin.kind:
            shown = f"a {live.kind}, listed in {plugin.kind.group}"
            wrong = promise_finding(plugin, shown, Policy.COMPATIBLE, needs)
        if wrong is not None:
            findings.append(replace(wrong, hint=_HINTS.get(wrong.code, wrong.hint)))
    return findings
