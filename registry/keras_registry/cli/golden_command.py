"""``keras-registry golden record DIST``: small models of a release, for the releases after it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from keras_registry.cli import Exit
from keras_registry.cli.output import foreign_code, print_json, say
from keras_registry.cli.plugins import find_plugin_distribution, import_plugins, project_here
from keras_registry.findings import render_findings
from keras_registry.names import printable

if TYPE_CHECKING:
    import argparse

    from keras_registry.contract import Recorded
    from keras_registry.environment import InstalledDistribution
    from keras_registry.findings import Finding

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the command."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    summary = "save a small model of each object of the installed version, and what it gives"
    record = actions.add_parser("record", help=summary, description=summary)
    record.add_argument(
        "distribution",
        nargs="?",
        help="an installed plugin distribution (default: the project in pyproject.toml)",
    )
    record.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FOLDER",
        help="the folder with one folder for each version (default: tests/golden of its sources)",
    )
    record.add_argument(
        "--replace", action="store_true", help="replace those of this version that are there"
    )
    record.add_argument("--json", action="store_true", help="print one JSON document")


def run(parsed: argparse.Namespace) -> int:
    """Records the golden files; the plugins are imported, and Keras with them."""
    distribution = find_plugin_distribution(parsed.distribution or project_here("a distribution"))
    from keras_registry.contract import (
        check_target,
        record_golden_files,
        start_fresh,
        subjects_of,
    )

    check_target(distribution, parsed.output, replace=parsed.replace)
    start_fresh()
    findings = import_plugins(distribution)
    if findings:
        return _end(parsed, distribution, findings, None)
    with foreign_code():
        subjects = subjects_of(distribution.name)
        recorded = record_golden_files(subjects, parsed.output, replace=parsed.replace)
    return _end(parsed, distribution, [], recorded)


def _end(
    parsed: argparse.Namespace,
    distribution: InstalledDistribution,
    findings: list[Finding],
    recorded: Recorded | None,
) -> int:
    written = None if recorded is None else recorded.folder
    if parsed.json:
        models = () if recorded is None else recorded.models
        left_out = {} if recorded is None else recorded.left_out
        print_json(
            "golden record",
            findings,
            distribution=distribution.name,
            distribution_version=distribution.distribution_version,
            folder=None if written is None else str(written),
            models=[
                {
                    "key": model.key,
                    "kind": str(model.kind),
                    "file": f"{model.file}.keras",
                    "made_by": model.made_by,
                    "called_with": model.called_with,
                }
                for model in models
            ],
            left_out=[{"key": key, "reason": left_out[key]} for key in sorted(left_out)],
        )
    elif recorded is None:
        say(render_findings(f"no golden files of {distribution.name}", findings))
    else:
        _print(distribution, recorded)
    return Exit.FINDINGS if written is None else Exit.OK


def _print(distribution: InstalledDistribution, recorded: Recorded) -> None:
    count = len(recorded.models)
    if recorded.folder is None:
        say(f"no golden files of {distribution.name}: nothing could be recorded")
    else:
        say(f"{recorded.folder} written: {count} model{'' if count == 1 else 's'}")
    for model in recorded.models:
        say(f"  recorded  {model.key}: {printable(model.made_by, limit=200)}, {model.called_with}")
    for key, reason in sorted(recorded.left_out.items()):
        say(f"  left out  {key}: {printable(reason, limit=400)}")
