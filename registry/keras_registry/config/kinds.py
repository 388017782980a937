"""Telling what a class is used for."""

from __future__ import annotations

from keras_registry.names import Kind

__all__ = ["kind_of_class"]


def kind_of_class(cls: type) -> Kind:
    """The kind of a class, by the classes of Keras that it is built on; Keras is imported."""
    import keras

    bases = (
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
    return next((kind for base, kind in bases if issubclass(cls, base)), Kind.OBJECT)
