"""Checks of optimizers and of learning rate schedules."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_registry.contract.attempts import attempting
from keras_registry.contract.configs import restored
from keras_registry.contract.numerics import array_of, compiled, is_close, shown
from keras_registry.contract.results import Skip
from keras_registry.contract.table import Check
from keras_registry.names import Kind

if TYPE_CHECKING:
    from keras_registry.contract.subjects import Case

__all__ = ["OPTIMIZER_CHECKS"]

_START = {
    "kernel": np.linspace(-1.5, 2.0, 12, dtype="float32").reshape(4, 3),
    "bias": np.array([1.0, -0.75, 0.5], "float32"),
}
"""What there is to optimise: a matrix and a vector, none of whose numbers is 0."""

_STEPS = 3
_BASE_OPTIONS = {"weight_decay": 0.25, "gradient_accumulation_steps": 2 * _STEPS}
"""Of what the base class takes, what shows in the first steps of every optimizer."""

_DOWNHILL = 30
_SOME_STEPS = (0, 1, 2, 10, 1000)


def check_step_equals_step_after_reload(case: Case) -> None:
    """After it is saved and loaded, with its variables, its next step is the same.

    Training that is resumed goes on another way when something is missing, and nothing says so.
    """
    optimizer, variables = case.make(), _variables()
    _train(optimizer, variables, _STEPS)
    _halve_rate(optimizer)
    again, copies = restored(optimizer), _variables()
    for copied, variable in zip(copies, variables, strict=True):
        copied.assign(variable.value)
    again.build(copies)
    store: dict[str, Any] = {}
    optimizer.save_own_variables(store)
    if len(again.variables) != len(optimizer.variables):
        case.fail(
            at_fault="variables",
            wanted=f"{len(optimizer.variables)} variables as soon as it is built",
            found=f"{len(again.variables)}",
            method="build",
        )
    again.load_own_variables(store)
    _train(optimizer, variables, 1)
    _train(again, copies, 1)
    for copied, variable in zip(copies, variables, strict=True):
        if not is_close(array_of(copied), array_of(variable), tolerance=1e-5):
            case.fail(
                at_fault=_state_outside(again, optimizer) or "update_step",
                wanted=f"{variable.name} {shown(array_of(variable))} after the next step",
                found=f"{shown(array_of(copied))} with a loaded optimizer",
                method="update_step",
            )


def check_goes_downhill(case: Case) -> None:
    """In a bowl it goes towards the bottom, with every variable that it is given.

    A sign, an index or a sum that is wrong shows as a model that does not learn.
    """
    optimizer, variables = case.make(), _variables()
    before = [_height(variable) for variable in variables]
    _train(optimizer, variables, _DOWNHILL)
    for variable, height in zip(variables, before, strict=True):
        now = _height(variable)
        if not now < height:
            case.fail(
                at_fault="update_step",
                wanted=f"{variable.name} nearer to the minimum than at first: "
                f"a sum of squares below {shown(height)}",
                found=f"{shown(now)} after {_DOWNHILL} steps",
                method="update_step",
            )


def check_step_runs_compiled(case: Case) -> None:
    """Compiled, its steps are the same.

    `fit` compiles the step: what is counted or kept in Python stays as it was in the first one.
    """
    optimizer, variables = case.make(), _variables()
    _train(optimizer, variables, _STEPS)
    other, others = case.make(), _variables()
    with attempting(case, "update_step", "a step that can be compiled", method="update_step"):
        _train_compiled(other, others, _STEPS)
    for found, wanted in zip(others, variables, strict=True):
        if not is_close(array_of(found), array_of(wanted), tolerance=1e-3):
            case.fail(
                at_fault=_state_outside(case.make(), optimizer) or "update_step",
                wanted=f"{wanted.name} {shown(array_of(wanted))} after {_STEPS} steps",
                found=f"{shown(array_of(found))} with a compiled step",
                method="update_step",
            )


def check_base_options_act(case: Case) -> None:
    """What the base class does by itself, such as `weight_decay`, still happens.

    An optimizer that overrides `apply`, or hands on only some of its arguments, takes these and
    does nothing with them.
    """
    plain = _variables()
    _train(case.make(), plain, _STEPS)
    for option, value in _BASE_OPTIONS.items():
        try:
            optimizer = case.make(**{option: value})
        except (TypeError, ValueError):
            reason = f"its constructor takes no {option}"
            raise Skip(reason) from None
        variables = _variables()
        _train(optimizer, variables, _STEPS)
        # While gradients are gathered, nothing moves.
        gathers = option == "gradient_accumulation_steps"
        others = _variables() if gathers else plain
        differs = any(
            not np.array_equal(array_of(variable), array_of(other))
            for variable, other in zip(variables, others, strict=True)
        )
        if differs is gathers:
            case.fail(
                at_fault=option,
                wanted=f"{option}={value!r} to change the first {_STEPS} steps",
                found="steps as without it",
                method="apply",
            )


def check_schedule_gives_finite_numbers(case: Case) -> None:
    """At every step, the first one included, it gives one finite number.

    The optimizer asks with a tensor of integers: what divides it by an integer, looks at it in
    Python, or takes its logarithm at 0, fails or gives NaN.
    """
    schedule = case.make()
    for step in _SOME_STEPS:
        words = f"a learning rate at step {step}"
        with attempting(case, "__call__", words, method="__call__"):
            found = array_of(schedule(keras.ops.convert_to_tensor(step, dtype="int64")))
        if found.shape != () or not np.isfinite(found):
            case.fail(
                at_fault="__call__",
                wanted=f"one finite number at step {step}",
                found=f"{shown(found)} of shape {found.shape}",
                method="__call__",
            )


def check_schedule_comes_back(case: Case) -> None:
    """After it is saved and loaded it gives the same learning rates.

    Training that is resumed goes on with another learning rate otherwise.
    """
    schedule = case.make()
    again = restored(schedule)
    for step in _SOME_STEPS:
        wanted, found = array_of(schedule(step)), array_of(again(step))
        if not is_close(found, wanted):
            case.fail(
                at_fault="get_config",
                wanted=f"{shown(wanted)} at step {step}",
                found=f"{shown(found)} after a reload",
                method="get_config",
            )


def check_schedule_runs_compiled(case: Case) -> None:
    """Compiled, it gives the same learning rates.

    `fit` compiles the step that asks for the learning rate: an `if` in Python chooses once, for
    the first step, or fails.
    """
    schedule = case.make()
    steps = [np.asarray(step, dtype="int64") for step in _SOME_STEPS]
    with attempting(case, "__call__", "a schedule that can be compiled", method="__call__"):
        function = compiled(lambda step: keras.ops.cast(schedule(step), "float32"), steps[:1])
        values = [array_of(function(step)) for step in steps]
    for step, found in zip(steps, values, strict=True):
        wanted = array_of(schedule(keras.ops.convert_to_tensor(step)))
        if not is_close(found, wanted):
            case.fail(
                at_fault="__call__",
                wanted=f"{shown(wanted)} at step {step}",
                found=f"{shown(found)} when it is compiled",
                method="__call__",
            )


def _variables() -> list[Any]:
    return [keras.Variable(value, name=name) for name, value in _START.items()]


def _height(variable: Any) -> float:
    return float(np.sum(np.square(array_of(variable))))


def _train(optimizer: Any, variables: list[Any], steps: int) -> None:
    """Steps towards 0: the gradient of half a sum of squares is the variable itself."""
    for _ in range(steps):
        gradients = [keras.ops.convert_to_tensor(variable.value) for variable in variables]
        optimizer.apply(gradients, variables)


def _train_compiled(optimizer: Any, variables: list[Any], steps: int) -> None:
    optimizer.build(variables)
    if keras.backend.backend() == "jax":
        step = compiled(optimizer.stateless_apply, ())
        state = [variable.value for variable in optimizer.variables]
        values = [variable.value for variable in variables]
        for _ in range(steps):
            values, state = step(state, values, values)
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        return

    def step_once() -> None:
        _train(optimizer, variables, 1)

    function = compiled(step_once, ())
    for _ in range(steps):
        function()


def _halve_rate(optimizer: Any) -> None:
    """Changes the learning rate, as callbacks do, unless a schedule or another optimizer has it."""
    with contextlib.suppress(AttributeError, TypeError):
        optimizer.learning_rate = float(array_of(optimizer.learning_rate)) / 2


def _state_outside(fresh: Any, used: Any) -> str | None:
    """An attribute of Python that steps have changed."""
    for name, value in vars(used).items():
        plain = isinstance(value, bool | int | float | str | np.ndarray)
        if plain and name != "built" and repr(value) != repr(vars(fresh).get(name)):
            return str(name)
    return None


_OPTIMIZER = frozenset({Kind.OPTIMIZER})
_SCHEDULE = frozenset({Kind.SCHEDULE})

OPTIMIZER_CHECKS = (
    Check(
        "C501",
        check_step_equals_step_after_reload,
        "make all state in build with add_variable or add_variable_from_reference",
        kinds=_OPTIMIZER,
    ),
    Check(
        "C502",
        check_goes_downhill,
        "subtract the gradient times the learning rate from each variable: assign_sub",
        kinds=_OPTIMIZER,
        on_first_case=True,
    ),
    Check(
        "C503",
        check_step_runs_compiled,
        "count with self.iterations, and keep state in variables",
        kinds=_OPTIMIZER,
        on_first_case=True,
    ),
    Check(
        "C504",
        check_base_options_act,
        "override update_step, not apply, and hand **kwargs to super().__init__()",
        kinds=_OPTIMIZER,
        on_first_case=True,
    ),
    Check(
        "C511",
        check_schedule_gives_finite_numbers,
        "cast the step to a float first: keras.ops.cast(step, 'float32')",
        kinds=_SCHEDULE,
    ),
    Check(
        "C512",
        check_schedule_comes_back,
        "let __init__ keep its arguments, and get_config return each of them",
        kinds=_SCHEDULE,
    ),
    Check(
        "C513",
        check_schedule_runs_compiled,
        "choose with keras.ops.where or keras.ops.cond in place of `if`",
        kinds=_SCHEDULE,
        on_first_case=True,
    ),
)
