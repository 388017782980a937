"""Tests of telling folders of Orbax checkpoints from other paths."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keras_registry.artifact import find_obstacle, is_orbax, read_artifact
from tests.artifact.failures import check_text, failure

if TYPE_CHECKING:
    from pathlib import Path


def make_checkpoints(path: Path, *names: str) -> Path:
    """Make a folder with these files in it."""
    for name in names:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text("{}", encoding="utf-8")
    return path


def test_folder_of_checkpoints_is_refused(tmp_path: Path) -> None:
    """It is no obstacle to Keras, and no reader of ours knows what is in it."""
    path = make_checkpoints(
        tmp_path / "churn", "10/_CHECKPOINT_METADATA", "10/pytree/_METADATA", "notes.txt"
    )

    assert is_orbax(path)
    assert find_obstacle(path) is None
    found = failure(read_artifact(path))
    assert found.code == "A102"
    check_text("A102_orbax", found, path, file="churn")


@pytest.mark.parametrize(
    "names",
    [["file.txt"], ["10/file.txt"], ["ten/_CHECKPOINT_METADATA"], ["_CHECKPOINT_METADATA"]],
)
def test_other_folders_are_none(names: list[str], tmp_path: Path) -> None:
    """A folder without steps, or with numbered folders of other things, is something else."""
    path = make_checkpoints(tmp_path / "churn", *names)

    assert not is_orbax(path)
    assert find_obstacle(path) is not None


@pytest.mark.parametrize("path", ["nothing", "a\0b"])
def test_other_paths_are_none(path: str, tmp_path: Path) -> None:
    """So is a path at which there is no folder."""
    assert not is_orbax(tmp_path / path)
