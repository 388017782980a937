"""Tests of the reader and the writer of manifests."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from keras_registry.documents import DocumentReading, Problem
from keras_registry.manifest import (
    DistributionRecord,
    EnvironmentRecord,
    Manifest,
    ObjectRecord,
    WeightsRecord,
    dump_manifest,
    make_json_schema,
    read_manifest,
)
from keras_registry.names import Kind
from tests.manifest.strategies import json_documents, manifests, near_manifests

PROPERTY = settings(
    derandomize=True,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)

MINIMAL: dict[str, Any] = {
    "manifest_version": "1.0",
    "generator": "keras-registry 0.1.0",
    "objects": [],
}

VALIDATOR = Draft202012Validator(make_json_schema())
HASH = "xxh3:" + "0f" * 16
FULL = Manifest(
    manifest_version="1.0",
    generator="keras-registry 0.1.0",
    environment=EnvironmentRecord(
        python="3.11.7", keras="3.15.1", backend="tensorflow", backend_version="2.21.0"
    ),
    distributions={
        "acme-layers": DistributionRecord(
            version="1.4.2", requires=">=1.4,<2", editable=False, digest="sha256:" + "0f" * 32
        )
    },
    objects=(
        ObjectRecord(
            key="acme>GatedDense",
            kind=Kind.LAYER,
            class_name="GatedDense",
            module="acme_layers.gated",
            distribution="acme-layers",
            config_version=2,
            schema=HASH,
            paths=("/config/layers/3",),
            count=12,
        ),
    ),
    weights={"layers": WeightsRecord(count=148, fingerprint=HASH), "optimizer": WeightsRecord()},
    config=HASH,
)


def problems_of(document: Any) -> tuple[Problem, ...]:
    """What the reader finds wrong."""
    reading = read_manifest(document)
    assert (reading.value is None) == bool(reading.problems)
    return reading.problems


def test_full_manifest_as_json() -> None:
    """The writer writes every member that is known, with kinds as plain text."""
    dumped = dump_manifest(FULL)

    assert json.loads(json.dumps(dumped)) == dumped
    assert dumped["objects"] == [
        {
            "key": "acme>GatedDense",
            "kind": "layer",
            "class_name": "GatedDense",
            "module": "acme_layers.gated",
            "distribution": "acme-layers",
            "config_version": 2,
            "schema": HASH,
            "paths": ["/config/layers/3"],
            "count": 12,
        }
    ]
    assert type(dumped["objects"][0]["kind"]) is str
    assert dumped["weights"]["optimizer"] == {}
    assert list(dumped) == [
        "manifest_version",
        "generator",
        "objects",
        "environment",
        "distributions",
        "weights",
        "config",
    ]


def test_what_is_not_known_is_not_written() -> None:
    """Members that are None are left out; empty ones and false ones are not."""
    manifest = Manifest(
        manifest_version="1.0",
        generator="k 1",
        objects=(),
        distributions={"acme": DistributionRecord(editable=False)},
        weights={"layers": WeightsRecord(count=0)},
    )

    assert dump_manifest(manifest) == {
        "manifest_version": "1.0",
        "generator": "k 1",
        "objects": [],
        "distributions": {"acme": {"editable": False}},
        "weights": {"layers": {"count": 0}},
    }


@PROPERTY
@given(manifest=manifests())
def test_reading_what_was_written_gives_the_same(manifest: Manifest) -> None:
    """Writing, JSON text and reading together are the identity; the schema takes the text."""
    document = json.loads(json.dumps(dump_manifest(manifest)))

    assert VALIDATOR.is_valid(document)
    assert read_manifest(document) == DocumentReading(value=manifest, document=document)


@PROPERTY
@given(document=json_documents())
def test_any_json_is_read_without_an_exception(document: Any) -> None:
    """Whatever stands in place of the manifest, the reader says what is wrong with it."""
    reading = read_manifest(document)

    assert reading.value is None
    assert reading.problems
    assert reading.document is document


@settings(PROPERTY, max_examples=300)
@given(document=near_manifests(st.just(FULL).map(dump_manifest)))
def test_reader_and_schema_agree(document: Any) -> None:
    """A manifest that was damaged in one place is refused by both or taken by both."""
    reading = read_manifest(document)

    assert (reading.value is not None) == VALIDATOR.is_valid(document)


@pytest.mark.parametrize("version", ["1.1", "1.7", "1.99", "1.999999"])
def test_newer_minor_version_is_read(version: str) -> None:
    """Of a newer minor version the known members are read, and the version is told."""
    document = {**MINIMAL, "manifest_version": version, "news": {"any": ["thing"]}}

    reading = read_manifest(document)

    assert reading.newer_minor == version
    assert reading.value is not None
    assert reading.value.manifest_version == version
    assert reading.document["news"] == {"any": ["thing"]}


def test_newer_minor_version_may_have_new_values() -> None:
    """A kind of object that this version does not know does not spoil a newer manifest."""
    new = {"key": "acme>Q", "kind": "quantizer"}
    document = {**MINIMAL, "manifest_version": "1.1", "objects": [new]}

    reading = read_manifest(document)

    assert reading.problems == ()
    assert reading.newer_minor == "1.1"


def test_same_version_needs_no_note() -> None:
    """A manifest of this version, or an older minor one, is neither newer nor other."""
    reading = read_manifest(MINIMAL)

    assert (reading.newer_minor, reading.other_major) == (None, None)


@pytest.mark.parametrize("version", ["0.9", "2.0", "10.0", "999999.0"])
def test_other_major_version_is_not_read(version: str) -> None:
    """Of another major version nothing is looked at: it may hold anything."""
    reading = read_manifest({"manifest_version": version, "objects": "\x1b[31m"})

    assert reading == DocumentReading(
        document={"manifest_version": version, "objects": "\x1b[31m"}, other_major=version
    )


def test_unknown_members_are_kept_in_the_document() -> None:
    """What this version does not know is not looked at and not lost."""
    document = {**MINIMAL, "objects": [{"key": "a>B", "kind": "layer", "x": {"y": [None]}}]}

    reading = read_manifest(document)

    assert reading.value is not None
    assert reading.document is document


def test_all_problems_are_told_at_once() -> None:
    """The reader does not stop at the first wrong place."""
    document = {
        **MINIMAL,
        "objects": [{"key": "a>B", "kind": "layer"}, {"kind": "thing", "count": -1}],
        "weights": {"layers": {"count": "many"}},
    }

    assert [problem.pointer for problem in problems_of(document)] == [
        "/objects/1",
        "/objects/1/kind",
        "/objects/1/count",
        "/weights/layers/count",
    ]


def test_missing_version_is_called_missing() -> None:
    """A document without manifest_version is told from one whose version is null."""
    (problem,) = problems_of({"generator": "keras-registry 0.1.0", "objects": []})

    assert (problem.pointer, problem.found) == ("", "no such member")


def test_problems_point_into_the_document() -> None:
    """Places are JSON pointers, with `~` and `/` in names escaped."""
    document = {**MINIMAL, "weights": {"a/b~c": {"count": -1}}}

    (problem,) = problems_of(document)

    assert problem == Problem("/weights/a~1b~0c/count", "an integer of at least 0", "-1")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "null"),
        (True, "true"),
        ({"a": 1}, "an object"),
        ([1, 2], "an array"),
        (12, "12"),
        (1.5, "1.5"),
        ("a\x1b[31mb\u202e\n", '"a\\x1b[31mb\\u202e\\n"'),
        ("x" * 500, f'"{"x" * 80}…"'),
        (10**500, f"{10**79}…"),
    ],
    ids=lambda value: str(value)[:12],
)
def test_what_was_found_is_shown_safely_and_shortly(value: Any, shown: str) -> None:
    """A value of any type and size is shown in a few printable words."""
    (problem,) = problems_of({**MINIMAL, "generator": value})

    assert problem.found == shown


def test_hostile_names_of_members_are_shown_safely() -> None:
    """A member's name is untrusted, too."""
    (problem,) = problems_of({**MINIMAL, "distributions": {"\x1b[8m\n": {}}})

    assert problem.pointer == "/distributions/\\x1b[8m\\n"
    assert problem.is_name


def test_large_manifest_is_read() -> None:
    """Ten thousand objects are read, right or wrong."""
    good = {"key": "acme>GatedDense", "kind": "layer", "paths": ["/config/layers/3"], "count": 1}

    reading = read_manifest({**MINIMAL, "objects": [good] * 10_000})
    wrong = read_manifest({**MINIMAL, "objects": [{**good, "kind": "thing"}] * 10_000})

    assert reading.value is not None
    assert len(wrong.problems) == 10_000
