"""How configs are compared, and what is said of the difference."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from keras_registry.contract.configs import find_difference, types_of, with_usual_names


def stored(class_name, **config):
    """An object as Keras stores it."""
    return {"module": "m", "class_name": class_name, "config": config, "registered_name": None}


@pytest.mark.parametrize(
    ("found", "wanted", "place"),
    [
        ({"units": 3}, {"units": 2}, "units: 2, 3"),
        ({}, {"units": 2}, "units: 2, None"),
        ({"units": None}, {}, "units: None, None"),
        ({"sizes": [1, 2]}, {"sizes": [1, 3]}, "sizes[1]: 3, 2"),
        ({"sizes": [1]}, {"sizes": [1, 3]}, "sizes: [1, 3], [1]"),
        ({"cell": stored("Cell", n=1)}, {"cell": stored("Cell", n=2)}, "cell.n: 2, 1"),
    ],
)
def test_difference_is_told_at_its_place(found, wanted, place) -> None:
    """Of two configs the innermost place is told in which they differ."""
    changed = find_difference(found, wanted)

    assert f"{changed.place}: {changed.wanted}, {changed.found}" == place
    assert changed.place.startswith(changed.name)


def test_equal_configs_do_not_differ() -> None:
    """There is nothing to tell of configs that are equal."""
    assert find_difference({"cell": stored("Cell")}, {"cell": stored("Cell")}) is None


def test_automatic_names_inside_a_config_count_as_one() -> None:
    """A layer that is made anew inside another has another number, and no other name."""
    one, other, named = (
        {"name": "outer_1", "cell": [stored("MyCell", name=name)], "inner": {"name": name}}
        for name in ("my_cell_7", "my_cell", "mine")
    )

    assert with_usual_names(one) == with_usual_names(other) == other
    assert with_usual_names(named) == named


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (1, "int"),
        ((1, 2), "tuple of 2 int"),
        ([1, "a"], "list (int, str)"),
        ([], "list ()"),
        ({"a": 1, "b": (1,)}, "dict of a: int, b: tuple of 1 int"),
        ({}, "dict"),
        (stored("acme>Cell", n=1), "dict that stores a Cell"),
        (np.ones((2, 3), "float32"), "array of float32 (2, 3)"),
        (keras.initializers.Ones(), "Ones"),
    ],
)
def test_types_are_told_in_words(value, words) -> None:
    """What a value is made of is told as a person would."""
    assert types_of(value) == words


def test_containers_of_keras_are_what_they_stand_for() -> None:
    """Keras makes containers of its own of lists and dicts that are attributes."""
    layer = keras.layers.Layer()
    layer.sizes, layer.names = [1, 2], {"a": 1}

    assert types_of(layer.sizes) == "list of 2 int"
    assert types_of(layer.names) == "dict of a: int"
