"""The snapshot and the config schemas that this repository publishes, against its own code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.conftest import CHECKOUT
from tests.scenarios.commands import run_command

if TYPE_CHECKING:
    from pathlib import Path

STARTER = "keras-registry-starter"
PUBLISHED = CHECKOUT / "schema" / "config"


def test_wheel_has_an_up_to_date_snapshot(starter_site: Path) -> None:
    """The snapshot inside the built wheel says what the code says."""
    done = run_command("snapshot", STARTER, "--check", path=[starter_site])

    assert done.check().stdout == f"the snapshot of {STARTER} is up to date\n"


def test_released_files_can_be_read(starter_site: Path) -> None:
    """No config schema changed in a way that breaks files saved before."""
    done = run_command("schema", "check", STARTER, "--against", PUBLISHED, path=[starter_site])

    assert done.check().stdout.endswith("no findings\n")


def test_published_schemas_are_those_of_the_code(starter_site: Path, tmp_path: Path) -> None:
    """What is checked in is, file by file, what `keras-registry schema export` writes."""
    run_command("schema", "export", STARTER, "-o", tmp_path, path=[starter_site]).check()

    written = {path.relative_to(tmp_path): path.read_text() for path in tmp_path.rglob("*.json")}
    checked_in = {
        path.relative_to(PUBLISHED): path.read_text() for path in PUBLISHED.rglob("*.json")
    }
    assert checked_in == written
