"""Tests of the table of findings, of findings as values, and of their text."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
import re
from collections import Counter

import pytest

from keras_registry.findings import (
    CODES,
    Code,
    Finding,
    Level,
    Need,
    Policy,
    count_levels,
    finding,
    has_errors,
    render_finding,
    render_findings,
)
from tests.support.golden import check_golden

STRONGEST_FIRST = [Level.ERROR, Level.WARNING, Level.NOTE]

TOO_OLD = finding(
    "R201",
    Policy.COMPATIBLE,
    "acme-layers is too old",
    needs=(Need("acme>GatedDense", 4, 'layers[3] "gate"'),),
    wanted="acme-layers >=1.6,<2      saved with 1.6.2",
    found="acme-layers 1.2.0",
    hint='pip install "acme-layers>=1.6,<2"',
    distribution="acme-layers",
)
NOT_JSON = finding(
    "A107",
    Policy.COMPATIBLE,
    "config.json cannot be read",
    location="config.json",
    wanted="JSON",
    found="Expecting value: line 1 column 1 (char 0)",
    hint="copy or save the model again",
)
OLDER = finding("R202", Policy.COMPATIBLE, "acme-losses is older than the one used to save")
NEWER = finding("R203", Policy.COMPATIBLE, "acme-metrics is newer")


@pytest.mark.parametrize("row", CODES.values(), ids=CODES)
class TestRows:
    """Each row of the table."""

    def test_code_is_well_formed(self, row: Code) -> None:
        """A code is the letter of its subject and three digits, and its own key."""
        assert re.fullmatch(r"[AMDRSWKC][1-9][0-9]{2}", row.code)
        assert CODES[row.code] is row

    def test_stricter_policy_is_never_milder(self, row: Code) -> None:
        """From strict to permissive the level stays or goes down."""
        levels = [STRONGEST_FIRST.index(row.level(policy)) for policy in Policy]

        assert levels == sorted(levels)
        assert levels == [
            STRONGEST_FIRST.index(level) for level in (row.strict, row.compatible, row.permissive)
        ]

    def test_title_is_short(self, row: Code) -> None:
        """A title is a few words without a full stop, on one line, in plain characters."""
        assert row.title == row.title.strip()
        assert not row.title.endswith(".")
        assert 0 < len(row.title) <= 60
        assert row.title.isascii()
        assert row.title[0].islower() or row.title.split()[0].isupper()

    def test_explanation_is_made_of_sentences(self, row: Code) -> None:
        """An explanation begins and ends as a sentence does, and is more than the title."""
        assert row.explanation.endswith(".")
        assert row.explanation[0].isupper() or row.explanation[0] == "`"
        assert "  " not in row.explanation
        assert row.explanation.isprintable()
        assert len(row.explanation) > len(row.title)


def test_titles_tell_codes_apart() -> None:
    """No two codes have the same title or explanation."""
    for texts in (
        Counter(row.title for row in CODES.values()),
        Counter(row.explanation for row in CODES.values()),
    ):
        assert max(texts.values()) == 1


def test_table_has_the_levels_that_were_promised() -> None:
    """The situations that leave a choice are judged as the policies promise."""
    promised = {
        "error error error": "R101 R102 R103 R105 R106 R107 R104 S101 S102 S103 W101 M103",
        "error error warning": "R201 R206 W102 M108",
        "error warning note": "R202 R205 R207 R208 R210 R211 M102 M105 M106",
        "note note note": "R203 R209 R301 R302 R303 R304 W103 M104",
        "warning note note": "M101 K101 K102",
    }
    for levels, codes in promised.items():
        for code in codes.split():
            assert " ".join(CODES[code].level(policy) for policy in Policy) == levels, code


def test_policy_gives_the_level_of_a_finding() -> None:
    """The same situation is an error, a warning or a note."""
    levels = [finding("R202", policy, "x").level for policy in Policy]

    assert levels == [Level.ERROR, Level.WARNING, Level.NOTE]


def test_a_code_that_does_not_exist_is_a_mistake_in_the_program() -> None:
    """There is no finding without a row in the table."""
    with pytest.raises(KeyError):
        finding("R999", Policy.STRICT, "x")


def test_findings_are_values() -> None:
    """A finding can be hashed, copied, pickled and compared, and not changed."""
    for same in (copy.deepcopy(TOO_OLD), pickle.loads(pickle.dumps(TOO_OLD))):  # noqa: S301
        assert same == TOO_OLD
        assert hash(same) == hash(TOO_OLD)
    with pytest.raises(dataclasses.FrozenInstanceError):
        TOO_OLD.level = Level.NOTE  # type: ignore[misc]


def test_finding_as_json() -> None:
    """As JSON a finding has every part, null where it is absent, and nothing but plain types."""
    document = json.loads(json.dumps(TOO_OLD.to_json()))

    assert document == {
        "code": "R201",
        "level": "error",
        "summary": "acme-layers is too old",
        "needs": [{"key": "acme>GatedDense", "count": 4, "place": 'layers[3] "gate"', "kind": ""}],
        "location": None,
        "wanted": "acme-layers >=1.6,<2      saved with 1.6.2",
        "found": "acme-layers 1.2.0",
        "hint": 'pip install "acme-layers>=1.6,<2"',
        "distribution": "acme-layers",
    }
    assert set(document) == {field.name for field in dataclasses.fields(Finding)}


def test_errors_are_told_from_the_rest() -> None:
    """Only a finding of level error stops."""
    assert has_errors([NEWER, TOO_OLD])
    assert not has_errors([NEWER, OLDER])
    assert not has_errors([])


@pytest.mark.parametrize(
    ("need", "text"),
    [
        (Need("acme>A"), "acme>A (1 place)"),
        (Need("acme>A", 1, "layers[0]"), "acme>A (1 place, layers[0])"),
        (Need("acme>A", 4), "acme>A (4 places)"),
        (Need("acme>A", 4, "layers[0]"), "acme>A (4 places, first: layers[0])"),
    ],
)
def test_need_in_words(need: Need, text: str) -> None:
    """A need says how often and where the model uses the object."""
    assert str(need) == text


@pytest.mark.parametrize(
    ("findings", "text"),
    [
        ([], "no findings"),
        ([TOO_OLD], "1 error"),
        ([NEWER, TOO_OLD, OLDER, TOO_OLD], "2 errors, 1 warning, 1 note"),
        ([NEWER, NEWER], "2 notes"),
    ],
)
def test_findings_are_counted(findings: list[Finding], text: str) -> None:
    """Counts stand in the order of weight, in the plural where there are several."""
    assert count_levels(findings) == text
    assert count_levels(iter(findings)) == text


def test_one_finding_as_text() -> None:
    """A message about one finding says what is needed, wanted, found and to be done."""
    text = render_findings("churn.keras cannot be loaded", [TOO_OLD])

    check_golden("findings_one", text)
    assert len(text.splitlines()) <= 12


def test_several_findings_as_text() -> None:
    """Errors come first, then warnings, then notes, each in the order in which it was found."""
    text = render_findings("churn.keras cannot be loaded", [NEWER, OLDER, TOO_OLD, NOT_JSON])

    check_golden("findings_several", text)
    codes = re.findall(r"^  ([A-Z][0-9]{3}) ", text, re.MULTILINE)
    assert codes == ["R201", "A107", "R202", "R203"]


def test_finding_with_every_part_is_short() -> None:
    """However much there is to say, each further finding adds at most six lines."""
    full = dataclasses.replace(TOO_OLD, location="/config/layers/3")

    assert len(render_finding(full).splitlines()) == 6


def test_finding_with_nothing_but_a_summary_is_one_line() -> None:
    """Parts that are absent take no line."""
    assert render_finding(OLDER) == (
        "  R202 warning  acme-losses is older than the one used to save"
    )
