"""S12: the layer gained, lost or renamed a constructor argument since the file was saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.conftest import SavedModel
from tests.scenarios.observing import observe, plain
from tests.support.distributions import PluginProject
from tests.support.golden import check_golden
from tests.support.plugins import altered
from tests.support.processes import run_python

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.scenarios.observing import Observed
    from tests.support.processes import ForkServer

    Shelf = Callable[[PluginProject], Path]

BLEND = """\
import keras

from keras_registry import register
from keras_registry import types as t
from keras_registry.migrations import Migration, add, drop, rename


@register("acme")
class Blend(keras.layers.Layer):
    def __init__(self, width: t.PositiveInt, rate: float = 0.5, legacy: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.width, self.rate, self.legacy = width, rate, legacy

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.width), name="kernel")

    def call(self, inputs):
        return keras.ops.matmul(inputs, self.kernel) * self.rate
"""
KEPT = "self.width, self.rate, self.legacy = width, rate, legacy"
LEGACY = ", legacy: bool = False"

GAINED = altered(BLEND, "rate: float = 0.5", "rate: float = 0.5, scale: float = 1.0")
GAINED = altered(GAINED, KEPT, f"{KEPT}\n        self.scale = scale")
LOST = altered(altered(BLEND, LEGACY, ""), KEPT, "self.width, self.rate = width, rate")
RENAMED = altered(BLEND, "width: t.PositiveInt", "units: t.PositiveInt")
RENAMED = altered(RENAMED, "= width, rate, legacy", "= units, rate, legacy")
NEEDING = altered(BLEND, "width: t.PositiveInt", "width: t.PositiveInt, depth: t.PositiveInt")

SAVE = """\
import sys

import keras
import numpy as np

import keras_registry
from acme_blend import Blend

keras.utils.set_random_seed(12)
model = keras.Sequential(
    [
        keras.layers.Input((3,)),
        Blend(4, rate=0.25, legacy=True, name="blend"),
        Blend(2, name="last"),
    ]
)
x = np.random.default_rng(12).normal(size=(6, 3)).astype("float32")
model.save(sys.argv[1])
np.savez(sys.argv[2], x=x, predictions=model.predict(x, verbose=0))
"""


def blend(version: str, source: str, migration: str | None = None) -> PluginProject:
    """Return acme-blend of a version; with a migration, of config version 2."""
    if migration is not None:
        steps = f'@register("acme", version=2, migrations=[Migration(1, 2, {migration})])'
        source = altered(source, '@register("acme")', steps)
    return PluginProject(
        name="acme-blend",
        version=version,
        modules={"acme_blend/__init__.py": source},
        entry_points={"keras_registry.layers": {"acme>Blend": "acme_blend:Blend"}},
    )


@pytest.fixture(scope="module")
def saved(
    tmp_path_factory: pytest.TempPathFactory, shelf: Shelf, fork_server: ForkServer
) -> SavedModel:
    """A model of acme-blend 1.2.0. Read only."""
    folder = tmp_path_factory.mktemp("s12")
    made = SavedModel(folder / "blend.keras", folder / "blend.npz")
    site = shelf(blend("1.2.0", BLEND))
    fork_server.run(SAVE, argv=[made.path, made.npz], path=[site]).check()
    return made


def assert_as_saved(loaded: Observed, saved: SavedModel) -> None:
    """Check that a model predicts what the saved one did."""
    assert loaded.before == ()
    np.testing.assert_array_equal(
        np.asarray(loaded.predictions, "float32"), np.load(saved.npz)["predictions"]
    )


def test_gained_argument_has_its_default(
    saved: SavedModel, shelf: Shelf, fork_server: ForkServer
) -> None:
    """A new argument with a default: the file loads, with a warning that the schema is another."""
    tell = "seen['scale'] = model.layers[0].scale"

    loaded = observe(
        fork_server.run,
        saved.path,
        path=[shelf(blend("1.3.0", GAINED))],
        inputs=saved.npz,
        epilogue=tell,
    )

    assert loaded.raw["scale"] == 1.0
    assert loaded.findings == (("R203", "note"), ("R207", "warning"))
    assert_as_saved(loaded, saved)
    ((_, _, text, _),) = loaded.warnings
    check_golden("scenarios/s12_gained", text, replace={str(saved.path.parent): "FOLDER"})


DECLARED = {
    "gained": (GAINED, 'add("scale", 1.0)'),
    "lost": (LOST, 'drop("legacy")'),
    "renamed": (RENAMED, 'rename("width", "units")'),
}


@pytest.mark.parametrize("change", [(n, v) for n in DECLARED for v in ("1.3.0", "2.0.0")])
def test_declared_change_loads_in_silence(
    saved: SavedModel, shelf: Shelf, fork_server: ForkServer, change: tuple[str, str]
) -> None:
    """With a migration for the change, the file loads without a word, also in a new major."""
    name, version = change
    site = shelf(blend(version, *DECLARED[name]))

    loaded = observe(fork_server.run, saved.path, path=[site], inputs=saved.npz)

    assert loaded.is_silent()
    assert loaded.codes == ["R203" if version < "2" else "R204", "S104"]
    assert loaded.raw["verified"] == ["layers"]
    assert_as_saved(loaded, saved)


UNDECLARED = {
    "lost": ("1.3.0", LOST),
    "renamed": ("1.3.0", RENAMED),
    "renamed_major": ("2.0.0", RENAMED),
    "needing": ("1.3.0", NEEDING),
}


@pytest.mark.parametrize("name", UNDECLARED)
def test_undeclared_change_is_named(
    saved: SavedModel, shelf: Shelf, fork_server: ForkServer, name: str
) -> None:
    """Without a migration the load stops: field, place and both versions are said."""
    failed = observe(fork_server.run, saved.path, path=[shelf(blend(*UNDECLARED[name]))])

    errors = [code for code, level in failed.findings if level == "error"]
    assert set(errors) <= {"S101", "R206"}
    assert errors.count("S101") == 2
    assert "TypeError" in failed.error_classes
    check_golden(f"scenarios/s12_{name}", failed.text, replace={str(saved.path.parent): "FOLDER"})


LOAD = """\
import sys

import keras

import keras_registry

try:
    keras.saving.load_model(sys.argv[1])
except keras_registry.LoadError as error:
    print(error)
"""


def test_real_interpreter_names_the_argument(saved: SavedModel, shelf: Shelf) -> None:
    """In a new interpreter the error is the same."""
    done = run_python(LOAD, argv=[saved.path], path=[shelf(blend("1.3.0", LOST))])

    check_golden(
        "scenarios/s12_lost", done.check().stdout, replace={str(saved.path.parent): "FOLDER"}
    )


# --- plain Keras -----------------------------------------------------------------------------

PLAIN = """\
import keras


@keras.saving.register_keras_serializable("acme")
class Blend(keras.layers.Layer):
    def __init__(self, width=8, rate=0.5, legacy=False, **kwargs):
        super().__init__(**kwargs)
        self.width, self.rate, self.legacy = width, rate, legacy

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], 2), name="kernel")

    def call(self, inputs):
        return keras.ops.matmul(inputs, self.kernel) * self.rate

    def get_config(self):
        return {**super().get_config(), "width": self.width, "rate": self.rate}
"""
SAVE_PLAIN = """\
import sys

import keras

from plain_blend import Blend

keras.Sequential([keras.layers.Input((3,)), Blend(4, rate=0.25, name="blend")]).save(sys.argv[1])
"""


def test_plain_keras_names_no_version(fork_server: ForkServer, tmp_path: Path) -> None:
    """Plain Keras, too, stops at a renamed argument, but names no version of anything."""
    for name, source in (("old", PLAIN), ("new", PLAIN.replace("width", "units"))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "plain_blend.py").write_text(source, encoding="utf-8")
    file = tmp_path / "plain.keras"
    fork_server.run(SAVE_PLAIN, argv=[file], path=[tmp_path / "old"]).check()

    failed = observe(
        fork_server.run,
        file,
        path=[tmp_path / "new"],
        env=plain,
        prelude="import plain_blend",
    )

    assert "Unrecognized keyword arguments passed to Blend: {'width': 4}" in failed.text
    assert len(failed.text) > 1000
    assert "version" not in failed.text
