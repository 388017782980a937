"""Programs that save to any container, and a distribution whose weights are inside other layers."""

from __future__ import annotations

from tests.scenarios.projections import SAVE_ONE
from tests.scenarios.renamed_names import SAVE
from tests.support.distributions import PluginProject

__all__ = [
    "LAYOUTS",
    "LOAD_PAIRS",
    "SAVE_ANYWHERE",
    "SAVE_NAMES_ANYWHERE",
    "SAVE_PAIRS",
    "pairs_project",
]

_SAVE_ALL = """\
for path in [sys.argv[1], *sys.argv[3:]]:
    is_file = "." in path.rpartition("/")[2]
    model.save(path, **({} if is_file else {"zipped": False}))
"""

SAVE_ANYWHERE = SAVE_ONE.replace("model.save(sys.argv[1])\n", _SAVE_ALL)
"""Arguments: a file or folder; the `.npz` file of inputs, predictions and optimizer; more paths."""

SAVE_NAMES_ANYWHERE = SAVE.replace("model.save(sys.argv[1])\n", _SAVE_ALL)
"""Arguments: a file or folder; the `.npz` file of inputs and predictions; more paths."""

_SOURCE = '''\
"""Layers that hold others, one that transposes its kernel, and one that gains a weight."""

import keras

from keras_registry import register
from keras_registry import types as t
from keras_registry.migrations import Migration, rename


def transpose(weights, version):
    return {"0": weights["0"].T, "1": weights["1"]}


def grow(weights, version):
    assert not weights
    import numpy as np

    return {"0": np.ones(1, "float32")}


@register("acme"CORE_OPTIONS)
class Core(keras.layers.Layer):
    def __init__(self, WIDTH: t.PositiveInt, **kwargs):
        super().__init__(**kwargs)
        self.WIDTH = WIDTH

    def build(self, input_shape):
        shape = (input_shape[-1], self.WIDTH)
        self.kernel = self.add_weight(shape=SHAPE, name="kernel")
        self.bias = self.add_weight(
            shape=(self.WIDTH,), initializer="ones", trainable=False, name="bias"
        )

    def call(self, inputs):
        return keras.ops.matmul(inputs, KERNEL) + self.bias

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.WIDTH)
OWN_NAMES

@register("acme")
class Pair(keras.layers.Layer):
    def __init__(self, left: t.Layer, right: t.Layer, **kwargs):
        super().__init__(**kwargs)
        self.left, self.right = left, right

    def build(self, input_shape):
        self.scale = self.add_weight(shape=(1,), initializer="ones", name="scale")
        for layer in (self.left, self.right):
            if not layer.built:
                layer.build(input_shape)

    def call(self, inputs):
        return (self.left(inputs) - 0.5 * self.right(inputs)) * self.scale


@register("acme"GAIN_OPTIONS)
class Gain(keras.layers.Layer):
    def __init__(self, LEVEL: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.LEVEL = LEVEL

    def build(self, input_shape):
        GAIN_WEIGHT

    def call(self, inputs):
        return inputs * self.LEVEL * FACTOR
'''

_OWN_NAMES = """
    def save_own_variables(self, store):
        store["kernel"], store["bias"] = self.kernel, self.bias

    def load_own_variables(self, store):
        self.kernel.assign(store["kernel"])
        self.bias.assign(store["bias"])

"""

_VERSIONS = {
    1: {
        "CORE_OPTIONS": "",
        "GAIN_OPTIONS": "",
        "WIDTH": "width",
        "SHAPE": "shape",
        "KERNEL": "self.kernel",
        "LEVEL": "level",
        "GAIN_WEIGHT": "pass",
        "FACTOR": "1.0",
    },
    2: {
        "CORE_OPTIONS": """,
    version=2,
    migrations=[Migration(1, 2, rename("width", "units"))],
    migrate_weights=transpose,
""",
        "GAIN_OPTIONS": """,
    version=2,
    migrations=[Migration(1, 2, rename("level", "gain"))],
    migrate_weights=grow,
""",
        "WIDTH": "units",
        "SHAPE": "shape[::-1]",
        "KERNEL": "keras.ops.transpose(self.kernel)",
        "LEVEL": "gain",
        "GAIN_WEIGHT": 'self.factor = self.add_weight(shape=(1,), name="factor")',
        "FACTOR": "self.factor",
    },
}


def pairs_project(version: int, *, own_names: bool = False) -> PluginProject:
    """Return acme-pairs, whose weights are others in version 1.2.

    Args:
        version: Its minor version, and that of the configs of `acme>Core` and `acme>Gain`.
        own_names: Let `acme>Core` name its arrays itself.
    """
    source = _SOURCE.replace("OWN_NAMES", _OWN_NAMES if own_names else "")
    for mark, text in _VERSIONS[version].items():
        source = source.replace(mark, text)
    return PluginProject(
        name="acme-pairs",
        version=f"1.{version}",
        modules={"acme_pairs/__init__.py": source},
        entry_points={
            "keras_registry.layers": {
                f"acme>{name}": f"acme_pairs:{name}" for name in ("Core", "Pair", "Gain")
            }
        },
    )


LAYOUTS = ("beside", "alike", "in a wrapper", "in a model", "shared", "frozen", "grown")
"""Models of acme-pairs."""

SAVE_PAIRS = """\
import sys

import keras
import numpy as np

import keras_registry
from acme_pairs import Core, Gain, Pair


def pair(left, right, name):
    return Pair(Core(4, name=left), Core(4, name=right), name=name)


core = Core(3, name="core")
layouts = {
    "beside": lambda: [pair("one", "two", "pair")],
    "alike": lambda: [Pair(pair("core", "other", "a"), pair("core", "other", "b"), name="pair")],
    "in a wrapper": lambda: [keras.layers.TimeDistributed(Core(4, name="core"), name="steps")],
    "in a model": lambda: [
        keras.Sequential(
            [keras.layers.Input((3, 3)), keras.layers.Dense(3), Core(4, name="core")], name="inner"
        )
    ],
    "shared": lambda: [
        Pair(core, Core(3, name="one"), name="first"),
        Pair(core, Core(3, name="two"), name="second"),
    ],
    "frozen": lambda: [Core(4, name="core", trainable=False)],
    "grown": lambda: [Core(4, name="core"), Gain(2.0, name="gain")],
}
x = np.random.default_rng(9).normal(size=(8, 3, 3)).astype("float32")
for layout in sys.argv[2:]:
    head = keras.layers.Dense(2, name="head")
    model = keras.Sequential([keras.layers.Input((3, 3)), *layouts[layout](), head])
    draw = np.random.default_rng(8)
    for variable in model.variables:
        variable.assign(draw.normal(size=variable.shape))
    np.savez(f"{sys.argv[1]}/{layout}.npz", x=x, predictions=model.predict(x, verbose=0))
    model.save(f"{sys.argv[1]}/{layout}.h5")
"""
"""Arguments: a folder; the layouts to save there, each to a `.h5` file and an `.npz` file."""

LOAD_PAIRS = """\
import json
import sys
import warnings

import keras
import numpy as np

import keras_registry

warnings.simplefilter("error")
warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
told = {}
for layout in sys.argv[2:]:
    model = keras.saving.load_model(f"{sys.argv[1]}/{layout}.h5")
    report = keras_registry.report(model)
    known = np.load(f"{sys.argv[1]}/{layout}.npz")
    told[layout] = {
        "codes": sorted({item.code for item in report.findings}),
        "verified": report.verified,
        "equal": bool(np.array_equal(model.predict(known["x"], verbose=0), known["predictions"])),
    }
print(json.dumps(told))
"""
"""Arguments: a folder; the layouts to load from there. Prints JSON: what came of each."""
