from keras_registry.testing import parametrize_with_checks


@parametrize_with_checks("keras-registry-starter")
def test_contract(check):
    """Every object keeps the promises of a serialisable Keras object."""
    check()
