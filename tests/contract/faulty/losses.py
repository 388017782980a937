"""Faulty losses."""

import keras
from keras import ops

from keras_registry import types as t
from tests.contract.faults import fault, twin


def aligned(y_true, y_pred):
    """Return the targets in the shape of the predictions."""
    return ops.reshape(y_true, ops.shape(y_pred))


@twin()
class Squared(keras.losses.Loss):
    """The square of the difference."""

    def __init__(self, scale: t.PositiveFloat = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, y_true, y_pred):
        return self.scale * ops.mean(ops.square(aligned(y_true, y_pred) - y_pred), axis=-1)


class Base(keras.losses.Loss):
    """What most of the faulty losses have in common."""

    def call(self, y_true, y_pred):
        return ops.mean(ops.square(aligned(y_true, y_pred) - y_pred), axis=-1)


@fault(
    "`call` averages over the batch, too",
    check="one_value_for_each_sample",
    names="call",
    thread=(
        "tensorflow/tensorflow#42446",
        "the guide's own custom loss returns one number, where `call` should return one per sample",
    ),
)
class MeanOfAll(Base):
    def call(self, y_true, y_pred):
        return ops.mean(ops.square(aligned(y_true, y_pred) - y_pred))


@fault(
    "`call` sums over the batch, so that the loss grows with it",
    check="one_value_for_each_sample",
    names="call",
    thread=(
        "umbertogriffo/focal-loss-keras#5",
        "another batch size gives another value of the loss",
    ),
)
class SumOfAll(Base):
    def call(self, y_true, y_pred):
        y_pred = ops.clip(y_pred, 1e-7, 1 - 1e-7)
        return -ops.sum(aligned(y_true, y_pred) * ops.square(1 - y_pred) * ops.log(y_pred))


@fault(
    "a distance is summed over axis 0, which is the batch",
    check="one_value_for_each_sample",
    names="call",
    thread=(
        "keras-team/keras#10408",
        "`axis=0` in a Euclidean loss gives one value per feature, and `fit` fails",
    ),
)
class OverTheWrongAxis(Base):
    def call(self, y_true, y_pred):
        return ops.sqrt(ops.sum(ops.square(aligned(y_true, y_pred) - y_pred), axis=0) + 1e-7)


@fault(
    "`__call__` reduces by itself, whatever `reduction` says",
    check="reductions_agree",
    names="reduction",
    also=["sample_weights_count", "masked_samples_do_not_count"],
)
class OwnReduction(Base):
    def __call__(self, y_true, y_pred, sample_weight=None):
        y_true, y_pred = (ops.convert_to_tensor(y, dtype=self.dtype) for y in (y_true, y_pred))
        return ops.mean(self.call(y_true, y_pred))


@fault(
    "`__call__` is overridden and hands no weights on",
    check="sample_weights_count",
    names="sample_weight",
    thread=(
        "tensorflow/tensorflow#28029",
        "`sample_weight` has no effect on the loss, and nothing says so",
    ),
)
class WithoutWeights(Base):
    def __call__(self, y_true, y_pred, sample_weight=None):
        return super().__call__(y_true, y_pred)


@fault(
    "`__call__` makes new tensors of its inputs, which have no mask",
    check="masked_samples_do_not_count",
    names="mask",
)
class WithoutMask(Base):
    def __call__(self, y_true, y_pred, sample_weight=None):
        return super().__call__(y_true, ops.cast(y_pred, "float32") + 0.0, sample_weight)


@fault(
    "the value is always float32",
    check="dtype_of_the_loss",
    names="dtype",
)
class AlwaysFloat32(Base):
    def __call__(self, y_true, y_pred, sample_weight=None):
        return ops.cast(super().__call__(y_true, y_pred, sample_weight), "float32")


@fault(
    "predictions are divided by the largest one in the batch",
    check="batch_split_equals_whole",
    names="call",
)
class DividedByBatch(Base):
    def call(self, y_true, y_pred):
        return super().call(y_true, y_pred / (ops.max(ops.abs(y_pred)) + 1.0))


@fault(
    "a logarithm without an epsilon",
    check="finite_at_extremes",
    names="call",
)
class BareLogarithm(Base):
    def call(self, y_true, y_pred):
        y_true = aligned(y_true, y_pred)
        return -ops.mean(y_true * ops.log(y_pred) + (1 - y_true) * ops.log(1 - y_pred), axis=-1)


@fault(
    "a root without an epsilon: its slope at 0 is infinite",
    check="finite_at_extremes",
    names="call",
    thread=(
        "keras-team/keras#9097",
        "a Euclidean distance gives a NaN loss as soon as two inputs are the same",
    ),
)
class BareRoot(Base):
    def call(self, y_true, y_pred):
        return ops.sqrt(ops.sum(ops.square(aligned(y_true, y_pred) - y_pred), axis=-1))


@fault(
    "the logarithm of an exponential overflows",
    check="finite_at_extremes",
    names="call",
)
class Overflowing(Base):
    def call(self, y_true, y_pred):
        y_true = aligned(y_true, y_pred)
        return ops.mean(ops.log(1.0 + ops.exp(y_pred)) - y_true * y_pred, axis=-1)


@fault(
    "an F-score of rounded predictions has no gradient",
    check="gradient_is_that_of_the_values",
    names="call",
)
class Rounded(Base):
    def call(self, y_true, y_pred):
        guessed = ops.round(y_pred)
        hits = ops.sum(aligned(y_true, y_pred) * guessed, axis=-1)
        total = ops.sum(aligned(y_true, y_pred) + guessed, axis=-1)
        return 1.0 - 2.0 * hits / (total + 1e-7)


@fault(
    "`stop_gradient` around a part that depends on the predictions",
    check="gradient_is_that_of_the_values",
    names="call",
)
class Stopped(Base):
    def call(self, y_true, y_pred):
        error = aligned(y_true, y_pred) - y_pred
        return ops.mean(ops.stop_gradient(ops.abs(error)) * ops.square(error), axis=-1)


@fault(
    "targets of shape (batch,) are broadcast against predictions of shape (batch, 1)",
    check="ranks_do_not_broadcast",
    names="y_true",
    thread=(
        "tensorflow/tensorflow#30040",
        "squeezed targets give another value of the loss than targets of shape (10, 1)",
    ),
)
class Broadcasting(Base):
    def call(self, y_true, y_pred):
        return ops.mean(ops.square(y_true - y_pred), axis=-1)


@fault(
    "the size of the batch is read from `shape`, where it is None while `fit` compiles",
    check="loss_runs_compiled",
    names="call",
    thread=(
        "keras-team/keras#15956",
        "a loss that reshapes to `(pred.shape[0], 1)` fails for some batch sizes",
    ),
    backend="tensorflow",
)
class StaticBatch(Base):
    def call(self, y_true, y_pred):
        error = ops.reshape(aligned(y_true, y_pred) - y_pred, (y_pred.shape[0], -1))
        return ops.mean(ops.square(error), axis=-1)


@fault(
    "numbers are looked at in Python",
    check="loss_runs_compiled",
    names="call",
    also=["finite_at_extremes", "gradient_is_that_of_the_values"],
)
class PythonIf(Base):
    def call(self, y_true, y_pred):
        error = ops.mean(ops.abs(aligned(y_true, y_pred) - y_pred), axis=-1)
        if float(ops.max(error)) > 1e3:
            return ops.log(error)
        return error


@fault(
    "an argument of a loss is not in its config",
    check="config_holds_every_argument",
    names="delta",
)
class LostArgument(Base):
    def __init__(self, delta: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.delta = delta

    def call(self, y_true, y_pred):
        return self.delta * super().call(y_true, y_pred)

    def get_config(self):
        return super().get_config()


@fault(
    "the config has a constant in place of `reduction`",
    check="base_arguments_survive",
    names="reduction",
)
class ConstantReduction(Base):
    def __init__(self, reduction="sum_over_batch_size", name=None):
        super().__init__(name=name, reduction=reduction)

    def get_config(self):
        return {"name": self.name, "reduction": "sum_over_batch_size"}
