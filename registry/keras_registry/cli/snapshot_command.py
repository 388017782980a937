"""``keras-registry snapshot DIST``: write or check the public face of a plugin distribution."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from keras_registry.cli import Exit
from keras_registry.cli.output import print_json, say, write_text
from keras_registry.cli.plugins import find_plugin_distribution, import_plugins
from keras_registry.environment import find_package_folders
from keras_registry.errors import SettingsError
from keras_registry.findings import Finding, render_findings
from keras_registry.publishing import compare_snapshot, take_snapshot
from keras_registry.registration import default_registry
from keras_registry.snapshot import SNAPSHOT_FILE, dump_snapshot

if TYPE_CHECKING:
    import argparse

    from keras_registry.environment import InstalledDistribution

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the command."""
    parser.add_argument("distribution", help="an installed plugin distribution")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit with 1 if it is out of date"
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        help=f"where to write it (default: {SNAPSHOT_FILE} in the import package)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(parsed: argparse.Namespace) -> int:
    """Writes or checks the snapshot; the distribution's plugins are imported."""
    distribution = find_plugin_distribution(parsed.distribution)
    findings = import_plugins(distribution)
    if findings:
        return _end(parsed, distribution, findings, f"no snapshot of {distribution.name}")
    snapshot = take_snapshot(distribution, default_registry)
    path = parsed.output or _path_in(distribution, writing=not parsed.check)
    if parsed.check:
        findings = compare_snapshot(distribution, snapshot, path)
        state = "is not up to date" if findings else "is up to date"
        text = f"the snapshot of {distribution.name} {state}"
        return _end(parsed, distribution, findings, text, path)
    text = json.dumps(dump_snapshot(snapshot), indent=1, ensure_ascii=False) + "\n"
    write_text(path, text)
    count = len(snapshot.objects)
    words = f"{path} written: {count} object{'s' if count > 1 else ''}"
    return _end(parsed, distribution, [], words, path)


def _end(
    parsed: argparse.Namespace,
    distribution: InstalledDistribution,
    findings: list[Finding],
    text: str,
    path: Path | None = None,
) -> int:
    if parsed.json:
        print_json(
            "snapshot",
            findings,
            distribution=distribution.name,
            file=None if path is None else str(path),
            written=path is not None and not parsed.check,
        )
    else:
        say(render_findings(text, findings) if findings else text)
    return Exit.FINDINGS if findings else Exit.OK


def _path_in(distribution: InstalledDistribution, *, writing: bool) -> Path:
    """Where the snapshot lies in the sources of a distribution."""
    if not writing and distribution.snapshot.path is not None:
        return distribution.snapshot.path
    if writing and not distribution.editable:
        message = (
            f"{distribution.name} is not installed in editable mode, so its sources are not here: "
            "run pip install --editable in its folder, or give --output"
        )
        raise SettingsError(message)
    folders = find_package_folders(distribution)
    if not folders:
        message = (
            f"the plugins of {distribution.name} are in single modules, and a snapshot needs a "
            "package to lie in: make the module a folder with an __init__.py"
        )
        raise SettingsError(message)
    return folders[0] / SNAPSHOT_FILE
