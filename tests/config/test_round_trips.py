"""Three round trips: what drifts in plain Keras stays, and what was changed on purpose is kept."""

import json
from typing import Any

import keras
import numpy as np
import pytest

from keras_registry import ConfigError, register
from keras_registry import types as t
from tests.config.sorts import Corner


def by_config(layer):
    """Send a layer through its own config and JSON."""
    return type(layer).from_config(json.loads(json.dumps(layer.get_config())))


def by_keras(layer):
    """Send a layer through what Keras stores for it, and JSON."""
    text = json.dumps(keras.saving.serialize_keras_object(layer))
    return keras.saving.deserialize_keras_object(json.loads(text))


def by_clone(layer):
    """Send a layer through `clone_model`."""
    model = keras.Sequential([keras.Input((2,)), layer])
    return keras.models.clone_model(model).layers[0]


@pytest.fixture(params=["config", "keras", "clone", "file"])
def three_trips(request, tmp_path):
    """Send a layer through three round trips, each by the same way."""

    def by_file(layer):
        keras.Sequential([keras.Input((2,)), layer]).save(tmp_path / "model.keras")
        return keras.saving.load_model(tmp_path / "model.keras").layers[0]

    ways = {"config": by_config, "keras": by_keras, "clone": by_clone, "file": by_file}

    def send(layer):
        for _ in range(3):
            layer = ways[request.param](layer)
        return layer

    return send


@register("trips")
class Same(keras.layers.Layer):
    """What the layers here do: nothing."""

    def call(self, inputs):
        return inputs


@pytest.fixture
def doubled():
    """A class that keeps other values than it was given, under the same names."""

    @register("trips")
    class Doubled(Same):
        def __init__(self, units: int, rate: float = 0.25, widths: list[int] = (), **kwargs):
            super().__init__(**kwargs)
            self.units = units * 2
            self.rate = 1 - rate
            self.widths = sorted(widths)
            self.label = f"{units} of {rate}"

    return Doubled


@pytest.fixture
def held():
    """A class that keeps what it is given, of every sort that can change in place."""

    @register("trips")
    class Held(Same):
        def __init__(
            self,
            units: t.PositiveInt = 1,
            rate: t.Probability = 0.5,
            *,
            widths: list[int] = (),
            table: dict[str, list[int]] | None = None,
            numbers: dict[int, float] | None = None,
            array: t.Array | None = None,
            names: set[str] = frozenset(),
            activation: t.Activation = "relu",
            anything: Any = None,
            **kwargs,
        ):
            super().__init__(**kwargs)
            self.units, self.rate, self.widths, self.table = units, rate, widths, table
            self.numbers, self.array, self.names = numbers, array, names
            self.activation, self.anything = activation, anything

    return Held


def config_of(layer):
    """Return what the config of a layer says of its own arguments."""
    base = {"name", "trainable", "dtype"}
    return {name: value for name, value in layer.get_config().items() if name not in base}


# --- what the constructor makes of its arguments ---------------------------------------------


def test_derived_attributes_do_not_drift(doubled, three_trips):
    """`self.units = units * 2` and `self.rate = 1 - rate` are the same after three trips."""
    layer = doubled(16, 0.25, [3, 1])

    again = three_trips(layer)

    assert (again.units, again.rate, again.widths) == (32, 0.75, [1, 3])
    assert again.label == "16 of 0.25"
    assert config_of(again) == {"units": 16, "rate": 0.25, "widths": [3, 1]}


def test_an_involution_does_not_alternate(doubled, three_trips):
    """`self.rate = 1 - rate` with the rate of one half, where both are equal, stays that."""
    again = three_trips(doubled(0, 0.5))

    assert (again.units, again.rate) == (0, 0.5)
    assert config_of(again) == {"units": 0, "rate": 0.5, "widths": []}


def test_changing_a_derived_attribute_changes_no_config(doubled, three_trips):
    """A later change of an attribute that never was its argument is not taken for one."""
    layer = doubled(16)
    layer.units, layer.rate = 5, 0.125

    again = three_trips(layer)

    assert (again.units, again.rate) == (32, 0.75)


def test_name_trainable_and_dtype_stay(doubled, three_trips):
    """What Keras's base class keeps is the same after three trips, also when changed later."""
    layer = doubled(16, name="mine", dtype="mixed_bfloat16")
    layer.trainable = False

    again = three_trips(layer)

    assert (again.name, again.trainable) == ("mine", False)
    assert again.dtype_policy.name == "mixed_bfloat16"


# --- what was changed on the layer ------------------------------------------------------------


def test_a_changed_attribute_is_kept(held, three_trips):
    """An attribute that was its argument is saved as it is now."""
    layer = held(3, 0.25)
    layer.units, layer.rate = 4, 0.75
    layer.activation = keras.activations.tanh

    again = three_trips(layer)

    assert (again.units, again.rate) == (4, 0.75)
    assert again.activation is keras.activations.tanh


def test_an_attribute_changed_between_trips_is_kept(held, three_trips):
    """The same for a layer that itself came from a config."""
    layer = three_trips(held(3, widths=[1]))
    layer.units = 5
    layer.widths.append(2)

    again = three_trips(layer)

    assert (again.units, list(again.widths)) == (5, [1, 2])


def test_a_changed_default_is_kept(held, three_trips):
    """An argument that was not passed is tracked like any other."""
    layer = held()
    layer.units = 7
    layer.table = {"a": [1]}

    again = three_trips(layer)

    assert again.units == 7
    assert config_of(again)["table"] == {"a": [1]}


def test_a_list_changed_on_the_layer_is_kept(held, three_trips):
    """A list that is changed in place on the layer is saved as it is now."""
    layer = held(widths=[3, 1])
    layer.widths.append(2)
    layer.widths[0] = 9

    again = three_trips(layer)

    assert list(again.widths) == [9, 1, 2]


def test_a_dict_changed_on_the_layer_is_kept(held, three_trips):
    """The same for a dict, a list inside it, and a dict with integer keys."""
    layer = held(table={"a": [1]}, numbers={1: 0.5})
    layer.table["a"].append(2)
    layer.table["b"] = [3]
    layer.numbers[7] = 0.25

    again = three_trips(layer)

    assert config_of(again)["table"] == {"a": [1, 2], "b": [3]}
    assert dict(again.numbers) == {1: 0.5, 7: 0.25}


def test_a_set_changed_on_the_layer_is_kept(held, three_trips):
    """The same for a set."""
    layer = held(names={"a"})
    layer.names.add("b")

    again = three_trips(layer)

    assert set(again.names) == {"a", "b"}


def test_an_array_changed_on_the_layer_is_kept(held, three_trips):
    """The same for an array, whose dtype stays."""
    layer = held(array=np.arange(4, dtype="int16"))
    layer.array[0] = 9

    again = three_trips(layer)

    assert again.array.tolist() == [9, 1, 2, 3]
    assert again.array.dtype == "int16"


@pytest.mark.parametrize(
    ("before", "change", "after"),
    [
        ([1, [2]], lambda value: value[1].append(3), [1, [2, 3]]),
        ({"a": (1, [2])}, lambda value: value["a"][1].append(3), {"a": (1, [2, 3])}),
        ({1: {2}}, lambda value: value[1].add(3), {1: {2, 3}}),
        ([np.arange(2)], lambda value: value[0].fill(7), [np.array([7, 7])]),
    ],
    ids=["list", "dict", "integer keys", "array"],
)
def test_a_value_without_type_changed_on_the_layer_is_kept(
    held, three_trips, before, change, after
):
    """The same for what an argument without a type holds."""
    layer = held(anything=before)
    change(layer.anything)

    again = three_trips(layer)

    assert config_of(again)["anything"] == config_of(held(anything=after))["anything"]


def test_a_change_to_a_wrong_value_is_refused(held):
    """A layer whose attribute was changed to what the class refuses has no config."""
    layer = held(3)
    layer.units = -1

    with pytest.raises(ConfigError, match="Held: units: Input should be greater than 0"):
        layer.get_config()


# --- what its owner changed -------------------------------------------------------------------


def test_a_list_changed_by_its_owner_changes_nothing(held, three_trips):
    """A list that is changed in place after it was passed reaches neither layer nor config."""
    widths = [3, 1]
    layer = held(widths=widths)
    widths.append(2)

    again = three_trips(layer)

    assert list(layer.widths) == list(again.widths) == [3, 1]


def test_a_dict_changed_by_its_owner_changes_nothing(held, three_trips):
    """The same for a dict, a list inside it, and a dict with integer keys."""
    table, numbers = {"a": [1]}, {1: 0.5}
    layer = held(table=table, numbers=numbers)
    table["a"].append(2)
    table["b"] = [3]
    numbers[7] = 0.25

    again = three_trips(layer)

    assert config_of(layer) == config_of(again)
    assert config_of(again)["table"] == {"a": [1]}
    assert dict(again.numbers) == {1: 0.5}


def test_an_array_changed_by_its_owner_changes_nothing(held, three_trips):
    """The same for an array."""
    array = np.arange(4, dtype="int16")
    layer = held(array=array)
    array[0] = 9

    again = three_trips(layer)

    assert layer.array.tolist() == again.array.tolist() == [0, 1, 2, 3]


def test_a_set_changed_by_its_owner_changes_nothing(held, three_trips):
    """The same for a set."""
    names = {"a"}
    layer = held(names=names)
    names.add("b")

    assert set(three_trips(layer).names) == {"a"}


def test_a_value_without_type_changed_by_its_owner_changes_nothing(held, three_trips):
    """The same for what an argument without a type holds, however deep."""
    array = np.arange(2)
    anything = {"a": [1, array], 2: {3}}
    layer = held(anything=anything)
    anything["a"].append(2)
    anything[2].add(4)
    array[0] = 9

    again = three_trips(layer)

    wanted = config_of(held(anything={"a": [1, np.arange(2)], 2: {3}}))
    assert config_of(layer) == config_of(again) == wanted


def test_a_config_changed_by_its_owner_changes_nothing(held):
    """Neither the config that a layer returns nor the one that it is made of is its own."""
    layer = held(widths=[1], table={"a": [1]}, anything=[[1]])
    config = layer.get_config()

    again = held.from_config(config)
    for name in ("widths", "anything"):
        config[name].append(2)
    config["table"]["a"].append(2)

    assert config_of(layer) == config_of(again)
    assert config_of(again)["widths"] == [1]
    assert config_of(again)["table"] == {"a": [1]}
    assert config_of(again)["anything"] == [[1]]


def test_two_layers_share_no_default(held):
    """A list that is a default belongs to each layer alone."""
    first, second = held(), held()
    first.widths.append(1)

    assert config_of(first)["widths"] == [1]
    assert config_of(second)["widths"] == []


def test_a_layer_and_its_copy_share_nothing(held, three_trips):
    """What is changed on a layer after a trip does not reach the layer that came of it."""
    layer = held(widths=[1], table={"a": [1]}, array=np.arange(2))
    again = three_trips(layer)
    layer.widths.append(2)
    layer.table["a"].append(2)
    layer.array[0] = 9

    assert list(again.widths) == [1]
    assert config_of(again)["table"] == {"a": [1]}
    assert again.array.tolist() == [0, 1]


# --- objects in a layer -----------------------------------------------------------------------


def test_a_nested_layer_changed_later_is_kept(three_trips):
    """What is changed on a layer inside a layer is saved with it."""

    @register("trips")
    class Inner(Same):
        def __init__(self, units: int, **kwargs):
            super().__init__(**kwargs)
            self.units = units * 2

    @register("trips")
    class Outer(Same):
        def __init__(self, inner: t.Layer, others: list[t.Layer] = (), **kwargs):
            super().__init__(**kwargs)
            self.inner, self.others = inner, others

        def build(self, input_shape):
            self.built = True

    layer = Outer(Inner(16, name="inner"), [Inner(1)])
    layer.inner.trainable = False
    layer.others.append(Inner(2))

    again = three_trips(layer)

    assert (again.inner.units, again.inner.name) == (32, "inner")
    assert again.inner.trainable is False
    assert [other.units for other in again.others] == [2, 4]


def test_a_tuple_with_a_layer_keeps_its_types(three_trips):
    """A tuple in which the backend tracks a layer is saved item by item, changed later or not."""

    @register("trips")
    class Paired(Same):
        def __init__(self, pair: tuple[t.Layer, Corner], other: tuple[t.Layer, Corner], **kwargs):
            super().__init__(**kwargs)
            self.pair, self.other = pair, other

        def build(self, input_shape):
            self.built = True

    layer = Paired((Same(name="a"), Corner.LEFT), (Same(name="b"), Corner.LEFT))
    layer.other = (layer.other[0], Corner.RIGHT)

    again = three_trips(layer)

    assert (again.pair[0].name, again.pair[1]) == ("a", Corner.LEFT)
    assert (again.other[0].name, again.other[1]) == ("b", Corner.RIGHT)


class Holding(keras.layers.Layer):
    """A layer with one inside, which its constructor makes."""

    def __init__(self, units: int = 3, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.inner = keras.layers.Dense(units)

    def build(self, input_shape):
        self.inner.build(input_shape)

    def call(self, inputs):
        return self.inner(inputs)


@register("trips")
class Freezable(Holding):
    """The same, registered."""


def trained(layer):
    """How many variables of a layer a model would train."""
    return len(keras.Sequential([keras.Input((2,)), layer]).trainable_variables)


def test_plain_keras_trains_what_was_frozen():
    """In plain Keras, the layers inside a frozen layer are trained again after a round trip."""
    layer = Holding()
    layer.trainable = False

    assert trained(layer) == 0
    assert trained(by_config(layer)) == 2


def test_frozen_layer_stays_frozen(three_trips):
    """A layer that was frozen comes back with the layers inside it frozen."""
    layer = Freezable()
    layer.trainable = False

    again = three_trips(layer)

    assert not again.trainable
    assert trained(again) == 0
