"""Layers of Keras, each with values for every argument of its constructor that are no defaults."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LAYERS", "Row", "Values"]

NEWER = frozenset({"gptq_unpacked_column_size", "input_axes", "output_axes", "quantization_config"})
NEWER |= {"renorm", "renorm_clipping", "renorm_momentum", "sliding_window", "use_gate"}
"""Arguments that the oldest supported Keras lacks."""

Values = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """A class of Keras, and what its constructor is called with.

    Attributes:
        path: Where the class is, below `keras`.
        values: The arguments of one object or, where they exclude each other, of several.
        shape: The shape of what a layer is called with, without the batch.
        calls: How often it takes that, in one list if several times.
        dtype: The dtype of what it is called with.
        lost: The arguments that no config holds: initial weights, which the file has.
    """

    path: str
    values: tuple[Callable[[], Values], ...]
    shape: tuple[int, ...] = ()
    calls: int = 1
    dtype: str = "float32"
    lost: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return self.path

    @property
    def cls(self) -> type:
        """The class."""
        namespace, _, name = self.path.rpartition(".")
        found: Any = keras
        for part in namespace.split("."):
            found = getattr(found, part)
        return getattr(found, name)

    @property
    def parameters(self) -> dict[str, inspect.Parameter]:
        """The named parameters of the constructor."""
        kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        found = inspect.signature(self.cls).parameters
        return {name: one for name, one in found.items() if one.kind not in kinds}

    @property
    def base_names(self) -> set[str]:
        """The arguments of `keras.layers.Layer` that every layer is made with."""
        if not self.shape:
            return set()
        taken = inspect.signature(self.cls).parameters
        names = {"name"} if self.dtype != "float32" else {"name", "dtype", "trainable"}
        return names if "kwargs" in taken else names & taken.keys()

    def make_all(self) -> list[Values]:
        """The arguments of each object, without those that this Keras does not have."""
        known = self.parameters
        return [
            {name: value for name, value in make().items() if name in known or name not in NEWER}
            for make in self.values
        ]


def _kernel(name: str) -> Values:
    """The initializer, regularizer and constraint of a weight."""
    return {
        f"{name}_initializer": keras.initializers.RandomNormal(0.5, 0.25, seed=3),
        f"{name}_regularizer": keras.regularizers.L1L2(0.5, 0.25),
        f"{name}_constraint": keras.constraints.MaxNorm(3.0, axis=(0,)),
    }


def _weights(*names: str) -> Values:
    found: Values = {"activity_regularizer": keras.regularizers.L2(0.5)}
    for name in names:
        found |= _kernel(name)
    return found


def _dense(**values: Any) -> Values:
    return {"use_bias": False, "activation": "gelu", **_weights("kernel", "bias"), **values}


def _without(values: Values, *names: str) -> Values:
    return {name: value for name, value in values.items() if name not in names}


_INT8 = getattr(keras.quantizers, "Int8QuantizationConfig", lambda **_: None)
_LORA = {"lora_rank": 2, "lora_alpha": 4}
_IMAGE = {"padding": "same", "data_format": "channels_first"}


def _int8() -> Any:
    return _INT8(weight_quantizer=keras.quantizers.AbsMaxQuantizer(axis=0, output_dtype="int8"))


def _convolution(rank: int, **values: Any) -> tuple[Callable[[], Values], ...]:
    """A convolution with strides, and one that is dilated."""
    return (
        lambda: (
            _dense(filters=4, kernel_size=(3,) * rank, strides=(2,) * rank, groups=2, **_IMAGE)
            | values
        ),
        lambda: {"filters": 4, "kernel_size": (3,) * rank, "dilation_rate": (2,) * rank} | values,
    )


def _transposed(rank: int) -> tuple[Callable[[], Values], ...]:
    return (
        lambda: _dense(
            filters=4,
            kernel_size=(3,) * rank,
            strides=(2,) * rank,
            output_padding=(1,) * rank,
            **_IMAGE,
        ),
        lambda: {"filters": 4, "kernel_size": (3,) * rank, "dilation_rate": (2,) * rank},
    )


def _recurrent(**values: Any) -> Callable[[], Values]:
    def make() -> Values:
        return {
            **_dense(units=3, dropout=0.25, recurrent_dropout=0.5, seed=7),
            **_kernel("recurrent"),
            "return_sequences": True,
            "return_state": True,
            "go_backwards": True,
            "stateful": True,
            "unroll": True,
            **values,
        }

    return make


def _normalization(*moving: str) -> Values:
    found = {"axis": 1, "epsilon": 0.5, "center": False, "scale": False}
    for name in ("beta", "gamma"):
        found |= _kernel(name)
    return found | {f"{name}_initializer": keras.initializers.Constant(2.0) for name in moving}


def _attention(**values: Any) -> Values:
    return _dense(
        dropout=0.25, flash_attention=False, sliding_window=2, use_gate=True, seed=7, **values
    ) | {"use_bias": False}


def row(path: str, shape: tuple[int, ...], *values: Any, **options: Any) -> Row:
    """A row; values that hold no objects may stand there as they are."""
    made = tuple(
        value if callable(value) else (lambda value=value: dict(value)) for value in values
    )
    return Row(f"layers.{path}", made, shape, **options)


VECTOR, SEQUENCE, IMAGE = (6,), (8, 6), (8, 8, 6)

LAYERS = [
    row(
        "Dense",
        VECTOR,
        lambda: _dense(units=3, quantization_config=_int8()),
        _LORA | {"units": 3},
    ),
    row(
        "EinsumDense",
        VECTOR,
        lambda: {
            **_without(_dense(), "use_bias", "activity_regularizer"),
            "equation": "ab,bc->ac",
            "output_shape": (4,),
            "bias_axes": "c",
            "gptq_unpacked_column_size": 3,
            "quantization_config": _int8(),
        },
        {"equation": "ab,bc->ac", "output_shape": (4,), **_LORA},
    ),
    row(
        "Embedding",
        VECTOR,
        lambda: {
            **_kernel("embeddings"),
            "input_dim": 9,
            "output_dim": 4,
            "mask_zero": True,
            "quantization_config": _int8(),
        },
        {"input_dim": 9, "output_dim": 4, **_LORA},
        lost=frozenset({"weights"}),
        dtype="int32",
    ),
    row("Activation", VECTOR, {"activation": "gelu"}),
    row("ELU", VECTOR, {"alpha": 0.5}),
    row("LeakyReLU", VECTOR, {"negative_slope": 0.5}),
    row("PReLU", SEQUENCE, lambda: {**_kernel("alpha"), "shared_axes": [1]}),
    row("ReLU", VECTOR, {"max_value": 3.0, "negative_slope": 0.5, "threshold": 0.25}),
    row("Softmax", SEQUENCE, {"axis": 1}),
    row("Masking", SEQUENCE, {"mask_value": 0.5}),
    row("Conv1D", SEQUENCE, *_convolution(1)),
    row("Conv2D", IMAGE, *_convolution(2)),
    row("Conv1DTranspose", SEQUENCE, *_transposed(1)),
    row("Conv2DTranspose", IMAGE, *_transposed(2)),
    row(
        "DepthwiseConv2D",
        IMAGE,
        lambda: {
            **_without(_dense(), *_kernel("kernel")),
            **_kernel("depthwise"),
            **_IMAGE,
            "kernel_size": (3, 3),
            "strides": (2, 2),
            "depth_multiplier": 2,
        },
        {"kernel_size": (3, 3), "dilation_rate": (2, 2)},
    ),
    row(
        "SeparableConv1D",
        SEQUENCE,
        lambda: {
            **_without(_dense(), *_kernel("kernel")),
            **_kernel("depthwise"),
            **_kernel("pointwise"),
            **_IMAGE,
            "filters": 4,
            "kernel_size": (3,),
            "strides": (2,),
            "depth_multiplier": 2,
        },
        {"filters": 4, "kernel_size": (3,), "dilation_rate": (2,)},
    ),
    row("MaxPooling2D", IMAGE, {"pool_size": (3, 3), "strides": (2, 2), **_IMAGE}),
    row("AveragePooling1D", SEQUENCE, {"pool_size": (3,), "strides": (2,), **_IMAGE}),
    row("GlobalMaxPooling2D", IMAGE, {"data_format": "channels_first", "keepdims": True}),
    row("GlobalAveragePooling1D", SEQUENCE, {"data_format": "channels_first", "keepdims": True}),
    row(
        "BatchNormalization",
        SEQUENCE,
        lambda: {
            **_normalization("moving_mean", "moving_variance"),
            "momentum": 0.5,
            "renorm": True,
            "renorm_clipping": {"rmax": 3.0, "rmin": 0.5, "dmax": 2.0},
            "renorm_momentum": 0.5,
        },
        {"synchronized": True},
    ),
    row("LayerNormalization", SEQUENCE, _normalization),
    row("GroupNormalization", SEQUENCE, lambda: {**_normalization(), "groups": 2}),
    row("RMSNormalization", SEQUENCE, {"axis": 1, "epsilon": 0.5}),
    row("UnitNormalization", SEQUENCE, {"axis": 1}),
    row(
        "SpectralNormalization",
        VECTOR,
        lambda: {"layer": keras.layers.Dense(3, name="inner"), "power_iterations": 2},
    ),
    row("Dropout", SEQUENCE, {"rate": 0.25, "noise_shape": (None, 1, 6), "seed": 7}),
    row("AlphaDropout", SEQUENCE, {"rate": 0.25, "noise_shape": (None, 1, 6), "seed": 7}),
    row("GaussianDropout", VECTOR, {"rate": 0.25, "seed": 7}),
    row("GaussianNoise", VECTOR, {"stddev": 0.25, "seed": 7}),
    row("SpatialDropout1D", SEQUENCE, {"rate": 0.25, "seed": 7}),
    row("SpatialDropout2D", IMAGE, {"rate": 0.25, "seed": 7, "data_format": "channels_first"}),
    row("ActivityRegularization", VECTOR, {"l1": 0.5, "l2": 0.25}),
    row("Flatten", IMAGE, {"data_format": "channels_first"}),
    row("Permute", SEQUENCE, {"dims": (2, 1)}),
    row("RepeatVector", VECTOR, {"n": 3}),
    row("Reshape", VECTOR, {"target_shape": (2, -1)}),
    row("Rescaling", VECTOR, {"scale": 0.5, "offset": 2.0}),
    row("Cropping1D", SEQUENCE, {"cropping": (2, 1)}),
    row("Cropping2D", IMAGE, {"cropping": ((2, 1), (0, 1)), "data_format": "channels_first"}),
    row("ZeroPadding1D", SEQUENCE, {"padding": (2, 1), "data_format": "channels_first"}),
    row("ZeroPadding2D", IMAGE, {"padding": ((2, 1), (0, 1)), "data_format": "channels_first"}),
    row("UpSampling1D", SEQUENCE, {"size": 3}),
    row(
        "UpSampling2D",
        IMAGE,
        {"size": (3, 1), "interpolation": "bilinear", "data_format": "channels_first"},
    ),
    row(
        "LSTM",
        SEQUENCE,
        _recurrent(recurrent_activation="tanh", unit_forget_bias=False, use_cudnn=False),
    ),
    row(
        "GRU",
        SEQUENCE,
        _recurrent(recurrent_activation="tanh", reset_after=False, use_cudnn=False),
    ),
    row("SimpleRNN", SEQUENCE, _recurrent()),
    row(
        "RNN",
        SEQUENCE,
        lambda: {
            "cell": keras.layers.GRUCell(3, name="cell"),
            "return_sequences": True,
            "return_state": True,
            "go_backwards": True,
            "stateful": True,
            "unroll": True,
            "zero_output_for_mask": True,
        },
    ),
    row("TimeDistributed", SEQUENCE, lambda: {"layer": keras.layers.Dense(3, name="inner")}),
    row(
        "Bidirectional",
        SEQUENCE,
        lambda: {
            "layer": keras.layers.GRU(3, name="there"),
            "merge_mode": "sum",
            "backward_layer": keras.layers.LSTM(3, go_backwards=True, name="back"),
        },
        lost=frozenset({"weights"}),
    ),
    row("Add", VECTOR, {}, calls=2),
    row("Concatenate", SEQUENCE, {"axis": 1}, calls=2),
    row("Dot", SEQUENCE, {"axes": (1, 1), "normalize": True}, calls=2),
    row(
        "Attention",
        SEQUENCE,
        {"use_scale": True, "score_mode": "concat", "dropout": 0.25, "seed": 7},
        calls=2,
    ),
    row("AdditiveAttention", SEQUENCE, {"use_scale": False, "dropout": 0.25}, calls=2),
    row(
        "MultiHeadAttention",
        SEQUENCE,
        lambda: _without(
            _attention(num_heads=2, key_dim=3, value_dim=2, output_shape=(4,), attention_axes=(1,)),
            "activation",
        ),
        calls=-2,
    ),
    row(
        "GroupQueryAttention",
        SEQUENCE,
        lambda: _without(
            _attention(head_dim=3, num_query_heads=4, num_key_value_heads=2), "activation"
        ),
        calls=-2,
    ),
    row("CenterCrop", IMAGE, {"height": 3, "width": 2, "data_format": "channels_first"}),
    row("RandomFlip", IMAGE, {"mode": "vertical", "seed": 7, "data_format": "channels_first"}),
    row(
        "CategoryEncoding",
        VECTOR,
        {"num_tokens": 9, "output_mode": "count"},
        {"num_tokens": 9, "sparse": True},
        dtype="int32",
    ),
]
