"""S01: a model with custom layers, loaded in a fresh process that knows nothing of them.

In a ``.keras`` and in a ``.h5`` file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.scenarios.archives import read_manifest_document
from tests.scenarios.observing import QUIET, observe, plain
from tests.support.plugins import LOAD_AND_COMPARE, TRAIN_AND_SAVE
from tests.support.processes import other_backends, run_python

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import SavedModel
    from tests.support.processes import ForkServer

ALL_MODULES = [
    "acme_layers",
    "acme_layers.functions",
    "acme_layers.gated",
    "acme_layers.losses",
    "acme_layers.metrics",
]


def test_forked_process_loads_without_custom_objects(
    acme_site: Path, acme_file: SavedModel, fork_server: ForkServer
) -> None:
    """A process that never imported the plugin loads the model in silence: equal predictions."""
    loaded = observe(fork_server.run, acme_file.path, path=[acme_site], inputs=acme_file.npz)

    assert loaded.before == ()
    assert loaded.is_silent()
    assert loaded.findings == ()
    assert list(loaded.after) == ALL_MODULES
    assert loaded.classes == (
        "acme_layers.gated.GatedDense",
        "acme_layers.gated.GatedDense",
        "keras.src.layers.core.dense.Dense",
    )
    np.testing.assert_array_equal(
        np.asarray(loaded.predictions, "float32"), np.load(acme_file.npz)["predictions"]
    )


def test_real_interpreter_loads_with_two_imports(acme_site: Path, acme_file: SavedModel) -> None:
    """`import keras, keras_registry` and one line load the model in a new interpreter."""
    done = run_python(
        QUIET + LOAD_AND_COMPARE, argv=[acme_file.path, acme_file.npz], path=[acme_site]
    )

    found = done.json()
    assert done.messages == ""
    assert found["before"] == []
    assert found["after"] == ALL_MODULES
    assert found["equal"]
    assert found["loss"] == "Pinball"


@pytest.mark.parametrize("backend", other_backends())
def test_other_backends_save_and_load(backend: str, acme_site: Path, tmp_path: Path) -> None:
    """Under another backend, too, one interpreter saves a model and another loads it.

    All containers under another backend are in `test_routes`.
    """
    files = [tmp_path / "model.keras", tmp_path / "model.npz"]
    run_python(TRAIN_AND_SAVE, argv=files, path=[acme_site], backend=backend).check()

    done = run_python(LOAD_AND_COMPARE, argv=files, path=[acme_site], backend=backend)

    found = done.json()
    assert read_manifest_document(files[0])["environment"]["backend"] == backend
    assert (found["before"], found["equal"], found["compiled"]) == ([], True, True)
    assert found["after"] == ALL_MODULES
    assert done.messages == ""


def test_plain_keras_cannot_load_it(
    acme_site: Path, acme_file: SavedModel, fork_server: ForkServer
) -> None:
    """Without the hooks Keras does not find the installed plugin and fails."""
    failed = observe(fork_server.run, acme_file.path, path=[acme_site], env=plain)

    error, text = {
        ".keras": ("TypeError", "Could not locate class 'GatedDense'"),
        ".h5": ("ValueError", "Unknown layer: 'acme>GatedDense'"),
    }[acme_file.path.suffix]
    assert error in failed.error_classes
    assert text in failed.text
    assert failed.after == ()


def test_only_what_the_model_needs_is_imported(
    acme_site: Path, acme_file: SavedModel, fork_server: ForkServer
) -> None:
    """A load without the compiled state imports the layers' modules and not those of the loss."""
    loaded = observe(fork_server.run, acme_file.path, path=[acme_site], compile=False)

    assert loaded.is_silent()
    assert loaded.before == ()
    assert list(loaded.after) == ["acme_layers", "acme_layers.functions", "acme_layers.gated"]
    assert not loaded.raw["compiled"]


def test_loaded_model_is_as_good_as_the_first(
    acme_site: Path, acme_file: SavedModel, fork_server: ForkServer, tmp_path: Path
) -> None:
    """What a fresh process loads and saves again has the same manifest, weights included."""
    again = tmp_path / f"again{acme_file.path.suffix}"
    observe(
        fork_server.run, acme_file.path, path=[acme_site], epilogue=f"model.save({str(again)!r})"
    )

    first, second = map(read_manifest_document, (acme_file.path, again))
    # Keras numbers shared objects by their addresses, so the config's hash is a new one.
    unequal = {"config": None, "config_form": None}  # automatic names differ
    assert {**first, **unequal} == {**second, **unequal}
    loaded = observe(fork_server.run, again, path=[acme_site], inputs=acme_file.npz)
    assert loaded.is_silent()
    assert loaded.raw["verified"] == ["layers", "optimizer"]


NESTED = f"""\
{QUIET}
import sys
import keras
import keras_registry
from acme_layers.functions import swishy
from acme_layers.gated import GatedDense

keras.utils.set_random_seed(1)
inputs = keras.layers.Input((4,))
inner = keras.Sequential([keras.layers.Input((4,)), GatedDense(3)], name="inner")
sequence = keras.layers.Reshape((3, 1))(inner(inputs))
timed = keras.layers.TimeDistributed(GatedDense(2), name="timed")(sequence)
flat = keras.layers.Flatten()(timed)
outputs = keras.layers.Dense(2, activation=swishy, name="head")(flat)
model = keras.Model(inputs, outputs)
model.save(sys.argv[1])
print(model.predict(keras.ops.ones((2, 4)), verbose=0).tolist())
"""


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_nested_objects_are_found(
    suffix: str, acme_site: Path, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Custom layers in a nested model and in a wrapper, and a function in `Dense`, are resolved."""
    file = tmp_path / f"nested{suffix}"
    wanted = fork_server.run(NESTED, argv=[file], path=[acme_site]).json()
    np.savez(tmp_path / "x.npz", x=np.ones((2, 4), "float32"))

    loaded = observe(fork_server.run, file, path=[acme_site], inputs=tmp_path / "x.npz")

    assert loaded.before == ()
    assert loaded.is_silent()
    assert loaded.predictions == wanted
    (layer, function) = read_manifest_document(file)["objects"]
    assert (layer["key"], layer["count"]) == ("acme>GatedDense", 2)
    assert (function["key"], function["kind"]) == ("acme>swishy", "function")
