"""Interleaved pairs: two ways to do one thing, in turns, so that a slow moment hits both."""

from __future__ import annotations

import gc
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Ratio", "measure_pairs"]


@dataclass(frozen=True, slots=True)
class Ratio:
    """What came of measuring two ways.

    Attributes:
        name: What was measured.
        budget: The most that the ratio may be.
        ratio: The median of the pairs' ratios, ours to the other's.
        low: Their lower quartile.
        high: Their upper quartile.
        ours: The median of our times, in seconds.
        other: The median of the other's times, in seconds.
        least: The ratio of our least time to the other's least: what others do on the machine
            only ever adds to a time.
        pairs: The number of pairs.
        remark: Further figures, in words.
    """

    name: str
    budget: float
    ratio: float
    low: float
    high: float
    ours: float
    other: float
    least: float
    pairs: int
    remark: str = ""


def measure_pairs(
    name: str,
    budget: float,
    ours: Callable[[], object],
    other: Callable[[], object],
    *,
    pairs: int = 15,
    repeat: int = 1,
    before: Callable[[], object] | None = None,
    remark: str = "",
) -> Ratio:
    """Measures two ways in turns; which goes first alternates.

    Args:
        name: What is measured.
        budget: The most that the ratio may be.
        ours: Our way.
        other: The other way.
        pairs: How many pairs, after one that does not count.
        repeat: How often each is called in one measurement.
        before: What is done before each measurement, and not measured.
        remark: Further figures, in words.
    """

    def timed(act: Callable[[], object]) -> float:
        if before is not None:
            before()
        return _time(act, repeat)

    times: list[tuple[float, float]] = []
    for number in range(pairs + 1):
        if number % 2:
            second = timed(other)
            first = timed(ours)
        else:
            first = timed(ours)
            second = timed(other)
        times.append((first, second))
    counted = times[1:]
    low, middle, high = statistics.quantiles([a / b for a, b in counted], n=4)
    return Ratio(
        name=name,
        budget=budget,
        ratio=middle,
        low=low,
        high=high,
        ours=statistics.median(a for a, _ in counted) / repeat,
        other=statistics.median(b for _, b in counted) / repeat,
        least=min(a for a, _ in counted) / min(b for _, b in counted),
        pairs=pairs,
        remark=remark,
    )


def _time(act: Callable[[], object], repeat: int) -> float:
    gc.collect()
    gc.disable()
    try:
        start = time.perf_counter()
        for _ in range(repeat):
            act()
        return time.perf_counter() - start
    finally:
        gc.enable()
