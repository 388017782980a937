"""Remote paths, on a file system of TensorFlow's that keeps its files in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.processes import Completed

REMOTE = """
import tempfile

import keras
import tensorflow as tf

os.mkdir("tmp")
tempfile.tempdir = os.path.abspath("tmp")
import keras_registry


def put(path, remote):
    tf.io.gfile.copy(path, remote)


def get(remote, path):
    tf.io.gfile.copy(remote, path)
    return path


def local_files():
    '''What is left in the working directory and where temporary files go.'''
    return sorted(os.listdir()) + sorted(os.listdir("tmp"))
"""

SAVERS = {
    "model.save": "model.save(path)",
    "checkpoint": """
keep = keras.callbacks.ModelCheckpoint(path)
keep.set_model(model)
keep.on_epoch_end(0, {})
""",
    "explicit": "keras_registry.save_model(model, path)",
    "unhooked": "keras_registry.disable(); keras_registry.save_model(model, path)",
}


@pytest.mark.parametrize("saver", SAVERS.values(), ids=SAVERS)
def test_file_that_arrives_has_the_manifest(
    saver: str, acme_child: Callable[..., Completed]
) -> None:
    """What is saved to a remote path is the file with its manifest, and nothing stays behind."""
    done = acme_child(
        REMOTE,
        f"""
        from acme_layers.gated import GatedDense
        model, path = small_model(GatedDense(3)), "ram://models/churn.keras"
        tf.io.gfile.makedirs("ram://models")
        {saver.strip().replace(chr(10), chr(10) + " " * 8)}
        left = local_files()
        manifest = manifest_of(get(path, "came.keras"))
        answer(keys=[item["key"] for item in manifest["objects"]], left=left)
        """,
        argv=[],
    )

    assert done.json() == {"keys": ["acme>GatedDense"], "left": ["tmp"]}


LOADERS = {
    "keras": "load = keras.saving.load_model",
    "explicit": "load = keras_registry.load_model",
    "unhooked": "load = keras_registry.load_model; keras_registry.disable()",
}


@pytest.mark.parametrize("loader", LOADERS.values(), ids=LOADERS)
def test_remote_file_is_resolved_and_verified(
    loader: str, acme_child: Callable[..., Completed]
) -> None:
    """The plugin is found, the weights are verified, and the report names the remote path."""
    done = acme_child(
        REMOTE,
        f"""
        keras_registry.disable()
        small_model().save("ram://small.keras")
        keras.saving.load_model("ram://small.keras")
        left_by_keras = len(local_files())  # up to Keras 3.14 its local copy
        keras_registry.enable()
        {loader}
        put(sys.argv[1], "ram://churn.keras")
        before = [name for name in sys.modules if name.startswith("acme")]
        report = keras_registry.report(load("ram://churn.keras"))
        left = len(local_files()) - left_by_keras
        answer(before=before, name=report.name, codes=codes(report.findings),
               verified=report.verified, clean=left in {{0, left_by_keras - 1}})
        """,
    )

    assert done.json() == {
        "before": [],
        "name": "ram://churn.keras",
        "codes": [],
        "verified": ["layers", "optimizer"],
        "clean": True,
    }


@pytest.mark.parametrize("loader", LOADERS.values(), ids=LOADERS)
def test_error_names_the_remote_path(
    loader: str, child: Callable[..., Completed], acme_copy: Callable[..., Path]
) -> None:
    """What is missing is told of the path that the caller gave, and of no local copy."""
    done = child(
        [
            REMOTE,
            f"""
            {loader}
            put(sys.argv[1], "ram://models/churn.keras")
            error = caught(load, "ram://models/churn.keras")
            answer(first=str(error).splitlines()[0], codes=codes(error.findings),
                   is_type_error=isinstance(error, TypeError), local=tempfile.tempdir in str(error))
            """,
        ],
        acme_copy(),
    )

    assert done.json() == {
        "first": "ram://models/churn.keras cannot be loaded: 1 error",
        "codes": ["R101"],
        "is_type_error": True,
        "local": False,
    }


def test_damaged_remote_file_is_named(child: Callable[..., Completed]) -> None:
    """A file that cannot be read has a finding under its remote path."""
    done = child(
        [
            REMOTE,
            """
            import zipfile
            with zipfile.ZipFile("empty.keras", "w") as archive:
                archive.writestr("other.txt", "")
            put("empty.keras", "ram://churn.keras")
            error = caught(keras.saving.load_model, "ram://churn.keras")
            answer(text=str(error).splitlines()[:2])
            """,
        ]
    )

    assert done.json() == {
        "text": [
            "ram://churn.keras cannot be loaded: 1 error",
            "  A106 error    the archive is no Keras model",
        ]
    }


def test_local_load_inside_a_remote_one_keeps_its_name(
    acme_child: Callable[..., Completed], acme_copy: Callable[..., Path]
) -> None:
    """A model that a layer loads while a remote model is built is told of under its own path."""
    done = acme_child(
        REMOTE,
        """
        class Inner(keras.layers.Layer):
            def __init__(self, **kwargs):
                super().__init__(**kwargs)
                self.report = keras_registry.report(keras.saving.load_model(sys.argv[1]))
            def call(self, inputs):
                return inputs

        keras_registry.register("acme")(Inner)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            small_model(Inner(name="inner")).save("ram://copy.keras")
        again = keras.saving.load_model("ram://copy.keras")
        answer(outer=keras_registry.report(again).name, inner=again.get_layer("inner").report.name,
               wanted=sys.argv[1])
        """,
        argv=[acme_copy("copy.keras")],
    )

    found = done.json()
    assert found["outer"] == "ram://copy.keras"
    assert found["inner"] == found["wanted"]


def test_what_keras_does_not_reach_is_left_to_it(child: Callable[..., Completed]) -> None:
    """Remote folders and `.h5` files are beyond plain Keras, and with the hooks no other."""
    done = child(
        [
            REMOTE,
            """
            def attempt(function, *args, **kwargs):
                try:
                    function(*args, **kwargs)
                except Exception as error:
                    return type(error).__name__

            def attempts():
                return [
                    attempt(small_model().save, "ram://folder", zipped=False),
                    attempt(keras.saving.load_model, "ram://there.h5"),
                    attempt(keras.saving.load_model, "ram://missing.keras"),
                ]

            small_model().save("there.h5")
            put("there.h5", "ram://there.h5")
            hooked = attempts()
            keras_registry.disable()
            answer(hooked=hooked, plain=attempts())
            """,
        ]
    )

    errors = ["FileNotFoundError", "FileNotFoundError", "NotFoundError"]
    assert done.json() == {"hooked": errors, "plain": errors}
