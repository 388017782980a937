"""Compatible ranges: which installed versions are taken to work for a recorded one."""

from __future__ import annotations

from enum import StrEnum

from packaging.version import Version

__all__ = ["Drift", "compare_versions", "compatible_range"]


class Drift(StrEnum):
    """How an installed version stands to the recorded one and its compatible range."""

    SAME = "same"
    OLDER_IN_RANGE = "older, in range"
    OLDER = "older"
    NEWER_IN_RANGE = "newer, in range"
    NEWER = "newer"


def compatible_range(version: str) -> str:
    """The versions that are taken to work where `version` did.

    Example:
        >>> compatible_range("1.4.2"), compatible_range("0.3.1")
        ('>=1.4,<2', '>=0.3,<0.4')
    """
    parsed = Version(version)
    epoch = f"{parsed.epoch}!" if parsed.epoch else ""
    floor = f"{epoch}{parsed.major}.{parsed.minor}"
    if parsed < Version(floor):  # a pre-release of the first version in the range
        floor = parsed.public
    if parsed.major == 0:
        return f">={floor},<{epoch}0.{parsed.minor + 1}"
    return f">={floor},<{epoch}{parsed.major + 1}"


def compare_versions(installed: str, recorded: str) -> Drift:
    """Compares two versions by PEP 440, so that dev, local and post releases count rightly."""
    have, had = Version(installed), Version(recorded)
    if have == had:
        return Drift.SAME
    if have < had:
        # A pre-release of X.Y sorts below X.Y, yet it belongs to the same range.
        floor = Version(f"{had.epoch}!{had.major}.{had.minor}.dev0")
        return Drift.OLDER_IN_RANGE if have >= floor else Drift.OLDER
    # A pre-release of the next major version is in that one already.
    end = f"{had.epoch}!{had.major + 1}" if had.major else f"{had.epoch}!0.{had.minor + 1}"
    return Drift.NEWER_IN_RANGE if have < Version(f"{end}.dev0") else Drift.NEWER
