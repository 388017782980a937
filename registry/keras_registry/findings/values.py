"""A finding as a value."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from keras_registry.findings.codes import CODES, Level, Policy

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Finding", "Need", "finding", "has_errors"]


@dataclass(frozen=True, slots=True)
class Need:
    """An object that a model needs, and where.

    Attributes:
        key: The object's key.
        count: In how many places the model uses it.
        place: The first of them, in words, such as ``layers[3] "gate"``.
        kind: What the object is used for; empty if that is not known.
    """

    key: str
    count: int = 1
    place: str = ""
    kind: str = ""

    def __str__(self) -> str:
        places = "1 place" if self.count == 1 else f"{self.count} places"
        if not self.place:
            return f"{self.key} ({places})"
        first = "" if self.count == 1 else "first: "
        return f"{self.key} ({places}, {first}{self.place})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong, or worth knowing.

    Attributes:
        code: The row of `CODES`.
        level: How much it matters under the policy in force.
        summary: The first line, in words.
        needs: The objects concerned.
        location: Where in the file: a JSON pointer, a member or a path.
        wanted: What was expected.
        found: What is there instead.
        hint: What to do next.
        distribution: The distribution concerned, if one is.
    """

    code: str
    level: Level
    summary: str
    needs: tuple[Need, ...] = ()
    location: str | None = None
    wanted: str | None = None
    found: str | None = None
    hint: str | None = None
    distribution: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The finding as a JSON object; absent parts are null."""
        return asdict(self)


def finding(code: str, policy: Policy, summary: str, **parts: Any) -> Finding:
    """A finding whose level the policy gives."""
    return Finding(code=code, level=CODES[code].level(policy), summary=summary, **parts)


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether any of the findings is an error."""
    return any(item.level is Level.ERROR for item in findings)
