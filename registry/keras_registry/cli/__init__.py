"""The command ``keras-registry``.

Each subcommand has a module of its own, which is imported only when it is called: none of
``inspect``, ``verify``, ``explain``, ``embed`` and ``list`` imports Keras, a backend or a plugin.
"""

from __future__ import annotations

import argparse
import os
import sys
from enum import IntEnum
from importlib import import_module
from io import TextIOWrapper
from typing import TYPE_CHECKING

from keras_registry.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Exit", "main"]


class Exit(IntEnum):
    """The exit codes of all commands."""

    OK = 0
    FINDINGS = 1
    USAGE = 2
    UNREADABLE = 3
    INTERNAL = 4


_COMMANDS = {
    "inspect": "say what is in a model file, without Keras",
    "verify": "say whether this environment can load a model file, without loading it",
    "explain": "say what a finding means, or why a model file cannot be loaded and what to do",
    "list": "list the installed plugins",
    "embed": "give model files a manifest, or take it out, without Keras",
    "run": "run a program with the hooks on, without a change to it",
    "migrate": "bring the configs in a model file to the installed versions, for good",
    "check": "check that what a plugin distribution publishes keeps its promises",
    "golden": "save small models of a release, which later releases must load",
    "snapshot": "write or check the snapshot of a plugin distribution",
    "schema": "export, compare and check config schemas",
    "demo": "show the whole story in a temporary folder",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        arguments: The arguments without the program's name; those of the process if None.

    Returns:
        The exit code: 0 no finding of level error, 1 at least one, 2 wrong usage, 3 an unreadable
        file, 4 a defect of keras-registry. ``run`` ends as the program does that it runs.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["run"]:
        return _run_program(given)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a screen may not have every letter
    parser = _make_parser(given)
    parsed = parser.parse_args(given)
    if parsed.version:
        from importlib.metadata import version

        print(f"keras-registry {version('keras-registry')}")  # noqa: T201
        return Exit.OK
    if parsed.command is None:
        parser.print_usage(sys.stderr)
        return Exit.USAGE
    return _run(parsed)


def _run_program(given: Sequence[str]) -> int:
    """``run``: the streams, the arguments and the exceptions of a program are its own."""
    from keras_registry.cli import run_command

    ours, theirs = run_command.split(given)
    parsed = _make_parser(ours).parse_args(ours, argparse.Namespace(arguments=theirs))
    return run_command.run(parsed)


def _make_parser(given: Sequence[str]) -> argparse.ArgumentParser:
    """The parser; of the commands, only the one that is called is imported."""
    parser = argparse.ArgumentParser(
        prog="keras-registry",
        description="Custom Keras objects as installable, versioned, checked plugins.",
        epilog="exit codes: 0 no errors found, 1 errors found, 2 wrong usage, 3 unreadable file, "
        "4 a defect of keras-registry",
    )
    parser.add_argument("--version", action="store_true", help="print the version")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name, summary in _COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary)
        if name in given[:1]:
            _module(name).configure(command)
    return parser


def _run(parsed: argparse.Namespace) -> int:
    try:
        code = int(_module(parsed.command).run(parsed))
        if sys.stdout is not None:
            sys.stdout.flush()
    except SettingsError as error:
        print(f"keras-registry: {error}", file=sys.stderr)  # noqa: T201
        return Exit.USAGE
    except BrokenPipeError:
        # Whoever reads the output has seen enough; nothing is left to flush at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except Exception:  # noqa: BLE001 - the last place where a defect can be named as one
        import traceback

        traceback.print_exc()
        print(  # noqa: T201
            "keras-registry: this is a defect of keras-registry; please report it with the lines "
            "above",
            file=sys.stderr,
        )
        return Exit.INTERNAL
    return code


def _module(command: str) -> _Command:
    module: _Command = import_module(f"keras_registry.cli.{command}_command")
    return module


if TYPE_CHECKING:
    from typing import Protocol

    class _Command(Protocol):
        def configure(self, parser: argparse.ArgumentParser) -> None: ...

        def run(self, parsed: argparse.Namespace) -> int: ...
