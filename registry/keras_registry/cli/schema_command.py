"""``keras-registry schema export | diff | check``: published config schemas."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_registry.cli import Exit
from keras_registry.cli.output import print_json, print_unreadable, say, write_text
from keras_registry.cli.plugins import find_plugin_distribution, import_plugins
from keras_registry.findings import Finding, Need, Policy, finding, has_errors, render_findings
from keras_registry.names import Kind, printable
from keras_registry.publishing import (
    PUBLISHED_FOLDER,
    compare_objects,
    describe_registration,
    make_published_schema,
    published_path,
    read_released,
)
from keras_registry.registration import default_registry

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping

    from keras_registry.registration import Registration
    from keras_registry.snapshot import ObjectSnapshot

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the command."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    export = actions.add_parser("export", help="write the config schemas of distributions")
    export.add_argument("distributions", nargs="+", help="installed plugin distributions")
    export.add_argument(
        "-o",
        "--output",
        type=Path,
        default=Path(PUBLISHED_FOLDER),
        help="the folder to write to (default: %(default)s)",
    )
    diff = actions.add_parser("diff", help="say what changed, and whether old files still load")
    diff.add_argument("old", type=Path, help="a published schema, a folder of them or a snapshot")
    diff.add_argument("new", type=Path, help="the same, newer")
    check = actions.add_parser("check", help="compare distributions with their published schemas")
    check.add_argument("distributions", nargs="+", help="installed plugin distributions")
    check.add_argument(
        "--against",
        type=Path,
        default=Path(PUBLISHED_FOLDER),
        help="the folder of published schemas (default: %(default)s)",
    )
    for action in (export, diff, check):
        action.add_argument("--json", action="store_true", help="print one JSON document")


def run(parsed: argparse.Namespace) -> int:
    """Runs one of the actions; export and check import the distributions' plugins."""
    match parsed.action:
        case "export":
            return _export(parsed)
        case "diff":
            return _diff(parsed)
        case _:
            return _check(parsed)


def _export(parsed: argparse.Namespace) -> int:
    findings, live, _ = _import(parsed.distributions)
    findings += _clashes(live)
    paths = []
    if not has_errors(findings):
        for registration in live.values():
            item = describe_registration(registration)
            path = parsed.output / published_path(item)
            schema = make_published_schema(item, _first_line(registration))
            write_text(path, json.dumps(schema, indent=2, ensure_ascii=False) + "\n")
            paths.append(path)
    if parsed.json:
        print_json("schema export", findings, files=[str(path) for path in paths])
    elif findings:
        say(render_findings("the schemas were not written", findings))
    else:
        say("\n".join(f"{path} written" for path in paths))
    return Exit.FINDINGS if has_errors(findings) else Exit.OK


def _diff(parsed: argparse.Namespace) -> int:
    old, obstacle = read_released(parsed.old)
    new, other = read_released(parsed.new)
    for path, found in ((parsed.old, obstacle), (parsed.new, other)):
        if found is not None:
            print_unreadable("schema diff", printable(path), [found], as_json=parsed.json)
            return Exit.UNREADABLE
    words = f"from {printable(parsed.old)} to {printable(parsed.new)}"
    return _report(parsed, "schema diff", words, old, new)


def _check(parsed: argparse.Namespace) -> int:
    findings, live, aliases = _import(parsed.distributions)
    findings += _clashes(live)
    if findings:
        return _end(parsed, "schema check", "the schemas cannot be checked", findings)
    published, obstacle = read_released(parsed.against)
    if obstacle is not None:
        name = printable(parsed.against)
        print_unreadable("schema check", name, [obstacle], as_json=parsed.json)
        return Exit.UNREADABLE
    new = {key: describe_registration(registration) for key, registration in live.items()}
    new |= {alias: new[key] for alias, key in aliases.items() if key in new and alias not in new}
    spaces = {key.partition(">")[0] for key in new}
    old = {key: item for key, item in published.items() if key.partition(">")[0] in spaces}
    return _report(parsed, "schema check", f"since {printable(parsed.against)}", old, new)


def _report(
    parsed: argparse.Namespace,
    command: str,
    words: str,
    old: Mapping[str, ObjectSnapshot],
    new: Mapping[str, ObjectSnapshot],
) -> int:
    findings = [
        change
        for key, item in sorted(old.items())
        for change in compare_objects(item, new.get(key))
    ]
    verb = "some old files do not load" if has_errors(findings) else "all old files load"
    return _end(parsed, command, f"{words}, {verb} as before", findings)


def _end(parsed: argparse.Namespace, command: str, words: str, findings: list[Finding]) -> int:
    if parsed.json:
        asked: dict[str, Any]
        if command == "schema diff":
            asked = {"old": parsed.old, "new": parsed.new}
        else:
            asked = {"distributions": parsed.distributions, "against": parsed.against}
        told = {n: str(value) if isinstance(value, Path) else value for n, value in asked.items()}
        print_json(command, findings, **told, compatible=not has_errors(findings))
    else:
        say(render_findings(words, findings))
    return Exit.FINDINGS if has_errors(findings) else Exit.OK


def _import(
    names: Iterable[str],
) -> tuple[list[Finding], dict[str, Registration], dict[str, str]]:
    """The live classes of some distributions, and the keys of aliases; functions have no config."""
    findings: list[Finding] = []
    live: dict[str, Registration] = {}
    aliases: dict[str, str] = {}
    for name in names:
        distribution = find_plugin_distribution(name)
        findings += import_plugins(distribution)
        for plugin in distribution.plugins:
            found = default_registry.find(plugin.key)
            if found is not None and found.kind is not Kind.FUNCTION:
                live[plugin.key] = found
                aliases |= dict.fromkeys(plugin.aliases, plugin.key)
    return findings, live, aliases


def _clashes(live: Mapping[str, Registration]) -> list[Finding]:
    """Keys whose files would be one where file names ignore case."""
    seen: dict[tuple[Kind, str], str] = {}
    findings = []
    for key, registration in live.items():
        other = seen.setdefault((registration.kind, key.casefold()), key)
        if other != key:
            findings.append(
                finding(
                    "S203",
                    Policy.COMPATIBLE,
                    f"{other} and {key} differ only in case",
                    needs=(Need(other), Need(key)),
                    wanted="keys that differ in more than case",
                    found=f"two keys of the kind {registration.kind}",
                    hint="rename one: @register(name=...), with an alias for the former key",
                )
            )
    return findings


def _first_line(registration: Registration) -> str | None:
    text = inspect.getdoc(registration.target)
    return text.partition("\n")[0] if text else None
