"""Texts that users see, held word for word in `tests/golden/`."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["check_golden"]

FOLDER = Path(__file__).resolve().parents[1] / "golden"
UPDATE = "KERAS_REGISTRY_UPDATE_GOLDEN"


def check_golden(
    name: str,
    text: str,
    *,
    replace: Mapping[str, str] | None = None,
    folder: Path = FOLDER,
) -> None:
    """Check that a text is the one in `tests/golden/<name>.txt`.

    With `KERAS_REGISTRY_UPDATE_GOLDEN=1` the file is written instead; read the diff as a user who
    has only this text.

    Args:
        name: The name of the file, without its ending.
        text: What was printed. Blanks at the ends of lines do not count.
        replace: What to write in place of what differs from run to run: `{str(tmp_path): "TMP"}`.
        folder: Where the golden texts are.

    Raises:
        AssertionError: They differ, or there is no golden text; with the difference, line by line.
    """
    for old, new in (replace or {}).items():
        text = text.replace(old, new)
    found = [line.rstrip() for line in text.strip("\n").splitlines()]
    path = folder / f"{name}.txt"
    if os.environ.get(UPDATE) == "1":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(found) + "\n", encoding="utf-8", newline="\n")
        return
    if not path.exists():
        raise AssertionError(
            f"there is no golden text {path.name}; {UPDATE}=1 writes:\n" + "\n".join(found)
        )
    wanted = path.read_text(encoding="utf-8").splitlines()
    if found != wanted:
        difference = difflib.unified_diff(
            wanted, found, f"golden/{path.name}", "printed now", lineterm="", n=2
        )
        raise AssertionError(
            f"{path.name} differs; {UPDATE}=1 accepts the new text\n" + "\n".join(difference)
        )
