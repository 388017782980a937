"""P16: a notebook cell is run twice, or a module reloaded."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.scenarios.observing import observe, plain
from tests.support.golden import check_golden

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import SavedModel
    from tests.support.processes import ForkServer

# A notebook: every cell is executed in one namespace, whose name is __main__.
NOTEBOOK = '''\
import sys
import keras
import numpy as np
import keras_registry

CELL = """
@{decorator}
class Scale(keras.layers.Layer):
    def __init__(self, factor: float, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def get_config(self):
        return {{**super().get_config(), "factor": self.factor}}

    def call(self, inputs):
        return {sign} * self.factor * inputs
"""

def run_cell(decorator, sign=1):
    exec(CELL.format(decorator=decorator, sign=sign), globals())

x = np.ones((1, 2), "float32")
ours = "keras_registry.register('book')"
theirs = "keras.saving.register_keras_serializable('book')"

def predict(model):
    return model.predict(x, verbose=0).tolist()

run_cell(DECORATOR)
First = Scale
model = keras.Sequential([keras.layers.Input((2,)), Scale(3.0)])
model.save(sys.argv[1])
'''


@pytest.fixture
def notebook(fork_server: ForkServer, tmp_path: Path):
    """Run cells after the first one, and return what they print."""

    def run(cells: str, *, decorator: str = "ours") -> list[str]:
        code = NOTEBOOK.replace("DECORATOR", decorator) + cells
        env = {} if decorator == "ours" else plain
        done = fork_server.run(code, argv=[tmp_path / "model.keras"], env=env)
        return done.check().stdout.splitlines()

    return run


def test_cell_can_be_run_again(notebook) -> None:
    """A cell that is run twice replaces the class, and the file loads with the newer one."""
    found = notebook("""
run_cell(ours, sign=-1)
again = keras.saving.load_model(sys.argv[1])
print(Scale is First, type(again.layers[0]) is Scale, predict(model), predict(again))
print(keras.saving.get_registered_object("book>Scale") is Scale)
""")

    assert found == ["False True [[3.0, 3.0]] [[-3.0, -3.0]]", "True"]


def test_many_runs_leave_one_registration(notebook) -> None:
    """However often a cell is run, there is one object under its key, and nothing is printed."""
    found = notebook("""
from keras_registry.registration import default_registry
for _ in range(5):
    run_cell(ours)
print([r.key for r in default_registry], default_registry.find("book>Scale").target is Scale)
print([k for k in keras.saving.get_custom_objects() if "Scale" in k])
model = keras.Sequential([keras.layers.Input((2,)), Scale(3.0)])
model.save(sys.argv[1])
print(predict(keras.saving.load_model(sys.argv[1])))
""")

    assert found == ["['book>Scale'] True", "['book>Scale']", "[[3.0, 3.0]]"]


ANOTHER = """
class Elsewhere:
    {decorator}
    class Scale(keras.layers.Layer):
        def __init__(self, factor: float = 1.0, **kwargs):
            super().__init__(**kwargs)

        def call(self, inputs):
            return -inputs
"""


def test_another_class_under_the_key_is_refused(notebook) -> None:
    """A class from elsewhere cannot take the key; the message says which and what to write."""
    attempt = ANOTHER.format(decorator='@keras_registry.register("book")').strip()
    indented = attempt.replace("\n", "\n    ")
    found = notebook(f"""
try:
    {indented}
except keras_registry.RegistrationError as error:
    print(error)
print(type(keras.saving.load_model(sys.argv[1]).layers[0]) is First)
""")

    check_golden("scenarios/p16_refused", "\n".join(found[:-1]))
    assert found[-1] == "True"


def test_plain_keras_lets_another_class_take_over(notebook) -> None:
    """In plain Keras the other class takes the key without a word, and predicts something else."""
    cells = ANOTHER.format(decorator='@keras.saving.register_keras_serializable("book")')
    cells = cells.replace("factor: float = 1.0", "factor=1.0")
    found = notebook(
        f"{cells}\nprint(predict(model), predict(keras.saving.load_model(sys.argv[1])))",
        decorator="theirs",
    )

    assert found == ["[[3.0, 3.0]] [[-1.0, -1.0]]"]


def test_functions_can_be_defined_again(notebook) -> None:
    """A function of a cell that is run again is the newer one after the load."""
    found = notebook("""
def cell(sign):
    source = "@keras_registry.register('book')\\ndef bend(x):\\n    return SIGN * x\\n"
    exec(source.replace("SIGN", str(sign)), globals())
cell(1)
keras.Sequential([keras.layers.Input((2,)), keras.layers.Activation(bend)]).save(sys.argv[1])
cell(-2)
print(predict(keras.saving.load_model(sys.argv[1])))
""")

    assert found == ["[[-2.0, -2.0]]"]


RELOAD = """
import importlib, pathlib
import acme_layers.gated
First = acme_layers.gated.GatedDense
file = pathlib.Path(acme_layers.gated.__file__)
source = file.read_text(encoding="utf-8")
file.write_text(source.replace("return gate *", "return -1 * gate *"), encoding="utf-8")
importlib.reload(acme_layers.gated)
assert acme_layers.gated.GatedDense is not First
"""


def test_reloaded_plugin_is_used(
    acme_site: Path, acme_model: SavedModel, fork_server: ForkServer, tmp_path: Path
) -> None:
    """After `importlib.reload` of a plugin's module the newer class is the one that is loaded."""
    site = shutil.copytree(acme_site, tmp_path / "site")
    epilogue = (
        "seen['newer'] = type(model.layers[0]) is acme_layers.gated.GatedDense\n"
        "x = np.load(options['inputs'])['x']\n"
        "first = model.layers[0](x)\n"
        "seen['sign'] = float(keras.ops.mean(first / First.call(model.layers[0], x)))"
    )

    loaded = observe(
        fork_server.run,
        acme_model.path,
        path=[site],
        prelude=RELOAD,
        inputs=acme_model.npz,
        epilogue=epilogue,
    )

    assert loaded.is_silent()
    assert loaded.raw["newer"]
    np.testing.assert_allclose(loaded.raw["sign"], -1, rtol=1e-4)


def test_module_imported_anew_is_used(
    acme_site: Path, acme_model: SavedModel, fork_server: ForkServer
) -> None:
    """A module that was dropped from `sys.modules` and imported again is used as it is now."""
    prelude = (
        "import importlib, sys\n"
        "import acme_layers.gated\n"
        "First = acme_layers.gated.GatedDense\n"
        "for name in [n for n in sys.modules if n.startswith('acme_layers')]:\n"
        "    del sys.modules[name]\n"
        "Second = importlib.import_module('acme_layers.gated').GatedDense\n"
    )

    loaded = observe(
        fork_server.run,
        acme_model.path,
        path=[acme_site],
        prelude=prelude,
        epilogue="seen['second'] = type(model.layers[0]) is Second and Second is not First",
    )

    assert loaded.is_silent()
    assert loaded.raw["second"]
