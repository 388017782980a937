"""The arrays in the weights of a model file, read without any framework."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import h5py
import numpy as np
import pytest

from keras_registry.artifact import arrays_of, legacy_arrays_of, opening_weights

if TYPE_CHECKING:
    from pathlib import Path

KERNEL = np.arange(6, dtype="float32").reshape(2, 3)


def write_weights(file: h5py.File) -> None:
    """Write two objects in the layout of Keras 3: the model itself, and a layer."""
    file["vars/0"] = np.float32(1)
    file["layers/dense/vars/0"] = KERNEL
    file["layers/dense/vars"].attrs["name"] = "gate"


def weights_bytes() -> bytes:
    """The bytes of such a file."""
    store = io.BytesIO()
    with h5py.File(store, "w") as file:
        write_weights(file)
    return store.getvalue()


def test_arrays_and_their_places(tmp_path: Path) -> None:
    """Each array has the path of its object, its name there, its shape, its values and a title."""
    with h5py.File(tmp_path / "m.weights.h5", "w") as file:
        write_weights(file)
        arrays = arrays_of(file)

        assert list(map(str, arrays.values())) == [
            'layers/dense/0 "gate" (2, 3)',
            "(the model)/0 ()",
        ]
        assert np.array_equal(arrays["layers/dense/0"].read(), KERNEL)


def test_layout_of_keras_2_13(tmp_path: Path) -> None:
    """What Keras 2.13 called otherwise has the path at which Keras 3 reads it."""
    with h5py.File(tmp_path / "m.weights.h5", "w") as file:
        file["_layer_checkpoint_dependencies/dense/vars/0"] = KERNEL

        assert list(arrays_of(file)) == ["layers/dense/0"]


def test_bfloat16(tmp_path: Path) -> None:
    """Arrays of bfloat16 are two bytes to HDF5; with Keras's note beside they are numbers again."""
    with h5py.File(tmp_path / "m.weights.h5", "w") as file:
        data = file.create_dataset("vars/0", data=np.array([0x3F80, 0x4000], "uint16").view("V2"))
        data.attrs["dtype"] = "bfloat16"

        (array,) = arrays_of(file).values()
        assert array.read().astype("float32").tolist() == [1.0, 2.0]


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("is_open", [True, False])
def test_weights_inside_an_archive(tmp_path: Path, compression: int, *, is_open: bool) -> None:
    """The weights of a `.keras` file are read where they lie, packed or not, by path or open."""
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("model.weights.h5", weights_bytes())
        archive.writestr("config.json", "{}")

    with path.open("rb") as opened, opening_weights(opened if is_open else path) as file:
        assert file is not None
        assert np.array_equal(arrays_of(file)["layers/dense/0"].read(), KERNEL)


def test_weights_in_another_format(tmp_path: Path) -> None:
    """Of weights that are no HDF5 file nothing is told."""
    archive = tmp_path / "m.keras"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("model.weights.npz", b"")
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.weights.h5").write_text("weights")

    for path in (archive, tmp_path / "folder", tmp_path / "text.weights.h5", tmp_path / "nothing"):
        with opening_weights(path) as found:
            assert found is None


def test_layers_of_h5(tmp_path: Path) -> None:
    """A `.h5` file has an ordered list of arrays for each layer, by whatever names."""
    with h5py.File(tmp_path / "m.h5", "w") as file:
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = [b"input", b"gate"]
        weights.create_group("input").attrs["weight_names"] = []
        layer = weights.create_group("gate")
        layer.attrs["weight_names"] = [b"gate/kernel", b"gate/bias"]
        layer["gate/kernel"], layer["gate/bias"] = KERNEL, KERNEL[0]

        ((name, arrays),) = legacy_arrays_of(file)

        assert name == "gate"
        assert list(map(str, arrays)) == ["gate/0 (2, 3)", "gate/1 (3,)"]
        assert np.array_equal(arrays[1].read(), KERNEL[0])


def test_names_in_several_attributes(tmp_path: Path) -> None:
    """A long list of layers is cut by Keras into several attributes, and read as one."""
    with h5py.File(tmp_path / "m.h5", "w") as file:
        for number, name in enumerate([b"a", b"b"]):
            file.attrs[f"layer_names{number}"] = [name]
            layer = file.create_group(name.decode())
            layer.attrs["weight_names"] = ["kernel"]
            layer["kernel"] = KERNEL

        assert [name for name, _ in legacy_arrays_of(file)] == ["a", "b"]


def test_links_are_not_followed(tmp_path: Path) -> None:
    """What a link leads to is no array of the file: it may lie in another one."""
    with h5py.File(tmp_path / "other.h5", "w") as file:
        write_weights(file)
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file["layers"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "layers")
        file["vars/0"] = h5py.SoftLink("/nothing")
        file.attrs["layer_names"] = ["layers"]

        assert arrays_of(file) == {}
        assert legacy_arrays_of(file) == []
