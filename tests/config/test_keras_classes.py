"""Keras's own classes, subclassed without a line of code, come back with every argument."""

import json

import keras
import pytest

from keras_registry import register
from tests.config.keras_classes import LAYERS, Row
from tests.config.keras_objects import OTHERS
from tests.config.sorts import is_alike
from tests.support.registered import round_trip

CLASSES = [*LAYERS, *OTHERS]
BASE = {"name": "mine", "trainable": False, "dtype": "mixed_float16"}


def subclass(cls):
    """Return `class MyDense(keras.layers.Dense): pass`, registered."""
    return register("t")(type(f"My{cls.__name__}", (cls,), {"__module__": __name__}))


def written(thing):
    """Return the config of an object as JSON text, without the marks that are addresses."""

    def without_marks(members):
        return {name: value for name, value in members.items() if name != "shared_object_id"}

    text = json.dumps(keras.saving.serialize_keras_object(thing)["config"])
    return json.dumps(json.loads(text, object_hook=without_marks))


def called(row: Row, layer):
    """Return the inputs and outputs of a layer that is called as its row says."""
    batch = {"batch_size": 2} if getattr(layer, "stateful", False) else {}
    tensors = [keras.Input(row.shape, dtype=row.dtype, **batch) for _ in range(abs(row.calls))]
    if row.calls > 1:
        return tensors, layer(tensors)
    return tensors, layer(*tensors)


@pytest.mark.parametrize("row", LAYERS, ids=str)
def test_layers_come_back_from_a_file(row, tmp_path):
    """A layer comes back from a model file with the config that it had."""
    cls = subclass(row.cls)
    made = []
    for index, values in enumerate(row.make_all()):
        base = {name: BASE[name] for name in row.base_names & BASE.keys()}
        made.append(cls(**{**base, **values, "name": f"mine{index}"}))
    inputs, outputs = zip(*(called(row, layer) for layer in made), strict=True)
    model = keras.Model(list(inputs), list(outputs))
    model.save(tmp_path / "model.keras")

    again = keras.saving.load_model(tmp_path / "model.keras")

    found = [again.get_layer(layer.name) for layer in made]
    assert [type(layer) for layer in found] == [cls] * len(made)
    assert [written(layer) for layer in found] == [written(layer) for layer in made]


@pytest.mark.parametrize("row", OTHERS, ids=str)
def test_other_objects_come_back(row):
    """A loss, metric, optimizer or the like comes back from JSON with the config that it had."""
    cls = subclass(row.cls)
    for values in row.make_all():
        thing = cls(**values)

        again = round_trip(thing)

        assert type(again) is cls
        assert written(again) == written(thing)


@pytest.mark.parametrize("row", CLASSES, ids=str)
def test_every_argument_is_in_the_table(row):
    """Each argument of the constructor has, in one object of the table, no default."""
    objects = row.make_all()
    seen = row.base_names
    for name, parameter in row.parameters.items():
        values = [values[name] for values in objects if name in values]
        if any(not is_alike(value, parameter.default) for value in values):
            seen.add(name)

    assert seen | row.lost >= row.parameters.keys()
    assert {name for values in objects for name in values} <= row.parameters.keys()


@pytest.mark.parametrize("row", CLASSES, ids=str)
def test_every_argument_is_in_the_config(row):
    """Each argument is in the config, plain ones as passed, but for those that Keras drops."""
    cls = subclass(row.cls)
    written = set()
    for values in row.make_all():
        config = cls(**values).get_config()
        written |= config.keys()
        plain = {n: v for n, v in values.items() if isinstance(v, bool | int | float | str)}
        assert {n: v for n, v in plain.items() if n in config and config[n] != v} == {}
    assert row.parameters.keys() - written <= row.lost
