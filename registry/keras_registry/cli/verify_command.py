"""``keras-registry verify FILE``: can this environment load a model file?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras_registry.cli import Exit
from keras_registry.cli.judging import judge_file
from keras_registry.cli.output import print_json, print_unreadable, say
from keras_registry.findings import Policy, render_findings
from keras_registry.settings import current_policy, parse_policy

if TYPE_CHECKING:
    import argparse

__all__ = ["add_judging_arguments", "configure", "run"]

_TIMEOUT = 600


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the command."""
    parser.add_argument("file", help="a .keras or .h5 file, or a folder")
    add_judging_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def add_judging_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments that say how a file is judged."""
    parser.add_argument(
        "--policy",
        choices=[policy.value for policy in Policy],
        help="how strictly to judge (default: KERAS_REGISTRY_POLICY, else compatible)",
    )
    parser.add_argument(
        "--build",
        action="store_true",
        help="also load the model, in a process of its own, which imports its plugins",
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=_TIMEOUT,
        metavar="SECONDS",
        help=f"how long --build may take (default: {_TIMEOUT})",
    )


def run(parsed: argparse.Namespace) -> int:
    """Prints what a load would find before it imports anything; imports nothing itself."""
    policy = parse_policy(parsed.policy) if parsed.policy else current_policy()
    verdict = judge_file(parsed.file, policy, timeout=parsed.timeout if parsed.build else None)
    if not verdict.is_readable:
        print_unreadable("verify", verdict.name, verdict.findings, as_json=parsed.json)
        return Exit.UNREADABLE
    if parsed.json:
        print_json(
            "verify",
            verdict.findings,
            file=verdict.name,
            readable=True,
            policy=str(policy),
            loadable=not verdict.fails,
            objects=[
                {
                    "key": item.key,
                    "source": str(item.source),
                    "distribution": item.plugin and item.plugin.distribution,
                    "distribution_version": item.plugin and item.plugin.distribution_version,
                }
                for item in verdict.objects
            ],
        )
    else:
        verb = "cannot be loaded here" if verdict.fails else "can be loaded here"
        say(render_findings(f"{verdict.name} {verb}", verdict.findings))
    return Exit.FINDINGS if verdict.fails else Exit.OK
