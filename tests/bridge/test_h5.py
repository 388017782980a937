"""Files in HDF5: what Keras cannot do with them, and what we add."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.processes import Completed

H5 = """
import logging
logging.getLogger("absl").setLevel(logging.ERROR)  # that HDF5 is considered legacy
import h5py, keras, numpy as np


def manifest_in(path):
    with h5py.File(path) as file:
        has_one = "keras_registry" in file
        return json.loads(bytes(file["keras_registry/manifest"][()])) if has_one else None


def trained(loss="mse", optimizer="adam"):
    model = small_model()
    model.compile(optimizer, loss=loss)
    model.fit(np.ones((4, 4), "float32"), np.ones((4, 2), "float32"), verbose=0)
    return model
"""
OURS = "import keras_registry\n"


def test_the_model_keeps_its_optimizer(child: Callable[..., Completed]) -> None:
    """After a save in HDF5 a model is saved with its optimizer as before: Keras forgets it."""
    program = """
    model = trained(optimizer="sgd")
    model.save("first.h5")
    model.save("then.keras")
    try:
        answer(optimizer=type(keras.saving.load_model("then.keras").optimizer).__name__)
    except Exception as error:
        answer(error=type(error).__name__)
    """

    assert child([H5, OURS, program]).json() == {"optimizer": "SGD"}
    assert child([H5, program]).json() != {"optimizer": "SGD"}


def test_assets_are_named(child: Callable[..., Completed]) -> None:
    """S16: a layer whose vocabulary would be lost is named at save; given vocabularies are kept."""
    done = child(
        [
            H5,
            OURS,
            """
            def saved(**options):
                layer = keras.layers.StringLookup(name="words", **options)
                if not options:
                    layer.adapt([["a"], ["b"]])
                model = keras.Sequential([keras.Input((1,), dtype="string"), layer])
                return warned(model.save, "words.h5")[1]

            adapted, given = saved(), saved(vocabulary=["a", "b"])
            answer(codes=codes(adapted), found=adapted[0].found, given=codes(given))
            """,
        ]
    )

    assert done.json() == {
        "codes": ["K203"],
        "found": 'StringLookup "words"',
        "given": [],
    }


def test_config_that_keras_never_asks_for(child: Callable[..., Completed]) -> None:
    """A layer inside a layer of the author's need not have a config for the save to succeed."""
    done = child(
        [
            H5,
            OURS,
            """
            class Inner(keras.layers.Layer):
                def save_assets(self, folder): ...
                def get_config(self):
                    raise NotImplementedError

            class Outer(keras.layers.Layer):
                def __init__(self, **kwargs):
                    super().__init__(**kwargs)
                    self.inner = Inner(name="inner")
                def build(self, input_shape):
                    self.inner.build(input_shape)
                def call(self, inputs):
                    return inputs

            found = warned(small_model(Outer()).save, "inner.h5")[1]
            answer(found=[item.found for item in found if item.code == "K203"])
            """,
        ]
    )

    assert done.json() == {"found": ['Inner "inner"']}


def test_save_that_fails_leaves_the_old_file(child: Callable[..., Completed]) -> None:
    """A file is replaced in one step: an error in the middle leaves the former one whole."""
    done = child(
        [
            H5,
            OURS,
            """
            from pathlib import Path
            small_model().save("kept.h5")
            before = Path("kept.h5").read_bytes()

            class Failing(keras.layers.Layer):
                def get_config(self):
                    raise ZeroDivisionError("no config today")

            error = caught(small_model(Failing()).save, "kept.h5")
            answer(error=type(error).__name__, same=Path("kept.h5").read_bytes() == before,
                   files=sorted(os.listdir()))
            """,
        ]
    )

    assert done.json() == {"error": "ZeroDivisionError", "same": True, "files": ["kept.h5"]}


def test_arguments_mean_what_they_mean_to_keras(child: Callable[..., Completed]) -> None:
    """`include_optimizer`, new folders, open files and `compile=False` are as in plain Keras."""
    done = child(
        [
            H5,
            OURS,
            """
            from keras.src.legacy.saving import legacy_h5_format
            model = trained()
            keras.models.save_model(model, "new/folder/bare.hdf5", include_optimizer=False)
            model.save("whole.h5")
            with h5py.File("open.h5", "w") as file:
                legacy_h5_format.save_model_to_hdf5(model, file)
            bare = keras.saving.load_model("new/folder/bare.hdf5", compile=False)
            loaded = keras.saving.load_model("whole.h5", compile=False)
            answer(
                bare=list(manifest_in("new/folder/bare.hdf5")["weights"]),
                whole=list(manifest_in("whole.h5")["weights"]),
                opened=manifest_in("open.h5"),
                compiled=[bool(m.compiled) for m in (bare, loaded)],
                verified=[keras_registry.report(m).verified for m in (bare, loaded)],
            )
            """,
        ]
    )

    assert done.json() == {
        "bare": ["layers"],
        "whole": ["layers", "optimizer"],
        "opened": None,
        "compiled": [False, False],
        "verified": [["layers"], ["layers"]],
    }


@pytest.mark.parametrize(
    ("damage", "code", "keras_error"),
    [
        ("os.truncate('bad.h5', 3000)", "A105", "OSError"),
        ("open('bad.h5', 'w').close()", "A103", "OSError"),
        ("open('bad.h5', 'w').write('<!DOCTYPE html>')", "A104", "OSError"),
        ("os.remove('bad.h5')", "A101", "FileNotFoundError"),
        ("h5py.File('bad.h5', 'r+').attrs.__delitem__('model_config')", "A106", "ValueError"),
        ("h5py.File('bad.h5', 'r+').attrs.__setitem__('model_config', '{')", "A107", "ValueError"),
    ],
)
def test_files_that_are_no_models(
    child: Callable[..., Completed], damage: str, code: str, keras_error: str
) -> None:
    """Each kind of broken file has its own finding, and is the error that plain Keras raises."""
    done = child(
        [
            H5,
            OURS,
            f"""
            small_model().save("bad.h5")
            {damage}
            error = caught(keras.saving.load_model, "bad.h5")
            answer(codes=codes(error.findings), names="bad.h5" in str(error),
                   classes=[c.__name__ for c in type(error).__mro__])
            """,
        ]
    )

    found = done.json()
    assert found["codes"] == [code]
    assert found["names"]
    assert keras_error in found["classes"]


def test_weights_that_were_changed(child: Callable[..., Completed]) -> None:
    """Other weights than those that were saved are an error, which plain Keras never notices."""
    program = """
    small_model().save("turned.h5")
    with h5py.File("turned.h5", "r+") as file:
        kernel = file["model_weights/head/small/head/kernel"]
        kernel[...] = kernel[...][::-1]
    """

    ours = child(
        [
            H5,
            OURS,
            program,
            'answer(codes=codes(caught(keras.saving.load_model, "turned.h5").findings))',
        ]
    )
    plain = child([H5, program, 'answer(name=keras.saving.load_model("turned.h5").name)'])

    assert ours.json() == {"codes": ["W102"]}
    assert plain.json() == {"name": "small"}
