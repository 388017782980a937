"""Results of checks as text."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from keras_registry.contract.results import Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keras_registry.contract.results import Result
    from keras_registry.contract.table import Check

__all__ = ["count_results", "render_failure"]


def render_failure(result: Result, check: Check) -> str:
    """A failed check as text: what was promised, the smallest case, where it is and what to do.

    Args:
        result: How the check ended.
        check: The check.
    """
    failure = result.failure
    parts = [("promised", check.promise)]
    if failure is not None:
        parts += [
            ("case", failure.case),
            ("at fault", failure.at_fault),
            ("wanted", failure.wanted),
            ("found", failure.found),
            ("where", failure.where or ""),
        ]
    parts.append(("fix", (failure and failure.fix) or check.fix))
    lines = [f"       {label:<10} {text}" for label, text in parts if text]
    return "\n".join([f"  {check.code} {result.status:<8} {result.key}: {check.name}", *lines])


def count_results(results: Iterable[Result]) -> str:
    """The results counted, as in ``40 passed, 1 failed``."""
    counts = Counter(result.status for result in results)
    return ", ".join(f"{counts[s]} {s}" for s in Status if counts[s]) or "no checks"
