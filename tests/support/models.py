"""Small Keras models, built the same way every time.

Keras is imported by the functions, so that tests which never build a model do not pay for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["build_functional", "build_sequential", "compile_and_fit", "make_inputs"]

FEATURES = 4


def make_inputs(rows: int = 32, *, features: int = FEATURES, seed: int = 7) -> Any:
    """Return an array of float32 of shape (rows, features)."""
    import numpy as np

    return np.random.default_rng(seed).normal(size=(rows, features)).astype("float32")


def build_sequential(
    make_layers: Callable[[], Iterable[Any]] | None = None, *, seed: int = 7, name: str = "small"
) -> Any:
    """Return a built `Sequential` model.

    Args:
        make_layers: Makes what stands between the input, of shape (4,), and the output, once
            the seed is set; by default one `Dense` layer.
        seed: Seeds everything that Keras draws from here on.
        name: The name of the model.
    """
    import keras

    keras.utils.set_random_seed(seed)
    inputs = keras.layers.Input((FEATURES,), name="inputs")
    if make_layers is None:
        between: Iterable[Any] = [keras.layers.Dense(8, activation="relu", name="hidden")]
    else:
        between = make_layers()
    return keras.Sequential([inputs, *between, keras.layers.Dense(1, name="head")], name=name)


def build_functional(*, seed: int = 7, name: str = "branched") -> Any:
    """Return a functional model with two branches and a nested model."""
    import keras

    keras.utils.set_random_seed(seed)
    inputs = keras.layers.Input((FEATURES,), name="inputs")
    left = keras.layers.Dense(6, activation="tanh", name="left")(inputs)
    nested = keras.Sequential(
        [keras.layers.Input((FEATURES,)), keras.layers.Dense(6, name="inner")], name="nested"
    )
    right = nested(inputs)
    joined = keras.layers.Add(name="joined")([left, right])
    outputs = keras.layers.Dense(1, name="head")(joined)
    return keras.Model(inputs, outputs, name=name)


def compile_and_fit(
    model: Any, *, loss: Any = "mean_squared_error", metrics: Iterable[Any] = ()
) -> Any:
    """Compile a model of one output with Adam, fit it for one epoch, and return it."""
    x = make_inputs()
    model.compile(optimizer="adam", loss=loss, metrics=list(metrics))
    model.fit(x, x.sum(axis=1, keepdims=True), batch_size=16, shuffle=False, verbose=0)
    return model
