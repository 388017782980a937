"""Objects in the config of somebody's class that only that class knows how to read."""

from __future__ import annotations

import pytest

from tests.support.golden import check_golden

CLASSES = """
import keras, keras_registry, numpy as np

class Wiring:
    '''Registered nowhere: whoever holds one looks the class up by itself.'''

    def __init__(self, units):
        self.units = units

    def get_config(self):
        return {"units": self.units}

WIRINGS = {"Wiring": Wiring}

@keras.saving.register_keras_serializable("others")
class Wired(keras.layers.Layer):
    def __init__(self, wiring, **kwargs):
        super().__init__(**kwargs)
        self.wiring = wiring
        self.dense = keras.layers.Dense(wiring.units)

    def build(self, input_shape):
        self.dense.build(input_shape)

    def call(self, inputs):
        return self.dense(inputs)

    def get_config(self):
        wiring = keras.saving.serialize_keras_object(self.wiring)
        return {**super().get_config(), "wiring": wiring}

    @classmethod
    def from_config(cls, config):
        found = config.pop("wiring")
        return cls(WIRINGS[found["class_name"]](**found["config"]), **config)

model = keras.Sequential([keras.Input((4,)), Wired(Wiring(3))])
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # nobody else can load it, which is said
    model.save(sys.argv[1])
"""

LOADED = """
loaded = keras.saving.load_model(sys.argv[1])
x = np.ones((2, 4), "float32")
answer(same=bool(np.array_equal(loaded(x), model(x))))
"""

FAILED = """
WIRINGS.clear()
try:
    keras.saving.load_model(sys.argv[1])
except keras_registry.LoadError as error:
    answer(codes=[item.code for item in error.findings if item.level == "error"], text=str(error))
"""


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_what_plain_keras_loads_is_loaded(child, tmp_path, suffix):
    """A class that looks up what its config holds by itself is not refused for it."""
    done = child([CLASSES, LOADED], tmp_path / f"wired{suffix}")

    assert done.json() == {"same": True}


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_what_nobody_provides_is_named_once_it_failed(child, tmp_path, suffix):
    """Where the class does not find it either, the error names what nothing provides."""
    done = child([CLASSES, FAILED], tmp_path / f"wired{suffix}").json()

    assert done["codes"] == ["R107" if suffix == ".keras" else "R106"]  # a `.h5` has no modules
    folder = {f"{tmp_path}/": ""}
    check_golden(f"bridge/owned{suffix}", done["text"] + "\n", replace=folder)
