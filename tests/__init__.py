"""The tests of keras-registry."""
