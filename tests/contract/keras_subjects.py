"""All public objects of Keras as the kit sees them: registered as they are."""

from __future__ import annotations

import inspect
import zlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_registry.contract import Case, Subject
from keras_registry.names import Kind
from keras_registry.registration import Registration
from tests.config.keras_classes import LAYERS, Row
from tests.config.keras_objects import OTHERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["KerasSubject", "all_subjects", "is_in_tenth"]

PLACES = {
    "losses": Kind.LOSS,
    "metrics": Kind.METRIC,
    "optimizers": Kind.OPTIMIZER,
    "optimizers.schedules": Kind.SCHEDULE,
    "initializers": Kind.INITIALIZER,
    "regularizers": Kind.REGULARIZER,
    "constraints": Kind.CONSTRAINT,
    "activations": Kind.FUNCTION,
    "layers": Kind.LAYER,
}
"""Where Keras has its public objects, and of which kind they are."""

BASES = {
    "Constraint",
    "Initializer",
    "Layer",
    "LearningRateSchedule",
    "Loss",
    "Metric",
    "Optimizer",
    "OptimizerMap",
    "Regularizer",
    "Wrapper",
}
"""Classes that are there to be subclassed."""

NO_OBJECTS = {"deserialize", "get", "serialize"}
"""Functions that are no activations."""

FOREIGN = {"FlaxLayer", "JaxLayer", "TFSMLayer", "TorchModuleWrapper"}
"""Layers that are made of a module of another framework, or of a folder."""

NEEDED: dict[str, Callable[[], dict[str, Any]]] = {
    "metrics.IoU": lambda: {"num_classes": 3, "target_class_ids": [0]},
    "metrics.MeanIoU": lambda: {"num_classes": 3},
    "metrics.OneHotIoU": lambda: {"num_classes": 3, "target_class_ids": [0]},
    "metrics.OneHotMeanIoU": lambda: {"num_classes": 3},
    "metrics.MeanMetricWrapper": lambda: {"fn": keras.losses.mean_squared_error},
    "metrics.PrecisionAtRecall": lambda: {"recall": 0.5},
    "metrics.RecallAtPrecision": lambda: {"precision": 0.5},
    "metrics.SensitivityAtSpecificity": lambda: {"specificity": 0.5},
    "metrics.SpecificityAtSensitivity": lambda: {"sensitivity": 0.5},
    "optimizers.MultiOptimizer": lambda: {
        "optimizer_map": keras.optimizers.OptimizerMap(keras.optimizers.SGD(0.1))
    },
    "optimizers.LossScaleOptimizer": lambda: {"inner_optimizer": keras.optimizers.SGD(0.1)},
    "optimizers.schedules.CosineDecayRestarts": lambda: {
        "initial_learning_rate": 0.5,
        "first_decay_steps": 7,
    },
    "optimizers.schedules.InverseTimeDecay": lambda: {
        "initial_learning_rate": 0.5,
        "decay_steps": 7,
        "decay_rate": 0.25,
    },
}
NEEDED |= {
    "layers.DepthwiseConv1D": lambda: {"kernel_size": 2},
    "layers.Discretization": lambda: {"bin_boundaries": [0.25, 0.5]},
    "layers.HashedCrossing": lambda: {"num_bins": 3},
    "layers.Hashing": lambda: {"num_bins": 3},
    "layers.InputLayer": lambda: {"shape": (4,)},
    "layers.IntegerLookup": lambda: {"vocabulary": [3, 5]},
    "layers.StringLookup": lambda: {"vocabulary": ["red", "blue"]},
    "layers.TextVectorization": lambda: {"vocabulary": ["red", "blue"]},
    "layers.Lambda": lambda: {"function": keras.activations.relu},
    "layers.MaxNumBoundingBoxes": lambda: {"max_number": 3},
    "layers.Pipeline": lambda: {"layers": [keras.layers.Dense(3)]},
    "layers.RandomCrop": lambda: {"height": 3, "width": 2},
    "layers.RandomTranslation": lambda: {"height_factor": 0.25, "width_factor": 0.5},
    "layers.RandomZoom": lambda: {"height_factor": 0.25},
    "layers.Resizing": lambda: {"height": 3, "width": 2},
    "layers.ReversibleEmbedding": lambda: {"input_dim": 9, "output_dim": 4},
    "layers.SeparableConv2D": lambda: {"filters": 4, "kernel_size": 2},
    "layers.SpatialDropout3D": lambda: {"rate": 0.25},
    "layers.StackedRNNCells": lambda: {"cells": [keras.layers.GRUCell(3)]},
    **{f"layers.{name}Cell": lambda: {"units": 3} for name in ("GRU", "LSTM", "SimpleRNN")},
}
NEEDED |= {
    f"layers.Random{name}": lambda: {"factor": 0.25}
    for name in ("Brightness", "ColorDegeneration", "Contrast", "Hue", "Rotation", "Saturation")
}
NEEDED |= {
    "layers.RandomPosterization": lambda: {"factor": 4},
    "layers.RandomSharpness": lambda: {"factor": 0.25},
}
NEEDED |= {
    f"layers.Adaptive{pooling}Pooling{rank}D": lambda: {"output_size": 2}
    for pooling in ("Average", "Max")
    for rank in (1, 2, 3)
}
NEEDED |= {
    f"layers.{pooling}Pooling{rank}D": lambda: {"pool_size": 2}
    for pooling in ("Average", "Max")
    for rank in (1, 2, 3)
}
NEEDED |= {
    f"layers.{name}": lambda: {"filters": 4, "kernel_size": 2}
    for name in ("Conv3D", "Conv3DTranspose", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")
}
"""What objects that are in no table cannot be made without."""


INPUTS: dict[str, Callable[[], Any]] = {
    "layers.STFTSpectrogram": lambda: np.linspace(0, 1, 1200, dtype="float32").reshape(2, 600, 1),
}
"""What layers are called with that take nothing of the usual."""


@dataclass(frozen=True)
class KerasSubject(Subject):
    """A public object of Keras.

    Attributes:
        row: The values of its arguments that are known.
        is_short: Whether it is made in one way alone.
    """

    row: Row | None = None
    is_short: bool = False

    @cached_property
    def fields(self) -> Mapping[str, Mapping[str, Any]]:
        """The arguments of its constructor, of whose schemas only the defaults are known."""
        if self.row is None or self.kind is Kind.FUNCTION:
            return {}
        base = {"activity_regularizer", "dtype", "name", "reduction", "trainable"}
        return {
            name: {} if one.default is one.empty else {"default": one.default}
            for name, one in self.row.parameters.items()
            if name not in base
        }

    def _candidates(self) -> Iterator[Case]:
        if self.row is None or self.kind is Kind.FUNCTION:
            yield Case(self, dict, "as it is")
            return
        row = self.row
        needed = NEEDED.get(self.key, dict)()
        required = [name for name, one in self.fields.items() if not one or name in needed]

        def usual() -> dict[str, Any]:
            first = row.make_all()[0]
            return {name: first[name] for name in required}

        yield Case(self, usual, "minimal")
        if self.is_short:
            return
        for number, values in enumerate(row.make_all()):
            for name in values:
                if name in self.fields and name not in required:
                    yield Case(
                        self,
                        lambda n=name, i=number: {**usual(), n: row.make_all()[i][n]},  # type: ignore[misc]
                        f"{name} changed",
                        name,
                    )


def all_subjects() -> Iterator[KerasSubject]:
    """The public objects of Keras, each once."""
    rows = {row.path: row for row in (*LAYERS, *OTHERS)}
    seen: set[Any] = set()
    for place, kind in PLACES.items():
        module: Any = keras
        for part in place.split("."):
            module = getattr(module, part)
        for name, target in sorted(vars(module).items()):
            is_function = inspect.isfunction(target) and kind is Kind.FUNCTION
            if not (inspect.isclass(target) or is_function) or target in seen:
                continue
            if name in BASES | FOREIGN | NO_OBJECTS or not _is_of(kind, target):
                continue
            seen.add(target)
            path = f"{place}.{name}"
            made = NEEDED.get(path, dict)
            row = rows.get(path) or Row(path, (made,))
            yield KerasSubject(Registration(path, kind, target), row=row, inputs=INPUTS.get(path))


def _is_of(kind: Kind, target: Any) -> bool:
    return kind is not Kind.LAYER or issubclass(target, keras.layers.Layer)


def is_in_tenth(subject: Subject) -> bool:
    """Whether an object belongs to the fixed tenth that is checked with every change."""
    return zlib.crc32(subject.key.encode()) % 10 == 9
