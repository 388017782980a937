"""``keras-registry explain CODE`` or ``FILE``: what a finding means, or why a file fails."""

from __future__ import annotations

import difflib
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from keras_registry.cli import Exit
from keras_registry.cli.judging import judge_file
from keras_registry.cli.output import print_json, say
from keras_registry.cli.verify_command import add_judging_arguments
from keras_registry.errors import SettingsError
from keras_registry.findings import CODES, Level, Policy, render_findings
from keras_registry.names import printable
from keras_registry.settings import current_policy, parse_policy

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from keras_registry.cli.judging import Verdict
    from keras_registry.findings import Code, Finding

__all__ = ["configure", "run"]

_WIDTH = 96


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the command."""
    parser.add_argument("subject", metavar="CODE|FILE", help="a code such as R201, or a model file")
    add_judging_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(parsed: argparse.Namespace) -> int:
    """Prints the explanation; a file that is named like a code is meant by ``./R201``."""
    code = CODES.get(parsed.subject.upper())
    if code is not None:
        _print_code(code, as_json=parsed.json)
        return Exit.OK
    if _looks_like_code(parsed.subject):
        near = difflib.get_close_matches(parsed.subject.upper(), CODES, n=3)
        meant = f"; near it are {', '.join(near)}" if near else ""
        message = f"there is no finding {printable(parsed.subject)}{meant}"
        raise SettingsError(message)
    policy = parse_policy(parsed.policy) if parsed.policy else current_policy()
    verdict = judge_file(parsed.subject, policy, timeout=parsed.timeout if parsed.build else None)
    if parsed.json:
        _print_verdict_as_json(verdict, policy)
    else:
        _print_verdict(verdict, with_build=parsed.build)
    if not verdict.is_readable:
        return Exit.UNREADABLE
    return Exit.FINDINGS if verdict.fails else Exit.OK


def _looks_like_code(subject: str) -> bool:
    return subject.isalnum() and not Path(subject).exists()


def _print_code(code: Code, *, as_json: bool) -> None:
    levels = {str(policy): str(code.level(policy)) for policy in Policy}
    if as_json:
        explained = {"title": code.title, "levels": levels, "explanation": code.explanation}
        print_json("explain", (), code=code.code, **explained)
        return
    say(f"{code.code}: {code.title}")
    _say_wrapped(code.explanation)
    say(f"  {', '.join(f'{policy}: {level}' for policy, level in levels.items())}")


def _print_verdict_as_json(verdict: Verdict, policy: Policy) -> None:
    print_json(
        "explain",
        verdict.findings,
        file=verdict.name,
        readable=verdict.is_readable,
        policy=str(policy),
        loadable=verdict.is_readable and not verdict.fails,
        explanations={item.code: CODES[item.code].explanation for item in verdict.findings},
        actions=_actions(verdict.findings),
    )


def _print_verdict(verdict: Verdict, *, with_build: bool) -> None:
    verb = "cannot be loaded here" if verdict.fails else "can be loaded here"
    if not verdict.is_readable:
        verb = "cannot be read"
    say(render_findings(f"{verdict.name} {verb}", verdict.findings))
    codes = list(dict.fromkeys(item.code for item in verdict.findings))
    if codes:
        say("\nWhat that means")
        for code in codes:
            say(f"  {code}: {CODES[code].title}")
            _say_wrapped(CODES[code].explanation, indent=4)
    actions = _actions(verdict.findings)
    if actions:
        say("\nWhat to do")
        for number, action in enumerate(actions, start=1):
            say(f"  {number}. {action}")
    elif verdict.is_readable and not with_build:
        say("\nIf it fails all the same, add --build: the model is then loaded, and its code runs.")


def _actions(findings: Sequence[Finding]) -> list[str]:
    """The hints, those for errors first, each once; notes ask for nothing."""
    ranked = sorted(findings, key=lambda item: list(Level).index(item.level))
    hints = [item.hint for item in ranked if item.hint and item.level is not Level.NOTE]
    return list(dict.fromkeys(hints))


def _say_wrapped(text: str, *, indent: int = 2) -> None:
    blanks = " " * indent
    say(
        textwrap.fill(
            text,
            _WIDTH,
            initial_indent=blanks,
            subsequent_indent=blanks,
            break_on_hyphens=False,
            break_long_words=False,
        )
    )
