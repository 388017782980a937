"""S04: a compiled model comes back as it was, and training goes on; what cannot come back is named.

In ``.keras`` Keras restores what `compile` was given by itself, so that the hooks change nothing
there. They do for what a program set afterwards, and for all of ``.h5``.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest

from tests.scenarios.observing import QUIET, normalised, plain
from tests.support.golden import check_golden

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.processes import ForkServer

PRELUDE = f"""\
{QUIET}
import json, sys, warnings

import keras
import numpy as np

import keras_registry

# TensorFlow's, whenever Keras turns one of its variables into an array under NumPy 2.
warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
if keras.backend.backend() == "tensorflow":
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)  # tracing would take seconds for each model
losses, metrics, optimizers = keras.losses, keras.metrics, keras.optimizers
x = np.linspace(-1, 1, 32, dtype="float32").reshape(8, 4)
y = (x.sum(axis=1, keepdims=True) > 0).astype("float32")


@keras_registry.register("acme")
class Slow(optimizers.SGD):
    pass


@keras_registry.register("acme")
class Gap(losses.Loss):
    def __init__(self, power: float = 2.0, **kwargs):
        super().__init__(**kwargs)
        self.power = power
    def call(self, y_true, y_pred):
        return keras.ops.mean(keras.ops.abs(y_true - y_pred) ** self.power, axis=-1)


@keras_registry.register("acme")
def far(y_true, y_pred):
    return keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)


def net(*outputs, between=()):
    keras.utils.set_random_seed(4)
    inputs = keras.layers.Input((4,))
    hidden = keras.layers.Dense(3, activation="tanh", name="hidden")(inputs)
    for layer in between:
        hidden = layer(hidden)
    made = [keras.layers.Dense(1, "sigmoid", name=name)(hidden) for name in outputs]
    return keras.Model(inputs, made if len(made) > 1 else made[0])


def train(model):
    '''The losses and metrics of two steps.'''
    targets = [y, y] if len(model.outputs) > 1 else y
    steps = [model.train_on_batch(x, targets, return_dict=True) for _ in range(2)]
    return [{{name: float(value) for name, value in step.items()}} for step in steps]


def state(model):
    arrays = [np.asarray(variable).tolist() for variable in model.optimizer.variables]
    return [type(model.optimizer).__name__, model.optimizer.get_config(), arrays,
            model.run_eagerly, model.steps_per_execution, model.jit_compile]


def told(call, *args, **kwargs):
    '''What a call returns, and of what it warns.'''
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        result = call(*args, **kwargs)
    kept = [w.message for w in caught if "K201" not in str(w.message)]  # objects of this program
    return result, list(map(str, kept))


def save(model, path):
    return told(model.save, path, **({{}} if "." in path else {{"zipped": False}}))[1]


def codes(model):
    report = keras_registry.report(model)
    return [] if report is None else [item.code for item in report.findings if item.code != "R303"]
"""

MODELS = """
def compiled(model, *args, **kwargs):
    model.compile(*args, **kwargs)
    train(model)
    return model


MAKE = {
    "names": lambda: compiled(
        net("a", "b"),
        "adam",
        loss={"a": "mse", "b": "crossentropy"},
        loss_weights={"a": 0.3, "b": 0.7},
        metrics={"a": ["mae", "AUC"], "b": "accuracy"}, weighted_metrics={"b": ["mse"]},
    ),
    "objects": lambda: compiled(
        net("a", "b"),
        optimizers.AdamW(optimizers.schedules.ExponentialDecay(0.1, 2, 0.5), clipnorm=1.0,
                         use_ema=True, ema_overwrite_frequency=4),
        loss=[losses.Huber(0.5), losses.mean_absolute_error], loss_weights=[0.25, 0.75],
        metrics=[[metrics.BinaryAccuracy("hits", threshold=0.4)], [metrics.mean_squared_error]],
        steps_per_execution=2,
    ),
    "custom": lambda: compiled(
        net("a"), Slow(0.1, momentum=0.9, gradient_accumulation_steps=2), loss=Gap(3.0),
        metrics=[far, Gap(1.5)], run_eagerly=True,
    ),
    "scaled": lambda: compiled(
        net("a"), optimizers.LossScaleOptimizer(optimizers.Adam(0.1), initial_scale=8.0),
        loss=far, jit_compile=False,
    ),
}
"""

ROUND_TRIP = """
found = {}
for name in sys.argv[2:]:
    model = MAKE[name]()
    path = f"{name}{sys.argv[1]}"
    said = save(model, path)
    before = state(model)
    try:
        again, heard = told(keras.saving.load_model, path)
        report = keras_registry.report(again)
        found[name] = {
            "said": said + heard,
            "same state": state(again) == before,
            "same training": train(again) == train(model),
            "codes": codes(again),
            "verified": report and report.verified,
        }
    except Exception as error:
        found[name] = f"{type(error).__name__}: {str(error).splitlines()[0]}"
print(json.dumps(found))
"""


def run(fork_server: ForkServer, folder: Path, *parts: str, argv: Any = (), **options: Any) -> Any:
    """Run a program after the prelude, in a folder, and return the JSON that it prints."""
    code = "\n".join([PRELUDE, *parts])
    return fork_server.run(code, argv=argv, cwd=folder, **options).json()


def check_texts(name: str, texts: list[str]) -> None:
    """Check what was said against a golden text."""
    text = normalised("\n\n".join(texts))
    check_golden(f"scenarios/s04_{name}", text, replace={version("keras"): "VERSION"})


@pytest.mark.parametrize(
    ("ending", "names"),
    [
        (".keras", ("names", "objects", "custom", "scaled")),
        (".h5", ("names", "objects", "custom", "scaled")),
        ("", ("objects",)),
    ],
    ids=["keras", "h5", "folder"],
)
def test_training_goes_on(
    fork_server: ForkServer, tmp_path: Path, ending: str, names: tuple[str, ...]
) -> None:
    """Optimizer, losses, metrics and settings are back, and the next losses are the same."""
    found = run(fork_server, tmp_path, MODELS, ROUND_TRIP, argv=[ending, *names])

    restored = {
        "said": [],
        "same state": True,
        "same training": True,
        "codes": [],
        "verified": ["layers", "optimizer"],
    }
    assert found == dict.fromkeys(names, restored)


def test_plain_keras_in_h5(fork_server: ForkServer, tmp_path: Path) -> None:
    """Plain Keras reads few of these, gives other names to metrics and drops the optimizer."""
    argv = [".h5", "names", "objects", "custom", "scaled"]
    found = run(fork_server, tmp_path, MODELS, ROUND_TRIP, argv=argv, env=plain)

    errors = {name: text.partition(":")[0] for name, text in found.items()}
    assert errors == dict.fromkeys(argv[1:], "ValueError")


CHANGED = """
def other_optimizer(model):
    model.optimizer = optimizers.SGD(0.5, momentum=0.5)
    model.optimizer.build(model.trainable_variables)


def other_settings(model):
    model.run_eagerly, model.steps_per_execution = True, 2


found = {}
for change in (other_optimizer, other_settings):
    for ending in (".keras", ".h5"):
        model = compiled(net("a"), "adam", "mean_squared_error")
        change(model)
        said = save(model, f"changed{ending}")
        again, heard = told(keras.saving.load_model, f"changed{ending}")
        found[f"{change.__name__}{ending}"] = [state(again) == state(model), said + heard]
print(json.dumps(found))
"""


def test_what_was_set_after_compile(fork_server: ForkServer, tmp_path: Path) -> None:
    """A file has the optimizer and the settings that the model has, not those it was given."""
    ours = run(fork_server, tmp_path, MODELS, CHANGED)
    theirs = run(fork_server, tmp_path, MODELS, CHANGED, env=plain)

    assert all(found == [True, []] for found in ours.values())
    assert {name for name, (is_same, _) in theirs.items() if is_same} == set()
    assert {name for name, (_, said) in theirs.items() if said} == {"other_optimizer.keras"}


LEFT_OUT = """
found = {}
for ending in (".keras", ".h5"):
    model = net("a")
    gap = losses.Huber(0.25, dtype="float16")
    model.compile("sgd", gap, metrics=[metrics.CosineSimilarity(axis=0)])
    save(model, f"left{ending}")
    again = keras.saving.load_model(f"left{ending}")
    [metric] = again._compile_metrics._user_metrics
    found[ending] = [again.loss._fn_kwargs, again.loss.dtype, metric._fn_kwargs]
print(json.dumps(found))
"""


def test_arguments_that_keras_leaves_out(fork_server: ForkServer, tmp_path: Path) -> None:
    """Plain Keras loses `delta` of Huber, `axis` of CosineSimilarity and the dtype of a loss."""
    ours = run(fork_server, tmp_path, LEFT_OUT)
    theirs = run(fork_server, tmp_path, LEFT_OUT, env=plain)

    kept, lost = (
        [{"delta": 0.25}, "float16", {"axis": 0}],
        [{"delta": 1.0}, "float32", {"axis": -1}],
    )
    assert ours == {".keras": kept, ".h5": kept}
    assert theirs == {".keras": lost, ".h5": lost}


UNTRAINED = """
model = net("a")
model.compile("adam", "mean_squared_error")
found = {}
for ending in (".keras", ".h5"):
    save(model, f"new{ending}")
    again, heard = told(keras.saving.load_model, f"new{ending}")
    found[ending] = [heard, codes(again)]
print(json.dumps(found))
"""


def test_nothing_to_restore(fork_server: ForkServer, tmp_path: Path) -> None:
    """A model that was compiled and never trained comes back in silence: plain Keras warns."""
    ours = run(fork_server, tmp_path, UNTRAINED)
    theirs = run(fork_server, tmp_path, UNTRAINED, env=plain)

    assert ours == {".keras": [[], []], ".h5": [[], []]}
    [said] = theirs[".keras"][0]
    assert said.startswith("Skipping variable loading for optimizer")


LIMITS = """
@keras_registry.register("acme")
class Noted(keras.layers.Dense):
    '''Saves a number besides its variables.'''
    note = 1.0
    def save_own_variables(self, store):
        super().save_own_variables(store)
        store["note"] = np.asarray(self.note)
    def load_own_variables(self, store):
        self.note = float(np.asarray(store["note"]))
        super().load_own_variables({name: store[name] for name in ("0", "1")})


@keras_registry.register("acme")
class Tally(metrics.Mean):
    '''A metric whose state is saved.'''
    def save_own_variables(self, store):
        store["total"] = self.total
    def load_own_variables(self, store):
        self.total.assign(store["total"])


@keras_registry.register("acme")
class Counting(keras.layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.tally = Tally(name="tally")
    def call(self, inputs):
        return inputs


@keras_registry.register("acme")
class Two(keras.Model):
    '''A model with an optimizer beside that of `compile`, and an argument of its own there.'''
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.head = keras.layers.Dense(1, name="head")
        self.second = optimizers.SGD(0.1, momentum=0.5, name="second")
    def build(self, shape):
        self.head.build(shape)
        self.second.build(self.head.trainable_variables)
        self.built = True
    def call(self, inputs):
        return self.head(inputs)
    def compile(self, *args, pace=1.0, **kwargs):
        super().compile(*args, **kwargs)
        self.pace = pace


noted = net("a", between=[Noted(3, name="noted"), Counting(name="counting")])
noted.compile("adam", "mean_squared_error")
noted.get_layer("noted").note = 7.0
noted.get_layer("counting").tally.total.assign(3.0)
two = Two(name="two")
two.build((None, 4))
two.compile("sgd", "mean_squared_error", pace=2.0)
two.second.variables[-1].assign([9.0])
said = save(noted, "noted.h5") + save(two, "two.h5")
heard = []
for name in ("noted.h5", "two.h5"):
    try:
        again, texts = told(keras.saving.load_model, name)
        heard += [*texts, "loaded"]
    except Exception as error:
        heard.append(str(error))
save(noted, "noted.keras")
again = keras.saving.load_model("noted.keras")
kept = [again.get_layer("noted").note, float(np.asarray(again.get_layer("counting").tally.total))]
print(json.dumps([said, heard, kept, codes(again)]))
"""


def test_what_h5_has_no_place_for(fork_server: ForkServer, tmp_path: Path) -> None:
    """What a ``.h5`` file drops is named at save, and weights among it again at load."""
    said, heard, kept, codes = run(fork_server, tmp_path, LIMITS)

    check_texts("h5_limits", said)
    check_texts("h5_limits_at_load", heard)
    assert (kept, codes) == ([7.0, 3.0], [])  # in `.keras`, which has a place for all of it


def test_plain_keras_drops_it_without_a_word(fork_server: ForkServer, tmp_path: Path) -> None:
    """Plain Keras says nothing when it saves these, and loads what it can of the rest."""
    said, heard, _, _ = run(fork_server, tmp_path, LIMITS, env=plain)

    assert said == []
    assert heard[0] == "loaded"


NAMED = """
decaying = optimizers.AdamW(0.1, weight_decay=0.5, name="decaying")
decaying.exclude_from_weight_decay(var_names=["bias"])
model = net("a")
model.compile(decaying, "mean_squared_error")
said = save(model, "decaying.keras") + save(model, "decaying.h5")

model = compiled(net("a", between=[keras.layers.Dropout(0.5, name="drop")]), "sgd", "mse")
save(model, "random.keras")
again, texts = told(keras.saving.load_model, "random.keras")
report = str(keras_registry.report(again))
is_same = train(again) == train(model)

model = compiled(net("a"), "adam", "mean_squared_error")
save(model, "scaled.keras")
keras.config.set_dtype_policy("mixed_float16")
again, texts_scaled = told(keras.saving.load_model, "scaled.keras")
keras.config.set_dtype_policy("float32")

model = net("a")
model.compile("adam", "nope", metrics=["mae", "none"])
model.optimizer.build(model.trainable_variables)
save(model, "unknown.keras")
again, texts_unknown = told(keras.saving.load_model, "unknown.keras")

model = net("a")
model.compile(None, "mean_squared_error")
save(model, "without.keras")
try:
    keras.saving.load_model("without.keras")
    error = None
except Exception as raised:
    error = str(raised)
print(json.dumps([said, texts, report, is_same, texts_scaled, texts_unknown, error]))
"""


def test_what_no_file_keeps(fork_server: ForkServer, tmp_path: Path) -> None:
    """What neither Keras nor we can restore is named, at save or at load; Keras names nothing."""
    said, texts, report, is_same, scaled, unknown, error = run(fork_server, tmp_path, MODELS, NAMED)

    check_texts("decay", said[:1])
    assert [text.splitlines()[1] for text in said] == [said[0].splitlines()[1]] * 2
    check_texts("random", [report])
    assert (texts, is_same) == ([], False)
    check_texts("scaled", scaled)
    check_texts("unknown", unknown)
    check_texts("without_optimizer", [error])
    theirs = run(fork_server, tmp_path, MODELS, NAMED, env=plain)
    assert (theirs[0], theirs[1], theirs[3], theirs[5]) == ([], [], False, [])
    assert theirs[6] == "'NoneType' object has no attribute 'build'"
