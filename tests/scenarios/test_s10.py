"""S10: a loss and a metric are not there, and only predictions are wanted.

`tests/bridge/test_compiled_state.py` has what else may be missing, or broken, at the same time.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.scenarios.observing import normalised, observe, plain
from tests.support.golden import check_golden
from tests.support.plugins import FUNCTIONS_SOURCE, GATED_SOURCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import SavedModel
    from tests.scenarios.observing import Observed
    from tests.support.processes import ForkServer

PRELUDE = """
sys.path.append({folder!r})
from own_layers import GatedDense, swishy
objects = {{"acme>GatedDense": GatedDense, "acme>swishy": swishy}}
"""


@pytest.fixture(scope="module")
def prelude(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Code after which the layers of the acme model are at hand, and its loss and metric not."""
    folder = tmp_path_factory.mktemp("own")
    text = f"{GATED_SOURCE}\n{FUNCTIONS_SOURCE}".replace('@register("acme")', "")
    text = text.replace("= activation\n", "= keras.activations.get(activation)\n")
    text += "\n\nGatedDense.get_config = lambda self: {}\n"
    (folder / "own_layers.py").write_text(text, encoding="utf-8")
    return PRELUDE.format(folder=str(folder))


@pytest.fixture
def load(fork_server: ForkServer, acme_file: SavedModel, prelude: str) -> Callable[..., Observed]:
    """Load the acme model where nothing of acme-layers is installed."""

    def run(**options: Any) -> Observed:
        known = {"inputs": acme_file.npz, "prelude": prelude}
        return observe(fork_server.run, acme_file.path, **known, **options)

    return run


def predictions_of(saved: SavedModel) -> Any:
    """What the model predicted when it was saved."""
    return np.load(saved.npz)["predictions"]


def test_missing_loss_stops_the_load(load: Callable[..., Observed], acme_file: SavedModel) -> None:
    """By default the load stops, names what is missing, and says how to do without."""
    found = load()

    assert found.codes.count("R101") == 1
    suffix = acme_file.path.suffix
    check_golden(f"scenarios/s10{suffix}", normalised(found.text), replace=folder_of(acme_file))


def test_compile_false_needs_no_loss(load: Callable[..., Observed], acme_file: SavedModel) -> None:
    """With `compile=False` nothing is said of them, and the model predicts as it did."""
    found = load(compile=False)

    assert found.is_silent(), found.raw
    assert not found.raw["compiled"]
    np.testing.assert_allclose(found.predictions, predictions_of(acme_file), rtol=1e-6)


def test_skipping_gives_one_warning(load: Callable[..., Observed], acme_file: SavedModel) -> None:
    """With `on_missing_compile="skip"` one warning names them, and the model predicts as it did."""
    found = load(load="keras_registry.load_model", on_missing_compile="skip")

    [(category, code, text, _)] = found.warnings
    assert (category, code) == ("KerasRegistryWarning", "R108")
    suffix = acme_file.path.suffix
    check_golden(f"scenarios/s10_skip{suffix}", normalised(text), replace=folder_of(acme_file))
    assert not found.raw["compiled"]
    np.testing.assert_allclose(found.predictions, predictions_of(acme_file), rtol=1e-6)


def test_plain_keras(load: Callable[..., Observed], acme_file: SavedModel) -> None:
    """Plain Keras names one of the two, and no distribution; a metric in ``.h5`` it never misses.

    It has no way to skip them but `compile=False`, which the caller must know to ask for.
    """
    found = load(env=plain)

    assert "Pinball" in found.text or "pinball" in found.text
    assert "acme-layers" not in found.text
    assert "Coverage" not in found.text
    assert load(env=plain, compile=False).error is None


def folder_of(saved: SavedModel) -> dict[str, str]:
    """What to write in place of the folder of a file."""
    return {f"{Path(saved.path).parent}/": ""}
