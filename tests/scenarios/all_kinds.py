"""A distribution with an object of each kind, and a model that uses each of them."""

from __future__ import annotations

from tests.scenarios.sources import GAP, IMPORTS, SHARE, SQUASH, registered
from tests.support.distributions import PluginProject

__all__ = ["BUILD", "KINDS", "PROJECT"]

SOURCE = f'''\
import os

{IMPORTS}

{registered(SQUASH, GAP, SHARE)}

@register("acme")
class Half(keras.initializers.Initializer):
    def __init__(self, value: float = 0.5):
        self.value = value

    def __call__(self, shape, dtype=None):
        return keras.ops.full(shape, self.value, dtype=dtype)


@register("acme")
class Ridge(keras.regularizers.Regularizer):
    def __init__(self, strength: float = 0.1):
        self.strength = strength

    def __call__(self, x):
        return self.strength * keras.ops.sum(keras.ops.square(x))


@register("acme")
class Capped(keras.constraints.Constraint):
    def __init__(self, cap: float = 1.0):
        self.cap = cap

    def __call__(self, w):
        return keras.ops.minimum(w, self.cap)


@register("acme")
class Gate(keras.layers.Layer):
    def __init__(
        self,
        units: t.PositiveInt,
        activation: t.Activation = None,
        inner: t.Layer | None = None,
        sizes: tuple[int, ...] = (1, 2),
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units, self.activation, self.inner, self.sizes = units, activation, inner, sizes

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")
        if self.inner is not None and not self.inner.built:
            self.inner.build((*input_shape[:-1], self.units))

    def call(self, inputs):
        x = self.activation(keras.ops.matmul(inputs, self.kernel))
        return x if self.inner is None else self.inner(x)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)


@register("acme")
class Cell(keras.layers.Layer):
    def __init__(self, units: t.PositiveInt, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = units

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")

    def call(self, inputs, states):
        out = keras.ops.matmul(inputs, self.kernel) + states[0]
        return out, [out]


@register("acme")
class Margin(keras.losses.Loss):
    def __init__(self, margin: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.margin = margin

    def call(self, y_true, y_pred):
        return self.margin * keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)


@register("acme")
class Slow(keras.optimizers.SGD):
    def __init__(self, learning_rate=0.01, drag: float = 0.5, **kwargs):
        super().__init__(learning_rate, **kwargs)
        self.drag = drag


@register("acme")
class Steps(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, start: float = 0.1, length: t.PositiveInt = 10):
        self.start, self.length = start, length

    def __call__(self, step):
        return self.start / (1 + keras.ops.cast(step, "float32") / self.length)


@register("acme")
class Tower(keras.Sequential):
    """A model of a class of its own."""


@register("acme")
class Pair(keras.Model):
    """A model that calls its layers itself."""

    def __init__(self, units: t.PositiveInt, **kwargs):
        super().__init__(**kwargs)
        self.first, self.last = Gate(units, squash), keras.layers.Dense(2)

    def build(self, input_shape):
        self.first.build(input_shape)
        self.last.build(self.first.compute_output_shape(input_shape))

    def call(self, inputs):
        return self.last(self.first(inputs))


@register("acme")
class Steep:
    """An activation that is neither a layer nor a function."""

    def __init__(self, factor: float = 1.0):
        self.factor = factor

    def __call__(self, x):
        return keras.ops.tanh(self.factor * x)


@register("acme")
class Table(keras.layers.Layer):
    """A layer that has more than weights: numbers that are looked up."""

    numbers = (1.0, 1.0, 1.0)

    def call(self, inputs):
        return inputs * keras.ops.convert_to_tensor(self.numbers, dtype=inputs.dtype)

    def save_assets(self, folder):
        with open(os.path.join(folder, "numbers.txt"), "w") as file:
            file.write(" ".join(map(str, self.numbers)))

    def load_assets(self, folder):
        with open(os.path.join(folder, "numbers.txt")) as file:
            self.numbers = tuple(map(float, file.read().split()))
'''

_NAMES = {
    "layers": ["Gate", "Cell", "Table"],
    "losses": ["Margin"],
    "metrics": ["Share"],
    "optimizers": ["Slow"],
    "schedules": ["Steps"],
    "initializers": ["Half"],
    "regularizers": ["Ridge"],
    "constraints": ["Capped"],
    "functions": ["squash", "gap"],
    "models": ["Tower", "Pair"],
    "objects": ["Steep"],
}
PROJECT = PluginProject(
    name="acme-kinds",
    version="1.2.0",
    modules={"acme_kinds/objects.py": SOURCE},
    entry_points={
        f"keras_registry.{group}": {f"acme>{name}": f"acme_kinds.objects:{name}" for name in names}
        for group, names in _NAMES.items()
    },
)

BUILD = """\
import keras
import numpy as np
import acme_kinds.objects as acme

L = keras.layers


def stack(*layers, of=keras.Sequential):
    return of([keras.Input((3,)), *layers])


def compiled(model, optimizer="sgd", loss=None, metrics=()):
    loss = keras.losses.MeanSquaredError() if loss is None else loss
    model.compile(optimizer, loss=loss, metrics=list(metrics))
    model.fit(np.ones((4, 3), "float32"), np.ones((4, 2), "float32"), verbose=0)
    return model


def nested():
    inner = stack(acme.Gate(2, acme.squash, L.Dense(2), (4, 5)))
    inputs = keras.Input((3,))
    once = inner(inputs)
    timed = L.TimeDistributed(acme.Gate(2))(L.Reshape((1, 2))(once))
    return keras.Model(inputs, L.Add()([once, L.Flatten()(timed)]))


def called(model):
    model(np.ones((1, 3), "float32"))
    return model


def with_table():
    table = acme.Table()
    table.numbers = (2.0, 3.0, 5.0)
    return stack(table, L.Dense(2))


def operation():
    inputs = keras.Input((3,))
    return keras.Model(inputs, keras.ops.relu(acme.Gate(2)(inputs)))


def recurrent():
    inputs = keras.Input((3,))
    return keras.Model(inputs, L.RNN(acme.Cell(2))(L.Reshape((1, 3))(inputs)))


MODELS = {
    "layer": lambda: stack(acme.Gate(2, acme.squash, L.Dense(2), (4, 5))),
    "nested layer": nested,
    "cell": recurrent,
    "activation": lambda: stack(L.Dense(2, acme.squash), L.Activation(acme.squash)),
    "initializer": lambda: stack(L.Dense(2, kernel_initializer=acme.Half(0.25))),
    "regularizer": lambda: stack(L.Dense(2, kernel_regularizer=acme.Ridge(0.5))),
    "constraint": lambda: stack(L.Dense(2, kernel_constraint=acme.Capped(0.75))),
    "loss": lambda: compiled(stack(L.Dense(2)), loss=acme.Margin(2.0)),
    "loss function": lambda: compiled(stack(L.Dense(2)), loss=acme.gap),
    "metric": lambda: compiled(stack(L.Dense(2)), metrics=[acme.Share(0.5)]),
    "optimizer": lambda: compiled(stack(L.Dense(2)), acme.Slow(0.05, drag=0.25)),
    "schedule": lambda: compiled(stack(L.Dense(2)), keras.optimizers.Adam(acme.Steps(0.5, 7))),
    "model": lambda: stack(L.Dense(2), of=acme.Tower),
    "subclassed model": lambda: called(acme.Pair(4)),
    "object": lambda: stack(L.Dense(2, acme.Steep(2.0))),
    "assets": with_table,
    "operation": operation,
}
"""

KINDS = (
    "layer",
    "nested layer",
    "cell",
    "activation",
    "initializer",
    "regularizer",
    "constraint",
    "loss",
    "loss function",
    "metric",
    "optimizer",
    "schedule",
    "model",
    "subclassed model",
    "object",
    "assets",
    "operation",
)
