"""S14: a config names an argument that the class does not accept, of Keras itself or a plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import pytest

from tests.scenarios.archives import alter
from tests.scenarios.observing import observe, plain
from tests.support.golden import check_golden
from tests.support.processes import run_python

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import SavedModel
    from tests.support.processes import ForkServer

INSTALLED = keras.__version__
NEWER = "3.99.0"


def from_newer_keras(document: dict[str, Any]) -> None:
    """Let a manifest say that a newer Keras saved the model."""
    document["environment"]["keras"] = NEWER


def layer(config: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the config of a layer of the model."""
    return next(
        item["config"] for item in config["config"]["layers"] if item["config"]["name"] == name
    )


def unknown_to_dense(config: dict[str, Any]) -> None:
    """Add an argument that no Dense has."""
    layer(config, "head")["sliding_window"] = [3, 5]


def unknown_to_initializer(config: dict[str, Any]) -> None:
    """Add an argument to an initializer of a Dense, and one to that Dense."""
    layer(config, "head")["kernel_initializer"]["config"]["mirrored"] = None
    layer(config, "head")["use_gate"] = True


def unknown_to_optimizer(config: dict[str, Any]) -> None:
    """Add an argument to the optimizer."""
    config["compile_config"]["optimizer"]["config"]["warp_factor"] = 9.5


KERAS_ARGUMENTS = {
    "layer": unknown_to_dense,
    "initializer": unknown_to_initializer,
    "optimizer": unknown_to_optimizer,
}


def shown(text: str, file: Path) -> str:
    """Return a message without what differs from one machine to the next."""
    return text.replace(str(file.parent), "FOLDER").replace(INSTALLED, "INSTALLED")


@pytest.mark.parametrize("name", KERAS_ARGUMENTS)
def test_argument_unknown_to_keras_is_named(
    name: str, acme_model: SavedModel, acme_site: Path, fork_server: ForkServer, tmp_path: Path
) -> None:
    """What the installed Keras does not take is named: place, argument, value, both versions."""
    file = alter(
        acme_model.path,
        tmp_path / "newer.keras",
        config=KERAS_ARGUMENTS[name],
        manifest=from_newer_keras,
    )

    failed = observe(fork_server.run, file, path=[acme_site])

    assert failed.before == ()
    assert [code for code, level in failed.findings if level == "error"] == (
        ["K103", "K103"] if name == "initializer" else ["K103"]
    )
    assert NEWER in failed.text
    assert INSTALLED in failed.text
    check_golden(f"scenarios/s14_{name}", shown(failed.text, file))


def test_argument_added_by_hand_is_named(
    acme_model: SavedModel, acme_site: Path, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Where the installed Keras saved the file itself, the hint is not to upgrade Keras."""
    file = alter(acme_model.path, tmp_path / "edited.keras", config=unknown_to_dense)

    failed = observe(fork_server.run, file, path=[acme_site])

    check_golden("scenarios/s14_edited", shown(failed.text, file))


def test_plain_keras_names_no_version(
    acme_model: SavedModel, acme_site: Path, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Plain Keras stops as well, with the argument, and no word of place or version."""
    file = alter(
        acme_model.path,
        tmp_path / "newer.keras",
        config=unknown_to_dense,
        manifest=from_newer_keras,
    )

    failed = observe(
        fork_server.run,
        file,
        path=[acme_site],
        env=plain,
        prelude="import acme_layers.gated, acme_layers.losses, acme_layers.metrics\n"
        "import acme_layers.functions",
    )

    assert "Unrecognized keyword arguments passed to Dense" in failed.text
    assert NEWER not in failed.text
    assert INSTALLED not in failed.text
    assert "layers[" not in failed.text


# --- plugins ---------------------------------------------------------------------------------


def unknown_to_plugin(config: dict[str, Any]) -> None:
    """Add arguments that the plugin's classes do not have."""
    layer(config, "gate")["dilation"] = 2
    config["compile_config"]["loss"]["config"]["smoothing"] = 0.125


def test_argument_unknown_to_a_plugin_is_named(
    acme_model: SavedModel, acme_site: Path, fork_server: ForkServer, tmp_path: Path
) -> None:
    """What a plugin's class does not take is named, all of it at once, before anything is built."""
    file = alter(acme_model.path, tmp_path / "unknown.keras", config=unknown_to_plugin)

    failed = observe(fork_server.run, file, path=[acme_site])

    assert failed.codes == ["S101", "S101"]
    check_golden("scenarios/s14_plugin", shown(failed.text, file))


LOAD = """\
import sys

import keras

import keras_registry

try:
    keras.saving.load_model(sys.argv[1])
except TypeError as error:
    print(type(error).__name__)
    print(error)
"""


def test_real_interpreter_names_it(acme_model: SavedModel, acme_site: Path, tmp_path: Path) -> None:
    """In a new interpreter, code that catches Keras's own error gets the same text."""
    file = alter(acme_model.path, tmp_path / "unknown.keras", config=unknown_to_plugin)

    name, text = (
        run_python(LOAD, argv=[file], path=[acme_site]).check().stdout.split("\n", maxsplit=1)
    )

    assert name == "LoadTypeError"
    check_golden("scenarios/s14_plugin", shown(text, file))


SWALLOWS = """\
import sys

import keras
import numpy as np


@keras.saving.register_keras_serializable("acme")
class GatedDense(keras.layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**{k: v for k, v in kwargs.items() if k in ("name", "dtype", "trainable")})
        self.units = units

    def call(self, inputs):
        return inputs

    def get_config(self):
        return {**super().get_config(), "units": self.units}


made = GatedDense.from_config({"units": 3, "dilation": 2})
print(hasattr(made, "dilation"), made.get_config().get("dilation"))
"""


def test_plain_keras_drops_what_a_class_swallows(fork_server: ForkServer) -> None:
    """In plain Keras, a class that picks from its `**kwargs` loses an argument without a word."""
    done = fork_server.run(SWALLOWS, env=plain).check()

    assert done.stdout == "False None\n"


def test_swallowed_argument_is_named(
    acme_model: SavedModel, acme_site: Path, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Of a registered class every argument is checked, also if its `**kwargs` would take any."""
    file = alter(acme_model.path, tmp_path / "unknown.keras", config=unknown_to_plugin)
    prelude = """
import keras_registry

@keras_registry.register("acme", name="GatedDense")
class GatedDense(keras.layers.Layer):
    def __init__(self, units: int, activation="gelu", kernel_initializer="zeros", **kwargs):
        super().__init__(**{k: v for k, v in kwargs.items() if k in ("name", "dtype", "trainable")})
        self.units = units
"""

    failed = observe(fork_server.run, file, path=[acme_site], prelude=prelude)

    assert 'layers[1] "gate": dilation: no such field' in failed.text
