"""Orbax checkpoints: plugins are found, and every array comes back, or the load stops."""

from __future__ import annotations

import functools
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from packaging.version import Version

from tests.conftest import SavedModel
from tests.scenarios.commands import run_command
from tests.scenarios.observing import Observed, observe, plain
from tests.scenarios.orbax_package import find_orbax
from tests.scenarios.projections import FOUR, ONE, TWO
from tests.support.golden import check_golden
from tests.support.processes import run_python

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.distributions import PluginProject
    from tests.support.processes import ForkServer

pytestmark = pytest.mark.skipif(
    Version(version("keras")) < Version("3.14"), reason="this Keras does not load checkpoints"
)

TRAIN = """\
import sys

import keras
import numpy as np

import keras_registry

model = keras.saving.load_model(sys.argv[1])
known = np.load(sys.argv[2])
x, y = known["x"], known["y"]
keep = keras.callbacks.OrbaxCheckpoint(sys.argv[3], save_on_background=False)
model.fit(x, y, shuffle=False, verbose=0, callbacks=[keep])
predictions = model.predict(x, verbose=0)
losses = model.fit(x, y, epochs=2, shuffle=False, verbose=0).history["loss"]
np.savez(sys.argv[4], x=x, y=y, predictions=predictions, losses=losses)
"""

GO_ON = """\
known = np.load(options["inputs"])
model.fit(known["x"], known["y"], epochs=2, shuffle=False, verbose=0)
seen["losses"] = [model.history.history["loss"], known["losses"].tolist()]
seen["expected"] = known["predictions"].tolist()
"""

MODELS = """\
import sys
import warnings

import keras
import numpy as np

if sys.argv[2] == "hooks":
    import keras_registry
L = keras.layers


@keras.saving.register_keras_serializable("acme")
class Tower(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first, self.second = L.Dense(3, name="first"), L.Dense(1, name="second")

    def build(self, shape):
        self.first.build(shape)
        self.second.build((None, 3))
        super().build(shape)

    def call(self, inputs):
        return self.second(self.first(inputs))


def functional():
    inputs = keras.Input((4,))
    return keras.Model(inputs, L.Dense(1)(L.Dropout(0.1)(L.Dense(3)(inputs))))


def nested():
    inputs = keras.Input((4,))
    inner = keras.Sequential([keras.Input((4,)), L.Dense(3, name="inner_dense")], name="inner")
    return keras.Model(inputs, L.Dense(1, name="dense")(inner(inputs)))


def adam():
    return keras.optimizers.Adam()


def scaled():
    return keras.mixed_precision.LossScaleOptimizer(adam())


makers = {
    "sequential": lambda: keras.Sequential(
        [keras.Input((4,)), L.Dense(3), L.Dropout(0.1), L.BatchNormalization(), L.Dense(1)]
    ),
    "alike": lambda: keras.Sequential(
        [keras.Input((4,)), L.Dense(3, name="dense"), L.Dense(1, name="my_dense")]
    ),
    "functional": functional,
    "scaled": functional,
    "nested": nested,
    "subclassed": Tower,
}
for name, make in makers.items():
    model = make()
    model.compile(scaled() if name == "scaled" else adam(), "mse")
    model(np.ones((1, 4), "float32"))
    weights = model.trainable_variables
    model.optimizer.apply([keras.ops.ones_like(weight) for weight in weights], weights)
    path = f"{sys.argv[1]}/{name}"
    keep = keras.callbacks.OrbaxCheckpoint(path, save_on_background=False)
    keep.set_model(model)
    keep.on_epoch_end(0)
    keep.on_train_end()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = keras.saving.load_model(path)
    parts = [(model.weights, again.weights), (model.optimizer.variables, again.optimizer.variables)]
    same = [
        len(old) == len(new) and all(np.array_equal(*pair) for pair in zip(old, new, strict=True))
        for old, new in parts
    ]
    print(name, *same)
"""


@pytest.fixture(scope="module")
def orbax(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """What a process needs on its path to import Orbax."""
    return find_orbax(tmp_path_factory.mktemp("orbax"))


@pytest.fixture(scope="module")
def trained(
    tmp_path_factory: pytest.TempPathFactory,
    acme_model: SavedModel,
    acme_site: Path,
    orbax: list[Path],
    fork_server: ForkServer,
) -> SavedModel:
    """The checkpoints of the acme model, trained on, and what it predicted then. Read only."""
    folder = tmp_path_factory.mktemp("trained")
    found = SavedModel(folder / "checkpoints", folder / "known.npz")
    argv = [acme_model.path, acme_model.npz, found.path, found.npz]
    fork_server.run(TRAIN, argv=argv, path=[acme_site, *orbax]).check()
    return found


@pytest.fixture
def load(
    trained: SavedModel, acme_site: Path, orbax: list[Path], fork_server: ForkServer
) -> Callable[..., Observed]:
    """Load the checkpoint in a process of its own."""

    def run(*, site: bool = True, start: Any = fork_server.run, **options: Any) -> Observed:
        path = [*([acme_site] if site else []), *orbax]
        return observe(start, trained.path, path=path, inputs=trained.npz, **options)

    return run


def test_plugin_and_state_are_back(load: Callable[..., Observed], trained: SavedModel) -> None:
    """In a fresh process the plugin is found, and the training goes on as if it had not ended."""
    seen = load(epilogue=GO_ON)

    assert seen.is_silent()
    assert (seen.before, seen.findings) == ((), ())
    assert seen.classes[0] == "acme_layers.gated.GatedDense"
    assert seen.predictions == seen.raw["expected"]
    found, expected = seen.raw["losses"]
    assert found == expected
    assert seen.raw["report"] == f"{trained.path}: no findings"


def test_jax(load: Callable[..., Observed], trained: SavedModel) -> None:
    """Under JAX the plugin is found, too, and gets the arrays that TensorFlow wrote."""
    seen = load(start=functools.partial(run_python, backend="jax"))

    assert (seen.error, seen.before, seen.findings) == (None, (), ())
    expected = np.load(trained.npz)["predictions"]
    np.testing.assert_allclose(seen.predictions, expected, rtol=1e-5, atol=1e-6)


def test_explicit_function_with_the_hooks_off(load: Callable[..., Observed]) -> None:
    """`keras_registry.load_model` does the same without the hooks."""
    seen = load(epilogue=GO_ON, load="keras_registry.load_model", env=plain)

    assert seen.is_silent()
    assert seen.predictions == seen.raw["expected"]


def test_plain_keras_does_not_find_the_plugin(load: Callable[..., Observed]) -> None:
    """Without the hooks Keras names the outermost class, and no plugin."""
    seen = load(env=plain)

    assert seen.text.startswith("<class 'keras.src.models.sequential.Sequential'> could not be")


def test_uncompiled(load: Callable[..., Observed]) -> None:
    """With `compile=False` the model predicts, where plain Keras asks an optimizer that is none.

    So it does where only the loss is missing and the caller wants to go without it.
    """
    seen = load(compile=False)
    lacking = load(
        prelude="sys.modules['acme_layers.losses'] = None",
        load="keras_registry.load_model",
        on_missing_compile="skip",
    )

    assert (seen.error, seen.raw["compiled"], seen.findings) == (None, False, ())
    assert (lacking.error, lacking.raw["compiled"], lacking.codes) == (None, False, ["R108"])
    assert lacking.predictions == seen.predictions
    plainly = load(
        compile=False, env=plain, prelude="import acme_layers.gated, acme_layers.functions"
    )
    assert "AttributeError" in plainly.error_classes


def test_missing_plugin_is_named(load: Callable[..., Observed]) -> None:
    """Where the plugin is not installed the finding names the checkpoint and what is missing."""
    seen = load(site=False)

    assert "TypeError" in seen.error_classes
    assert seen.codes == ["R106"] * 4
    first, *_ = seen.text.splitlines()
    assert first.endswith("checkpoints cannot be loaded: 4 errors")
    assert 'acme>GatedDense (2 places, first: layers[1] "gate")' in seen.text


@pytest.mark.parametrize("hooks", ["hooks", "plain"])
def test_models_of_every_sort(
    hooks: str, orbax: list[Path], fork_server: ForkServer, tmp_path: Path
) -> None:
    """All weights and the optimizer's state are back, where plain Keras loses those of some."""
    done = fork_server.run(MODELS, argv=[tmp_path, hooks], path=orbax).check()

    found = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    good, lost = "True True", {"hooks": "True True", "plain": "False False"}[hooks]
    assert found == {
        "sequential": lost,
        "alike": lost,
        "functional": good,
        "scaled": {"hooks": good, "plain": "True False"}[hooks],
        "nested": lost,
        "subclassed": good,
    }


OTHER_CLASS = """\
class Other(keras.layers.Layer):
    def __init__(self, units, activation=None, kernel_initializer=None, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, shape):
        self.w = self.add_weight(shape=(shape[-1], self.units), name="w")

    def call(self, inputs):
        return keras.ops.matmul(inputs, self.w)


objects["acme>GatedDense"] = Other
"""


def test_class_with_other_variables(load: Callable[..., Observed], tmp_path: Path) -> None:
    """Where the arrays are not those of the model, no half-filled model is returned."""
    seen = load(prelude=OTHER_CLASS)

    assert "ValueError" in seen.error_classes
    assert seen.codes == ["R301", "W101"]
    _, _, finding = seen.text.partition("  W101")
    check_golden("scenarios/orbax_W101", f"  W101{finding.partition('  R301')[0]}")


PROJECT = """\
import sys

import keras
import numpy as np

import keras_registry
from acme_projection.layer import Projection

layers = [keras.Input((4,)), Projection(4, name="first"), Projection(4, name="second")]
model = keras.Sequential(layers)
model.compile("sgd", "mse")
keep = keras.callbacks.OrbaxCheckpoint(sys.argv[1], save_on_background=False)
x = np.ones((8, 4), "float32")
model.fit(x, x, verbose=0, callbacks=[keep])
np.savez(sys.argv[2], x=x, predictions=model.predict(x, verbose=0))
"""


def test_older_versions(
    shelf: Callable[[PluginProject], Path],
    orbax: list[Path],
    fork_server: ForkServer,
    tmp_path: Path,
) -> None:
    """A config is migrated; arrays that had to be migrated, too, are not taken as they are."""
    path, npz = tmp_path / "checkpoints", tmp_path / "known.npz"
    fork_server.run(PROJECT, argv=[path, npz], path=[shelf(ONE), *orbax]).check()

    second = observe(fork_server.run, path, path=[shelf(TWO), *orbax], inputs=npz)
    fourth = observe(fork_server.run, path, path=[shelf(FOUR), *orbax])

    assert second.is_silent()
    assert second.codes == ["S104"]
    assert second.predictions == np.load(npz)["predictions"].tolist()
    assert fourth.codes == ["S104", "W101"]
    _, _, finding = fourth.text.partition("  W101")
    check_golden("scenarios/orbax_W101_migrated", f"  W101{finding.partition('  S104')[0]}")


OTHER_OPTIMIZER = """\
import json
import sys

import keras
import numpy as np

import keras_registry


class Slow(keras.optimizers.SGD):
    pass


class Slower(keras.optimizers.SGD):
    def build(self, variables):
        super().build(variables)
        self.pace = [self.add_variable_from_reference(v, name="pace") for v in variables]


objects = {"acme>Slow": Slow}
with keras.saving.custom_object_scope(objects):
    keras.saving.register_keras_serializable("acme", "Slow")(Slow)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, name="head")], name="net")
    model.compile(Slow(0.5, momentum=0.9, name="slow"), "mse")
    keep = keras.callbacks.OrbaxCheckpoint(sys.argv[1], save_on_background=False)
    model.fit(np.ones((8, 4)), np.ones((8, 1)), verbose=0, callbacks=[keep])
import warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    again = keras.saving.load_model(sys.argv[1], custom_objects={"acme>Slow": Slower})
found = [w.message.finding for w in caught if hasattr(w.message, "finding")]
same = [np.array_equal(a, b) for a, b in zip(model.weights, again.weights, strict=True)]
same += [np.array_equal(a, b) for a, b in zip(model.optimizer.variables, again.optimizer.variables)]
print("\\n".join(keras_registry.findings.render_finding(item) for item in found))
print(json.dumps([type(again.optimizer).__name__, all(same)]))
"""


def test_optimizer_with_other_variables(
    orbax: list[Path], fork_server: ForkServer, tmp_path: Path
) -> None:
    """An optimizer that has no array for a variable is named, and all others are restored."""
    done = fork_server.run(OTHER_OPTIMIZER, argv=[tmp_path / "checkpoints"], path=orbax)

    assert done.json() == ["Slower", True]
    check_golden("scenarios/orbax_W104", done.stdout.rpartition("[")[0])


WEIGHTS_ONLY = """\
import sys

import keras
import numpy as np

import keras_registry

model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
model.compile("sgd", "mse")
keep = keras.callbacks.OrbaxCheckpoint(
    sys.argv[1], save_on_background=False, save_weights_only=True
)
model.fit(np.ones((8, 4)), np.ones((8, 1)), verbose=0, callbacks=[keep])
try:
    keras.saving.load_model(sys.argv[1])
except ValueError as error:
    print(type(error).__name__, error)
"""


def test_checkpoint_of_weights_alone(
    orbax: list[Path], fork_server: ForkServer, tmp_path: Path
) -> None:
    """What holds no model is refused by Keras in its own words."""
    done = fork_server.run(WEIGHTS_ONLY, argv=[tmp_path / "checkpoints"], path=orbax)

    assert done.check().stdout.startswith(
        "ValueError Checkpoint does not contain model configuration."
    )


def test_commands_say_what_the_folder_is(trained: SavedModel) -> None:
    """`inspect` and `verify` read no checkpoints, and say what to do instead."""
    folder = str(trained.path.parent)
    for command in ("inspect", "verify"):
        done = run_command(command, trained.path)

        assert (done.returncode, done.stdout) == (3, "")
        check_golden("scenarios/orbax_A102", done.stderr, replace={folder: "FOLDER"})
