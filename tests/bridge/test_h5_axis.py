"""``axis`` in HDF5: Keras drops every value that is not one number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.processes import Completed

LAYERS = """
import logging
logging.getLogger("absl").setLevel(logging.ERROR)  # that HDF5 is considered legacy
import keras, numpy as np

x = np.random.default_rng(4).normal(size=(2, 3, 4)).astype("float32")


class Listed(keras.layers.Layer):
    '''A layer as people write it, with a default.'''

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs):
        return keras.ops.sum(inputs, axis=self.axis, keepdims=True)

    def get_config(self):
        return {**super().get_config(), "axis": self.axis}


def turn(layer, nested=False):
    inputs = keras.Input((3, 4))
    if nested:
        layer = keras.Sequential([keras.Input((3, 4)), layer])
    model = keras.Model(inputs, layer(inputs))
    expected = keras.ops.convert_to_numpy(model(x))
    model.save("axis.h5")
    return expected


def look(expected, **options):
    try:
        again = keras.saving.load_model("axis.h5", **options)
    except Exception as error:
        return type(error).__name__
    layer = again.layers[-1]
    layer = getattr(layer, "layers", [layer])[-1]
    return [repr(layer.axis), bool(np.array_equal(keras.ops.convert_to_numpy(again(x)), expected))]


def answer(found, axis):
    print(json.dumps(dict(found=found, axis=axis)))
"""
OURS = """
import keras_registry
# That the classes are in no distribution, and that a file was edited.
warnings.filterwarnings("ignore", category=keras_registry.KerasRegistryWarning)
"""


@pytest.mark.parametrize(
    ("layer", "plain"),
    [
        ("keras.layers.UnitNormalization(axis=[1, 2])", ["-1", False]),
        ("keras.layers.Softmax(axis=[1, 2])", ["-1", False]),
        ("keras.layers.LayerNormalization(axis=[1, 2])", "ValueError"),
    ],
)
def test_layers_of_keras(child: Callable[..., Completed], layer: str, plain: Any) -> None:
    """Two axes are back with the hooks on; plain Keras takes the default, mostly without a word.

    It does so with its own files and with ours; those need not be saved anew.
    """
    turn, look = (
        f"layer = {layer}\nexpected = turn(layer)",
        "answer(look(expected), repr(layer.axis))",
    )

    theirs = child([LAYERS, turn, look]).json()
    file_of_plain = child([LAYERS, turn, OURS, look]).json()
    ours = child([LAYERS, OURS, turn, look]).json()

    assert theirs["found"] == plain
    assert ours["found"] == file_of_plain["found"] == [ours["axis"], True]


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize(
    ("given", "back"),
    [("[1, 2]", "[1, 2]"), ("[1]", "1"), ("1", "1"), ("[]", "[]"), ("None", "None")],
)
def test_custom_layer(child: Callable[..., Completed], given: str, back: str, nested: bool) -> None:
    """A layer that is given in `custom_objects` has its axis again, inside other models too.

    One axis in a list is a number to Keras, which is left so: Keras 2 wrote it that way.
    """
    program = f"""
    expected = turn(Listed({given}), nested={nested})
    answer(look(expected, custom_objects=dict(Listed=Listed)), None)
    """

    ours = child([LAYERS, OURS, program]).json()["found"]
    theirs = child([LAYERS, program]).json()["found"]

    assert ours == [back, True]
    assert (theirs == ours) == (back == "1")


REGISTERED = """
def registered(kind, axis):
    class Typed(Listed):
        def __init__(self, axis: None, **kwargs):
            super().__init__(axis, **kwargs)
        def call(self, inputs):
            return inputs
    del Listed.get_config
    Typed.__init__.__annotations__["axis"] = kind
    return keras_registry.register("acme")(Typed)(axis)
"""


@pytest.mark.parametrize(
    ("kind", "axis"),
    [
        ("list[int]", [1]),
        ("list[int]", [1, 2]),
        ("tuple[int, ...]", (1,)),
        ("tuple[int, ...]", (1, 2)),
        ("str", "time"),
        ("float", 1.5),
        ("bool", True),
        ("int", 2),
        ("list[int] | None", None),
    ],
)
def test_registered_layer(child: Callable[..., Completed], kind: str, axis: Any) -> None:
    """A registered layer has the axis that it was given, whatever its type."""
    program = f"answer(look(turn(registered({kind}, {axis!r}))), None)"

    assert child([LAYERS, OURS, REGISTERED, program]).json()["found"] == [repr(axis), True]


def test_file_of_keras_2(child: Callable[..., Completed]) -> None:
    """The axis of a `BatchNormalization` in a list of one number is the number, as in Keras."""
    program = """
    import h5py
    expected = turn(keras.layers.BatchNormalization())
    with h5py.File("axis.h5", "r+") as file:
        text = file.attrs["model_config"]
        assert '"axis": -1' in text
        file.attrs["model_config"] = text.replace('"axis": -1', '"axis": [-1]')
        if "keras_registry" in file:
            del file["keras_registry"]
    answer(look(expected), None)
    """

    assert child([LAYERS, OURS, program]).json()["found"] == ["-1", True]
    assert child([LAYERS, program]).json()["found"] == ["-1", True]
