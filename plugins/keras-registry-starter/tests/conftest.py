"""What every test starts from."""

from importlib.metadata import PackageNotFoundError, distribution

import keras
import numpy as np
import pytest

try:
    distribution("keras-registry-starter")
except PackageNotFoundError:
    # The contract is that of an installed distribution, with its entry points.
    collect_ignore = ["test_contract.py"]


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Draw the same weights and shuffles in every run."""
    keras.utils.set_random_seed(7)


@pytest.fixture
def rng() -> np.random.Generator:
    """Give a seeded source of test data."""
    return np.random.default_rng(7)
