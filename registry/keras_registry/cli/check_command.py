"""``keras-registry check DIST``: does what a distribution publishes keep its promises?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras_registry.cli import Exit
from keras_registry.cli.output import foreign_code, print_json, print_table, say
from keras_registry.cli.plugins import find_plugin_distribution, import_plugins
from keras_registry.errors import SettingsError
from keras_registry.findings import Level, render_findings
from keras_registry.names import printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from keras_registry.contract import Check, Result, Subject

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the command."""
    parser.add_argument(
        "what", metavar="DIST|KEY", help="an installed distribution, or the key of an object"
    )
    parser.add_argument("-k", dest="only", metavar="TEXT", help="only checks with this in the name")
    parser.add_argument("--times", action="store_true", help="print the time of each check")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(parsed: argparse.Namespace) -> int:
    """Runs the checks; the plugins are imported, and Keras with them."""
    with foreign_code():
        results = [(result, check) for result, check in _run(parsed.what, parsed.only or "")]
    if not results:
        message = f"no check of {printable(parsed.what)} has {printable(parsed.only)} in its name"
        raise SettingsError(message)
    failed = [pair for pair in results if not pair[0].is_good]
    if parsed.json:
        print_json("check", (), subject=parsed.what, results=[_to_json(*pair) for pair in results])
    else:
        _print(results, failed, times=parsed.times)
    return Exit.FINDINGS if failed else Exit.OK


def _run(what: str, only: str) -> Iterator[tuple[Result, Check]]:
    from keras_registry.contract import checks_for, run_check

    for subject in _subjects(what):
        for check in checks_for(subject):
            if only in str(check):
                yield run_check(check, subject), check


def _subjects(what: str) -> Iterator[Subject]:
    from keras_registry.contract import Subject
    from keras_registry.environment import Environment
    from keras_registry.registration import default_registry

    keys = {what}
    if ">" in what:
        claimants = Environment().find_plugins(what)
        if not claimants:
            message = f"no installed distribution lists {printable(what)}"
            raise SettingsError(message)
        distribution = find_plugin_distribution(claimants[0].distribution)
    else:
        distribution = find_plugin_distribution(what)
        keys = {plugin.key for plugin in distribution.plugins}
    findings = [item for item in import_plugins(distribution) if item.level is Level.ERROR]
    if findings:
        raise SettingsError(render_findings(f"{distribution.name} cannot be checked", findings))
    for key in sorted(keys):
        registration = default_registry.find(key)
        if registration is not None:
            yield Subject(registration)


def _to_json(result: Result, check: Check) -> dict[str, Any]:
    return {**result.to_json(), "promise": check.promise, "fix": check.fix}


def _print(
    results: Sequence[tuple[Result, Check]],
    failed: Sequence[tuple[Result, Check]],
    *,
    times: bool,
) -> None:
    from keras_registry.contract.rendering import count_results, render_failure

    for result, check in failed:
        say(render_failure(result, check))
    if times:
        rows = [
            (result.key, str(check), str(result.status), f"{result.seconds:.2f} s")
            for result, check in results
        ]
        print_table([("key", "check", "result", "time"), *rows])
    seconds = sum(result.seconds for result, _ in results)
    objects = len({result.key for result, _ in results})
    say(f"{objects} objects, {count_results(r for r, _ in results)} in {seconds:.1f} s")
