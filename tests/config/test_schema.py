"""Saved configs against a schema: nothing is built, nothing is imported, all is told at once."""

import keras
import pytest

from keras_registry import register
from keras_registry import types as t
from keras_registry.config import (
    CONFIG_VERSION_FIELD,
    ConfigProblem,
    derive_schema,
    read_config_version,
)
from keras_registry.registration import default_registry


class Gated(keras.layers.Layer):
    """The layer whose configs are checked."""

    def __init__(
        self,
        units: t.PositiveInt,
        activation: t.Activation = "gelu",
        kernel_initializer: t.Initializer = "glorot_uniform",
        widths: list[int] = (),
        **kwargs,
    ):
        super().__init__(**kwargs)


@pytest.fixture
def schema():
    """Return the schema of the layer."""
    return derive_schema(Gated)


def test_a_good_config_has_no_problems(schema):
    """A config with the object's fields and those of Keras's bases is accepted."""
    config = {"units": 3, "name": "gate", "trainable": True, "dtype": "float32", "widths": [1, 2]}

    assert schema.read_config(config).problems == ()


def test_fields_with_a_default_may_be_absent(schema):
    """A config that lacks a field with a default is accepted: older code wrote it."""
    assert schema.read_config({"units": 3}).problems == ()


def test_a_problem_says_where_what_and_what_instead(schema):
    """A problem names the field, what the schema says and what the config holds."""
    assert schema.read_config({"units": 0}).problems == (
        ConfigProblem("units", "Input should be greater than 0", "0", ("units",)),
    )


def test_a_missing_field(schema):
    """A field that has to be there and is not is found as nothing."""
    assert schema.read_config({}).problems == (
        ConfigProblem("units", "Field required", "nothing", ("units",)),
    )


def test_an_unknown_field(schema):
    """A field that neither the class nor its parents take is a problem."""
    assert schema.read_config({"units": 3, "surprise": [1]}).problems == (
        ConfigProblem("surprise", "no such field", "[1]", ("surprise",)),
    )


def test_the_place_inside_a_value(schema):
    """A problem inside a list names the item."""
    (problem,) = schema.read_config({"units": 3, "widths": [1, "2"]}).problems

    assert (problem.field, problem.found) == ("widths[1]", "'2'")
    assert problem.location == ("widths", 1)


def test_all_problems_at_once(schema):
    """One look tells of every problem."""
    config = {"surprise": 1, "units": "3", "activation": 5, "widths": ["1", "2"]}

    assert [p.field for p in schema.read_config(config).problems] == [
        "surprise",
        "units",
        "activation",
        "widths[0]",
        "widths[1]",
    ]


def test_hostile_text_is_escaped_and_cut(schema):
    """Names and values of a file are printable and short in a problem."""
    (problem,) = schema.read_config({"units": 3, "\x1b[2J": "\x07" + "x" * 10_000}).problems

    assert problem.field.isprintable()
    assert problem.found.isprintable()
    assert len(problem.found) < 100


def test_the_version_is_no_field(schema):
    """The config version inside a config is no unknown field."""
    assert schema.read_config({"units": 3, CONFIG_VERSION_FIELD: 1}).problems == ()


@pytest.mark.parametrize(
    "value",
    [
        "no_such_activation",
        "acme>not_here",
        {
            "module": "builtins",
            "class_name": "function",
            "config": "acme>not_here",
            "registered_name": "function",
        },
        {"module": "os", "class_name": "Evil", "config": {}, "registered_name": "acme>Evil"},
    ],
    ids=str,
)
def test_only_the_form_is_looked_at(schema, value):
    """A name or a serialised object is not looked up, so nothing is built or imported."""
    config = {"units": 3, "activation": value, "kernel_initializer": value}

    assert schema.read_config(config).problems == ()


def test_none_only_where_it_stands_for_something(schema):
    """None is a value of an activation, the identity, and none of an initializer."""
    (problem,) = schema.read_config(
        {"units": 3, "activation": None, "kernel_initializer": None}
    ).problems

    assert problem.field == "kernel_initializer"
    assert problem.wanted == "Input should be the name of an initializer or an Initializer"


@pytest.mark.parametrize("value", [5, 0.5, ["relu"], {}, {"class_name": 5}, {"config": "relu"}])
def test_what_is_neither_name_nor_object_is_refused(schema, value):
    """A value that could not be a serialised activation is a problem, in words of Keras."""
    (problem,) = schema.read_config({"units": 3, "activation": value}).problems

    assert problem.field == "activation"
    assert problem.wanted == "Input should be the name of an activation or a function"


def test_nothing_is_built(schema, monkeypatch):
    """No constructor of Keras runs while a config is checked."""

    def build(*args, **kwargs):
        message = "something was built"
        raise AssertionError(message)

    monkeypatch.setattr(keras.initializers.Constant, "__init__", build)
    monkeypatch.setattr(keras.saving, "deserialize_keras_object", build)
    stored = {
        "module": "keras.initializers",
        "class_name": "Constant",
        "config": {"value": 1.0},
        "registered_name": None,
    }

    assert schema.read_config({"units": 3, "kernel_initializer": stored}).problems == ()


def test_the_config_is_left_as_it_is(schema):
    """Checking a config does not change it."""
    config = {"units": 3, "widths": [1], CONFIG_VERSION_FIELD: 1, "surprise": {}}
    before = {**config, "widths": [1], "surprise": {}}

    schema.read_config(config)

    assert config == before


def test_a_hand_written_from_config_is_trusted():
    """Where `from_config` is hand-written, only it knows what a config may hold."""

    @register("acme")
    class Own(keras.layers.Layer):
        def __init__(self, units: int, **kwargs):
            super().__init__(**kwargs)

        @classmethod
        def from_config(cls, config):
            return cls(config["size"])

    assert default_registry.find("acme>Own").schema.read_config({"size": "three"}).problems == ()


@pytest.mark.parametrize(
    ("found", "version"),
    [(1, 1), (3, 3), ("3", 1), (True, 1), (0, 1), (-2, 1), (None, 1), (2.0, 1), ([], 1)],
)
def test_reading_the_version(found, version):
    """The version of a config is a whole number from 1 on; anything else in its place is 1."""
    assert read_config_version({CONFIG_VERSION_FIELD: found}) == version


def test_a_config_without_version_has_the_first():
    """A config that does not say has version 1."""
    assert read_config_version({"units": 3}) == 1
