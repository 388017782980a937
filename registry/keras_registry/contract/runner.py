"""Running checks: one generator, of which every shell takes what it needs."""

from __future__ import annotations

import time
import warnings
from typing import TYPE_CHECKING

from keras_registry.contract.config_checks import CONFIG_CHECKS
from keras_registry.contract.results import CheckError, Failure, Result, Skip, Status

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keras_registry.contract.subjects import Subject
    from keras_registry.contract.table import Check

__all__ = ["CHECKS", "CHECK_SET", "checks_for", "find_check", "run_check"]

CHECK_SET = 1
"""The version of the set of checks: a plugin that pins one gets no check that came later."""

CHECKS: tuple[Check, ...] = (*CONFIG_CHECKS,)
"""All checks, in order of their codes."""


def find_check(name: str) -> Check | None:
    """The check with a name or a code, or None."""
    return next((check for check in CHECKS if name in {check.name, check.code}), None)


def checks_for(subject: Subject, *, check_set: int = CHECK_SET) -> Iterator[Check]:
    """The checks of what a subject's kind promises.

    Args:
        subject: The object.
        check_set: The version of the set of checks.
    """
    return (c for c in CHECKS if subject.kind in c.kinds and c.since <= check_set)


def run_check(check: Check, subject: Subject) -> Result:
    """Runs one check on one object.

    Args:
        check: The check.
        subject: The object.
    """
    start = time.perf_counter()
    status, failure, reason = Status.PASSED, None, None
    try:
        _run(check, subject)
    except CheckError as error:
        status, failure = Status.FAILED, error.failure
    except Skip as skip:
        status, reason = Status.SKIPPED, str(skip)
    expected = subject.expected_failures.get(check.name, subject.expected_failures.get(check.code))
    if expected is not None:
        status, failure, reason = _as_expected(status, failure, expected)
    return Result(
        check=check.code,
        name=check.name,
        key=subject.key,
        status=status,
        seconds=time.perf_counter() - start,
        failure=failure,
        reason=reason,
    )


def _run(check: Check, subject: Subject) -> None:
    cases = subject.cases
    if not cases:
        reason = "no arguments are known with which it can be made: see C101"
        raise Skip(reason)
    for case in cases[:1] if check.on_first_case else cases:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                check.function(case)
        except (CheckError, Skip):
            raise
        except Exception as error:  # noqa: BLE001 - the author's own code, wherever it fails
            case.fail(
                at_fault=check.name.replace("_", " "),
                wanted=check.promise,
                found=f"{type(error).__name__}: {error}",
            )


def _as_expected(
    status: Status, failure: Failure | None, reason: str
) -> tuple[Status, Failure | None, str]:
    """What becomes of a check whose failure is expected: it must fail, or the reason is wrong."""
    if status is Status.FAILED:
        return Status.EXPECTED, failure, reason
    found = Failure(
        case="",
        at_fault="expected_failures",
        wanted=f"a failure, as was said: {reason}",
        found=f"a check that {status}",
    )
    return Status.FAILED, found, reason
