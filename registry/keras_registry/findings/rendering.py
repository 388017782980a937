"""Findings as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras_registry.findings.codes import Level

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keras_registry.findings.values import Finding

__all__ = ["count_levels", "render_finding", "render_findings"]


def count_levels(findings: Iterable[Finding]) -> str:
    """The findings counted, as in ``2 errors, 1 warning``; ``no findings`` if there are none."""
    levels = [item.level for item in findings]
    counts = [(levels.count(level), level) for level in Level]
    words = [f"{n} {level}{'s' if n > 1 else ''}" for n, level in counts if n]
    return ", ".join(words) or "no findings"


def render_finding(item: Finding) -> str:
    """A finding as text, at most seven lines."""
    head = f"  {item.code} {item.level:<8} {item.summary}"
    is_used = any(need.place for need in item.needs)
    others = (need.key for need in item.needs if need.key not in item.summary)
    needs = map(str, item.needs) if is_used else others
    parts = [
        ("needed by" if is_used else "object", "; ".join(needs) or None),
        ("at", item.location),
        ("wanted", item.wanted),
        ("found", item.found),
        ("hint", item.hint),
    ]
    lines = [f"       {label:<10} {text}" for label, text in parts if text is not None]
    return "\n".join([head, *lines])


def render_findings(headline: str, findings: Iterable[Finding]) -> str:
    """Findings under a headline, errors first.

    Args:
        headline: What they are about, such as ``churn.keras cannot be loaded``.
        findings: The findings, in the order in which they were made.
    """
    order = list(Level)
    ranked = sorted(findings, key=lambda item: order.index(item.level))
    return "\n".join([f"{headline}: {count_levels(ranked)}", *map(render_finding, ranked)])
