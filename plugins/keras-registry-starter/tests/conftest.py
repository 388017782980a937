"""What every test starts from."""

import keras
import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Draw the same weights and shuffles in every run."""
    keras.utils.set_random_seed(7)


@pytest.fixture
def rng() -> np.random.Generator:
    """Give a seeded source of test data."""
    return np.random.default_rng(7)
