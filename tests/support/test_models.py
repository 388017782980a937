"""Tests of the small models."""

from __future__ import annotations

import pytest

from tests.support.models import build_functional, build_sequential, compile_and_fit, make_inputs


@pytest.mark.parametrize("build", [build_sequential, build_functional])
def test_models_are_the_same_every_time(build: object) -> None:
    """Two models from one seed have equal weights and, after training, equal predictions."""
    import numpy as np

    assert callable(build)
    x = make_inputs()
    first, second = (compile_and_fit(build()).predict(x, verbose=0) for _ in range(2))

    assert first.shape == (32, 1)
    np.testing.assert_array_equal(first, second)


def test_layers_are_made_under_the_seed() -> None:
    """Own layers between input and output draw their weights after the seed is set."""
    import keras
    import numpy as np

    def make_layers() -> list[keras.Layer]:
        return [keras.layers.Dense(3, name="own")]

    first, second = (build_sequential(make_layers, seed=seed) for seed in (1, 1))

    assert [layer.name for layer in first.layers] == ["own", "head"]
    np.testing.assert_array_equal(first.layers[0].kernel, second.layers[0].kernel)
