"""P08: the user passes an object for a key that is registered or installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.scenarios.archives import alter
from tests.scenarios.observing import observe, plain
from tests.support.golden import check_golden

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import SavedModel
    from tests.support.processes import ForkServer

OTHERS = "from acme_layers import functions, losses, metrics"

# The same weights as the plugin's class, and the opposite result.
OWN_CLASS = """
class GatedDense(keras.layers.Layer):
    def __init__(self, units, activation="gelu", kernel_initializer="glorot_uniform", **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.activation = keras.activations.get(activation)

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")
        self.gate = self.add_weight(shape=(input_shape[-1], self.units), name="gate")

    def call(self, inputs):
        gate = self.activation(keras.ops.matmul(inputs, self.gate))
        return -gate * keras.ops.matmul(inputs, self.kernel)
"""


def folder_of(saved: SavedModel) -> dict[str, str]:
    """Return what stands in a golden text for the folder of a model."""
    return {str(saved.path.parent): "FOLDER"}


NAMES = {"full name": "acme>GatedDense", "bare name": "GatedDense"}


@pytest.mark.parametrize("imported", [True, False], ids=["imported", "not imported"])
@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_users_class_is_used_and_noted(
    name: str, imported: bool, acme_site: Path, acme_model: SavedModel, fork_server: ForkServer
) -> None:
    """The user's class wins over the plugin's, imported or not, with a note and nothing louder."""
    prelude = "import acme_layers.gated" if imported else ""
    prelude += f"{OWN_CLASS}\nobjects[{name!r}] = GatedDense"

    loaded = observe(fork_server.run, acme_model.path, path=[acme_site], prelude=prelude)

    assert loaded.is_silent()
    assert loaded.findings == (("R301", "note"),)
    assert loaded.classes[:2] == ("__main__.GatedDense",) * 2
    assert ("acme_layers.gated" in loaded.after) is imported
    check_golden("scenarios/p08_given", loaded.raw["report"], replace=folder_of(acme_model))


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_plain_keras_ignores_the_users_class(
    name: str, acme_site: Path, acme_model: SavedModel, fork_server: ForkServer
) -> None:
    """In plain Keras the imported plugin beats what the user passes."""
    prelude = f"import acme_layers.gated\n{OTHERS}\n{OWN_CLASS}\nobjects[{name!r}] = GatedDense"

    loaded = observe(fork_server.run, acme_model.path, path=[acme_site], env=plain, prelude=prelude)

    assert loaded.classes[0] == "acme_layers.gated.GatedDense"


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_users_class_of_a_scope_is_used_and_noted(
    name: str, acme_site: Path, acme_model: SavedModel, fork_server: ForkServer
) -> None:
    """The class of an enclosing `custom_object_scope` wins over the plugin's, with a note."""
    prelude = f"""{OWN_CLASS}
def load(*arguments, **options):
    with keras.saving.custom_object_scope({{{name!r}: GatedDense}}):
        return keras.saving.load_model(*arguments, **options)
"""
    loaded = observe(
        fork_server.run, acme_model.path, path=[acme_site], prelude=prelude, load="load"
    )

    assert loaded.is_silent()
    assert loaded.findings == (("R302", "note"),)
    assert loaded.classes[:2] == ("__main__.GatedDense",) * 2
    check_golden("scenarios/p08_scope", loaded.raw["report"], replace=folder_of(acme_model))


def test_custom_objects_win_over_the_scope(
    acme_site: Path, acme_model: SavedModel, fork_server: ForkServer
) -> None:
    """Of two classes that the user gives, the one passed to the call is used."""
    prelude = f"""{OWN_CLASS}
class Scoped(GatedDense):
    pass
objects["GatedDense"] = GatedDense
def load(*arguments, **options):
    with keras.saving.custom_object_scope({{"acme>GatedDense": Scoped}}):
        return keras.saving.load_model(*arguments, **options)
"""
    loaded = observe(
        fork_server.run, acme_model.path, path=[acme_site], prelude=prelude, load="load"
    )

    assert loaded.findings == (("R301", "note"),)
    assert loaded.classes[0] == "__main__.GatedDense"


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("acme>Pinball", "acme>Pinball"),
        ("Pinball", "acme>Pinball"),
        ("acme>Coverage", "acme>Coverage"),
        ("acme>swishy", "acme>swishy"),
        ("swishy", "acme>swishy"),
    ],
)
def test_every_kind_of_object_can_be_given(
    name: str, key: str, acme_site: Path, acme_model: SavedModel, fork_server: ForkServer
) -> None:
    """A loss, a metric and a function are taken from the user in the same way."""
    prelude = """
class Pinball(keras.losses.Loss):
    def __init__(self, quantile=0.5, **kwargs):
        super().__init__(**kwargs)

    def call(self, y_true, y_pred):
        return keras.ops.zeros(keras.ops.shape(y_true)[:1])


class Coverage(keras.metrics.MeanAbsoluteError):
    def __init__(self, tolerance=0.1, **kwargs):
        super().__init__(**kwargs)


def swishy(x):
    return x
"""
    bare = key.partition(">")[2]
    prelude += f"\nobjects[{name!r}] = {bare}"
    epilogue = (
        "model.evaluate(np.ones((2, 4)), np.ones((2, 1)), verbose=0)\n"
        "(metric,) = model._compile_metrics.metrics\n"
        "used = {'acme>Pinball': type(model.loss), 'acme>Coverage': type(metric),\n"
        "        'acme>swishy': model.layers[1].activation}\n"
        "seen['of_user'] = [key for key, x in used.items() if x.__module__ == '__main__']"
    )

    loaded = observe(
        fork_server.run, acme_model.path, path=[acme_site], prelude=prelude, epilogue=epilogue
    )

    assert loaded.findings == (("R301", "note"),)
    assert loaded.raw["of_user"] == [key]


def test_given_object_needs_no_plugin(acme_model: SavedModel, fork_server: ForkServer) -> None:
    """Where the plugin is not installed, the user's class stands for its layer, and no more."""
    prelude = f"{OWN_CLASS}\nobjects['GatedDense'] = GatedDense"

    failed = observe(fork_server.run, acme_model.path, prelude=prelude, compile=False)

    assert ("R101", "error") in failed.findings
    check_golden("scenarios/p08_missing", failed.text, replace=folder_of(acme_model))
    prelude += "\nobjects['swishy'] = keras.activations.silu"
    loaded = observe(fork_server.run, acme_model.path, prelude=prelude, compile=False)
    assert loaded.is_silent()
    assert loaded.codes == ["R301", "R301"]


def test_custom_objects_leave_nothing_behind(
    acme_site: Path, acme_model: SavedModel, fork_server: ForkServer
) -> None:
    """After the load Keras's registry and the next load know nothing of the user's class."""
    prelude = f"""{OWN_CLASS}
first = dict(keras.saving.get_custom_objects())
given = {{"acme>GatedDense": GatedDense}}
keras.saving.load_model(options["file"], custom_objects=given)
second = keras.saving.get_custom_objects()
seen["kept"] = [name for name, value in second.items() if first.get(name) is not value]
"""
    loaded = observe(fork_server.run, acme_model.path, path=[acme_site], prelude=prelude)

    # What the imported plugin modules registered by themselves, and nothing of the user's.
    assert loaded.raw["kept"] == ["acme>swishy", "acme>Pinball", "acme>Coverage"]
    assert loaded.classes[0] == "acme_layers.gated.GatedDense"


def test_bare_name_of_an_unregistered_class(
    acme_site: Path, acme_model: SavedModel, fork_server: ForkServer, tmp_path: Path
) -> None:
    """An object for a bare name that is in the file, as plain Keras wants it, is used as before."""

    def unregister(config: dict) -> None:
        for layer in config["config"]["layers"][1:3]:
            layer |= {"registered_name": "GatedDense", "module": "some.module"}

    file = alter(acme_model.path, tmp_path / "model.keras", config=unregister)
    prelude = f"{OTHERS}\n{OWN_CLASS}\nobjects['GatedDense'] = GatedDense"

    ours = observe(fork_server.run, file, path=[acme_site], prelude=prelude, inputs=acme_model.npz)
    theirs = observe(
        fork_server.run, file, path=[acme_site], prelude=prelude, inputs=acme_model.npz, env=plain
    )

    assert ours.is_silent()
    assert ours.classes == theirs.classes
    np.testing.assert_array_equal(ours.predictions, theirs.predictions)
