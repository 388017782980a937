"""Tests of the reader and the writer of snapshots."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from keras_registry.documents import DocumentReading, Problem, forms
from keras_registry.names import Kind
from keras_registry.snapshot import (
    ObjectSnapshot,
    Snapshot,
    dump_object,
    dump_snapshot,
    make_json_schema,
    read_object,
    read_snapshot,
)
from tests.manifest.strategies import json_documents, near_manifests, texts_of

PROPERTY = settings(
    derandomize=True,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
VALIDATOR = Draft202012Validator(make_json_schema())
HASH = "xxh3:" + "0f" * 16
MINIMAL: dict[str, Any] = {
    "snapshot_version": "1.0",
    "generator": "keras-registry 0.1.0",
    "distribution": "acme-layers",
    "objects": [],
}
GATE = ObjectSnapshot(
    key="acme>GatedDense",
    kind=Kind.LAYER,
    module="acme_layers.gated",
    class_name="GatedDense",
    former_names=("Gate",),
    backends=("jax", "tensorflow"),
    config_version=2,
    oldest_version=1,
    schema=HASH,
    config={"properties": {"units": {"type": "integer"}}, "required": ["units"]},
    accepts=("name",),
    complete=True,
)
FULL = Snapshot(
    snapshot_version="1.0",
    generator="keras-registry 0.1.0",
    distribution="acme-layers",
    objects=(GATE, ObjectSnapshot(key="acme>swishy", kind=Kind.FUNCTION)),
)


def snapshots() -> st.SearchStrategy[Snapshot]:
    """Snapshots of the version that this reader writes."""
    names = st.none() | st.lists(texts_of(forms.CLASS_NAME), max_size=2).map(tuple)
    versions = st.none() | st.integers(1)
    objects = st.builds(
        ObjectSnapshot,
        key=texts_of(forms.KEY),
        kind=st.sampled_from(Kind),
        module=st.none() | texts_of(forms.MODULE),
        class_name=st.none() | texts_of(forms.CLASS_NAME),
        former_names=names,
        backends=st.none() | st.lists(texts_of(forms.BACKEND), max_size=2).map(tuple),
        config_version=versions,
        oldest_version=versions,
        schema=st.none() | texts_of(forms.HASH),
        config=st.none() | st.dictionaries(st.text(max_size=4), json_documents(), max_size=2),
        accepts=st.none() | st.lists(st.text(max_size=4), max_size=2).map(tuple),
        complete=st.none() | st.booleans(),
    )
    return st.builds(
        Snapshot,
        snapshot_version=st.just("1.0"),
        generator=texts_of(forms.GENERATOR),
        distribution=texts_of(forms.DISTRIBUTION),
        objects=st.lists(objects, max_size=2).map(tuple),
    )


def problems_of(document: Any) -> tuple[Problem, ...]:
    """What the reader finds wrong."""
    reading = read_snapshot(document)
    assert (reading.value is None) == bool(reading.problems)
    return reading.problems


def test_full_snapshot_as_json() -> None:
    """The writer writes every member that is known, and leaves out what is not."""
    dumped = dump_snapshot(FULL)

    assert json.loads(json.dumps(dumped)) == dumped
    assert list(dumped) == list(MINIMAL)
    gate, swishy = dumped["objects"]
    assert list(gate) == [field.name for field in fields(ObjectSnapshot)]
    assert swishy == {"key": "acme>swishy", "kind": "function"}
    assert type(swishy["kind"]) is str


@PROPERTY
@given(snapshot=snapshots())
def test_reading_what_was_written_gives_the_same(snapshot: Snapshot) -> None:
    """Writing, JSON text and reading together are the identity; the schema takes the text."""
    document = json.loads(json.dumps(dump_snapshot(snapshot)))

    reading = read_snapshot(document)

    assert VALIDATOR.is_valid(document)
    assert repr(reading.value) == repr(snapshot)  # NaN, which is not equal to itself, included
    assert (reading.problems, reading.newer_minor, reading.other_major) == ((), None, None)


def test_one_object() -> None:
    """What is said of one object can be written and read by itself."""
    assert read_object(dump_object(GATE)) == (GATE, ())
    item, problems = read_object({"key": "acme>X", "kind": "thing", "config_version": 0})
    assert item is None
    assert [problem.pointer for problem in problems] == ["/kind", "/config_version"]


@PROPERTY
@given(document=json_documents())
def test_any_json_is_read_without_an_exception(document: Any) -> None:
    """Whatever stands in place of the snapshot, the reader says what is wrong with it."""
    reading = read_snapshot(document)

    assert reading.value is None
    assert reading.problems
    assert reading.document is document


@settings(PROPERTY, max_examples=300)
@given(document=near_manifests(st.builds(lambda: json.loads(json.dumps(dump_snapshot(FULL))))))
def test_reader_and_schema_agree(document: Any) -> None:
    """A snapshot that was damaged in one place is refused by both or taken by both."""
    reading = read_snapshot(document)

    assert (reading.value is not None) == VALIDATOR.is_valid(document)


@pytest.mark.parametrize("member", [field.name for field in fields(ObjectSnapshot)])
@pytest.mark.parametrize("value", [3.5, "\x1b[31m", [{}], {"a": [None]}, False], ids=repr)
def test_wrong_types_everywhere(member: str, value: Any) -> None:
    """In place of each member anything may stand: reader and schema judge it alike."""
    item = {"key": "acme>X", "kind": "layer", member: value}
    document = {**MINIMAL, "objects": [item]}

    reading = read_snapshot(document)

    assert (reading.value is not None) == VALIDATOR.is_valid(document)
    assert not any("\x1b" in str(problem) for problem in reading.problems)


@pytest.mark.parametrize("version", ["1.1", "1.7", "1.999999"])
def test_newer_minor_version_is_read(version: str) -> None:
    """Of a newer minor version the known members are read, and the version is told."""
    new = {"key": "acme>Q", "kind": "quantizer", "bits": 8}
    document = {**MINIMAL, "snapshot_version": version, "objects": [new], "news": {}}

    reading = read_snapshot(document)

    assert reading.newer_minor == version
    assert reading.value is not None
    found = reading.value.find_object("acme>Q")
    assert found == ObjectSnapshot(key="acme>Q", kind=Kind.OBJECT)
    assert reading.document["news"] == {}


def test_new_kind_in_this_version_is_refused() -> None:
    """What this version does not know is wrong in a document of this version."""
    document = {**MINIMAL, "objects": [{"key": "acme>Q", "kind": "quantizer"}]}

    assert [problem.pointer for problem in problems_of(document)] == ["/objects/0/kind"]


@pytest.mark.parametrize("version", ["0.9", "2.0", "999999.0"])
def test_other_major_version_is_not_read(version: str) -> None:
    """Of another major version nothing is looked at: it may hold anything."""
    document = {"snapshot_version": version, "objects": "\x1b[31m"}

    assert read_snapshot(document) == DocumentReading(document=document, other_major=version)


def test_all_problems_are_told_at_once() -> None:
    """The reader does not stop at the first wrong place."""
    document = {
        **MINIMAL,
        "distribution": "Acme Layers",
        "objects": [{"key": "a>B", "kind": "layer"}, {"kind": "thing", "backends": [1]}],
    }

    assert [problem.pointer for problem in problems_of(document)] == [
        "/distribution",
        "/objects/1",
        "/objects/1/kind",
        "/objects/1/backends/0",
    ]


def test_large_snapshot_is_read() -> None:
    """Ten thousand objects are read, right or wrong."""
    good = dump_object(GATE)

    reading = read_snapshot({**MINIMAL, "objects": [good] * 10_000})
    wrong = read_snapshot({**MINIMAL, "objects": [{**good, "kind": "thing"}] * 10_000})

    assert reading.value is not None
    assert len(wrong.problems) == 10_000


def test_deep_config_is_read() -> None:
    """What a config's fields hold is not walked through by the reader, however deep it is."""
    deep: dict[str, Any] = {}
    for _ in range(900):
        deep = {"items": deep}
    document = {**MINIMAL, "objects": [{"key": "a>B", "kind": "layer", "config": {"x": deep}}]}

    reading = read_snapshot(document)

    assert reading.value is not None
