"""Saving: the manifest inside the file, and the file replaced whole."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import stat
import tempfile
import warnings
import zipfile
from io import BytesIO
from pathlib import Path

import keras
import numpy as np
import pytest
from keras.src.saving import saving_lib

from keras_registry import KerasRegistryWarning, LoadError, register, report
from keras_registry.bridge import saving
from keras_registry.hashes import hash_form, hash_json
from tests.support.models import build_functional, build_sequential, compile_and_fit, make_inputs
from tests.support.registered import restored_registries

MEMBERS = ["metadata.json", "config.json", "model.weights.h5"]

needs_modes = pytest.mark.skipif(os.name == "nt", reason="Windows has no such mode bits")


@pytest.fixture(autouse=True)
def _registries():
    """What a test registers is gone after it."""
    with restored_registries():
        yield


@pytest.fixture
def _fresh_telling(monkeypatch):
    """A process that has told of nothing yet."""
    monkeypatch.setattr(saving, "_told", set())


@pytest.fixture
def model():
    """A small model of Keras's own layers."""
    return build_sequential()


def read_metadata(file):
    """Return the metadata in a file."""
    with zipfile.ZipFile(file) as archive:
        return json.loads(archive.read("metadata.json"))


def read_manifest(file):
    """Return the manifest in a file; None if there is none."""
    return read_metadata(file).get("keras_registry")


@contextlib.contextmanager
def told():
    """Collect the warnings of keras-registry that come inside the block."""
    found = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield found
    found += [warning for warning in caught if warning.category is KerasRegistryWarning]


def mode_of(path):
    """Return the mode bits of a file."""
    return stat.S_IMODE(path.stat().st_mode)


def value_of(path):
    """Return the first bias of the head, by which two saves are told apart."""
    return float(keras.saving.load_model(path).get_layer("head").bias[0])


def set_value(model, value):
    """Make this save of a model different from others."""
    model.get_layer("head").bias.assign([value])


class Unsaveable(keras.layers.Dense):
    """A layer whose weights cannot be saved."""

    def save_own_variables(self, store):
        message = "the disk of this layer is full"
        raise RuntimeError(message)


# --- the manifest ---------------------------------------------------------------------------


def test_manifest_is_in_the_metadata(tmp_path, model):
    """A saved file has Keras's three members and no other; the manifest is in its metadata."""
    model.save(tmp_path / "m.keras")

    with zipfile.ZipFile(tmp_path / "m.keras") as archive:
        assert archive.namelist() == MEMBERS
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
    metadata = read_metadata(tmp_path / "m.keras")
    assert list(metadata) == ["keras_version", "date_saved", "keras_registry"]
    assert metadata["keras_registry"]["manifest_version"] == "1.0"


def test_manifest_counts_arrays(tmp_path):
    """The manifest has a count and a fingerprint for the layers and for the optimizer."""
    model = compile_and_fit(build_functional())
    model.save(tmp_path / "m.keras")

    weights = read_manifest(tmp_path / "m.keras")["weights"]
    assert weights["layers"]["count"] == 6  # kernels and biases of three layers
    assert weights["optimizer"]["count"] == 14  # two of each, iteration and learning rate
    assert all(part["fingerprint"].startswith("xxh3:") for part in weights.values())


def test_manifest_is_of_the_config_that_is_saved(tmp_path, model):
    """What was said of the config at one save is not said of another config at the next."""
    hashes = []
    for activation in (keras.activations.relu, keras.activations.relu, keras.activations.tanh):
        model.get_layer("head").activation = activation
        model.save(tmp_path / "m.keras")
        with zipfile.ZipFile(tmp_path / "m.keras") as archive:
            config = json.loads(archive.read("config.json"))
        manifest = read_manifest(tmp_path / "m.keras")
        assert manifest["config"] == hash_json(config)
        assert manifest["config_form"] == hash_form(config)
        hashes.append(manifest["config"])

    assert hashes[0] == hashes[1] != hashes[2]


def test_environment_is_recorded(tmp_path, model):
    """The manifest names the versions of Python, Keras and the backend that saved the model."""
    model.save(tmp_path / "m.keras")

    environment = read_manifest(tmp_path / "m.keras")["environment"]
    assert environment["keras"] == keras.__version__
    assert environment["backend"] == keras.backend.backend()
    assert None not in environment.values()


def test_plain_keras_loads_the_file(child, acme_site, acme_model):
    """Plain Keras, with the plugin imported by hand, loads a file that has a manifest."""
    done = child(
        """
        import keras, acme_layers.functions, acme_layers.gated, acme_layers.losses
        import acme_layers.metrics, keras_registry
        import numpy as np
        model = keras.saving.load_model(sys.argv[1])
        known = np.load(sys.argv[2])
        answer(
            equal=bool(np.array_equal(model.predict(known["x"], verbose=0), known["predictions"])),
            compiled=model.compiled,
            report=keras_registry.report(model),
        )
        """,
        acme_model.path,
        acme_model.npz,
        path=[acme_site],
        env={"KERAS_REGISTRY_HOOKS": "0"},
    )

    assert done.json() == {"equal": True, "compiled": True, "report": None}


@pytest.mark.parametrize(
    "save",
    [
        lambda model, path: model.save(path),
        lambda model, path: model.save(str(path)),
        lambda model, path: model.save(path, overwrite=True, zipped=True),
        keras.saving.save_model,
        keras.models.save_model,
        saving_lib.save_model,
        lambda model, path: saving_lib.save_model(model, path, "h5", True),
        lambda model, path: saving_lib.save_model(model, path, weights_format="h5", zipped=True),
    ],
)
def test_every_way_to_save_a_file(tmp_path, model, save):
    """Each function of Keras that saves a `.keras` file records a manifest that is verified."""
    save(model, tmp_path / "m.keras")

    found = report(keras.saving.load_model(tmp_path / "m.keras"))
    assert found.verified == ("layers",)
    assert found.findings == ()


def test_model_checkpoint(tmp_path):
    """`ModelCheckpoint` writes files with manifests, one for each epoch."""
    model = compile_and_fit(build_sequential())
    x = make_inputs()
    callback = keras.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras")
    model.fit(x, x[:, :1], epochs=2, verbose=0, callbacks=[callback])

    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["1.keras", "2.keras"]
    first, second = (read_manifest(file)["weights"]["layers"]["fingerprint"] for file in files)
    assert first != second
    assert report(keras.saving.load_model(files[1])).verified == ("layers", "optimizer")


def test_file_object_gets_the_manifest(tmp_path, model):
    """An open file, on disk or in memory, is written as Keras writes it, with the manifest."""
    memory = BytesIO()
    saving_lib.save_model(model, memory)
    with (tmp_path / "m.keras").open("wb") as file:
        saving_lib.save_model(model, file)

    assert read_manifest(memory)["weights"] == read_manifest(tmp_path / "m.keras")["weights"]
    memory.seek(0)
    assert report(saving_lib.load_model(memory)).verified == ("layers",)


def test_pickled_model_has_a_manifest(model):
    """A pickled model comes back verified, for it goes through the same functions of Keras."""
    again = pickle.loads(pickle.dumps(model))  # noqa: S301

    assert report(again).verified == ("layers",)
    np.testing.assert_array_equal(
        again.predict(make_inputs(), verbose=0)[0], again(make_inputs())[0]
    )


def test_folder_gets_the_manifest(tmp_path, model):
    """A model saved as a folder has the manifest in its `metadata.json`, and Keras loads it."""
    model.save(tmp_path / "folder", zipped=False)

    names = sorted(path.name for path in (tmp_path / "folder").iterdir())
    assert set(MEMBERS) <= set(names)
    metadata = json.loads((tmp_path / "folder" / "metadata.json").read_text(encoding="utf-8"))
    assert metadata["keras_registry"]["weights"]["layers"]["count"] == 4
    assert keras.saving.load_model(tmp_path / "folder").count_params() == model.count_params()


def test_other_formats_are_left_alone(tmp_path, model):
    """Paths that Keras refuses are refused by Keras, in its own words."""
    with pytest.raises(ValueError, match="Invalid filepath extension for saving") as caught:
        model.save(tmp_path / "model.onnx")

    assert type(caught.value) is ValueError
    assert list(tmp_path.iterdir()) == []


def test_model_is_saved_when_recording_fails(tmp_path, model, monkeypatch):
    """If the manifest cannot be made, one warning says why and the model is saved without it."""

    def fail(*args, **kwargs):
        message = "no manifest today\x1b[31m"
        raise ZeroDivisionError(message)

    monkeypatch.setattr(saving, "record_model", fail)
    with told() as warned:
        model.save(tmp_path / "m.keras")

    [warning] = warned
    assert warning.filename == __file__
    assert warning.message.finding.code == "K202"
    assert r"ZeroDivisionError: no manifest today\x1b[31m" in str(warning.message)
    assert read_manifest(tmp_path / "m.keras") is None
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    assert [item.code for item in report(loaded).findings] == ["M101"]
    assert loaded.count_params() == model.count_params()


# --- what nobody else can load --------------------------------------------------------------


@pytest.mark.usefixtures("_fresh_telling")
def test_unpublished_objects_are_told_with_their_places(tmp_path):
    """One warning names each object that nobody else can load, with the first of its places."""

    class Local(keras.layers.Dense):
        pass

    def plus_one(x):
        return x + 1

    model = build_sequential(
        lambda: [
            Local(3, name="a", activation=plus_one),
            keras.layers.Activation(plus_one, name="b"),
            keras.layers.Lambda(lambda x: 2 * x, name="c"),
        ]
    )
    with told() as warned:
        model.save(tmp_path / "m.keras")

    [warning] = warned
    assert warning.filename == __file__
    finding = warning.message.finding
    assert finding.code == "K201"
    assert {(need.key, need.count, need.place) for need in finding.needs} == {
        ("Local", 1, 'layers[1] "a"'),
        ("plus_one", 2, 'layers[1] "a".activation'),
        ("a lambda", 1, 'layers[3] "c".function'),
    }
    assert 'Local (1 place, layers[1] "a")' in str(warning.message)
    assert len(str(warning.message).splitlines()) <= 12


@pytest.mark.usefixtures("_fresh_telling")
def test_unpublished_objects_are_told_once_for_each_set(tmp_path):
    """The same objects are told of once in a process; another set of objects is told of again."""

    class First(keras.layers.Dense):
        pass

    class Second(keras.layers.Dense):
        pass

    def save(*layers):
        model = build_sequential(lambda: [layer(3) for layer in layers])
        with told() as warned:
            model.save(tmp_path / "m.keras")
        return [[need.key for need in w.message.finding.needs] for w in warned]

    keys = [save(First), save(First), save(First, Second), save(Second, First), save(Second)]

    assert keys == [[["First"]], [], [["First", "Second"]], [], [["Second"]]]


@pytest.mark.usefixtures("_fresh_telling")
def test_registered_class_of_a_module_is_not_told_of(tmp_path):
    """A class that is registered, in a module that others can import, is no reason to warn."""

    @register("acme")
    class Published(keras.layers.Dense):
        pass

    build_sequential(lambda: [Published(3)]).save(tmp_path / "m.keras")

    [record] = read_manifest(tmp_path / "m.keras")["objects"]
    assert record["key"] == "acme>Published"
    assert record["paths"] == ["/config/layers/1"]


# --- the file -------------------------------------------------------------------------------


@needs_modes
@pytest.mark.parametrize("mode", [0o640, 0o755, 0o600, 0o666])
def test_mode_bits_stay(tmp_path, model, mode):
    """A file that is saved over keeps its mode bits."""
    path = tmp_path / "m.keras"
    model.save(path)
    path.chmod(mode)
    model.save(path)

    assert mode_of(path) == mode


@needs_modes
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_new_file_has_the_mode_that_the_umask_gives(tmp_path, model, umask):
    """A new file has the mode bits of any file that a program makes under this umask."""
    before = os.umask(umask)
    try:
        model.save(tmp_path / "m.keras")
    finally:
        os.umask(before)

    assert mode_of(tmp_path / "m.keras") == 0o666 & ~umask


@pytest.mark.parametrize("dangling", [False, True], ids=["to a file", "dangling"])
@pytest.mark.parametrize("relative", [False, True], ids=["absolute", "relative"])
def test_symlink_stays_one(tmp_path, model, dangling, relative):
    """A save through a symlink changes the file that it leads to; the link stays."""
    (tmp_path / "real").mkdir()
    target = tmp_path / "real" / "target.keras"
    link = tmp_path / "link.keras"
    if not dangling:
        model.save(target)
    link.symlink_to(Path("real", "target.keras") if relative else target)
    set_value(model, 3.0)
    model.save(link)

    assert link.is_symlink()
    assert not target.is_symlink()
    assert value_of(target) == 3.0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.keras", "real"]
    assert [path.name for path in target.parent.iterdir()] == ["target.keras"]


def test_chain_of_symlinks_stays(tmp_path, model):
    """A save through a link to a link changes the file at the end."""
    target = tmp_path / "target.keras"
    model.save(target)
    (tmp_path / "second.keras").symlink_to("target.keras")
    (tmp_path / "first.keras").symlink_to("second.keras")
    set_value(model, 4.0)
    model.save(tmp_path / "first.keras")

    links = [path.name for path in sorted(tmp_path.iterdir()) if path.is_symlink()]
    assert links == ["first.keras", "second.keras"]
    assert value_of(target) == 4.0


@pytest.mark.parametrize("path", ["m.keras", "sub/m.keras", "../here/m.keras", "./m.keras"])
def test_relative_path(tmp_path, model, monkeypatch, path):
    """A relative path is taken from the working directory."""
    (tmp_path / "here" / "sub").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    model.save(path)
    set_value(model, 5.0)
    model.save(path)

    assert value_of((tmp_path / "here" / path).resolve()) == 5.0
    assert len([file for file in tmp_path.rglob("*") if file.is_file()]) == 1


@pytest.mark.parametrize("name", ["m" * 240 + ".keras", "ä" * 120 + ".keras", "-.keras", ".keras"])
def test_long_and_strange_names(tmp_path, model, name):
    """Every file name that Keras can write can be saved to, up to the longest."""
    model.save(tmp_path / name)
    set_value(model, 6.0)
    model.save(tmp_path / name)

    assert value_of(tmp_path / name) == 6.0
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_missing_folder_is_the_error_of_keras(tmp_path, model):
    """A path in a folder that is not there gives Keras's own error, and no folder is made."""
    with pytest.raises(FileNotFoundError) as caught:
        model.save(tmp_path / "none" / "m.keras")

    assert type(caught.value) is FileNotFoundError
    assert caught.value.filename == str(tmp_path / "none" / "m.keras")
    assert list(tmp_path.iterdir()) == []


def test_folder_in_the_place_of_the_file_is_the_error_of_keras(tmp_path, model):
    """A folder at the path gives Keras's own error and stays."""
    (tmp_path / "m.keras").mkdir()
    with pytest.raises(OSError, match=r"m\.keras") as caught:
        model.save(tmp_path / "m.keras")

    assert caught.value.filename == str(tmp_path / "m.keras")
    assert [path.name for path in tmp_path.iterdir()] == ["m.keras"]


@pytest.mark.parametrize("existing", [False, True])
def test_failed_save_leaves_everything_as_it_was(tmp_path, model, existing):
    """A save that fails leaves the old file and no temporary one; the error is as it is.

    Where there was no file it leaves what Keras leaves, which no load takes for a model.
    """
    path = tmp_path / "m.keras"
    if existing:
        set_value(model, 7.0)
        model.save(path)
    register("acme")(Unsaveable)
    broken = build_sequential(lambda: [Unsaveable(3, name="broken")])
    with pytest.raises(RuntimeError, match="the disk of this layer is full"):
        broken.save(path)

    assert [file.name for file in tmp_path.iterdir()] == ["m.keras"]
    if existing:
        assert value_of(path) == 7.0
    else:
        with pytest.raises(LoadError, match="A106"):
            keras.saving.load_model(path)


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit, MemoryError])
def test_interrupted_save_leaves_everything_as_it_was(tmp_path, model, monkeypatch, interrupt):
    """A save that is interrupted from the keyboard leaves the old file and no temporary one."""
    path = tmp_path / "m.keras"
    set_value(model, 8.0)
    model.save(path)

    def stop(*args, **kwargs):
        raise interrupt

    monkeypatch.setattr(saving_lib, "_save_state", stop)
    with pytest.raises(interrupt):
        model.save(path)

    assert [file.name for file in tmp_path.iterdir()] == ["m.keras"]
    assert value_of(path) == 8.0


@pytest.mark.parametrize(("reply", "value"), [("y", 2.0), ("n", 1.0)])
def test_prompt_before_overwriting(tmp_path, model, monkeypatch, reply, value):
    """`overwrite=False` asks as Keras does, and the answer counts."""
    path = tmp_path / "m.keras"
    set_value(model, 1.0)
    model.save(path, overwrite=False)  # nothing there, nothing to ask
    set_value(model, 2.0)
    asked = []
    monkeypatch.setattr("builtins.input", lambda prompt="": asked.append(prompt) or reply)
    model.save(path, overwrite=False)

    assert len(asked) == 1
    assert value_of(path) == value


def test_hard_link_to_the_old_file_keeps_it(tmp_path, model):
    """Another name of the old file keeps the old model: the new one is a new file."""
    set_value(model, 1.0)
    model.save(tmp_path / "m.keras")
    os.link(tmp_path / "m.keras", tmp_path / "kept.keras")
    set_value(model, 2.0)
    model.save(tmp_path / "m.keras")

    assert [value_of(tmp_path / name) for name in ("kept.keras", "m.keras")] == [1.0, 2.0]


UNPRIVILEGED = """
import tempfile
import keras, keras_registry
tempfile.tempdir = tempfile.mkdtemp()  # Keras needs a folder for assets: one for every user
os.chmod(tempfile.tempdir, 0o777)
path, file_mode, folder_mode = sys.argv[1], int(sys.argv[2], 8), int(sys.argv[3], 8)
model = small_model()
model.save(path)
keras.saving.load_model(path)  # what is imported late is imported now: nobody may read less
os.chmod(path, file_mode)
before = os.stat(path).st_ino
os.chmod(os.path.dirname(path), folder_mode)
if os.geteuid() == 0:  # to root nothing is read-only
    os.setuid(65534)
model.get_layer("head").bias.assign([9.0, 9.0])
error = None
try:
    model.save(path)
except OSError as caught:
    error = [type(caught).__name__, caught.filename]
    print("the save said:", repr(caught), file=sys.stderr)
model = keras.saving.load_model(path)
answer(error=error, value=float(model.get_layer("head").bias[0]),
       same=os.stat(path).st_ino == before, verified=keras_registry.report(model).verified,
       files=os.listdir(os.path.dirname(path)))
"""


@pytest.fixture
def open_folder():
    """A folder that other users can reach, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="keras-registry-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        folder.chmod(0o755)


@needs_modes
def test_folder_that_is_read_only(child, open_folder):
    """In a folder that takes no new file, a file is written in place, as Keras does."""
    path = open_folder / "m.keras"

    found = child(UNPRIVILEGED, path, "666", "555").json()

    assert found == {
        "error": None,
        "value": 9.0,
        "same": True,
        "verified": ["layers"],
        "files": ["m.keras"],
    }


@needs_modes
def test_file_that_is_read_only(child, open_folder):
    """A file that may not be written is not replaced either: the error is Keras's own."""
    path = open_folder / "m.keras"

    found = child(UNPRIVILEGED, path, "444", "777").json()

    assert found == {
        "error": ["PermissionError", str(path)],
        "value": 0.0,
        "same": True,
        "verified": ["layers"],
        "files": ["m.keras"],
    }
