"""What is checked, as far as a runner needs to know it: an object or a distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["Checkable", "Checked"]


class Checkable(Protocol):
    """What a check is called with."""

    @property
    def module(self) -> str | None:
        """The name of the author's module, if it is one that is checked."""

    def fail(self, *, at_fault: str, wanted: str, found: str) -> NoReturn:
        """Ends the check."""


class Checked(Protocol):
    """What a runner needs to know of an object, or of a distribution, that is checked."""

    @property
    def key(self) -> str:
        """What it is called."""

    @property
    def kind(self) -> str:
        """Which checks are for it."""

    @property
    def cases(self) -> Sequence[Checkable]:
        """What checks are called with."""

    @property
    def candidates(self) -> Sequence[Checkable]:
        """The same, whether it works or not."""

    @property
    def backends(self) -> Sequence[str] | None:
        """The backends that it runs on; None for all."""

    @property
    def expected_failures(self) -> Mapping[str, str]:
        """The names or codes of checks that fail, and why."""

    @property
    def without(self) -> Mapping[str, str]:
        """The names or codes of checks that are left out, and why."""
