"""The kit finds each faulty object with the check that is meant for it, and no other."""

from __future__ import annotations

import pytest

from keras_registry.contract import Status, checks_for, run_check
from keras_registry.contract.rendering import render_failure
from tests.contract.faults import Fault, all_faults, all_twins

FAULTS = all_faults()
TWINS = all_twins()

IN_FILES = {"C113", *(f"C22{number}" for number in range(1, 9))}
"""The checks that need another process: they are run for the faults that show there alone."""


def failures_of(subject, *, in_files=False):
    """Return the results of the checks that fail, with the checks, by name."""
    checks = [c for c in checks_for(subject) if in_files or c.code not in IN_FILES]
    pairs = [(run_check(check, subject), check) for check in checks]
    return {check.name: (r, check) for r, check in pairs if r.status is Status.FAILED}


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_fault_is_found_by_its_check(fault: Fault):
    """The check that is meant for a mistake fails, says what is at fault, and no other fails."""
    failures = failures_of(fault.subject, in_files=fault.in_files)

    texts = "\n".join(render_failure(*pair) for pair in failures.values())
    assert fault.check in failures, texts
    assert failures.keys() - fault.also <= {fault.check}, texts
    failure = failures[fault.check][0].failure
    assert fault.names in f"{failure.at_fault} {failure.found}", texts


@pytest.mark.parametrize("subject", TWINS, ids=str)
def test_correct_twin_passes(subject):
    """An object that is like the faulty ones, but for the mistake, passes every check."""
    failures = failures_of(subject)

    assert failures == {}, "\n".join(render_failure(*pair) for pair in failures.values())
