"""S11: `.h5` and `.keras` files that Keras 2 wrote, in TensorFlow 2.12 to 2.15, with custom layers.

Real files, made by `scripts/keras2_files.py`. Their objects are now in a distribution that was
written for Keras 3; for the files in which they have bare names it lists these as aliases.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.scenarios.commands import FRAMEWORKS, block_imports, run_command
from tests.scenarios.observing import QUIET, observe, plain
from tests.scenarios.test_p01 import ALIASED, KEYS, WITHOUT
from tests.support.golden import check_golden
from tests.support.processes import run_python

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.scenarios.observing import Observed
    from tests.support.distributions import PluginProject
    from tests.support.processes import ForkServer

    Shelf = Callable[[PluginProject], Path]

COMPAT = Path(__file__).resolve().parents[1] / "compat"
FOLDERS = [COMPAT / f"keras-{release}" for release in ("2.12.0", "2.13.1", "2.15.0")]
LOADING = [
    folder / f"{name}{suffix}"
    for folder in FOLDERS
    for name in ("module", "registered", "network")
    for suffix in (".h5", ".keras")
    if (folder / f"{name}{suffix}").exists()
]
NEWEST = FOLDERS[-1]
STOPPING = [
    f"{name}{suffix}"
    for name in ("operations", "decaying", "sigmoid")
    for suffix in (".h5", ".keras")
]
ALL_KEYS = sorted(key for group in KEYS.values() for key in group)


def name_of(file: Path) -> str:
    """Return the name of a file with its folder, for the name of a test."""
    return f"{file.parent.name}/{file.name}"


def assert_as_saved(loaded: Observed, file: Path) -> None:
    """Check that a model predicts what Keras 2 predicted."""
    wanted = np.load(file.with_suffix(".npz"))["predictions"]
    np.testing.assert_allclose(loaded.predictions, wanted, rtol=1e-5, atol=1e-6)


def test_there_are_files_of_each_release() -> None:
    """Of each release both formats are there, with registered objects and with bare names."""
    for folder in FOLDERS:
        names = {file.name for file in LOADING if file.parent == folder}
        assert names >= {f"{n}{s}" for n in ("module", "registered") for s in (".h5", ".keras")}


@pytest.mark.parametrize("file", LOADING, ids=name_of)
def test_file_of_keras_2_loads(file: Path, shelf: Shelf, fork_server: ForkServer) -> None:
    """It loads with the plugin's objects, and predicts what it predicted in its own Keras."""
    loaded = observe(fork_server.run, file, path=[shelf(ALIASED)], inputs=file.with_suffix(".npz"))

    assert loaded.before == ()
    assert_as_saved(loaded, file)
    is_compiled = not file.name.startswith("network")
    # The state of the optimizer has one array less than in Keras 3: the learning rate.
    assert [code for _, code, *_ in loaded.warnings] == (["W104"] if is_compiled else [])
    assert set(loaded.codes) == {"M101", "K121", *(["W104"] if is_compiled else [])}
    assert loaded.raw["compiled"] == is_compiled
    assert "acme_gates.Gate" in loaded.classes
    assert loaded.done.messages == ""


FAILING = [file for file in LOADING if file.name.startswith("network")] + [
    folder / "registered.keras" for folder in FOLDERS[:2]
]


@pytest.mark.parametrize("file", FAILING, ids=name_of)
def test_plain_keras_fails(file: Path, shelf: Shelf, fork_server: ForkServer) -> None:
    """Plain Keras does not load them, with the plugin imported and its objects registered."""
    failed = observe(
        fork_server.run, file, path=[shelf(ALIASED)], env=plain, prelude="import acme_gates"
    )

    assert failed.error is not None
    assert "2.1" not in failed.text


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_plain_keras_predicts_something_else(suffix: str, fork_server: ForkServer) -> None:
    """In plain Keras a `hard_sigmoid` of Keras 2 is another function, without a word."""
    file = NEWEST / f"sigmoid{suffix}"

    loaded = observe(fork_server.run, file, inputs=file.with_suffix(".npz"), env=plain)

    assert loaded.is_silent()
    wanted = np.load(file.with_suffix(".npz"))["predictions"]
    assert np.max(np.abs(np.asarray(loaded.predictions) - wanted)) > 0.001


def test_nothing_is_loaded_wrong(shelf: Shelf, fork_server: ForkServer, tmp_path: Path) -> None:
    """A weight that has no place is found in these files, too."""
    file = Path(shutil.copy(FOLDERS[0] / "registered.keras", tmp_path))
    cut = """
import io, zipfile, h5py
with zipfile.ZipFile(options["file"]) as archive:
    members = {name: archive.read(name) for name in archive.namelist()}
weights = io.BytesIO(members["model.weights.h5"])
with h5py.File(weights, "r+") as opened:
    group = opened["_layer_checkpoint_dependencies"]
    group.copy("dense_2", "dense_4")
members["model.weights.h5"] = weights.getvalue()
with zipfile.ZipFile(options["file"], "w") as archive:
    for name, data in members.items():
        archive.writestr(name, data)
"""

    failed = observe(fork_server.run, file, path=[shelf(ALIASED)], prelude=cut)

    assert ("W101", "error") in failed.findings
    assert "layers/dense_2/0" in failed.text


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_saved_again_it_is_a_file_of_keras_3(
    suffix: str, shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Saved again, it has a manifest and the keys, and nothing is to be said of it any more."""
    file, again = NEWEST / f"module{suffix}", tmp_path / f"again{suffix}"
    observe(fork_server.run, file, path=[shelf(ALIASED)], epilogue=f"model.save({str(again)!r})")

    loaded = observe(fork_server.run, again, path=[shelf(WITHOUT)], inputs=file.with_suffix(".npz"))

    assert loaded.is_silent()
    assert loaded.codes == ["R203"]  # the plugin alone is newer
    assert "layers" in loaded.raw["verified"]
    assert_as_saved(loaded, file)


LOAD = (
    QUIET
    + """\
import json
import sys

import keras
import numpy as np

import keras_registry

model = keras_registry.load_model(sys.argv[1], compile=False)
known = np.load(sys.argv[2])
close = np.allclose(model.predict(known["x"], verbose=0), known["predictions"], rtol=1e-5)
print(json.dumps([bool(close), type(model.layers[0]).__module__]))
"""
)


@pytest.mark.parametrize(
    ("backend", "suffix", "hooks"), [("tensorflow", ".keras", "0"), ("jax", ".h5", "1")]
)
def test_real_interpreter_loads_it(backend: str, suffix: str, hooks: str, shelf: Shelf) -> None:
    """A new interpreter loads it on either backend, with the hooks and without; silently."""
    files = [FOLDERS[0] / f"registered{suffix}", FOLDERS[0] / "registered.npz"]

    done = run_python(
        LOAD,
        argv=files,
        path=[shelf(ALIASED)],
        backend=backend,
        env={"KERAS_REGISTRY_HOOKS": hooks},
    )

    assert done.json() == [True, "acme_gates"]
    assert done.messages == ""


# --- what Keras 3 does not have ----------------------------------------------------------------


@pytest.mark.parametrize("name", STOPPING)
def test_what_is_gone_is_named(name: str, fork_server: ForkServer) -> None:
    """Before anything is built: object, place, and what to do about it."""
    failed = observe(fork_server.run, NEWEST / name)

    assert [code for code, level in failed.findings if level == "error"] == ["K122"]
    check_golden(f"scenarios/s11_{name}", failed.text, replace={str(NEWEST): "FOLDER"})


@pytest.mark.parametrize("suffix", [".h5", ".keras"])
def test_gone_from_the_compiled_state_alone(suffix: str, fork_server: ForkServer) -> None:
    """A model whose optimizer is gone loads uncompiled, as its error says."""
    file = NEWEST / f"decaying{suffix}"
    inputs = file.with_suffix(".npz")

    loaded = observe(fork_server.run, file, inputs=inputs, compile=False)
    skipped = observe(
        fork_server.run,
        file,
        inputs=inputs,
        load="keras_registry.load_model",
        on_missing_compile="skip",
    )

    for found in (loaded, skipped):
        assert_as_saved(found, file)
        assert not found.raw["compiled"]
    assert loaded.warnings == ()
    assert [code for _, code, *_ in skipped.warnings] == ["R108"]


def test_given_class_takes_the_place_of_one_that_is_gone(fork_server: ForkServer) -> None:
    """Who passes a class of that name in `custom_objects` has it used."""
    file = NEWEST / "operations.h5"
    prelude = """
import operator

class TFOpLambda(keras.layers.Layer):
    def __init__(self, function, **kwargs):
        super().__init__(name=kwargs["name"].replace("tf.", ""))
        names = {"nn.relu": "relu", "math.multiply": "multiply", "__operators__.add": "add"}
        self.function = getattr(keras.ops, names[function])

    def call(self, x, y=None, name=None):
        return self.function(x) if y is None else self.function(x, y)

objects["TFOpLambda"] = TFOpLambda
"""

    loaded = observe(fork_server.run, file, inputs=file.with_suffix(".npz"), prelude=prelude)

    assert_as_saved(loaded, file)


# --- without Keras -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["registered.keras", "registered.h5", "module.h5", "operations.keras", "network.h5"]
)
def test_inspect_tells_origin_and_unknown_objects(name: str, tmp_path: Path) -> None:
    """`inspect` says which Keras wrote it, what is custom in it, and what only Keras 2 has."""
    blocked = block_imports(tmp_path / "blocked", *FRAMEWORKS)
    file = Path(shutil.copy(NEWEST / name, tmp_path))

    done = run_command("inspect", file, path=[blocked])

    assert (done.returncode, done.messages) == (0, "")
    lines = [line for line in done.stdout.splitlines() if not line.startswith("  file")]
    text = "\n".join(line.partition(", 2026")[0] for line in lines)
    check_golden(f"scenarios/s11_inspect_{name}", text, replace={str(tmp_path): "FOLDER"})


def test_inspect_tells_a_program(tmp_path: Path) -> None:
    """The JSON document has what only Keras 2 has by itself, and the keys of the others."""
    files = [NEWEST / "operations.h5", NEWEST / "registered.h5"]
    gone, custom = (json.loads(run_command("inspect", "--json", f).check().stdout) for f in files)

    assert gone["keras_version"] == "2.15.0"
    assert [item["what"] for item in gone["only_in_keras2"]] == [
        "TFOpLambda of tf.nn.relu",
        "TFOpLambda of tf.math.multiply",
        "TFOpLambda of tf.__operators__.add",
    ]
    assert gone["objects"] == custom["only_in_keras2"] == []
    assert sorted(item["key"] for item in custom["objects"]) == ALL_KEYS


@pytest.mark.parametrize(
    "name", ["module.keras", "registered.h5", "operations.h5", "decaying.keras"]
)
def test_verify_says_whether_it_loads(name: str, shelf: Shelf, tmp_path: Path) -> None:
    """`verify` has the errors of the load, without Keras."""
    blocked = block_imports(tmp_path / "blocked", *FRAMEWORKS, "acme_gates")

    done = run_command("verify", NEWEST / name, path=[blocked, shelf(ALIASED)])

    stops = name in STOPPING
    assert (done.returncode, done.messages) == (1 if stops else 0, "")
    check_golden(f"scenarios/s11_verify_{name}", done.stdout, replace={str(NEWEST): "FOLDER"})


def test_embed_gives_it_a_manifest(shelf: Shelf, fork_server: ForkServer, tmp_path: Path) -> None:
    """`embed` records its custom objects, and none of Keras 2's own; it loads as before."""
    for name in ("registered.h5", "registered.keras"):
        file = Path(shutil.copy(NEWEST / name, tmp_path))

        done = run_command("embed", "--json", file, path=[shelf(ALIASED)])

        (outcome,) = json.loads(done.check().stdout)["files"]
        keys = sorted(record["key"] for record in outcome["manifest"]["objects"])
        assert set(keys) <= {*ALL_KEYS, "gap"}
        assert len(keys) == len(ALL_KEYS)
        loaded = observe(
            fork_server.run,
            file,
            path=[shelf(ALIASED)],
            inputs=(NEWEST / name).with_suffix(".npz"),
        )
        assert_as_saved(loaded, NEWEST / name)
        assert "M101" not in loaded.codes


def test_hdf5_under_the_ending_of_keras_is_explained(
    shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Up to 2.12 the ending `.keras` alone gave an HDF5 file: under its right ending it loads."""
    file = Path(shutil.copy(FOLDERS[0] / "module.h5", tmp_path / "model.keras"))
    failed = observe(fork_server.run, file, path=[shelf(ALIASED)])
    assert "hint       give it the ending .h5" in failed.text

    renamed = file.rename(tmp_path / "model.h5")

    loaded = observe(
        fork_server.run, renamed, path=[shelf(ALIASED)], inputs=FOLDERS[0] / "module.npz"
    )
    assert_as_saved(loaded, FOLDERS[0] / "module.h5")
