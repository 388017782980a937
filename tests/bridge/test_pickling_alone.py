"""Losses, metrics and optimizers by themselves: pickle and deepcopy save each like a model."""

from __future__ import annotations

import copy
import pickle

import keras
import pytest

COPIES = {"deepcopy": copy.deepcopy, "pickle": lambda thing: pickle.loads(pickle.dumps(thing))}  # noqa: S301


@pytest.mark.parametrize("name", COPIES)
@pytest.mark.parametrize(
    "make", [keras.losses.Huber, keras.metrics.Mean, keras.optimizers.Adam, keras.layers.ReLU]
)
def test_an_object_that_is_no_model(make, name, recwarn):
    """Nothing is said, and the copy is of the same class with the same config."""
    thing = make(name="thing")

    again = COPIES[name](thing)

    assert type(again) is make
    assert again.get_config() == thing.get_config()
    assert [str(warning.message) for warning in recwarn] == []
