"""Registered objects in Keras's own registry."""

from __future__ import annotations

import functools

import keras
import pytest

from keras_registry import RegistrationError, register
from keras_registry.registration import default_registry
from tests.support.registered import restored_registries


@pytest.fixture(autouse=True)
def _registries():
    """What a test registers is gone after it."""
    with restored_registries():
        yield


def make_layer(factor=2.0):
    """Return a new class, the same by module and name each time, as a reload makes it."""

    class Scale(keras.layers.Layer):
        def __init__(self, by: float = factor, **kwargs):
            super().__init__(**kwargs)
            self.by = by

    return Scale


def test_class_is_entered_under_its_key():
    """A registered class is in Keras's registry, under its key in both directions."""
    scale = register("acme")(make_layer())

    assert keras.saving.get_registered_object("acme>Scale") is scale
    assert keras.saving.get_registered_name(scale) == "acme>Scale"


def test_function_is_entered_under_its_key():
    """A registered function is in Keras's registry too, under the name that it was given."""

    @register("acme", name="twice")
    def double(x):
        return 2 * x

    assert keras.saving.get_registered_object("acme>twice") is double
    assert keras.saving.get_registered_name(double) == "acme>twice"


def test_model_config_names_the_key():
    """Plain Keras serialises an object of a registered class under its key, and makes it again."""
    scale = register("acme")(make_layer())

    document = keras.saving.serialize_keras_object(scale(3.0))
    again = keras.saving.deserialize_keras_object(document)

    assert document["registered_name"] == "acme>Scale"
    assert type(again) is scale
    assert again.by == 3.0


def test_class_made_anew_takes_the_place_of_the_former():
    """A class defined again, as by a notebook cell that is run twice, replaces the former one."""
    register("acme")(make_layer())
    newer = register("acme")(make_layer())

    assert keras.saving.get_registered_object("acme>Scale") is newer
    assert default_registry.find("acme>Scale").target is newer


def test_key_taken_in_keras_alone():
    """A key that another class took in Keras's registry by hand is refused, and nothing changes."""
    taken = keras.saving.get_custom_objects()["acme>Scale"] = type("Other", (), {})

    with pytest.raises(
        RegistrationError, match=r"taken in Keras's registry by .*\.Other"
    ) as caught:
        register("acme")(make_layer())

    assert "Give it another name or namespace" in str(caught.value)
    assert keras.saving.get_registered_object("acme>Scale") is taken
    assert default_registry.find("acme>Scale") is None


def test_class_registered_by_hand_first():
    """A class that is in Keras's registry already, by Keras's own decorator, can be registered."""
    scale = keras.saving.register_keras_serializable("acme", "Scale")(make_layer())

    assert register("acme")(scale) is scale
    assert keras.saving.get_registered_object("acme>Scale") is scale


def test_class_registered_by_hand_under_another_key():
    """A class that was in Keras's registry under another key is saved under the one given here."""
    scale = keras.saving.register_keras_serializable("old")(make_layer())
    register("acme")(scale)

    assert keras.saving.serialize_keras_object(scale())["registered_name"] == "acme>Scale"


def test_object_without_a_name_in_the_way():
    """What is in Keras's registry need not be a class or function to be in the way."""
    keras.saving.get_custom_objects()["acme>Scale"] = functools.partial(max, 0)

    with pytest.raises(RegistrationError, match="taken in Keras's registry"):
        register("acme")(make_layer())
