"""P10: a model that uses what only the running program has: named when it is saved.

A script with lambdas, closures, partial functions, its own classes and functions, and a function
with the name of one of Keras's, saves a model with each of them. What is said then and when another
process loads the file is held word for word; the files are those that plain Keras writes.
"""

from __future__ import annotations

import io
import itertools
import json
import zipfile
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from keras_registry.hashes import hash_json
from tests.scenarios.archives import read_document
from tests.scenarios.commanding import forked_command
from tests.scenarios.observing import QUIET, plain
from tests.support.golden import check_golden
from tests.support.processes import run_python

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.processes import Completed, ForkServer

    Script = Callable[..., Completed]
    Seen = dict[tuple[str, str], Any]

SCRIPT = f"""\
{QUIET}
import functools
import json
import sys
import warnings
from pathlib import Path

import keras
import numpy as np

import keras_registry

logging.getLogger("keras_registry").disabled = True  # what it says is noted below
Dense = keras.layers.Dense


def double(x):
    return 2 * x


def times(factor):
    def scaled(x):
        return factor * x
    return scaled


def gap_of(weight):
    def gap(y_true, y_pred):
        return weight * keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)
    return gap


def power(x, exponent=2):
    return x**exponent


def offset(y_true, y_pred, weight=1.0):
    return weight * keras.ops.mean(y_true - y_pred, axis=-1)


def relu(x):
    return keras.ops.maximum(x, -0.25)


class Triple(keras.layers.Layer):
    def call(self, inputs):
        return 3 * inputs


@keras_registry.register("mine")
class Half(keras.layers.Layer):
    def call(self, inputs):
        return inputs / 2


class Net(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.head = Dense(2, name="head")

    def build(self, input_shape):
        self.head.build(input_shape)

    def call(self, inputs):
        return self.head(inputs)


def net():
    model = Net(name="net")
    model.build((None, 3))
    return model


def small(*between, **compiled):
    layers = [keras.layers.Input((3,), name="input"), *between, Dense(2, name="head")]
    model = keras.Sequential(layers, name="small")
    if compiled:
        model.compile("sgd", **compiled)
    return model


MODELS = {{
    "lambda layer": lambda: small(keras.layers.Lambda(lambda x: 2 * x, name="shift")),
    "lambda activation": lambda: small(Dense(3, activation=lambda x: 2 * x, name="doubling")),
    "lambda loss": lambda: small(loss=lambda a, b: keras.ops.mean(a - b, axis=-1)),
    "function": lambda: small(keras.layers.Activation(double, name="named")),
    "closures": lambda: small(
        Dense(3, activation=times(2.0), name="twice"),
        Dense(3, activation=times(5.0), name="fivefold"),
    ),
    "closure as loss": lambda: small(loss=gap_of(3.0)),
    "partial activation": lambda: small(
        Dense(3, activation=functools.partial(power, exponent=3), name="cubic")
    ),
    "partial in Activation": lambda: small(
        keras.layers.Activation(functools.partial(power, exponent=3), name="cubing")
    ),
    "partial loss": lambda: small(loss=functools.partial(offset, weight=2.0)),
    "partial metric": lambda: small(
        loss="mean_squared_error", metrics=[functools.partial(offset, weight=2.0)]
    ),
    "class": lambda: small(Triple(name="threefold")),
    "registered class": lambda: small(Half(name="halving")),
    "model": net,
    "namesake": lambda: small(Dense(3, activation=relu, name="leaking")),
}}
"""
"""A script, with a model for each situation."""

X = 'np.linspace(-1, 1, 12, dtype="float32").reshape(4, 3)'

SAVE = f"""{SCRIPT}
from keras_registry.bridge import saving

ending = sys.argv[1]
x = {X}
seen = {{}}
for name, make in MODELS.items():
    keras.utils.set_random_seed(10)
    model = make()
    saving._told.clear()  # each situation as in a program of its own
    said = {{"error": None, "notes": []}}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        try:
            model.save(Path(name.replace(" ", "_") + ending))
        except Exception as error:
            said = {{"error": type(error).__name__, "notes": getattr(error, "__notes__", [])}}
    ours = [w for w in caught if issubclass(w.category, keras_registry.KerasRegistryWarning)]
    seen[name] = {{
        **said,
        "codes": [w.message.finding.code for w in ours],
        "warned": [str(w.message) for w in ours],
        "others": [str(w.message) for w in caught if w not in ours],
        "predictions": np.asarray(model(x)).tolist(),
    }}
print(json.dumps(seen))
"""
"""Argument: the ending of the files, which go into the working directory."""

LOAD = f"""\
{QUIET}
import json
import sys
import warnings

import keras
import numpy as np

import keras_registry

logging.getLogger("keras_registry").disabled = True
x = {X}
ending, names, options = sys.argv[1], json.loads(sys.argv[2]), json.loads(sys.argv[3])
seen = {{}}
for name in names:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        try:
            model = keras.saving.load_model(name.replace(" ", "_") + ending, **options)
        except Exception as error:
            codes = [item.code for item in getattr(error, "findings", ())]
            seen[name] = {{"codes": codes, "error": str(error), "predictions": None}}
        else:
            predictions = np.asarray(model(x)).tolist()
            seen[name] = {{"codes": [], "error": None, "predictions": predictions}}
    seen[name]["warned"] = [str(w.message) for w in caught]
print(json.dumps(seen))
"""
"""Arguments: the ending, the situations as JSON, and the options of `load_model` as JSON."""

ENDINGS = (".keras", ".h5")
HOW = {"ours": {}, "plain": plain}
PARTIAL = ("partial activation", "partial in Activation", "partial loss", "partial metric")
"""What Keras refuses to save, in either format."""

SAVED = {
    "lambda layer": (["K201"], "K107"),
    "lambda activation": (["K201"], "K114"),
    "lambda loss": (["K201"], "K107"),
    "function": (["K201"], "R106"),
    "closures": (["K201", "K207"], "R106"),
    "closure as loss": (["K201", "K207"], "R106"),
    "class": (["K201"], "R107"),
    "registered class": (["K201"], "R107"),
    "model": (["K201"], "R107"),
    "namesake": (["K206"], None),
}
"""What is said of each when it is saved, and when another process loads it."""

IN_H5 = {"lambda loss": "R106", "class": "R106", "model": "R106"}
"""What is said there of a file that has bare names in place of what they are."""


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer) -> Script:
    """Run a program from a file, as Keras wants to quote the source of a lambda."""
    folder = tmp_path_factory.mktemp("scripts")

    def run(source: str, *argv: str | Path, **options: Any) -> Completed:
        path = folder / f"{hash_json(source).partition(':')[2]}.py"
        path.write_text(source, encoding="utf-8")
        code = f"import runpy; runpy.run_path({str(path)!r}, run_name='__main__')"
        return fork_server.run(code, argv=argv, **options)

    return run


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Where each way of saving puts its files."""
    return {how: tmp_path_factory.mktemp(how) for how in HOW}


@pytest.fixture(scope="module")
def saved(folders: dict[str, Path], script: Script) -> Seen:
    """What the script, run as `__main__`, sees of each save, with the hooks and without."""
    return {
        (how, ending): script(SAVE, ending, cwd=folders[how], env=HOW[how]).json()
        for how, ending in itertools.product(HOW, ENDINGS)
    }


@pytest.fixture(scope="module")
def loaded(saved: Seen, folders: dict[str, Path], fork_server: ForkServer) -> Seen:
    """What a process without the script sees of each load, with the hooks and without."""
    assert saved
    return {
        (how, ending): fork_server.run(
            LOAD, argv=[ending, json.dumps(list(SAVED)), "{}"], cwd=folders["ours"], env=HOW[how]
        ).json()
        for how, ending in itertools.product(HOW, ENDINGS)
    }


def sections(texts: dict[str, str]) -> str:
    """Return several texts as one, each under its name."""
    return "\n\n".join(f"--- {name}\n{text}" for name, text in texts.items())


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("name", SAVED)
def test_it_is_named_at_save(saved: Seen, name: str, ending: str) -> None:
    """What only this program has is named by one warning of each kind, in at most six lines."""
    seen = saved["ours", ending][name]

    assert seen["error"] is None
    assert seen["codes"] == SAVED[name][0]
    assert all(len(text.splitlines()) <= 6 for text in seen["warned"])


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("name", PARTIAL)
def test_what_keras_refuses_is_named_by_a_note(
    saved: Seen, folders: dict[str, Path], name: str, ending: str
) -> None:
    """A partial function stops the save with Keras's own error; one note adds the place."""
    ours, theirs = (saved[how, ending][name] for how in HOW)

    assert ours["error"] == theirs["error"] is not None
    assert theirs["notes"] == []
    assert len(ours["notes"]) == 1
    assert not (folders["ours"] / (name.replace(" ", "_") + ending)).exists()


@pytest.mark.parametrize("ending", ENDINGS)
def test_texts_at_save(saved: Seen, ending: str) -> None:
    """The whole texts: the object, its place, and what to do."""
    texts = {
        name: "\n".join(seen["warned"] + seen["notes"])
        for name, seen in saved["ours", ending].items()
    }

    check_golden(f"scenarios/p10_save{ending}", sections(texts))


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("name", SAVED)
def test_file_is_that_of_keras(
    saved: Seen, folders: dict[str, Path], name: str, ending: str
) -> None:
    """But for the manifest, the file has the config and the weights that plain Keras writes.

    In `.h5` there is more: which objects are one and the same, and how a subclassed model is built.
    """
    file = name.replace(" ", "_") + ending
    ours, theirs = (folders[how] / file for how in HOW)

    assert saved
    described, wanted = (without_sharing(read_configs(path)) for path in (ours, theirs))
    if (name, ending) == ("model", ".h5"):
        del described["model_config"]["build_config"]
    assert described == wanted
    assert weights_in(ours) == weights_in(theirs) != {}


def read_configs(path: Path) -> dict[str, Any]:
    """Return the configs in a model file, by name."""
    if path.suffix == ".keras":
        return {"config": read_document(path, "config.json")}
    with h5py.File(path) as file:
        names = {"model_config", "training_config"} & set(file.attrs)
        return {name: json.loads(file.attrs[name]) for name in names}


def without_sharing(node: Any) -> Any:
    """Return a config without the marks of what is shared."""
    if isinstance(node, list):
        return [without_sharing(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {k: without_sharing(v) for k, v in node.items() if k != "shared_object_id"}


def weights_in(path: Path) -> dict[str, Any]:
    """Return the arrays of a model file, by their paths in it."""
    source: Any = path
    if path.suffix == ".keras":
        with zipfile.ZipFile(path) as archive:
            source = io.BytesIO(archive.read("model.weights.h5"))
    found: dict[str, Any] = {}

    def keep(place: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and not place.startswith("keras_registry"):
            found[place] = item[()].tolist()

    with h5py.File(source) as file:
        file.visititems(keep)
    return found


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("name", SAVED)
def test_another_process_is_told(loaded: Seen, name: str, ending: str) -> None:
    """A process without the script is told which object it lacks, in at most eight lines."""
    seen = loaded["ours", ending][name]
    wanted = IN_H5.get(name, SAVED[name][1]) if ending == ".h5" else SAVED[name][1]

    assert seen["codes"] == ([] if wanted is None else [wanted])
    assert len((seen["error"] or "").splitlines()) <= 8


@pytest.mark.parametrize("ending", ENDINGS)
def test_texts_at_load(loaded: Seen, ending: str) -> None:
    """The whole texts, without the line at the end that is Keras's own."""
    texts = {
        name: "\n".join(
            line for line in seen["error"].splitlines() if line.startswith((" ", name.split()[0]))
        )
        for name, seen in loaded["ours", ending].items()
        if seen["error"] is not None
    }

    check_golden(f"scenarios/p10_load{ending}", sections(texts))


@pytest.mark.parametrize("ending", ENDINGS)
def test_commands_name_a_lambda_as_activation(
    saved: Seen, folders: dict[str, Path], fork_server: ForkServer, ending: str
) -> None:
    """`verify` says before a load that the file has no future, and `inspect` lists the place."""
    path = folders["ours"] / f"lambda_activation{ending}"

    verified = forked_command(fork_server, "verify", path)
    inspected = forked_command(fork_server, "inspect", path).check()

    assert saved
    assert verified.returncode == 1
    assert "  K114 error    the model has a lambda as activation" in verified.stdout
    assert '  lambda         layers[1] "doubling".activation\n' in inspected.stdout


# --- plain Keras -----------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ENDINGS)
def test_plain_keras_is_silent_at_save(saved: Seen, ending: str) -> None:
    """Plain Keras saves all of it without a word but on lambdas, of which it says what is wrong.

    It asks for `safe_mode=False`, with which an activation is not loaded either.
    """
    spoken = {name for name in SAVED if saved["plain", ending][name]["others"]}

    wanted = {"lambda activation", "lambda loss"} if ending == ".keras" else {"lambda activation"}
    assert spoken == wanted
    [text] = saved["plain", ending]["lambda activation"]["others"]
    assert "you will have to pass `safe_mode=False`" in text
    assert "layers[" not in text


@pytest.mark.parametrize("ending", ENDINGS)
def test_plain_keras_puts_its_own_function_in_place(saved: Seen, loaded: Seen, ending: str) -> None:
    """A program's own `relu` comes back as Keras's, without a word, and predicts another thing."""
    before = saved["plain", ending]["namesake"]
    after = loaded["plain", ending]["namesake"]

    assert (before["others"], after["warned"], after["error"]) == ([], [], None)
    assert not np.allclose(before["predictions"], after["predictions"])


@pytest.mark.parametrize("ending", ENDINGS)
def test_plain_keras_names_no_place(loaded: Seen, ending: str) -> None:
    """With the hooks off each of the others stops as well, and none of the texts has a place."""
    texts = [seen["error"] for seen in loaded["plain", ending].values() if seen["error"]]

    assert len(texts) == len(SAVED) - 1
    assert not any("layers[1]" in text.partition("config=")[0] for text in texts)


@pytest.mark.parametrize("ending", ENDINGS)
def test_no_option_loads_a_lambda_as_activation(
    saved: Seen,
    folders: dict[str, Path],
    fork_server: ForkServer,
    ending: str,
) -> None:
    """With `safe_mode=False` plain Keras loads the layer with a lambda, and no such activation."""
    names = ["lambda layer", "lambda activation"]
    argv = [ending, json.dumps(names), json.dumps({"safe_mode": False})]
    ours, theirs = (
        fork_server.run(LOAD, argv=argv, cwd=folders["ours"], env=env).json()
        for env in HOW.values()
    )

    assert saved
    assert (theirs["lambda layer"]["error"], ours["lambda layer"]["error"]) == (None, None)
    assert theirs["lambda activation"]["error"] is not None
    assert ours["lambda activation"]["codes"] == ["K114"]


MEND = f"""{SCRIPT}
keras.utils.set_random_seed(77)
model = small(Dense(3, activation=double, name="doubling"))
model.load_weights(sys.argv[1])
x = {X}
print(json.dumps(np.asarray(model(x)).tolist()))
"""


@pytest.mark.parametrize("ending", ENDINGS)
def test_hint_for_a_lambda_as_activation(
    saved: Seen,
    folders: dict[str, Path],
    script: Script,
    ending: str,
) -> None:
    """A model that is built anew with a function gets the weights, and predicts as it did."""
    path = folders["ours"] / f"lambda_activation{ending}"

    done = script(MEND, path).json()

    np.testing.assert_allclose(
        done, saved["ours", ending]["lambda activation"]["predictions"], rtol=1e-6
    )


CLOSURES = f"""{SCRIPT}
x = {X}
_REGISTER_
first, second = times(2.0), times(5.0)
model = small(Dense(3, activation=first, name="a"), Dense(3, activation=second, name="b"))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
    model.save(sys.argv[1])
    again = keras.saving.load_model(sys.argv[1], _OPTIONS_)
print(json.dumps({{
    "codes": [w.message.finding.code for w in caught if hasattr(w.message, "finding")],
    "warned": [str(w.message) for w in caught],
    "same": bool(np.allclose(model(x), again(x))),
}}))
"""

REGISTERING = """
plain_times = times
def times(factor):
    return keras_registry.register("mine")(plain_times(factor))
"""


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("is_registered", [False, True], ids=["given", "registered"])
def test_plain_keras_gives_all_closures_one_value(
    script: Script, tmp_path: Path, ending: str, is_registered: bool
) -> None:
    """Two closures of one name come back as one, also if registered: silent there, warned of here.

    The model is loaded where it was saved, so that the name is found.
    """
    program = CLOSURES.replace("_REGISTER_", REGISTERING if is_registered else "")
    options = "" if is_registered else "custom_objects=dict(scaled=times(5.0))"
    program = program.replace("_OPTIONS_", options)
    ours, theirs = (
        script(program, tmp_path / f"{how}{ending}", env=HOW[how]).json() for how in HOW
    )

    assert theirs == {"codes": [], "warned": [], "same": False}
    assert ours["codes"] == ["K201", "K207"]
    if is_registered:
        check_golden("scenarios/p10_registered", "\n".join(ours["warned"]))


def test_functions_that_come_back_are_not_named(fork_server: ForkServer, tmp_path: Path) -> None:
    """Nothing is said of what is found again: decorated functions, TensorFlow's own, Keras's."""
    done = fork_server.run(
        f"""{SCRIPT}
def loud(function):
    level = 3.0
    @functools.wraps(function)
    def wrapper(x):
        return level * function(x)
    return wrapper

@keras_registry.register("theirs")
@loud
def shout(x):
    return keras.ops.tanh(x)

activations = [shout, keras.activations.relu, "gelu"]
if keras.backend.backend() == "tensorflow":
    import tensorflow as tf
    activations += [tf.nn.relu, tf.nn.gelu]
model = small(*(Dense(3, activation=a) for a in activations), loss="mean_squared_error")
model.layers[0].measure = times(3.0)  # is no part of its config
model.fit(np.ones((2, 3)), np.ones((2, 2)), verbose=0)  # which makes closures of Keras's own
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    model.save(sys.argv[1])
print(json.dumps([w.message.finding.code for w in caught if hasattr(w.message, "finding")]))
""",
        argv=[tmp_path / "model.keras"],
    )

    assert done.json() == ["K201"]  # `shout` is of this program, but it is what its name says


def test_real_script(tmp_path: Path) -> None:
    """A script in a file, run by a new interpreter, gets the same text, on its own line."""
    script = tmp_path / "train.py"
    script.write_text(
        f'{SCRIPT}\nwarnings.simplefilter("ignore", DeprecationWarning)\n'
        'MODELS["class"]().save("model.keras")  # the line\n',
        encoding="utf-8",
    )

    done = run_python(
        f"import runpy; runpy.run_path({str(script)!r}, run_name='__main__')", cwd=tmp_path
    ).check()

    line = (
        script.read_text(encoding="utf-8")
        .splitlines()
        .index('MODELS["class"]().save("model.keras")  # the line')
    )
    assert done.messages.startswith(f"{script}:{line + 1}: KerasRegistryWarning: save\n  K201")
    text = done.messages.partition("Warning: ")[2]
    check_golden("scenarios/p10_script", "\n".join(text.splitlines()[:-1]))
