"""Tests of putting other metadata into a `.keras` file."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from keras_registry.artifact import read_keras_zip, replace_metadata
from tests.artifact.archives import CONFIG, METADATA, WEIGHTS, make_archive

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.processes import ForkServer

SAVE_MODEL = """
import sys, keras, numpy as np
keras.utils.set_random_seed(3)
model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3)])
model.save(sys.argv[1])
print(model.predict(np.ones((2, 4)), verbose=0).tolist())
"""
LOAD_MODEL = """
import sys, keras, numpy as np
model = keras.saving.load_model(sys.argv[1])
print(model.predict(np.ones((2, 4)), verbose=0).tolist())
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A model file."""
    path = tmp_path / "churn.keras"
    path.write_bytes(make_archive())
    return path


def entries(path: Path) -> dict[str, tuple[int, int, int]]:
    """Where each member is, how long it is and its checksum."""
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {
            info.filename: (info.header_offset, info.file_size, info.CRC)
            for info in archive.infolist()
        }


@pytest.mark.parametrize(
    "metadata",
    [
        {**METADATA, "keras_registry": {"manifest_version": "1.0"}},
        {},
        {"größe": "量\u2028", "numbers": [1, 2.5, None, True]},
        {"long": "x" * 100_000},
    ],
    ids=["manifest", "empty", "unicode", "long"],
)
def test_metadata_is_the_new_one(path: Path, metadata: dict[str, Any]) -> None:
    """What was put in is what is read, in an archive of as many members as before."""
    replace_metadata(path, metadata)

    artifact = read_keras_zip(path, verify_members=True).artifact

    assert artifact is not None
    assert (artifact.metadata, artifact.config) == (metadata, CONFIG)
    assert sorted(member.name for member in artifact.members) == [
        "config.json",
        "metadata.json",
        "model.weights.h5",
    ]


def test_other_members_stay_where_they_are(path: Path) -> None:
    """The weights are not moved: their bytes, their place and their checksum stay."""
    before = entries(path)

    replace_metadata(path, {"keras_version": "3.15.1"})

    after = entries(path)
    assert len(after) == 3
    for name in ("config.json", "model.weights.h5"):
        assert after[name] == before[name]
    with zipfile.ZipFile(path) as archive:
        assert archive.read("model.weights.h5") == WEIGHTS
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}


def test_it_can_be_done_again_and_again(path: Path) -> None:
    """Each time the file grows by about the new metadata, and the last one counts."""
    size = path.stat().st_size
    for number in range(10):
        replace_metadata(path, {"number": number})

    artifact = read_keras_zip(path, verify_members=True).artifact

    assert artifact is not None
    assert artifact.metadata == {"number": 9}
    assert len(artifact.members) == 3
    assert path.stat().st_size < size + 10 * 100


def test_file_without_metadata_gets_one(path: Path) -> None:
    """Where there is no metadata the new one is added."""
    path.write_bytes(make_archive({"metadata.json": None}))

    replace_metadata(path, {"keras_version": "3.15.1"})

    with zipfile.ZipFile(path) as archive:
        assert json.loads(archive.read("metadata.json")) == {"keras_version": "3.15.1"}
    assert len(entries(path)) == 3


def test_what_is_no_archive_is_left_alone(path: Path) -> None:
    """A file that is no archive does not become one."""
    path.write_bytes(b"no archive")

    with pytest.raises(zipfile.BadZipFile):
        replace_metadata(path, {})

    assert path.read_bytes() == b"no archive"


def test_plain_keras_loads_the_file_as_before(fork_server: ForkServer, tmp_path: Path) -> None:
    """Keras sees three members, and predicts what the model predicted."""
    path = tmp_path / "churn.keras"
    saved = fork_server.run(SAVE_MODEL, argv=[path]).check().stdout

    replace_metadata(path, {**METADATA, "keras_registry": {"manifest_version": "1.0"}})

    assert fork_server.run(LOAD_MODEL, argv=[path]).check().stdout == saved
