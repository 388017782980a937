"""P03: what `get_config` forgets, and what JSON makes of tuples, sets, enums and objects."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.archives import read_document
from tests.scenarios.observing import observe, plain
from tests.support.distributions import PluginProject
from tests.support.golden import check_golden
from tests.support.plugins import altered
from tests.support.processes import run_python

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.processes import Completed, ForkServer

    Shelf = Callable[[PluginProject], Path]

KEEPERS = '''\
from enum import Enum

import keras
import numpy as np

from keras_registry import register
from keras_registry import types as t


class Level(Enum):
    LOW = "low"
    HIGH = "high"


@register("acme")
class Inner(keras.layers.Layer):
    def __init__(self, factor: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, inputs):
        return inputs * self.factor


class Base(keras.layers.Layer):
    def told(self):
        return {name: tell(getattr(self, name)) for name in self.names}

    def build(self, input_shape):
        for layer in self._flatten_layers(include_self=False):
            layer.build(input_shape)

    def call(self, inputs):
        return inputs


def tell(value):
    if isinstance(value, keras.layers.Layer):
        return [type(value).__name__, value.name, getattr(value, "factor", None)]
    if isinstance(value, np.ndarray):
        return ["ndarray", str(value.dtype), value.tolist()]
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value) if isinstance(value, (set, frozenset)) else value
        return [type(value).__name__, [tell(item) for item in items]]
    if isinstance(value, dict):
        return ["dict", [[tell(name), tell(item)] for name, item in value.items()]]
    if isinstance(value, (keras.initializers.Initializer, keras.regularizers.Regularizer)):
        return [type(value).__name__, value.get_config()]
    return [type(value).__name__, repr(value)]


@register("acme")
class Typed(Base):
    names = ("sizes", "kinds", "level", "table", "start", "layers", "begin", "penalty", "scale")

    def __init__(
        self,
        sizes: tuple[int, ...],
        kinds: set[str],
        level: Level,
        table: dict[int, float],
        start: t.Array,
        layers: list[t.Layer],
        begin: t.Initializer = "zeros",
        penalty: t.Regularizer = None,
        scale: float = 1.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.sizes, self.kinds, self.level, self.table = sizes, kinds, level, table
        self.start, self.layers, self.begin, self.penalty = start, layers, begin, penalty
        self.scale = scale


@register("acme")
class Untyped(Base):
    names = ("sizes", "table", "start", "inner", "begin", "both")

    def __init__(self, sizes, table, start, inner, begin, both, **kwargs):
        super().__init__(**kwargs)
        self.sizes, self.table, self.start = sizes, table, start
        self.inner, self.begin, self.both = inner, begin, both


@register("acme")
class Extended(keras.layers.Dense):
    """A subclass of a class with its own `get_config`."""

    names = ("times",)
    told = Base.told

    def __init__(self, units: int, times: int = 2, **kwargs):
        super().__init__(units, **kwargs)
        self.times = times


@register("acme")
class Forgetful(keras.layers.Layer):
    """Its `get_config` was written by hand and forgets an argument."""

    def __init__(self, units: int = 4, rate: float = 0.5, **kwargs):
        super().__init__(**kwargs)
        self.units, self.rate = units, rate

    def call(self, inputs):
        return inputs * self.rate

    def get_config(self):
        return {**super().get_config(), "units": self.units}


@register("acme")
class Orphan(keras.layers.Layer):
    """Its `get_config` was written by hand and forgets `super()`."""

    def __init__(self, units: int = 4, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def call(self, inputs):
        return inputs

    def get_config(self):
        return {"units": self.units}


@register("acme")
class Bounded(keras.layers.Layer):
    """Its arguments have bounds, and its config is derived."""

    def __init__(self, units: t.PositiveInt, rate: t.Probability = 0.5, **kwargs):
        super().__init__(**kwargs)
        self.units, self.rate = units, rate

    def call(self, inputs):
        return inputs * self.rate
'''

LAYERS = ("Inner", "Typed", "Untyped", "Extended", "Forgetful", "Orphan", "Bounded")
PROJECT = PluginProject(
    name="acme-keepers",
    version="1.0.0",
    modules={"acme_keepers/__init__.py": KEEPERS},
    entry_points={
        "keras_registry.layers": {f"acme>{name}": f"acme_keepers:{name}" for name in LAYERS}
    },
)

MADE = {
    "typed": """
Typed(
    (3, 5, 7), {"b", "a"}, Level.HIGH, {1: 0.5, 20: 0.25}, np.arange(3, dtype="int16"),
    [Inner(2.0, name="one"), Inner(3.0, name="two")], keras.initializers.HeNormal(seed=4),
    keras.regularizers.L2(0.125), np.float32(2.5), name="typed",
)
""",
    "untyped": """
Untyped(
    (3, (5, 7)), {1: (0.5,), 20: None}, np.eye(2, dtype="float32"), Inner(2.0, name="one"),
    keras.initializers.HeNormal(seed=4), [keras.regularizers.L2(0.125), {"a": {3}}],
)
""",
    "extended": "Extended(3, times=5, use_bias=False)",
}

SAVE = """\
import json
import sys

import keras
import numpy as np

import keras_registry
from acme_keepers import *

keras.utils.set_random_seed(3)
layer = eval(sys.argv[2])
keras.Sequential([keras.layers.Input((2,)), layer]).save(sys.argv[1])
print(json.dumps(layer.told()))
"""
TELL = "seen['told'] = model.layers[0].told()"


# --- values ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MADE)
def test_values_come_back_with_their_types(
    name: str, shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Tuples, sets, enums, arrays, integer keys and nested objects come back as what they were."""
    file, site = tmp_path / "m.keras", shelf(PROJECT)
    done = fork_server.run(SAVE, argv=[file, MADE[name].strip()], path=[site])
    told = done.json()
    assert done.messages == ""

    loaded = observe(fork_server.run, file, path=[site], epilogue=TELL)

    assert loaded.before == ()
    assert loaded.is_silent()
    assert loaded.findings == ()
    assert loaded.raw["told"] == told


def test_real_interpreters(shelf: Shelf, tmp_path: Path) -> None:
    """From one new interpreter to the next, the typed values come back."""
    file, site = tmp_path / "m.keras", shelf(PROJECT)
    told = run_python(SAVE, argv=[file, MADE["typed"].strip()], path=[site]).json()
    program = (
        "import json, sys\nimport keras\nimport keras_registry\n"
        "layer = keras.saving.load_model(sys.argv[1]).layers[0]\nprint(json.dumps(layer.told()))"
    )

    done = run_python(program, argv=[file], path=[site])

    assert done.json() == told
    assert done.messages == ""


PLAIN = """\
import json
import sys

import keras
import numpy as np

from acme_keepers import *

layer = eval(sys.argv[2])
keras.Sequential([keras.layers.Input((2,)), layer]).save(sys.argv[1])
again = keras.saving.load_model(sys.argv[1]).layers[0]
print(json.dumps([layer.told(), again.told()]))
"""


PLAIN_KEEPERS = KEEPERS.replace("@register(", "@keras.saving.register_keras_serializable(")
WITH_CONFIG = altered(
    PLAIN_KEEPERS,
    "    def build(self",
    """\
    def get_config(self):
        return {**super().get_config(), **{name: getattr(self, name) for name in self.names}}

    def build(self""",
)


def in_plain_keras(shelf: Shelf, run: Callable[..., Completed], file: Path, made: str) -> Completed:
    """Save and load a layer that is registered with Keras alone, in one process."""
    site = shelf(PROJECT.with_modules({"acme_keepers/__init__.py": WITH_CONFIG}))
    return run(PLAIN, argv=[file, made.strip()], path=[site], env=plain)


def test_plain_keras_changes_types(shelf: Shelf, fork_server: ForkServer, tmp_path: Path) -> None:
    """Plain Keras gives back lists for tuples, text for integer keys, dicts for objects."""
    made = "Untyped((3, 5), {1: 0.5}, 0, Inner(2.0), keras.initializers.HeNormal(seed=4), None)"

    done = in_plain_keras(shelf, fork_server.run, tmp_path / "m.keras", made)

    before, after = done.json()
    changing = ("sizes", "inner", "begin")
    assert [before[name][0] for name in changing] == ["tuple", "Inner", "HeNormal"]
    assert [after[name][0] for name in changing] == ["TrackedList", "dict", "dict"]
    assert before["table"] == ["dict", [[["int", "1"], ["float", "0.5"]]]]
    assert after["table"] == ["dict", [[["str", "'1'"], ["float", "0.5"]]]]


def test_plain_keras_forgets_an_added_argument(
    shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """In plain Keras, a subclass of Dense with one more argument comes back with its default."""
    done = in_plain_keras(shelf, fork_server.run, tmp_path / "m.keras", "Extended(3, times=5)")

    assert done.json() == [{"times": ["int", "5"]}, {"times": ["int", "2"]}]


# --- a hand-written get_config ---------------------------------------------------------------

FORGETS = """\
import sys
import warnings

import keras

import keras_registry
from acme_keepers import *

model = keras.Sequential([keras.layers.Input((2,)), eval(sys.argv[2])])
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    try:
        model.save(sys.argv[1])
    except keras_registry.ConfigError as error:
        print("refused:", [item.code for item in error.findings])
        print(error)
for warning in caught:
    print(warning.category.__name__, warning.message.finding.code)
    print(warning.message)
"""
FORGETFUL = {
    "argument": 'Forgetful(3, rate=0.25, name="mine")',
    "super": 'Orphan(3, name="mine", trainable=False, dtype="mixed_float16")',
}


@pytest.mark.parametrize("name", FORGETFUL)
def test_forgotten_argument_is_named_at_save(
    name: str, shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """What a hand-written `get_config` leaves out is named when the model is saved."""
    file = tmp_path / "m.keras"

    done = fork_server.run(FORGETS, argv=[file, FORGETFUL[name]], path=[shelf(PROJECT)]).check()

    assert file.exists()
    assert done.messages == ""
    check_golden(f"scenarios/p03_S106_{name}", done.stdout, replace={str(tmp_path): "FOLDER"})


@pytest.mark.parametrize("name", FORGETFUL)
def test_strict_policy_refuses_to_save(
    name: str, shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Under the strict policy such a model is not saved."""
    file = tmp_path / "m.keras"

    done = fork_server.run(
        FORGETS,
        argv=[file, FORGETFUL[name]],
        path=[shelf(PROJECT)],
        env={"KERAS_REGISTRY_POLICY": "strict"},
    ).check()

    assert not file.exists()
    assert done.stdout.startswith("refused: ['S106']\n")


@pytest.mark.parametrize("made", ["Forgetful()", "Forgetful(rate=0.5)", "Orphan()", "Bounded(1)"])
def test_default_may_be_left_out(
    made: str, shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """An argument that has its default, or was not given, may be left out without a word."""
    done = fork_server.run(FORGETS, argv=[tmp_path / "m.keras", made], path=[shelf(PROJECT)])

    assert done.check().stdout == ""


def test_plain_keras_loses_what_is_forgotten(
    shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Plain Keras saves and loads in silence: another rate, another name, another dtype."""
    site = shelf(PROJECT.with_modules({"acme_keepers/__init__.py": PLAIN_KEEPERS}))
    program = FORGETS.replace("import keras_registry\n", "") + (
        "again = keras.saving.load_model(sys.argv[1]).layers[0]\n"
        "print([again.name, again.trainable, again.dtype, getattr(again, 'rate', None)])\n"
    )

    for made, wanted in (
        (FORGETFUL["argument"], "['mine', True, 'float32', 0.5]\n"),
        (FORGETFUL["super"], "['orphan', True, 'float32', None]\n"),
    ):
        argv = [tmp_path / "m.keras", made]
        assert fork_server.run(program, argv=argv, path=[site], env=plain).check().stdout == wanted


# --- a config made invalid -------------------------------------------------------------------

INVALID = """\
import json
import sys
import warnings
from pathlib import Path

import keras

import keras_registry
from acme_keepers import *

file = Path(sys.argv[1])
model = keras.Sequential(
    [keras.layers.Input((2,)), Bounded(3, name="good"), Bounded(3, name="bad")]
)
model.save(file)
before = file.read_bytes()
model.get_layer("bad").units = -2
model.get_layer("bad").rate = 1.5
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    try:
        model.save(file)
    except keras_registry.ConfigError as error:
        print("refused:", [item.code for item in error.findings], isinstance(error, ValueError))
        print(error)
for warning in caught:
    print(warning.category.__name__, warning.message.finding.code)
    print(warning.message)
print("untouched:", file.read_bytes() == before, [path.name for path in file.parent.iterdir()])
"""


@pytest.mark.parametrize("policy", ["strict", "compatible", "permissive"])
def test_invalid_config_is_not_saved(
    policy: str, shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """A model that could not be loaded back is not saved; the permissive policy only warns."""
    file = tmp_path / "m.keras"

    done = fork_server.run(
        INVALID, argv=[file], path=[shelf(PROJECT)], env={"KERAS_REGISTRY_POLICY": policy}
    ).check()

    assert done.messages == ""
    wanted = "False" if policy == "permissive" else "True"
    assert f"untouched: {wanted} ['m.keras']" in done.stdout
    name = "warned" if policy == "permissive" else "refused"
    check_golden(f"scenarios/p03_S107_{name}", done.stdout, replace={str(tmp_path): "FOLDER"})


def test_invalid_config_in_a_real_interpreter(shelf: Shelf, tmp_path: Path) -> None:
    """In a new interpreter the save is refused with the same words."""
    done = run_python(INVALID, argv=[tmp_path / "m.keras"], path=[shelf(PROJECT)])

    check_golden(
        "scenarios/p03_S107_refused", done.check().stdout, replace={str(tmp_path): "FOLDER"}
    )


def test_saved_although_invalid_is_refused_at_load(
    shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """What the permissive policy let pass is named by the load."""
    file = tmp_path / "m.keras"
    permissive = {"KERAS_REGISTRY_POLICY": "permissive"}
    fork_server.run(INVALID, argv=[file], path=[shelf(PROJECT)], env=permissive).check()

    failed = observe(fork_server.run, file, path=[shelf(PROJECT)])

    assert failed.codes == ["S101"]
    assert 'layers[2] "bad": units: Input should be greater than 0' in failed.text
    assert 'layers[2] "bad": rate: Input should be less than or equal to 1' in failed.text


def test_plain_keras_empties_the_good_file(
    shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Without the hooks the class refuses as well, when Keras has emptied the file already."""
    file = tmp_path / "m.keras"

    done = fork_server.run(INVALID, argv=[file], path=[shelf(PROJECT)], env=plain).check()

    assert "untouched: False" in done.stdout
    assert file.stat().st_size == 0


# --- values that were changed ----------------------------------------------------------------


def test_valid_change_is_saved(shelf: Shelf, fork_server: ForkServer, tmp_path: Path) -> None:
    """An attribute that is changed to another valid value is saved as it is now."""
    file = tmp_path / "m.keras"
    program = INVALID.replace(".units = -2", ".units = 5").replace(".rate = 1.5", ".rate = 0.75")

    done = fork_server.run(program, argv=[file], path=[shelf(PROJECT)]).check()

    assert "refused" not in done.stdout
    config = read_document(file, "config.json")["config"]["layers"][2]["config"]
    assert (config["units"], config["rate"]) == (5, 0.75)
    assert "set" not in json.dumps(config)
