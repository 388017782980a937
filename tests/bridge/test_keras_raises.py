"""What Keras raises, or does not, row by row: each is an error or a warning here, with its place.

The rows are those of the table of Keras's errors that the design is built on. Each situation is a
file, made in `.keras` and in `.h5`, with a manifest and without, and loaded with the hooks and
without. `test_keras_errors.py` has the classes of the errors, and their last lines.
"""

from __future__ import annotations

import io
import json
import re
import shutil
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h5py
import keras
import numpy as np
import pytest

from keras_registry.bridge.damaged_files import damage_findings
from keras_registry.bridge.restored import WeightsFile
from keras_registry.hashes import hash_json
from tests.scenarios.observing import normalised
from tests.support.distributions import hand_made_distribution, record_row
from tests.support.golden import check_golden

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Change = Callable[[Path], object]

KIT = '''\
"""A layer, a loss and a metric, of which the layer fails when it is told to."""

import os

import keras

from keras_registry import register
from keras_registry import types as t


@register("kit")
class Gate(keras.layers.Layer):
    def __init__(self, units: t.PositiveInt, **kwargs):
        super().__init__(**kwargs)
        if os.environ.get("KIT_FAILS") == "init":
            raise RuntimeError("no gate today")
        self.units = units

    def build(self, input_shape):
        if os.environ.get("KIT_FAILS") == "build":
            raise RuntimeError("no kernel today")
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")
        self.bias = self.add_weight(shape=(self.units,), name="bias")

    def call(self, inputs):
        return keras.ops.matmul(inputs, self.kernel) + self.bias


@register("kit")
class Gap(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)


@register("kit")
def slope(y_true, y_pred):
    return keras.ops.mean(y_true - y_pred, axis=-1)


@register("kit")
class Share(keras.metrics.Metric):
    def __init__(self, name="share", **kwargs):
        super().__init__(name=name, **kwargs)
        self.hits = self.add_variable(shape=(), initializer="zeros", name="hits")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.hits.assign_add(keras.ops.sum(y_true - y_pred))

    def result(self):
        return keras.ops.convert_to_tensor(self.hits)
'''

SAVE = """
import logging
logging.getLogger("absl").setLevel(logging.ERROR)
import keras
import keras_registry
import kit


def save(name, *between, **compiled):
    keras.utils.set_random_seed(3)
    layers = [keras.layers.Input((4,)), *between, keras.layers.Dense(2, name="head")]
    model = keras.Sequential(layers, name="small")
    if compiled:
        model.compile("adam", **compiled)
        model.fit(keras.ops.ones((4, 4)), keras.ops.ones((4, 2)), verbose=0)
    for ending in (".keras", ".h5"):
        model.save(name + ending)


mse = "mean_squared_error"
save("layer", kit.Gate(3, name="gate"), loss=mse)
save("deep", kit.Gate(3, name="gate"), keras.layers.LayerNormalization(name="between"))
save("loss", loss=kit.Gap())
save("loss function", loss=kit.slope)
save("metric", loss=mse, metrics=[kit.Share()])
"""

LOAD = """
import logging
logging.getLogger("absl").setLevel(logging.ERROR)
import os
import keras
import keras_registry
logging.getLogger("keras_registry").disabled = True  # what it says is noted below
if os.environ.get("KERAS_REGISTRY_HOOKS") == "0" and "kit" in sys.argv:
    import kit

found = {}
for path, fails in json.loads(sys.argv[1]):
    os.environ["KIT_FAILS"] = fails
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        try:
            model = keras.saving.load_model(path)
        except Exception as error:
            seen = {"classes": [kind.__name__ for kind in type(error).__mro__], "text": str(error),
                    "codes": codes(f for f in getattr(error, "findings", ()) if f.level == "error")}
        else:
            seen = {"classes": None, "text": "", "codes": []}
    seen["warned"] = [str(item.message) for item in said]
    seen["warned_of"] = codes(w.message.finding for w in said if hasattr(w.message, "finding"))
    found[path] = seen
print(json.dumps(found))
"""

ENDINGS = (".keras", ".h5")

# --- how the files are changed -----------------------------------------------------------------


def rewrite(path: Path, **members: bytes | None) -> None:
    """Write other bytes for members of an archive, whose names have `_` for a dot; None drops."""
    changed = {name.replace("_", "."): data for name, data in members.items()}
    with zipfile.ZipFile(path) as archive:
        contents = {info.filename: archive.read(info) for info in archive.infolist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {**contents, **changed}.items():
            if data is not None:
                archive.writestr(name, data)


def read_member(path: Path, name: str) -> bytes:
    """Return the bytes of a member of an archive."""
    with zipfile.ZipFile(path) as archive:
        return archive.read(name)


def edit_manifest(path: Path, edit: Callable[[dict[str, Any]], object]) -> None:
    """Change the metadata of a `.keras` file, or the manifest of a `.h5` file, in place."""
    if path.suffix == ".keras":
        document = json.loads(read_member(path, "metadata.json"))
        edit(document)
        rewrite(path, metadata_json=json.dumps(document).encode())
        return
    with h5py.File(path, "r+") as file:
        if "keras_registry" not in file:
            return
        document = {"keras_registry": json.loads(bytes(file["keras_registry/manifest"][()]))}
        edit(document)
        del file["keras_registry"]
        if "keras_registry" in document:
            data = np.frombuffer(json.dumps(document["keras_registry"]).encode(), "uint8")
            file["keras_registry/manifest"] = data
            file.create_group("keras_registry/vars")


def renew(document: dict[str, Any], config: Any) -> None:
    """Let a manifest, if there is one, be that of a config."""
    if "keras_registry" in document:
        document["keras_registry"]["config"] = hash_json(config)


def drop_manifest(path: Path) -> None:
    """Take the manifest out of a file."""
    edit_manifest(path, lambda document: document.pop("keras_registry"))


def edit_config(edit: Callable[[dict[str, Any], Any], object]) -> Change:
    """Change the description of the model, and that of its compiled state, as its author might."""

    def change(path: Path) -> None:
        if path.suffix == ".keras":
            config = json.loads(read_member(path, "config.json"))
            edit(config, config.get("compile_config"))
            rewrite(path, config_json=json.dumps(config).encode())
        else:
            with h5py.File(path, "r+") as file:
                names = {"model_config", "training_config"} & set(file.attrs)
                config = {name: json.loads(file.attrs[name]) for name in names}
                edit(config["model_config"], config.get("training_config"))
                for name, value in config.items():
                    file.attrs[name] = json.dumps(value)
        edit_manifest(path, lambda document: renew(document, config))

    return change


def layer_config(config: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the config of a layer."""
    layers = (layer["config"] for layer in config["config"]["layers"])
    return next(layer for layer in layers if layer["name"] == name)


def edit_weights(edit: Callable[[h5py.Group, h5py.File], object]) -> Change:
    """Change the weights: those of the layer, in their group, and the file that has them."""

    def change(path: Path) -> None:
        store: Any = path
        if path.suffix == ".keras":
            store = io.BytesIO(read_member(path, "model.weights.h5"))
        with h5py.File(store, "r+") as file:
            inner = (
                "layers/gate/vars" if path.suffix == ".keras" else "model_weights/gate/small/gate"
            )
            edit(file[inner], file)
        if path.suffix == ".keras":
            rewrite(path, model_weights_h5=store.getvalue())

    return change


def reshape_kernel(group: h5py.Group, file: h5py.File) -> None:
    """Give the kernel another shape."""
    name = "0" if "0" in group else "kernel"
    del group[name]
    group[name] = np.ones((4, 7), "float32")


def drop_bias(group: h5py.Group, file: h5py.File) -> None:
    """Take the bias away, and its name from the list that a `.h5` file has."""
    if "1" in group:
        del group["1"]
        return
    del group["bias"]
    owner = file["model_weights/gate"]
    owner.attrs["weight_names"] = [n for n in owner.attrs["weight_names"] if "bias" not in n]


def drop_optimizer_variable(group: h5py.Group, file: h5py.File) -> None:
    """Take the last variable of the optimizer away."""
    if "optimizer" in file:
        variables = file["optimizer/vars"]
        del variables[max(variables, key=int)]
        return
    owner = file["optimizer_weights"]
    names = list(owner.attrs["weight_names"])
    del owner[names[-1]]
    owner.attrs["weight_names"] = names[:-1]


def flip_byte(path: Path) -> None:
    """Change one byte of the kernel of the layer."""
    store: Any = path
    if path.suffix == ".keras":
        store = io.BytesIO(read_member(path, "model.weights.h5"))
    with h5py.File(store) as file:
        inner = (
            "layers/gate/vars/0"
            if path.suffix == ".keras"
            else "model_weights/gate/small/gate/kernel"
        )
        kernel = file[inner][()].tobytes()
    data = bytearray(path.read_bytes())
    data[data.index(kernel) + 2] ^= 0xFF
    path.write_bytes(data)


def make_folder(path: Path) -> None:
    """Put an empty folder there."""
    path.unlink()
    path.mkdir()


def bad_json(path: Path) -> None:
    """Cut off the description of the model."""
    if path.suffix == ".keras":
        rewrite(path, config_json=read_member(path, "config.json")[:100])
        return
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = file.attrs["model_config"][:100]


def no_config(path: Path) -> None:
    """Take the description of the model away."""
    if path.suffix == ".keras":
        rewrite(path, config_json=None)
        return
    with h5py.File(path, "r+") as file:
        del file.attrs["model_config"]


def bad_inner_file(path: Path) -> None:
    """Put something else where the weights are, or nothing."""
    if path.suffix == ".keras":
        rewrite(path, model_weights_h5=b"no weights")
        return
    with h5py.File(path, "r+") as file:
        del file["model_weights"]


def nothing(path: Path) -> None:
    """Leave the file as it is."""


# --- the rows ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Row:
    """A situation.

    Attributes:
        code: The finding, in `.keras` and in `.h5`.
        named: What the message must have: the object, its place and the next action.
        model: The model that is changed.
        change: How.
        installed: Whether the plugin is there.
        fails: Where its layer raises.
        silent: The endings in which plain Keras loads the file.
    """

    code: tuple[str, str]
    named: tuple[str, ...]
    model: str = "layer"
    change: Change = nothing
    installed: bool = True
    fails: str = ""
    silent: tuple[str, ...] = ()

    @property
    def needs_description(self) -> bool:
        """Whether the file can be read so far that its manifest matters."""
        return not self.code[1].startswith("A")


ROWS = {
    "missing class": Row(
        ("R101",) * 2, ("kit>Gate", 'layers[1] "gate"', "pip install"), installed=False
    ),
    "bad argument": Row(
        ("S101",) * 2,
        ("kit>Gate", 'layers[1] "gate"', "units"),
        change=edit_config(lambda model, _: layer_config(model, "gate").update(units=-1)),
    ),
    "bad argument of Keras": Row(
        ("K105",) * 2,
        ("Dense", 'layers[2] "head"', "nope"),
        change=edit_config(lambda model, _: layer_config(model, "head").update(activation="nope")),
    ),
    "init raises": Row(
        ("K105",) * 2, ("kit>Gate", 'layers[1] "gate"', "no gate today"), fails="init"
    ),
    "build raises": Row(
        ("K105",) * 2, ("kit>Gate", 'layers[1] "gate"', "no kernel today"), fails="build"
    ),
    "missing loss": Row(
        ("R101",) * 2, ("kit>Gap", "loss", "compile=False"), model="loss", installed=False
    ),
    "missing loss function": Row(
        ("R101",) * 2, ("slope", "loss", "compile=False"), model="loss function", installed=False
    ),
    "missing metric": Row(
        ("R101",) * 2,
        ("kit>Share", "metrics", "compile=False"),
        model="metric",
        installed=False,
        silent=(".h5",),
    ),
    "weight shape": Row(
        ("W101",) * 2, ("gate", "kernel", "(4, 7)", "(4, 3)"), change=edit_weights(reshape_kernel)
    ),
    "missing variable": Row(("W101",) * 2, ("gate", "bias"), change=edit_weights(drop_bias)),
    "extra weights": Row(
        ("W101",) * 2,
        ("(3,)",),
        model="deep",
        change=edit_config(lambda model, _: model["config"]["layers"].pop(2)),
        silent=(".keras",),
    ),
    "optimizer variable missing": Row(
        ("W104",) * 2,
        ('Adam "adam"', "training begins with a new state"),
        change=edit_weights(drop_optimizer_variable),
        silent=(".keras", ".h5"),
    ),
    "loss that nobody has": Row(
        ("K111", "R106"),
        ("nope", "loss"),
        change=edit_config(lambda _, state: state.update(loss="nope")),
        silent=(".keras",),
    ),
    "flipped byte": Row(("A105", "W102"), (), change=flip_byte, silent=(".h5",)),
    "empty": Row(("A103",) * 2, (), change=lambda path: path.write_bytes(b"")),
    "truncated": Row(
        ("A105",) * 2,
        (),
        change=lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    ),
    "web page": Row(
        ("A104",) * 2,
        (),
        change=lambda path: path.write_bytes(b"<!DOCTYPE html><title>404</title>"),
    ),
    "folder": Row(("A102",) * 2, (), change=make_folder),
    "bad JSON": Row(("A107",) * 2, (), change=bad_json),
    "no config": Row(("A106",) * 2, (), change=no_config),
    "bad inner file": Row(("A105", "A106"), (), change=bad_inner_file),
}

MANIFESTS = ("", " without")
CASES = [(name, ending) for name in ROWS for ending in ENDINGS]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory, session_child: Any) -> dict[str, Any]:
    """What loads of each file raise and say, with the hooks and without."""
    folder = tmp_path_factory.mktemp("rows")
    site = tmp_path_factory.mktemp("kit-site")
    (site / "kit.py").write_text(KIT, encoding="utf-8")
    points = {
        "keras_registry.layers": {"kit>Gate": "kit:Gate"},
        "keras_registry.losses": {"kit>Gap": "kit:Gap"},
        "keras_registry.functions": {"kit>slope": "kit:slope"},
        "keras_registry.metrics": {"kit>Share": "kit:Share"},
    }
    rows = [record_row("kit.py", KIT)]
    hand_made_distribution(site, "kit", "1.2.0", points, record=rows)
    session_child(SAVE, path=[site], cwd=folder).check()
    wanted: dict[bool, list[tuple[str, str]]] = {True: [], False: []}
    for name in {row.model for row in ROWS.values()}:
        for ending in ENDINGS:
            bare = shutil.copy(folder / f"{name}{ending}", folder / f"{name} without{ending}")
            drop_manifest(bare)
    for name, ending in CASES:
        row = ROWS[name]
        for how in MANIFESTS if row.needs_description else ("",):
            path = folder / f"{name}{how} changed{ending}"
            shutil.copy(folder / f"{row.model}{how}{ending}", path)
            row.change(path)
            wanted[row.installed].append((path.name, row.fails))
    answers: dict[str, Any] = {"folder": str(folder)}
    for how, hooks in (("ours", "1"), ("plain", "0")):
        answers[how] = {}
        for is_installed, paths in wanted.items():
            asked = [item for item in paths if how == "ours" or "without" not in item[0]]
            arguments = [json.dumps(asked), *(["kit"] if is_installed else [])]
            answers[how] |= session_child(
                LOAD,
                *arguments,
                cwd=folder,
                path=[site] if is_installed else [],
                env={"KERAS_REGISTRY_HOOKS": hooks},
            ).json()
    return answers


def shown(seen: dict[str, Any]) -> str:
    """Return what a user sees of a load: its error, or its warning."""
    return seen["text"] or "\n".join(seen["warned"])


@pytest.mark.parametrize(("name", "ending"), CASES)
def test_finding(found: dict[str, Any], name: str, ending: str) -> None:
    """Each row is an error or a warning that names object, place and action in twelve lines."""
    row = ROWS[name]
    seen = found["ours"][f"{name} changed{ending}"]

    assert seen["codes"] + seen["warned_of"] == [row.code[ENDINGS.index(ending)]]
    text = shown(seen)
    assert text.startswith(f"{name} changed{ending}")
    assert "       hint       " in text
    assert [word for word in row.named if word not in text] == []
    assert len(text.splitlines()) <= 12


@pytest.mark.parametrize(
    ("name", "ending"), [case for case in CASES if ROWS[case[0]].needs_description]
)
def test_finding_without_a_manifest(found: dict[str, Any], name: str, ending: str) -> None:
    """The same is said of a file that plain Keras wrote, but for what only a manifest can tell."""
    row = ROWS[name]
    seen = found["ours"][f"{name} without changed{ending}"]
    code = row.code[ENDINGS.index(ending)]
    code = "R106" if code == "R101" else code  # which distribution has it

    if code == "W102":  # nobody can know what had been saved
        assert (seen["text"], seen["warned"]) == ("", [])
        return
    assert seen["codes"] + seen["warned_of"] == [code]
    assert [w for w in row.named if w not in shown(seen)] in ([], ["pip install"])
    assert len(shown(seen).splitlines()) <= 12


@pytest.mark.parametrize("ending", ENDINGS)
def test_texts(found: dict[str, Any], ending: str) -> None:
    """The whole texts, without the line at the end that is Keras's own."""
    texts = []
    for name in ROWS:
        lines = shown(found["ours"][f"{name} changed{ending}"]).splitlines()
        kept = [line for line in lines if line.startswith((" ", name))]
        text = re.sub(r"[\d,]+ of [\d,]+ bytes", "N of N bytes", "\n".join(kept))
        texts.append(normalised(text))

    check_golden(
        f"keras/raises{ending}",
        "\n\n".join(texts),
        replace={f"keras {keras.__version__} ": "keras VERSION "},
    )


@pytest.mark.parametrize(("name", "ending"), CASES)
def test_plain_keras(found: dict[str, Any], name: str, ending: str) -> None:
    """Plain Keras raises what the error here is an instance of, or loads the file in silence.

    Of the state of an optimizer in a `.keras` file it warns, without the name of a variable.
    """
    ours, theirs = (found[how][f"{name} changed{ending}"] for how in ("ours", "plain"))

    if ending in ROWS[name].silent:
        assert theirs["classes"] is None
        said = ["Skipping variable loading for optimizer"] if "optimizer" in name else []
        assert len(theirs["warned"]) == (len(said) if ending == ".keras" else 0)
        assert all(text.startswith(said[0]) for text in theirs["warned"])
    else:
        assert set(theirs["classes"]) <= set(ours["classes"])
        assert "layers[" not in theirs["text"].partition("config=")[0]


def test_array_in_place_of_the_weights(tmp_path: Path) -> None:
    """Where the group of a `.h5` file with its weights should be, an array is named as such."""
    path = tmp_path / "model.h5"
    keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1)]).save(path)
    with h5py.File(path, "r+") as file:
        del file["model_weights"]
        file["model_weights"] = np.ones(3)

    [found] = damage_findings(WeightsFile(path, legacy=True))

    assert (found.code, found.found) == ("A106", "an array model_weights")
