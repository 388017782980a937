"""``keras-registry check WHAT``: does what a distribution publishes keep its promises?"""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_registry.cli import Exit
from keras_registry.cli.output import foreign_code, print_json, print_table, say
from keras_registry.cli.plugins import find_plugin_distribution, project_here
from keras_registry.errors import SettingsError
from keras_registry.names import printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from keras_registry.contract import Check, Result

__all__ = ["configure", "run"]

_BACKENDS = ("tensorflow", "jax", "torch", "openvino")


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the command."""
    parser.add_argument(
        "what",
        nargs="?",
        metavar="DIST|KEY|MODULE:OBJECT",
        help="an installed distribution, the key of an object, or where a registered object is "
        "(default: the project in pyproject.toml)",
    )
    parser.add_argument("--backend", choices=_BACKENDS, help="the backend of Keras to check it on")
    parser.add_argument(
        "-k", dest="only", metavar="TEXT", help="only checks with this in code or name"
    )
    parser.add_argument("--check-set", type=int, metavar="N", help="the version of the checks")
    parser.add_argument(
        "--released",
        type=Path,
        metavar="PATH",
        help="a released snapshot, or a folder of published config schemas, to compare with",
    )
    parser.add_argument(
        "--golden",
        type=Path,
        metavar="FOLDER",
        help="the golden files of its releases (default: tests/golden of its sources)",
    )
    parser.add_argument("--times", action="store_true", help="print the time of each check")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(parsed: argparse.Namespace) -> int:
    """Runs the checks; the plugins are imported, and Keras with them."""
    what = parsed.what or project_here("a distribution, a key or module:object")
    if parsed.backend and parsed.backend != os.environ.get("KERAS_BACKEND"):
        return _run_under(parsed, what)
    with foreign_code():
        results = _run(parsed, what)
    if not results:
        message = f"no check of {printable(what)} has {printable(parsed.only)} in its name"
        raise SettingsError(message)
    failed = [pair for pair in results if not pair[0].is_good]
    if parsed.json:
        _print_json(what, results)
    else:
        _print(results, failed, times=parsed.times)
    return Exit.FINDINGS if failed else Exit.OK


def _run_under(parsed: argparse.Namespace, what: str) -> int:
    """Runs the same command in a process with another backend, which Keras chooses only once."""
    options = [f"-k={parsed.only}"] if parsed.only else []
    options += [f"--check-set={parsed.check_set}"] if parsed.check_set else []
    options += [f"--released={parsed.released}"] if parsed.released else []
    options += [f"--golden={parsed.golden}"] if parsed.golden else []
    options += [f"--{name}" for name in ("times", "json") if getattr(parsed, name)]
    done = subprocess.run(  # noqa: S603 - this interpreter, and this command
        [sys.executable, "-m", "keras_registry", "check", *options, "--", what],
        env={**os.environ, "KERAS_BACKEND": parsed.backend},
        check=False,
    )
    return done.returncode


def _run(parsed: argparse.Namespace, what: str) -> list[tuple[Result, Check]]:
    if ">" not in what and ":" not in what:
        find_plugin_distribution(what)  # before Keras is imported, which takes seconds
    from keras_registry.contract import CHECK_SET, bind, start_fresh, subjects_of_target

    if not parsed.only:
        start_fresh()  # few of the checks that are chosen by name need it
    subjects = subjects_of_target(what, released=parsed.released, golden=parsed.golden)
    return [
        (bound.run(), bound.check)
        for bound in bind(subjects, check_set=parsed.check_set or CHECK_SET)
        if (parsed.only or "") in str(bound.check)
    ]


def _print_json(what: str, results: Sequence[tuple[Result, Check]]) -> None:
    from keras_registry.contract import CHECK_SET, backend_in_use

    print_json(
        "check",
        (),
        subject=what,
        check_set=CHECK_SET,
        backend=backend_in_use(),
        results=[
            {**result.to_json(), "promise": check.promise, "fix": check.fix}
            for result, check in results
        ],
    )


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
        _print_times([result for result, _ in results])
    groups = groupby(results, key=lambda pair: pair[0].key)
    names = len(list(groups))
    seconds = sum(result.seconds for result, _ in results)
    counted = count_results(result for result, _ in results)
    say(f"{names} checked: {counted} in {seconds:.1f} s")


def _print_times(results: Sequence[Result]) -> None:
    rows: list[Any] = [("seconds", "object", "check", "result", "")]
    for key, group in groupby(results, key=lambda result: result.key):
        found = list(group)
        rows.append((f"{sum(result.seconds for result in found):7.2f}", key, "", "", ""))
        rows += [
            (
                f"{result.seconds:7.2f}",
                "",
                f"{result.check} {result.name}",
                str(result.status),
                printable(result.reason or result.note or "", limit=80),
            )
            for result in found
        ]
    print_table(rows)
