"""Telling what a class is used for."""

from __future__ import annotations

import sys

from keras_registry.names import Kind

__all__ = ["base_fields_of_kind", "kind_of_class", "plain_class"]


def kind_of_class(cls: type) -> Kind:
    """The kind of a class, by the classes of Keras that it is built on; Keras is imported."""
    return next((kind for base, kind in _plain_classes() if issubclass(cls, base)), Kind.OBJECT)


def plain_class(cls: type) -> type | None:
    """The class of Keras that all classes of this kind are built on; None if there is none."""
    if "keras" not in sys.modules:
        return None
    return next((base for base, _ in _plain_classes() if issubclass(cls, base)), None)


def _plain_classes() -> tuple[tuple[type, Kind], ...]:
    import keras

    return (
        (keras.Model, Kind.MODEL),
        (keras.layers.Layer, Kind.LAYER),
        (keras.losses.Loss, Kind.LOSS),
        (keras.metrics.Metric, Kind.METRIC),
        (keras.optimizers.Optimizer, Kind.OPTIMIZER),
        (keras.optimizers.schedules.LearningRateSchedule, Kind.SCHEDULE),
        (keras.initializers.Initializer, Kind.INITIALIZER),
        (keras.regularizers.Regularizer, Kind.REGULARIZER),
        (keras.constraints.Constraint, Kind.CONSTRAINT),
    )


_LAYER = frozenset({"activity_regularizer", "autocast", "dtype", "name", "trainable"})
_BASE_FIELDS: dict[Kind, frozenset[str]] = {
    Kind.LAYER: _LAYER,
    Kind.MODEL: _LAYER,
    Kind.LOSS: frozenset({"dtype", "name", "reduction"}),
    Kind.METRIC: frozenset({"dtype", "name"}),
    Kind.OPTIMIZER: frozenset(
        {
            "clipnorm",
            "clipvalue",
            "ema_momentum",
            "ema_overwrite_frequency",
            "global_clipnorm",
            "gradient_accumulation_steps",
            "learning_rate",
            "loss_scale_factor",
            "name",
            "use_ema",
            "weight_decay",
        }
    ),
}


def base_fields_of_kind(kind: Kind) -> frozenset[str]:
    """What a config of an object built on Keras's plain class of its kind holds besides its own.

    The constructors of `keras.layers.Layer`, `keras.losses.Loss`, `keras.metrics.Metric` and
    `keras.optimizers.Optimizer`, the same from Keras 3.12 to 3.15.
    """
    return _BASE_FIELDS.get(kind, frozenset())
