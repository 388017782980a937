"""Tests of released objects against present ones: can old files still be read?"""

from dataclasses import replace

import pytest

from keras_registry.findings import Level, render_findings
from keras_registry.names import Kind
from keras_registry.publishing import compare_objects
from keras_registry.snapshot import ObjectSnapshot
from tests.support.golden import check_golden

CONFIG = {
    "properties": {
        "units": {"type": "integer", "exclusiveMinimum": 0},
        "rate": {"type": "number", "default": 0.5},
    },
    "required": ["units"],
}
OLD = ObjectSnapshot(
    key="krt>Gate",
    kind=Kind.LAYER,
    config_version=3,
    oldest_version=2,
    schema="xxh3:" + "0f" * 16,
    config=CONFIG,
    accepts=("name", "dtype"),
    complete=True,
)
WITHOUT_RATE = {"properties": {"units": CONFIG["properties"]["units"]}, "required": ["units"]}
WIDER = {
    "properties": {
        **CONFIG["properties"],
        "units": {"type": "integer"},
        "depth": {"type": "integer", "default": 1},
    },
    "required": ["units"],
}
OTHER_DEFAULT = {
    "properties": {**CONFIG["properties"], "rate": {"type": "number", "default": 0.25}},
    "required": ["units"],
}

BREAKING = {
    "removed": None,
    "other_kind": replace(OLD, kind=Kind.OBJECT),
    "version_went_back": replace(OLD, config_version=2),
    "field_removed": replace(OLD, config=WITHOUT_RATE),
    "field_removed_under_a_new_version": replace(
        OLD, config=WITHOUT_RATE, config_version=4, oldest_version=4
    ),
    "field_removed_and_late_migrations": replace(
        OLD, config=WITHOUT_RATE, config_version=6, oldest_version=5
    ),
    "version_alone": replace(OLD, config_version=4, oldest_version=4),
    "widened_under_a_new_version": replace(OLD, config=WIDER, config_version=4, oldest_version=4),
    "migrations_dropped": replace(OLD, oldest_version=3),
    "first_migration_dropped": replace(OLD, config_version=4, oldest_version=3),
    "no_config": replace(OLD, config=None, schema=None, accepts=None, complete=None),
}
COMPATIBLE = {
    "widened": replace(OLD, config=WIDER),
    "migrated": replace(OLD, config=WITHOUT_RATE, config_version=4),
    "migrated_widened": replace(OLD, config=WIDER, config_version=4),
    "field_kept_by_a_parent": replace(OLD, config=WITHOUT_RATE, accepts=("rate",)),
    "field_kept_by_keras": replace(OLD, config=WITHOUT_RATE, accepts=None),
    "other_default": replace(OLD, config=OTHER_DEFAULT),
}
SAME = {
    "same": OLD,
    "older_versions_read": replace(OLD, oldest_version=1),
    "new_version_with_a_migration": replace(OLD, config_version=4),
    "other_words": replace(OLD, class_name="Better", backends=("jax",), former_names=("Gate",)),
}


def text(findings):
    """Findings as an author reads them."""
    return render_findings("since the last release", findings)


@pytest.mark.parametrize("name", BREAKING)
def test_breaking(name):
    """What old files do not survive is an error that says what to write."""
    findings = list(compare_objects(OLD, BREAKING[name]))

    assert {item.code for item in findings if item.level is Level.ERROR} == {"S201"}
    assert all(need.key == "krt>Gate" for item in findings for need in item.needs)
    check_golden(f"publishing/S201_{name}", text(findings))


@pytest.mark.parametrize("name", COMPATIBLE)
def test_compatible(name):
    """What changed and breaks nothing is a note."""
    findings = list(compare_objects(OLD, COMPATIBLE[name]))

    assert {(item.code, item.level) for item in findings} == {("S202", Level.NOTE)}
    check_golden(f"publishing/S202_{name}", text(findings))


@pytest.mark.parametrize("name", SAME)
def test_nothing_to_say(name):
    """What does not concern configs is no change of their schema."""
    assert list(compare_objects(OLD, SAME[name])) == []


def test_default_where_configs_may_lack_the_field():
    """Another default breaks where a hand-written get_config may have left the field out."""
    old = replace(OLD, complete=False)

    (finding,) = compare_objects(old, replace(old, config=OTHER_DEFAULT))

    assert finding.code == "S201"
    check_golden("publishing/S201_default", text([finding]))


def test_class_that_gets_a_constructor():
    """Fields that a class without any gets must have defaults."""
    old = replace(OLD, config=None, schema=None, accepts=None, complete=None, oldest_version=None)

    findings = list(compare_objects(replace(old, config_version=3), OLD))

    assert [(item.code, item.summary) for item in findings] == [
        ("S202", "krt>Gate: rate: added, with a default"),
        ("S201", "krt>Gate: units: added, and required"),
    ]


def test_versions_that_are_not_known():
    """An object without config versions is compared as one of version 1."""
    old = ObjectSnapshot(key="krt>Gate", kind=Kind.LAYER, config=CONFIG)
    new = replace(old, config=WITHOUT_RATE, accepts=())

    (finding,) = compare_objects(old, new)

    assert finding.code == "S201"
    assert finding.wanted == "@register(..., version=2, migrations=[Migration(1, 2, ...)])"
    assert list(compare_objects(replace(old, config=None), replace(new, config=None))) == []
