"""The optimizer that scales the loss, which Keras forgets in ``.keras`` files.

Under ``mixed_float16`` `compile` wraps the optimizer that it is given in a `LossScaleOptimizer`, if
that is the policy of the model itself. The config of a ``.keras`` file has the optimizer that was
given, and no policy that Keras would read: loaded where another policy is the default, the model
trains without the scale, and finds no place for the state that was saved.
"""

from __future__ import annotations

from typing import Any

__all__ = ["name_loss_scaling"]


def name_loss_scaling(model: Any, config: dict[str, Any]) -> bool:
    """Writes into a config the optimizer that a model has, where the one within it stands.

    Plain Keras reads that as well, and leaves an optimizer alone that scales the loss already.

    Args:
        model: The model that is being saved.
        config: The JSON document of its serialised config, which is changed.

    Returns:
        Whether it was changed.
    """
    import keras

    optimizer = getattr(model, "optimizer", None)
    compiled = config.get("compile_config")
    if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return False
    if not isinstance(compiled, dict) or "optimizer" not in compiled:
        return False
    given = compiled["optimizer"]
    if isinstance(given, dict) and given.get("class_name") == type(optimizer).__name__:
        return False
    compiled["optimizer"] = keras.saving.serialize_keras_object(optimizer)
    return True
