"""Tests of the published JSON Schema of the manifest, and of its examples."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from keras_registry.manifest import (
    MANIFEST_VERSION,
    WeightsRecord,
    make_json_schema,
    read_manifest,
)
from keras_registry.names import Kind
from tests.support.golden import check_golden

if TYPE_CHECKING:
    from collections.abc import Callable

CHECKOUT = Path(__file__).resolve().parents[2]
SCRIPT = CHECKOUT / "scripts" / "schemas.py"
SCHEMAS = CHECKOUT / "schema" / "manifest"
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
    return Draft202012Validator(read_json(SCHEMAS / f"{MANIFEST_VERSION}.schema.json"))


@pytest.fixture(scope="module")
def run_script() -> Callable[[list[str]], int]:
    """The script that writes the schemas."""
    main: Callable[[list[str]], int] = runpy.run_path(str(SCRIPT))["main"]
    return main


def test_checked_in_schema_is_the_one_of_the_model(
    run_script: Callable[[list[str]], int], capsys: pytest.CaptureFixture[str]
) -> None:
    """A change of the model without a new schema file is noticed."""
    assert run_script(["--check"]) == 0, capsys.readouterr().err


def test_script_writes_what_it_then_finds_right(
    run_script: Callable[[list[str]], int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The check fails before the schema is written and after it was edited, and writes nothing."""
    check = ["--check", "--output", str(tmp_path)]
    target = tmp_path / "manifest" / "1.0.schema.json"

    assert run_script(check) == 1
    assert not target.exists()
    assert run_script(["--output", str(tmp_path)]) == 0
    assert run_script(check) == 0
    target.write_text(target.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert run_script(check) == 1
    assert "manifest/1.0.schema.json is not what" in capsys.readouterr().err


def test_schema_is_one() -> None:
    """What is published is a valid schema of the draft that it names."""
    schema = make_json_schema()

    assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
    Draft202012Validator.check_schema(schema)


def test_schema_explains_every_part() -> None:
    """Every object of the format has a description and says what it requires."""
    schema = make_json_schema()

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
    """A valid example is a manifest to the reader and to a validator of the schema."""
    document = read_json(path)

    reading = read_manifest(document)

    assert reading.problems == ()
    assert reading.value is not None
    assert reading.document is document
    assert list(validator.iter_errors(document)) == []


@pytest.mark.parametrize("path", INVALID, ids=name_of)
def test_invalid_examples_fail_reader_and_schema_in_the_same_place(
    path: Path, validator: Any
) -> None:
    """What is wrong with an invalid example is one problem, and the schema sees it there too."""
    document = read_json(path)

    reading = read_manifest(document)
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
        (problem,) = read_manifest(read_json(path)).problems
        name = "name" if problem.is_name else "form"
        lines.append(f"{path.stem}: {name} at {problem.pointer or '/'}")
        lines.append(f"    wanted {problem.wanted}")
        lines.append(f"    found  {problem.found}")
    check_golden("manifest_invalid_examples", "\n".join(lines))


@pytest.mark.parametrize("path", OTHER_MAJOR, ids=name_of)
def test_another_major_version_is_refused_by_its_number_alone(path: Path) -> None:
    """Of a manifest of another major version nothing but its version is read."""
    document = read_json(path)

    reading = read_manifest(document)

    assert reading.other_major == document["manifest_version"]
    assert (reading.value, reading.problems, reading.newer_minor) == (None, (), None)


def test_schema_leaves_the_version_to_the_gate(validator: Any) -> None:
    """To the schema any version of the right form will do: the reader compares it."""
    (same_shape,) = (path for path in OTHER_MAJOR if path.stem == "same_shape")

    assert validator.is_valid(read_json(same_shape))


@pytest.mark.parametrize(
    "change",
    [
        {"manifest_version": "1.0\n"},
        {"generator": "keras-registry 0.1.0\n"},
        {"objects": [{"key": "acme>X\n", "kind": "layer"}]},
        {"distributions": {"acme\n": {}}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_line_break_at_the_end_is_refused_by_both(change: dict[str, Any], validator: Any) -> None:
    """No text of a manifest may end with a line break, by the reader and by the schema."""
    document = {"manifest_version": "1.0", "generator": "keras-registry 0.1.0", "objects": []}
    document |= change

    assert read_manifest(document).problems
    assert not validator.is_valid(document)


def test_a_whole_number_with_a_point_is_taken_by_both(validator: Any) -> None:
    """A count that another program wrote as 12.0 is the number 12, as JSON Schema has it."""
    document = {"manifest_version": "1.0", "generator": "keras-registry 0.1.0", "objects": []}
    document |= {"weights": {"layers": {"count": 12.0}}}

    assert validator.is_valid(document)
    manifest = read_manifest(document).value
    assert manifest is not None
    assert manifest.weights == {"layers": WeightsRecord(count=12)}
