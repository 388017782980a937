"""S04: a compiled model comes back as it was, and training goes on; what cannot come back is named.

In ``.keras`` Keras restores what `compile` was given by itself, so that the hooks change nothing
there. They do for what a program set afterwards, and for all of ``.h5``.
"""

from __future__ import annotations

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
x = np.linspace(-1, 1, 48, dtype="float32").reshape(12, 4)
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
    '''The losses and metrics of two epochs.'''
    targets = [y, y] if len(model.outputs) > 1 else y
    return model.fit(x, targets, batch_size=4, epochs=2, shuffle=False, verbose=0).history


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
        net("a", "b"), "adam", loss={"a": "mse", "b": "crossentropy"}, loss_weights={"a": 0.3, "b": 0.7},
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

NAMES = ("names", "objects", "custom", "scaled")


def run(fork_server: ForkServer, folder: Path, *parts: str, argv: Any = (), **options: Any) -> Any:
    """Run a program after the prelude, in a folder, and return the JSON that it prints."""
    code = "\n".join([PRELUDE, *parts])
    return fork_server.run(code, argv=argv, cwd=folder, **options).json()


@pytest.mark.parametrize("ending", [".keras", ".h5", ""], ids=["keras", "h5", "folder"])
def test_training_goes_on(fork_server: ForkServer, tmp_path: Path, ending: str) -> None:
    """Optimizer, losses, metrics and settings are back, and the next losses are the same."""
    found = run(fork_server, tmp_path, MODELS, ROUND_TRIP, argv=[ending, *NAMES])

    restored = {
        "said": [],
        "same state": True,
        "same training": True,
        "codes": [],
        "verified": ["layers", "optimizer"],
    }
    assert found == dict.fromkeys(NAMES, restored)
