"""What a file says of `compile`: what the model has, where Keras writes what `compile` was given.

Under ``mixed_float16`` `compile` wraps the optimizer in a `LossScaleOptimizer`, if that is the
policy of the model itself, and a file of Keras has the one within. A program may set
``model.optimizer`` or ``model.run_eagerly`` afterwards, of which a file of Keras says nothing.
"""

from __future__ import annotations

import copy
import inspect
from typing import TYPE_CHECKING, Any

from keras_registry.bridge.optimizer_state import optimizers_of
from keras_registry.findings import Policy, finding
from keras_registry.names import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keras_registry.findings import Finding

__all__ = ["complete_compile_config", "has_own", "unsaved_setting_findings"]


def has_own(model: Any, method: str) -> bool:
    """Whether the class of a model has another method than `keras.Model` under a name.

    Args:
        model: A Keras model.
        method: The name.
    """
    import keras

    return getattr(type(model), method, None) is not getattr(keras.Model, method)


def complete_compile_config(model: Any, compiled: Any, *, with_optimizer: bool = True) -> bool:
    """Writes what a model has into its compiled state. Plain Keras reads that as well.

    Args:
        model: The model that is being saved.
        compiled: The JSON document of `compile_config`, or of the `training_config` of a ``.h5``
            file, which is changed.
        with_optimizer: Whether it has the optimizer, as `training_config` has not.

    Returns:
        Whether it was changed.
    """
    import keras

    if not isinstance(model, keras.Model) or not isinstance(compiled, dict) or not compiled:
        return False
    before = copy.deepcopy(compiled)
    if with_optimizer and _has_other_optimizer(model, compiled):
        compiled["optimizer"] = keras.saving.serialize_keras_object(model.optimizer)
    if not has_own(model, "get_compile_config"):
        compiled.update(_settings(model))
        _add_left_out(model._compile_config.config, compiled)
    return compiled != before


def _has_other_optimizer(model: Any, compiled: dict[str, Any]) -> bool:
    """Whether the optimizer of a model is not the one that stands in its compiled state."""
    import keras

    optimizer = getattr(model, "optimizer", None)
    if not isinstance(optimizer, keras.optimizers.Optimizer):
        return False
    if not has_own(model, "get_compile_config"):
        return optimizer is not model._compile_config.config.get("optimizer")
    # What the class wrote is its own affair, but no class knows of the wrapper.
    written = compiled.get("optimizer")
    scales = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    name = written.get("class_name") if isinstance(written, dict) else None
    return scales and name is not None and name != type(optimizer).__name__


def _settings(model: Any) -> Iterator[tuple[str, Any]]:
    """The further arguments of `compile` that would make the model as it is."""
    import keras

    yield "run_eagerly", model.run_eagerly
    yield "steps_per_execution", model.steps_per_execution
    yield "jit_compile", bool(model.jit_compile and not model.run_eagerly)
    scales = isinstance(getattr(model, "optimizer", None), keras.optimizers.LossScaleOptimizer)
    if model.dtype_policy.name == "mixed_float16" and not scales:
        yield "auto_scale_loss", False


def _add_left_out(live: Any, node: Any) -> None:
    """Adds to the configs of Keras's own losses and metrics the arguments that Keras leaves out.

    Such are the `delta` of `Huber` and the `axis` of `CosineSimilarity`: their constructors take
    them, and their `get_config` does not return them.

    Args:
        live: What `compile` was given.
        node: The same in the compiled state, which is changed.
    """
    import keras

    if isinstance(live, list | tuple) and isinstance(node, list):
        for item, inner in zip(live, node, strict=False):
            _add_left_out(item, inner)
    elif isinstance(live, dict) and isinstance(node, dict):
        for name in live.keys() & node.keys():
            _add_left_out(live[name], node[name])
    elif isinstance(live, keras.Loss | keras.Metric) and isinstance(node, dict):
        config = node.get("config")
        if isinstance(config, dict) and type(live).__module__.startswith("keras."):
            config.update(_left_out(live, config))


def _left_out(found: Any, config: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    import keras

    values = dict(getattr(found, "_fn_kwargs", {}))
    if isinstance(found, keras.Loss) and found.dtype != keras.config.floatx():
        values["dtype"] = found.dtype
    for name, parameter in inspect.signature(type(found).__init__).parameters.items():
        if name in values and name not in config and values[name] != parameter.default:
            yield name, values[name]


def unsaved_setting_findings(model: Any) -> Iterator[Finding]:
    """What of the optimizers of a model stands neither in their configs nor in their variables.

    Args:
        model: The model that is being saved.
    """
    for optimizer in optimizers_of(model):
        inner = getattr(optimizer, "inner_optimizer", None) or optimizer
        names = getattr(inner, "_exclude_from_weight_decay_pattern", None)
        variables = getattr(inner, "_exclude_from_weight_decay", None)
        if inner.weight_decay and (names or variables):
            listed = [repr(names.pattern)] if names else []
            listed += [f"{len(variables)} variables"] if variables else []
            title = f'{type(inner).__name__} "{printable(inner.name, limit=60)}"'
            yield finding(
                "K205",
                Policy.COMPATIBLE,
                f"no file keeps which variables of {title} do not decay",
                wanted=f"exclude_from_weight_decay as it was called: {' and '.join(listed)}",
                found="a config without it",
                hint="after a load, compile the model with an optimizer on which it is called anew",
            )
