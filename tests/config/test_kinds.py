"""Derived `get_config` and `from_config` for each kind of object, through Keras and JSON."""

import keras
import numpy as np
import pytest

from keras_registry import register
from keras_registry import types as t
from keras_registry.names import Kind
from keras_registry.registration import default_registry
from tests.support.registered import round_trip


def make_layer():
    """Return a layer with values that are no defaults, and what must come back."""

    @register("kinds")
    class Scale(keras.layers.Layer):
        def __init__(
            self,
            factor: float = 1.0,
            activation: t.Activation = "relu",
            kernel_initializer: t.Initializer = "zeros",
            **kwargs,
        ):
            super().__init__(**kwargs)
            self.factor, self.activation = factor, activation
            self.kernel_initializer = kernel_initializer

    made = Scale(
        2.5,
        activation=keras.activations.tanh,
        kernel_initializer=keras.initializers.Constant(3.0),
        name="twice",
        trainable=False,
        dtype="mixed_bfloat16",
    )
    kept = {
        "factor": 2.5,
        "activation": keras.activations.tanh,
        "kernel_initializer.value": 3.0,
        "name": "twice",
        "trainable": False,
        "dtype_policy.name": "mixed_bfloat16",
    }
    return made, kept


def make_bare_layer():
    """The same for a layer whose constructor takes nothing of Keras's."""

    @register("kinds")
    class BareScale(keras.layers.Layer):
        def __init__(self, factor: float = 1.0):
            super().__init__()
            self.factor = factor

    made = BareScale(2.5)
    made.name, made.trainable, made.dtype_policy = "twice", False, "mixed_bfloat16"
    kept = {
        "factor": 2.5,
        "name": "twice",
        "trainable": False,
        "dtype_policy.name": "mixed_bfloat16",
    }
    return made, kept


def make_explicit_layer():
    """The same for a layer that writes Keras's own arguments out."""

    @register("kinds")
    class ExplicitScale(keras.layers.Layer):
        def __init__(self, factor: float = 1.0, name=None, dtype=None):
            super().__init__(name=name, dtype=dtype)
            self.factor = factor

    made = ExplicitScale(2.5, name="twice", dtype="float16")
    made.trainable = False
    kept = {"factor": 2.5, "name": "twice", "trainable": False, "dtype_policy.name": "float16"}
    return made, kept


def make_model():
    """The same for a subclassed model."""

    @register("kinds")
    class Stack(keras.Model):
        def __init__(self, widths: list[t.PositiveInt], **kwargs):
            super().__init__(**kwargs)
            self.widths = widths
            self.dense = [keras.layers.Dense(width) for width in widths]

        def call(self, inputs):
            for layer in self.dense:
                inputs = layer(inputs)
            return inputs

    made = Stack([3, 2], name="stack", trainable=False, dtype="float16")
    kept = {
        "widths": [3, 2],
        "name": "stack",
        "trainable": False,
        "dtype_policy.name": "float16",
    }
    return made, kept


def make_loss():
    """The same for a loss."""

    @register("kinds")
    class Pinball(keras.losses.Loss):
        def __init__(self, quantile: float = 0.5, **kwargs):
            super().__init__(**kwargs)
            self.quantile = quantile

        def call(self, y_true, y_pred):
            return y_true - y_pred

    made = Pinball(0.25, name="low", reduction="sum")
    return made, {"quantile": 0.25, "name": "low", "reduction": "sum"}


def make_bare_loss():
    """The same for a loss whose constructor takes nothing of Keras's."""

    @register("kinds")
    class BarePinball(keras.losses.Loss):
        def __init__(self, quantile: float = 0.5):
            super().__init__()
            self.quantile = quantile

        def call(self, y_true, y_pred):
            return y_true - y_pred

    made = BarePinball(0.25)
    made.name, made.reduction = "low", "sum"
    return made, {"quantile": 0.25, "name": "low", "reduction": "sum"}


def make_metric():
    """The same for a metric."""

    @register("kinds")
    class Coverage(keras.metrics.Metric):
        def __init__(self, tolerance: float = 0.1, **kwargs):
            super().__init__(**kwargs)
            self.tolerance = tolerance

    made = Coverage(0.5, name="close", dtype="float16")
    return made, {"tolerance": 0.5, "name": "close", "dtype": "float16"}


def make_bare_metric():
    """The same for a metric whose constructor takes nothing of Keras's."""

    @register("kinds")
    class BareCoverage(keras.metrics.Metric):
        def __init__(self, tolerance: float = 0.1):
            super().__init__(name="close", dtype="float16")
            self.tolerance = tolerance

    return BareCoverage(0.5), {"tolerance": 0.5, "name": "close", "dtype": "float16"}


def make_metric_of_keras():
    """The same for a metric built on one of Keras's."""

    @register("kinds")
    class Above(keras.metrics.MeanMetricWrapper):
        def __init__(self, threshold: float = 0.0, name: str = "above", dtype=None):
            super().__init__(keras.metrics.binary_accuracy, name=name, dtype=dtype)
            self.threshold = threshold

    return Above(0.4, name="mine"), {"threshold": 0.4, "name": "mine"}


def make_optimizer():
    """The same for an optimizer."""

    @register("kinds")
    class Signed(keras.optimizers.Optimizer):
        def __init__(self, learning_rate: float = 0.01, decay: float = 0.5, **kwargs):
            super().__init__(learning_rate=learning_rate, **kwargs)
            self.decay = decay

    made = Signed(0.5, decay=0.25, weight_decay=0.125, clipnorm=2.0, name="signed")
    made.learning_rate = 0.75
    kept = {
        "decay": 0.25,
        "weight_decay": 0.125,
        "clipnorm": 2.0,
        "name": "signed",
        "learning_rate": 0.75,
    }
    return made, kept


def make_optimizer_of_keras():
    """The same for an optimizer built on one of Keras's."""

    @register("kinds")
    class Boosted(keras.optimizers.SGD):
        def __init__(self, boost: float = 1.0, **kwargs):
            super().__init__(**kwargs)
            self.boost = boost

    made = Boosted(3.0, learning_rate=0.125, momentum=0.5)
    return made, {"boost": 3.0, "learning_rate": 0.125, "momentum": 0.5}


def make_schedule():
    """The same for a learning-rate schedule, which has a name of its own."""

    @register("kinds")
    class Steps(keras.optimizers.schedules.LearningRateSchedule):
        def __init__(self, rate: float, length: t.PositiveInt = 1, name: str = "steps"):
            self.rate, self.length, self.name = rate, length, name

        def __call__(self, step):
            return self.rate

    return Steps(0.5, 3, name="mine"), {"rate": 0.5, "length": 3, "name": "mine"}


def make_initializer():
    """The same for an initializer, one of whose arguments is called dtype."""

    @register("kinds")
    class Around(keras.initializers.Initializer):
        def __init__(self, value: float = 0.0, dtype: str = "float32"):
            self.value, self.dtype = value, dtype

        def __call__(self, shape, dtype=None):
            return keras.ops.full(shape, self.value, dtype=dtype)

    return Around(0.5, "float16"), {"value": 0.5, "dtype": "float16"}


def make_regularizer():
    """The same for a regularizer, one of whose arguments is called reduction."""

    @register("kinds")
    class Cubic(keras.regularizers.Regularizer):
        def __init__(self, strength: float = 0.1, reduction: str = "sum"):
            self.strength, self.reduction = strength, reduction

        def __call__(self, x):
            return self.strength * keras.ops.sum(x**3)

    return Cubic(0.5, "mean"), {"strength": 0.5, "reduction": "mean"}


def make_constraint():
    """The same for a constraint."""

    @register("kinds")
    class Below(keras.constraints.Constraint):
        def __init__(self, limit: float = 1.0):
            self.limit = limit

        def __call__(self, w):
            return keras.ops.minimum(w, self.limit)

    return Below(0.5), {"limit": 0.5}


def make_object():
    """The same for a plain object with arguments called like those of Keras's bases."""

    @register("kinds")
    class Recipe:
        def __init__(self, steps: list[str], name: str = "", trainable: bool = True):
            self.steps, self.name, self.trainable = steps, name, trainable

    made = Recipe(["stir"], name="soup", trainable=False)
    return made, {"steps": ["stir"], "name": "soup", "trainable": False}


def make_id(value):
    """Return the name of a function, and nothing for a kind."""
    return getattr(value, "__name__", "")


KINDS = [
    (Kind.LAYER, make_layer),
    (Kind.LAYER, make_bare_layer),
    (Kind.LAYER, make_explicit_layer),
    (Kind.MODEL, make_model),
    (Kind.LOSS, make_loss),
    (Kind.LOSS, make_bare_loss),
    (Kind.METRIC, make_metric),
    (Kind.METRIC, make_bare_metric),
    (Kind.METRIC, make_metric_of_keras),
    (Kind.OPTIMIZER, make_optimizer),
    (Kind.OPTIMIZER, make_optimizer_of_keras),
    (Kind.SCHEDULE, make_schedule),
    (Kind.INITIALIZER, make_initializer),
    (Kind.REGULARIZER, make_regularizer),
    (Kind.CONSTRAINT, make_constraint),
    (Kind.OBJECT, make_object),
]


def plain(value):
    """A variable as a number, a list that Keras tracks as a list, anything else as it is."""
    if hasattr(value, "numpy"):
        return float(value.numpy())
    return list(value) if isinstance(value, list) else value


def look_up(thing, path):
    """Return the attribute at a dotted path."""
    for name in path.split("."):
        thing = getattr(thing, name)
    return plain(thing)


@pytest.mark.parametrize(("kind", "make"), KINDS, ids=make_id)
def test_round_trip(kind, make):
    """An object of any kind comes back with its arguments, and with what its base class keeps."""
    made, kept = make()

    again = round_trip(round_trip(made))

    assert type(again) is type(made)
    assert {path: look_up(again, path) for path in kept} == kept
    assert again.get_config() == made.get_config()


@pytest.mark.parametrize(("kind", "make"), KINDS, ids=make_id)
def test_config_satisfies_the_schema(kind, make):
    """What a derived `get_config` writes is accepted by the schema, as objects and as JSON."""
    made, _ = make()
    key = keras.saving.get_registered_name(type(made))
    registration = default_registry.find(key)

    assert registration.kind is kind
    assert registration.schema.read_config(made.get_config()).problems == ()
    stored = keras.saving.serialize_keras_object(made)
    assert registration.schema.read_config(stored["config"]).problems == ()


def test_a_loss_keeps_its_dtype():
    """A loss comes back with its dtype, which Keras's own `Loss.get_config` leaves out."""

    @register("kinds")
    class Half(keras.losses.Loss):
        def __init__(self, quantile: float = 0.5, **kwargs):
            super().__init__(**kwargs)

        def call(self, y_true, y_pred):
            return y_true - y_pred

    assert round_trip(Half(0.25, dtype="float16")).dtype == "float16"


def test_a_tuple_in_json_satisfies_the_schema():
    """The form in which Keras stores a tuple is one that the schema takes."""

    @register("kinds")
    class Window(keras.layers.Layer):
        def __init__(self, size: tuple[int, int] = (1, 1), pads: list[tuple[int, int]] = (), **kw):
            super().__init__(**kw)

    stored = keras.saving.serialize_keras_object(Window((3, 4), [(1, 2)]))

    assert default_registry.find("kinds>Window").schema.read_config(stored["config"]).problems == ()


def test_a_bare_layer_is_rebuilt_whole():
    """What Keras sets after construction works: an activity regularizer is one again."""

    @register("kinds")
    class Bare(keras.layers.Layer):
        def __init__(self, factor: float = 1.0):
            super().__init__()
            self.factor = factor

        def call(self, inputs):
            return inputs * self.factor

    made = Bare(2.0)
    made.activity_regularizer = keras.regularizers.L2(0.5)

    again = round_trip(made)
    again(np.ones((1, 2), "float32"))

    assert again.activity_regularizer.l2 == pytest.approx(0.5)
    assert float(again.losses[0]) == pytest.approx(4.0)


def test_a_bare_layer_trains_in_its_policy():
    """A dtype that is set after construction is the one that the layer computes in."""

    @register("kinds")
    class Bare(keras.layers.Layer):
        def __init__(self, units: int = 1):
            super().__init__()
            self.units = units

        def build(self, input_shape):
            self.kernel = self.add_weight(shape=(input_shape[-1], self.units))

        def call(self, inputs):
            return keras.ops.matmul(inputs, self.kernel)

    made = Bare(2)
    made.dtype_policy = "mixed_bfloat16"

    again = round_trip(made)
    result = again(np.ones((1, 2), "float32"))

    assert keras.backend.standardize_dtype(result.dtype) == "bfloat16"
    assert again.kernel.dtype == "float32"


def test_an_optimizer_keeps_its_schedule():
    """An optimizer whose learning rate is a schedule comes back with the schedule."""

    @register("kinds")
    class Signed(keras.optimizers.Optimizer):
        def __init__(self, learning_rate=0.01, **kwargs):
            super().__init__(learning_rate=learning_rate, **kwargs)

    schedule = keras.optimizers.schedules.ExponentialDecay(0.5, 10, 0.25)

    again = round_trip(Signed(schedule))

    assert again._learning_rate.get_config() == schedule.get_config()


def test_objects_inside_a_model_come_back(tmp_path):
    """Layer, loss, metric, initializer, regularizer and constraint come back from a file."""
    layer = make_layer()[0]
    initializer, regularizer = make_initializer()[0], make_regularizer()[0]
    constraint, loss, metric = make_constraint()[0], make_loss()[0], make_metric()[0]
    dense = keras.layers.Dense(
        2,
        kernel_initializer=initializer,
        kernel_regularizer=regularizer,
        kernel_constraint=constraint,
    )
    model = keras.Sequential([keras.Input((2,)), dense, layer])
    model.compile(optimizer="sgd", loss=loss, metrics=[metric])
    model.save(tmp_path / "m.keras")

    again = keras.saving.load_model(tmp_path / "m.keras")

    assert again.layers[0].kernel_initializer.value == 0.5
    assert again.layers[0].kernel_regularizer.strength == 0.5
    assert again.layers[0].kernel_constraint.limit == 0.5
    assert again.layers[1].factor == 2.5
    assert again.loss.quantile == 0.25
