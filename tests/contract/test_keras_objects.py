"""The kit raises no false alarm: what fails of Keras's own objects is listed, with its proof."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import keras
import pytest

from keras_registry.contract import checks_for
from tests.contract.keras_subjects import PLACES, all_subjects, is_in_tenth
from tests.contract.pages import KERAS
from tests.scenarios.observing import plain

if TYPE_CHECKING:
    from tests.support.processes import ForkServer

IN_FILES = {"C113", *(f"C22{number}" for number in range(1, 9))}
"""The checks that need another process."""

IS_WHOLE = os.environ.get("KERAS_REGISTRY_SPECIFICITY") == "all"
"""Whether all objects are checked, as `nox -s specificity` does, and not a tenth of them."""

SUBJECTS = list(all_subjects())
CHOSEN = [subject for subject in SUBJECTS if IS_WHOLE or is_in_tenth(subject)]

IS_AS_ON_THE_PAGE = keras.backend.backend() == "tensorflow" and keras.__version__ >= "3.15"
"""Other backends and releases have fewer of these defects, and others."""


@pytest.mark.parametrize("subject", CHOSEN, ids=str)
def test_what_fails_is_on_the_page(subject):
    """An object of Keras fails the checks that the page lists with a proof, and no other."""
    checks = [check for check in checks_for(subject) if check.code not in IN_FILES]

    KERAS.compare(subject, checks, is_exact=IS_AS_ON_THE_PAGE)


@pytest.mark.parametrize("subject", CHOSEN, ids=str)
def test_what_fails_in_another_process_is_on_the_page(subject):
    """The same of files that are loaded, and hostile configs that are read, in a process apart.

    Of the tenth each object is made in one way alone: that is enough to see that this works.
    """
    checks = [check for check in checks_for(subject) if check.code in IN_FILES]

    short = subject if IS_WHOLE else replace(subject, is_short=True, memory={})
    KERAS.compare(short, checks, is_exact=IS_AS_ON_THE_PAGE and IS_WHOLE)


def test_page_names_objects_and_checks_that_there_are():
    """Each key on the page is one of the objects that are checked."""
    assert KERAS.listed.keys() <= {subject.key for subject in SUBJECTS}
    assert {"losses.Huber", "layers.Pipeline"} <= KERAS.listed.keys()


def test_tenth_has_objects_of_most_kinds():
    """The fixed tenth is about a tenth, and not of layers alone."""
    tenth = [subject for subject in SUBJECTS if is_in_tenth(subject)]

    assert 0.05 * len(SUBJECTS) < len(tenth) < 0.15 * len(SUBJECTS)
    assert len({subject.kind for subject in tenth}) >= len(PLACES) - 3


def test_programs_of_the_page_show_what_they_say(fork_server: ForkServer):
    """Plain Keras does what the page says of it."""
    if IS_AS_ON_THE_PAGE:
        fork_server.run("\n".join(KERAS.programs), env=plain).check()
