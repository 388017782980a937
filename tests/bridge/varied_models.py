"""Models of many forms, saved and loaded in each container: a program, run on each backend.

It prints, for each model and container, what the load said: nothing is wrong with any of them.
"""

from __future__ import annotations

import itertools
import json
import logging
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np

import keras_registry

MODELS: dict[str, Any] = {}


def model(function: Any) -> Any:
    """Enter a function that makes a model into the table."""
    MODELS[function.__name__] = function
    return function


def sequence(*layers: Any, shape: tuple[int | None, ...] = (6,), dtype: str = "float32") -> Any:
    """A model of some layers in a row."""
    return keras.Sequential([keras.Input(shape, dtype=dtype), *layers])


def entered(name: str, *args: Any, **options: Any) -> None:
    """Enter a model of some layers in a row."""
    MODELS[name] = lambda: sequence(*(make() for make in args), **options)


L = keras.layers
STEPS, IMAGE, CUBE = (5, 3), (8, 8, 3), (4, 4, 4, 2)

entered("dense", lambda: L.Dense(3))
entered("dense_without_bias", lambda: L.Dense(3, use_bias=False))
entered("einsum_dense", lambda: L.EinsumDense("ab,bc->ac", output_shape=4, bias_axes="c"))
entered("embedding", lambda: L.Embedding(9, 4), shape=(5,), dtype="int32")
entered(
    "embedding_masked", lambda: L.Embedding(9, 4, mask_zero=True), lambda: L.LSTM(3), shape=(5,)
)
entered("batch_norm", L.BatchNormalization)
entered("layer_norm", L.LayerNormalization)
entered("rms_norm", L.RMSNormalization)
entered("group_norm", lambda: L.GroupNormalization(3), shape=IMAGE)
entered("unit_norm", L.UnitNormalization)
entered("spectral_norm", lambda: L.SpectralNormalization(L.Dense(3)))
entered("dropout", lambda: L.Dropout(0.3), lambda: L.Dense(2))
entered("gaussian_noise", lambda: L.GaussianNoise(0.1), lambda: L.GaussianDropout(0.1))
entered("alpha_dropout", lambda: L.AlphaDropout(0.2), lambda: L.Dense(2))
entered("prelu", L.PReLU)
entered("conv1d", lambda: L.Conv1D(4, 2), shape=STEPS)
entered("conv2d", lambda: L.Conv2D(4, 3), shape=IMAGE)
entered("conv3d", lambda: L.Conv3D(2, 2), shape=CUBE)
entered("conv1d_transpose", lambda: L.Conv1DTranspose(4, 2), shape=STEPS)
entered("conv2d_transpose", lambda: L.Conv2DTranspose(4, 3), shape=IMAGE)
entered("conv3d_transpose", lambda: L.Conv3DTranspose(2, 2), shape=CUBE)
entered("depthwise_conv1d", lambda: L.DepthwiseConv1D(2), shape=STEPS)
entered("depthwise_conv2d", lambda: L.DepthwiseConv2D(3), shape=IMAGE)
entered("separable_conv1d", lambda: L.SeparableConv1D(4, 2), shape=STEPS)
entered("separable_conv2d", lambda: L.SeparableConv2D(4, 3), shape=IMAGE)
entered("simple_rnn", lambda: L.SimpleRNN(3), shape=STEPS)
entered("lstm", lambda: L.LSTM(3, return_sequences=True), lambda: L.LSTM(2), shape=STEPS)
entered("gru", lambda: L.GRU(3), shape=STEPS)
entered("gru_dropout", lambda: L.GRU(3, dropout=0.2, recurrent_dropout=0.2), shape=STEPS)
entered("bidirectional", lambda: L.Bidirectional(L.LSTM(3)), shape=STEPS)
entered("stacked_cells", lambda: L.RNN([L.LSTMCell(3), L.GRUCell(2)]), shape=STEPS)
entered("time_distributed", lambda: L.TimeDistributed(L.Dense(2)), shape=STEPS)
entered("conv_lstm", lambda: L.ConvLSTM2D(2, 2), shape=(3, 5, 5, 1))
entered("random_flip", L.RandomFlip, lambda: L.RandomRotation(0.1), shape=IMAGE)
entered("rescaling", lambda: L.Rescaling(0.5), lambda: L.Dense(2))
entered("category_encoding", lambda: L.CategoryEncoding(7), shape=(4,), dtype="int32")
entered("discretization", lambda: L.Discretization([0.0, 1.0, 2.0]), lambda: L.Dense(2))
entered("regularized", lambda: L.Dense(3, kernel_regularizer="l2", kernel_constraint="non_neg"))
entered("frozen", lambda: L.Dense(3, trainable=False), lambda: L.Dense(2))
entered("mixed_float16", lambda: L.Dense(3, dtype="mixed_float16"))
entered("mixed_bfloat16", lambda: L.Dense(3, dtype="mixed_bfloat16"))
entered("float16", lambda: L.Dense(3, dtype="float16"))
entered("bfloat16", lambda: L.Dense(3, dtype="bfloat16"), L.LayerNormalization)
entered("nested_sequential", lambda: sequence(L.Dense(4), L.Dense(3)), lambda: L.Dense(2))
entered(
    "reused_names", lambda: L.Dense(3, name="a"), lambda: sequence(L.Dense(3, name="a"), shape=(3,))
)


@model
def normalization() -> Any:
    """Statistics that were adapted."""
    layer = L.Normalization()
    layer.adapt(np.random.default_rng(0).normal(size=(20, 6)).astype("float32"))
    return sequence(layer, L.Dense(2))


@model
def attention() -> Any:
    """Several inputs, a branch, and an attention over them."""
    query, value = keras.Input(STEPS), keras.Input(STEPS)
    mixed = L.MultiHeadAttention(2, 4)(query, value)
    grouped = L.GroupQueryAttention(4, 4, 2)(query, value)
    outputs = L.Add()([mixed, grouped, L.AdditiveAttention()([query, value])])
    return keras.Model([query, value], outputs)


@model
def shared_layer() -> Any:
    """One layer called twice."""
    first, second = keras.Input((6,)), keras.Input((6,))
    shared = L.Dense(3)
    return keras.Model([first, second], L.Concatenate()([shared(first), shared(second)]))


@model
def shared_model() -> Any:
    """One model called twice, inside two models."""
    inner = sequence(L.Dense(6), L.BatchNormalization())
    inputs = keras.Input((6,))
    return keras.Model(inputs, inner(keras.Model(inputs, inner(inputs))(inputs)))


@model
def residual() -> Any:
    """A graph of operations and layers."""
    inputs = keras.Input((6,))
    return keras.Model(inputs, keras.ops.relu(inputs + L.Dense(6)(inputs)) * 2)


@model
def several_outputs() -> Any:
    """Outputs in a dict."""
    inputs = keras.Input((6,))
    return keras.Model(inputs, {"a": L.Dense(2)(inputs), "b": L.Dense(1)(inputs)})


@model
def lora() -> Any:
    """A kernel with an adapter, which Keras merges when it saves."""
    made = sequence(L.Dense(5), L.Dense(2))
    made.layers[0].enable_lora(2)
    for weight in made.layers[0].trainable_weights:
        weight.assign(np.full(weight.shape, 0.25, "float32"))
    return made


@model
def lora_embedding() -> Any:
    """The same for an embedding."""
    made = sequence(L.Embedding(9, 4), shape=(5,), dtype="int32")
    made.layers[0].enable_lora(2)
    return made


def _quantized(mode: str) -> Any:
    made = sequence(L.Dense(8), L.Dense(4))
    made.quantize(mode)
    return made


@model
def int8() -> Any:
    """Quantized to 8 bits."""
    return _quantized("int8")


@model
def int4() -> Any:
    """Quantized to 4 bits."""
    return _quantized("int4")


@model
def float8() -> Any:
    """Quantized to 8 bits of floating point."""
    return _quantized("float8")


@model
def int8_with_lora() -> Any:
    """Quantized with an adapter: Keras quantises the kernel anew at each save."""
    made = _quantized("int8")
    made.layers[0].enable_lora(2)
    return made


@model
def unbuilt() -> Any:
    """A model that has no weights yet."""
    return keras.Sequential([L.Dense(3), L.Dense(2)])


@model
def compiled() -> Any:
    """Compiled, with metrics, and trained."""
    made = sequence(L.Dense(4), L.Dropout(0.2), L.Dense(1))
    made.compile("adam", "mse", metrics=["mae", keras.metrics.MeanSquaredError()])
    made.fit(np.ones((8, 6), "float32"), np.ones((8, 1), "float32"), verbose=0)
    return made


@model
def compiled_nested() -> Any:
    """A compiled model inside another."""
    inner = compiled()
    inputs = keras.Input((6,))
    made = keras.Model(inputs, L.Dense(1)(inner(inputs)))
    made.compile(keras.optimizers.SGD(momentum=0.9), "mse")
    made.fit(np.ones((8, 6), "float32"), np.ones((8, 1), "float32"), verbose=0)
    return made


@model
def averaged() -> Any:
    """An optimizer that keeps averages and holds another."""
    made = sequence(L.Dense(2))
    inner = keras.optimizers.Adam(use_ema=True)
    made.compile(keras.optimizers.LossScaleOptimizer(inner), "mse")
    made.fit(np.ones((8, 6), "float32"), np.ones((8, 2), "float32"), verbose=0)
    return made


@keras_registry.register("acme")
class Block(keras.layers.Layer):
    """Layers in attributes, lists and dicts, with a variable, a seed and a metric of its own."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.units = units
        self.first = L.Dense(units)
        self.more = [L.Dense(units), L.BatchNormalization()]
        self.seeds = keras.random.SeedGenerator(7)
        self.seen = keras.metrics.Mean(name="seen")

    def build(self, shape: Any) -> None:
        """Build the layers inside."""
        self.scale = self.add_weight(shape=(self.units,), initializer="ones", name="scale")
        self.count = self.add_weight(shape=(), initializer="zeros", trainable=False, name="count")
        self.first.build(shape)
        for layer in self.more:
            layer.build((shape[0], self.units))

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Apply the layers."""
        outputs = self.first(inputs)
        for layer in self.more:
            outputs = layer(outputs)
        return outputs * self.scale


@model
def registered_block() -> Any:
    """A registered layer with others inside."""
    return sequence(Block(4), L.Dense(2))


@model
def registered_twice() -> Any:
    """The same class twice, and one in a model inside."""
    return sequence(Block(4), sequence(Block(4), shape=(4,)), Block(3))


@keras_registry.register("acme")
class Net(keras.Model):
    """A subclassed model."""

    def __init__(self, units: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.block = Block(units)
        self.head = sequence(L.Dense(2), shape=(units,))

    def build(self, shape: Any) -> None:
        """Build the layers inside."""
        self.block.build(shape)
        self.built = True

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Apply the layers."""
        return self.head(self.block(inputs))


@model
def subclassed() -> Any:
    """A subclassed model, built by a call."""
    made = Net(4)
    made(np.ones((2, 6), "float32"))
    return made


@model
def subclassed_compiled() -> Any:
    """The same, trained."""
    made = Net(4)
    made.compile("adam", "mse")
    made.fit(np.ones((8, 6), "float32"), np.ones((8, 2), "float32"), verbose=0)
    return made


@model
def replaced_layer() -> Any:
    """A layer that was replaced by another, which Keras keeps in its lists and never saves."""
    block = Block(4)
    block.first.build((None, 6))
    block.first = L.Dense(4)
    return sequence(block)


@model
def transformer() -> Any:
    """Embeddings, positions, attention and a feed-forward part."""
    tokens = keras.Input((5,), dtype="int32")
    states = L.Embedding(11, 8)(tokens)
    states = L.LayerNormalization()(states + L.MultiHeadAttention(2, 4)(states, states))
    states = L.LayerNormalization()(states + L.Dense(8)(L.Dense(16, activation="gelu")(states)))
    return keras.Model(tokens, L.Dense(11)(states))


def said(function: Any, *args: Any) -> dict[str, Any]:
    """What a load says: the error, the warnings, the codes of its notes and what it verified."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            loaded = function(*args)
        except Exception as error:  # noqa: BLE001
            return {"error": f"{type(error).__name__}: {error}"}
    report = keras_registry.report(loaded)
    assert report is not None
    shown = [str(w.message) for w in caught if issubclass(w.category, UserWarning)]
    codes = [item.code for item in report.findings]
    return {"warned": shown, "codes": codes, "verified": list(report.verified)}


def saved(made: Any, path: Path, *, ours: bool) -> None:
    """Save a model, with a manifest or as plain Keras does."""
    if not ours:
        keras_registry.disable()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made.save(path, **({} if path.suffix else {"zipped": False}))
    finally:
        keras_registry.enable()


def main() -> None:
    """Print a line for each model, container and kind of file."""
    logging.getLogger("absl").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        for name in sys.argv[1:] or MODELS:
            keras.utils.set_random_seed(5)
            made = MODELS[name]()
            for ending, ours in itertools.product((".keras", "", ".h5"), (True, False)):
                path = Path(folder) / f"{name}_{ours}{ending}"
                row = {"name": name, "container": ending or "folder", "ours": ours}
                saved(made, path, ours=ours)
                row |= said(keras.saving.load_model, path)
                sys.stdout.write(f"{json.dumps(row)}\n")


if __name__ == "__main__":
    main()
