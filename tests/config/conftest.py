"""What all tests of config schemas share."""

import pytest

from tests.support.registered import restored_registries


@pytest.fixture(autouse=True)
def _registries():
    """What a test registers is gone after it."""
    with restored_registries():
        yield
