"""The kit on distributions of others: what fails is listed, each with a proof or the reason.

Not one of the tests that run with every change: these distributions are large, and not ours.
`nox -s third_party` installs the versions that the page is about, and runs this module.
"""

from __future__ import annotations

import re
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest

from keras_registry.contract import checks_for
from tests.contract.pages import THIRD_PARTY
from tests.contract.third_party import OBJECTS, all_subjects
from tests.scenarios.observing import plain

if TYPE_CHECKING:
    from tests.support.processes import ForkServer

SUBJECTS = list(all_subjects())


@pytest.mark.parametrize("subject", SUBJECTS, ids=str)
def test_what_fails_is_on_the_page(subject) -> None:
    """An object fails the checks that the page lists, and no other."""
    THIRD_PARTY.compare(subject, checks_for(subject))


def test_page_is_about_what_is_checked() -> None:
    """The page has each distribution, its version, and how many objects have no fault."""
    columns = r"^\| ([\w-]+) \| (\d\S*) \| (\d+) \| (\d+) \|"
    listed = THIRD_PARTY.listed

    assert re.findall(columns, THIRD_PARTY.text, re.MULTILINE) == [
        (name, version(name), str(len(objects)), str(len(objects.keys() - listed.keys())))
        for name, objects in OBJECTS.items()
    ]
    assert listed.keys() <= {subject.key for subject in SUBJECTS}


def test_programs_of_the_page_show_what_they_say(fork_server: ForkServer) -> None:
    """Each program on the page, after the one that they share, runs in plain Keras."""
    beginning, *programs = THIRD_PARTY.programs
    for program in programs:
        fork_server.run(beginning + program, env=plain).check()
