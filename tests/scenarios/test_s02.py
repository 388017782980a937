"""S02: the plugin that a model needs is not installed. In ``.keras`` and in ``.h5`` files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keras_registry.cli import main
from tests.scenarios.archives import alter
from tests.scenarios.observing import QUIET, install, observe, plain
from tests.support.golden import check_golden
from tests.support.plugins import BETA_EXTRAS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import SavedModel
    from tests.scenarios.archives import Edit
    from tests.support.processes import ForkServer

SAVE_BOTH = f"""\
{QUIET}
import sys
import keras
import keras_registry
from acme_layers.gated import GatedDense
from beta_extras.scale import Scale

layers = [GatedDense(4, name=f"gate_{{index}}") for index in range(3)] + [Scale(2.0, name="scale")]
keras.Sequential([keras.layers.Input((4,)), *layers]).save(sys.argv[1])
"""


@pytest.fixture(scope="module", params=[".keras", ".h5"])
def model_of_two(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    acme_site: Path,
    fork_server: ForkServer,
) -> Path:
    """A model whose layers come from two distributions."""
    folder = tmp_path_factory.mktemp("two")
    file = folder / f"two{request.param}"
    extras = install(BETA_EXTRAS, folder)
    fork_server.run(SAVE_BOTH, argv=[file], path=[acme_site, extras]).check()
    return file


def test_message_says_what_to_install(acme_file: SavedModel, fork_server: ForkServer) -> None:
    """The error names keys, places, distribution, recorded version and the line for pip.

    It is of the class that Keras raises there.
    """
    failed = observe(fork_server.run, acme_file.path)

    golden, error = {".keras": ("one", "TypeError"), ".h5": ("h5", "ValueError")}[
        acme_file.path.suffix
    ]
    assert failed.codes == ["R101"]
    assert failed.before == failed.after == ()
    assert error in failed.error_classes
    folder = str(acme_file.path.parent)
    check_golden(f"scenarios/s02_{golden}", failed.text, replace={folder: "FOLDER"})
    assert len(failed.text.splitlines()) <= 12


def test_all_missing_distributions_are_named_at_once(
    model_of_two: Path, fork_server: ForkServer
) -> None:
    """A model that lacks two distributions gets one error that names both."""
    failed = observe(fork_server.run, model_of_two)

    assert failed.codes == ["R101", "R101"]
    golden = {".keras": "two", ".h5": "two_h5"}[model_of_two.suffix]
    folder = str(model_of_two.parent)
    check_golden(f"scenarios/s02_{golden}", failed.text, replace={folder: "FOLDER"})
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


def test_plain_keras_names_one_class(model_of_two: Path, fork_server: ForkServer) -> None:
    """Plain Keras names the first missing class only, and no distribution.

    For a ``.keras`` file it does so in a page of config.
    """
    failed = observe(fork_server.run, model_of_two, env=plain)

    if model_of_two.suffix == ".keras":
        assert len(failed.text) > 1000
        assert failed.text.count("Could not locate class 'GatedDense'") == 1
        assert "Could not locate class 'Scale'" not in failed.text
    else:
        assert "Unknown layer: 'acme>GatedDense'" in failed.text
        assert "Scale" not in failed.text
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
    policy: str, acme_file: SavedModel, fork_server: ForkServer
) -> None:
    """No policy lets a model load without its objects."""
    failed = observe(fork_server.run, acme_file.path, env={"KERAS_REGISTRY_POLICY": policy})

    assert failed.findings == (("R101", "error"),)


def test_verify_says_the_same(
    acme_file: SavedModel, fork_server: ForkServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """`verify` foretells the finding of the load, word for word."""
    failed = observe(fork_server.run, acme_file.path)

    assert main(["verify", str(acme_file.path)]) == 1

    foretold = capsys.readouterr().out.splitlines()
    assert foretold[1:] == failed.text.splitlines()[1:-1]
