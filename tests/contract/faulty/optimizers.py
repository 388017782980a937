"""Faulty optimizers and learning rate schedules."""

import keras
from keras import ops

from keras_registry import types as t
from tests.contract.faults import fault, twin


class Base(keras.optimizers.Optimizer):
    """Gradient descent with momentum."""

    def __init__(self, learning_rate=0.05, momentum: t.Probability = 0.5, **kwargs):
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.momentum = momentum

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.speeds = [
            self.add_variable_from_reference(variable, name="speed") for variable in variables
        ]

    def update_step(self, gradient, variable, learning_rate):
        learning_rate = ops.cast(learning_rate, variable.dtype)
        speed = self.speeds[self._get_variable_index(variable)]
        self.assign(speed, self.momentum * speed - learning_rate * gradient)
        self.assign_add(variable, speed)


@twin()
class Momentum(Base):
    """Gradient descent with momentum."""


@fault(
    "the steps are counted in Python, and begin anew after a load",
    check="step_equals_step_after_reload",
    names="steps",
    also=["step_runs_compiled"],
    thread=(
        "keras-team/keras#13027",
        "most optimizers do not save `iterations`, which spoils the decay after a load",
    ),
)
class CountedInPython(Base):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.steps = 0

    def update_step(self, gradient, variable, learning_rate):
        self.steps += 1
        super().update_step(gradient, variable, learning_rate / (1.0 + 0.5 * self.steps))


@fault(
    "the momentum is kept in variables that the optimizer does not know",
    check="step_equals_step_after_reload",
    names="update_step",
    also=["step_runs_compiled"],
)
class UntrackedSpeeds(Base):
    def build(self, variables):
        if self.built:
            return
        keras.optimizers.Optimizer.build(self, variables)
        speeds = tuple(keras.Variable(ops.zeros(v.shape), name="speed") for v in variables)
        object.__setattr__(self, "speeds", speeds)


@fault(
    "the step goes uphill",
    check="goes_downhill",
    names="update_step",
)
class Uphill(Base):
    def update_step(self, gradient, variable, learning_rate):
        super().update_step(-gradient, variable, learning_rate)


@fault(
    "the first variable alone is updated",
    check="goes_downhill",
    names="update_step",
)
class FirstVariable(Base):
    def update_step(self, gradient, variable, learning_rate):
        if self._get_variable_index(variable) == 0:
            super().update_step(gradient, variable, learning_rate)


@fault(
    "an `if` in Python looks at the number of the step",
    check="step_runs_compiled",
    names="update_step",
)
class PythonIf(Base):
    def update_step(self, gradient, variable, learning_rate):
        if self.iterations < 2:
            learning_rate = learning_rate / 2
        super().update_step(gradient, variable, learning_rate)


@fault(
    "`apply` is overridden, and does without weight decay and the rest of the base class",
    check="base_options_act",
    names="weight_decay",
    also=["step_runs_compiled"],
)
class OwnApply(Base):
    def apply(self, grads, trainable_variables=None):
        self.build(trainable_variables)
        for gradient, variable in zip(grads, trainable_variables, strict=True):
            self.update_step(gradient, variable, self.learning_rate)
        self.iterations.assign_add(1)


@fault(
    "a factor is not in the config of the optimizer",
    check="config_holds_every_argument",
    names="momentum",
    also=["step_equals_step_after_reload"],
)
class LostMomentum(Base):
    def get_config(self):
        return super().get_config()


class Decay(keras.optimizers.schedules.LearningRateSchedule):
    """An inverse decay."""

    def __init__(self, rate: t.PositiveFloat = 0.5, steps: t.PositiveInt = 10):
        self.rate = rate
        self.steps = steps

    def __call__(self, step):
        return self.rate / (1.0 + ops.cast(step, "float32") / self.steps)


@twin()
class InverseDecay(Decay):
    """An inverse decay."""


@fault(
    "the step, a tensor of integers, is divided by as it is",
    check="schedule_gives_finite_numbers",
    names="__call__",
    thread=(
        "tensorflow/tensorflow#60649",
        "the documentation's own schedule: Cannot convert 0.1 to EagerTensor of dtype int64",
    ),
    also=["schedule_comes_back", "schedule_runs_compiled"],
)
class DividedByStep(Decay):
    def __call__(self, step):
        return self.rate / (step // self.steps)


@fault(
    "the logarithm of the step is infinite at the first one",
    check="schedule_gives_finite_numbers",
    names="__call__",
    also=["schedule_comes_back", "schedule_runs_compiled"],
)
class LogarithmOfStep(Decay):
    def __call__(self, step):
        return self.rate * ops.log(1e6 / ops.cast(step, "float32"))


@fault(
    "the constructor changes its argument: after each load it is another one",
    check="schedule_comes_back",
    names="get_config",
    also=["any_values_come_back", "from_config_inverts_get_config", "subclass_comes_back"],
)
class ChangedArgument(Decay):
    def __init__(self, rate: t.PositiveFloat = 0.5, steps: t.PositiveInt = 10):
        super().__init__(rate=rate * 0.9, steps=steps)

    def get_config(self):
        return {"rate": self.rate, "steps": self.steps}


@fault(
    "an `if` in Python decides between warm-up and decay",
    check="schedule_runs_compiled",
    names="__call__",
    thread=(
        "tensorflow/tensorflow#2589",
        "a learning rate cannot be chosen with `if` by the step: tensors do not compare in Python",
    ),
)
class PythonWarmUp(Decay):
    def __call__(self, step):
        if step < self.steps:
            return self.rate * ops.cast(step, "float32") / self.steps
        return super().__call__(step)
