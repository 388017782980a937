"""Write model files as releases of Keras from before today's wrote them, with no plugin in sight.

The classes and functions are plain ones: nothing is registered, except in `registered.keras`. Run
it in an environment that has the Keras in question and one of its backends, and nothing of ours:

    uv venv /somewhere && uv pip install --python /somewhere "keras==3.6.0" "jax==0.4.35"
    KERAS_BACKEND=jax /somewhere/bin/python scripts/compat_files.py tests/compat

The files go to a folder named after the release, `keras-3.6.0`. They are made once and kept.
"""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import keras
import numpy as np

SOURCE = '''\
"""The objects of the models, as a module that somebody wrote before there was a plugin."""

import keras


def squash(x):
    return x / (1 + keras.ops.abs(x))


def gap(y_true, y_pred):
    return keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)


class Gate(keras.layers.Layer):
    def __init__(self, units, activation="tanh", **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.activation = keras.activations.get(activation)

    def build(self, input_shape):
        shape = (input_shape[-1], self.units)
        self.kernel = self.add_weight(shape=shape, name="kernel")
        self.gate = self.add_weight(shape=shape, name="gate")

    def call(self, inputs):
        gate = self.activation(keras.ops.matmul(inputs, self.gate))
        return gate * keras.ops.matmul(inputs, self.kernel)

    def get_config(self):
        activation = keras.activations.serialize(self.activation)
        return {**super().get_config(), "units": self.units, "activation": activation}


class Share(keras.metrics.Metric):
    def __init__(self, tolerance=0.1, **kwargs):
        super().__init__(**kwargs)
        self.tolerance = tolerance
        self.hits = self.add_variable(shape=(), initializer="zeros", name="hits")

    def update_state(self, y_true, y_pred, sample_weight=None):
        close = keras.ops.abs(y_true - y_pred) <= self.tolerance
        self.hits.assign_add(keras.ops.sum(keras.ops.cast(close, "float32")))

    def result(self):
        return self.hits

    def get_config(self):
        return {**super().get_config(), "tolerance": self.tolerance}
'''


def make_objects(module: str) -> Any:
    """Return the classes and functions as members of a module.

    Args:
        module: Its name; `__main__` for a notebook's own objects.
    """
    made = types.ModuleType(module)
    if module != "__main__":
        sys.modules[module] = made
    exec(compile(SOURCE, module, "exec"), made.__dict__)  # noqa: S102 - the text above
    return made


def make_model(objects: Any) -> Any:
    """Return a compiled model of these objects."""
    keras.utils.set_random_seed(1)
    model = keras.Sequential(
        [
            keras.layers.Input((4,)),
            objects.Gate(3, name="first"),
            objects.Gate(2, activation=objects.squash, name="second"),
            keras.layers.Dense(1, activation=objects.squash, name="head"),
        ],
        name="before",
    )
    model.compile("sgd", loss=objects.gap, metrics=[objects.Share(0.5)])
    model.optimizer.build(model.trainable_variables)
    return model


def save(model: Any, path: Path, x: Any) -> None:
    """Write a model in each format, and its predictions; `path` has no ending."""
    for suffix in (".keras", ".h5"):
        model.save(path.with_suffix(suffix))
    np.savez(path.with_suffix(".npz"), x=x, predictions=model.predict(x, verbose=0))


def main() -> None:
    """Write the files of the Keras in use."""
    folder = Path(sys.argv[1]) / f"keras-{keras.__version__}"
    folder.mkdir(parents=True)
    x = np.random.default_rng(2).normal(size=(5, 4)).astype("float32")
    for name, module in (("module", "acme_before"), ("notebook", "__main__")):
        save(make_model(make_objects(module)), folder / name, x)
    (folder / "notebook.h5").unlink()  # the same as module.h5: the format names no module
    objects = make_objects("acme_registered")
    for name in ("Gate", "Share", "squash", "gap"):
        keras.saving.register_keras_serializable("acme")(getattr(objects, name))
    save(make_model(objects), folder / "registered", x)
    for path in sorted(folder.iterdir()):
        print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
