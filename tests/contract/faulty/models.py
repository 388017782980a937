"""Faulty subclassed models."""

import keras

from keras_registry import types as t
from tests.contract.faults import fault, twin


class Network(keras.Model):
    """Two dense layers."""

    def __init__(self, hidden: t.PositiveInt = 4, **kwargs):
        super().__init__(**kwargs)
        self.hidden = hidden
        self.first = keras.layers.Dense(hidden)
        self.second = keras.layers.Dense(2)

    def build(self, input_shape):
        self.first.build(input_shape)
        self.second.build((*input_shape[:-1], self.hidden))

    def call(self, inputs):
        return self.second(self.first(inputs))


@twin()
class NetworkTwin(Network):
    """Two dense layers."""


@fault(
    "`build` of a model builds none of its layers: a loaded model keeps random weights",
    check="build_makes_every_weight",
    names="kernel",
    thread=(
        "keras-team/keras#18875",
        "submodels make layers in `build` and do not build them; then no weights can be loaded",
    ),
)
class NothingBuilt(Network):
    def build(self, input_shape):
        self.built = True


@fault(
    "an argument of a model is not in its config",
    check="config_holds_every_argument",
    names="hidden",
)
class LostHidden(Network):
    def get_config(self):
        return super().get_config()


@fault(
    "layers are kept in an object of another class",
    check="tracks_what_it_holds",
    names="blocks",
)
class Blocks(keras.Model):
    def __init__(self, hidden: t.PositiveInt = 4, **kwargs):
        super().__init__(**kwargs)
        self.blocks = _Blocks([keras.layers.Dense(hidden), keras.layers.Dense(2)])

    def build(self, input_shape):
        for layer in self.blocks.items:
            layer.build(input_shape)
            input_shape = layer.compute_output_shape(input_shape)

    def call(self, inputs):
        for layer in self.blocks.items:
            inputs = layer(inputs)
        return inputs


class _Blocks:
    """A list of layers with a name of its own."""

    def __init__(self, items):
        self.items = items
