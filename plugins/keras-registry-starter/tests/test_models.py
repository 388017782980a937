"""The three objects together: in a compiled model that is trained, saved and loaded."""

from pathlib import Path

import keras
import numpy as np
import pytest

from keras_registry_starter.layers import GatedDense
from keras_registry_starter.losses import PinballLoss
from keras_registry_starter.metrics import Coverage

LEVELS = (0.1, 0.5, 0.9)


def make_data(rng: np.random.Generator, count: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """Draw targets whose spread grows with the first feature."""
    x = rng.uniform(-1, 1, size=(count, 3)).astype("float32")
    noise = rng.normal(size=count).astype("float32")
    return x, x[:, 1] - x[:, 2] + (1 + x[:, 0]) * noise


def make_model() -> keras.Model:
    """Build a compiled model that uses every object, none of them with its defaults."""
    hidden = GatedDense(
        8, "silu", kernel_initializer=keras.initializers.HeNormal(seed=3), name="hidden"
    )
    model = keras.Sequential([keras.Input((3,)), hidden, keras.layers.Dense(len(LEVELS))])
    model.compile(
        keras.optimizers.Adam(0.02),
        loss=PinballLoss(LEVELS, name="spread"),
        metrics=[Coverage(0, 2, name="eighty")],
    )
    return model


def predict(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """Give the predictions as a numpy array."""
    return np.asarray(model.predict(x, verbose=0))


def test_training_lowers_the_loss_and_calibrates(rng: np.random.Generator) -> None:
    """Training with the loss halves it on new data, and brings their coverage near 0.8."""
    fresh = make_data(rng, 1024)
    model = make_model()
    before = model.evaluate(*fresh, batch_size=1024, verbose=0, return_dict=True)

    model.fit(*make_data(rng, 1024), epochs=12, batch_size=64, verbose=0)

    after = model.evaluate(*fresh, batch_size=1024, verbose=0, return_dict=True)
    assert after["loss"] < 0.5 * before["loss"]
    assert after["eighty"] == pytest.approx(0.8, abs=0.06)
    assert abs(before["eighty"] - 0.8) > 0.2


def test_a_saved_model_comes_back_whole(rng: np.random.Generator, tmp_path: Path) -> None:
    """A `.keras` file gives equal predictions, the same objects, and training that goes on."""
    x, y = make_data(rng)
    model = make_model()
    model.fit(x, y, epochs=1, verbose=0)
    before = model.evaluate(x, y, batch_size=256, verbose=0, return_dict=True)
    model.save(tmp_path / "model.keras")

    again = keras.saving.load_model(tmp_path / "model.keras")

    np.testing.assert_array_equal(predict(again, x), predict(model, x))
    assert again.evaluate(x, y, batch_size=256, verbose=0, return_dict=True) == before
    hidden = again.get_layer("hidden")
    assert type(hidden) is GatedDense
    assert hidden.get_config() == model.get_layer("hidden").get_config()
    assert type(again.loss) is PinballLoss
    assert again.loss.get_config() == model.loss.get_config()
    assert again.get_compile_config() == model.get_compile_config()
    again.fit(x, y, epochs=1, verbose=0)
    after = again.evaluate(x, y, batch_size=256, verbose=0, return_dict=True)
    assert after["loss"] < before["loss"]


def test_a_clone_has_the_same_architecture(rng: np.random.Generator) -> None:
    """`clone_model` makes the same layers, whose copied weights predict the same."""
    x, _ = make_data(rng)
    model = make_model()

    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())

    assert clone.get_config() == model.get_config()
    np.testing.assert_array_equal(predict(clone, x), predict(model, x))


def test_padding_counts_neither_in_the_loss_nor_in_the_metric() -> None:
    """On masked sequences, loss and metric are those of the real time steps alone."""
    tokens = np.array([[1, 2, 3, 0], [4, 0, 0, 0], [2, 1, 0, 0]])
    y = np.linspace(-2, 2, 12, dtype="float32").reshape(3, 4)
    real = tokens > 0
    head = keras.layers.Dense(3)
    model = keras.Sequential(
        [
            keras.Input((4,), dtype="int32"),
            keras.layers.Embedding(5, 3, mask_zero=True),
            GatedDense(6, "silu"),
            head,
        ]
    )
    head.bias.assign([-1.0, 0.0, 1.0])
    model.compile(loss=PinballLoss(LEVELS), metrics=[Coverage()])

    found = model.evaluate(tokens, np.where(real, y, 1e3), verbose=0, return_dict=True)

    bounds = predict(model, tokens)
    error = y[real][:, None] - bounds[real]
    rate = np.where(error >= 0, np.array(LEVELS), 1 - np.array(LEVELS))
    inside = (bounds[real][:, 0] <= y[real]) & (y[real] <= bounds[real][:, -1])
    assert 0 < inside.mean() < 1
    assert found["loss"] == pytest.approx(np.mean(rate * np.abs(error)), rel=1e-4)
    assert found["coverage"] == pytest.approx(inside.mean(), rel=1e-5)
