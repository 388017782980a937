"""Faulty metrics."""

import keras
import numpy as np
from keras import ops

from keras_registry import types as t
from tests.contract.faults import fault, twin


class Base(keras.metrics.Metric):
    """The mean absolute error."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.total = self.add_variable(shape=(), initializer="zeros", name="total")
        self.count = self.add_variable(shape=(), initializer="zeros", name="count")

    def errors(self, y_true, y_pred, sample_weight=None):
        """Return the sum of the weighted errors of all samples, and the sum of the weights."""
        y_pred = ops.cast(y_pred, self.dtype)
        y_true = ops.reshape(ops.cast(y_true, self.dtype), ops.shape(y_pred))
        values = ops.abs(y_true - y_pred)
        values = ops.mean(ops.reshape(values, (ops.shape(values)[0], -1)), axis=-1)
        weights = ops.ones_like(values)
        if sample_weight is not None:
            weights = ops.cast(sample_weight, self.dtype)
        return ops.sum(values * weights), ops.sum(weights)

    def update_state(self, y_true, y_pred, sample_weight=None):
        total, count = self.errors(y_true, y_pred, sample_weight)
        self.total.assign_add(total)
        self.count.assign_add(count)

    def result(self):
        return ops.divide_no_nan(self.total, self.count)


@twin()
class MeanError(Base):
    """The mean absolute error."""


@fault(
    "`reset_state` forgets one of the variables",
    check="reset_forgets",
    names="reset_state",
    thread=(
        "netrack/keras-metrics#18",
        "precision and recall of an epoch depend on the epochs before it",
    ),
)
class HalfReset(Base):
    def reset_state(self):
        self.total.assign(0.0)


@fault(
    "the results of batches are averaged, as if all were of one size",
    check="batches_add_up",
    names="update_state",
    also=["states_can_be_merged", "sample_weights_count_samples", "metric_runs_compiled"],
    thread=(
        "keras-team/keras#4592",
        "recall, averaged over batches, is 0.25 where that of the whole data is 0.5",
    ),
)
class MeanOfBatches(Base):
    def update_state(self, y_true, y_pred, sample_weight=None):
        total, count = self.errors(y_true, y_pred, sample_weight)
        self.total.assign_add(total / count)
        self.count.assign_add(1.0)


@fault(
    "a running mean is kept in place of a sum: it cannot be added to that of another device",
    check="states_can_be_merged",
    names="total",
)
class RunningMean(Base):
    def update_state(self, y_true, y_pred, sample_weight=None):
        total, count = self.errors(y_true, y_pred, sample_weight)
        self.count.assign_add(count)
        self.total.assign_add((total - self.total * count) / self.count)

    def result(self):
        return ops.convert_to_tensor(self.total)


@fault(
    "`sample_weight` is taken and not used",
    check="sample_weights_count_samples",
    names="sample_weight",
    thread=(
        "keras-team/keras#15373",
        "metrics do not seem to take the weights of validation samples into consideration",
    ),
)
class WithoutWeights(Base):
    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(y_true, y_pred)


@fault(
    "values are weighted, and divided by the number of samples",
    check="sample_weights_count_samples",
    names="sample_weight",
)
class WrongDenominator(Base):
    def update_state(self, y_true, y_pred, sample_weight=None):
        total, _ = self.errors(y_true, y_pred, sample_weight)
        self.total.assign_add(total)
        self.count.assign_add(ops.cast(ops.shape(y_pred)[0], self.dtype))


@fault(
    "samples are counted in an attribute of Python",
    check="state_is_in_variables",
    names="samples",
    also=["reset_forgets", "metric_runs_compiled", "states_can_be_merged"],
)
class CountedInPython(Base):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.samples = 0

    def update_state(self, y_true, y_pred, sample_weight=None):
        total, _ = self.errors(y_true, y_pred, sample_weight)
        weighted = sample_weight is not None
        self.samples += float(np.sum(sample_weight)) if weighted else len(y_pred)
        self.total.assign_add(total)

    def result(self):
        return ops.convert_to_tensor(self.total / max(self.samples, 1))


@fault(
    "numpy computes what `fit` compiles",
    check="metric_runs_compiled",
    names="update_state",
    thread=(
        "tensorflow/tensorflow#46640",
        "`.numpy()` in `update_state`: 'Tensor' object has no attribute 'numpy'",
    ),
)
class WithNumpy(Base):
    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true, y_pred = (np.asarray(ops.convert_to_numpy(y)) for y in (y_true, y_pred))
        super().update_state(y_true, y_pred, sample_weight)


@fault(
    "`result` clears what it reads",
    check="result_only_reads",
    names="result",
)
class ReadOnce(Base):
    def result(self):
        found = ops.divide_no_nan(self.total, self.count) + 0.0
        self.total.assign(0.0)
        self.count.assign(0.0)
        return found


@fault(
    "0 is divided by 0 before the first sample",
    check="result_is_a_number",
    names="result",
)
class BareDivision(Base):
    def result(self):
        return self.total / self.count


@fault(
    "the result is a whole number",
    check="result_is_a_number",
    names="result",
)
class Whole(Base):
    def result(self):
        return ops.cast(ops.round(100 * super().result()), "int32")


@fault(
    "a threshold is not in the config of the metric",
    check="config_holds_every_argument",
    names="threshold",
)
class LostThreshold(Base):
    def __init__(self, threshold: t.Probability = 0.5, **kwargs):
        super().__init__(**kwargs)
        self.threshold = threshold

    def update_state(self, y_true, y_pred, sample_weight=None):
        decided = ops.cast(ops.greater(y_pred, self.threshold), self.dtype)
        super().update_state(y_true, decided, sample_weight)

    def get_config(self):
        return super().get_config()
