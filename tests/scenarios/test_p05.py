"""P05: two distributions claim one key, or one claims a name that is Keras's own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from keras_registry.cli import main
from tests.scenarios.archives import alter, read_manifest_document
from tests.scenarios.observing import install, normalised, observe, plain
from tests.support.distributions import PluginProject
from tests.support.golden import check_golden
from tests.support.plugins import GATED_SOURCE, altered

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import SavedModel
    from tests.support.processes import ForkServer

RIVAL = PluginProject(
    name="rival-layers",
    version="9.0",
    modules={
        # The same weights, and another result.
        "rival_layers/gated.py": altered(GATED_SOURCE, "return gate *", "return -1 * gate *")
    },
    entry_points={"keras_registry.layers": {"acme>GatedDense": "rival_layers.gated:GatedDense"}},
)

OTHERS = "from acme_layers import functions, losses, metrics"
BOTH_ORDERS = pytest.mark.parametrize("rival_first", [True, False], ids=["rival first", "last"])


@pytest.fixture(scope="module")
def rival_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with another distribution that claims `acme>GatedDense`."""
    return install(RIVAL, tmp_path_factory.mktemp("rival"))


@pytest.fixture(scope="module")
def bare_model(tmp_path_factory: pytest.TempPathFactory, acme_model: SavedModel) -> Path:
    """The model without its manifest, so that it does not say where its objects came from."""
    file = tmp_path_factory.mktemp("bare") / "bare.keras"
    return alter(acme_model.path, file, metadata=lambda document: document.pop("keras_registry"))


@BOTH_ORDERS
def test_manifest_decides(
    rival_first: bool,
    acme_site: Path,
    rival_site: Path,
    acme_model: SavedModel,
    fork_server: ForkServer,
) -> None:
    """A manifest that names one of the two gets that one, whatever the order of the path."""
    path = [rival_site, acme_site] if rival_first else [acme_site, rival_site]

    loaded = observe(fork_server.run, acme_model.path, path=path, inputs=acme_model.npz)

    assert loaded.before == ()
    assert loaded.is_silent()
    assert loaded.classes[0] == "acme_layers.gated.GatedDense"
    assert "rival_layers.gated" not in loaded.after
    predictions = np.asarray(loaded.predictions, "float32")
    np.testing.assert_array_equal(predictions, np.load(acme_model.npz)["predictions"])


@BOTH_ORDERS
def test_without_a_manifest_the_load_stops_and_names_both(
    rival_first: bool,
    acme_site: Path,
    rival_site: Path,
    bare_model: Path,
    fork_server: ForkServer,
) -> None:
    """A load that would have to choose by itself stops, imports neither and names both."""
    path = [rival_site, acme_site] if rival_first else [acme_site, rival_site]

    failed = observe(fork_server.run, bare_model, path=path)

    assert failed.after == ()
    assert ("R104", "error") in failed.findings
    check_golden("scenarios/p05", failed.text, replace={str(bare_model.parent): "FOLDER"})


@pytest.mark.parametrize("given", ["full", "bare"])
def test_user_can_choose(
    given: str, acme_site: Path, rival_site: Path, bare_model: Path, fork_server: ForkServer
) -> None:
    """The class that the user passes ends the dispute, as the message says."""
    name = {"full": "acme>GatedDense", "bare": "GatedDense"}[given]
    choose = f"from rival_layers.gated import GatedDense\nobjects[{name!r}] = GatedDense"

    loaded = observe(fork_server.run, bare_model, path=[acme_site, rival_site], prelude=choose)

    assert loaded.error is None
    assert loaded.classes[0] == "rival_layers.gated.GatedDense"
    assert "R301" in loaded.codes


@pytest.mark.parametrize("command", ["verify", "list"])
def test_commands_name_both(
    command: str,
    *,
    acme_site: Path,
    rival_site: Path,
    acme_model: SavedModel,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`verify` and `list` warn of the key that two claim, also when the manifest decides."""
    monkeypatch.syspath_prepend(rival_site)
    monkeypatch.syspath_prepend(acme_site)
    arguments = ["verify", "--json", str(acme_model.path)] if command == "verify" else ["list"]
    if command == "list":
        arguments.append("--json")

    assert main(arguments) == 0

    document = json.loads(capsys.readouterr().out)
    (found,) = [item for item in document["findings"] if item["code"] == "D103"]
    assert (found["level"], found["found"]) == ("warning", "acme-layers 1.4.2, rival-layers 9.0")
    assert found["summary"] == "2 distributions claim acme>GatedDense"


def test_saved_model_names_the_one_that_it_uses(
    acme_site: Path, rival_site: Path, fork_server: ForkServer, tmp_path: Path
) -> None:
    """A model saved with the rival's class is recorded as the rival's, and loads as that."""
    file = tmp_path / "rival.keras"
    code = (
        "import sys, keras, keras_registry\n"
        "from rival_layers.gated import GatedDense\n"
        "keras.Sequential([keras.layers.Input((4,)), GatedDense(3)]).save(sys.argv[1])\n"
    )
    fork_server.run(code, argv=[file], path=[acme_site, rival_site]).check()

    loaded = observe(fork_server.run, file, path=[acme_site, rival_site])

    assert list(read_manifest_document(file)["distributions"]) == ["rival-layers"]
    assert loaded.is_silent()
    assert loaded.classes[0] == "rival_layers.gated.GatedDense"


def test_second_import_is_refused(
    acme_site: Path, rival_site: Path, fork_server: ForkServer
) -> None:
    """When both modules are imported, the second is refused and the first stays."""
    code = """
import keras, keras_registry
from acme_layers.gated import GatedDense
try:
    import rival_layers.gated
except keras_registry.RegistrationError as error:
    print(error)
print(keras.saving.get_registered_object("acme>GatedDense") is GatedDense)
"""
    message, kept = fork_server.run(code, path=[acme_site, rival_site]).check().stdout.splitlines()

    assert "'acme>GatedDense' is taken by acme_layers.gated.GatedDense" in message
    assert "rival_layers.gated.GatedDense cannot have it" in message
    assert kept == "True"


def test_rival_that_is_imported_does_not_stand_in(
    acme_site: Path, rival_site: Path, acme_model: SavedModel, fork_server: ForkServer
) -> None:
    """An imported rival is not used in silence for a model that names the other, installed one."""
    loaded = observe(
        fork_server.run,
        acme_model.path,
        path=[acme_site, rival_site],
        prelude="import rival_layers.gated",
    )

    told = loaded.error or "\n".join(text for _, _, text, _ in loaded.warnings)
    assert "acme-layers" in told
    assert "rival" in told


PLAIN_RIVALS = """\
import sys

import keras
import numpy as np


def define(sign):
    @keras.saving.register_keras_serializable("shared")
    class Signed(keras.layers.Layer):
        def call(self, inputs):
            return sign * inputs
    return Signed


First = define(1)
model = keras.Sequential([keras.layers.Input((2,)), First()])
model.save(sys.argv[1])
define(-1)  # another package, imported later, uses the same key
again = keras.saving.load_model(sys.argv[1])
x = np.ones((1, 2), "float32")
print(model.predict(x, verbose=0).tolist(), again.predict(x, verbose=0).tolist())
"""


def test_in_plain_keras_the_last_import_wins(fork_server: ForkServer, tmp_path: Path) -> None:
    """Plain Keras loads the model with whichever class came last, and predicts something else."""
    done = fork_server.run(PLAIN_RIVALS, argv=[tmp_path / "model.keras"])

    assert done.check().stdout == "[[1.0, 1.0]] [[-1.0, -1.0]]\n"
    assert done.messages == ""


SHADOWING = PluginProject(
    name="shadow-layers",
    version="1.0",
    modules={
        "shadow_layers/dense.py": """\
import keras

from keras_registry import register


@register("shadow")
class Dense(keras.layers.Dense):
    def call(self, inputs):
        return -super().call(inputs)
"""
    },
    entry_points={
        "keras_registry.layers": {"shadow>Dense": "shadow_layers.dense:Dense"},
        "keras_registry.aliases": {
            "Dense": "shadow_layers.dense:Dense",
            "relu": "shadow_layers.dense:Dense",
            "OldShadowDense": "shadow_layers.dense:Dense",
        },
    },
)


@pytest.fixture(scope="module")
def shadow_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a distribution that claims the bare name of a layer of Keras."""
    return install(SHADOWING, tmp_path_factory.mktemp("shadow"))


def as_class_of_nobody(config: dict) -> None:
    """Name the head's class as Keras does for an unregistered class of some module."""
    config["config"]["layers"][-1] |= {"module": "some.module", "registered_name": "Dense"}


@pytest.mark.parametrize("has_manifest", [True, False], ids=["manifest", "bare"])
def test_keras_keeps_its_own_names(
    has_manifest: bool,
    *,
    acme_site: Path,
    shadow_site: Path,
    acme_model: SavedModel,
    bare_model: Path,
    fork_server: ForkServer,
) -> None:
    """A model that uses Keras's `Dense` gets Keras's, whoever claims the name as an alias."""
    file = acme_model.path if has_manifest else bare_model

    loaded = observe(fork_server.run, file, path=[shadow_site, acme_site], inputs=acme_model.npz)

    assert loaded.is_silent()
    assert loaded.classes[-1] == "keras.src.layers.core.dense.Dense"
    assert not [name for name in loaded.after if name.startswith("shadow")]
    predictions = np.asarray(loaded.predictions, "float32")
    np.testing.assert_array_equal(predictions, np.load(acme_model.npz)["predictions"])


def test_shadowing_alias_resolves_nothing(
    shadow_site: Path,
    acme_site: Path,
    acme_model: SavedModel,
    fork_server: ForkServer,
    tmp_path: Path,
) -> None:
    """An unregistered class that happens to be called `Dense` is missing, not the claimant's."""
    file = alter(acme_model.path, tmp_path / "model.keras", config=as_class_of_nobody)

    failed = observe(fork_server.run, file, path=[shadow_site, acme_site])

    assert "R106" in failed.codes
    assert not [name for name in failed.after if name.startswith("shadow")]


def test_list_names_the_shadowed_builtins(
    shadow_site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`list` names each alias that is not used with the reason, and shows the one that is."""
    monkeypatch.syspath_prepend(shadow_site)

    assert main(["list"]) == 0

    shown = capsys.readouterr().out
    findings = normalised(shown[shown.index("  D105") :])
    check_golden("scenarios/p05_list", findings, replace={str(shadow_site): "SITE"})
    assert "OldShadowDense is an alias of shadow>Dense" in shown
    assert "\nDense is an alias" not in shown


def test_plain_keras_lets_a_name_be_shadowed(
    acme_site: Path, acme_model: SavedModel, fork_server: ForkServer, tmp_path: Path
) -> None:
    """In plain Keras a class put under a bare name takes the place of one that is not Keras's."""
    file = alter(acme_model.path, tmp_path / "model.keras", config=as_class_of_nobody)
    takes_the_name = """
from acme_layers import functions, gated, losses, metrics
class Dense(keras.layers.Dense):
    pass
keras.saving.get_custom_objects()["Dense"] = Dense
"""
    loaded = observe(fork_server.run, file, path=[acme_site], env=plain, prelude=takes_the_name)

    assert loaded.classes[-1] == "__main__.Dense"
