"""Classes whose author gives the pydantic model of the config."""

import keras
import pydantic
import pytest

from keras_registry import ConfigError, RegistrationError, register
from keras_registry import types as t
from keras_registry.registration import default_registry
from tests.support.golden import check_golden
from tests.support.registered import round_trip


class GatedConfig(pydantic.BaseModel):
    """The config of a gated layer."""

    model_config = pydantic.ConfigDict(extra="forbid")

    units: t.PositiveInt
    heads: int = 2
    activation: t.Activation = "gelu"

    @pydantic.field_validator("heads")
    @classmethod
    def _even(cls, heads):
        if heads % 2:
            message = "an even number of heads is wanted"
            raise ValueError(message)
        return heads


@pytest.fixture
def gated():
    """Return a layer registered with its model."""

    @register("acme", config=GatedConfig)
    class Gated(keras.layers.Layer):
        def __init__(self, units, heads=2, activation="gelu", **kwargs):
            super().__init__(**kwargs)
            self.units, self.heads, self.activation = units, heads, activation

    return Gated


def test_the_given_model_is_the_schema(gated):
    """The schema of the registration has the given model, not a derived one."""
    assert default_registry.find("acme>Gated").schema.model is GatedConfig


def test_the_given_model_checks_arguments(gated):
    """Arguments are checked by the given model, the author's validators included."""
    with pytest.raises(ConfigError, match="units: Input should be greater than 0"):
        gated(0)
    with pytest.raises(ConfigError, match="heads: Value error, an even number of heads is wanted"):
        gated(1, heads=3)


def test_the_given_model_makes_the_objects(gated):
    """The body receives what the model's fields make of the arguments."""
    assert gated(1).activation is keras.activations.gelu


def test_config_and_object_come_from_the_given_model(gated):
    """`get_config` and `from_config` are derived from the given model."""
    again = round_trip(gated(3, heads=4, activation="tanh", name="gate", trainable=False))

    assert (again.units, again.heads, again.activation) == (3, 4, keras.activations.tanh)
    assert (again.name, again.trainable) == ("gate", False)


def test_saved_configs_are_checked_by_the_given_model(gated):
    """`read_config` applies the given model to a saved config."""
    schema = default_registry.find("acme>Gated").schema

    assert schema.read_config(gated(3, name="gate").get_config()).problems == ()
    (problem,) = schema.read_config({"units": 3, "heads": 3}).problems
    assert problem.field == "heads"


def test_a_field_that_the_constructor_does_not_take_is_refused():
    """A model with a field too many is refused by the name of the field."""

    class Small(keras.layers.Layer):
        def __init__(self, units, heads=2):
            super().__init__()

    with pytest.raises(RegistrationError) as caught:
        register("acme", config=GatedConfig)(Small)

    check_golden(
        "config/stray-field",
        str(caught.value).replace(Small.__qualname__, "Small"),
    )


def test_an_argument_that_the_model_lacks_is_refused():
    """A model with a field too few is refused: the argument would be lost at every save."""

    class Large(keras.layers.Layer):
        def __init__(self, units, heads=2, activation="gelu", rate=0.5, **kwargs):
            super().__init__(**kwargs)

    with pytest.raises(RegistrationError, match="rate"):
        register("acme", config=GatedConfig)(Large)


def test_a_field_may_be_required_where_the_argument_is_not():
    """A required field whose argument has a default takes that default, or names the field."""

    @register("acme", config=GatedConfig)
    class Defaulted(keras.layers.Layer):
        def __init__(self, units=8, heads=2, activation="gelu", **kwargs):
            super().__init__(**kwargs)
            self.units = units

    try:
        made = Defaulted()
    except ConfigError as error:
        assert "units" in str(error)  # noqa: PT017 - either answer will do
    else:
        assert made.get_config()["units"] == 8


def test_the_default_of_the_model_counts():
    """Where model and signature have different defaults, the body gets the one that is saved."""

    class Wide(pydantic.BaseModel):
        units: int = 16

    @register("acme", config=Wide)
    class Layer(keras.layers.Layer):
        def __init__(self, units=8, **kwargs):
            super().__init__(**kwargs)
            self.units = units

    made = Layer()

    assert made.units == made.get_config()["units"] == 16


def test_a_hand_written_from_config_may_take_other_fields():
    """With a hand-written `from_config`, the model may differ from the constructor."""

    @register("acme", config=GatedConfig)
    class Own(keras.layers.Layer):
        def __init__(self, size=1, **kwargs):
            super().__init__(**kwargs)
            self.size = size

        def get_config(self):
            return {**super().get_config(), "units": self.size}

        @classmethod
        def from_config(cls, config):
            return cls(size=config["units"])

    assert round_trip(Own(size=5)).size == 5
