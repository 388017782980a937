"""`keras-registry explain`: what a finding means, and why a file fails."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.scenarios.observing import normalised
from tests.support.golden import check_golden

from keras_registry.findings import CODES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ended
    from tests.conftest import SavedModel


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_explained(run: Callable[..., Ended], code: str) -> None:
    """A code is explained by its row of the table of findings, in whatever case it is given."""
    ended = run("explain", code.lower())

    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0] == f"{code}: {CODES[code].title}"
    assert " ".join(line.strip() for line in lines[1:-1]) == CODES[code].explanation
    assert lines[-1].startswith("  strict: ")


def test_code_as_json(run: Callable[..., Ended]) -> None:
    """The JSON document of a code has its levels by policy."""
    document = json.loads(run("explain", "--json", "R202").out)

    assert (document["command"], document["code"]) == ("explain", "R202")
    assert document["levels"] == {"strict": "error", "compatible": "warning", "permissive": "note"}


def test_code_that_there_is_not(run: Callable[..., Ended]) -> None:
    """A code that was mistyped is refused with those near it."""
    ended = run("explain", "R299")

    assert (ended.code, ended.out) == (2, "")
    check_golden("cli/explain_unknown", ended.err)


def test_file_that_fails(run: Callable[..., Ended], acme_model: SavedModel) -> None:
    """Of a file that fails one reads what is wrong, what that means, and what to do."""
    ended = run("explain", acme_model.path)

    assert (ended.code, ended.err) == (1, "")
    check_golden(
        "cli/explain_file",
        normalised(ended.out),
        replace={str(acme_model.path): "churn.keras"},
    )


@pytest.mark.usefixtures("with_acme")
def test_file_that_loads(run: Callable[..., Ended], acme_model: SavedModel) -> None:
    """Of a file with which nothing is wrong one reads how to look further."""
    ended = run("explain", acme_model.path)

    assert (ended.code, ended.err) == (0, "")
    check_golden("cli/explain_good", ended.out, replace={str(acme_model.path): "churn.keras"})


def test_file_that_cannot_be_read(run: Callable[..., Ended], tmp_path: Path) -> None:
    """A file that is no model is explained too, and ends as an unreadable one."""
    path = tmp_path / "page.keras"
    path.write_text("<html><body>Sign in</body></html>", encoding="utf-8")

    ended = run("explain", path)

    assert (ended.code, ended.err) == (3, "")
    check_golden("cli/explain_unreadable", ended.out, replace={str(tmp_path): "FOLDER"})


def test_file_as_json(run: Callable[..., Ended], acme_model: SavedModel) -> None:
    """The JSON document has the findings, an explanation of each code, and the actions in order."""
    document = json.loads(run("explain", "--json", acme_model.path).out)

    assert document["loadable"] is False
    assert document["explanations"] == {"R101": CODES["R101"].explanation}
    (found,) = document["findings"]
    assert document["actions"] == [found["hint"]]
