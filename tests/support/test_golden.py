"""Tests of the comparison with golden texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.golden import UPDATE, check_golden

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _no_update(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(UPDATE, raising=False)


def test_same_text_passes(tmp_path: Path) -> None:
    """Blanks at line ends and what was said to vary do not count."""
    (tmp_path / "one.txt").write_text("saved to TMP/m.keras\nsecond\n", encoding="utf-8")

    text = f"\nsaved to {tmp_path}/m.keras  \nsecond"
    check_golden("one", text, replace={str(tmp_path): "TMP"}, folder=tmp_path)


def test_other_text_fails_with_the_difference(tmp_path: Path) -> None:
    """The failure shows the lines that differ, old and new, and how to accept them."""
    (tmp_path / "one.txt").write_text("first\nsecond\n", encoding="utf-8")

    with pytest.raises(AssertionError) as caught:
        check_golden("one", "first\nother", folder=tmp_path)

    assert "-second\n+other" in str(caught.value)
    assert f"{UPDATE}=1" in str(caught.value)


def test_missing_text_fails(tmp_path: Path) -> None:
    """A golden text that was never written is a failure, not a pass."""
    with pytest.raises(AssertionError, match=r"there is no golden text new\.txt"):
        check_golden("new", "text", folder=tmp_path)


def test_texts_are_written_on_demand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the variable set the file is written, and passes from then on."""
    monkeypatch.setenv(UPDATE, "1")
    check_golden("folder/new", "text ", folder=tmp_path)
    monkeypatch.delenv(UPDATE)

    check_golden("folder/new", "text", folder=tmp_path)
    assert (tmp_path / "folder" / "new.txt").read_text(encoding="utf-8") == "text\n"
