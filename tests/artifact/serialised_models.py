"""A program, run in a process of its own: prints models as Keras serialises them.

The last line of its output is a JSON object: the document of `config.json` by the model's name.
Everything has a name, so that no number that Keras counts up comes into the documents.
"""

from __future__ import annotations

import json
from typing import Any

import keras

L = keras.layers
register = keras.saving.register_keras_serializable


@register("acme")
class Gated(L.Layer):
    """A layer with an activation and an initializer in its config."""

    def __init__(self, units=4, activation=None, kernel_initializer="zeros", **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)

    def build(self, shape):
        self.kernel = self.add_weight(
            shape=(shape[-1], self.units), initializer=self.kernel_initializer
        )

    def call(self, inputs):
        return inputs @ self.kernel

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
        }


@register("acme")
class Act(L.Layer):
    """An activation that is a layer."""

    def call(self, inputs):
        return inputs


@register("acme")
def swishy(inputs):
    """An activation that is a function."""
    return inputs * keras.ops.sigmoid(inputs)


class _Configured:
    def get_config(self):
        return {}


@register("acme")
class Init(_Configured, keras.initializers.Initializer):
    def __call__(self, shape, dtype=None):
        return keras.ops.zeros(shape, dtype)


@register("acme")
class Reg(_Configured, keras.regularizers.Regularizer):
    def __call__(self, value):
        return keras.ops.sum(value)


@register("acme")
class Con(_Configured, keras.constraints.Constraint):
    def __call__(self, value):
        return value


@register("acme")
class Cell(L.Layer):
    """A recurrent cell."""

    state_size = 3

    def build(self, shape):
        self.kernel = self.add_weight(shape=(shape[-1], 3))

    def call(self, inputs, states):
        return inputs @ self.kernel, [states[0]]


@register("acme")
class Pinball(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return keras.ops.mean(y_true - y_pred)


@register("acme")
def distance(y_true, y_pred):
    """A loss, or a metric, that is a function."""
    return keras.ops.mean(y_true - y_pred, axis=-1)


@register("acme")
class Coverage(keras.metrics.MeanSquaredError):
    pass


@register("acme")
class Slope(_Configured, keras.optimizers.schedules.LearningRateSchedule):
    def __call__(self, step):
        return 0.1


@register("acme")
class Descent(keras.optimizers.SGD):
    pass


@register("acme")
class Holder(L.Layer):
    """A layer whose config holds whatever the user gave it."""

    def __init__(self, data=None, **kwargs):
        super().__init__(**kwargs)
        self.data = data

    def call(self, inputs):
        return inputs

    def get_config(self):
        return {**super().get_config(), "data": self.data}


class Unregistered(L.Layer):
    def call(self, inputs):
        return inputs


@register("acme")
class Subclassed(keras.Model):
    def call(self, inputs):
        return inputs


def sequence(name: str, *layers: Any, shape: tuple[int, ...] = (4,)) -> Any:
    """A `Sequential` model."""
    return keras.Sequential([L.Input(shape, name="inputs"), *layers], name=name)


def make_functional() -> Any:
    """Branches, an activation inside of a layer, and a nested model."""
    inputs = L.Input((4,), name="inputs")
    left = Gated(name="left")(inputs)
    right = Gated(name="right", activation=swishy, kernel_initializer=Init())(inputs)
    inner = sequence("inner", Gated(name="deep"))
    outputs = L.Add(name="add")([left, right, inner(inputs)])
    return keras.Model(inputs, outputs, name="functional")


def make_shared() -> Any:
    """A layer that is called twice, and operations."""
    inputs = L.Input((4,), name="inputs")
    shared = Gated(name="shared")
    return keras.Model(inputs, keras.ops.relu(shared(shared(inputs)) * 2)[:, :2], name="shared")


def make_recurrent() -> Any:
    """Cells, in every place where a cell can be, and wrappers."""

    def rnn(name: str, cell: Any, **kwargs: Any) -> Any:
        return L.RNN(cell, return_sequences=True, name=name, **kwargs)

    both = L.Bidirectional(
        rnn("there", Cell(name="c3")),
        backward_layer=rnn("back", Cell(name="c4"), go_backwards=True),
        name="both",
    )
    return sequence(
        "recurrent",
        rnn("one", Cell(name="c0")),
        rnn("two", L.StackedRNNCells([Cell(name="c1"), Cell(name="c2")], name="stack")),
        both,
        L.TimeDistributed(Gated(name="inside"), name="each"),
        shape=(5, 4),
    )


def make_compiled() -> Any:
    """Compiled with objects of one's own everywhere."""
    model = sequence("compiled", L.Dense(1, name="dense"))
    model.compile(
        optimizer=Descent(learning_rate=Slope(), name="descent"),
        loss=Pinball(name="pinball"),
        metrics=[Coverage(name="coverage"), "mae", distance],
    )
    return model


def make_compiled_by_output() -> Any:
    """Compiled with a loss and metrics for each output."""
    inputs = L.Input((4,), name="inputs")
    outputs = {name: L.Dense(1, name=name)(inputs) for name in ("a", "b")}
    model = keras.Model(inputs, outputs, name="compiled_by_output")
    model.compile(
        optimizer=keras.optimizers.Adam(Slope(), name="adam"),
        loss={"a": distance, "b": "mse"},
        metrics={"a": [Coverage(name="coverage")], "b": ["mae"]},
        weighted_metrics={"b": [Coverage(name="weighted")]},
    )
    return model


MODELS = [
    sequence(
        "plain",
        L.Dense(3, activation="relu", kernel_regularizer="l2", name="dense"),
        L.Rescaling(2.0, name="rescaling"),
        L.Dense(2, dtype="mixed_bfloat16", activation=keras.activations.gelu, name="half"),
    ),
    sequence("sequential", Gated(name="gate"), L.Dense(2, name="dense")),
    make_functional(),
    make_shared(),
    sequence(
        "activations",
        L.Dense(3, activation=swishy, name="by_function"),
        L.Activation(swishy, name="as_layer"),
        L.Dense(3, activation=Act(name="act"), name="by_instance"),
        Act(name="own"),
    ),
    sequence(
        "parts",
        L.Dense(
            3,
            kernel_initializer=Init(),
            kernel_regularizer=Reg(),
            bias_constraint=Con(),
            name="dense",
        ),
    ),
    make_recurrent(),
    sequence("lambda", L.Lambda(lambda inputs: inputs * 2, name="twice")),
    make_compiled(),
    make_compiled_by_output(),
    sequence(
        "user_data",
        Holder({"class_name": "acme>Gated", "config": {"units": 1}}, name="like_an_object"),
        Holder({"names": ["acme>swishy", {"inner": "acme>Act"}]}, name="like_keys"),
        Holder({"arrow": "a -> b", "sum": "x > y", "html": "<p>text</p>"}, name="text"),
    ),
    sequence("unregistered", Unregistered(name="mine")),
    Subclassed(name="subclassed"),
]

print(json.dumps({m.name: keras.saving.serialize_keras_object(m) for m in MODELS}))  # noqa: T201
