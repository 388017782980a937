"""S20: a layer as most people write it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.conftest import SavedModel
from tests.scenarios.observing import observe, plain
from tests.support.distributions import PluginProject
from tests.support.processes import run_python

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.processes import ForkServer

    Shelf = Callable[[PluginProject], Path]

PLAINLY = '''\
import keras
import tensorflow as tf

from keras_registry import register


@register("acme")
class NoKwargs(keras.layers.Layer):
    """No `**kwargs`, no `get_config`."""

    def __init__(self, units):
        super().__init__()
        self.units = units

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")

    def call(self, inputs):
        return keras.ops.matmul(inputs, self.kernel)


@register("acme")
class NoInit(keras.layers.Layer):
    """No constructor at all."""

    def build(self, input_shape):
        self.gain = self.add_weight(shape=(input_shape[-1],), name="gain")

    def call(self, inputs):
        return inputs * self.gain


@register("acme")
class NoConfig(keras.layers.Layer):
    """Keyword arguments are passed on, and there is no `get_config`."""

    def __init__(self, units=2, rates=(0.5, 0.25), **kwargs):
        super().__init__(**kwargs)
        self.units, self.rates = units, rates
        assert isinstance(rates, tuple)

    def call(self, inputs):
        return keras.ops.repeat(inputs, self.units, axis=-1) * self.rates[0]


@register("acme")
class WithTensorFlow(keras.layers.Layer):
    """TensorFlow's own functions inside."""

    def __init__(self, units):
        super().__init__()
        self.dense = keras.layers.Dense(units)

    def build(self, input_shape):
        self.dense.build(input_shape)

    def call(self, inputs):
        norm = tf.nn.l2_normalize(inputs[:, :1], axis=-1)
        return tf.nn.swish(self.dense(inputs)) + tf.cast(norm, "float32")


@register("acme")
class Inherited(keras.layers.Dense):
    """A Dense with another call."""

    def call(self, inputs):
        return -super().call(inputs)


@register("acme")
class Fixed(keras.layers.Dense):
    """A Dense whose units its constructor fixes."""

    def __init__(self, sign):
        super().__init__(3, activation="tanh")
        self.sign = sign

    def call(self, inputs):
        return self.sign * super().call(inputs)


@register("acme")
class Pinned(keras.losses.Loss):
    """A loss without `**kwargs`."""

    def __init__(self, weight):
        super().__init__()
        self.weight = weight

    def call(self, y_true, y_pred):
        return self.weight * keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)
'''
CLASSES = ("NoKwargs", "NoInit", "NoConfig", "WithTensorFlow", "Inherited", "Fixed")
LAYERS = {
    "NoKwargs": "NoKwargs(2)",
    "NoInit": 'NoInit(name="mine")',
    "NoConfig": 'NoConfig(3, rates=(0.75, 0.5), name="mine")',
    "WithTensorFlow": "WithTensorFlow(3)",
    "Inherited": 'Inherited(3, use_bias=False, name="mine")',
    "Fixed": "Fixed(-1.0)",
}

SAVE = """\
import json
import sys

import keras
import numpy as np

import keras_registry
from acme_plainly import *

keras.utils.set_random_seed(20)
skipped = [NoKwargs(1), WithTensorFlow(1), Fixed(1.0)]  # so that names get numbers
layer = eval(sys.argv[3])
layer.trainable = False
layer.dtype_policy = keras.DTypePolicy("mixed_bfloat16")
model = keras.Sequential([keras.layers.Input((4,)), layer, keras.layers.Dense(1)])
model.compile("sgd", loss=Pinned(0.5))
x = np.random.default_rng(20).normal(size=(6, 4)).astype("float32")
model.fit(x, x[:, :1], verbose=0)
predictions = model.predict(x, verbose=0)
model.save(sys.argv[1])
np.savez(sys.argv[2], x=x, predictions=predictions)
print(json.dumps([layer.name, layer.trainable, layer.dtype_policy.name, model.loss.weight]))
"""

TELL = """
layer = model.layers[0]
seen["told"] = [layer.name, layer.trainable, layer.dtype_policy.name, model.loss.weight]
"""


def plainly(source: str = PLAINLY) -> PluginProject:
    """Return acme-plainly: layers without this and that."""
    groups: dict[str, dict[str, str]] = {
        "keras_registry.layers": {f"acme>{name}": f"acme_plainly:{name}" for name in CLASSES},
        "keras_registry.losses": {"acme>Pinned": "acme_plainly:Pinned"},
    }
    return PluginProject(
        name="acme-plainly",
        version="1.0.0",
        modules={"acme_plainly/__init__.py": source},
        entry_points=groups,
    )


@pytest.mark.parametrize("name", LAYERS)
def test_layer_comes_back_as_it_was(
    name: str, shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Registered, it comes back with its arguments, name, trainable, dtype policy and weights."""
    saved, site = SavedModel(tmp_path / "m.keras", tmp_path / "m.npz"), shelf(plainly())
    done = fork_server.run(SAVE, argv=[saved.path, saved.npz, LAYERS[name]], path=[site])
    told = done.json()
    assert done.messages == ""
    assert told[1:] == [False, "mixed_bfloat16", 0.5]

    loaded = observe(fork_server.run, saved.path, path=[site], inputs=saved.npz, epilogue=TELL)

    assert loaded.before == ()
    assert loaded.is_silent()
    assert loaded.findings == ()
    assert loaded.raw["told"] == told
    assert loaded.raw["verified"] == ["layers", "optimizer"]
    np.testing.assert_array_equal(
        np.asarray(loaded.predictions, "float32"), np.load(saved.npz)["predictions"]
    )


LOAD = """\
import json
import sys

import keras
import numpy as np

import keras_registry

model = keras.saving.load_model(sys.argv[1])
known = np.load(sys.argv[2])
layer = model.layers[0]
print(
    json.dumps(
        [
            layer.name,
            layer.trainable,
            layer.dtype_policy.name,
            bool(np.array_equal(model.predict(known["x"], verbose=0), known["predictions"])),
        ]
    )
)
"""


def test_real_interpreters_save_and_load(shelf: Shelf, tmp_path: Path) -> None:
    """From one new interpreter to the next, the layer without `**kwargs` comes back."""
    files, site = [tmp_path / "m.keras", tmp_path / "m.npz"], shelf(plainly())
    told = run_python(SAVE, argv=[*files, LAYERS["NoKwargs"]], path=[site]).json()

    done = run_python(LOAD, argv=files, path=[site])

    assert done.json() == [*told[:3], True]
    assert done.messages == ""


PLAIN = """\
import json
import sys

import keras
import numpy as np

from acme_plainly import *

layer = eval(sys.argv[2])
layer.trainable = False
layer.dtype_policy = keras.DTypePolicy("mixed_bfloat16")
model = keras.Sequential([keras.layers.Input((4,)), layer])
model.save(sys.argv[1])
try:
    again = keras.saving.load_model(sys.argv[1]).layers[0]
except Exception as error:
    print(json.dumps(str(error)))
else:
    told = [again.name == layer.name, again.trainable, again.dtype_policy.name]
    told += [getattr(again, name, None) for name in ("units", "rates", "sign")]
    print(json.dumps(told))
"""
REFUSED = {
    "NoKwargs": "NoKwargs.__init__() got an unexpected keyword argument 'trainable'",
    "NoConfig": "Error when deserializing class 'NoConfig'",
    "WithTensorFlow": "WithTensorFlow.__init__() got an unexpected keyword argument 'trainable'",
    "Fixed": "Fixed.__init__() got an unexpected keyword argument 'name'",
}


@pytest.mark.parametrize("name", LAYERS)
def test_plain_keras_saves_what_it_cannot_load(
    name: str, shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Plain Keras saves all of them, and loads only those that have no constructor of their own."""
    source = PLAINLY.replace("@register(", "@keras.saving.register_keras_serializable(")
    done = fork_server.run(
        PLAIN, argv=[tmp_path / "m.keras", LAYERS[name]], path=[shelf(plainly(source))], env=plain
    )

    if name in REFUSED:
        assert REFUSED[name] in done.json()
    else:
        assert done.json()[:3] == [True, False, "mixed_bfloat16"]
