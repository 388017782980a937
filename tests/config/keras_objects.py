"""Losses, metrics, optimizers and the like of Keras, with arguments that are no defaults."""

from __future__ import annotations

from typing import Any

import keras

from tests.config.keras_classes import Row, Values

__all__ = ["OTHERS"]


def other(path: str, *values: Any) -> Row:
    """A row of a class that is no layer."""
    made = tuple(
        value if callable(value) else (lambda value=value: dict(value)) for value in values
    )
    return Row(path, made)


LOSS: Values = {"name": "mine", "reduction": "sum", "dtype": "float16"}
METRIC: Values = {"name": "mine", "dtype": "float16"}
DTYPE = frozenset({"dtype"})
NORMAL: Values = {"clipnorm": 0.5, "loss_scale_factor": 3.0, "gradient_accumulation_steps": 2}
EMA: Values = {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 3}


def optimizer(name: str, **values: Any) -> Row:
    """A row of an optimizer; the three ways to clip gradients exclude each other."""
    common = {**NORMAL, **EMA, "learning_rate": 0.5, "weight_decay": 0.25, "name": "mine"}
    return other(
        f"optimizers.{name}", {**common, **values}, {"clipvalue": 0.5}, {"global_clipnorm": 0.5}
    )


def _schedule() -> Any:
    return keras.optimizers.schedules.ExponentialDecay(0.5, 10, 0.25)


OTHERS = [
    other("losses.MeanSquaredError", LOSS),
    other("losses.Huber", {**LOSS, "delta": 2.0}),
    other("losses.CosineSimilarity", {**LOSS, "axis": 1}),
    other(
        "losses.BinaryCrossentropy",
        {**LOSS, "from_logits": True, "label_smoothing": 0.25, "axis": 1},
    ),
    other(
        "losses.CategoricalFocalCrossentropy",
        {
            **LOSS,
            "alpha": 0.5,
            "gamma": 3.0,
            "from_logits": True,
            "label_smoothing": 0.25,
            "axis": 1,
        },
    ),
    other("losses.Tversky", {**LOSS, "alpha": 0.25, "beta": 0.75, "axis": (1, 2)}),
    other(
        "losses.Circle",
        {**LOSS, "gamma": 3.0, "margin": 0.5, "remove_diagonal": False},
    ),
    other("metrics.Mean", METRIC),
    other("metrics.BinaryAccuracy", {**METRIC, "threshold": 0.25}),
    other("metrics.F1Score", {**METRIC, "average": "macro", "threshold": 0.25}),
    other("metrics.Precision", {**METRIC, "thresholds": [0.25], "class_id": 1}, {"top_k": 2}),
    other(
        "metrics.AUC",
        {
            **METRIC,
            "num_thresholds": 5,
            "curve": "PR",
            "summation_method": "majoring",
            "multi_label": True,
            "num_labels": 2,
            "from_logits": True,
        },
        {"thresholds": [0.25, 0.75]},
        {"multi_label": True, "num_labels": 2, "label_weights": [0.25, 0.75]},
    ),
    other(
        "metrics.IoU",
        {
            **METRIC,
            "num_classes": 3,
            "target_class_ids": [0, 2],
            "ignore_class": 1,
            "sparse_y_true": False,
            "sparse_y_pred": False,
            "axis": 1,
        },
    ),
    other("metrics.R2Score", {**METRIC, "class_aggregation": None, "num_regressors": 2}),
    other("regularizers.L1", {"l1": 0.5}),
    other("regularizers.L1L2", {"l1": 0.5, "l2": 0.25}),
    other("regularizers.OrthogonalRegularizer", {"factor": 0.5, "mode": "columns"}),
    other("initializers.Constant", {"value": 0.5}),
    other("initializers.Identity", {"gain": 0.5}),
    other("initializers.Orthogonal", {"gain": 0.5, "seed": 7}),
    other("initializers.RandomUniform", {"minval": -0.5, "maxval": 0.25, "seed": 7}),
    other("initializers.TruncatedNormal", {"mean": 0.5, "stddev": 0.25, "seed": 7}),
    other("initializers.HeNormal", {"seed": 7, "input_axes": 0, "output_axes": 1}),
    other(
        "initializers.VarianceScaling",
        {
            "scale": 2.0,
            "mode": "fan_out",
            "distribution": "uniform",
            "seed": 7,
            "input_axes": 0,
            "output_axes": 1,
        },
    ),
    other("constraints.MaxNorm", {"max_value": 3.0, "axis": 1}),
    other(
        "constraints.MinMaxNorm", {"min_value": 0.25, "max_value": 3.0, "rate": 0.5, "axis": (0, 1)}
    ),
    other("constraints.UnitNorm", {"axis": 1}),
    optimizer("SGD", momentum=0.5, nesterov=True),
    optimizer("Adam", beta_1=0.5, beta_2=0.25, epsilon=0.125, amsgrad=True),
    optimizer("AdamW", beta_1=0.5, beta_2=0.25, epsilon=0.125, amsgrad=True),
    optimizer("RMSprop", rho=0.5, momentum=0.25, epsilon=0.125, centered=True),
    other(
        "optimizers.Adadelta",
        lambda: (
            {"learning_rate": _schedule(), "rho": 0.5, "epsilon": 0.125, "name": "mine"}
            | NORMAL
            | EMA
        ),
        {"weight_decay": 0.25, "clipvalue": 0.5},
        {"global_clipnorm": 0.5},
    ),
    other(
        "optimizers.schedules.ExponentialDecay",
        {
            "initial_learning_rate": 0.5,
            "decay_steps": 7,
            "decay_rate": 0.25,
            "staircase": True,
            "name": "mine",
        },
    ),
    other(
        "optimizers.schedules.CosineDecay",
        {
            "initial_learning_rate": 0.5,
            "decay_steps": 7,
            "alpha": 0.25,
            "name": "mine",
            "warmup_target": 0.75,
            "warmup_steps": 3,
        },
    ),
    other(
        "optimizers.schedules.PiecewiseConstantDecay",
        {"boundaries": [1, 2], "values": [0.5, 0.25, 0.125], "name": "mine"},
    ),
    other(
        "optimizers.schedules.PolynomialDecay",
        {
            "initial_learning_rate": 0.5,
            "decay_steps": 7,
            "end_learning_rate": 0.25,
            "power": 2.0,
            "cycle": True,
            "name": "mine",
        },
    ),
]
