"""What all commands print: results on stdout, errors on stderr, JSON that is always complete."""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Any

from keras_registry.errors import SettingsError
from keras_registry.findings import render_findings
from keras_registry.names import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from keras_registry.findings import Finding

__all__ = [
    "REPORT_VERSION",
    "foreign_code",
    "format_size",
    "print_json",
    "print_table",
    "print_unreadable",
    "say",
    "write_text",
]

REPORT_VERSION = "1.0"


def say(text: str = "") -> None:
    """Prints a result; where stdout is closed there is nobody to read it."""
    if sys.stdout is not None:
        sys.stdout.write(f"{text}\n")


def foreign_code() -> AbstractContextManager[object]:
    """While plugins run: what they print goes to stderr, for stdout is the command's result."""
    return redirect_stdout(sys.stderr)


def print_json(command: str, findings: Iterable[Finding], **document: Any) -> None:
    """Prints a result as one JSON document.

    Args:
        command: The command that made it.
        findings: What was found.
        **document: The command's own members.
    """
    whole = {
        "report_version": REPORT_VERSION,
        "command": command,
        **document,
        "findings": [item.to_json() for item in findings],
    }
    say(json.dumps(whole, indent=2))


def print_unreadable(
    command: str, name: str, findings: Sequence[Finding], *, as_json: bool
) -> None:
    """Prints why a file cannot be read."""
    if as_json:
        print_json(command, findings, file=name, readable=False)
    else:
        sys.stderr.write(f"{render_findings(f'{name} cannot be read', findings)}\n")


def write_text(path: Path, text: str) -> None:
    """Writes a file, and makes the folders that it lies in.

    Raises:
        SettingsError: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        message = f"{printable(path, limit=1000)} cannot be written: {error.strerror or error}"
        raise SettingsError(message) from error


def print_table(rows: Sequence[Sequence[str]], *, indent: int = 2) -> None:
    """Prints rows of words in columns; the first row is the heading."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (word.ljust(width) for word, width in zip(row, widths, strict=True))
        say(f"{' ' * indent}{'  '.join(cells).rstrip()}")


def format_size(size: int | None) -> str:
    """A number of bytes in words."""
    if size is None:
        return "unknown size"
    amount, units = float(size), ["bytes", "KiB", "MiB", "GiB", "TiB"]
    while amount >= 1024 and len(units) > 1:  # noqa: PLR2004
        amount, units = amount / 1024, units[1:]
    return f"{size} bytes" if units[0] == "bytes" else f"{amount:.1f} {units[0]}"
