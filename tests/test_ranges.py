"""Tests of compatible ranges and of versions compared."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from keras_registry.documents import forms
from keras_registry.ranges import Drift, compare_versions, compatible_range
from tests.manifest.strategies import texts_of

PROPERTY = settings(derandomize=True, deadline=None, max_examples=200)

VERSIONS = texts_of(forms.VERSION)
FINAL = st.lists(st.integers(0, 4), min_size=1, max_size=3).map(
    lambda numbers: ".".join(map(str, numbers))
)


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("1.4.2", ">=1.4,<2"),
        ("1.4", ">=1.4,<2"),
        ("1", ">=1.0,<2"),
        ("0.3.1", ">=0.3,<0.4"),
        ("0.0.7", ">=0.0,<0.1"),
        ("0", ">=0.0,<0.1"),
        ("10.12.3.4", ">=10.12,<11"),
        ("2026.11", ">=2026.11,<2027"),
        ("1.4.2+cu128", ">=1.4,<2"),
        ("1.4.2.post3", ">=1.4,<2"),
        ("1!2.3", ">=1!2.3,<1!3"),
        ("1!0.3", ">=1!0.3,<1!0.4"),
    ],
)
def test_compatible_range(version: str, expected: str) -> None:
    """A range goes from the minor version to the next major one, below 1.0 to the next minor."""
    assert compatible_range(version) == expected
    assert version in SpecifierSet(expected, prereleases=True)


@pytest.mark.parametrize("text", ["", "latest", "1.x", "1.4; rm -rf ~"])
def test_range_of_what_is_no_version_is_refused(text: str) -> None:
    """Only versions have a range: no text of a file gets into a hint by this way."""
    with pytest.raises(InvalidVersion):
        compatible_range(text)


@pytest.mark.parametrize(
    ("recorded", "installed", "expected"),
    [
        ("1.4.2", "1.4.2", Drift.SAME),
        ("1.4", "1.4.0", Drift.SAME),
        ("1.4rc1", "1.4.0rc1", Drift.SAME),
        ("1.4.2", "1.4.1", Drift.OLDER_IN_RANGE),
        ("1.4.2", "1.3.9", Drift.OLDER),
        ("1.4.2", "1.4.3", Drift.NEWER_IN_RANGE),
        ("1.4.2", "1.10", Drift.NEWER_IN_RANGE),
        ("1.10", "1.4", Drift.OLDER),
        ("1.4.2", "2.0", Drift.NEWER),
        ("0.3.1", "0.3.2", Drift.NEWER_IN_RANGE),
        ("0.3.1", "0.3", Drift.OLDER_IN_RANGE),
        ("0.3.1", "0.4", Drift.NEWER),
        ("0.9", "1.0", Drift.NEWER),
        ("1.0", "0.9", Drift.OLDER),
    ],
)
def test_releases_are_compared(recorded: str, installed: str, expected: Drift) -> None:
    """Newer or older, inside or outside of the range: numbers count as numbers."""
    assert compare_versions(installed, recorded) is expected


@pytest.mark.parametrize(
    ("recorded", "installed", "expected"),
    [
        # Pre-releases of the recorded minor version are older and in the range.
        ("1.4", "1.4rc1", Drift.OLDER_IN_RANGE),
        ("1.4", "1.4.dev1", Drift.OLDER_IN_RANGE),
        ("1.4", "1.4.dev0", Drift.OLDER_IN_RANGE),
        ("1.4.2", "1.4a1.dev3", Drift.OLDER_IN_RANGE),
        ("1.4.2", "1.3.post9", Drift.OLDER),
        # Pre-releases of the next major version are in it already.
        ("1.4.2", "2.0.dev1", Drift.NEWER),
        ("1.4.2", "2.0rc1", Drift.NEWER),
        ("0.3.1", "0.4a1", Drift.NEWER),
        # A pre-release recorded, its release installed.
        ("1.4rc1", "1.4", Drift.NEWER_IN_RANGE),
        ("1.4.dev3", "1.4", Drift.NEWER_IN_RANGE),
        ("1.4rc1", "1.3", Drift.OLDER),
        # Inside of a release series.
        ("1.4.2", "1.5.dev1", Drift.NEWER_IN_RANGE),
        ("1.4.2", "1.4.3rc1", Drift.NEWER_IN_RANGE),
    ],
)
def test_pre_releases_are_compared(recorded: str, installed: str, expected: Drift) -> None:
    """A pre-release belongs to the range of the release that it comes before."""
    assert compare_versions(installed, recorded) is expected


@pytest.mark.parametrize(
    ("recorded", "installed"),
    [
        ("1.4.dev1", "1.4.dev2"),
        ("1.4a1", "1.4rc1"),
        ("2.0rc1", "2.0rc2"),
        ("1.4.dev1+g1", "1.4.dev2+g2"),
    ],
)
def test_later_pre_release_of_the_same_release_is_in_range(recorded: str, installed: str) -> None:
    """From one pre-release of a version to the next is no leap out of the range."""
    assert compare_versions(installed, recorded) is Drift.NEWER_IN_RANGE


@pytest.mark.parametrize("version", ["1.4rc1", "2.0.dev3", "0.3a1"])
def test_range_of_a_pre_release_has_the_pre_release(version: str) -> None:
    """What a hint tells to install can be the very version that the model was saved with."""
    assert version in SpecifierSet(compatible_range(version), prereleases=True)


@pytest.mark.parametrize(
    ("recorded", "installed", "expected"),
    [
        ("1.4.2", "1.4.2.post1", Drift.NEWER_IN_RANGE),
        ("1.4.2.post1", "1.4.2", Drift.OLDER_IN_RANGE),
        ("1.9", "1.9.post1", Drift.NEWER_IN_RANGE),
        ("1.4.2", "1.4.2+cu128", Drift.NEWER_IN_RANGE),
        ("1.4.2+cu128", "1.4.2", Drift.OLDER_IN_RANGE),
        ("1.4.2+cu121", "1.4.2+cu128", Drift.NEWER_IN_RANGE),
        ("1.4.2+acme.1", "1.4.2+acme.1", Drift.SAME),
        ("1.4.2", "2.0+local", Drift.NEWER),
        ("1!1.0", "2.0", Drift.OLDER),
        ("2.0", "1!1.0", Drift.NEWER),
        ("1!1.0", "1!1.5", Drift.NEWER_IN_RANGE),
        ("1!1.0", "1!2.0", Drift.NEWER),
        ("1!1.5", "1!1.5.dev1", Drift.OLDER_IN_RANGE),
    ],
)
def test_post_local_and_epoch_are_compared(recorded: str, installed: str, expected: Drift) -> None:
    """Post-releases, local labels and epochs count as PEP 440 says."""
    assert compare_versions(installed, recorded) is expected


@PROPERTY
@given(version=VERSIONS)
def test_a_version_is_the_same_as_itself(version: str) -> None:
    """Every version that a manifest may record can be compared, also with itself."""
    assert compare_versions(version, version) is Drift.SAME


@PROPERTY
@given(recorded=VERSIONS, installed=VERSIONS)
def test_direction_is_that_of_pep_440(recorded: str, installed: str) -> None:
    """Older and newer are what `packaging` says, whatever the range is."""
    drift = compare_versions(installed, recorded)

    older = {Drift.OLDER, Drift.OLDER_IN_RANGE}
    assert (drift is Drift.SAME) == (Version(installed) == Version(recorded))
    assert (drift in older) == (Version(installed) < Version(recorded))


@PROPERTY
@given(recorded=FINAL, installed=FINAL)
def test_for_releases_the_range_decides(recorded: str, installed: str) -> None:
    """Of two releases the installed one is in range exactly if the specifier has it."""
    assume(Version(recorded) != Version(installed))

    in_range = installed in SpecifierSet(compatible_range(recorded))
    drift = compare_versions(installed, recorded)

    assert (drift in {Drift.OLDER_IN_RANGE, Drift.NEWER_IN_RANGE}) == in_range


@PROPERTY
@given(recorded=VERSIONS, installed=VERSIONS)
def test_no_range_reaches_into_another_major_version(recorded: str, installed: str) -> None:
    """Where the first number or the epoch differs, the installed version is out of range."""
    have, had = Version(installed), Version(recorded)
    assume((have.epoch, have.major) != (had.epoch, had.major))

    assert compare_versions(installed, recorded) in {Drift.OLDER, Drift.NEWER}
