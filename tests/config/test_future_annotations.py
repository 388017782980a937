"""Classes of a module with `from __future__ import annotations`, where annotations are text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras
import pytest

from keras_registry import ConfigError, RegistrationError, register
from keras_registry import types as t
from keras_registry.config import derive_schema

if TYPE_CHECKING:
    from decimal import Decimal


class Scaled(keras.layers.Layer):
    """A layer whose annotations are text."""

    def __init__(self, units: t.PositiveInt, activation: t.Activation = "relu", **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.activation = activation


class SameScaled(keras.layers.Layer):
    """The same arguments, annotated with the types themselves."""

    def __init__(self, units, activation="relu", **kwargs):
        super().__init__(**kwargs)


SameScaled.__init__.__annotations__ = {"units": t.PositiveInt, "activation": t.Activation}


def test_text_annotations_are_resolved():
    """A schema from annotations that are text is the one from the types themselves."""
    assert derive_schema(Scaled).fingerprint == derive_schema(SameScaled).fingerprint


def test_text_annotations_check_values():
    """A constructor whose annotations are text checks its arguments."""

    @register("acme")
    class Checked(Scaled):
        def __init__(self, units: t.PositiveInt, **kwargs):
            super().__init__(units, **kwargs)

    assert Checked(3).units == 3
    with pytest.raises(ConfigError, match="units: Input should be greater than 0"):
        Checked(0)


def test_a_name_that_only_the_type_checker_sees_is_refused():
    """An import under `if TYPE_CHECKING:` is no annotation: the text says to import it."""

    class Guarded:
        def __init__(self, rate: Decimal):
            self.rate = rate

    with pytest.raises(RegistrationError, match=r"name 'Decimal' is not defined. Import the name"):
        derive_schema(Guarded)
