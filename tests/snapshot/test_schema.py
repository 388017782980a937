"""Tests of the published JSON Schema of the snapshot, and of its examples."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from keras_registry.names import Kind
from keras_registry.snapshot import SNAPSHOT_VERSION, make_json_schema, read_snapshot
from tests.support.golden import check_golden

if TYPE_CHECKING:
    from collections.abc import Callable

CHECKOUT = Path(__file__).resolve().parents[2]
SCRIPT = CHECKOUT / "scripts" / "schemas.py"
SCHEMAS = CHECKOUT / "schema" / "snapshot"
VALID, INVALID, OTHER_MAJOR = (
    sorted((SCHEMAS / "examples" / name).glob("*.json"))
    for name in ("valid", "invalid", "other_major")
)
NEVER_RAW = ("\x1b", "\n", "\x00", "\u202e")


def read_json(path: Path) -> Any:
    """The document in a file."""
    return json.loads(path.read_text(encoding="utf-8"))


def name_of(path: Path) -> str:
    """The name of an example, for the test's own name."""
    return path.stem


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    """A validator of the checked-in schema, in an implementation that is not ours."""
    return Draft202012Validator(read_json(SCHEMAS / f"{SNAPSHOT_VERSION}.schema.json"))


def test_script_writes_the_checked_in_schema(tmp_path: Path) -> None:
    """What is checked in is what the script writes for the present model."""
    main: Callable[[list[str]], int] = runpy.run_path(str(SCRIPT))["main"]

    assert main(["--output", str(tmp_path)]) == 0

    name = f"{SNAPSHOT_VERSION}.schema.json"
    written = (tmp_path / "snapshot" / name).read_text(encoding="utf-8")
    assert written == (SCHEMAS / name).read_text(encoding="utf-8")


def test_schema_is_one() -> None:
    """What is published is a valid schema of the draft that it names, and explains its parts."""
    schema = make_json_schema()

    assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    Draft202012Validator.check_schema(schema)
    for part in (schema, *schema["$defs"].values()):
        assert part["description"].endswith(".")
        assert set(part["required"]) <= set(part["properties"])


def test_there_are_examples_of_every_member() -> None:
    """Every member of the format occurs in a valid example, and each kind of object does."""
    used = "".join(path.read_text(encoding="utf-8") for path in VALID)
    schema = make_json_schema()
    parts = [schema, *schema["$defs"].values()]

    assert not [name for part in parts for name in part["properties"] if f'"{name}":' not in used]
    assert not [kind for kind in Kind if f'"kind": "{kind}"' not in used]
    assert len(VALID) >= 12
    assert len(INVALID) >= 30


@pytest.mark.parametrize("path", VALID, ids=name_of)
def test_valid_examples_pass_reader_and_schema(path: Path, validator: Any) -> None:
    """A valid example is a snapshot to the reader and to a validator of the schema."""
    document = read_json(path)

    reading = read_snapshot(document)

    assert reading.problems == ()
    assert reading.value is not None
    assert list(validator.iter_errors(document)) == []


@pytest.mark.parametrize("path", INVALID, ids=name_of)
def test_invalid_examples_fail_reader_and_schema_in_the_same_place(
    path: Path, validator: Any
) -> None:
    """What is wrong with an invalid example is one problem, and the schema sees it there too."""
    document = read_json(path)

    reading = read_snapshot(document)
    errors = list(validator.iter_errors(document))

    assert reading.value is None
    assert errors
    (problem,) = reading.problems
    for error in errors:
        tokens = (str(step).replace("~", "~0").replace("/", "~1") for step in error.absolute_path)
        assert problem.pointer.startswith("".join(f"/{token}" for token in tokens))
    assert not any(raw in str(problem) for raw in NEVER_RAW)


def test_problems_of_invalid_examples_are_told_well() -> None:
    """For each invalid example: the place, what was wanted, what was found, and if it is a name."""
    lines = []
    for path in INVALID:
        (problem,) = read_snapshot(read_json(path)).problems
        name = "name" if problem.is_name else "form"
        lines.append(f"{path.stem}: {name} at {problem.pointer or '/'}")
        lines.append(f"    wanted {problem.wanted}")
        lines.append(f"    found  {problem.found}")
    check_golden("snapshot_invalid_examples", "\n".join(lines))


@pytest.mark.parametrize("path", OTHER_MAJOR, ids=name_of)
def test_another_major_version_is_refused_by_its_number_alone(path: Path) -> None:
    """Of a snapshot of another major version nothing but its version is read."""
    document = read_json(path)

    reading = read_snapshot(document)

    assert reading.other_major == document["snapshot_version"]
    assert (reading.value, reading.problems, reading.newer_minor) == (None, (), None)


def test_schema_leaves_the_version_to_the_gate(validator: Any) -> None:
    """To the schema any version of the right form will do: the reader compares it."""
    (same_shape,) = (path for path in OTHER_MAJOR if path.stem == "same_shape")

    assert validator.is_valid(read_json(same_shape))
