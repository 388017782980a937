"""The small model that stands for an object in golden files, and what it gives.

A layer or model is called. A loss, metric, optimizer or schedule is compiled into a small model;
an initializer, regularizer, constraint or activation is given to a `Dense`.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_registry.contract.inputs import call_for
from keras_registry.contract.losses import try_loss
from keras_registry.contract.metrics import try_metric
from keras_registry.contract.models import PARENTS, call_model, parents_for
from keras_registry.contract.numerics import array_of, arrays_of, dtype_of, is_close
from keras_registry.contract.results import Skip
from keras_registry.contract.targets import Guess, guesses_for
from keras_registry.names import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keras_registry.contract.subjects import Case

__all__ = ["Made", "make_golden_model", "outputs_of", "weights_of"]

_FEATURES = np.linspace(-1.0, 1.5, 8, dtype="float32").reshape(2, 4)
"""What a `Dense` is called with, in front of an object that takes no inputs of its own."""

_UNITS = 4
_STEPS = 2
_SEED = 7


@dataclass(frozen=True, slots=True)
class Made:
    """A model to be saved.

    Attributes:
        model: The model.
        called_with: What it is called with, in words.
        arguments: The same as arrays, or nested ones.
    """

    model: Any
    called_with: str
    arguments: Sequence[Any]


def make_golden_model(case: Case) -> Made:
    """A small model with the object of a case in it, the same each time.

    Args:
        case: The case.

    Raises:
        Skip: There is none, or nothing is known that it can be called with.
    """
    kind = case.subject.kind
    if kind not in _MAKERS:
        reason = f"no model is known in which an object of the kind {kind} has a place"
        raise Skip(reason)
    keras.utils.set_random_seed(_SEED)
    made = _MAKERS[kind](case)
    _move_weights(made, kind)
    if kind in _STEPPING:
        for _ in range(_STEPS):
            _step(made.model)
    return made


def outputs_of(kind: str, model: Any, arguments: Sequence[Any]) -> dict[str, Any]:
    """What a golden model gives, as tensors by name; an optimizer has gone a step further then.

    Args:
        kind: The kind of the object in it.
        model: The model.
        arguments: What it is called with.
    """
    if kind in {Kind.LAYER, Kind.MODEL}:
        parent = "itself" if kind == Kind.MODEL else "Functional"
        return _named("output", call_model(model, parent, arguments))
    if kind == Kind.LOSS or (kind == Kind.FUNCTION and model.compiled):
        y_true, y_pred = map(keras.ops.convert_to_tensor, arguments)
        return {"loss": model.compute_loss(y=y_true, y_pred=model(y_pred))}
    if kind == Kind.METRIC:
        y_true, y_pred = map(keras.ops.convert_to_tensor, arguments)
        model.reset_metrics()
        results = model.compute_metrics(None, y_true, model(y_pred))
        return _named("result", [value for name, value in results.items() if name != "loss"])
    if kind in _STEPPING:
        _step(model)
        return {f"{v.name} after a step": v.value for v in model.trainable_variables}
    return {**_named("output", model(arguments[0])), **_of_dense(kind, model.layers[-1])}


def _of_dense(kind: str, dense: Any) -> dict[str, Any]:
    """What the object in a `Dense` gives by itself."""
    if kind == Kind.INITIALIZER:
        draw, again = (dense.kernel_initializer(dense.kernel.shape) for _ in range(2))
        return {"drawn": draw} if is_close(array_of(draw), array_of(again)) else {}
    if kind == Kind.REGULARIZER:
        return {"penalty": dense.kernel_regularizer(dense.kernel)}
    if kind == Kind.CONSTRAINT:
        return {"constrained": dense.kernel_constraint(dense.kernel)}
    return {}


def weights_of(model: Any) -> dict[str, Any]:
    """The weights of a model as arrays, by number and path, in the order that Keras has them in."""
    return {f"weight {i} {w.path}": array_of(w) for i, w in enumerate(model.weights)}


def _named(word: str, values: Any) -> dict[str, Any]:
    leaves = [leaf for leaf in keras.tree.flatten(values) if leaf is not None]
    return {f"{word} {number}": leaf for number, leaf in enumerate(leaves)}


def _move_weights(made: Made, kind: str) -> None:
    """Makes numbers of zeros and ones, which hide what is done with them, where it can take that.

    All are moved up a little: variances stay positive.
    """
    random, former = np.random.default_rng(_SEED), made.model.get_weights()
    for weight in made.model.weights:
        if dtype_of(weight).startswith(("float", "bfloat")):
            moved = array_of(weight) + random.uniform(0.1, 0.3, weight.shape)
            weight.assign(moved.astype("float32"))
    if kind in {Kind.LAYER, Kind.MODEL}:
        found = arrays_of(list(outputs_of(kind, made.model, made.arguments).values()))
        if not all(np.isfinite(array).all() for array in found):
            made.model.set_weights(former)


def _step(model: Any) -> None:
    """One step of the optimizer, down gradients that are the same each time."""
    variables = model.trainable_variables
    gradients = [
        keras.ops.convert_to_tensor(
            np.cos(np.arange(np.prod(v.shape))).reshape(v.shape).astype("float32")
        )
        for v in variables
    ]
    model.optimizer.apply(gradients, variables)


def _of_layer(case: Case) -> Made:
    call = call_for(case)
    model = PARENTS[parents_for(case.subject.kind, call)[0]](case.make(), call)
    return Made(model, call.label, call.arguments)


def _of_loss(case: Case) -> Made:
    return _compiled(try_loss(case).guess, loss=case.make())


def _of_metric(case: Case) -> Made:
    trial = try_metric(case)
    if trial.takes_values:
        reason = "it takes values, and a compiled model hands targets and predictions to metrics"
        raise Skip(reason)
    return _compiled(trial.guess, metrics=[case.make()])


def _compiled(guess: Guess, **options: Any) -> Made:
    """A model that hands on what it is given, for it stands in the place of predictions."""
    shape, dtype = guess.y_pred.shape[1:], str(guess.y_pred.dtype)
    model = keras.Sequential([keras.Input(shape, dtype=dtype), keras.layers.Identity()])
    model.compile(optimizer="sgd", **options)
    return Made(model, guess.label, (guess.y_true, guess.y_pred))


def _of_optimizer(case: Case) -> Made:
    made = case.make()
    is_schedule = case.subject.kind is Kind.SCHEDULE
    dense = _dense()
    dense.model.compile(optimizer=keras.optimizers.SGD(made) if is_schedule else made, loss="mse")
    return Made(dense.model, "gradients that are the same in each step", dense.arguments)


def _in_dense(argument: str) -> Callable[[Case], Made]:
    return lambda case: _dense(**{argument: case.make()})


def _of_function(case: Case) -> Made:
    function = case.subject.target
    parameters = inspect.signature(function).parameters.values()
    count = len([p for p in parameters if p.default is p.empty and p.kind is not p.VAR_KEYWORD])
    if count == 1:
        made = _dense(activation=function)
        if tuple(made.model.output_shape) == (None, _UNITS):
            return made
    for guess in guesses_for(case.subject) if count == 2 else ():  # noqa: PLR2004 - of losses
        try:
            values = array_of(function(guess.y_true, guess.y_pred))
        except Exception:  # noqa: BLE001, S112 - the author's code, which refuses as it likes
            continue
        if values.dtype.kind == "f" and np.isfinite(values).all():
            return _compiled(guess, loss=function)
    reason = "it is neither an activation nor a loss, and no other place in a model is known"
    raise Skip(reason)


def _dense(**arguments: Any) -> Made:
    shape = _FEATURES.shape
    layer = keras.layers.Dense(_UNITS, **arguments)
    model = keras.Sequential([keras.Input(shape[1:]), layer])
    return Made(model, f"float32 of shape {shape}, into a Dense", (_FEATURES,))


_MAKERS: dict[str, Callable[[Case], Made]] = {
    Kind.LAYER: _of_layer,
    Kind.MODEL: _of_layer,
    Kind.LOSS: _of_loss,
    Kind.METRIC: _of_metric,
    Kind.OPTIMIZER: _of_optimizer,
    Kind.SCHEDULE: _of_optimizer,
    Kind.INITIALIZER: _in_dense("kernel_initializer"),
    Kind.REGULARIZER: _in_dense("kernel_regularizer"),
    Kind.CONSTRAINT: _in_dense("kernel_constraint"),
    Kind.FUNCTION: _of_function,
}

_STEPPING = frozenset({Kind.OPTIMIZER, Kind.SCHEDULE})
