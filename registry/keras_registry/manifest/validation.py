"""What is wrong with a manifest as a document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras_registry.documents import version_findings, worst_problem
from keras_registry.findings import Finding, Policy, finding
from keras_registry.manifest.model import MANIFEST_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keras_registry.manifest.codec import ManifestReading

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
    yield from version_findings(
        "manifest", MANIFEST_VERSION, reading, policy, codes=("M103", "M104")
    )
    if reading.problems:
        shown, parts = worst_problem(reading.problems)
        yield finding(
            "M105" if shown.is_name else "M102",
            policy,
            "the manifest holds something else in place of a name"
            if shown.is_name
            else "the manifest cannot be used",
            **parts,
        )
