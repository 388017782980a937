"""``keras-registry list``: the installed plugins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras_registry.cli import Exit
from keras_registry.cli.output import print_json, print_table, say
from keras_registry.environment import Environment
from keras_registry.findings import has_errors, render_finding

if TYPE_CHECKING:
    import argparse

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the command."""
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(parsed: argparse.Namespace) -> int:
    """Prints the plugins that are installed, from metadata alone."""
    environment = Environment()
    distributions = list(environment.iter_distributions())
    findings = environment.findings
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
                        }
                        for plugin in found.plugins
                    ],
                }
                for found in distributions
            ],
        )
    elif plugins:
        rows = [
            (p.key, p.kind, f"{p.distribution} {p.distribution_version}", p.target) for p in plugins
        ]
        print_table([("key", "kind", "distribution", "target"), *rows], indent=0)
        for plugin in plugins:
            for alias in plugin.aliases:
                say(f"{alias} is an alias of {plugin.key}")
    else:
        say("no plugins are installed")
    if not parsed.json:
        for item in findings:
            say(render_finding(item))
    return Exit.FINDINGS if has_errors(findings) else Exit.OK
