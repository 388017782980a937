"""Models, layers of layers and all else with a derived `get_config`; annotations are text here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Literal, TypeVar

import keras
import numpy as np

from keras_registry import register
from keras_registry import types as t
from tests.config.derived_layers import (
    BASE,
    KEPT,
    GainDense,
    Head,
    LeakyCell,
    Made,
    Mode,
    Same,
    Scale,
    Window,
    halve,
)

__all__ = ["OBJECTS"]

T = TypeVar("T")
OBJECTS: list[Made] = []


def made(make: Any, *, in_chain: bool = False, **kept: Any) -> Any:
    """Register the class below and put it into the table; `__` in a name stands for a dot."""

    def decorator(cls: type) -> type:
        paths = {path.replace("__", "."): value for path, value in kept.items()}
        OBJECTS.append(Made(register("derived")(cls), make, paths, in_chain))
        return cls

    return decorator


# --- layers in layers ------------------------------------------------------------------------


@made(
    lambda cls: cls(GainDense(2, 0.5, name="inner", trainable=False), **BASE),
    inner__gain=0.5,
    inner__name="inner",
    inner__trainable=False,
    **KEPT,
    in_chain=True,
)
class Residual(Same):
    def __init__(self, inner: t.Layer, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner


@made(
    lambda cls: cls(
        [keras.layers.Dense(2, name="a"), Scale(0.5, name="b")],
        {"left": keras.layers.ReLU(3.0, name="c"), "right": None},
        (keras.layers.Flatten(name="d"),),
        **BASE,
    ),
    branches__0__units=2,
    branches__1__factor=0.5,
    named__left__max_value=3.0,
    named__right=None,
    last__0__name="d",
    **KEPT,
    in_chain=True,
)
class Branching(Same):
    def __init__(
        self,
        branches: list[t.Layer],
        named: dict[str, t.Layer | None],
        last: tuple[t.Layer, ...] = (),
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.branches, self.named, self.last = branches, named, last


@made(
    lambda cls: cls(keras.layers.RNN(LeakyCell(3, 0.25)), keras.layers.Dense(2), **BASE),
    recurrent__cell__leak=0.25,
    dense__units=2,
    **KEPT,
    in_chain=True,
)
class Holding(Same):
    def __init__(self, recurrent: keras.layers.RNN, dense: t.KerasObject[keras.layers.Dense], **kw):
        super().__init__(**kw)
        self.recurrent, self.dense = recurrent, dense


# --- models ----------------------------------------------------------------------------------


@made(
    lambda cls: cls([3, 2], name="mine", trainable=False, dtype="float16"),
    widths=[3, 2],
    name="mine",
    trainable=False,
    dtype_policy__name="float16",
    in_chain=True,
)
class Stack(keras.Model):
    def __init__(self, widths: list[t.PositiveInt], **kwargs):
        super().__init__(**kwargs)
        self.widths = widths
        self.dense = [keras.layers.Dense(width) for width in widths]

    def build(self, input_shape):
        for layer in self.dense:
            layer.build(input_shape)
            input_shape = layer.compute_output_shape(input_shape)

    def call(self, inputs):
        for layer in self.dense:
            inputs = layer(inputs)
        return inputs


@made(lambda cls: cls(4, (3, 2), name="mine"), size=4, widths=(3, 2), name="mine")
class Tower(keras.Model):
    def __init__(self, size: int, widths: tuple[int, ...], **kwargs):
        inputs = outputs = keras.Input((size,))
        for width in widths:
            outputs = keras.layers.Dense(width)(outputs)
        super().__init__(inputs, outputs, **kwargs)
        self.size, self.widths = size, widths


@made(
    lambda cls: cls(Tower(2, (1,), name="inner"), name="mine"),
    inner__widths=(1,),
    inner__name="inner",
    name="mine",
    in_chain=True,
)
class Ensemble(keras.Model):
    def __init__(self, inner: t.Model, name: str | None = None):
        super().__init__(name=name)
        self.inner = inner

    def build(self, input_shape):
        self.built = True

    def call(self, inputs):
        return inputs


# --- losses and metrics ----------------------------------------------------------------------


@made(
    lambda cls: cls(0.25, name="mine", reduction="sum", dtype="float16"),
    quantile=0.25,
    name="mine",
    reduction="sum",
    dtype="float16",
)
class Pinball(keras.losses.Loss):
    def __init__(self, quantile: t.Probability = 0.5, **kwargs):
        super().__init__(**kwargs)
        self.quantile = quantile

    def call(self, y_true, y_pred):
        return y_true - y_pred


def make_bare_loss(cls):
    """Make a loss whose constructor takes nothing of Keras's."""
    loss = cls(0.25)
    loss.name, loss.reduction = "mine", "sum"
    return loss


@made(make_bare_loss, quantile=0.25, name="mine", reduction="sum")
class BarePinball(keras.losses.Loss):
    def __init__(self, quantile: float = 0.5):
        super().__init__()
        self.quantile = quantile

    def call(self, y_true, y_pred):
        return y_true - y_pred


@made(
    lambda cls: cls([0.25, 0.75], delta=2.0, reduction="sum", name="mine"),
    weights=[0.25, 0.75],
    name="mine",
    reduction="sum",
)
class WeightedHuber(keras.losses.Huber):
    def __init__(self, weights: list[float], **kwargs):
        super().__init__(**kwargs)
        self.weights = weights


@made(lambda cls: cls(Pinball(0.25), "mae", 0.75), first__quantile=0.25, share=0.75)
class Mixed(keras.losses.Loss):
    def __init__(self, first: t.Loss, second: t.Loss = "mse", share: float = 0.5, name="mixed"):
        super().__init__(name=name)
        self.first, self.second, self.share = first, second, share

    def call(self, y_true, y_pred):
        return self.first(y_true, y_pred)


@made(
    lambda cls: cls(0.5, name="mine", dtype="float16"), tolerance=0.5, name="mine", dtype="float16"
)
class Coverage(keras.metrics.Metric):
    def __init__(self, tolerance: float = 0.1, **kwargs):
        super().__init__(**kwargs)
        self.tolerance = tolerance


@made(lambda cls: cls(0.5), tolerance=0.5, name="close", dtype="float16")
class BareCoverage(keras.metrics.Metric):
    def __init__(self, tolerance: float = 0.1):
        super().__init__(name="close", dtype="float16")
        self.tolerance = tolerance


@made(lambda cls: cls(0.4, name="mine", dtype="float16"), threshold=0.4, name="mine")
class Above(keras.metrics.MeanMetricWrapper):
    def __init__(self, threshold: float = 0.0, name: str = "above", dtype=None):
        super().__init__(keras.metrics.binary_accuracy, name=name, dtype=dtype)
        self.threshold = threshold


@made(
    lambda cls: cls(2, beta=0.5, thresholds=[0.25], name="mine"),
    power=2,
    name="mine",
    in_chain=False,
)
class PoweredPrecision(keras.metrics.Precision):
    def __init__(self, power: int = 1, beta: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.power, self.beta = power, beta


# --- optimizers and schedules ----------------------------------------------------------------


def make_optimizer(cls):
    """Make an optimizer whose learning rate was changed after construction."""
    optimizer = cls(0.5, decay=0.25, weight_decay=0.125, clipnorm=2.0, name="mine")
    optimizer.learning_rate = 0.75
    return optimizer


@made(make_optimizer, decay=0.25, weight_decay=0.125, clipnorm=2.0, name="mine", learning_rate=0.75)
class Signed(keras.optimizers.Optimizer):
    def __init__(self, learning_rate: float = 0.01, decay: float = 0.5, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.decay = decay


@made(lambda cls: cls(3.0, learning_rate=0.125, momentum=0.5), boost=3.0, momentum=0.5)
class Boosted(keras.optimizers.SGD):
    def __init__(self, boost: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.boost = boost


@made(
    lambda cls: cls(Ramp(0.5, 7, name="ramp"), Mode.EXACT, beta_1=0.5, use_ema=True, name="mine"),
    mode=Mode.EXACT,
    beta_1=0.5,
    use_ema=True,
    name="mine",
    _learning_rate__length=7,
)
class ModedAdam(keras.optimizers.Adam):
    def __init__(self, learning_rate: t.LearningRate = 0.001, mode: Mode = Mode.FAST, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.mode = mode


@made(lambda cls: cls(0.5, 3, name="mine"), rate=0.5, length=3, name="mine")
class Ramp(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, rate: float, length: t.PositiveInt = 1, name: str = "ramp"):
        self.rate, self.length, self.name = rate, length, name

    def __call__(self, step):
        return self.rate


@made(
    lambda cls: cls(0.125, initial_learning_rate=0.5, decay_steps=3, decay_rate=0.25, name="mine"),
    floor=0.125,
    initial_learning_rate=0.5,
    decay_steps=3,
    decay_rate=0.25,
    name="mine",
)
class FlooredDecay(keras.optimizers.schedules.ExponentialDecay):
    def __init__(self, floor: float = 0.0, **kwargs):
        super().__init__(**kwargs)
        self.floor = floor


@made(lambda cls: cls(Ramp(0.5, 7), 2.0), inner__rate=0.5, inner__length=7, factor=2.0)
class Stretched(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, inner: t.LearningRateSchedule, factor: float = 1.0):
        self.inner, self.factor = inner, factor

    def __call__(self, step):
        return self.inner(step / self.factor)


# --- initializers, regularizers, constraints -------------------------------------------------


@made(lambda cls: cls(0.5, "float16"), value=0.5, dtype="float16")
class Around(keras.initializers.Initializer):
    def __init__(self, value: float = 0.0, dtype: t.DType = "float32"):
        self.value, self.dtype = value, dtype

    def __call__(self, shape, dtype=None):
        return keras.ops.full(shape, self.value, dtype=dtype)


@made(
    lambda cls: cls(0.5, scale=2.0, mode="fan_out", seed=7),
    offset=0.5,
    scale=2.0,
    mode="fan_out",
    seed=7,
    distribution="uniform",
)
class OffsetScaling(keras.initializers.VarianceScaling):
    def __init__(self, offset: float = 0.0, **kwargs):
        super().__init__(distribution="uniform", **kwargs)
        self.offset = offset


@made(lambda cls: cls(0.5, "mean"), strength=0.5, reduction="mean")
class Cubic(keras.regularizers.Regularizer):
    def __init__(self, strength: float = 0.1, reduction: Literal["sum", "mean"] = "sum"):
        self.strength, self.reduction = strength, reduction

    def __call__(self, x):
        return self.strength * keras.ops.sum(x**3)


@made(lambda cls: cls((0, 1), l2=0.5), axes=(0, 1), l2=0.5)
class PartialL2(keras.regularizers.L2):
    def __init__(self, axes: t.Axis = -1, **kwargs):
        super().__init__(**kwargs)
        self.axes = axes


@made(lambda cls: cls([0.5, 0.25]), limits=[0.5, 0.25])
class Below(keras.constraints.Constraint):
    def __init__(self, limits: list[float] = (1.0,)):
        self.limits = limits

    def __call__(self, w):
        return keras.ops.minimum(w, self.limits[0])


@made(lambda cls: cls(True, max_value=3.0, axis=1), is_soft=True, max_value=3.0, axis=1)
class SoftMaxNorm(keras.constraints.MaxNorm):
    def __init__(self, is_soft: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.is_soft = is_soft


# --- objects ---------------------------------------------------------------------------------


@made(
    lambda cls: cls(["stir"], name="soup", trainable=False),
    steps=["stir"],
    name="soup",
    trainable=False,
)
class Recipe:
    def __init__(self, steps: list[str], name: str = "", trainable: bool = True):
        self.steps, self.name, self.trainable = steps, name, trainable


@made(lambda cls: cls(3, y=0.25, tags=("a",)), x=3, y=0.25, tags=("a",))
@dataclass(frozen=True)
class Point:
    x: int
    y: float = 0.5
    tags: tuple[str, ...] = ()
    origin: ClassVar[int] = 0


@made(
    lambda cls: cls(
        {"a": [Window((1, 2))]},
        (Head(units=1, activation=keras.activations.relu), None),
        [halve],
        Cubic(0.25),
        keras.dtype_policies.DTypePolicy("mixed_bfloat16"),
    ),
    windows={"a": [Window((1, 2))]},
    heads=(Head(units=1, activation=keras.activations.relu), None),
    functions=[halve],
    regularizer__strength=0.25,
    policy__name="mixed_bfloat16",
)
class Plan:
    def __init__(
        self,
        windows: dict[str, list[Window]],
        heads: tuple[Head | None, ...],
        functions: list[t.Function] = (),
        regularizer: t.Regularizer | None = None,
        policy: t.DTypePolicy = "float32",
    ):
        self.windows, self.heads, self.functions = windows, heads, functions
        self.regularizer, self.policy = regularizer, policy


@made(
    lambda cls: cls(Recipe(["stir"], name="soup"), 2.5, "3", np.arange(3)),
    inner__name="soup",
    value=2.5,
    label="3",
    table=np.arange(3),
)
class Parcel(Generic[T]):
    def __init__(
        self, inner: Recipe, value: T, label: int | str | None = None, table: t.Array | None = None
    ):
        self.inner, self.value, self.label, self.table = inner, value, label, table


@made(
    lambda cls: cls(Scale(0.5, name="inner"), "gelu", name="mine", trainable=False),
    inner__factor=0.5,
    inner__name="inner",
    activation=keras.activations.gelu,
    name="mine",
    trainable=False,
    in_chain=True,
)
class TextAnnotated(Same):
    def __init__(self, inner: t.Layer, activation: t.Activation = "relu", **kwargs):
        super().__init__(**kwargs)
        self.inner, self.activation = inner, activation
