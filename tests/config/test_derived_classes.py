"""Classes of every kind whose `get_config` is derived come back as they were, on two backends."""

import inspect
import json
from collections import Counter
from pathlib import Path

import keras
import pytest

from keras_registry.config.arguments import arguments_of
from keras_registry.config.construction import label_of
from keras_registry.registration import default_registry
from tests.config.derived_layers import LAYERS
from tests.config.derived_objects import OBJECTS
from tests.config.sorts import is_alike
from tests.support.processes import run_python
from tests.support.registered import round_trip

CHECKOUT = Path(__file__).resolve().parents[2]
CLASSES = [*LAYERS, *OBJECTS]


def plain(value):
    """Return a variable as a number, what Keras tracks as what it was, the rest as it is."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if type(value) is tuple:
        return tuple(map(plain, value))
    if isinstance(value, set):
        return set(value)
    is_number = keras.ops.is_tensor(value) or isinstance(value, keras.Variable)
    return float(value) if is_number else value


def look_up(thing, path):
    """Return what is at a dotted path of attributes, keys and indices."""
    for name in path.split("."):
        if isinstance(thing, dict):
            thing = thing[name]
        elif isinstance(thing, list | tuple):
            thing = thing[int(name)]
        else:
            thing = getattr(thing, name)
    return plain(thing)


def wrong_paths(thing, kept):
    """Return the paths of an object whose values are not the expected ones."""
    return {path: found for path in kept if not is_alike(found := look_up(thing, path), kept[path])}


@pytest.mark.parametrize("row", CLASSES, ids=str)
def test_round_trip(row):
    """An object comes back with every argument and with what Keras's base classes keep."""
    thing = row.make(row.cls)
    assert wrong_paths(thing, row.kept) == {}

    once = round_trip(thing)
    twice = round_trip(once)

    assert type(twice) is row.cls
    assert wrong_paths(once, row.kept) == wrong_paths(twice, row.kept) == {}
    assert is_alike(twice.get_config(), thing.get_config())


@pytest.mark.parametrize("row", CLASSES, ids=str)
def test_config_alone(row):
    """An object comes back from its own config as well, and the schema takes that config."""
    thing = row.make(row.cls)
    config = json.loads(json.dumps(thing.get_config()))

    again = row.cls.from_config(config)

    schema = default_registry.find(f"derived>{row.cls.__name__}").schema
    assert schema.read_config(config).problems == ()
    assert wrong_paths(again, row.kept) == {}
    assert is_alike(again.get_config(), thing.get_config())


@pytest.mark.parametrize("row", CLASSES, ids=str)
def test_no_value_is_a_default(row):
    """No argument has its default in these tests, which would hide a loss."""
    record = arguments_of(row.make(row.cls))
    values = {**record.passed_on, **record.values[label_of(row.cls)]}
    schema = default_registry.find(f"derived>{row.cls.__name__}").schema

    for parameter in inspect.signature(row.cls).parameters.values():
        if parameter.name in schema.fields and parameter.default is not parameter.empty:
            assert not is_alike(values[parameter.name], parameter.default)


def test_a_file(tmp_path):
    """All layers and models that can stand in one chain come back from one file."""
    rows = [row for row in CLASSES if row.in_chain]
    layers = [row.make(row.cls) for row in rows]
    for index, layer in enumerate(layers):
        layer.name = f"layer{index}"
    model = keras.Sequential([keras.Input((6,)), *layers])
    configs = [json.dumps(layer.get_config()) for layer in layers]
    model.save(tmp_path / "chain.keras")

    again = keras.saving.load_model(tmp_path / "chain.keras").layers

    for row, layer, config in zip(rows, again, configs, strict=True):
        kept = {path: value for path, value in row.kept.items() if path != "name"}
        assert wrong_paths(layer, kept) == {}
        # As text: Keras gives a layer inside a layer the list that JSON makes of its input shape.
        assert json.dumps(layer.get_config()) == config


def test_there_are_classes_of_every_kind():
    """The table has at least forty classes, and every kind of class is in it."""
    kinds = Counter(
        default_registry.find(f"derived>{row.cls.__name__}").kind.value for row in CLASSES
    )

    assert len(CLASSES) >= 40
    assert len(kinds) == 10


def test_on_jax():
    """All of this holds on JAX as it does on TensorFlow."""
    here = Path(__file__).relative_to(CHECKOUT).as_posix()
    program = "import sys, pytest; sys.exit(pytest.main(sys.argv[1:]))"
    wanted = ["test_round_trip", "test_config_alone", "test_a_file"]
    options = ["-q", "-p", "no:cacheprovider"]

    done = run_python(
        program,
        argv=[*options, *(f"{here}::{name}" for name in wanted)],
        cwd=CHECKOUT,
        backend="jax",
        env={"PYTEST_ADDOPTS": None},
    )

    assert f"{2 * len(CLASSES) + 1} passed" in done.check().stdout
