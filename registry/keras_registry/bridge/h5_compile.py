"""How the compiled state of a ``.h5`` file comes back: what Keras cannot read of it, or drops.

Keras reads whole names of losses alone, and none that stands for a loss by the shapes of the data.
It makes metrics of their names, so that "mae" is called ``mean_absolute_error`` afterwards, and
leaves out whether the model runs eagerly, and by how many steps.
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

from keras_registry.bridge.compiled_config import has_own
from keras_registry.bridge.optimizer_state import watch_set_weights
from keras_registry.bridge.progress import is_under_way, model_under_way, note_compiling
from keras_registry.bridge.rewritten import rewritten_h5_training

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["build_compiled", "compile_arguments", "with_whole_names"]

_BY_SHAPES = frozenset({"crossentropy", "ce"})
"""Losses that `compile` chooses by the shapes of the data."""


def compile_arguments(
    wrapped: Callable[..., Any], training_config: Any, *args: Any, **kwargs: Any
) -> Any:
    """Stands where Keras makes the arguments of `compile` of what a ``.h5`` file says.

    Args:
        wrapped: Keras's own function.
        training_config: The compiled state.
        *args: Further arguments.
        **kwargs: Further arguments.
    """
    note_compiling()
    training = rewritten_h5_training(training_config)
    if not isinstance(training, dict):
        return wrapped(training, *args, **kwargs)
    arguments = wrapped(with_whole_names(training, by_shapes=False), *args, **kwargs)
    arguments["loss"] = _by_name(training.get("loss"), arguments["loss"], _is_by_shapes)
    for part in ("metrics", "weighted_metrics"):
        arguments[part] = _by_name(training.get(part), arguments[part], _is_metric_of_keras)
    return {**arguments, **dict(_settings(training))}


def _by_name(saved: Any, made: Any, is_kept: Callable[[str, Any], bool]) -> Any:
    """What Keras made of losses or metrics, with the names in place of some of them."""
    if isinstance(saved, list) and isinstance(made, list):
        return [_by_name(name, found, is_kept) for name, found in zip(saved, made, strict=True)]
    if isinstance(saved, dict) and isinstance(made, dict):
        return {name: _by_name(saved[name], found, is_kept) for name, found in made.items()}
    return saved if isinstance(saved, str) and is_kept(saved, made) else made


def _is_by_shapes(name: str, made: Any) -> bool:  # noqa: ARG001 - what Keras made stands for it
    return name in _BY_SHAPES


def _is_metric_of_keras(name: str, made: Any) -> bool:
    """Whether `compile` makes the same of a name as Keras made of it, which knows custom ones."""
    import keras

    try:
        found = keras.metrics.get(name)
    except ValueError:
        return False
    return found is made or (type(found) is type(made) and not inspect.isfunction(made))


def _settings(training: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The arguments of `compile` that Keras writes into ``.h5`` files and does not read."""
    model = model_under_way()
    if model is None or has_own(model, "compile"):
        return  # a `compile` of the class's own may not take them
    steps = training.get("steps_per_execution")
    if type(steps) is int and steps > 0:
        yield "steps_per_execution", steps
    if isinstance(training.get("run_eagerly"), bool):
        yield "run_eagerly", training["run_eagerly"]
    # Whether compiling is possible depends on the machine: only that it is not wanted is kept.
    for name in ("jit_compile", "auto_scale_loss"):
        if training.get(name) is False:
            yield name, False


def build_compiled(wrapped: Callable[..., Any], model: Any) -> Any:
    """Stands where Keras builds what a model of a ``.h5`` file is compiled with.

    Keras asks for attributes that its models no longer have, whatever the file, and then writes
    that the metrics are yet to be built. And it builds the optimizer for the variables that the
    model has itself, which are none where all are its layers', so that the state that was saved
    finds no place.

    Args:
        wrapped: Keras's own function.
        model: The model.
    """
    if not is_under_way():
        return wrapped(model)
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and not optimizer.built:
        # The next call, which is Keras's. Some optimizers cannot be built twice.
        vars(optimizer)["build"] = functools.partial(_build_for_all, optimizer, model)
    return None


def _build_for_all(optimizer: Any, model: Any, variables: Any) -> None:
    """Builds an optimizer, for all variables of the model where Keras gives it those of its own."""
    del vars(optimizer)["build"]
    is_own = variables is model._trainable_variables
    optimizer.build(model.trainable_variables if is_own else variables)
    watch_set_weights(optimizer)


def with_whole_names(training: Mapping[str, Any], *, by_shapes: bool = True) -> dict[str, Any]:
    """The compiled state with whole names of losses: Keras reads none of the short ones.

    Args:
        training: The compiled state.
        by_shapes: Whether names stay that `compile` chooses a loss for by the shapes of the data;
            Keras reads none of these.
    """
    return {**training, "loss": _whole_names(training.get("loss"), by_shapes=by_shapes)}


def _whole_names(loss: Any, *, by_shapes: bool) -> Any:
    if isinstance(loss, str):
        return _whole_name(loss, by_shapes=by_shapes)
    if isinstance(loss, list):
        return [_whole_names(item, by_shapes=by_shapes) for item in loss]
    if isinstance(loss, dict) and "class_name" not in loss:
        return {name: _whole_names(item, by_shapes=by_shapes) for name, item in loss.items()}
    return loss


def _whole_name(name: str, *, by_shapes: bool) -> str:
    import keras

    if name in _BY_SHAPES:
        return name if by_shapes else "categorical_crossentropy"
    try:
        found = keras.losses.get(name)
    except ValueError:
        return name  # a custom one
    return str(getattr(found, "__name__", name))
