"""Tests of the pages of `docs/` that are made from tables in the code."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from keras_registry import types
from keras_registry.findings import CODES, Policy

if TYPE_CHECKING:
    from collections.abc import Callable

CHECKOUT = Path(__file__).resolve().parents[1]
PAGE = CHECKOUT / "docs" / "findings.md"


@pytest.fixture(scope="module")
def run_script() -> Callable[[list[str]], int]:
    """The script that writes the pages."""
    main: Callable[[list[str]], int] = runpy.run_path(str(CHECKOUT / "scripts" / "docs.py"))["main"]
    return main


def test_checked_in_pages_are_those_of_the_tables(
    run_script: Callable[[list[str]], int], capsys: pytest.CaptureFixture[str]
) -> None:
    """A change of the table without `python scripts/docs.py` is noticed."""
    assert run_script(["--check"]) == 0, capsys.readouterr().err


def test_script_writes_what_it_then_finds_right(
    run_script: Callable[[list[str]], int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The check fails before the page is written and after it was edited, and writes nothing."""
    check = ["--check", "--output", str(tmp_path)]
    page = tmp_path / "findings.md"

    assert run_script(check) == 1
    assert not page.exists()
    assert run_script(["--output", str(tmp_path)]) == 0
    assert run_script(check) == 0
    page.write_text(page.read_text(encoding="utf-8").replace("error", "warning"), encoding="utf-8")
    assert run_script(check) == 1
    assert "findings.md is not what scripts/docs.py writes" in capsys.readouterr().err


def test_every_code_has_a_section_that_can_be_linked() -> None:
    """The page has one heading for each code, made of the code alone, and a link to each."""
    text = PAGE.read_text(encoding="utf-8")

    assert sorted(re.findall(r"^### (.*)$", text, re.MULTILINE)) == sorted(CODES)
    assert sorted(re.findall(r"\]\(#(.*?)\)", text)) == sorted(code.lower() for code in CODES)


@pytest.mark.parametrize("code", CODES)
def test_section_has_title_levels_and_explanation(code: str) -> None:
    """A section says what the code means and what each policy makes of it."""
    row = CODES[code]
    section = PAGE.read_text(encoding="utf-8").partition(f"### {code}\n")[2].partition("\n#")[0]

    assert f"**{row.title}**" in section
    assert f"| {' | '.join(row.level(policy) for policy in Policy)} |" in section
    assert row.explanation in " ".join(section.split())


def test_every_field_type_and_step_is_explained() -> None:
    """The page for authors names all that `types` and `migrations` offer them."""
    page = (CHECKOUT / "docs" / "config-schemas.md").read_text(encoding="utf-8")
    fields = [f"`t.{name}`" for name in types.__all__ if name != "KerasObject"]
    steps = ["rename(", "move(", "drop(", "add(", "convert("]

    missing = [name for name in (*fields, *steps) if name not in page.replace("`, `t.", "`\n`t.")]
    assert missing == []


def test_python_blocks_of_the_page_for_authors_run() -> None:
    """The Python on the page for authors is what it says."""
    page = (CHECKOUT / "docs" / "config-schemas.md").read_text(encoding="utf-8")
    for text in re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        exec(compile(text, "config-schemas.md", "exec"), {})  # noqa: S102 - the page is ours
