"""A check: a promise that a serialisable object makes, as a function."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keras_registry.names import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CLASSES", "DISTRIBUTION", "Check"]

CLASSES: frozenset[str] = frozenset(Kind) - {Kind.FUNCTION}
"""The kinds that have a config."""

DISTRIBUTION = "distribution"
"""Stands where an object's kind does, in checks of the distribution as a whole."""


@dataclass(frozen=True, slots=True)
class Check:
    """A check.

    Attributes:
        code: Its code, such as ``C101``; never used again for another check.
        function: Raises `CheckError` for a case that breaks the promise; what it returns, if
            anything, is worth knowing though nothing is wrong.
        fix: What an author does who broke it.
        kinds: The kinds that make the promise.
        since: The version of the check set that has it first.
        on_first_case: Whether the first case says all.
        without_cases: Whether it is called once even if no case is known to work.
    """

    code: str
    function: Callable[[Any], str | None]
    fix: str
    kinds: frozenset[str] = CLASSES
    since: int = 1
    on_first_case: bool = False
    without_cases: bool = False

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    @property
    def name(self) -> str:
        """Its name, such as ``config_is_json``."""
        return self.function.__name__.removeprefix("check_")

    @property
    def promise(self) -> str:
        """The promise as a sentence."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    @property
    def explanation(self) -> str:
        """What breaking it leads to."""
        return " ".join((inspect.getdoc(self.function) or "").partition("\n")[2].split())
