"""Steps from one config version to the next, and the chains that are refused."""

from __future__ import annotations

import contextlib
import copy
import json
from typing import Any

import keras
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_registry import RegistrationError, register
from keras_registry import types as t
from keras_registry.errors import MigrationError
from keras_registry.migrations import (
    Migration,
    add,
    check_chain,
    convert,
    drop,
    migrate,
    move,
    rename,
)
from tests.support.golden import check_golden
from tests.support.registered import restored_registries


def after(config: dict[str, Any], *steps: Any) -> dict[str, Any]:
    """Return what steps make of a config, having checked that the config is as it was."""
    before = copy.deepcopy(config)
    made, taken = migrate(config, [Migration(1, 2, *steps)], saved_version=1)
    assert config == before
    assert len(taken) == len(steps)
    return made


def refusal(config: dict[str, Any], *steps: Any) -> str:
    """Return the text of the error that steps end with."""
    before = copy.deepcopy(config)
    with pytest.raises(MigrationError) as caught:
        migrate(config, [Migration(1, 2, *steps)], saved_version=1)
    assert config == before
    return str(caught.value)


# --- rename and move -------------------------------------------------------------------------


def test_rename_gives_another_name():
    """A field has another name and the same value; the others stay."""
    assert after({"width": [1, 2], "rate": 0.5}, rename("width", "units")) == {
        "units": [1, 2],
        "rate": 0.5,
    }


def test_rename_of_what_is_not_there_does_nothing():
    """A config that lacks the field, as a hand-written `get_config` may, stays as it is."""
    assert after({"rate": 0.5}, rename("width", "units")) == {"rate": 0.5}


def test_rename_keeps_none():
    """A field whose value is None is a field."""
    assert after({"width": None}, rename("width", "units")) == {"units": None}


def test_rename_never_overwrites():
    """A config that has both names stops the chain: one of the values would be lost."""
    text = refusal({"width": 1, "units": 2}, rename("width", "units"))

    check_golden("migrations/step-rename-conflict", text)


def test_rename_inside_a_dict():
    """Dotted names lead into dicts, which stay where they are."""
    config = {"head": {"width": 3, "rate": 0.5}, "width": 1}

    assert after(config, rename("head.width", "head.units")) == {
        "head": {"units": 3, "rate": 0.5},
        "width": 1,
    }


def test_move_into_a_dict_and_out_of_one():
    """A value is moved into a dict, which is made if there is none, and out of one."""
    assert after({"units": 3}, move("units", "head.dense.units")) == {
        "head": {"dense": {"units": 3}}
    }
    assert after({"head": {"units": 3}}, move("head.units", "units")) == {"head": {}, "units": 3}


def test_move_into_what_is_no_dict_is_refused():
    """A dotted name through a value that is no dict stops the chain."""
    text = refusal({"units": 3, "head": [1]}, move("units", "head.units"))

    check_golden("migrations/step-no-dict", text)


def test_move_from_what_is_no_dict_does_nothing():
    """There is nothing inside a value that is no dict."""
    assert after({"head": 3}, move("head.units", "units")) == {"head": 3}


# --- drop, add, convert ----------------------------------------------------------------------


def test_drop_takes_fields_away():
    """Fields go, whatever their values, inside dicts too; what is not there is no fault."""
    config = {"legacy": {"a": 1}, "old": None, "head": {"legacy": 1, "units": 2}}

    assert after(config, drop("legacy", "old", "head.legacy", "never")) == {"head": {"units": 2}}


def test_add_gives_old_configs_a_field():
    """A field that is not there is added; one that is there keeps its value."""
    assert after({}, add("scale", 1.0)) == {"scale": 1.0}
    assert after({"scale": 2.0}, add("scale", 1.0)) == {"scale": 2.0}
    assert after({"head": {}}, add("head.scale", 1.0)) == {"head": {"scale": 1.0}}


def test_added_value_is_a_copy():
    """Configs that got the same added list do not share it."""
    step = add("sizes", [])

    first, second = after({}, step), after({}, step)
    first["sizes"].append(1)

    assert second == {"sizes": []}
    assert after({}, step) == {"sizes": []}


def test_convert_replaces_a_value():
    """A value is replaced by what the function makes of it, inside a dict too."""
    assert after({"rate": 0.25}, convert("rate", lambda rate: 1 - rate)) == {"rate": 0.75}
    assert after({"head": {"sizes": [1, 2]}}, convert("head.sizes", len)) == {"head": {"sizes": 2}}
    assert after({}, convert("rate", len)) == {}


def test_function_takes_the_config_and_returns_a_new_one():
    """A function is a step: it sees what the steps before made, and may make anything new."""

    def split(config):
        width, height = config.pop("size")
        return {**config, "width": width, "height": height}

    assert after({"shape": [2, 3]}, rename("shape", "size"), split) == {"width": 2, "height": 3}


def test_function_may_change_what_it_is_given():
    """A step that changes lists inside the config changes a copy."""

    def grow(config):
        config["sizes"].append(9)
        return config

    assert after({"sizes": [1]}, grow) == {"sizes": [1, 9]}


# --- steps that fail -------------------------------------------------------------------------


def raising(config):
    """A step that meets a config for which it was not made."""
    return config["width"]


def forgetful(config):
    """A step that forgets to return the config."""
    config["units"] = 3


def listing(config):
    """A step that returns a list."""
    return [config]


def numbering(config):
    """A step that names a field by a number."""
    return {**config, 3: 4}


def storing_a_set(config):
    """A step that puts a set into the config."""
    return {**config, "kinds": {1}}


def storing_itself(config):
    """A step that puts the config into itself."""
    return {**config, "self": config, "loop": config.setdefault("inner", config)}


@pytest.mark.parametrize(
    "step",
    [raising, forgetful, listing, numbering, storing_a_set, storing_itself],
    ids=lambda step: step.__name__,
)
def test_failing_step_is_named(step):
    """The text has the versions, the step, and what was wrong."""
    text = refusal({"rate": 0.5}, drop("legacy"), step)

    check_golden(f"migrations/step-{step.__name__}", text)


def test_failing_conversion_names_field_and_function():
    """The text of a failed conversion has the field, the function and the error."""
    check_golden("migrations/step-convert", refusal({"rate": "much"}, convert("rate", float)))


def test_error_of_a_step_is_the_cause():
    """What the step raised is the cause, for the author who looks at the traceback."""
    with pytest.raises(MigrationError) as caught:
        migrate({}, [Migration(1, 2, raising)], saved_version=1)

    assert isinstance(caught.value.__cause__, KeyError)


# --- chains ----------------------------------------------------------------------------------

CHAIN = [
    Migration(2, 3, rename("width", "size")),
    Migration(3, 4, rename("size", "units"), convert("units", lambda units: units * 2)),
    Migration(4, 5, add("rate", 0.5)),
]


@pytest.mark.parametrize(
    ("version", "config", "steps"),
    [
        (2, {"width": 3}, 4),
        (3, {"size": 3}, 3),
        (4, {"units": 6}, 1),
        (5, {"units": 6, "rate": 0.5}, 0),
    ],
)
def test_chain_begins_at_the_saved_version(version, config, steps):
    """Only what lies after the version of the config is run."""
    made, taken = migrate(config, CHAIN, saved_version=version)

    assert made == {"units": 6, "rate": 0.5}
    assert len(taken) == steps


def test_steps_say_what_they_do():
    """The steps taken are told in the words in which they were declared."""
    steps = [
        rename("a", "b"),
        move("b", "c.d"),
        drop("e", "f"),
        add("g", [1]),
        convert("h", len),
        forgetful,
        listing,
    ]
    told = repr(Migration(1, 2, *steps))
    _, taken = migrate({"a": 1}, [Migration(1, 2, *steps[:5])], saved_version=1)

    assert told == (
        "Migration(1, 2, rename('a', 'b'), move('b', 'c.d'), drop('e', 'f'), add('g', [1]), "
        "convert('h', len), forgetful, listing)"
    )
    assert taken == (
        "1 to 2: rename('a', 'b')",
        "1 to 2: move('b', 'c.d')",
        "1 to 2: drop('e', 'f')",
        "1 to 2: add('g', [1])",
        "1 to 2: convert('h', len)",
    )


NAMES = st.sampled_from(["a", "b", "c", "a.x", "b.x", "c.x.y"])
VALUES = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("xyz"), inner),
    max_leaves=5,
)
STEPS = st.one_of(
    st.builds(rename, NAMES, NAMES),
    st.builds(move, NAMES, NAMES),
    st.builds(drop, NAMES, NAMES),
    st.builds(add, NAMES, VALUES),
    st.builds(convert, NAMES, st.just(repr)),
)


@given(config=st.dictionaries(st.sampled_from("abc"), VALUES), steps=st.lists(STEPS, min_size=1))
def test_whatever_the_steps_the_config_is_left_alone(config, steps):
    """Any steps make a JSON document of any config, or say why not; the config stays as it is."""
    before = json.dumps(config)

    with contextlib.suppress(MigrationError):
        made, taken = migrate(config, [Migration(1, 2, *steps)], saved_version=1)
        json.dumps(made)
        assert len(taken) == len(steps)
    assert json.dumps(config) == before


# --- what is refused -------------------------------------------------------------------------

STEP = rename("width", "units")
WRONG_MIGRATIONS = {
    "not-the-next": (1, 3, STEP),
    "backwards": (2, 1, STEP),
    "same": (2, 2, STEP),
    "from-zero": (0, 1, STEP),
    "no-number": ("1", 2, STEP),
    "truth": (True, 2, STEP),
    "no-steps": (1, 2),
    "no-function": (1, 2, STEP, "width"),
    "list": (1, 2, [STEP]),
}


@pytest.mark.parametrize("name", WRONG_MIGRATIONS)
def test_wrong_migration_is_refused(name):
    """A migration leads from one version to the next, by functions; else the text says so."""
    with pytest.raises(RegistrationError) as caught:
        Migration(*WRONG_MIGRATIONS[name])

    check_golden(f"migrations/migration-{name}", str(caught.value))


WRONG_CHAINS = {
    "gap": (4, [Migration(1, 2, STEP), Migration(3, 4, drop("legacy"))]),
    "loop": (2, [Migration(1, 2, STEP), Migration(1, 2, drop("legacy"))]),
    "back": (2, [Migration(2, 3, drop("legacy")), Migration(1, 2, STEP)]),
    "short": (3, [Migration(1, 2, STEP)]),
    "long": (2, [Migration(1, 2, STEP), Migration(2, 3, drop("legacy"))]),
    "no-version": (1, [Migration(1, 2, STEP)]),
    "no-migration": (2, [(1, 2, STEP)]),
    "step-alone": (2, [STEP]),
    "wrong-target": (2, [Migration(1, 2, rename("width", "unit"))]),
    "wrong-added": (2, [Migration(1, 2, add("scale", 1.0))]),
    "wrong-moved": (2, [Migration(1, 2, move("width", "head.units"))]),
    "wrong-later": (
        3,
        [Migration(1, 2, rename("width", "size")), Migration(2, 3, drop("legacy"))],
    ),
}


@pytest.mark.parametrize("name", WRONG_CHAINS)
def test_wrong_chain_is_refused_at_decoration(name):
    """What cannot work is refused when the class is decorated, with what to write instead."""
    version, migrations = WRONG_CHAINS[name]

    with restored_registries(), pytest.raises(RegistrationError) as caught:

        @register("tests", version=version, migrations=migrations)
        class Scale(keras.layers.Layer):
            def __init__(self, units: t.PositiveInt, rate: float = 0.5, **kwargs):
                super().__init__(**kwargs)

    check_golden(f"migrations/chain-{name}", str(caught.value))


def test_refused_class_is_left_as_it_was():
    """A class whose chain is refused is not wrapped and not registered."""

    class Scale(keras.layers.Layer):
        def __init__(self, units: t.PositiveInt, **kwargs):
            super().__init__(**kwargs)

    before = dict(vars(Scale))

    with restored_registries(), pytest.raises(RegistrationError):
        register("tests", version=3, migrations=[Migration(1, 2, STEP)])(Scale)

    assert dict(vars(Scale)) == before


GOOD_CHAINS = {
    "renamed-twice": [
        Migration(1, 2, rename("width", "size")),
        Migration(2, 3, rename("size", "units")),
    ],
    "dropped-later": [Migration(1, 2, add("stray", 1)), Migration(2, 3, drop("stray"))],
    "unknown-function": [
        Migration(1, 2, rename("width", "size")),
        Migration(2, 3, lambda config: config),
    ],
    "begins-later": [Migration(2, 3, STEP)],
    "base-argument": [
        Migration(1, 2, rename("label", "name")),
        Migration(2, 3, add("dtype", None)),
    ],
    "none": [],
}


@pytest.mark.parametrize("name", GOOD_CHAINS)
def test_chain_that_can_work_is_accepted(name):
    """Names that a later step renames or drops, and those of Keras's base classes, are fine."""
    with restored_registries():

        @register("tests", version=3, migrations=GOOD_CHAINS[name])
        class Scale(keras.layers.Layer):
            def __init__(self, units: t.PositiveInt, **kwargs):
                super().__init__(**kwargs)

    assert Scale(units=3).get_config()["keras_registry_config_version"] == 3


def test_hand_written_from_config_may_take_any_name():
    """Where `from_config` is written by hand, only it knows which names a config may hold."""
    with restored_registries():

        @register("tests", version=2, migrations=[Migration(1, 2, rename("width", "anything"))])
        class Scale(keras.layers.Layer):
            def __init__(self, units: int = 1, **kwargs):
                super().__init__(**kwargs)
                self.units = units

            def get_config(self):
                return {**super().get_config(), "anything": self.units}

            @classmethod
            def from_config(cls, config):
                config = dict(config)
                return cls(config.pop("anything"), **config)

        assert Scale.from_config({"width": 3}).units == 3
        assert Scale.from_config(Scale(4).get_config()).units == 4


def migrating_nothing(weights, version):
    """Weights as they were."""
    return weights


WRONG_OPTIONS = {
    "weights-version": {"migrate_weights": migrating_nothing},
    "weights-no-function": {"version": 2, "migrate_weights": {}},
    "version-zero": {"version": 0},
    "version-text": {"version": "2"},
    "version-truth": {"version": True},
}


@pytest.mark.parametrize("name", WRONG_OPTIONS)
def test_wrong_options_are_refused(name):
    """Versions are whole numbers, and only a later version has weights to migrate."""

    class Scale(keras.layers.Layer):
        def __init__(self, units: int, **kwargs):
            super().__init__(**kwargs)

    with restored_registries(), pytest.raises(RegistrationError) as caught:
        register("tests", **WRONG_OPTIONS[name])(Scale)

    check_golden(f"migrations/option-{name}", str(caught.value))


def test_function_has_no_migrations():
    """A function has no config, so it has no migrations, and none of weights."""

    def double(x):
        return 2 * x

    for options in (
        {"migrations": [Migration(1, 2, STEP)]},
        {"version": 2},
        {"migrate_weights": migrating_nothing},
    ):
        with restored_registries(), pytest.raises(RegistrationError) as caught:
            register("tests", **options)(double)
        check_golden("migrations/option-function", str(caught.value))


def test_weights_of_what_has_none_are_refused():
    """A class without variables of its own has no weights to migrate."""

    class Ramp(keras.initializers.Initializer):
        def __init__(self, slope: float = 1.0):
            self.slope = slope

    with restored_registries(), pytest.raises(RegistrationError) as caught:
        register(
            "tests",
            version=2,
            migrations=[Migration(1, 2, rename("step", "slope"))],
            migrate_weights=migrating_nothing,
        )(Ramp)

    check_golden("migrations/option-no-weights", str(caught.value))


def test_class_without_a_constructor_has_no_version():
    """Where Keras keeps the config there is nothing to migrate."""

    class Bare(keras.layers.Layer):
        pass

    with restored_registries(), pytest.raises(RegistrationError) as caught:
        register("tests", version=2)(Bare)

    check_golden("migrations/option-no-constructor", str(caught.value))


def test_check_chain_accepts_what_nobody_knows():
    """Without known names any field may be made."""
    check_chain([Migration(1, 2, add("anything", 1))], version=2, known=None, owner="Scale")
