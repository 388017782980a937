"""P12: a model with a `compile` of its own, and optimizer variables that do not match: named.

Plain Keras returns such a model with ``compiled=True`` and no optimizer, after a warning that does
not say what was lost; of a state that does not match it says nothing in ``.h5``, and stops in
``.keras`` where shapes differ.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest

from tests.scenarios.observing import QUIET, TOLD, normalised, plain
from tests.support.golden import check_golden

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.processes import ForkServer

PRELUDE = f"""\
{QUIET}
import io, json, sys, warnings, zipfile

import h5py
import keras
import numpy as np

import keras_registry

warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
x, y = np.eye(4, dtype="float32"), np.ones((4, 1), "float32")


class Base(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.head = keras.layers.Dense(1, name="head")
    def build(self, shape):
        self.head.build(shape)
        self.built = True
    def call(self, inputs):
        return self.head(inputs)


@keras_registry.register("acme")
class Paced(Base):
    '''Takes one argument more.'''
    def compile(self, optimizer, loss, pace=1.0, **kwargs):
        super().compile(optimizer=optimizer, loss=loss, **kwargs)
        self.pace = pace


@keras_registry.register("acme")
class Described(Paced):
    '''Says what it was given, and how to be compiled with it.'''
    def get_compile_config(self):
        return {{**super().get_compile_config(), "pace": self.pace}}
    def compile_from_config(self, config):
        known = keras.saving.deserialize_keras_object(config)
        self.compile(known["optimizer"], known["loss"], pace=known["pace"])
        self.optimizer.build(self.trainable_variables)


@keras_registry.register("acme")
class Duel(Base):
    '''Two optimizers, and neither of them Keras's.'''
    def compile(self, ours, theirs):
        super().compile()
        self.ours, self.theirs = ours, theirs
        for optimizer in (ours, theirs):
            optimizer.build(self.head.trainable_variables)


@keras_registry.register("acme")
class Apart(Base):
    '''Never tells Keras that it was compiled.'''
    def compile(self, slow):
        self.slow = slow
        slow.build(self.head.trainable_variables)


def made(cls, *args, **kwargs):
    keras.utils.set_random_seed(12)
    model = cls(name=cls.__name__.lower())
    model.build((None, 4))
    model.compile(*args, **kwargs)
    return model


def trained(model):
    model.train_on_batch(x, y)
    return model


{TOLD}


def seen(path, **options):
    model, texts = told(keras.saving.load_model, path, **options)
    if isinstance(model, Exception):
        return {{"error": str(model), "texts": texts}}
    report = keras_registry.report(model)
    return {{
        "texts": texts,
        "compiled": model.compiled,
        "optimizer": type(getattr(model, "optimizer", None)).__name__,
        "pace": getattr(model, "pace", None),
        "verified": report and list(report.verified),
    }}
"""

OWN_COMPILE = """
sgd = keras.optimizers.SGD
models = [
    trained(made(Paced, "adam", "mean_squared_error", pace=3.0)),
    trained(made(Described, "adam", "mean_squared_error", pace=3.0)),
    made(Duel, sgd(0.1, momentum=0.5), sgd(0.2, momentum=0.5)),
    made(Apart, sgd(0.1, momentum=0.5)),
]
found = {}
for model in models:
    for ending in (".keras", ".h5"):
        path = f"{model.name}{ending}"
        _, said = told(model.save, path)
        found[path] = {"said": said, **seen(path), "uncompiled": seen(path, compile=False)["texts"]}
print(json.dumps(found))
"""

MISMATCH = """
def edited(path, change):
    '''Change the arrays of a file.'''
    if path.endswith(".h5"):
        with h5py.File(path, "r+") as file:
            return change(file["optimizer_weights"])
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    weights = io.BytesIO(members["model.weights.h5"])
    with h5py.File(weights, "r+") as file:
        change(file["optimizer/vars"])
    members["model.weights.h5"] = weights.getvalue()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def reshape(group):
    '''Give the first array with a shape another one.'''
    names = []
    group.visititems(lambda name, item: names.append(name) if getattr(item, "shape", ()) else None)
    name = names[0]
    del group[name]
    group.create_dataset(name, data=np.zeros((3, 3), "float32"))


def net():
    keras.utils.set_random_seed(12)
    layers = [keras.layers.Input((4,)), keras.layers.Dense(3, name="first"),
              keras.layers.Dense(1, name="second")]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(name="adam"), "mean_squared_error")
    return trained(model)


found = {}
for ending in (".keras", ".h5"):
    model = net()
    model.layers[0].trainable = False
    model.save(f"frozen{ending}")
    found[f"frozen{ending}"] = seen(f"frozen{ending}")
    net().save(f"shape{ending}")
    edited(f"shape{ending}", reshape)
    found[f"shape{ending}"] = seen(f"shape{ending}")
print(json.dumps(found))
"""


def run(fork_server: ForkServer, folder: Path, program: str, **options: Any) -> Any:
    """Run a program after the prelude, in a folder, and return the JSON that it prints."""
    return fork_server.run(PRELUDE + program, cwd=folder, **options).json()


def check_text(name: str, text: str) -> None:
    """Check what was said against a golden text."""
    check_golden(f"scenarios/p12_{name}", normalised(text), replace={version("keras"): "VERSION"})


@pytest.fixture(scope="module")
def own(fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What becomes of models with a `compile` of their own, by file, with us and without."""
    folders = [tmp_path_factory.mktemp(name) for name in ("ours", "theirs")]
    ours = run(fork_server, folders[0], OWN_COMPILE)
    return {"ours": ours, "theirs": run(fork_server, folders[1], OWN_COMPILE, env=plain)}


@pytest.mark.parametrize("name", ["paced", "duel"])
def test_what_keras_does_not_compile(own: dict[str, Any], name: str) -> None:
    """A model whose `compile` Keras does not call is returned with a warning of what is missing."""
    ours, theirs = own["ours"][f"{name}.keras"], own["theirs"][f"{name}.keras"]

    text, *keras_text = sorted(ours["texts"], key=lambda text: "K111" not in text)
    check_text(f"{name}", text)
    assert (theirs["compiled"], theirs["optimizer"]) == (True, "NoneType")
    assert theirs["texts"] == keras_text
    assert (ours["verified"], ours["uncompiled"]) == (["layers"], [])


def test_what_the_class_describes_comes_back(own: dict[str, Any]) -> None:
    """With `get_compile_config` and `compile_from_config` nothing is lost in ``.keras``."""
    found = own["ours"]["described.keras"]

    assert (found["pace"], found["optimizer"], found["texts"]) == (3.0, "Adam", [])
    assert found["verified"] == ["layers", "optimizer"]


def test_state_of_an_optimizer_that_keras_does_not_know(own: dict[str, Any]) -> None:
    """An optimizer that `compile` never gave to Keras is missed by its state; Keras is silent."""
    ours, theirs = own["ours"]["apart.keras"], own["theirs"]["apart.keras"]

    check_text("apart", "\n".join(ours["texts"]))
    assert theirs["texts"] == []


@pytest.mark.parametrize("name", ["paced", "described", "duel"])
def test_own_compile_in_h5(own: dict[str, Any], name: str) -> None:
    """In ``.h5`` the save says that arguments are lost; what `compile` refuses is explained."""
    found = own["ours"][f"{name}.h5"]

    check_text(f"{name}_h5_save", "\n".join(found["said"]))
    if name == "duel":
        check_text("duel_h5", found["error"])
    else:
        assert (found["pace"], found["optimizer"], found["texts"]) == (1.0, "Adam", [])
    assert found["uncompiled"] == []
    assert own["theirs"][f"{name}.h5"]["said"] == []


@pytest.fixture(scope="module")
def mismatched(
    fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, Any]]:
    """What becomes of files whose optimizer does not fit the model, with us and without."""
    folder = tmp_path_factory.mktemp("mismatch")
    return [run(fork_server, folder, MISMATCH, env=env) for env in ({}, plain)]


@pytest.mark.parametrize("name", ["frozen", "shape"])
def test_optimizer_variables_that_do_not_match(mismatched: list[Any], name: str) -> None:
    """The optimizer and its variables are named, and the model is returned with a new state."""
    ours, theirs = mismatched

    for ending in (".keras", ".h5"):
        found = ours[f"{name}{ending}"]
        [text] = found["texts"]
        check_text(f"{name}{ending}", text)
        assert found["verified"] == ["layers"]
    assert theirs[f"{name}.h5"]["texts"] == []
    if name == "frozen":
        assert theirs["frozen.keras"]["texts"][0].startswith("Skipping variable loading")
    else:
        assert theirs["shape.keras"]["error"].startswith("A total of 1 objects could not be loaded")
