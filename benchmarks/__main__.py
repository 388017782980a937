"""``python -m benchmarks [CASE …]``: prints a table of ratios and budgets."""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras_registry  # noqa: F401 - the hooks are part of what is measured
from benchmarks.cases import CASES


def main() -> None:
    """Runs the cases on tmpfs where there is one, and prints what came of them."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--pairs", type=int, default=15, help="pairs a case (default 15)")
    parsed = parser.parse_args()
    unknown = set(parsed.cases) - set(CASES)
    if unknown:
        parser.error(f"no such case: {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    memory = Path("/dev/shm")  # noqa: S108 - tmpfs, so that no disk is measured
    table = Table("case", "ratio", "quartiles", "least", "budget", "ours", "other", "pairs", "")
    console = Console(width=180)
    for name in parsed.cases or CASES:
        folder = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
        try:
            for row in CASES[name](folder, parsed.pairs):
                within = "within" if row.ratio <= row.budget else "OVER"
                line = (
                    row.name,
                    f"{row.ratio:.3f}",
                    f"{row.low:.3f}-{row.high:.3f}",
                    f"{row.least:.3f}",
                    f"{row.budget} {within}",
                    _seconds(row.ours),
                    _seconds(row.other),
                    str(row.pairs),
                    row.remark,
                )
                console.print(*line, sep="  ")
                table.add_row(*line)
        finally:
            shutil.rmtree(folder)
    console.print(table)


def _seconds(value: float) -> str:
    return f"{value * 1e6:.1f} us" if value < 1e-3 else f"{value * 1e3:.1f} ms"  # noqa: PLR2004


main()
