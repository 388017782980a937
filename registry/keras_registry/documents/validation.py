"""What is wrong with a document, in words that all formats share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras_registry.findings import Finding, Policy, finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keras_registry.documents.codec import DocumentReading, Problem

__all__ = ["version_findings", "worst_problem"]


def version_findings(
    name: str,
    version: str,
    reading: DocumentReading[Any],
    policy: Policy,
    *,
    codes: tuple[str, str],
) -> Iterator[Finding]:
    """What is said of a document in another version of its format.

    Args:
        name: What the document is called.
        version: The version that this code reads.
        reading: What came of reading it.
        policy: How strictly to judge.
        codes: The codes for another major version, and for a newer minor one.
    """
    for code, found, summary in (
        (codes[0], reading.other_major, f"the {name} has a format of another major version"),
        (codes[1], reading.newer_minor, f"the {name} has a newer format"),
    ):
        if found is not None:
            yield finding(
                code,
                policy,
                summary,
                wanted=f"{name}_version {version}",
                found=f"{name}_version {found}",
                hint="pip install --upgrade keras-registry",
            )


def worst_problem(problems: tuple[Problem, ...]) -> tuple[Problem, dict[str, str]]:
    """The one problem to show of several, and the parts of a finding that show it.

    It is the first place where something else stands for a name, else the first of all.
    """
    shown = next((problem for problem in problems if problem.is_name), problems[0])
    more = len(problems) - 1
    return shown, {
        "location": shown.pointer or "/",
        "wanted": shown.wanted,
        "found": shown.found + (f", and {more} more such places" if more else ""),
    }
