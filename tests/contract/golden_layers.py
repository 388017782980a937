"""A distribution in two versions: what its first one saved, the second one has to load."""

from __future__ import annotations

from tests.support.distributions import PluginProject
from tests.support.plugins import altered

__all__ = ["FIRST", "SECOND", "project"]

_FOLDER = "krg_layers"

FIRST = '''\
"""Objects of many kinds."""

import keras

from keras_registry import register
from keras_registry.migrations import Migration, rename


class Scaled(keras.layers.Layer):
    def build(self, input_shape):
        self.kernel = self.add_weight(shape=input_shape[1:], initializer="ones", name="kernel")
        self.bias = self.add_weight(shape=input_shape[1:], name="bias")

    def call(self, inputs):
        return inputs * self.kernel + self.bias


@register("krg")
class Kept(Scaled):
    """It stays as it is."""


@register("krg")
class Changed(Scaled):
    """It gets another formula."""

    def call(self, inputs):
        return inputs * self.kernel + self.bias


@register("krg")
class Swapped(Scaled):
    """Its weights change places."""

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=input_shape[1:], initializer="ones", name="kernel")
        self.bias = self.add_weight(shape=input_shape[1:], name="bias")


@register("krg")
class Reshaped(Scaled):
    """One of its weights gets another shape."""

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=input_shape[1:], initializer="ones", name="kernel")
        self.bias = self.add_weight(shape=input_shape[1:], name="bias")


@register("krg")
class Renamed(keras.layers.Layer):
    """Its argument gets another name, and nothing is said of that."""

    def __init__(self, rate: float = 0.5, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate

    def call(self, inputs):
        return inputs * self.rate


@register("krg")
class Migrated(keras.layers.Layer):
    """Its argument gets another name, with a migration."""

    def __init__(self, rate: float = 0.5, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate

    def call(self, inputs):
        return inputs * self.rate


@register("krg")
class Turned(Scaled):
    """Its weight gets other axes, with a migration."""

    def __init__(self, units: int = 3, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")

    def call(self, inputs):
        return inputs @ self.kernel


@register("krg")
class Moved(Scaled):
    """It gets another name, and an alias."""


@register("krg")
class Gone(Scaled):
    """It is taken away."""


@register("krg")
class Net(keras.Model):
    """A model, which stays as it is."""

    def __init__(self, units: int = 3, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.dense = keras.layers.Dense(units, name="dense")

    def build(self, input_shape):
        self.dense.build(input_shape)

    def call(self, inputs):
        return self.dense(inputs)


@register("krg")
class Noisy(keras.layers.Layer):
    """It draws other numbers each time."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seeds = keras.random.SeedGenerator()

    def call(self, inputs):
        return inputs + keras.random.normal(keras.ops.shape(inputs), seed=self.seeds)


@register("krg")
class Picky(keras.layers.Layer):
    """It takes nothing usual."""

    def call(self, inputs):
        if inputs.shape[1:] != (7, 7):
            message = "give it a board of 7 by 7"
            raise ValueError(message)
        return inputs


@register("krg")
class Vast(keras.layers.Layer):
    """It has many weights in its smallest case."""

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(512, 1024), initializer="uniform", name="kernel")

    def call(self, inputs):
        return inputs + keras.ops.mean(self.kernel)


@register("krg")
class Error(keras.losses.Loss):
    """A loss."""

    def call(self, y_true, y_pred):
        return keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)


@register("krg")
class Mean(keras.metrics.Metric):
    """A metric."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.total = self.add_variable((), "zeros", name="total")
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.total.assign_add(keras.ops.sum(y_pred))
        self.count.assign_add(float(y_pred.shape[0]))

    def result(self):
        return keras.ops.divide_no_nan(self.total, self.count)


@register("krg")
class Mass(keras.metrics.Metric):
    """A metric of values."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.total = self.add_variable((), "zeros", name="total")

    def update_state(self, values, sample_weight=None):
        self.total.assign_add(keras.ops.sum(values))

    def result(self):
        return self.total + 0.0


@register("krg")
class Descent(keras.optimizers.Optimizer):
    """An optimizer."""

    def __init__(self, learning_rate: float = 0.125, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)

    def update_step(self, gradient, variable, learning_rate):
        self.assign_sub(variable, learning_rate * gradient)


@register("krg")
class Decay(keras.optimizers.schedules.LearningRateSchedule):
    """A schedule."""

    def __init__(self, rate: float = 0.5):
        self.rate = rate

    def __call__(self, step):
        return self.rate / (keras.ops.cast(step, "float32") + 1.0)


@register("krg")
class Steps(keras.initializers.Initializer):
    """An initializer."""

    def __call__(self, shape, dtype=None):
        size = 1
        for length in shape:
            size *= int(length)
        return keras.ops.reshape(keras.ops.arange(size, dtype=dtype or "float32"), shape)


@register("krg")
class Penalty(keras.regularizers.Regularizer):
    """A regularizer."""

    def __call__(self, weights):
        return 0.5 * keras.ops.sum(keras.ops.square(weights))

    def get_config(self):
        return {}


@register("krg")
class Clipped(keras.constraints.Constraint):
    """A constraint."""

    def __call__(self, weights):
        return keras.ops.clip(weights, 0.0, 0.25)


@register("krg")
def curve(x):
    """An activation."""
    return x + keras.ops.sin(x)


@register("krg")
def distance(y_true, y_pred):
    """A loss."""
    return keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)


@register("krg")
def scale(x, rate, offset):
    """Neither."""
    return rate * x + offset


@register("krg")
class Policy:
    """A helper."""

    def get_config(self):
        return {}

    @classmethod
    def from_config(cls, config):
        return cls()
'''
"""The first version."""

_SWAPPED = """\
        self.bias = self.add_weight(shape=input_shape[1:], name="bias")
        self.kernel = self.add_weight(shape=input_shape[1:], initializer="ones", name="kernel")
"""


def _between(text: str, start: str, end: str) -> str:
    """The part of a text from one place on and up to another."""
    return start + text.split(start, 1)[1].split(end, 1)[0]


def _changed(text: str, name: str, *changes: tuple[str, str]) -> str:
    """The source with changes in the object of a name alone."""
    before = _between(text, f"{name}", "@register")
    after = before
    for old, new in changes:
        after = altered(after, old, new)
    return altered(text, before, after)


_ARGUMENT = (
    ("rate: float", "share: float"),
    ("self.rate = rate", "self.share = share"),
    ("inputs * self.rate", "inputs * self.share"),
)


def _second() -> str:
    text = _changed(FIRST, "class Changed", ("+ self.bias", "- self.bias"))
    text = _changed(
        text,
        "class Swapped",
        (_between(FIRST, "        self.kernel = self", "\n    def call"), _SWAPPED),
    )
    text = _changed(text, "class Reshaped", ('shape=input_shape[1:], name="bias"', 'name="bias"'))
    text = _changed(text, "class Renamed", *_ARGUMENT)
    text = _changed(text, "class Migrated", *_ARGUMENT)
    text = altered(
        text,
        '@register("krg")\nclass Migrated',
        '@register("krg", version=2, migrations=[Migration(1, 2, rename("rate", "share"))])\n'
        "class Migrated",
    )
    text = _changed(
        text,
        "class Turned",
        ("(input_shape[-1], self.units)", "(self.units, input_shape[-1])"),
        ("self.kernel\n\n", "keras.ops.transpose(self.kernel)\n\n"),
    )
    text = altered(
        text,
        '@register("krg")\nclass Turned',
        "def turn(weights, version):\n"
        '    return {"0": weights["0"].T}\n\n\n'
        '@register("krg", version=2, migrations=[Migration(1, 2, dict)], migrate_weights=turn)\n'
        "class Turned",
    )
    text = altered(text, "class Moved", "class Elsewhere")
    text = altered(text, _between(text, '@register("krg")\nclass Gone', '@register("krg")\nc'), "")
    text = _changed(text, "class Error", ("square", "abs"))
    text = _changed(text, "class Mean", ("keras.ops.sum(y_pred)", "2 * keras.ops.sum(y_pred)"))
    text = _changed(text, "class Descent", ("learning_rate * gradient", "0.5 * gradient"))
    text = _changed(text, "class Decay", ("+ 1.0", "+ 2.0"))
    text = _changed(text, "class Steps", (", shape)", ", shape) + 1"))
    text = _changed(text, "class Penalty", ("0.5 *", "0.25 *"))
    text = _changed(text, "class Clipped", ("0.25", "0.5"))
    text = _changed(text, "def curve", ("sin", "cos"))
    return _changed(text, "def distance", ("abs", "square"))


SECOND = _second()
"""The second version: the names of the objects say what was changed."""

_MIXED = {
    "keras_registry.layers": (
        *("Kept", "Changed", "Swapped", "Reshaped", "Renamed", "Migrated", "Moved", "Gone"),
        *("Turned", "Noisy", "Picky", "Vast"),
    ),
    "keras_registry.models": ("Net",),
    "keras_registry.losses": ("Error",),
    "keras_registry.metrics": ("Mean", "Mass"),
    "keras_registry.optimizers": ("Descent",),
    "keras_registry.schedules": ("Decay",),
    "keras_registry.initializers": ("Steps",),
    "keras_registry.regularizers": ("Penalty",),
    "keras_registry.constraints": ("Clipped",),
    "keras_registry.functions": ("curve", "distance", "scale"),
    "keras_registry.objects": ("Policy",),
}


def project(version: str = "1.0.0", source: str = FIRST) -> PluginProject:
    """The distribution; a version from 2 on has another name for one object, and none of another.

    Args:
        version: Its version.
        source: The text of its module.
    """
    target = f"{_FOLDER}.mixed"
    entries = {
        group: {f"krg>{name}": f"{target}:{name}" for name in names}
        for group, names in _MIXED.items()
    }
    if not version.startswith("1."):
        layers = entries["keras_registry.layers"]
        del layers["krg>Gone"], layers["krg>Moved"]
        layers["krg>Elsewhere"] = f"{target}:Elsewhere"
        entries["keras_registry.aliases"] = {"krg>Moved": f"{target}:Elsewhere"}
    return PluginProject(
        name="krg-layers",
        version=version,
        modules={f"{_FOLDER}/mixed.py": source},
        entry_points=entries,
    )
