"""Tests of published config schemas: JSON Schema that every saved config satisfies."""

import json
from typing import Any, Literal

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from keras_registry import register
from keras_registry import types as t
from keras_registry.migrations import Migration, add
from keras_registry.names import Kind
from keras_registry.publishing import (
    describe_registration,
    make_published_schema,
    published_path,
    read_published,
)
from keras_registry.registration import default_registry
from keras_registry.snapshot import ObjectSnapshot
from tests.config.sorts import UNANNOTATED, sorts
from tests.support.registered import restored_registries

PROPERTY = settings(
    derandomize=True,
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@pytest.fixture(autouse=True)
def _registries():
    """What a test registers is gone after it."""
    with restored_registries():
        yield


def published(key, description=None):
    """The published schema of a registered class, as a file holds it."""
    schema = make_published_schema(describe_registration(default_registry.find(key)), description)
    schema = json.loads(json.dumps(schema))
    Draft202012Validator.check_schema(schema)
    return schema


def errors(key, config):
    """What an implementation that is not ours finds wrong with a config."""
    validator = Draft202012Validator(published(key))
    return [error.json_path for error in validator.iter_errors(json.loads(json.dumps(config)))]


def define(version=1):
    """Register a layer with fields of many sorts."""
    migrations = [Migration(i, i + 1, add("rate", 0.5)) for i in range(1, version)]

    @register("krt", version=version, migrations=migrations)
    class Gate(keras.layers.Layer):
        """A gate."""

        def __init__(
            self,
            units: t.PositiveInt,
            *,
            rate: t.Probability = 0.5,
            mode: Literal["sum", "mean"] = "sum",
            widths: tuple[int, ...] = (1, 2),
            sizes: dict[int, float] | None = None,
            activation: t.Activation = "gelu",
            inner: t.Layer | None = None,
            scale: t.Array = 1.0,
            extra: Any = None,
            **kwargs,
        ):
            super().__init__(**kwargs)

    return Gate


VALUES = [
    {"units": 3},
    {"units": 3, "name": "gate", "dtype": "mixed_bfloat16", "trainable": False},
    {"units": 3, "mode": "mean", "widths": (), "sizes": {1: 0.5, -2: float("inf")}},
    {"units": 3, "activation": keras.layers.ReLU(), "inner": keras.layers.Dense(2)},
    {"units": 3, "activation": None, "scale": np.ones((2, 2)), "extra": ({1: 2}, {3})},
    {"units": 3, "activity_regularizer": "l2", "rate": 1},
]


@pytest.mark.parametrize("version", [1, 3])
@pytest.mark.parametrize("values", VALUES, ids=str)
def test_configs_satisfy_the_schema(version, values):
    """Every config that get_config writes satisfies the published schema."""
    config = define(version)(**values).get_config()

    assert errors("krt>Gate", config) == []


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"units": 0}, "$.units"),
        ({"units": "3"}, "$.units"),
        ({"rate": 1.5}, "$.rate"),
        ({"mode": "max"}, "$.mode"),
        ({"widths": [1, "2"]}, "$.widths[1]"),
        ({"sizes": {"a": 1.0}}, "$.sizes"),
        ({"activation": 3}, "$.activation"),
        ({"inner": "dense"}, "$.inner"),
        ({"surprise": 1}, "$"),
        ({"keras_registry_config_version": 2}, "$.keras_registry_config_version"),
    ],
    ids=str,
)
def test_invalid_configs_do_not(changes, path):
    """A config that the class refuses is refused by the published schema, in the same place."""
    config = define(3)(units=3).get_config()

    assert errors("krt>Gate", {**config, **changes}) == [path]


def test_config_that_lacks_a_field():
    """A derived get_config writes every field, so that one that lacks one was edited."""
    config = define()(units=3).get_config()
    del config["rate"]

    assert errors("krt>Gate", config) == ["$"]


@PROPERTY
@given(sort=sorts(), data=st.data())
def test_any_config_satisfies_its_schema(sort, data):
    """Whatever type an argument has, the config of any of its values satisfies the schema."""
    value = data.draw(sort.values)
    hints = {} if sort.hint is UNANNOTATED else {"x": sort.hint}

    def __init__(self, x):  # noqa: N807 - the constructor of the class below
        self.x = x

    __init__.__annotations__ = hints
    with restored_registries():
        cls = register("krt")(type("Made", (), {"__init__": __init__, "__module__": __name__}))
        config = cls(value).get_config()
        assert errors("krt>Made", config) == []


def test_members():
    """The document names the object, says what JSON Schema cannot, and describes the fields."""
    define(2)

    schema = published("krt>Gate", "A gate.")

    assert list(schema) == [
        "$schema",
        "title",
        "description",
        "x-keras-registry",
        "type",
        "properties",
        "required",
        "additionalProperties",
    ]
    facts = schema["x-keras-registry"]
    assert facts["key"] == schema["title"] == "krt>Gate"
    assert (facts["kind"], facts["config_version"], facts["oldest_version"]) == ("layer", 2, 1)
    assert facts["fingerprint"] == default_registry.find("krt>Gate").schema.fingerprint
    assert facts["required"] == ["units"]
    assert schema["properties"]["keras_registry_config_version"] == {"const": 2}
    assert set(schema["required"]) == set(facts["fields"])
    assert not {"module", "class_name"} & set(facts)
    assert "description" not in published("krt>Gate")


def test_class_without_a_schema():
    """Where Keras keeps the config, any config satisfies the schema."""

    @register("krt")
    class Plain(keras.layers.Layer):
        def call(self, inputs):
            return inputs

    assert errors("krt>Plain", Plain(name="x").get_config()) == []
    assert published("krt>Plain")["properties"] == {}


OBJECTS = [
    ObjectSnapshot(key="krt>Gate", kind=Kind.LAYER, config_version=1),
    ObjectSnapshot(
        key="krt>Gate",
        kind=Kind.LOSS,
        former_names=("Old",),
        backends=("jax",),
        config_version=3,
        oldest_version=2,
        schema="xxh3:" + "0f" * 16,
        config={"properties": {"name": {"type": "string"}, "x": {}}, "required": ["x"]},
        accepts=("dtype",),
        complete=True,
    ),
    ObjectSnapshot(
        key="krt>Gate",
        kind=Kind.OBJECT,
        config_version=1,
        oldest_version=1,
        schema="xxh3:" + "0f" * 16,
        config={"properties": {}, "required": []},
        accepts=(),
        complete=False,
    ),
]


@pytest.mark.parametrize("item", OBJECTS, ids=lambda item: item.kind)
def test_reading_what_was_written(item):
    """What is published can be read back, but for module and class name."""
    document = json.loads(json.dumps(make_published_schema(item)))

    assert read_published(document) == (item, ())


def test_reading_a_registered_class():
    """What is published of a live class is what is said of it, but for module and class name."""
    define(2)
    item = describe_registration(default_registry.find("krt>Gate"))

    found, problems = read_published(published("krt>Gate"))

    assert problems == ()
    assert found is not None
    names = set(ObjectSnapshot.__dataclass_fields__) - {"module", "class_name"}
    assert {n: getattr(found, n) for n in names} == {
        n: json.loads(json.dumps(getattr(item, n))) if n == "config" else getattr(item, n)
        for n in names
    }


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
_FACTS = st.sampled_from(
    ["key", "kind", "config_version", "accepts", "fields", "required", "fingerprint", "complete"]
)


@PROPERTY
@given(document=_JSON, facts=st.dictionaries(_FACTS, _JSON), name=_FACTS, properties=_JSON)
def test_reading_anything(document, facts, name, properties):
    """Whatever stands in place of a published schema, the reader says what is wrong with it."""
    good = make_published_schema(OBJECTS[1])
    documents = [document, {"x-keras-registry": facts, "properties": properties}]
    documents.append({**good, "x-keras-registry": {**good["x-keras-registry"], name: document}})
    for one in documents:
        item, problems = read_published(one)
        assert (item is None) == bool(problems)


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("krt>Gate", "krt/layer/Gate.json"),
        ("krt.sub-1>Gate.x", "krt.sub-1/layer/Gate.x.json"),
        ("Gate", "_/layer/Gate.json"),
        ("..>Gate", "_../layer/Gate.json"),
        (".>..", "_./layer/...json"),
    ],
)
def test_path(key, path):
    """The file lies by namespace and kind, and no key leads out of the folder."""
    assert str(published_path(ObjectSnapshot(key=key, kind=Kind.LAYER))) == path
