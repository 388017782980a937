"""Tests of the weights in `.keras` files of Keras 2.12 to 2.14."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import h5py
import pytest

from keras_registry.artifact.keras2_weights import has_old_layout, renumber_layers

if TYPE_CHECKING:
    from collections.abc import Iterable

COMPAT = Path(__file__).resolve().parents[1] / "compat"
WEIGHTS = "model.weights.h5"
OLD = "_layer_checkpoint_dependencies"


def renumbered(names: Iterable[str]) -> dict[str, int]:
    """Return where datasets of these names lie afterwards, with the position that each had."""
    with h5py.File(io.BytesIO(), "w") as file:
        for position, name in enumerate(names):
            file[f"{name}/vars/0"] = position
        renumber_layers(file)
        found: dict[str, int] = {}
        file.visititems(
            lambda name, item: (
                found.update({name.removesuffix("/vars/0"): int(item[()])})
                if isinstance(item, h5py.Dataset)
                else None
            )
        )
        return found


def test_layers_of_a_class_are_numbered_one_by_one() -> None:
    """The second, third and tenth of a class have the next numbers, in their order."""
    names = ["dense", *(f"dense_{2 * i}" for i in range(1, 11)), "dropout", "dropout_1"]

    found = renumbered(f"{OLD}/{name}" for name in names)

    wanted = ["dense", *(f"dense_{i}" for i in range(1, 11)), "dropout", "dropout_1"]
    assert found == {f"layers/{name}": i for i, name in enumerate(wanted)}


def test_number_in_the_name_of_a_class_is_no_number() -> None:
    """A class whose own name ends in a number keeps it."""
    found = renumbered([f"{OLD}/block_7", f"{OLD}/block_7_2", f"{OLD}/conv2d", f"{OLD}/conv2d_2"])

    assert list(found) == ["layers/block_7", "layers/block_7_1", "layers/conv2d", "layers/conv2d_1"]


def test_models_inside_are_renumbered_too() -> None:
    """A model inside another one has its layers in a group of that name as well."""
    inner = f"{OLD}/sequential_2/{OLD}"

    found = renumbered([f"{OLD}/sequential/x", f"{inner}/dense", f"{inner}/dense_2", "optimizer"])

    wanted = [
        "layers/sequential/x",
        *(f"layers/sequential_1/layers/{n}" for n in ("dense", "dense_1")),
    ]
    assert list(found) == [*wanted, "optimizer"]


def test_later_layout_stays() -> None:
    """Where the layers lie already where Keras 3 looks for them, nothing moves."""
    names = ["layers/dense", "layers/dense_2", f"{OLD}/dense"]

    assert set(renumbered(names)) == set(names)


def test_links_are_not_followed() -> None:
    """A link that leads in a circle, or out of the file, is left alone."""
    with h5py.File(io.BytesIO(), "w") as file:
        file[f"{OLD}/dense/vars/0"] = 1
        file["loop"] = h5py.SoftLink("/")
        file["outside"] = h5py.ExternalLink("other.h5", "/")

        renumber_layers(file)

        assert "layers/dense" in file


@pytest.mark.parametrize(
    ("release", "is_old"), [("2.12.0", True), ("2.13.1", True), ("2.15.0", False), ("3.6.0", False)]
)
def test_layout_of_a_file_is_known(release: str, is_old: bool) -> None:
    """Keras 2.15 was the first to keep the layers where Keras 3 does."""
    file = COMPAT / f"keras-{release}" / "registered.keras"

    assert has_old_layout(file, WEIGHTS) is is_old
    with file.open("rb") as opened:
        assert has_old_layout(opened, WEIGHTS) is is_old


def test_damaged_file_has_no_layout(tmp_path: Path) -> None:
    """What cannot be read is no file of the old layout: Keras says what it is."""
    path = tmp_path / "damaged.keras"
    assert not has_old_layout(path, WEIGHTS)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(WEIGHTS, b"no HDF5")
    assert not has_old_layout(path, WEIGHTS)
