"""The kit finds each faulty object with the check that is meant for it, and no other."""

from __future__ import annotations

import functools
import json
import re

import keras
import pytest

from keras_registry.contract import CHECKS, Status, checks_for, run_check
from keras_registry.contract.rendering import render_failure
from tests.contract.faults import MODULES, Fault, all_faults, all_twins
from tests.support.golden import FOLDER, check_golden

FAULTS = [fault for fault in all_faults() if fault.backend in {None, keras.backend.backend()}]
"""The mistakes that are some on the backend in use."""

TWINS = all_twins()

IN_FILES = {"C113", *(f"C22{number}" for number in range(1, 9))}
"""The checks that need another process: they are run for the faults that show there alone."""

OF_CONFIGS = {check.name for check in CHECKS if check.code.startswith("C1")}
WITH_ANY_VALUES = {"any_values_come_back"}
"""What finds mistakes of configs a second time: a value at random shows them, too."""

CHANGING = {
    r"\\x1b\[\d*m": "",  # colours, in what TensorFlow says
    r"_\d+\b": "",  # automatic names
    r"kernel_[0-9a-f]{8}": "kernel_…",
    r"/\S*/keras-registry-\w+": "FOLDER",
    r"\[(-?(\d+|\d*\.\d+(e[-+]\d+)?|inf|nan), )+…\]": "[…]",
    r"\[-?\d+\.\d+(, -?\d+\.\d+)+\]": "[…]",
}
"""What is another from run to run, and what stands for it on the page."""

LONGEST = 200

MADE_WITH = f"Keras {'.'.join(keras.__version__.split('.')[:2])}, {keras.backend.backend()}"


def failures_of(subject, *, in_files=False):
    """Return the results of the checks that fail, with the checks, by name."""
    checks = [c for c in checks_for(subject) if in_files or c.code not in IN_FILES]
    pairs = [(run_check(check, subject), check) for check in checks]
    return {check.name: (r, check) for r, check in pairs if r.status is Status.FAILED}


@functools.cache
def found_in(name):
    """Return what the kit finds in a faulty object; two tests look at it."""
    fault = next(fault for fault in FAULTS if fault.name == name)
    return failures_of(fault.subject, in_files=fault.in_files)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_is_found_by_its_check(fault: Fault):
    """The check that is meant for a mistake fails, says what is at fault, and no other fails."""
    failures = found_in(fault.name)

    texts = "\n".join(render_failure(*pair) for pair in failures.values())
    assert fault.check in failures, texts
    also = fault.also | WITH_ANY_VALUES if fault.check in OF_CONFIGS else fault.also
    assert failures.keys() - also <= {fault.check}, texts
    failure = failures[fault.check][0].failure
    assert fault.names in f"{failure.at_fault} {failure.found}", texts


@pytest.mark.parametrize("subject", TWINS, ids=str)
def test_correct_twin_passes(subject):
    """An object that is like the faulty ones, but for the mistake, passes every check."""
    failures = failures_of(subject)

    assert failures == {}, "\n".join(render_failure(*pair) for pair in failures.values())


@pytest.mark.parametrize("module", MODULES)
def test_messages_are_those_of_the_page(module):
    """The table of mistakes in the docs has the words that the kit finds for each of them.

    What a backend or Keras says is in some of them, so with others the words may differ.
    """
    rows = [row_of(fault) for fault in FAULTS if fault.module == module]
    path = FOLDER / "contract" / f"faults_{module}.txt"
    made_with = path.read_text(encoding="utf-8").partition("\n")[0] if path.exists() else MADE_WITH
    if made_with == MADE_WITH:
        text = "\n".join([MADE_WITH, *(json.dumps(row, ensure_ascii=False) for row in rows)])
        check_golden(f"contract/faults_{module}", text)
    else:
        here = {row["name"] for row in rows}
        lines = path.read_text(encoding="utf-8").splitlines()[1:]
        known = [row for row in map(json.loads, lines) if row["name"] in here]
        same = ("name", "mistake", "check", "thread", "says")
        assert [[row[n] for n in same] for row in rows] == [[row[n] for n in same] for row in known]


def row_of(fault):
    """Return what the page says of a fault, without what differs from run to run."""
    result, check = found_in(fault.name)[fault.check]

    def shortened(text):
        for pattern, replacement in CHANGING.items():
            text = re.sub(pattern, replacement, text)
        return text if len(text) <= LONGEST else f"{text[:LONGEST].rstrip()}…"

    return {
        "name": fault.target.__name__,
        "kind": str(fault.subject.kind),
        "mistake": fault.mistake,
        "check": str(check),
        "at_fault": shortened(result.failure.at_fault),
        "wanted": shortened(result.failure.wanted),
        "found": shortened(result.failure.found),
        "thread": fault.thread and fault.thread.name,
        "says": fault.thread and fault.thread.says,
    }


def test_there_are_enough_faults():
    """There are 60 mistakes and more, 20 of them met by somebody, each under its own name."""
    threads = {fault.thread.name for fault in FAULTS if fault.thread is not None}

    assert len(FAULTS) >= 60
    assert len(threads) >= 20
    assert len({fault.name for fault in FAULTS}) == len(FAULTS)
    assert all(re.fullmatch(r"[\w.-]+/[\w.-]+#\d+", thread) for thread in threads)
