"""`inspect` on weights alone, which no command takes for a model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.scenarios.observing import normalised
from tests.support.golden import check_golden

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ended
    from tests.conftest import SavedModel
    from tests.support.processes import ForkServer

SAVE = """\
import sys
import keras
import keras_registry
keras.saving.load_model(sys.argv[1]).save_weights(sys.argv[2])
"""


@pytest.fixture(scope="module")
def weights(
    tmp_path_factory: pytest.TempPathFactory,
    acme_model: SavedModel,
    acme_site: Path,
    fork_server: ForkServer,
) -> Path:
    """The weights of the acme model. Read only."""
    path = tmp_path_factory.mktemp("weights") / "acme.weights.h5"
    fork_server.run(SAVE, argv=[acme_model.path, path], path=[acme_site]).check()
    return path


def test_text_of_inspect(run: Callable[..., Ended], weights: Path) -> None:
    """The text has versions, weights, objects and distributions, although there is no config."""
    ended = run("inspect", weights)

    assert (ended.code, ended.err) == (0, "")
    check_golden("cli/inspect_weights", normalised(ended.out), replace={str(weights): "FILE"})


def test_json_of_inspect(run: Callable[..., Ended], weights: Path) -> None:
    """The JSON document names the container, and the objects that the manifest knows."""
    document = json.loads(run("inspect", "--json", weights).out)

    assert (document["container"], document["lambdas"]) == (".weights.h5", None)
    assert [item["key"] for item in document["objects"]] == ["acme>GatedDense"]


def test_verify_says_that_it_is_no_model(run: Callable[..., Ended], weights: Path) -> None:
    """Weights alone cannot be loaded as a model, and one reads what to do with them."""
    ended = run("verify", weights)

    assert (ended.code, ended.out) == (3, "")
    assert "hint       build the model and call model.load_weights(path)" in ended.err
