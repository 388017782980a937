"""The field types that plugin authors annotate arguments with."""

import json
import re

import keras
import numpy as np
import pydantic
import pytest

from keras_registry import ConfigError, register
from keras_registry import types as t
from keras_registry.names import Kind
from keras_registry.registration import default_registry
from tests.support.registered import restored_registries, round_trip

NO_ACTIVATION = "Input should be the name of an activation or a function"
NO_INITIALIZER = "Input should be the name of an initializer or an Initializer"


@pytest.fixture(autouse=True)
def _registries():
    """What a test registers is gone after it."""
    with restored_registries():
        yield


def convert(annotation, value):
    """Return what a constructor receives for a value."""
    return pydantic.TypeAdapter(annotation).validate_python(value)


def store(annotation, value):
    """Return what a config holds for a value."""
    adapter = pydantic.TypeAdapter(annotation)
    return adapter.dump_python(adapter.validate_python(value))


def refusal(annotation, value):
    """Return the text with which a value is refused."""
    with pytest.raises(pydantic.ValidationError) as caught:
        convert(annotation, value)
    (problem,) = caught.value.errors()
    return problem["msg"]


class TestPositiveInt:
    """`t.PositiveInt`: an integer of at least 1."""

    @pytest.mark.parametrize("value", [1, 2, 10**12])
    def test_takes(self, value):
        """Integers from 1 on are taken as they are."""
        assert convert(t.PositiveInt, value) == value

    @pytest.mark.parametrize("value", [0, -1])
    def test_refuses_too_small(self, value):
        """Zero and negative integers are refused with the bound."""
        assert refusal(t.PositiveInt, value) == "Input should be greater than 0"

    @pytest.mark.parametrize("value", ["3", True, 1.0, None, np.float64(1)])
    def test_guesses_nothing(self, value):
        """As an argument of a registered class it takes integers only."""

        @register("acme")
        class Held:
            def __init__(self, units: t.PositiveInt):
                self.units = units

        with pytest.raises(ConfigError, match="Held: units: Input should be a valid integer"):
            Held(value)
        assert Held(np.int32(3)).units == 3


class TestActivation:
    """`t.Activation`: names, functions and serialised functions become the function."""

    @pytest.mark.parametrize("name", ["relu", "gelu", "tanh", "softmax", "linear"])
    def test_names(self, name):
        """The name of one of Keras's activations becomes the function and is stored as the name."""
        assert convert(t.Activation, name) is getattr(keras.activations, name)
        assert store(t.Activation, name) == name

    def test_functions_of_keras(self):
        """One of Keras's functions is taken as it is and stored by its name."""
        assert convert(t.Activation, keras.activations.tanh) is keras.activations.tanh
        assert store(t.Activation, keras.activations.tanh) == "tanh"

    def test_none_is_the_identity(self):
        """None stands for the identity, as everywhere in Keras."""
        assert convert(t.Activation, None) is keras.activations.linear
        assert store(t.Activation, None) == "linear"

    def test_a_default_of_none_is_the_identity(self):
        """`activation: t.Activation = None` hands the body a function that it can call."""

        @register("acme")
        class Held(keras.layers.Layer):
            def __init__(self, activation: t.Activation = None, **kwargs):
                super().__init__(**kwargs)
                self.activation = activation

        assert Held().activation is keras.activations.linear
        assert round_trip(Held()).activation is keras.activations.linear

    def test_none_where_the_author_allows_it(self):
        """`t.Activation | None` lets None through, for a layer that does without."""

        @register("acme")
        class Held(keras.layers.Layer):
            def __init__(self, activation: t.Activation | None = None, **kwargs):
                super().__init__(**kwargs)
                self.activation = activation

        assert Held().activation is None
        assert round_trip(Held()).activation is None
        assert round_trip(Held("relu")).activation is keras.activations.relu

    def test_registered_functions(self):
        """A registered function is found by its key, and stored so that it is found again."""

        @register("acme")
        def swishy(x):
            return x * keras.ops.sigmoid(x)

        assert convert(t.Activation, "acme>swishy") is swishy
        stored = json.loads(json.dumps(store(t.Activation, swishy)))
        assert stored["config"] == "acme>swishy"
        assert convert(t.Activation, stored) is swishy

    def test_layers_and_other_callables(self):
        """An activation layer, as an instance, is taken and stored as Keras stores it."""
        stored = json.loads(json.dumps(store(t.Activation, keras.layers.LeakyReLU(0.5))))
        again = convert(t.Activation, stored)

        assert stored["class_name"] == "LeakyReLU"
        assert again.negative_slope == 0.5

    def test_serialised_function_of_keras(self):
        """The dict that Keras makes of a function becomes the function again."""
        stored = keras.saving.serialize_keras_object(keras.activations.tanh)

        assert convert(t.Activation, stored) is keras.activations.tanh

    @pytest.mark.parametrize(
        "value",
        [
            "no_such_activation",
            "",
            "acme>not_here",
            "glorot_uniform",
            3,
            True,
            ["relu"],
            b"relu",
            {},
            {"class_name": 5, "config": {}},
            {"class_name": "NoSuchClass", "config": {}},
            {"module": "os", "class_name": "getcwd", "config": {}, "registered_name": "getcwd"},
        ],
        ids=str,
    )
    def test_refusals(self, value):
        """Anything else is refused in one sentence, whatever Keras says about it."""
        assert refusal(t.Activation, value) == NO_ACTIVATION

    def test_a_broken_serialised_object_is_refused(self):
        """A dict whose object cannot be built is refused like any other wrong value."""
        stored = keras.saving.serialize_keras_object(keras.layers.LeakyReLU(0.5))
        stored["config"] = {"no_such_argument": 1}
        constant = {
            "module": "keras.initializers",
            "class_name": "Constant",
            "config": {},
            "registered_name": None,
        }

        assert refusal(t.Activation, stored) == NO_ACTIVATION
        assert refusal(t.Activation, constant) == NO_ACTIVATION

    @pytest.mark.parametrize("value", [int, keras.layers.ReLU], ids=str)
    def test_classes_are_refused(self, value):
        """A class in place of an instance is refused at once, not at the save."""
        assert refusal(t.Activation, value) == NO_ACTIVATION

    def test_the_refusal_in_a_constructor(self):
        """A constructor names the class, the argument and what was passed."""

        @register("acme")
        class Held(keras.layers.Layer):
            def __init__(self, activation: t.Activation = "relu", **kwargs):
                super().__init__(**kwargs)

        text = re.escape(f"Held: activation: {NO_ACTIVATION} (got 'reul')")
        with pytest.raises(ConfigError, match=text):
            Held("reul")


class TestInitializer:
    """`t.Initializer`: names, objects and serialised objects become the initializer."""

    @pytest.mark.parametrize("name", ["zeros", "Zeros", "glorot_uniform", "HeNormal"])
    def test_names(self, name):
        """The name of one of Keras's initializers becomes an Initializer."""
        assert isinstance(convert(t.Initializer, name), keras.initializers.Initializer)

    def test_objects(self):
        """An Initializer is taken as it is, and comes back with its arguments."""
        given = keras.initializers.Constant(3.0)
        stored = json.loads(json.dumps(store(t.Initializer, given)))

        assert convert(t.Initializer, given) is given
        assert convert(t.Initializer, stored).value == 3.0

    def test_registered_classes(self):
        """A registered Initializer is found by its key and comes back through JSON."""

        @register("acme")
        class Around(keras.initializers.Initializer):
            def __init__(self, value: float = 0.5):
                self.value = value

            def __call__(self, shape, dtype=None):
                return keras.ops.full(shape, self.value, dtype=dtype)

        stored = json.loads(json.dumps(store(t.Initializer, Around(0.25))))

        assert default_registry.find("acme>Around").kind is Kind.INITIALIZER
        assert convert(t.Initializer, "acme>Around").value == 0.5
        assert convert(t.Initializer, stored).value == 0.25

    def test_functions(self):
        """A registered function that makes arrays is taken, and comes back by its key."""

        @register("acme")
        def halves(shape, dtype=None):
            return keras.ops.full(shape, 0.5, dtype=dtype)

        stored = json.loads(json.dumps(store(t.Initializer, halves)))

        assert convert(t.Initializer, halves) is halves
        assert convert(t.Initializer, stored) is halves
        assert convert(t.Initializer, "acme>halves") is halves

    def test_none_where_the_author_allows_it(self):
        """A default of None, as for an initializer that may be left out, stays None."""

        @register("acme")
        class Held(keras.layers.Layer):
            def __init__(self, bias_initializer: t.Initializer | None = None, **kwargs):
                super().__init__(**kwargs)
                self.bias_initializer = bias_initializer

        assert Held().bias_initializer is None
        assert round_trip(Held()).bias_initializer is None

    @pytest.mark.parametrize(
        "value",
        [
            "no_such_initializer",
            "relu",
            None,
            3,
            ["zeros"],
            {},
            {"class_name": "function", "config": "relu"},
            {"class_name": "NoSuchClass", "config": {}},
            {"module": "keras.layers", "class_name": "Dense", "config": {"units": 1}},
            {
                "module": "keras.initializers",
                "class_name": "Constant",
                "config": {"valu": 3.0},
                "registered_name": None,
            },
        ],
        ids=str,
    )
    def test_refusals(self, value):
        """Anything else is refused in one sentence, whatever Keras says about it."""
        assert refusal(t.Initializer, value) == NO_INITIALIZER


@pytest.mark.parametrize(
    ("annotation", "kinds"),
    [(t.Activation, ["string", "object", "null"]), (t.Initializer, ["string", "object"])],
    ids=["act", "init"],
)
def test_the_json_schema_says_what_is_taken(annotation, kinds):
    """The JSON Schema of a field allows a name or an object, and says it in words."""
    schema = pydantic.TypeAdapter(annotation).json_schema()

    assert schema["description"].startswith("the name of an ")
    assert schema["type"] == kinds


def test_the_json_schema_of_a_positive_int():
    """The JSON Schema of a positive integer has its bound."""
    assert pydantic.TypeAdapter(t.PositiveInt).json_schema() == {
        "exclusiveMinimum": 0,
        "type": "integer",
    }
