"""What the tests of the bridge share: programs in processes of their own, and altered files."""

from __future__ import annotations

import functools
import io
import json
import shutil
import zipfile
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import h5py
import pytest

from tests.support.processes import Completed, run_python

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import SavedModel
    from tests.support.processes import ForkServer

PRELUDE = '''\
import json, os, sys, warnings
warnings.simplefilter("error")
# TensorFlow's, whenever Keras turns one of its variables into an array under NumPy 2.
warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)


def answer(**values):
    """Hand values to the test, as the last line of what is printed."""
    print(json.dumps(values, default=str))


def small_model(*between, seed=7, loss=None, metrics=(), name="small"):
    """A model of Keras's own layers, or with others in the middle."""
    import keras
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Input((4,)), *between, keras.layers.Dense(2, name="head")]
    model = keras.Sequential(layers, name=name)
    if loss is not None:
        model.compile("adam", loss=loss, metrics=list(metrics))
    return model


def caught(function, *args, **kwargs):
    """The error that a call raises."""
    try:
        function(*args, **kwargs)
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def codes(findings):
    """The codes of findings, in order."""
    return [item.code for item in findings]


def manifest_of(path):
    """The manifest in a file, or None."""
    import zipfile
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("metadata.json")).get("keras_registry")
'''
"""What each program begins with: warnings are errors, and a few short hands."""


def as_program(body: str) -> str:
    """Returns a program of the prelude and a body that may be indented."""
    return f"{PRELUDE}\n{dedent(body)}"


@pytest.fixture
def child(fork_server: ForkServer, tmp_path: Path) -> Callable[..., Completed]:
    """Runs a program in a process in which Keras is imported, and nothing of ours."""

    @functools.wraps(fork_server.run)
    def run(body: str, *argv: object, **options: Any) -> Completed:
        options.setdefault("cwd", tmp_path)
        return fork_server.run(as_program(body), argv=map(str, argv), **options)

    return run


@pytest.fixture
def interpreter(tmp_path: Path) -> Callable[..., Completed]:
    """Runs a program in a fresh interpreter, in which nothing is imported."""

    @functools.wraps(run_python)
    def run(body: str, *argv: object, **options: Any) -> Completed:
        options.setdefault("cwd", tmp_path)
        return run_python(as_program(body), argv=map(str, argv), **options)

    return run


@pytest.fixture
def altered_model(acme_model: SavedModel, tmp_path: Path) -> Callable[..., Path]:
    """Writes a copy of the acme model with its config, manifest or weights changed."""

    def write(
        name: str = "altered.keras",
        *,
        config: Callable[[dict[str, Any]], None] | None = None,
        manifest: Callable[[dict[str, Any]], None] | None = None,
        weights: Callable[[h5py.File], None] | None = None,
    ) -> Path:
        path = Path(shutil.copy(acme_model.path, tmp_path / name))
        if config is not None:
            edit_json(path, "config.json", config)
        if manifest is not None:
            edit_json(path, "metadata.json", lambda document: manifest(document["keras_registry"]))
        if weights is not None:
            edit_weights(path, weights)
        return path

    return write


def edit_json(path: Path, member: str, edit: Callable[[Any], None]) -> None:
    """Changes a JSON document inside an archive."""
    with zipfile.ZipFile(path) as archive:
        document = json.loads(archive.read(member))
    edit(document)
    replace_member(path, member, json.dumps(document).encode())


def edit_weights(path: Path, edit: Callable[[h5py.File], None]) -> None:
    """Changes the weights inside an archive."""
    with zipfile.ZipFile(path) as archive:
        store = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(store, "r+") as file:
        edit(file)
    replace_member(path, "model.weights.h5", store.getvalue())


def replace_member(path: Path, member: str, data: bytes) -> None:
    """Writes an archive anew with another content of one member."""
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    members[member] = data
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
