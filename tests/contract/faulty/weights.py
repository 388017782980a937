"""Faulty initializers, regularizers and constraints."""

import threading

import keras
import numpy as np
from keras import ops

from keras_registry import types as t
from tests.contract.faults import fault, twin


class Spread(keras.initializers.Initializer):
    """Uniform values."""

    def __init__(self, width: t.PositiveFloat = 0.5, seed: int | None = None):
        self.width = width
        self.seed = seed

    def __call__(self, shape, dtype=None):
        return keras.random.uniform(shape, -self.width, self.width, dtype=dtype, seed=self.seed)


@twin()
class Uniform(Spread):
    """Uniform values."""


@fault(
    "`dtype` is taken and not used",
    check="initializer_gives_shape_and_dtype",
    names="dtype",
)
class AlwaysFloat32(Spread):
    def __call__(self, shape, dtype=None):
        return super().__call__(shape, dtype="float32")


@fault(
    "a divisor that is 0 for biases gives infinite values",
    check="initializer_gives_shape_and_dtype",
    names="__call__",
)
class InfiniteForBiases(Spread):
    def __call__(self, shape, dtype=None):
        fan_in = np.float32(np.prod(shape) - shape[-1])
        return super().__call__(shape, dtype=dtype) / ops.cast(fan_in, dtype or "float32")


@fault(
    "`dtype` has to be given",
    check="dtype_may_be_left_out",
    names="dtype",
)
class NeedsDtype(Spread):
    def __call__(self, shape, dtype):
        return super().__call__(shape, dtype=dtype)


@fault(
    "values are drawn with numpy, and the seed is not used",
    check="seed_decides",
    names="seed",
)
class DrawnByNumpy(Spread):
    def __call__(self, shape, dtype=None):
        drawn = np.random.uniform(-self.width, self.width, shape)  # noqa: NPY002 - the mistake
        return ops.convert_to_tensor(drawn, dtype=dtype or keras.backend.floatx())


@fault(
    "a `SeedGenerator` goes on from call to call",
    check="seed_decides",
    names="seed",
    also=["copies_and_pickles"],
)
class GoesOn(Spread):
    def __init__(self, width: t.PositiveFloat = 0.5, seed: int | None = None):
        super().__init__(width=width)
        self.seed = keras.random.SeedGenerator(seed)


@fault(
    "the seed is a constant, so all layers begin alike",
    check="seed_decides",
    names="seed",
)
class OneSeed(Spread):
    def __init__(self, width: t.PositiveFloat = 0.5, seed: int | None = None):
        super().__init__(width=width, seed=42)


class Penalty(keras.regularizers.Regularizer):
    """A sum of squares."""

    def __init__(self, factor: t.PositiveFloat = 0.25):
        self.factor = factor

    def __call__(self, x):
        return self.factor * ops.sum(ops.square(x))


@twin()
class SumOfSquares(Penalty):
    """A sum of squares."""


@fault(
    "the penalty is summed over the last axis alone",
    check="penalty_is_one_number",
    names="__call__",
)
class PenaltyOfRows(Penalty):
    def __call__(self, x):
        return self.factor * ops.sum(ops.square(x), axis=-1)


@fault(
    "the penalty is float32, whatever the weights are",
    check="penalty_is_one_number",
    names="dtype",
)
class PenaltyInFloat32(Penalty):
    def __call__(self, x):
        return super().__call__(ops.cast(x, "float32"))


@fault(
    "a group penalty takes the root of 0 where weights begin at 0",
    check="penalty_has_a_finite_gradient",
    names="__call__",
    thread=(
        "keras-team/keras-io#910",
        "the root of a sum of squares has no gradient at 0, and the loss becomes NaN",
    ),
)
class GroupPenalty(Penalty):
    def __call__(self, x):
        return self.factor * ops.sum(ops.sqrt(ops.sum(ops.square(x), axis=-1)))


@fault(
    "a factor of a regularizer is not in its config",
    check="config_holds_every_argument",
    names="factor",
)
class LostFactor(Penalty):
    def get_config(self):
        return {}


@fault(
    "a lock cannot be copied, nor sent to another process",
    check="copies_and_pickles",
    names="lock",
)
class WithLock(Penalty):
    def __init__(self, factor: t.PositiveFloat = 0.25):
        super().__init__(factor=factor)
        self.lock = threading.Lock()


class Clipped(keras.constraints.Constraint):
    """Weights of a limited size."""

    def __init__(self, limit: t.PositiveFloat = 0.5):
        self.limit = limit

    def __call__(self, w):
        return ops.clip(w, -self.limit, self.limit)


@twin()
class Limited(Clipped):
    """Weights of a limited size."""


@fault(
    "weights are divided by their sums without `keepdims`, along the wrong axis",
    check="constraint_keeps_shape_and_dtype",
    names="shape",
)
class WithoutKeepdims(Clipped):
    def __call__(self, w):
        return ops.sum(ops.abs(w), axis=0) / (1.0 + self.limit)


@fault(
    "weights of 0 are divided by their norm",
    check="constraint_keeps_shape_and_dtype",
    names="__call__",
)
class BareNorm(Clipped):
    def __call__(self, w):
        return w / ops.sqrt(ops.sum(ops.square(w), axis=0, keepdims=True))


@fault(
    "weights are halved at each step, in place of limited",
    check="constraint_is_idempotent",
    names="__call__",
)
class Halved(Clipped):
    def __call__(self, w):
        return self.limit * w
