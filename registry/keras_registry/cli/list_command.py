"""``keras-registry list``: the installed plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras_registry.cli import Exit
from keras_registry.cli.output import print_json, print_table, say
from keras_registry.environment import Environment
from keras_registry.findings import has_errors, render_finding
from keras_registry.names import Kind

if TYPE_CHECKING:
    import argparse

    from keras_registry.environment import InstalledDistribution, Plugin

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the command."""
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(parsed: argparse.Namespace) -> int:
    """Prints the plugins that are installed, from metadata and snapshots alone."""
    environment = Environment()
    distributions = list(environment.iter_distributions())
    findings = [
        *environment.findings,
        *(item for found in distributions for item in found.snapshot.findings),
    ]
    plugins = [plugin for distribution in distributions for plugin in distribution.plugins]
    if parsed.json:
        print_json(
            "list",
            findings,
            distributions=[
                {
                    "name": found.name,
                    "distribution_version": found.distribution_version,
                    "editable": found.editable,
                    "location": found.location,
                    "plugins": [
                        {
                            "key": plugin.key,
                            "kind": str(plugin.kind),
                            "target": plugin.target,
                            "aliases": list(plugin.aliases),
                            **_facts(found, plugin),
                        }
                        for plugin in found.plugins
                    ],
                }
                for found in distributions
            ],
        )
    elif plugins:
        rows = [
            (
                p.key,
                p.kind,
                _version(found, p),
                f"{found.name} {found.distribution_version}",
                p.target,
            )
            for found in distributions
            for p in found.plugins
        ]
        print_table([("key", "kind", "config", "distribution", "target"), *rows], indent=0)
        for plugin in plugins:
            for alias in plugin.aliases:
                say(f"{alias} is an alias of {plugin.key}")
    else:
        say("no plugins are installed")
    if not parsed.json:
        for item in findings:
            say(render_finding(item))
    return Exit.FINDINGS if has_errors(findings) else Exit.OK


_FACTS = ("config_version", "oldest_version", "schema", "backends", "former_names")


def _facts(distribution: InstalledDistribution, plugin: Plugin) -> dict[str, Any]:
    """What the snapshot says of a plugin; null where it is not known."""
    snapshot = distribution.snapshot.snapshot
    item = None if snapshot is None else snapshot.find_object(plugin.key)
    return {name: getattr(item, name, None) for name in _FACTS}


def _version(distribution: InstalledDistribution, plugin: Plugin) -> str:
    """The version of a plugin's config schema; ``?`` where only its code knows it."""
    if plugin.kind is Kind.FUNCTION:
        return "-"
    return str(_facts(distribution, plugin)["config_version"] or "?")
