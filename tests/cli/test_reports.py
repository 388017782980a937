"""What the commands print with `--json`, against the published JSON Schema of reports."""

from __future__ import annotations

import copy
import json
import runpy
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator, ValidationError
from tests.conftest import CHECKOUT

from keras_registry.cli.output import REPORT_VERSION
from keras_registry.cli.report_schema import make_json_schema

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ended
    from tests.conftest import SavedModel

PUBLISHED = CHECKOUT / "schema" / "report" / f"{REPORT_VERSION}.schema.json"


def strict(schema: Any) -> Any:
    """The schema without room for members that it does not name."""
    closed = copy.deepcopy(schema)
    closed["unevaluatedProperties"] = False
    for name, part in closed["$defs"].items():
        if name in {"Finding", "Failure", "Result"}:
            part["additionalProperties"] = False
    return closed


@pytest.fixture(scope="module")
def validate() -> Callable[[str], Any]:
    """Validate what a command printed against the checked-in schema; return the document."""
    validator = Draft202012Validator(strict(json.loads(PUBLISHED.read_text(encoding="utf-8"))))

    def command(text: str) -> Any:
        document = json.loads(text)
        validator.validate(document)
        return document

    return command


def test_script_writes_the_checked_in_schema(tmp_path: Path) -> None:
    """What is checked in is what the script writes, and is a valid schema."""
    main = runpy.run_path(str(CHECKOUT / "scripts" / "schemas.py"))["main"]

    assert main(["--output", str(tmp_path)]) == 0

    written = tmp_path / "report" / PUBLISHED.name
    assert written.read_text(encoding="utf-8") == PUBLISHED.read_text(encoding="utf-8")
    Draft202012Validator.check_schema(make_json_schema())


@pytest.mark.parametrize("command", ["inspect", "verify", "explain", "embed"])
@pytest.mark.parametrize("is_installed", [True, False])
def test_reports_of_files(  # noqa: PLR0917 - fixtures, by name
    command: str,
    is_installed: bool,
    run: Callable[..., Ended],
    validate: Callable[[str], Any],
    acme_model: SavedModel,
    request: pytest.FixtureRequest,
) -> None:
    """What is said of a file is as published, whether or not its plugins are installed."""
    if is_installed:
        request.getfixturevalue("with_acme")

    document = validate(run(command, "--json", acme_model.path).out)

    assert document["command"] == command


@pytest.mark.parametrize("command", ["inspect", "verify", "explain", "embed", "migrate"])
def test_reports_of_unreadable_files(
    command: str, run: Callable[..., Ended], validate: Callable[[str], Any], tmp_path: Path
) -> None:
    """What is said of a file that cannot be read is as published, too."""
    ended = run(command, "--json", tmp_path / "nothing.keras")

    document = validate(ended.out)
    assert ended.code == 3
    assert document["findings"]


@pytest.mark.usefixtures("with_acme")
def test_reports_of_what_is_installed(
    run: Callable[..., Ended], validate: Callable[[str], Any]
) -> None:
    """What is said of installed plugins, and of a finding, is as published."""
    assert validate(run("list", "--json").out)["distributions"]
    assert validate(run("explain", "--json", "R202").out)["code"] == "R202"


def test_schema_refuses_other_documents(validate: Callable[[str], Any]) -> None:
    """A report of no command, or without its members, is none."""
    common = {"report_version": REPORT_VERSION, "findings": []}
    for document in (
        {**common, "command": "guess"},
        {**common, "command": "check", "subject": "acme-layers"},
        {**common, "command": "list", "distributions": [], "more": 1},
        {"command": "list", "findings": [], "distributions": []},
    ):
        with pytest.raises(ValidationError):
            validate(json.dumps(document))
