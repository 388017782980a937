"""The errors of a load: of Keras's classes, ending with Keras's own first line."""

from __future__ import annotations

import pickle
import shutil
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from keras_registry import Finding, KerasRegistryError, Level, LoadError
from keras_registry.bridge.keras_errors import make_load_error

if TYPE_CHECKING:
    from pathlib import Path

SAVE_ALL = """
import keras
import keras_registry
from acme_layers.functions import swishy
from acme_layers.gated import GatedDense
from acme_layers.losses import Pinball
from acme_layers.metrics import Coverage

Dense, Input = keras.layers.Dense, keras.layers.Input


def save(name, model):
    if model.compiled:
        model.optimizer.build(model.trainable_variables)
    model.save(f"{name}.keras")


def functional(layer):
    inputs = Input((4,))
    return keras.Model(inputs, layer(inputs))


@keras_registry.register("acme")
class Net(keras.Model):
    def __init__(self, units: int = 3, **kwargs):
        super().__init__(**kwargs)
        self.dense = Dense(units)
    def build(self, input_shape):
        self.dense.build(input_shape)
    def call(self, inputs):
        return self.dense(inputs)


@keras_registry.register("acme")
class Slow(keras.optimizers.SGD):
    pass


@keras_registry.register("acme")
class Tiny(keras.initializers.Initializer):
    def __call__(self, shape, dtype=None):
        return 0.001 * keras.ops.ones(shape, dtype)
    def get_config(self):
        return {}




@keras_registry.register("acme")
def offset(y_true, y_pred):
    return keras.ops.mean(y_pred - y_true, axis=-1)


net = Net()
net.build((None, 4))
with warnings.catch_warnings():
    warnings.simplefilter("ignore", keras_registry.KerasRegistryWarning)
    save("layer", small_model(GatedDense(3)))
    save("layer in a functional model", functional(GatedDense(3)))
    save("layer in a nested model", small_model(functional(GatedDense(3))))
    save("layer in a wrapper", small_model(Dense(6), keras.layers.Reshape((2, 3)),
                                           keras.layers.TimeDistributed(GatedDense(3)),
                                           keras.layers.Flatten()))
    save("activation", small_model(Dense(3, activation=swishy)))
    save("initializer", small_model(Dense(3, kernel_initializer=Tiny())))
    save("loss", small_model(loss=Pinball()))
    save("loss function", small_model(loss=offset))
    save("metric", small_model(loss="mean_squared_error", metrics=[Coverage()]))
    save("metric function", small_model(loss="mean_squared_error", metrics=[offset]))
    save("loss in a functional model", (lambda m: m.compile("sgd", loss=Pinball()) or m)(
        functional(Dense(2))))
    save("optimizer", (lambda m: m.compile(Slow(), "mean_squared_error") or m)(small_model()))
    save("model", net)
    save("everything", small_model(GatedDense(3, activation=swishy), loss=Pinball(),
                                   metrics=[Coverage()]))
    save("plain", small_model(loss="mean_squared_error"))
"""

LOAD_ALL = """
import keras
{imports}
found = {{}}
for name in sys.argv[1:]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            keras.saving.load_model(name)
        except BaseException as error:
            text = str(error)
            found[name] = {{
                "classes": [kind.__name__ for kind in type(error).__mro__],
                "first": text.partition("\\n")[0],
                "text": text,
                "codes": codes(getattr(error, "findings", ())),
            }}
print(json.dumps(found))
"""

MISSING = [
    "layer",
    "layer in a functional model",
    "layer in a nested model",
    "layer in a wrapper",
    "activation",
    "initializer",
    "loss",
    "loss function",
    "metric",
    "metric function",
    "loss in a functional model",
    "optimizer",
    "model",
    "everything",
]
"""Models with an object that is not there where they are loaded."""

DAMAGED = {
    "missing.keras": "A101",
    "folder.keras": "A102",
    "empty.keras": "A103",
    "page.keras": "A104",
    "truncated.keras": "A105",
    "no config.keras": "A106",
    "no weights.keras": "A106",
    "bad config.keras": "A107",
    "list as config.keras": "A107",
}
"""Paths at which there is no model, and the finding that says so."""


def damage(folder: Path) -> None:
    """Make what is at the damaged paths, from `plain.keras`."""
    plain = folder / "plain.keras"
    data = plain.read_bytes()
    with zipfile.ZipFile(plain) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}

    def write(name: str, **changes: bytes | None) -> None:
        with zipfile.ZipFile(folder / name, "w") as archive:
            for member, content in {**members, **changes}.items():
                if content is not None:
                    archive.writestr(member, content)

    (folder / "folder.keras").mkdir()
    (folder / "empty.keras").touch()
    (folder / "page.keras").write_text("<!DOCTYPE html><title>404</title>", encoding="utf-8")
    (folder / "truncated.keras").write_bytes(data[: len(data) // 2])
    write("no config.keras", **{"config.json": None})
    write("no weights.keras", **{"model.weights.h5": None})
    write("bad config.keras", **{"config.json": b"{"})
    write("list as config.keras", **{"config.json": b"[]"})
    position = data.index(members["model.weights.h5"]) + len(members["model.weights.h5"]) // 2
    flipped = bytearray(data)
    flipped[position] ^= 1
    (folder / "flipped.keras").write_bytes(flipped)


@pytest.fixture(scope="module")
def outcomes(
    tmp_path_factory: pytest.TempPathFactory, acme_site: Path, session_child: Any
) -> dict[str, Any]:
    """What plain Keras and what hooked Keras raise for each file."""
    folder = tmp_path_factory.mktemp("errors")
    session_child(SAVE_ALL, path=[acme_site], cwd=folder).check()
    damage(folder)
    names = [f"{name}.keras" for name in MISSING] + [*DAMAGED, "flipped.keras", "plain.keras"]
    found = {
        how: session_child(LOAD_ALL.format(imports=imports), *names, cwd=folder).json()
        for how, imports in {"plain": "", "hooked": "import keras_registry"}.items()
    }
    return {"folder": folder, **found}


def test_files_are_what_they_should_be(outcomes):
    """The model of Keras's own objects loads, and each of the others fails, with us and without."""
    failing = {*(f"{name}.keras" for name in MISSING), *DAMAGED, "flipped.keras"}

    assert set(outcomes["plain"]) == failing
    assert set(outcomes["hooked"]) == failing


@pytest.mark.parametrize("name", MISSING)
def test_missing_object(outcomes, name):
    """A missing object gives an error of the class that plain Keras raises, with its first line."""
    plain, hooked = (outcomes[how][f"{name}.keras"] for how in ("plain", "hooked"))

    assert set(hooked["codes"]) & {"R101", "R102", "R106", "R107"}
    assert "LoadError" in hooked["classes"]
    assert set(plain["classes"]) <= set(hooked["classes"])
    assert hooked["text"].splitlines()[-1] == plain["first"].partition(" Full object config")[0]
    assert len(hooked["text"]) < 1500


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_file(outcomes, name):
    """A file that is no model gives its own finding, as an error of the class of plain Keras."""
    plain, hooked = (outcomes[how][name] for how in ("plain", "hooked"))

    assert hooked["codes"] == [DAMAGED[name]]
    assert set(plain["classes"]) <= set(hooked["classes"])
    if plain["first"].startswith("File not found"):
        assert hooked["text"].splitlines()[-1] == plain["first"]


def test_flipped_byte_is_the_error_of_keras(outcomes):
    """A byte that was flipped among the weights is found by Keras, whose error is explained."""
    plain, hooked = (outcomes[how]["flipped.keras"] for how in ("plain", "hooked"))

    assert hooked["text"].splitlines()[-1] == plain["first"]
    assert set(plain["classes"]) <= set(hooked["classes"])


REFUSED = {
    "layer with an unknown argument": ("layer", lambda c: layer_config(c).update(unknown=1)),
    "layer without an argument": ("layer", lambda c: layer_config(c).pop("units")),
    "layer with a bad argument": ("layer", lambda c: layer_config(c).update(units=-1)),
    "layer with text for a number": ("layer", lambda c: layer_config(c).update(units="many")),
    "loss with an unknown argument": ("loss", lambda c: loss_config(c).update(unknown=1)),
}
"""Models whose configs were changed so that the plugin's class refuses them."""


def layer_config(config):
    """Return the config of the layer under test."""
    return config["config"]["layers"][1]["config"]


def loss_config(config):
    """Return the config of the loss."""
    return config["compile_config"]["loss"]["config"]


@pytest.fixture(scope="module")
def refusals(tmp_path_factory, acme_site, session_child, outcomes, alter):
    """What plain Keras, with the plugin imported by hand, and hooked Keras raise for each."""
    folder = tmp_path_factory.mktemp("refused")
    for name, (source, change) in REFUSED.items():
        path = shutil.copy(outcomes["folder"] / f"{source}.keras", folder / f"{name}.keras")
        alter(path, config=change)
    plugin = "import acme_layers.gated, acme_layers.losses"
    names = [f"{name}.keras" for name in REFUSED]
    return {
        how: session_child(
            LOAD_ALL.format(imports=plugin),
            *names,
            cwd=folder,
            path=[acme_site],
            env={"KERAS_REGISTRY_HOOKS": hooks},
        ).json()
        for how, hooks in {"plain": "0", "hooked": "1"}.items()
    }


@pytest.mark.parametrize("name", REFUSED)
def test_refused_config(refusals, name):
    """A config that a class refuses gives an error of the class and first line of plain Keras."""
    plain, hooked = (refusals[how][f"{name}.keras"] for how in ("plain", "hooked"))

    assert "S101" in hooked["codes"]
    assert set(plain["classes"]) <= set(hooked["classes"])
    assert hooked["text"].splitlines()[-1] == plain["first"]


# --- the error itself -----------------------------------------------------------------------


def make_finding(code, level=Level.ERROR, **parts):
    """Return a finding as the checks make it."""
    return Finding(code=code, level=level, summary=f"the summary of {code}", **parts)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("A101", ValueError),
        ("A105", zipfile.BadZipFile),
        ("A106", KeyError),
        ("A107", ValueError),
        ("R101", TypeError),
        ("R103", TypeError),
        ("S101", TypeError),
        ("R201", ValueError),
        ("W101", ValueError),
        ("W102", ValueError),
        ("M106", ValueError),
    ],
)
def test_error_pickles(code, kind):
    """An error goes to another process whole: its classes, its text and its findings."""
    first = make_finding(code, location="config.json" if code.startswith("A") else None)
    error = make_load_error("m.keras", [first, make_finding("K102", Level.NOTE)])
    again = pickle.loads(pickle.dumps(error))  # noqa: S301

    assert isinstance(error, kind)
    assert isinstance(error, LoadError)
    assert isinstance(error, KerasRegistryError)
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert again.findings == error.findings
    assert [item.code for item in again.findings] == [code, "K102"]


def test_text_of_an_error_is_not_quoted():
    """An error that is also a KeyError shows its text as it is, over several lines."""
    error = make_load_error("m.keras", [make_finding("A106", location="config.json")])

    assert str(error).startswith("m.keras cannot be loaded: 1 error\n  A106 error ")


def test_error_in_a_process_of_its_own(child, acme_model, tmp_path):
    """An error that was pickled elsewhere can be read where nothing of ours was imported before."""
    done = child(
        """
        import keras, keras_registry, pickle
        error = caught(keras.saving.load_model, sys.argv[1])
        with open("error.pickle", "wb") as file:
            pickle.dump(error, file)
        answer(text=str(error))
        """,
        acme_model.path,
    ).json()
    again = child(
        """
        import pickle
        with open("error.pickle", "rb") as file:
            error = pickle.load(file)
        answer(text=str(error), kinds=[isinstance(error, kind) for kind in (TypeError, ValueError)])
        """
    ).json()

    assert again == {"text": done["text"], "kinds": [True, False]}


def test_error_has_no_cause_of_its_own(child, acme_model):
    """Where we stop before Keras runs, the traceback is ours alone, without a chain of others."""
    done = child(
        """
        import keras, keras_registry
        error = caught(keras.saving.load_model, sys.argv[1])
        answer(chain=[str(error.__cause__), str(error.__context__)])
        """,
        acme_model.path,
    )

    assert done.json() == {"chain": ["None", "None"]}
