"""Random constructors: their values come back as they were, and no other value reaches them."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, field
from inspect import Parameter, Signature
from typing import Any

import keras
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keras_registry import ConfigError, register
from keras_registry.config.prepared import PreparedConfigs
from keras_registry.registration import default_registry
from tests.config.sorts import UNANNOTATED, Sort, is_alike, sorts
from tests.support.registered import restored_registries

QUICK = settings(
    derandomize=True,
    deadline=None,
    suppress_health_check=[
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
    ],
)
COUNTER = itertools.count()
NOT_GIVEN = object()


@dataclass(frozen=True)
class Argument:
    """An argument of a random constructor.

    Attributes:
        name: Its name.
        sort: Its type.
        default: Its default, or `NOT_GIVEN`.
        passed: The value that the caller passes, or `NOT_GIVEN`.
        is_kept: Whether the body keeps the value in an attribute of the same name.
    """

    name: str
    sort: Sort
    default: Any
    passed: Any
    is_kept: bool


@dataclass(frozen=True)
class Case:
    """A class at random, and how it is called.

    Attributes:
        arguments: Those of its constructor.
        base: The class that it is built on.
        extra: What the caller passes to the base.
        calls: The values with which the body was run, one dict for each call.
    """

    arguments: tuple[Argument, ...]
    base: type
    extra: dict[str, Any]
    calls: list[dict[str, Any]] = field(default_factory=list, repr=False)

    @property
    def passed(self) -> dict[str, Any]:
        """What the caller passes."""
        own = {a.name: a.passed for a in self.arguments if a.passed is not NOT_GIVEN}
        return {**own, **self.extra}

    def make_class(self) -> type:
        """Write the class and register it."""
        is_layer = self.base is not object
        names = {argument.name for argument in self.arguments}
        kept = [argument.name for argument in self.arguments if argument.is_kept]

        def __init__(self_, **values):  # noqa: N807
            own = {name: values.pop(name) for name in sorted(names)}
            self.calls.append(own)
            if is_layer:
                keras.layers.Layer.__init__(self_, **values)
            self_.__dict__["received"] = own
            for name in kept:
                setattr(self_, name, own[name])

        __init__.__signature__ = Signature(
            [
                Parameter("self", Parameter.POSITIONAL_OR_KEYWORD),
                *map(_parameter, self.arguments),
                *([Parameter("kwargs", Parameter.VAR_KEYWORD)] if is_layer else []),
            ]
        )
        __init__.__annotations__ = {
            a.name: a.sort.hint for a in self.arguments if a.sort.hint is not UNANNOTATED
        }
        name = f"Made{next(COUNTER)}"
        return register("identity")(
            type(name, (self.base,), {"__init__": __init__, "__module__": __name__})
        )


def _parameter(argument):
    default = Parameter.empty if argument.default is NOT_GIVEN else argument.default
    return Parameter(argument.name, Parameter.KEYWORD_ONLY, default=default)


@st.composite
def arguments(draw, index):
    """An argument at random; one that has a default is not always passed."""
    sort = draw(sorts())
    default = draw(sort.values) if draw(st.booleans()) else NOT_GIVEN
    is_passed = default is NOT_GIVEN or draw(st.integers(0, 3))
    passed = draw(sort.values) if is_passed else NOT_GIVEN
    return Argument(f"a{index}", sort, default, passed, draw(st.booleans()))


@st.composite
def cases(draw):
    """A case at random: a plain object three times out of four, else a layer."""
    count = draw(st.integers(1, 6))
    made = tuple(draw(arguments(index)) for index in range(count))
    if draw(st.integers(0, 3)):
        return Case(made, object, {})
    extra = {"name": "mine", "trainable": False, "dtype": "mixed_bfloat16"}
    given = {name: value for name, value in extra.items() if draw(st.booleans())}
    return Case(made, keras.layers.Layer, given)


def by_config(thing):
    """Send an object through its config alone."""
    return type(thing).from_config(json.loads(json.dumps(thing.get_config())))


def by_keras(thing):
    """Send an object through what Keras stores for it."""
    text = json.dumps(keras.saving.serialize_keras_object(thing))
    return keras.saving.deserialize_keras_object(json.loads(text))


def by_load(thing):
    """Send an object through a config that is validated before anything is built."""
    cls = type(thing)
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(thing)["config"]))
    reading = schema_of(cls).read_config(config)
    assert reading.problems == ()
    prepared = PreparedConfigs()
    prepared.add(cls, config, reading)
    with prepared.in_force():
        return cls.from_config(config)


def schema_of(cls):
    """Return the config schema of a registered class."""
    return default_registry.find(f"identity>{cls.__name__}").schema


# What pydantic before 2.8 does to a default that is an empty array.
@pytest.mark.filterwarnings("ignore:The truth value of an empty array:DeprecationWarning")
@settings(QUICK, max_examples=1500)
@given(case=cases(), send=st.sampled_from([by_config, by_keras, by_load]))
def test_values_come_back(case, send):
    """Constructing, saving and building anew is the identity: configs and values are the same."""
    with restored_registries():
        thing = case.make_class()(**case.passed)
        config = thing.get_config()

        again = send(thing)

        assert type(again) is type(thing)
        assert is_alike(again.get_config(), config)
        assert len(case.calls) == 2
        assert is_alike(again.received, thing.received)
        for argument in case.arguments:
            if argument.sort.exact and argument.passed is not NOT_GIVEN:
                assert is_alike(thing.received[argument.name], argument.passed)
        assert {name: config[name] for name in case.extra if name != "dtype"} == {
            name: value for name, value in case.extra.items() if name != "dtype"
        }


@settings(QUICK, max_examples=1000)
@given(case=cases(), data=st.data())
def test_wrong_values_reach_no_class(case, data):
    """A value that its type refuses stops before the class is touched, and the error names it."""
    candidates = [argument for argument in case.arguments if argument.sort.wrong is not None]
    if not candidates:
        return
    argument = data.draw(st.sampled_from(candidates))
    wrong = data.draw(argument.sort.wrong)
    with restored_registries():
        cls = case.make_class()
        config = {**cls(**case.passed).get_config(), argument.name: wrong}
        case.calls.clear()
        named = rf"\b{cls.__name__}: {argument.name}\b"

        with pytest.raises(ConfigError, match=rf"^{named}"):
            cls(**{**case.passed, argument.name: wrong})
        # `Layer.from_config` makes a TypeError of its own of every error, and quotes it.
        with pytest.raises(ConfigError if case.base is object else TypeError, match=named):
            cls.from_config(config)

        problems = schema_of(cls).read_config(config).problems
        assert {problem.location[0] for problem in problems} <= {argument.name}
        assert case.calls == []
