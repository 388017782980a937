"""What is wrong with a manifest as a document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras_registry.findings import Finding, Policy, finding
from keras_registry.manifest.model import MANIFEST_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keras_registry.manifest.codec import ManifestReading, Problem

__all__ = ["validate_reading"]


def validate_reading(reading: ManifestReading | None, policy: Policy) -> Iterator[Finding]:
    """What is wrong with a manifest (codes M101 to M105).

    Args:
        reading: What came of reading it; None if the file has none.
        policy: How strictly to judge.
    """
    if reading is None:
        yield finding(
            "M101",
            policy,
            "the file has no manifest",
            hint="save the model again with keras_registry imported",
        )
        return
    for code, version, summary in (
        ("M103", reading.other_major, "the manifest has a format of another major version"),
        ("M104", reading.newer_minor, "the manifest has a newer format"),
    ):
        if version is not None:
            yield finding(
                code,
                policy,
                summary,
                wanted=f"manifest_version {MANIFEST_VERSION}",
                found=f"manifest_version {version}",
                hint="pip install --upgrade keras-registry",
            )
    if reading.problems:
        yield _problem_finding(reading.problems, policy)


def _problem_finding(problems: tuple[Problem, ...], policy: Policy) -> Finding:
    """One finding for all problems: it shows the first name that is none, else the first."""
    shown = next((problem for problem in problems if problem.is_name), problems[0])
    more = len(problems) - 1
    return finding(
        "M105" if shown.is_name else "M102",
        policy,
        "the manifest holds something else in place of a name"
        if shown.is_name
        else "the manifest cannot be used",
        location=shown.pointer or "/",
        wanted=shown.wanted,
        found=shown.found + (f", and {more} more such places" if more else ""),
    )
