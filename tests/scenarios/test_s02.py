"""S02: the plugin that a model needs is not installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keras_registry.cli import main
from tests.scenarios.archives import alter
from tests.scenarios.observing import install, observe, plain
from tests.support.golden import check_golden
from tests.support.plugins import BETA_EXTRAS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import SavedModel
    from tests.scenarios.archives import Edit
    from tests.support.processes import ForkServer

SAVE_BOTH = """\
import sys
import keras
import keras_registry
from acme_layers.gated import GatedDense
from beta_extras.scale import Scale

layers = [GatedDense(4, name=f"gate_{index}") for index in range(3)] + [Scale(2.0, name="scale")]
keras.Sequential([keras.layers.Input((4,)), *layers]).save(sys.argv[1])
"""


@pytest.fixture(scope="module")
def model_of_two(
    tmp_path_factory: pytest.TempPathFactory, acme_site: Path, fork_server: ForkServer
) -> Path:
    """A model whose layers come from two distributions."""
    folder = tmp_path_factory.mktemp("two")
    file = folder / "two.keras"
    extras = install(BETA_EXTRAS, folder)
    fork_server.run(SAVE_BOTH, argv=[file], path=[acme_site, extras]).check()
    return file


def test_message_says_what_to_install(acme_model: SavedModel, fork_server: ForkServer) -> None:
    """The error names keys, places, distribution, recorded version and the line for pip."""
    failed = observe(fork_server.run, acme_model.path)

    assert failed.codes == ["R101"]
    assert failed.before == failed.after == ()
    check_golden("scenarios/s02_one", failed.text, replace={str(acme_model.path.parent): "FOLDER"})
    assert len(failed.text.splitlines()) <= 12


TO_H5 = """\
import logging, sys
import keras
import keras_registry

logging.getLogger("absl").setLevel(logging.ERROR)  # that HDF5 is considered legacy
keras.saving.load_model(sys.argv[1]).save(sys.argv[2])
"""


def test_h5_says_the_same(
    acme_model: SavedModel, acme_site: Path, fork_server: ForkServer, tmp_path: Path
) -> None:
    """The same model in HDF5 gets the same message, as the error that Keras raises there."""
    file = tmp_path / "churn.h5"
    fork_server.run(TO_H5, argv=[acme_model.path, file], path=[acme_site]).check()

    failed = observe(fork_server.run, file)

    assert failed.codes == ["R101"]
    assert "ValueError" in failed.error_classes
    check_golden("scenarios/s02_h5", failed.text, replace={str(tmp_path): "FOLDER"})
    assert len(failed.text.splitlines()) <= 12


def test_all_missing_distributions_are_named_at_once(
    model_of_two: Path, fork_server: ForkServer
) -> None:
    """A model that lacks two distributions gets one error that names both."""
    failed = observe(fork_server.run, model_of_two)

    assert failed.codes == ["R101", "R101"]
    check_golden("scenarios/s02_two", failed.text, replace={str(model_of_two.parent): "FOLDER"})
    assert len(failed.text.splitlines()) <= 12 + 6


def test_what_is_installed_is_not_named(
    model_of_two: Path, acme_site: Path, fork_server: ForkServer
) -> None:
    """If one of two distributions is there, only the other is named, and nothing is imported."""
    failed = observe(fork_server.run, model_of_two, path=[acme_site])

    assert failed.codes == ["R101"]
    assert "beta-extras is not installed" in failed.text
    assert "acme" not in failed.text
    assert failed.after == ()


def test_plain_keras_names_one_class_in_a_wall_of_text(
    model_of_two: Path, fork_server: ForkServer
) -> None:
    """Plain Keras names the first missing class only, no distribution, in a page of config."""
    failed = observe(fork_server.run, model_of_two, env=plain)

    assert len(failed.text) > 1000
    assert failed.text.count("Could not locate class 'GatedDense'") == 1
    assert "Could not locate class 'Scale'" not in failed.text
    assert "acme-layers" not in failed.text


def drop_layers(config: dict) -> None:
    """Leave only the loss and the metric of the plugin in the model."""
    layers = config["config"]["layers"]
    dense = layers[-1]
    dense["build_config"] = {"input_shape": [None, 4]}
    config["config"]["layers"] = [layers[0], dense]


def drop_layers_and_loss(config: dict) -> None:
    """Leave only the metric of the plugin in the model."""
    drop_layers(config)
    config["compile_config"]["loss"] = "mean_squared_error"


def use_function_as_loss(config: dict) -> None:
    """Leave only a function of the plugin in the model, as its loss."""
    drop_layers_and_loss(config)
    config["compile_config"]["metrics"] = None
    config["compile_config"]["loss"] = {
        "module": "builtins",
        "class_name": "function",
        "config": "acme>swishy",
        "registered_name": "function",
    }


@pytest.mark.parametrize(
    "change",
    [None, drop_layers, drop_layers_and_loss, use_function_as_loss],
    ids=["layer", "loss", "metric", "function"],
)
def test_error_stands_in_for_that_of_keras(
    change: Edit | None,
    acme_model: SavedModel,
    fork_server: ForkServer,
    tmp_path: Path,
) -> None:
    """The error is of the class that plain Keras raises, and its last line is the start of Keras's.

    Keras goes on, in that line, with the config of the whole object: that is left out.
    """
    file = alter(acme_model.path, tmp_path / "model.keras", config=change)

    ours = observe(fork_server.run, file)
    theirs = observe(fork_server.run, file, env=plain)

    assert theirs.error_classes[0] in ours.error_classes
    kept, _, _ = theirs.text.splitlines()[0].partition(" Full object config: ")
    assert ours.text.splitlines()[-1] == kept


@pytest.mark.parametrize("policy", ["strict", "compatible", "permissive"])
def test_missing_is_an_error_under_every_policy(
    policy: str, acme_model: SavedModel, fork_server: ForkServer
) -> None:
    """No policy lets a model load without its objects."""
    failed = observe(fork_server.run, acme_model.path, env={"KERAS_REGISTRY_POLICY": policy})

    assert failed.findings == (("R101", "error"),)


def test_verify_says_the_same(
    acme_model: SavedModel, fork_server: ForkServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """`verify` foretells the finding of the load, word for word."""
    failed = observe(fork_server.run, acme_model.path)

    assert main(["verify", str(acme_model.path)]) == 1

    foretold = capsys.readouterr().out.splitlines()
    assert foretold[1:] == failed.text.splitlines()[1:-1]
