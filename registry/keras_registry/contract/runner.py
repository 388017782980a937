"""Running checks: one generator, of which every shell takes what it needs."""

from __future__ import annotations

import logging
import time
import traceback
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

import keras

from keras_registry.contract.asset_checks import ASSET_CHECKS
from keras_registry.contract.attempts import in_a_line
from keras_registry.contract.call_checks import CALL_CHECKS
from keras_registry.contract.config_checks import CONFIG_CHECKS
from keras_registry.contract.distribution_checks import DISTRIBUTION_CHECKS
from keras_registry.contract.dtype_checks import DTYPE_CHECKS
from keras_registry.contract.file_checks import FILE_CHECKS
from keras_registry.contract.function_checks import FUNCTION_CHECKS
from keras_registry.contract.golden_checks import GOLDEN_CHECKS
from keras_registry.contract.instance_checks import INSTANCE_CHECKS
from keras_registry.contract.layer_checks import LAYER_CHECKS
from keras_registry.contract.loss_checks import LOSS_CHECKS
from keras_registry.contract.metric_checks import METRIC_CHECKS
from keras_registry.contract.optimizer_checks import OPTIMIZER_CHECKS
from keras_registry.contract.random_checks import RANDOM_CHECKS
from keras_registry.contract.results import CheckError, Failure, Result, Skip, Status
from keras_registry.contract.value_checks import VALUE_CHECKS
from keras_registry.contract.weight_checks import WEIGHT_CHECKS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keras_registry.contract.checked import Checkable, Checked
    from keras_registry.contract.table import Check

__all__ = ["CHECKS", "CHECK_SET", "checks_for", "find_check", "run_check"]

CHECK_SET = 1
"""The version of the set of checks: a plugin that pins one gets no check that came later."""

_ALL: tuple[Check, ...] = (
    *CONFIG_CHECKS,
    *VALUE_CHECKS,
    *RANDOM_CHECKS,
    *INSTANCE_CHECKS,
    *LAYER_CHECKS,
    *CALL_CHECKS,
    *DTYPE_CHECKS,
    *ASSET_CHECKS,
    *FILE_CHECKS,
    *LOSS_CHECKS,
    *METRIC_CHECKS,
    *OPTIMIZER_CHECKS,
    *WEIGHT_CHECKS,
    *FUNCTION_CHECKS,
    *DISTRIBUTION_CHECKS,
    *GOLDEN_CHECKS,
)

CHECKS = tuple(sorted(_ALL, key=lambda check: check.code))
"""All checks, in order of their codes."""


def find_check(name: str) -> Check | None:
    """The check with a name or a code, or None."""
    return next((check for check in CHECKS if name in {check.name, check.code}), None)


def checks_for(subject: Checked, *, check_set: int = CHECK_SET) -> Iterator[Check]:
    """The checks of what a subject's kind promises.

    Args:
        subject: The object.
        check_set: The version of the set of checks.
    """
    return (c for c in CHECKS if subject.kind in c.kinds and c.since <= check_set)


def run_check(check: Check, subject: Checked) -> Result:
    """Runs one check on one object.

    Args:
        check: The check.
        subject: The object, or the distribution.
    """
    start = time.perf_counter()
    status, failure, reason, note = Status.PASSED, None, None, None
    try:
        note = _run(check, subject)
    except CheckError as error:
        status, failure = Status.FAILED, error.failure
    except Skip as skip:
        status, reason = Status.SKIPPED, str(skip)
    expected = _said(subject.expected_failures, check)
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
        note=note,
    )


def _said(reasons: Mapping[str, str], check: Check) -> str | None:
    """What an author says of a check, by its name or its code."""
    return reasons.get(check.name, reasons.get(check.code))


def _run(check: Check, subject: Checked) -> str | None:
    left_out = _said(subject.without, check)
    if left_out is not None and check in CHECKS:  # and not one that stands in its place
        reason = f"left out: {left_out}"
        raise Skip(reason)
    if keras.backend.backend() not in (subject.backends or {keras.backend.backend()}):
        names = " and ".join(subject.backends or ())
        reason = f"it does not run on {keras.backend.backend()}: {names} alone"
        raise Skip(reason)
    cases = subject.candidates[:1] if check.without_cases else subject.cases
    if not cases:
        reason = "no arguments are known with which it can be made: see C101"
        raise Skip(reason)
    cases = cases[:1] if check.on_first_case else cases
    notes, skips = [], []
    for case in cases:
        try:
            notes.append(_call(check, case))
        except Skip as skip:
            skips.append(skip)
    if not notes:
        raise skips[0]
    return notes[0]


@contextmanager
def _quiet() -> Iterator[None]:
    """Lets nothing be logged but errors: Keras has something to say of each file in HDF5."""
    former = logging.root.manager.disable
    logging.disable(max(former, logging.WARNING))
    try:
        yield
    finally:
        logging.disable(former)


def _call(check: Check, case: Checkable) -> str | None:
    try:
        with warnings.catch_warnings(), _quiet():
            warnings.simplefilter("ignore")
            return check.function(case)
    except (CheckError, Skip):
        raise
    except Exception as error:  # noqa: BLE001 - the author's own code, wherever it fails
        case.fail(
            at_fault=_last_function(error, case) or check.name.replace("_", " "),
            wanted=check.promise,
            found=in_a_line(error),
        )


def _last_function(error: Exception, case: Checkable) -> str | None:
    """The innermost function of the author's module that an error came through."""
    names = [
        frame.f_code.co_name
        for frame, _ in traceback.walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__") == case.module
    ]
    return names[-1] if names else None


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
        found="it passed" if status is Status.PASSED else "it was skipped",
        fix="take it out of expected_failures",
    )
    return Status.FAILED, found, reason
