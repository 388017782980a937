"""What all tests of the load side share."""

import pytest

from tests.resolution.situations import World
from tests.support.registered import restored_registries


@pytest.fixture(autouse=True)
def _registries():
    """What a test registers is gone after it."""
    with restored_registries():
        yield


@pytest.fixture
def world(tmp_path):
    """Return a folder of distributions, empty at first."""
    return World(tmp_path)
