"""Damage in `.h5` files that are HDF5 and JSON all the same, and edits that are no damage."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from keras_registry.artifact import find_damage, read_keras_h5, replace_h5_manifest
from keras_registry.findings import render_findings
from keras_registry.hashes import hash_json
from tests.artifact.h5_files import CONFIG, make_h5
from tests.support.golden import check_golden

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from keras_registry.artifact import Artifact
    from keras_registry.findings import Finding

LAYERS = CONFIG["config"]["layers"]
LONG = {**CONFIG, "config": {**CONFIG["config"], "layers": LAYERS * 50}}
CONFIGS = {"short": CONFIG, "long": LONG}
"""HDF5 keeps a long text apart, and short ones together."""


def read(path: Path) -> Artifact:
    """What is in a file that can be read."""
    artifact = read_keras_h5(path).artifact
    assert artifact is not None
    return artifact


def save(path: Path, config: dict[str, Any] = CONFIG) -> Path:
    """Write a model with a manifest that has the hash of its config."""
    make_h5(path, {"model_config": json.dumps(config).encode()}, manifest=None)
    document = {"manifest_version": "1.0", "config": hash_json(read(path).config)}
    with h5py.File(path, "r+") as file:
        replace_h5_manifest(file, document)
    return path


def change(path: Path, old: bytes, new: bytes) -> None:
    """Change bytes of a file in their place."""
    raw = path.read_bytes()
    assert raw.count(old) == 1
    assert len(old) == len(new)
    path.write_bytes(raw.replace(old, new))


def damage(path: Path) -> Finding | None:
    """What is damaged in a model that can be read."""
    return find_damage(path, read(path))


def check_text(name: str, found: Finding | None, folder: Path) -> None:
    """Check the words of a finding, whatever the config is."""
    assert found is not None
    text = render_findings("churn.h5 cannot be loaded", [found])
    text = re.sub(r"xxh3:[0-9a-f]{32}", "xxh3:HASH", text)
    check_golden(f"artifact_h5_A105_{name}", text, replace={str(folder): "FOLDER"})


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_whole_file(config: dict[str, Any], tmp_path: Path) -> None:
    """Nothing is damaged in a file as it was saved."""
    assert damage(save(tmp_path / "churn.h5", config)) is None


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_config_with_another_letter(config: dict[str, Any], tmp_path: Path) -> None:
    """A config that is JSON still, but not the one that was saved, is damaged."""
    path = save(tmp_path / "churn.h5", config)

    change(path, b'{"class_name": "Sequential"', b'{"class_name": "Sequentiel"')

    assert read(path).model["class_name"] == "Sequentiel"
    check_text("config", damage(path), tmp_path)


def test_compiled_state_with_another_digit(tmp_path: Path) -> None:
    """The config of the compiled state is damaged likewise."""
    path = save(tmp_path / "churn.h5")

    change(path, b'"learning_rate": 0.001', b'"learning_rate": 0.901')

    found = damage(path)
    assert found is not None
    assert found.code == "A105"


def put(file: h5py.File, text: bytes) -> None:
    """Write a config as Keras does."""
    file.attrs["model_config"] = text


def put_text(file: h5py.File, text: bytes) -> None:
    """Write a config as a text."""
    file.attrs["model_config"] = text.decode()


def put_in_place(file: h5py.File, text: bytes) -> None:
    """Write a config into the attribute that is there."""
    file.attrs.modify("model_config", text)


def put_anew(file: h5py.File, text: bytes) -> None:
    """Remove the attribute, and make another."""
    del file.attrs["model_config"]
    file.attrs["model_config"] = text


def put_fixed(file: h5py.File, text: bytes) -> None:
    """Write a config as bytes of a fixed number."""
    file.attrs["model_config"] = np.bytes_(text)


EDITS = [put, put_text, put_in_place, put_anew, put_fixed]


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("is_one_session", [True, False], ids=["session", "sessions"])
def test_config_that_a_program_wrote(
    config: dict[str, Any],
    edit: Callable[[h5py.File, bytes], None],
    is_one_session: bool,
    tmp_path: Path,
) -> None:
    """An edit is no damage: each time that a program writes a config, HDF5 moves it."""
    path = save(tmp_path / "churn.h5", config)
    names = ["Sequentiab", "Sequentiac", "Sequentiad"]  # as long as the one that was saved

    def write(file: h5py.File, name: str) -> None:
        edit(file, json.dumps({**config, "class_name": name}).encode())

    if is_one_session:
        with h5py.File(path, "r+") as file:
            for name in names:
                write(file, name)
    else:
        for name in names:
            with h5py.File(path, "r+") as file:
                write(file, name)

    assert read(path).model["class_name"] == names[-1]
    assert damage(path) is None


def test_config_in_a_copy(tmp_path: Path) -> None:
    """A copy that a program made of an edited file tells no more what was written after what."""
    path = save(tmp_path / "churn.h5")
    with h5py.File(path, "r+") as file:
        put(file, json.dumps({**CONFIG, "class_name": "Sequentiab"}).encode())
    copied = tmp_path / "copy.h5"
    with h5py.File(path) as file, h5py.File(copied, "w") as other:
        for member in file:
            file.copy(member, other)
        for name, value in file.attrs.items():
            other.attrs[name] = value

    assert damage(copied) is None


def test_manifest_with_another_letter(tmp_path: Path) -> None:
    """The bytes of the manifest have a checksum."""
    path = save(tmp_path / "churn.h5")

    change(path, b'"manifest_version"', b'"manifest-version"')

    found = damage(path)
    check_text("manifest", found, tmp_path)


def test_manifest_that_is_lost(tmp_path: Path) -> None:
    """A group without the manifest for which it was made is damaged."""
    path = save(tmp_path / "churn.h5")

    change(path, b"manifest\x00", b"manifold\x00")

    found = damage(path)
    assert found is not None
    assert found.code == "A105"


def test_manifest_that_another_program_wrote(tmp_path: Path) -> None:
    """A manifest without a checksum is not compared with one, nor the config with it."""
    path = save(tmp_path / "churn.h5")
    with h5py.File(path, "r+") as file:
        data = file["keras_registry/manifest"][()]
        del file["keras_registry/manifest"]
        file["keras_registry/manifest"] = data

    change(path, b'{"class_name": "Sequential"', b'{"class_name": "Sequentiel"')

    assert damage(path) is None


@pytest.mark.parametrize("document", [{}, {"config": None}, {"config": 7}])
def test_manifest_without_the_hash(document: dict[str, Any], tmp_path: Path) -> None:
    """A manifest that does not say for which config it was made cannot tell that it is damaged."""
    path = make_h5(tmp_path / "churn.h5", manifest=None)
    with h5py.File(path, "r+") as file:
        replace_h5_manifest(file, document)

    assert damage(path) is None


@pytest.mark.parametrize("value", [b"text", np.arange(3)], ids=["text", "dataset"])
def test_something_else_in_place_of_a_manifest(value: Any, tmp_path: Path) -> None:
    """What nobody of us wrote is not damaged."""
    path = make_h5(tmp_path / "churn.h5", manifest=None)
    with h5py.File(path, "r+") as file:
        file["keras_registry"] = value

    assert damage(path) is None


def test_file_in_memory_has_a_manifest_too(tmp_path: Path) -> None:
    """Where there is no file to look into, the manifest is written without places."""
    path = make_h5(tmp_path / "churn.h5", manifest=None)
    with h5py.File(path, "r+", driver="core") as file:
        replace_h5_manifest(file, {"config": "xxh3:" + "0" * 32})
        places = file["keras_registry/manifest"].attrs.get("config_places")

    assert read(path).has_manifest
    assert places is None or places.shape == (2, 3)
