"""A manifest adds nothing to a file that Keras would have to read: the members are the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.processes import Completed

PROGRAM = """
import cProfile, logging, zipfile
from pathlib import Path
logging.getLogger("absl").setLevel(logging.ERROR)  # that HDF5 is considered legacy
import h5py, keras
import keras_registry


def members(path):
    if path.is_dir():
        return sorted(str(file.relative_to(path)) for file in path.rglob("*"))
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            return sorted(archive.namelist())
    with h5py.File(path) as file:
        names = list(file.attrs)
        file.visit(names.append)
        return sorted(names)


def has_manifest(path):
    if path.is_dir():
        return "keras_registry" in json.loads((path / "metadata.json").read_text())
    if zipfile.is_zipfile(path):
        return manifest_of(path) is not None
    with h5py.File(path) as file:
        return "keras_registry" in file


def calls(path):
    profile = cProfile.Profile()
    profile.enable()
    if path.name.endswith(".weights.h5"):
        model.load_weights(path)
    else:
        keras.saving.load_model(path)
    profile.disable()
    return sum(entry.callcount for entry in profile.getstats())

"""


@pytest.mark.parametrize(
    ("name", "save"),
    [
        ("m.keras", "model.save(path)"),
        ("m", "model.save(path, zipped=False)"),
        ("m.h5", "model.save(path)"),
        ("m.weights.h5", "model.save_weights(path)"),
    ],
)
def test_plain_keras_does_the_same(child: Callable[..., Completed], name: str, save: str) -> None:
    """Archives and folders have the same files, HDF5 the same groups but for that of the manifest.

    So plain Keras opens, unpacks and walks what it would without: a load is the same calls, where
    times would differ by chance. `python -m benchmarks containers` measures those.
    """
    done = child(
        [
            PROGRAM,
            f"""
            layers = [keras.layers.Dense(3, name=f"dense_{{i}}") for i in range(30)]
            model = small_model(*layers, loss="mean_squared_error")
            found = []
            for folder in ("ours", "bare"):
                if folder == "bare":
                    keras_registry.disable()
                path = Path(folder, "{name}").absolute()  # of others Keras loses the assets
                path.parent.mkdir()
                {save}
                found.append([members(path), has_manifest(path)])
            calls(path)
            counted = [calls(path.parents[1] / folder / path.name) for folder in ("ours", "bare")]
            answer(found=found, calls=counted)
            """,
        ]
    )

    (ours, has_one), (bare, has_none) = done.json()["found"]
    assert (has_one, has_none) == (True, False)
    assert [item for item in ours if not item.startswith("keras_registry")] == bare
    assert (len(ours) - len(bare) > 0) == name.endswith(".h5")
    with_manifest, without = done.json()["calls"]
    assert without > 10_000
    assert with_manifest <= 1.001 * without
