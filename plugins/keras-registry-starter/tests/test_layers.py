"""`GatedDense`: its formula, shapes, dtypes, masks and gradients."""

import json
import math
from collections.abc import Callable

import keras
import numpy as np
import pytest

from keras_registry_starter.layers import GatedDense

GATES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "gelu": lambda x: x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2,
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "silu": lambda x: x / (1 + np.exp(-x)),
}


def reference(layer: GatedDense, x: np.ndarray, activation: str) -> np.ndarray:
    """Compute the layer with numpy, from two matrix products."""
    weights = [np.asarray(keras.ops.convert_to_numpy(w), "float64") for w in layer.weights]
    gate_kernel, value_kernel = np.split(weights[0], 2, axis=-1)
    gate_bias, value_bias = np.split(weights[1], 2) if len(weights) > 1 else (0, 0)
    return GATES[activation](x @ gate_kernel + gate_bias) * (x @ value_kernel + value_bias)


@pytest.mark.parametrize("activation", sorted(GATES))
@pytest.mark.parametrize("shape", [(6, 3), (2, 5, 3), (2, 1, 4, 3)])
def test_output_is_the_formula(
    rng: np.random.Generator, activation: str, shape: tuple[int, ...]
) -> None:
    """The output is activation(x W_gate + b_gate) * (x W_value + b_value) for every rank."""
    x = rng.normal(size=shape).astype("float32")
    layer = GatedDense(4, activation, bias_initializer="random_normal")

    output = keras.ops.convert_to_numpy(layer(x))

    np.testing.assert_allclose(output, reference(layer, x, activation), rtol=1e-4, atol=1e-5)
    assert output.shape == (*shape[:-1], 4) == layer.compute_output_shape(shape)


def test_bias_can_be_left_out(rng: np.random.Generator) -> None:
    """Without a bias the kernel is the only weight and the formula has no bias terms."""
    x = rng.normal(size=(6, 3)).astype("float32")
    layer = GatedDense(4, "silu", use_bias=False)

    output = keras.ops.convert_to_numpy(layer(x))

    assert [tuple(w.shape) for w in layer.weights] == [(3, 8)]
    np.testing.assert_allclose(output, reference(layer, x, "silu"), rtol=1e-4, atol=1e-5)


def test_a_seeded_initializer_gives_two_different_halves() -> None:
    """Gate and value start from different numbers, also when the initializer has a seed."""
    layer = GatedDense(4, kernel_initializer=keras.initializers.GlorotUniform(seed=1))
    layer.build((None, 3))

    gate, value = np.split(keras.ops.convert_to_numpy(layer.kernel), 2, axis=-1)

    assert not np.isclose(gate, value).any()


@pytest.mark.parametrize(
    ("dtype", "computed"), [("mixed_float16", "float16"), ("mixed_bfloat16", "bfloat16")]
)
def test_mixed_precision_keeps_float32_weights(
    rng: np.random.Generator, dtype: str, computed: str
) -> None:
    """Under mixed precision the weights are float32 and the output has the compute dtype."""
    x = rng.normal(size=(6, 3)).astype("float32")
    layer = GatedDense(4, "silu", dtype=dtype)

    output = layer(x)

    assert {w.dtype for w in layer.weights} == {"float32"}
    assert keras.backend.standardize_dtype(output.dtype) == computed
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(keras.ops.cast(output, "float32")),
        reference(layer, x, "silu"),
        rtol=0.05,
        atol=0.05,
    )


def test_batch_and_time_may_be_unknown(rng: np.random.Generator) -> None:
    """A functional model with unknown axes has the right symbolic shape and takes any length."""
    inputs = keras.Input((None, 3))
    model = keras.Model(inputs, GatedDense(4)(inputs))

    assert model.output_shape == (None, None, 4)
    for length in (2, 5):
        x = rng.normal(size=(1, length, 3)).astype("float32")
        assert tuple(model(x).shape) == (1, length, 4)


def test_a_mask_passes_through() -> None:
    """A later layer sees the mask that an earlier layer made."""
    tokens = np.array([[1, 2, 0], [3, 0, 0]])
    embedded = keras.layers.Embedding(5, 3, mask_zero=True)
    pooled = keras.layers.GlobalAveragePooling1D()
    layer = GatedDense(4)
    model = keras.Sequential([keras.Input((3,), dtype="int32"), embedded, layer, pooled])

    found = keras.ops.convert_to_numpy(model(tokens))

    gated = keras.ops.convert_to_numpy(layer(embedded(tokens)))
    wanted = np.stack([gated[0, :2].mean(axis=0), gated[1, :1].mean(axis=0)])
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_gradients_are_those_of_the_formula(rng: np.random.Generator) -> None:
    """One step of gradient descent moves the weights by the derivative taken by hand."""
    x = rng.normal(size=(6, 3)).astype("float32")
    layer = GatedDense(2, "sigmoid", bias_initializer="random_normal")
    model = keras.Sequential([keras.Input((3,)), layer])
    model.compile(keras.optimizers.SGD(1.0), loss="mean_squared_error")
    kernel, bias = (keras.ops.convert_to_numpy(w).copy() for w in layer.weights)

    model.train_on_batch(x, np.zeros((6, 2), "float32"))

    gate, value = np.split(x @ kernel + bias, 2, axis=-1)
    gate = GATES["sigmoid"](gate)
    upstream = 2 * gate * value / (gate * value).size
    backward = np.concatenate([upstream * value * gate * (1 - gate), upstream * gate], axis=-1)
    moved_kernel, moved_bias = (keras.ops.convert_to_numpy(w) for w in layer.weights)
    np.testing.assert_allclose(kernel - moved_kernel, x.T @ backward, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(bias - moved_bias, backward.sum(axis=0), rtol=1e-3, atol=1e-5)


def test_config_round_trip_keeps_every_argument() -> None:
    """A layer made from a config has the same arguments, and draws the same weights."""
    layer = GatedDense(
        5,
        "silu",
        use_bias=False,
        kernel_initializer=keras.initializers.HeNormal(seed=3),
        bias_initializer=keras.initializers.Constant(0.5),
        name="gate",
        dtype="mixed_bfloat16",
        trainable=False,
    )
    config = json.loads(json.dumps(layer.get_config()))

    again = GatedDense.from_config(config)

    assert again.get_config() == layer.get_config()
    assert (again.units, again.use_bias, again.name, again.trainable) == (5, False, "gate", False)
    assert again.activation is keras.activations.silu
    assert again.dtype_policy.name == "mixed_bfloat16"
    layer.build((None, 3))
    again.build((None, 3))
    np.testing.assert_array_equal(
        keras.ops.convert_to_numpy(again.kernel), keras.ops.convert_to_numpy(layer.kernel)
    )


def test_arguments_may_be_what_keras_users_pass() -> None:
    """Names, classes' configs and instances of the same initializer mean the same layer."""
    named = GatedDense(2, "relu", kernel_initializer="ones")
    built = GatedDense(2, keras.activations.relu, kernel_initializer=keras.initializers.Ones())
    stored = GatedDense(
        2, "relu", kernel_initializer=keras.saving.serialize_keras_object(keras.initializers.Ones())
    )

    configs = [layer.get_config() | {"name": "same"} for layer in (named, built, stored)]

    assert configs[0] == configs[1] == configs[2]
    assert named.activation is keras.activations.relu
    assert isinstance(named.kernel_initializer, keras.initializers.Ones)


@pytest.mark.parametrize("units", [0, -3, 1.5, "many"])
def test_units_must_be_a_positive_whole_number(units: object) -> None:
    """Any other `units` is refused when the layer is made, by a message that names it."""
    with pytest.raises(ValueError, match="units"):
        GatedDense(units)


def test_the_number_of_features_must_be_known() -> None:
    """An input whose last axis is unknown is refused, with its shape."""
    with pytest.raises(ValueError, match=r"found input shape \(None, None\)"):
        GatedDense(2).build((None, None))


def test_a_vector_is_refused() -> None:
    """An input without a batch axis is refused before a weight is made for it."""
    layer = GatedDense(2)

    with pytest.raises(ValueError, match="min_ndim=2"):
        layer(np.ones(3, "float32"))

    assert not layer.weights


def test_another_number_of_features_is_refused() -> None:
    """A built layer refuses inputs that its weights are not for, and says how many it wants."""
    layer = GatedDense(2)
    layer(np.ones((1, 3), "float32"))

    with pytest.raises(ValueError, match="expected axis -1 of input shape to have value 3"):
        layer(np.ones((1, 4), "float32"))
