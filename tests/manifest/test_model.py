"""Tests of the manifest as a value."""

from __future__ import annotations

import dataclasses

import pytest

from keras_registry.manifest import (
    MANIFEST_VERSION,
    DistributionRecord,
    Manifest,
    ObjectRecord,
    WeightsRecord,
)
from keras_registry.names import Kind

LAYER = ObjectRecord(key="acme>GatedDense", kind=Kind.LAYER, distribution="acme-layers")
LOSS = ObjectRecord(key="acme>Pinball", kind=Kind.LOSS)
ACME = DistributionRecord(version="1.4.2")
WEIGHTS = WeightsRecord(count=3)

EMPTY = Manifest(manifest_version=MANIFEST_VERSION, generator="k 1", objects=())
MANIFEST = dataclasses.replace(
    EMPTY,
    objects=(LAYER, LOSS),
    distributions={"acme-layers": ACME},
    weights={"layers": WEIGHTS, "assets": None},
)


def test_records_are_found_by_name() -> None:
    """Objects are found by key, distributions by name, weights by part."""
    assert MANIFEST.find_object("acme>Pinball") is LOSS
    assert MANIFEST.find_distribution("acme-layers") is ACME
    assert MANIFEST.find_weights("layers") is WEIGHTS


def test_what_is_not_recorded_is_not_found() -> None:
    """An unknown name, a part that is null and an object without a distribution give None."""
    assert MANIFEST.find_object("GatedDense") is None
    assert MANIFEST.find_distribution("other") is None
    assert MANIFEST.find_distribution(LOSS.distribution) is None
    assert MANIFEST.find_weights("assets") is None
    assert MANIFEST.find_weights("metrics") is None


def test_manifest_without_parts_has_no_records() -> None:
    """Where a whole part is unknown, so is every record in it."""
    assert EMPTY.find_object("acme>GatedDense") is None
    assert EMPTY.find_distribution("acme-layers") is None
    assert EMPTY.find_weights("layers") is None


def test_values_do_not_change() -> None:
    """A manifest that was read cannot be altered by whoever holds it."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        MANIFEST.config = "xxh3:" + "0" * 32  # type: ignore[misc]
