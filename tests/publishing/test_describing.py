"""Tests of what live code says of an object, written down as a snapshot."""

import keras
import pytest
from pydantic import BaseModel

from keras_registry import register
from keras_registry import types as t
from keras_registry.environment import InstalledDistribution, Plugin
from keras_registry.migrations import Migration, rename
from keras_registry.names import Kind
from keras_registry.publishing import describe_registration, take_snapshot
from keras_registry.registration import default_registry
from keras_registry.snapshot import ObjectSnapshot, changed_members
from tests.support.registered import restored_registries


@pytest.fixture(autouse=True)
def _registries():
    """What a test registers is gone after it."""
    with restored_registries():
        yield


def described(key):
    """What is said of a registered object."""
    return describe_registration(default_registry.find(key))


def test_layer():
    """Of a layer its class, its fields, their fingerprint and all that the decorator says."""

    @register(
        "krt",
        version=3,
        migrations=[Migration(2, 3, rename("width", "units"))],
        backends=["jax", "tensorflow"],
        former_names=["OldGate"],
    )
    class Gate(keras.layers.Layer):
        def __init__(self, units: t.PositiveInt, rate: float = 0.5, **kwargs):
            super().__init__(**kwargs)

    found = described("krt>Gate")

    schema = default_registry.find("krt>Gate").schema
    assert found == ObjectSnapshot(
        key="krt>Gate",
        kind=Kind.LAYER,
        module=__name__,
        class_name="Gate",
        former_names=("OldGate",),
        backends=("jax", "tensorflow"),
        config_version=3,
        oldest_version=2,
        schema=schema.fingerprint,
        config={
            "properties": {
                "rate": {"type": "number", "default": 0.5},
                "units": {"type": "integer", "exclusiveMinimum": 0},
            },
            "required": ["units"],
        },
        accepts=("activity_regularizer", "autocast", "dtype", "name", "trainable"),
        complete=True,
    )


def test_function():
    """A function has no config, so nothing is said of one."""

    @register("krt")
    def swishy(x):
        return x

    assert described("krt>swishy") == ObjectSnapshot(
        key="krt>swishy", kind=Kind.FUNCTION, module=__name__, class_name="swishy"
    )


def test_class_without_a_constructor():
    """Where Keras keeps the config, its schema is not known, but its version is."""

    @register("krt")
    class Plain(keras.layers.Layer):
        def call(self, inputs):
            return inputs

    found = described("krt>Plain")

    assert (found.config_version, found.oldest_version) == (1, None)
    assert (found.schema, found.config, found.accepts, found.complete) == (None,) * 4


def test_hand_written_methods():
    """A hand-written get_config may leave fields out; a from_config may take whatever it likes."""

    @register("krt")
    class Writes(keras.layers.Layer):
        def __init__(self, units: int, **kwargs):
            super().__init__(**kwargs)

        def get_config(self):
            return {**super().get_config(), "units": 3}

    @register("krt")
    class Reads(keras.layers.Layer):
        def __init__(self, units: int, **kwargs):
            super().__init__(**kwargs)

        @classmethod
        def from_config(cls, config):
            return cls(**config)

    writes, reads = described("krt>Writes"), described("krt>Reads")

    assert writes.complete is False
    assert writes.accepts is not None
    assert (reads.complete, reads.accepts) == (True, None)


def test_parent_of_the_author():
    """What a registered parent of the author's takes is accepted besides the own fields."""

    class Base(keras.layers.Layer):
        def __init__(self, units: int = 1, rate: float = 0.5, **kwargs):
            super().__init__(**kwargs)

    @register("krt")
    class Child(Base):
        def __init__(self, depth: int, **kwargs):
            super().__init__(**kwargs)

    found = described("krt>Child")

    assert sorted(found.config["properties"]) == ["depth"]
    assert {"units", "rate", "name"} <= set(found.accepts)


def test_parent_of_keras():
    """What Keras's own layers take differs between its releases, and is not written down."""

    @register("krt")
    class Denser(keras.layers.Dense):
        def __init__(self, depth: int, **kwargs):
            super().__init__(units=depth, **kwargs)

    assert described("krt>Denser").accepts is None


def test_given_model():
    """Of a class with a given model the fields of that model are said."""

    class GateConfig(BaseModel):
        units: t.PositiveInt = 1

    @register("krt", config=GateConfig)
    class Gate:
        def __init__(self, units):
            self.units = units

    assert described("krt>Gate").config == {
        "properties": {"units": {"type": "integer", "exclusiveMinimum": 0, "default": 1}},
        "required": [],
    }


def test_own_fields_are_not_accepted_besides():
    """A field that has the name of something that Keras keeps is said once."""

    @register("krt")
    class Named(keras.regularizers.Regularizer):
        def __init__(self, name: str = "x", rate: float = 0.5):
            self.name, self.rate = name, rate

    found = described("krt>Named")

    assert not set(found.accepts) & set(found.config["properties"])


def test_take_snapshot():
    """A snapshot has the live objects of one distribution, by key, and who wrote it."""

    @register("krt")
    def zero(x):
        return x

    @register("krt")
    def alpha(x):
        return x

    @register("other")
    def beta(x):
        return x

    plugins = tuple(
        Plugin(key, Kind.FUNCTION, __name__, key.partition(">")[2], "krt-layers", "1.0")
        for key in ("krt>zero", "krt>alpha", "krt>gone")
    )
    distribution = InstalledDistribution("krt-layers", "1.0", plugins=plugins)

    snapshot = take_snapshot(distribution, default_registry)

    assert [item.key for item in snapshot.objects] == ["krt>alpha", "krt>zero"]
    assert (snapshot.snapshot_version, snapshot.distribution) == ("1.0", "krt-layers")
    assert snapshot.generator.startswith("keras-registry ")


def test_changed_members():
    """Two accounts of one object differ in the members that are named, in their order."""
    one = ObjectSnapshot(key="krt>Gate", kind=Kind.LAYER, config_version=1)
    other = ObjectSnapshot(key="krt>Gate", kind=Kind.LOSS, config_version=2)

    assert changed_members(one, one) == ()
    assert changed_members(one, other) == ("kind", "config_version")
