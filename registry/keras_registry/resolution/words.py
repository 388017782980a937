"""Phrases that several findings share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras_registry.ranges import compatible_range

if TYPE_CHECKING:
    from keras_registry.manifest import DistributionRecord

__all__ = ["install_line", "wanted"]


def wanted(name: str, record: DistributionRecord | None) -> str:
    """The distribution that a model wants, with its compatible range."""
    if record is None or record.version is None:
        return name
    return f"{name} {compatible_range(record.version)}      saved with {record.version}"


def install_line(name: str, record: DistributionRecord | None) -> str:
    """The command that installs what a model wants; the range is computed, never believed."""
    if record is None or record.version is None:
        return f"pip install {name}"
    return f'pip install "{name}{compatible_range(record.version)}"'
