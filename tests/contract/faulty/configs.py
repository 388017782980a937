"""Layers with hand-written configs that lose or change something."""

import enum
import pathlib

import keras
import numpy as np
from keras import ops

from keras_registry import types as t
from tests.contract.faults import fault, twin

UNLOADABLE = [
    "base_arguments_survive",
    "class_comes_back",
    "copies_and_pickles",
    "from_config_leaves_its_input",
    "subclass_comes_back",
    "values_keep_their_types",
]
"""What cannot be, once an object cannot be made of its config."""


class Base(keras.layers.Layer):
    """A linear layer with two arguments and a config that its author has written."""

    def __init__(self, units: t.PositiveInt = 3, rate: t.Probability = 0.5, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.rate = rate

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")

    def call(self, inputs):
        return self.rate * ops.matmul(inputs, self.kernel)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {**super().get_config(), "units": self.units, "rate": self.rate}


@twin()
class Written(Base):
    """A linear layer."""


class Plain(keras.layers.Layer):
    """A layer that hands on its input; what it is made with is in its config as it is."""

    def __init__(self, value=None, **kwargs):
        super().__init__(**kwargs)
        self.value = value

    def call(self, inputs):
        return inputs

    def get_config(self):
        return {**super().get_config(), "value": self.value}


@twin(examples=[{"value": {"a": 1}}, {"value": "word"}])
class PlainTwin(Plain):
    """A layer that hands on its input."""


@fault(
    "`get_config` leaves out an argument",
    check="config_holds_every_argument",
    names="rate",
    thread=(
        "Benjamin-Etheredge/mlp-mixer-keras#2",
        "a saved model cannot be loaded; then `activation` is still missing in `get_config`",
    ),
)
class LeftOut(Base):
    def get_config(self):
        config = super().get_config()
        del config["rate"]
        return config


@fault(
    "a number is rounded on its way into the config",
    check="config_holds_every_argument",
    names="rate",
)
class RoundedInConfig(Base):
    def get_config(self):
        return {**super().get_config(), "rate": float(round(self.rate))}


@fault(
    "`get_config` does without that of the base class",
    check="base_arguments_survive",
    names="name",
)
class WithoutSuper(Base):
    def get_config(self):
        return {"units": self.units, "rate": self.rate}


@fault(
    "`name` in the config is that of the class",
    check="base_arguments_survive",
    names="name",
    thread=(
        "keras-team/keras#11210",
        "two layers of one class cannot be loaded: their configs have the class's name",
    ),
)
class NamedAsClass(Base):
    def get_config(self):
        return {**super().get_config(), "name": type(self).__name__}


@fault(
    "every object gets one fixed name",
    check="two_objects_are_apart",
    names="name",
    also=["base_arguments_survive"],
)
class FixedName(Base):
    def __init__(self, units: t.PositiveInt = 3, rate: t.Probability = 0.5, name=None, **kwargs):
        super().__init__(units=units, rate=rate, name="gate", **kwargs)


@fault(
    "a layer is an attribute of the class, so all objects share its weights",
    check="two_objects_are_apart",
    names="kernel",
)
class SharedLayer(keras.layers.Layer):
    shared = keras.layers.Dense(3, use_bias=False)

    def build(self, input_shape):
        if not self.shared.built:
            self.shared.build(input_shape)
        self.inner = self.shared

    def call(self, inputs):
        return self.inner(inputs)


@fault(
    "the constructor changes an argument, and the config has what it made of it",
    check="from_config_inverts_get_config",
    names="units",
    also=["copies_and_pickles", "subclass_comes_back"],
)
class Doubled(Base):
    def __init__(self, units: t.PositiveInt = 3, rate: t.Probability = 0.5, **kwargs):
        super().__init__(units=2 * units, rate=rate, **kwargs)

    def get_config(self):
        return super().get_config()


@fault(
    "the constructor takes no `**kwargs`, though the config has those of the base class",
    check="from_config_inverts_get_config",
    names="from_config",
    thread=(
        "keras-team/keras#19899",
        "a saved model cannot be loaded: layers have to take `**kwargs`, for `trainable` and more",
    ),
    also=UNLOADABLE,
)
class WithoutKwargs(Base):
    def __init__(self, units: t.PositiveInt = 3, rate: t.Probability = 0.5):
        super().__init__(units=units, rate=rate)

    def get_config(self):
        return super().get_config()

    @classmethod
    def from_config(cls, config):
        return cls(**config)


@fault(
    "the config has an argument under another name",
    check="from_config_inverts_get_config",
    names="from_config",
    also=UNLOADABLE,
)
class OtherName(Base):
    def get_config(self):
        config = super().get_config()
        return {**config, "hidden_units": config.pop("units")}


class Mode(enum.Enum):
    """A choice."""

    FAST = "fast"
    EXACT = "exact"


@fault(
    "an enum is in the config as text that the enum does not take",
    check="from_config_inverts_get_config",
    names="from_config",
    also=UNLOADABLE,
)
class EnumAsText(Plain):
    def __init__(self, value="fast", **kwargs):
        super().__init__(**kwargs)
        self.value = Mode(value)

    def get_config(self):
        return {**super().get_config(), "value": str(self.value)}


@fault(
    "`from_config` takes arguments out of the config that it is given",
    check="from_config_leaves_its_input",
    names="rate",
    thread=(
        "keras-team/keras#7903",
        "a fix in Keras itself: do not change the original dict in `from_config`",
    ),
)
class TakenOut(Base):
    @classmethod
    def from_config(cls, config):
        rate = config.pop("rate")
        return cls(rate=rate, **config)


@fault(
    "a tuple comes back as a list",
    check="values_keep_their_types",
    names="value",
    thread=(
        "keras-team/keras#19776",
        "after a load a tuple cannot be concatenated: the argument has become a list",
    ),
    examples=[{"value": (2, 3)}],
)
class TupleArgument(Plain):
    """What `Plain` does with a tuple."""


@fault(
    "an array comes back as what JSON makes of it",
    check="values_keep_their_types",
    names="value",
    thread=(
        "fizyr/keras-retinanet#109",
        "after a load, ratios and scales of the layer `Anchors` are lists, not numpy arrays",
    ),
    examples=[{"value": np.array([0.1, 0.2])}],
)
class ArrayArgument(Plain):
    """What `Plain` does with an array."""


@fault(
    "a layer is serialised in `get_config`, and nothing makes a layer of it again",
    check="values_keep_their_types",
    names="inner",
    thread=(
        "keras-team/keras-io#1461",
        "the guide now says that such arguments are to be deserialised in `from_config`",
    ),
    examples=[{"inner": keras.layers.Dense(3)}],
    also=["takes_built_children"],
)
class LayerAsDict(keras.layers.Layer):
    def __init__(self, inner, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner

    def build(self, input_shape):
        if not self.inner.built:
            self.inner.build(input_shape)

    def call(self, inputs):
        return self.inner(inputs)

    def get_config(self):
        inner = keras.saving.serialize_keras_object(self.inner)
        return {**super().get_config(), "inner": inner}


@fault(
    "the keys of a dict are numbers, of which JSON makes text",
    check="config_is_json",
    names="value",
    examples=[{"value": {1: "red", 2: "blue"}}],
    also=["copies_and_pickles", "subclass_comes_back", "values_keep_their_types"],
)
class NumberedKeys(Plain):
    """What `Plain` does with a dict."""


@fault(
    "a path is in the config as it is",
    check="config_is_json",
    names="value",
    thread=(
        "huggingface/transformers#3101",
        "layers should override `get_config` with what JSON can hold",
    ),
    examples=[{"value": pathlib.PurePosixPath("a/b")}],
    also=[*UNLOADABLE, "from_config_inverts_get_config", "two_objects_are_apart"],
)
class PathInConfig(Plain):
    """What `Plain` does with a path."""


@fault(
    "`from_config` makes an object of the parent",
    check="class_comes_back",
    names="from_config",
    also=["from_config_inverts_get_config", "subclass_comes_back"],
)
class MakesParent(Base):
    @classmethod
    def from_config(cls, config):
        return Written(**config)


@fault(
    "`from_config` names its class in place of `cls`",
    check="subclass_comes_back",
    names="from_config",
)
class NamesItself(Base):
    @classmethod
    def from_config(cls, config):
        return NamesItself(**config)


@fault(
    "a vocabulary is read from the path that the config has",
    check="refuses_hostile_configs",
    names="vocabulary",
    in_files=True,
)
class ReadsPath(keras.layers.Layer):
    def __init__(self, vocabulary: str = "", **kwargs):
        super().__init__(**kwargs)
        self.vocabulary = vocabulary
        self.words = pathlib.Path(vocabulary).read_text("utf-8").split() if vocabulary else []

    def call(self, inputs):
        return inputs + len(self.words)


@fault(
    "unknown arguments are thrown away in silence",
    check="refuses_hostile_configs",
    names="from_config",
    in_files=True,
)
class TakesAnything(Base):
    @classmethod
    def from_config(cls, config):
        known = {"name", "trainable", "dtype", "activity_regularizer", "units", "rate"}
        return cls(**{name: value for name, value in config.items() if name in known})
