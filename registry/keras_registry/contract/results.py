"""What comes of a check: a result as a value, and the failure that a check raises."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

__all__ = ["CheckError", "Failure", "Result", "Skip", "Status"]


class Status(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    EXPECTED = "expected"
    """It failed, as its author said that it would, with a reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What a check found.

    Attributes:
        case: The smallest case that shows it, as a line of code.
        at_fault: The field, variable or method.
        wanted: What was promised.
        found: What is there instead.
        where: Where in the author's code: a file and a line.
        fix: What to do, if not what the check says.
    """

    case: str
    at_fault: str
    wanted: str
    found: str
    where: str | None = None
    fix: str | None = None


class CheckError(AssertionError):
    """A check failed."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure


class Skip(Exception):  # noqa: N818 - not an error
    """A check does not apply; the message is the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """How one check on one object ended.

    Attributes:
        check: The code of the check, such as ``C101``.
        name: Its name, such as ``config_is_json``.
        key: The object's key.
        status: How it ended.
        seconds: How long it took.
        failure: What it found, if it failed.
        reason: Why it was skipped, or was expected to fail.
        note: What is worth knowing though nothing is wrong, such as inputs that were guessed.
    """

    check: str
    name: str
    key: str
    status: Status
    seconds: float
    failure: Failure | None = None
    reason: str | None = None
    note: str | None = None

    @property
    def is_good(self) -> bool:
        """Whether nothing is to be done about it."""
        return self.status is not Status.FAILED

    def to_json(self) -> dict[str, Any]:
        """The result as a JSON object; absent parts are null."""
        return asdict(self)
