"""S15: weights of other shapes than the model has: layer, variable and both shapes are named.

Plain Keras stops such a load, too, with a count and one object of several. Weights alone it takes
up to the first that does not fit, and leaves the model half loaded.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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

warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)


@keras_registry.register("acme")
class Grow(keras.layers.Layer):
    '''Its kernels are wider in a later version, whose config is the same.'''
    wider = 0
    def build(self, shape):
        width = shape[-1] + Grow.wider
        self.scale = self.add_weight(shape=(width,), name="scale")
        self.shift = self.add_weight(shape=(width, 2), name="shift")
    def call(self, inputs):
        return inputs * self.scale[: inputs.shape[-1]]


def make():
    keras.utils.set_random_seed(15)
    layers = [keras.layers.Input((4,)), keras.layers.Dense(3, name="first"),
              Grow(name="grow"), keras.layers.Dense(2, name="last")]
    return keras.Sequential(layers, name="small")


def caught(call, *args):
    try:
        call(*args)
    except Exception as error:
        return str(error)
    return "loaded"
"""

WHOLE = """
model = make()
found = {}
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the class is one of this program alone
    for path in ("m.keras", "m.h5", "m"):
        model.save(path, **({} if "." in path else {"zipped": False}))
Grow.wider = 2
for path in ("m.keras", "m.h5", "m"):
    found[path] = caught(keras.saving.load_model, path)
print(json.dumps(found))
"""

ALONE = """
make().save_weights("m.weights.h5")
Grow.wider = 2
model = make()
for layer in model.layers:
    layer.set_weights([np.zeros(w.shape) for w in layer.weights])
error = caught(model.load_weights, "m.weights.h5")
print(json.dumps([error, [bool(np.any(np.asarray(w))) for w in model.weights]]))
"""


def run(fork_server: ForkServer, folder: Path, program: str, **options: Any) -> Any:
    """Run a program after the prelude, in a folder, and return the JSON that it prints."""
    return fork_server.run(PRELUDE + program, cwd=folder, **options).json()


def test_shapes_are_named(fork_server: ForkServer, tmp_path: Path) -> None:
    """The error names the layer, its variable, the shape there and that in the file."""
    ours = run(fork_server, tmp_path, WHOLE)
    theirs = run(fork_server, tmp_path, WHOLE, env=plain)

    for path, text in ours.items():
        check_golden(f"scenarios/s15_{path.partition('.')[2] or 'folder'}", normalised(text))
        assert text.splitlines()[-1] == theirs[path].splitlines()[0]


def test_no_model_is_half_loaded(fork_server: ForkServer, tmp_path: Path) -> None:
    """Weights alone that do not fit change nothing; plain Keras takes those before the first."""
    text, changed = run(fork_server, tmp_path, ALONE)
    _, theirs = run(fork_server, tmp_path, ALONE, env=plain)

    check_golden("scenarios/s15_weights", normalised(text))
    assert not any(changed)
    assert any(theirs)
