"""Write model files as Keras 2 wrote them, in TensorFlow 2.12 to 2.15, with custom layers.

Nothing of ours is needed or used. Each release takes an environment of its own (Python 3.11):

    uv venv venv && uv pip install --python venv "tensorflow-cpu==2.15.*"
    venv/bin/python scripts/keras2_files.py tests/compat

The files go to a folder named after the release of Keras, `keras-2.15.0`. They are made once and
kept.
"""

from __future__ import annotations

import os
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras as _keras
import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    from collections.abc import Callable

keras = tf.keras
layers = keras.layers

RELEASE = _keras.__version__
WITH_ALL, WITHOUT_NETWORK = "2.15.0", "2.13.1"
"""The release whose folder has every model, and the one that wrote them as an earlier one did."""

SOURCE = '''\
"""The objects of the models, as somebody wrote them for TensorFlow 2."""

import tensorflow as tf


def squash(x):
    return x / (1.0 + tf.abs(x))


def gap(y_true, y_pred):
    return tf.reduce_mean(tf.abs(y_true - y_pred), axis=-1)


class Gate(tf.keras.layers.Layer):
    def __init__(self, units, activation="tanh", **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.activation = tf.keras.activations.get(activation)

    def build(self, input_shape):
        shape = (input_shape[-1], self.units)
        self.kernel = self.add_weight(shape=shape, name="kernel")
        self.gate = self.add_weight(shape=shape, name="gate")

    def call(self, inputs):
        return self.activation(inputs @ self.gate) * (inputs @ self.kernel)

    def get_config(self):
        activation = tf.keras.activations.serialize(self.activation)
        return {**super().get_config(), "units": self.units, "activation": activation}


class Share(tf.keras.metrics.Metric):
    def __init__(self, tolerance=0.1, **kwargs):
        super().__init__(**kwargs)
        self.tolerance = tolerance
        self.hits = self.add_weight(name="hits", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        close = tf.abs(y_true - y_pred) <= self.tolerance
        self.hits.assign_add(tf.reduce_sum(tf.cast(close, "float32")))

    def result(self):
        return self.hits

    def get_config(self):
        return {**super().get_config(), "tolerance": self.tolerance}
'''


def make_objects(module: str) -> Any:
    """Return the classes and functions as members of a module."""
    made = types.ModuleType(module)
    sys.modules[module] = made
    exec(compile(SOURCE, module, "exec"), made.__dict__)  # noqa: S102 - the text above
    return made


def make_custom(objects: Any, optimizer: str) -> Any:
    """Return a compiled model of these objects, trained a little."""
    parts = [
        layers.Input((4,)),
        objects.Gate(3, name="first"),
        objects.Gate(2, activation=objects.squash, name="second"),
        layers.Dense(2, activation="relu", name="middle"),
        layers.Dense(1, activation=objects.squash, name="head"),
    ]
    model = keras.Sequential(parts, name="before")
    model.compile(optimizer, loss=objects.gap, metrics=[objects.Share(0.5)])
    return trained(model)


def make_network(objects: Any) -> Any:
    """Return a functional model of layers that Keras 3 writes otherwise, and of a custom one."""
    part = layers.Input((8,))
    inner = keras.Model(part, layers.Dense(3)(layers.Dense(4, "relu")(part)), name="inner")
    inputs = layers.Input((5, 8), name="inputs")
    x = layers.MultiHeadAttention(2, 4)(inputs, inputs)
    x = layers.BatchNormalization()(layers.Add()([x, inputs]))
    x = layers.Conv1DTranspose(8, 2)(layers.LeakyReLU(0.2)(x))
    x = layers.Bidirectional(layers.GRU(4))(x)
    x = layers.Concatenate()([inner(x), objects.Gate(2, name="gate")(x)])
    return keras.Model(inputs, layers.Dense(1)(x), name="network")


def make_operations() -> Any:
    """Return a model with operations of TensorFlow between its layers."""
    inputs = layers.Input((4,))
    return keras.Model(inputs, layers.Dense(1)(tf.nn.relu(layers.Dense(4)(inputs)) * 2.0 + inputs))


def make_decaying() -> Any:
    """Return a model whose optimizer is one of those before Keras 2.11, with a decay."""
    model = keras.Sequential([layers.Input((4,)), layers.Dense(1)])
    model.compile(keras.optimizers.legacy.SGD(0.1, decay=0.5), "mse", ["mae"])
    return trained(model)


def make_sigmoid() -> Any:
    """Return a model of a function that Keras 3 computes in another way."""
    return keras.Sequential([layers.Input((4,)), layers.Dense(2, "hard_sigmoid")])


def trained(model: Any) -> Any:
    """Return a model after two steps, so that it has a state."""
    random = np.random.default_rng(3)
    x = random.normal(size=(8, 4)).astype("float32")
    model.fit(x, np.ones((8, 1), "float32"), batch_size=4, verbose=0, shuffle=False)
    return model


def save(model: Any, path: Path) -> None:
    """Write a model in each format, and its predictions; `path` has no ending."""
    x = np.random.default_rng(2).normal(size=(3, *model.input_shape[1:])).astype("float32")
    np.savez(path.with_suffix(".npz"), x=x, predictions=model.predict(x, verbose=0))
    model.save(path.with_suffix(".h5"))
    # Up to 2.12 the ending alone gave an HDF5 file.
    is_first = RELEASE.startswith("2.12")
    model.save(path.with_suffix(".keras"), save_format="keras_v3" if is_first else "keras")


def main() -> None:
    """Write the files of the Keras in use."""
    folder = Path(sys.argv[1]) / f"keras-{RELEASE}"
    folder.mkdir(parents=True)
    plain = make_objects("acme_before")
    models: dict[str, Callable[[], Any]] = {"module": lambda: make_custom(plain, "sgd")}
    if RELEASE == WITH_ALL:
        models |= {
            "operations": make_operations,
            "decaying": make_decaying,
            "sigmoid": make_sigmoid,
        }
    registered = make_objects("acme_registered")
    for name in ("Gate", "Share", "squash", "gap"):
        keras.utils.register_keras_serializable("acme")(getattr(registered, name))
    models["registered"] = lambda: make_custom(registered, "adam")
    if RELEASE != WITHOUT_NETWORK:
        models["network"] = lambda: make_network(registered)
    for name, make in models.items():
        keras.backend.clear_session()
        keras.utils.set_random_seed(1)
        save(make(), folder / name)
    for path in sorted(folder.iterdir()):
        print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
