"""The kit raises no false alarm: what fails of Keras's own objects is listed, with its proof."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import pytest

from keras_registry.contract import Status, checks_for, run_check
from keras_registry.contract.rendering import render_failure
from tests.contract.keras_subjects import PLACES, all_subjects, is_in_tenth
from tests.scenarios.observing import plain

if TYPE_CHECKING:
    from tests.support.processes import ForkServer

PAGE = Path(__file__).resolve().parents[2] / "docs" / "contract-keras.md"

IN_FILES = {"C113", *(f"C22{number}" for number in range(1, 9))}
"""The checks that need another process."""

SUBJECTS = list(all_subjects())
"""All of them with `KERAS_REGISTRY_SPECIFICITY=all`, as `nox -s specificity` does."""

CHOSEN = [
    subject
    for subject in SUBJECTS
    if os.environ.get("KERAS_REGISTRY_SPECIFICITY") == "all" or is_in_tenth(subject)
]

IS_AS_ON_THE_PAGE = keras.backend.backend() == "tensorflow" and keras.__version__ >= "3.15"
"""Other backends and releases have fewer of these defects, and others."""


def read_page():
    """Return the codes of the checks that the page says fail, by key."""
    listed = {}
    for line in re.findall(r"^Fails: (.*?)\n\n", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        for key, codes in re.findall(r"`([\w.]+)`((?:\s+C\d+)+)", line):
            listed.setdefault(key, set()).update(codes.split())
    return listed


@pytest.mark.parametrize("subject", CHOSEN, ids=str)
def test_what_fails_is_on_the_page(subject):
    """An object of Keras fails the checks that the page lists with a proof, and no other."""
    checks = [check for check in checks_for(subject) if check.code not in IN_FILES]
    results = [(run_check(check, subject), check) for check in checks]

    failed = {check.code: (r, check) for r, check in results if r.status is Status.FAILED}
    listed = read_page().get(subject.key, set())
    texts = "\n".join(render_failure(*failed[code]) for code in failed if code not in listed)
    assert not failed.keys() - listed, texts
    assert failed.keys() == listed or not IS_AS_ON_THE_PAGE


def test_page_names_objects_and_checks_that_there_are():
    """Each key on the page is one of the objects that are checked."""
    assert read_page().keys() <= {subject.key for subject in SUBJECTS}
    assert {"losses.Huber", "layers.Pipeline"} <= read_page().keys()


def test_tenth_has_objects_of_most_kinds():
    """The fixed tenth is about a tenth, and not of layers alone."""
    tenth = [subject for subject in SUBJECTS if is_in_tenth(subject)]

    assert 0.05 * len(SUBJECTS) < len(tenth) < 0.15 * len(SUBJECTS)
    assert len({subject.kind for subject in tenth}) >= len(PLACES) - 3


def test_programs_of_the_page_show_what_they_say(fork_server: ForkServer):
    """Plain Keras does what the page says of it."""
    parts = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    if IS_AS_ON_THE_PAGE:
        fork_server.run("\n".join(parts), env=plain).check()
