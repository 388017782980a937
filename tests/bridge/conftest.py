"""What the tests of the bridge share: programs in processes of their own, and altered files."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import h5py
import pytest

from tests.support.distributions import hand_made_distribution, record_row
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


def small_model(*between, loss=None, metrics=(), seed=7, name="small"):
    """A model of Keras's own layers, or with others in the middle."""
    import keras
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Input((4,)), *between, keras.layers.Dense(2, name="head")]
    model = keras.Sequential(layers, name=name)
    if loss is not None:
        model.compile("adam", loss=loss, metrics=list(metrics))
        model.optimizer.build(model.trainable_variables)
    return model


def caught(function, *args, **kwargs):
    """The error that a call raises."""
    try:
        function(*args, **kwargs)
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def warned(function, *args, **kwargs):
    """What a call returns, and the findings of which it warned."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = function(*args, **kwargs)
    return result, [w.message.finding for w in caught if hasattr(w.message, "finding")]


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
    """Return a program of the prelude and a body that may be indented."""
    return f"{PRELUDE}\n{dedent(body)}"


@pytest.fixture
def child(fork_server: ForkServer, tmp_path: Path) -> Callable[..., Completed]:
    """Run a program in a process in which Keras is imported, and nothing of ours."""

    def run(body: str, *argv: object, **options: Any) -> Completed:
        options.setdefault("cwd", tmp_path)
        return fork_server.run(as_program(body), argv=map(str, argv), **options)

    return run


@pytest.fixture
def interpreter(tmp_path: Path) -> Callable[..., Completed]:
    """Run a program in a fresh interpreter, in which nothing is imported."""

    def run(body: str, *argv: object, **options: Any) -> Completed:
        options.setdefault("cwd", tmp_path)
        return run_python(as_program(body), argv=map(str, argv), **options)

    return run


@pytest.fixture
def alter() -> Callable[..., Path]:
    """Change the config, the metadata, the manifest or the weights inside a file."""

    def change(
        path: Path,
        *,
        config: Callable[[dict[str, Any]], object] | None = None,
        metadata: Callable[[dict[str, Any]], object] | None = None,
        manifest: Callable[[dict[str, Any]], object] | None = None,
        weights: Callable[[h5py.File], object] | None = None,
    ) -> Path:
        if config is not None:
            _edit_json(path, "config.json", config)
        if metadata is not None:
            _edit_json(path, "metadata.json", metadata)
        if manifest is not None:
            _edit_json(path, "metadata.json", lambda found: manifest(found["keras_registry"]))
        if weights is not None:
            _edit_weights(path, weights)
        return path

    return change


@pytest.fixture
def acme_copy(acme_model: SavedModel, tmp_path: Path, alter: Callable[..., Path]) -> Any:
    """Make a copy of the acme model, changed as `alter` does."""

    def copy(name: str = "copy.keras", **changes: Any) -> Path:
        return alter(Path(shutil.copy(acme_model.path, tmp_path / name)), **changes)

    return copy


def _edit_json(path: Path, member: str, edit: Callable[[Any], object]) -> None:
    with zipfile.ZipFile(path) as archive:
        document = json.loads(archive.read(member))
    edit(document)
    _replace_member(path, member, json.dumps(document).encode())


def _edit_weights(path: Path, edit: Callable[[h5py.File], object]) -> None:
    with zipfile.ZipFile(path) as archive:
        store = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(store, "r+") as file:
        edit(file)
    _replace_member(path, "model.weights.h5", store.getvalue())


def _replace_member(path: Path, member: str, data: bytes) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    members[member] = data
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


SCALE_SOURCE = '''\
"""A layer that multiplies."""

import keras

from keras_registry import register


@register("acme")
class Scale(keras.layers.Layer):
    """`x * scale * factor`."""

    made_by = "the plugin"

    def __init__(self, factor: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def build(self, input_shape):
        self.scale = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="scale")

    def call(self, inputs):
        return inputs * self.scale * self.factor
'''


@pytest.fixture(scope="session")
def scale_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that has the distribution acme-scale 1.2.0, with the layer `acme>Scale`."""
    folder = tmp_path_factory.mktemp("scale-site")
    (folder / "acme_scale.py").write_text(SCALE_SOURCE, encoding="utf-8")
    hand_made_distribution(
        folder,
        "acme-scale",
        "1.2.0",
        {"keras_registry.layers": {"acme>Scale": "acme_scale:Scale"}},
        record=[record_row("acme_scale.py", SCALE_SOURCE)],
    )
    return folder


@pytest.fixture(scope="session")
def scale_model(
    tmp_path_factory: pytest.TempPathFactory, scale_site: Path, fork_server: ForkServer
) -> Path:
    """A model with one `acme>Scale`. Read only."""
    path = tmp_path_factory.mktemp("scale-model") / "scale.keras"
    program = """
    import keras_registry
    from acme_scale import Scale
    small_model(Scale(3.0, name="scale")).save(sys.argv[1])
    """
    fork_server.run(as_program(program), argv=[path], path=[scale_site]).check()
    return path


@pytest.fixture(scope="session")
def session_child(fork_server: ForkServer) -> Callable[..., Completed]:
    """Run a program as `child` does, for a fixture that several tests share."""

    def run(body: str, *argv: object, **options: Any) -> Completed:
        return fork_server.run(as_program(body), argv=map(str, argv), **options)

    return run
