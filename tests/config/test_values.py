"""Which values the constructor of a registered class takes, and what its body receives."""

from typing import Literal

import numpy as np
import pytest

from keras_registry import ConfigError, register
from keras_registry import types as t
from tests.support.golden import check_golden


@pytest.fixture
def make():
    """Make an object of a class that has an argument of each plain type."""

    @register("acme")
    class Held:
        def __init__(
            self,
            *,
            whole: int = 1,
            real: float = 1.0,
            text: str = "",
            flag: bool = False,
            units: t.PositiveInt = 1,
            padding: Literal["same", "valid"] = "same",
            widths: list[int] = (),
            size: tuple[int, int] = (1, 1),
            table: dict[str, list[float]] | None = None,
        ):
            self.values = locals()

    return Held


@pytest.mark.parametrize(
    "wrong",
    [
        {"whole": "3"},
        {"whole": True},
        {"whole": 1.0},
        {"whole": None},
        {"whole": np.float32(1)},
        {"real": "0.5"},
        {"real": True},
        {"real": None},
        {"text": 1},
        {"text": b"a"},
        {"flag": 1},
        {"flag": "true"},
        {"units": 0},
        {"units": "3"},
        {"units": True},
        {"padding": "full"},
        {"widths": ["1"]},
        {"widths": [1.0]},
        {"widths": 1},
        {"size": (1, "2")},
        {"table": {"a": ["1"]}},
        {"table": {1: [1.0]}},
    ],
    ids=str,
)
def test_nothing_is_guessed(make, wrong):
    """A value of another type is refused, also where Python or pydantic would convert it."""
    with pytest.raises(ConfigError, match=rf"Held: {next(iter(wrong))}"):
        make(**wrong)


@pytest.mark.parametrize(
    ("given", "received"),
    [
        ({"whole": np.int64(3)}, 3),
        ({"whole": np.uint8(3)}, 3),
        ({"real": 3}, 3.0),
        ({"real": np.float64(0.5)}, 0.5),
        ({"real": np.float32(0.5)}, 0.5),
        ({"real": np.int32(2)}, 2.0),
        ({"text": np.str_("a")}, "a"),
        ({"flag": np.bool_(True)}, True),
        ({"units": np.int64(3)}, 3),
        ({"widths": [np.int64(3), 4]}, [3, 4]),
        ({"widths": (3, 4)}, [3, 4]),
        ({"size": [3, 4]}, (3, 4)),
        ({"table": {"a": [1, np.float32(0.5)]}}, {"a": [1.0, 0.5]}),
    ],
    ids=str,
)
def test_values_that_need_no_guessing_are_taken(make, given, received):
    """Numpy scalars, an integer for a float, a list for a tuple arrive as the annotated type."""
    (name,) = given

    found = make(**given).values[name]

    assert found == received
    assert type(found) is type(received)


def test_numpy_scalars_are_plain_in_the_config(make):
    """A numpy scalar is saved as the number that it stands for, so that JSON can hold it."""
    config = make(whole=np.int64(3), real=np.float32(0.5), widths=[np.int16(2)]).get_config()

    assert [type(config[name]) for name in ("whole", "real")] == [int, float]
    assert type(config["widths"][0]) is int


def test_defaults_are_checked_and_converted(make):
    """A default goes through the schema as well: the body receives the annotated type."""
    values = make().values

    assert values["widths"] == []
    assert type(values["widths"]) is list


def test_all_problems_are_told_at_once(make):
    """One error names every argument that is wrong, with what was wanted and what was found."""
    with pytest.raises(ConfigError) as caught:
        make(whole="3", units=-1, widths=[1, None, "2"], padding="full")

    check_golden("config/refused-values", str(caught.value).replace("make.<locals>.", ""))


def test_the_refusal_of_hostile_text_is_printable(make):
    """What stands in a refusal is escaped and cut, whatever was passed."""
    with pytest.raises(ConfigError) as caught:
        make(whole="\x1b[31m" + "x" * 5000)

    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


def test_the_body_is_not_run_when_an_argument_is_refused():
    """A value is refused before the author's constructor sees it."""
    calls = []

    @register("acme")
    class Watched:
        def __init__(self, units: t.PositiveInt):
            calls.append(units)

    with pytest.raises(ConfigError, match="units"):
        Watched(0)
    assert calls == []


def test_a_refusal_is_a_value_error():
    """Code that catches ValueError around a constructor goes on working."""
    assert issubclass(ConfigError, ValueError)


@pytest.mark.parametrize(
    ("arguments", "named", "message"),
    [
        ((), {}, r"missing 1 required positional argument: 'units'"),
        ((1, 0.5, 2), {}, r"takes from 2 to 3 positional arguments but 4 were given"),
        ((1,), {"units": 2}, r"got multiple values for argument 'units'"),
        ((1,), {"unit": 2}, r"got an unexpected keyword argument 'unit'"),
    ],
)
def test_a_wrong_call_raises_what_python_raises(arguments, named, message):
    """A missing, doubled or unknown argument raises Python's own error."""

    @register("acme")
    class Held:
        def __init__(self, units: int, rate: float = 0.5):
            self.units, self.rate = units, rate

    with pytest.raises(TypeError, match=message):
        Held(*arguments, **named)


def test_arguments_may_be_positional():
    """Arguments passed by position are checked and recorded like named ones."""

    @register("acme")
    class Held:
        def __init__(self, units: t.PositiveInt, rate: float = 0.5, *, label: str = ""):
            self.units, self.rate, self.label = units, rate, label

    held = Held(3, 1, label="a")

    assert (held.units, held.rate, held.label) == (3, 1.0, "a")
    assert held.get_config() == {"units": 3, "rate": 1.0, "label": "a"}
    with pytest.raises(ConfigError, match="units"):
        Held(0)
