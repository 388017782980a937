"""What the tests of all readers check about a file that cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras_registry.findings import CODES, Level, render_findings
from tests.support.golden import check_golden

if TYPE_CHECKING:
    from pathlib import Path

    from keras_registry.artifact import ArtifactReading
    from keras_registry.findings import Finding

__all__ = ["check_text", "failure"]


def failure(reading: ArtifactReading) -> Finding:
    """Return the one finding of a file that cannot be read."""
    assert reading.artifact is None
    (found,) = reading.findings
    assert found.level is Level.ERROR
    return found


def check_text(name: str, found: Finding, folder: Path, *, file: str = "churn.keras") -> None:
    """Check the words of a finding, and that the table has its code."""
    assert found.code in CODES
    text = render_findings(f"{file} cannot be loaded", [found])
    check_golden(f"artifact_{name}", text, replace={str(folder): "FOLDER"})
