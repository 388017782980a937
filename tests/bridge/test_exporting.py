"""Exporting a model: the manifest beside the graph, and nothing that could stop an export."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest

import keras_registry
from keras_registry import KerasRegistryWarning, register
from keras_registry.artifact import find_graph_fingerprint
from keras_registry.bridge import saving
from keras_registry.errors import LoadError
from keras_registry.findings import render_finding
from keras_registry.manifest import read_manifest
from tests.support.golden import check_golden
from tests.support.models import build_sequential
from tests.support.registered import restored_registries

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.processes import Completed

MANIFEST = Path("assets.extra", "keras_registry.json")


class Halving(keras.layers.Layer):
    """A layer whose config is its own affair."""

    def call(self, inputs):
        return inputs / 2


@pytest.fixture(autouse=True)
def _registries():
    """What a test registers is gone after it."""
    with restored_registries():
        yield


@pytest.fixture
def model():
    """A small model with a registered layer."""
    register("acme")(Halving)
    return build_sequential(lambda: [Halving(name="halving")])


def export(model, path, **options):
    """Export a model without a word of Keras's, and return its manifest; None if it has none."""
    model.export(path, verbose=False, **options)
    return json.loads((path / MANIFEST).read_text()) if (path / MANIFEST).exists() else None


def test_manifest_is_the_one_of_a_saved_file(model, tmp_path):
    """The document beside the graph says what the one in a `.keras` file says of the layers."""
    model.save(tmp_path / "churn.keras")
    wanted = keras_registry.report(keras.saving.load_model(tmp_path / "churn.keras")).manifest

    document = export(model, tmp_path / "churn")

    found = read_manifest(document)
    assert found.problems == ()
    assert found.value.objects == wanted.objects
    assert [item.key for item in found.value.objects] == ["acme>Halving"]
    assert found.value.environment == wanted.environment
    assert found.value.find_weights("layers") == wanted.find_weights("layers")
    assert document["weights"]["graph"] == {
        "fingerprint": find_graph_fingerprint(tmp_path / "churn")
    }


def test_graph_is_served_as_before(model, tmp_path):
    """TensorFlow's layer for such graphs computes what the model does."""
    export(model, tmp_path / "churn")
    x = np.ones((2, 4), "float32")

    served = keras.layers.TFSMLayer(tmp_path / "churn", call_endpoint="serving_default")(x)

    np.testing.assert_allclose(np.asarray(next(iter(served.values()))), model(x), rtol=1e-6)


def test_export_bound_before_the_hooks(child: Callable[..., Completed]) -> None:
    """A method that was looked up before the hooks came writes the manifest, too."""
    done = child(
        """
        import keras
        export = keras.Model.export
        import keras_registry
        export(small_model(), "churn", verbose=False)
        answer(files=sorted(os.listdir("churn/assets.extra")))
        """
    )

    assert done.json() == {"files": ["keras_registry.json"]}


def test_no_manifest_with_the_hooks_out(child: Callable[..., Completed]) -> None:
    """What is exported without the hooks has what plain Keras writes, and nothing else."""
    done = child(
        """
        import keras, keras_registry
        keras_registry.disable()
        small_model().export("churn", verbose=False)
        answer(files=sorted(os.listdir("churn")))
        """
    )

    assert done.json() == {"files": ["assets", "fingerprint.pb", "saved_model.pb", "variables"]}


def test_other_formats_are_left_alone(model, tmp_path):
    """An export in another format is Keras's own, errors included."""
    with pytest.raises(ValueError, match="Unrecognized format=other"):
        model.export(tmp_path / "churn", format="other")
    assert list(tmp_path.iterdir()) == []


def test_second_export_replaces_the_manifest(model, tmp_path):
    """Into the same folder the newer manifest goes with the newer graph."""
    first = export(model, tmp_path / "churn")
    model.get_layer("head").bias.assign([5.0])

    second = export(model, tmp_path / "churn")

    assert second["weights"]["graph"]["fingerprint"] == find_graph_fingerprint(tmp_path / "churn")
    for part in ("layers", "graph"):
        assert first["weights"][part]["fingerprint"] != second["weights"][part]["fingerprint"]


def test_objects_that_nobody_else_has_are_no_loss(model, tmp_path, monkeypatch):
    """A graph needs none of its objects, so no warning says that nobody else can load them."""
    monkeypatch.setattr(saving, "_told", set())
    model.add(keras.layers.Lambda(lambda x: x + 1))

    with warnings.catch_warnings():
        warnings.simplefilter("error", KerasRegistryWarning)
        document = export(model, tmp_path / "churn")

    assert [item["key"] for item in document["objects"]] == ["acme>Halving"]


def test_model_that_cannot_be_saved_can_be_exported(tmp_path):
    """Without a config there is no manifest: a warning says so, and the graph is whole."""

    class Tuned(keras.layers.Layer):
        def __init__(self, tune, **kwargs):
            super().__init__(**kwargs)
            self.tune = tune

        def call(self, inputs):
            return self.tune(inputs)

        def get_config(self):
            message = "\x1b[8mTuned has no config"
            raise NotImplementedError(message)

    model = build_sequential(lambda: [Tuned(keras.ops.tanh)])

    with pytest.warns(KerasRegistryWarning) as warned:
        assert export(model, tmp_path / "churn") is None

    (warning,) = warned
    assert Path(warning.filename) == Path(__file__)
    check_golden("exporting_K202", render_finding(warning.message.finding))
    assert export_works(tmp_path / "churn")


def test_folder_that_takes_no_manifest(model, tmp_path):
    """Where the manifest cannot be written the export has worked all the same."""
    (tmp_path / "churn").mkdir()
    (tmp_path / "churn" / "assets.extra").write_text("a file in the way")

    with pytest.warns(KerasRegistryWarning, match="K202 warning  the model is exported without"):
        assert export(model, tmp_path / "churn") is None

    assert export_works(tmp_path / "churn")


def export_works(path):
    """Whether the graph in a folder computes something."""
    layer = keras.layers.TFSMLayer(path, call_endpoint="serving_default")
    return bool(layer(np.ones((1, 4), "float32")))


@pytest.mark.parametrize("load", ["keras.saving", "keras_registry", "unhooked"])
def test_load_says_what_an_exported_model_is(load, model, tmp_path):
    """A load stops with a finding that says what to do, and Keras's own words at the end."""
    path = tmp_path / "churn"
    export(model, path)
    function = keras.saving.load_model if load == "keras.saving" else keras_registry.load_model
    if load == "unhooked":
        keras_registry.disable()
    try:
        with pytest.raises(LoadError) as caught:
            function(path)
    finally:
        keras_registry.enable()

    assert isinstance(caught.value, ValueError)
    ours, line, _ = str(caught.value).partition("File format not supported: filepath=")
    assert line
    check_golden("exporting_A110", ours, replace={str(tmp_path): "FOLDER"})


def test_remote_folder(model, tmp_path):
    """Beside a graph on a file system of TensorFlow's the manifest goes there, too."""
    import tensorflow as tf

    model.export("ram://churn", verbose=False)

    with tf.io.gfile.GFile("ram://churn/assets.extra/keras_registry.json") as file:
        document = json.loads(file.read())
    assert [item["key"] for item in document["objects"]] == ["acme>Halving"]
    assert list(tmp_path.iterdir()) == []
