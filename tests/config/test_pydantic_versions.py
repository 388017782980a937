"""Config schemas under the oldest and the newest supported pydantic: the same in every respect."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from keras_registry import types as t
from tests.support.distributions import find_uv
from tests.support.processes import child_environment, run_python

if TYPE_CHECKING:
    from tests.support.processes import ForkServer

CHECKOUT = Path(__file__).resolve().parents[2]

FIRST_FOR_PYTHON = {(3, 13): (2, 8, 0), (3, 14): (2, 12, 0)}
"""The first pydantic that a Python has, where that is newer than our lower bound."""

NO_TYPES = {
    "ANYTHING",
    "Deferred",
    "EitherField",
    "FORM_ONLY",
    "KerasField",
    "KerasObject",
    "ObjectField",
    "build",
    "field_for_class",
}
"""What `keras_registry.types` has besides types of fields."""

PROGRAM = """\
import dataclasses
import json
import sys
from enum import Enum, IntEnum
from typing import Annotated, Any, Dict, List, Literal, Optional, Tuple, Union

import annotated_types
import keras
import pydantic
from pydantic import BaseModel, Field

from keras_registry import ConfigError, register
from keras_registry import types as t
from keras_registry.migrations import Migration, rename
from keras_registry.registration import default_registry


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Corner(Enum):
    LEFT = (0, 1)
    RIGHT = (1, 1)


class Size(IntEnum):
    LARGE = 9
    SMALL = 1


@dataclasses.dataclass
class Point:
    x: int
    y: float = 1
    tags: tuple[str, ...] = ()
    widths: list[int] = dataclasses.field(default_factory=list)


class Inner(BaseModel):
    units: t.PositiveInt
    activation: t.Activation = "relu"
    points: list[Point] = Field(default_factory=list, description="Some points.")


class Node(BaseModel):
    units: int = 1
    next: Optional["Node"] = None


HINTS = {
    "bounds": Annotated[int, Field(gt=1, le=9)],
    "both": Annotated[float, Field(ge=0.5), Field(lt=2)],
    "twice": Annotated[Annotated[int, annotated_types.Ge(0)], annotated_types.Ge(2)],
    "interval": Annotated[int, annotated_types.Interval(ge=1, lt=9)],
    "multiple": Annotated[int, Field(multiple_of=4)],
    "text": Annotated[str, Field(min_length=1, max_length=4, pattern="^a")],
    "length": Annotated[str, annotated_types.Len(1, 4)],
    "some": Annotated[list[int], Field(min_length=1, max_length=3)],
    "few": Annotated[Dict[str, int], Field(max_length=2)],
    "inside": List[Annotated[float, Field(gt=0, allow_inf_nan=False)]],
    "strict": pydantic.StrictInt,
    "positive": pydantic.PositiveInt,
    "conint": pydantic.conint(gt=2, multiple_of=2),
    "union": Union[int, str, None],
    "optional": Optional[float],
    "layers": list[t.Layer | None],
    "either": t.Initializer | t.Layer | None,
    "rate": t.LearningRate | None,
    "pair": Tuple[int, str],
    "tuple": tuple[float, ...],
    "single": tuple[int],
    "set": set[int],
    "frozenset": frozenset[str],
    "numbered": dict[int, list[str]],
    "measured": dict[float, int],
    "labelled": dict[Literal["in", "out"], t.Shape],
    "literal": Literal["b", 1, None, True],
    "colour": Colour,
    "corner": Corner,
    "size": Size,
    "point": Point,
    "inner": Inner,
    "inners": dict[str, Inner | None],
    "node": Node,
    "any": Any,
    "nothing": type(None),
    "dense": t.KerasObject[keras.layers.Dense],
    "bare": dict,
}
HINTS |= {
    f"type_{name}": getattr(t, name) for name in t.__all__ if name not in json.loads(sys.argv[1])
}
DEFAULTS = {
    "int": (float, 1),
    "inf": (float, float("inf")),
    "enum": (Colour, Colour.RED),
    "tuple": (tuple[int, ...], (1, 2)),
    "dict": (dict[int, float], {1: 2.0}),
    "none": (t.Seed, None),
    "named": (t.Initializer, "zeros"),
    "field": (int, Field(3, gt=0, title="Units", description="How many.", examples=[1])),
    "factory": (list[int], Field(default_factory=list)),
    "described": (Annotated[int, Field(description="How many.")], 3),
    "model": (Inner, Inner(units=3)),
}
found = {"pydantic": pydantic.VERSION, "fingerprints": {}, "properties": {}, "given": {}}


def note(where, name, schema):
    found["fingerprints"][f"{where} {name}"] = schema.fingerprint
    found["properties"][f"{where} {name}"] = schema.properties


for name, hint in HINTS.items():
    class Made:
        def __init__(self, x, y=None): ...

    Made.__init__.__annotations__ = {"x": hint, "y": Optional[hint]}
    register("derived", name=name)(Made)
    note("derived", name, default_registry.find(f"derived>{name}").schema)

fields = {name: (hint, ...) for name, hint in HINTS.items()}
fields |= {f"default_{name}": value for name, value in DEFAULTS.items()}


class Given:
    def __init__(self, **kwargs): ...

    @classmethod
    def from_config(cls, config):
        return cls(**config)

    def get_config(self):
        return {}


register("given", config=pydantic.create_model("GivenConfig", **fields))(Given)
note("given", "model", default_registry.find("given>Given").schema)


class Owner(BaseModel):
    units: t.PositiveInt
    mode: Literal["a", "b"] = "a"


@register("life", config=Owner)
class Owned(keras.layers.Layer):
    def __init__(self, units, mode="a", **kwargs):
        super().__init__(**kwargs)
        self.units, self.mode = units, mode


@register("life", version=2, migrations=[Migration(1, 2, rename("width", "units"))])
class Gate(keras.layers.Layer):
    def __init__(
        self,
        units: t.PositiveInt,
        sizes: dict[int, float] | None = None,
        point: Point | None = None,
        activation: t.Activation = "relu",
        scale: t.Array = 1.0,
        widths: tuple[int, ...] = (1, 2),
        colour: Colour = Colour.RED,
        inner: t.Layer | None = None,
        extra=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units, self.sizes, self.point, self.activation = units, sizes, point, activation
        self.scale, self.widths, self.colour, self.inner = scale, widths, colour, inner
        self.extra = extra


def there_and_back(thing):
    text = json.dumps(keras.saving.serialize_keras_object(thing))
    return text, keras.saving.deserialize_keras_object(json.loads(text))


gate = Gate(
    3,
    sizes={1: 0.5},
    point=Point(2, tags=("a", "b")),
    activation="gelu",
    scale=[[1.0, 2.0]],
    colour=Colour.BLUE,
    inner=keras.layers.Dense(2, name="dense"),
    extra=({1: (2,)}, {3}),
    name="gate",
)
text, again = there_and_back(gate)
found["round trip"] = json.loads(text)
assert json.loads(there_and_back(again)[0]) == json.loads(text)
found["values"] = repr((again.units, again.sizes, again.point, again.activation.__name__))
found["more"] = repr((again.scale.tolist(), again.widths, again.colour, again.inner.name))
found["extra"] = repr(again.extra)
found["owned"] = there_and_back(Owned(units=3, mode="b", name="owned"))[1].get_config()

refused = found["refused"] = {}
for name, values in {
    "too small": {"units": 0},
    "text": {"units": "3"},
    "number": {"units": 3, "activation": 3},
    "inside": {"units": 3, "widths": (1, "2")},
    "key": {"units": 3, "sizes": {"a": 1.0}},
    "choice": {"units": 3, "colour": "green"},
    "missing": {},
}.items():
    try:
        Gate(**values)
    except (ConfigError, TypeError) as error:
        refused[name] = str(error)

schema = default_registry.find("life>Gate").schema
problems = found["problems"] = {}
for name, config in {
    "good": {"units": 3, "keras_registry_config_version": 2},
    "old": {"width": 3},
    "unknown": {"units": 3, "surprise": 1, "keras_registry_config_version": 2},
    "several": {"units": -1, "widths": [1, None], "colour": 3, "keras_registry_config_version": 2},
    "inside": {"units": 1, "point": {"x": "one"}, "keras_registry_config_version": 2},
    "form": {"units": 1, "inner": "dense", "keras_registry_config_version": 2},
}.items():
    reading = schema.read_config(config)
    problems[name] = [repr(problem) for problem in reading.problems] + list(reading.steps)
print(json.dumps(found, default=repr))
"""


def lower_bound() -> str:
    """The oldest pydantic that `pyproject.toml` allows, or that the running Python has."""
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (requirement,) = (r for r in project["dependencies"] if r.startswith("pydantic"))
    found = re.fullmatch(r"pydantic>=(\d+)\.(\d+)", requirement)
    assert found is not None, requirement
    bounds = [first for python, first in FIRST_FOR_PYTHON.items() if sys.version_info >= python]
    return ".".join(map(str, max([(int(found[1]), int(found[2]), 0), *bounds])))


@pytest.fixture(scope="module")
def oldest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the program finds under the oldest supported pydantic."""
    folder, uv = tmp_path_factory.mktemp("oldest-pydantic"), find_uv()
    assert uv is not None
    subprocess.run(
        [
            *(uv, "pip", "install", "--quiet", "--no-config", "--only-binary", ":all:"),
            *("--python", sys.executable, "--target", os.fspath(folder)),
            f"pydantic=={lower_bound()}",
        ],
        env=child_environment(),
        check=True,
        timeout=120,
    )
    done = run_python(PROGRAM, argv=[json.dumps(sorted(NO_TYPES))], path=[folder])
    found: dict[str, Any] = done.check().json()
    assert found["pydantic"] == lower_bound()
    return found


@pytest.fixture(scope="module")
def newest(fork_server: ForkServer) -> dict[str, Any]:
    """What the program finds under the installed pydantic."""
    done = fork_server.run(PROGRAM, argv=[json.dumps(sorted(NO_TYPES))])
    found: dict[str, Any] = done.check().json()
    return found


def test_every_field_type_is_looked_at(newest: dict[str, Any]) -> None:
    """Each type that plugin authors may annotate with is among those that are compared."""
    types = {name for name in t.__all__ if name not in NO_TYPES}

    assert {f"derived type_{name}" for name in types} <= set(newest["fingerprints"])
    assert len(types) >= 25
    assert len(set(newest["fingerprints"].values())) > 60


@pytest.mark.parametrize("part", ["fingerprints", "properties"])
def test_schemas_are_equal(part: str, oldest: dict[str, Any], newest: dict[str, Any]) -> None:
    """Schemas and fingerprints are equal under the oldest and the newest supported pydantic."""
    assert oldest[part] == newest[part]


@pytest.mark.parametrize("part", ["round trip", "values", "more", "extra", "owned"])
def test_objects_are_equal(part: str, oldest: dict[str, Any], newest: dict[str, Any]) -> None:
    """Objects are constructed, saved and loaded alike."""
    assert oldest[part] == newest[part]


@pytest.mark.parametrize("part", ["refused", "problems"])
def test_what_is_wrong_is_told_alike(
    part: str, oldest: dict[str, Any], newest: dict[str, Any]
) -> None:
    """Wrong arguments and wrong configs are refused in the same places and the same words."""
    assert oldest[part] == newest[part]
    assert [name for name, told in oldest[part].items() if not told] in ([], ["good"])
