"""What Keras 2 called otherwise, wrote besides, or had alone: the tables behind `keras2`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ANY",
    "AS_NUMBER",
    "BUILD",
    "BUILT_OTHERWISE",
    "GONE",
    "HOMES",
    "LEFT_OUT",
    "LEFT_OUT_OF_ALL",
    "LEFT_OUT_OF_LOSSES",
    "LEFT_OUT_OF_OPTIMIZERS",
    "MODULES",
    "NESTED",
    "OTHERWISE",
    "OTHER_OUTPUTS",
    "RENAMED",
]

ANY: tuple[Any, ...] = ("any value",)
"""In place of values: the argument says nothing that Keras 3 would not know."""

_RECURRENT = {"time_major": (False,)}
_TRANSPOSED = {"groups": (1,)}
_UNUSED_KERNEL = {
    "kernel_initializer": ANY,  # of its parent class; its own ones are depthwise and pointwise
    "kernel_regularizer": ANY,
    "kernel_constraint": ANY,
}
_UNTRAINED = {"trainable": ANY, "noise_shape": ANY}

LEFT_OUT: Mapping[str, Mapping[str, tuple[Any, ...]]] = {
    **dict.fromkeys(("RNN", "SimpleRNN", "LSTM", "GRU"), _RECURRENT),
    **dict.fromkeys(("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"), _RECURRENT),
    **dict.fromkeys(("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose"), _TRANSPOSED),
    **dict.fromkeys(("DepthwiseConv1D", "DepthwiseConv2D"), _TRANSPOSED),
    **dict.fromkeys(("SeparableConv1D", "SeparableConv2D"), _TRANSPOSED | _UNUSED_KERNEL),
    **dict.fromkeys(("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"), _UNTRAINED),
    # Keras 3 takes the dtype for that of the inputs, and would round them.
    "Discretization": {"trainable": ANY, "dtype": ("int32", "int64", "float32")},
    "Embedding": {"input_length": ANY},
    "MultiHeadAttention": {"query_shape": ANY, "key_shape": ANY, "value_shape": ANY},
}
"""By class and argument: the values with which Keras 3 does the same without the argument. Another
value is an obstacle."""

LEFT_OUT_OF_ALL: Mapping[str, tuple[Any, ...]] = {"dynamic": (False,)}
"""The same for every layer."""

LEFT_OUT_OF_LOSSES: Mapping[str, tuple[Any, ...]] = {"fn": ANY}
LEFT_OUT_OF_OPTIMIZERS: Mapping[str, tuple[Any, ...]] = {
    "decay": (0, None),
    "is_legacy_optimizer": ANY,
    "jit_compile": ANY,
}

RENAMED: Mapping[str, Mapping[str, str]] = {"LeakyReLU": {"alpha": "negative_slope"}}
"""By class: arguments with another name."""

AS_NUMBER: Mapping[str, tuple[str, ...]] = {"BatchNormalization": ("axis",)}
"""By class: arguments that were lists of one number."""

MODULES: tuple[tuple[str, str], ...] = (
    (r"keras(\.src)?\.engine\.functional", "keras.src.models.functional"),
    (r"keras(\.src)?\.engine\.(sequential|training)", "keras"),
    (r"keras\.optimizers\.(experimental|legacy)", "keras.optimizers"),
    (r"keras(\.src)?\.layers\..*", "keras.layers"),
)
"""Modules, by regular expression, and those that have their classes now."""

NESTED: Mapping[str, str] = {
    "layer": "keras.layers",
    "backward_layer": "keras.layers",
    "cell": "keras.layers",
    "cells": "keras.layers",
    "learning_rate": "keras.optimizers.schedules",
}
"""Members that hold an object inside another, which Keras 2.12 wrote without its module."""

HOMES: Mapping[str, str] = {
    "Functional": "keras.src.models.functional",
    "Model": "keras",
    "Sequential": "keras",
}
"""The modules of models, wherever they stand."""

OTHERWISE: frozenset[str] = frozenset({"hard_sigmoid"})
"""Activations that Keras 3 computes in another way: 0.2 x + 0.5, which is x / 6 + 0.5 now."""

OTHER_OUTPUTS: Mapping[str, str] = {"RandomCrop": "that crops when it predicts"}
"""Classes whose objects give other outputs in Keras 3, and what is no more."""

BUILD = "build_config"
BUILT_OTHERWISE: frozenset[str] = frozenset({"MultiHeadAttention"})
"""Classes whose `build` took other arguments; the model that holds them builds them anyhow."""

GONE: frozenset[str] = frozenset(
    {
        "AddLoss",
        "AddMetric",
        "ClassMethod",
        "CuDNNGRU",
        "CuDNNLSTM",
        "DenseFeatures",
        "InstanceMethod",
        "InstanceProperty",
        "LinearModel",
        "LocallyConnected1D",
        "LocallyConnected2D",
        "MeanRelativeError",
        "MeanTensor",
        "PeepholeLSTMCell",
        "RadialConstraint",
        "RandomFourierFeatures",
        "RandomHeight",
        "RandomWidth",
        "SequenceFeatures",
        "SlicingOpLambda",
        "SyncBatchNormalization",
        "TFOpLambda",
        "TensorFlowOpLayer",
        "ThresholdedReLU",
        "WideDeepModel",
    }
)
"""Classes of Keras 2 that a config may name and that Keras 3 does not have."""
