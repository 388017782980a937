"""Names of the rows of a table of tests."""

from __future__ import annotations

__all__ = ["readable"]


def readable(value: object) -> str | None:
    """Return the text of a value, unless it is another one in each process, or none to read.

    The processes that share the tests have to call them the same.
    """
    text = str(value)
    is_the_same = " at 0x" not in text and not isinstance(value, set | frozenset)
    return text if is_the_same and len(text) <= 80 else None
