"""Fingerprints of weights in memory."""

from __future__ import annotations

import contextlib
import tracemalloc
import warnings

import keras
import numpy as np
import pytest

from keras_registry.bridge.weights import fingerprint_weights
from keras_registry.manifest import WeightsRecord
from tests.support.models import build_functional, build_sequential, compile_and_fit, make_inputs
from tests.support.registered import restored_registries


@pytest.fixture(autouse=True)
def _registries():
    """What a test registers is gone after it."""
    with restored_registries():
        yield


def fingerprint(model, part="layers"):
    """Return the record of one part of a model's weights."""
    return fingerprint_weights(model)[part]


@keras.saving.register_keras_serializable("tests")
class Stateful(keras.layers.Layer):
    """A layer with variables of every kind that tends to be forgotten."""

    def build(self, input_shape):
        self.steps = self.add_weight(shape=(), dtype="int32", initializer="zeros", trainable=False)
        self.flags = self.add_weight(shape=(3,), dtype="bool", initializer="zeros", trainable=False)
        self.small = self.add_weight(shape=(2,), dtype="uint8", initializer="ones", trainable=False)
        self.nothing = self.add_weight(shape=(0, 4), initializer="zeros")
        self.scale = self.add_weight(shape=(1,), initializer="ones")

    def call(self, inputs):
        return inputs * self.scale


def with_layers(*layers):
    """Return a model with some layers between an input of shape (4,) and an output."""
    return build_sequential(lambda: layers)


def normalization():
    """Return a layer that has adapted to data."""
    layer = keras.layers.Normalization(name="normalization")
    layer.adapt(make_inputs())
    return layer


def lora():
    """Return a layer with an adapter of low rank, which does something."""
    layer = keras.layers.Dense(8, name="lora")
    layer.build((None, 4))
    layer.enable_lora(2)
    layer.lora_kernel_b.assign(np.full((2, 8), 0.5))
    return layer


def shared():
    """Return a model that uses one layer twice."""
    inputs = keras.layers.Input((4,))
    twice = keras.layers.Dense(4, name="twice")
    return keras.Model(inputs, twice(twice(inputs)))


def attention():
    """Return a model that attends to itself."""
    inputs = keras.layers.Input((5, 4))
    return keras.Model(inputs, keras.layers.MultiHeadAttention(2, 3)(inputs, inputs))


def words():
    """Return a model that has adapted to text."""
    layer = keras.layers.TextVectorization()
    layer.adapt(["one two", "two three"])
    return keras.Sequential([keras.layers.Input((1,), dtype="string"), layer])


def quantised(mode):
    """Return a maker of a model whose kernels are quantised."""

    def make():
        model = with_layers(keras.layers.Dense(8, name="lora"))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Layer InputLayer does not have")
            model.quantize(mode)
        return model

    return make


def images(*layers):
    """Return a model of images with some layers."""
    return keras.Sequential([keras.layers.Input((6, 6, 2)), *layers])


MODELS = {
    "sequential": build_sequential,
    "functional": build_functional,
    "trained": lambda: compile_and_fit(build_functional()),
    "bfloat16": lambda: with_layers(keras.layers.Dense(4, dtype="bfloat16")),
    "float16": lambda: with_layers(keras.layers.Dense(4, dtype="float16")),
    "float64": lambda: with_layers(keras.layers.Dense(4, dtype="float64")),
    "mixed_bfloat16": lambda: with_layers(keras.layers.Dense(4, dtype="mixed_bfloat16")),
    "mixed_float16": lambda: with_layers(keras.layers.Dense(4, dtype="mixed_float16")),
    "integers, flags, nothing": lambda: with_layers(Stateful()),
    "frozen": lambda: with_layers(keras.layers.BatchNormalization(trainable=False)),
    "normalisation": lambda: with_layers(normalization()),
    "spectral normalisation": lambda: with_layers(
        keras.layers.SpectralNormalization(keras.layers.Dense(3))
    ),
    "dropout": lambda: with_layers(keras.layers.Dropout(0.5, seed=3)),
    "recurrent": lambda: with_layers(
        keras.layers.Reshape((2, 2)),
        keras.layers.Bidirectional(keras.layers.LSTM(3, return_sequences=True)),
        keras.layers.RNN([keras.layers.LSTMCell(3), keras.layers.GRUCell(2)]),
    ),
    "stateful": lambda: keras.Sequential(
        [keras.layers.Input(batch_shape=(2, 3, 2)), keras.layers.GRU(3, stateful=True)]
    ),
    "attention": attention,
    "convolutions": lambda: images(
        keras.layers.RandomFlip(seed=1),
        keras.layers.Conv2D(3, 2),
        keras.layers.SeparableConv2D(2, 1),
        keras.layers.GroupNormalization(1),
    ),
    "words": words,
    "int8": quantised("int8"),
    "float8": quantised("float8"),
    "lora": lambda: with_layers(lora()),
    "shared layer": shared,
    "no weights": lambda: keras.Sequential([keras.layers.Input((4,)), keras.layers.ReLU()]),
    "not built": lambda: keras.Sequential([keras.layers.Dense(3)]),
}


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_same_after_a_round_trip(tmp_path, make):
    """What is loaded has the fingerprint of what was saved, whatever kinds of weights it has."""
    model = make()
    with unbuilt_is_no_matter():
        model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")

    assert fingerprint_weights(loaded) == fingerprint_weights(model)


@contextlib.contextmanager
def unbuilt_is_no_matter():
    """Let a model be saved that has no weights yet, of which Keras warns."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "You are saving a model that has not yet been built")
        yield


def make_schedule():
    """Return a learning rate that falls."""
    return keras.optimizers.schedules.CosineDecay(0.1, 100)


OPTIMIZERS = {
    **{
        name: getattr(keras.optimizers, name)
        for name in ("Adadelta", "Adafactor", "Adagrad", "AdamW", "Adamax", "Ftrl", "Lamb")
    },
    **{name: getattr(keras.optimizers, name) for name in ("Lion", "Muon", "Nadam", "RMSprop")},
    "SGD": lambda: keras.optimizers.SGD(momentum=0.9, nesterov=True),
    "Adam": lambda: keras.optimizers.Adam(amsgrad=True, use_ema=True),
    "accumulated": lambda: keras.optimizers.Adam(gradient_accumulation_steps=2),
    "scheduled": lambda: keras.optimizers.Adam(make_schedule()),
    "scaled": lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam()),
}


def compiled(optimizer):
    """Return a small model with an optimizer."""
    model = with_layers(keras.layers.Dense(4, name="dense"))
    model.compile(optimizer, "mean_squared_error")
    return model


@pytest.mark.parametrize("make", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_optimizer_is_the_same_after_a_round_trip(tmp_path, make):
    """The state of every optimizer of Keras comes back with the fingerprint that it had."""
    model = compiled(make())
    model.optimizer.build(model.trainable_variables)
    for number, variable in enumerate(model.optimizer.variables, start=2):
        if "float" in variable.dtype and variable.name != "learning_rate":
            variable.assign(np.full(variable.shape, number))
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")

    assert fingerprint_weights(loaded) == fingerprint_weights(model)


def test_same_in_both_of_two_equal_models():
    """Two models that are equal have one fingerprint."""
    assert fingerprint(build_functional()) == fingerprint(build_functional())
    assert fingerprint(build_functional()) != fingerprint(build_functional(seed=8))


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_last_bit_counts(dtype):
    """A change of the last bit of one number changes the fingerprint."""
    model = with_layers(keras.layers.Dense(4, dtype=dtype, name="dense"))
    before = fingerprint(model)
    kernel = model.get_layer("dense").kernel
    array = np.array(keras.ops.convert_to_numpy(kernel))
    bits = array.view(f"uint{8 * array.itemsize}")
    bits[-1, -1] ^= 1
    kernel.assign(array)

    after = fingerprint(model)
    assert after.count == before.count
    assert after.fingerprint != before.fingerprint

    bits[-1, -1] ^= 1
    kernel.assign(array)
    assert fingerprint(model) == before


@pytest.mark.parametrize("change", ["steps", "flags", "small"])
def test_numbers_that_are_no_floats_count(change):
    """A change of a counter or a flag changes the fingerprint."""
    model = with_layers(Stateful(name="state"))
    before = fingerprint(model)
    variable = getattr(model.get_layer("state"), change)
    variable.assign(keras.ops.ones_like(variable) if change != "small" else [1, 2])

    assert fingerprint(model) != before


def test_swapped_kernels_count():
    """Two kernels of one shape that change places change the fingerprint."""
    model = with_layers(keras.layers.Dense(4, name="a"), keras.layers.Dense(4, name="b"))
    before = fingerprint(model)
    first, second = model.get_layer("a").kernel, model.get_layer("b").kernel
    kept = keras.ops.copy(first.value)
    first.assign(second)
    second.assign(kept)

    assert fingerprint(model) != before


def test_swapped_variables_of_one_layer_count():
    """Two variables of one layer that change places change the fingerprint."""
    model = with_layers(keras.layers.BatchNormalization(name="norm"))
    layer = model.get_layer("norm")
    layer.moving_mean.assign([1, 2, 3, 4])
    before = fingerprint(model)
    layer.moving_mean.assign([0, 0, 0, 0])
    layer.beta.assign([1, 2, 3, 4])

    assert fingerprint(model) != before


def test_shape_counts():
    """The same numbers in another shape have another fingerprint."""

    def model_of(*shape):
        layer = keras.layers.Dense(1)
        layer.w = layer.add_weight(shape=shape, initializer="ones")
        layer.save_own_variables = lambda store: store.update({"0": layer.w})
        return keras.Sequential([layer])

    assert fingerprint(model_of(2, 3)) != fingerprint(model_of(3, 2))
    assert fingerprint(model_of(2, 3)) == fingerprint(model_of(2, 3))


def test_names_do_not_count():
    """Layers and models under other names have the same fingerprint."""
    one = with_layers(keras.layers.Dense(4, name="a"))
    other = keras.Sequential(
        [
            keras.layers.Input((4,), name="other_inputs"),
            keras.layers.Dense(4, name="b"),
            keras.layers.Dense(1, name="other_head"),
        ],
        name="other",
    )
    other.set_weights(one.get_weights())

    assert fingerprint(one) == fingerprint(other)


def test_class_does_not_count():
    """A layer of a renamed class has the same fingerprint."""

    class Renamed(keras.layers.Dense):
        pass

    one = with_layers(keras.layers.Dense(4))
    other = with_layers(Renamed(4))
    other.set_weights(one.get_weights())

    assert fingerprint(one) == fingerprint(other)


def test_optimizer_is_apart():
    """Training state is in a record of its own, so that one can be right and the other not."""
    model = compile_and_fit(build_sequential())
    before = fingerprint_weights(model)
    model.optimizer.iterations.assign_add(1)
    after = fingerprint_weights(model)

    assert set(before) == {"layers", "optimizer"}
    assert after["layers"] == before["layers"]
    assert after["optimizer"] != before["optimizer"]


def test_model_that_is_not_compiled_has_no_optimizer():
    """Without an optimizer there is no record of one."""
    assert set(fingerprint_weights(build_sequential())) == {"layers"}


def test_only_the_parts_wanted():
    """What is not asked for is not hashed."""
    model = compile_and_fit(build_sequential())
    model.optimizer.save_own_variables = None  # would fail

    assert set(fingerprint_weights(model, ["layers"])) == {"layers"}


def test_arrays_are_counted():
    """The record counts arrays, empty ones as well."""
    assert fingerprint(build_sequential()).count == 4
    assert fingerprint(with_layers(Stateful())).count == 7


def test_layer_that_cannot_be_read_leaves_its_part_out():
    """If a layer's variables cannot be read, its part has no record, and the others have theirs."""
    model = compile_and_fit(build_sequential())

    def fail(store):
        message = "not now"
        raise ValueError(message)

    model.get_layer("head").save_own_variables = fail

    assert set(fingerprint_weights(model)) == {"optimizer"}


def test_layer_that_stores_arrays():
    """A layer that stores arrays or numbers, not variables, has a fingerprint all the same."""

    def model_of(value):
        layer = keras.layers.Layer()
        layer.save_own_variables = lambda store: store.update({"state": value})
        return keras.Sequential([layer])

    array = np.arange(6, dtype="float32").reshape(2, 3)
    assert fingerprint(model_of(array)).count == 1
    assert fingerprint(model_of(array)) == fingerprint(model_of(array.copy(order="F")))
    assert fingerprint(model_of(array)) == fingerprint(model_of(keras.ops.convert_to_tensor(array)))
    assert fingerprint(model_of(array)) != fingerprint(model_of(array + 1))
    assert fingerprint(model_of(np.float32(3))) != fingerprint(model_of(np.float32(4)))


def test_float32_is_not_copied(monkeypatch):
    """The memory of float32 weights is hashed where it is."""
    layer = keras.layers.Dense(2000)
    layer.build((None, 2000))  # 16 MB
    model = keras.Sequential([layer])

    def fail(*args, **kwargs):
        message = "a copy"
        raise AssertionError(message)

    monkeypatch.setattr(keras.ops, "convert_to_numpy", fail)
    tracemalloc.start()
    try:
        record = fingerprint(model)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert record.count == 2
    assert peak < 1 << 20


def test_known_fingerprint():
    """The fingerprint of known weights stays what files of earlier releases say it is."""
    layer = keras.layers.Dense(2, name="dense")
    layer.build((None, 3))
    layer.kernel.assign(np.arange(6, dtype="float32").reshape(3, 2))
    layer.bias.assign([6, 7])
    counter = Stateful()
    counter.build((None, 2))
    counter.steps.assign(5)

    records = [fingerprint(keras.Sequential([kind])) for kind in (layer, counter)]

    assert records == [
        WeightsRecord(count=2, fingerprint="xxh3:ae47eb32c3bc9b73661572cab7dcfe69"),
        WeightsRecord(count=5, fingerprint="xxh3:bde32a907061f7d35a8fcf8462163ee3"),
    ]
