"""S13: the code of a layer changed, and neither its version nor its config did.

The digests of the installed distributions tell, of wheels that were built and installed; for
editable installs `test_editable.py` shows that it cannot be told, and that this is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.scenarios.observing import normalised, observe, plain
from tests.scenarios.variants import project
from tests.support.golden import check_golden
from tests.support.plugins import GATED_SOURCE, altered

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import SavedModel
    from tests.support.distributions import PluginProject
    from tests.support.processes import ForkServer

DOUBLED = altered(GATED_SOURCE, "return gate *", "return 2.0 * gate *")
"""The layer with other code, which computes something else."""

IMPORTED = "from acme_layers import functions, gated, losses, metrics"
"""What plain Keras needs to find the plugin at all."""


@pytest.fixture(scope="module")
def changed(shelf: Callable[[PluginProject], Path]) -> Path:
    """A folder with acme-layers 1.4.2 as somebody else built it."""
    return shelf(project("1.4.2", DOUBLED))


def test_other_code_is_noticed(
    fork_server: ForkServer, acme_file: SavedModel, changed: Path
) -> None:
    """The model loads with a warning that names the distribution and both digests."""
    found = observe(fork_server.run, acme_file.path, path=[changed], inputs=acme_file.npz)

    [(category, code, text, _)] = found.warnings
    assert (category, code) == ("KerasRegistryWarning", "R208")
    assert not np.allclose(found.predictions, np.load(acme_file.npz)["predictions"])
    name = f"scenarios/s13{acme_file.path.suffix}"
    check_golden(name, normalised(text), replace={f"{acme_file.path.parent}/": ""})


@pytest.mark.parametrize(("policy", "level"), [("strict", "error"), ("permissive", "note")])
def test_policies(
    fork_server: ForkServer, acme_file: SavedModel, changed: Path, policy: str, level: str
) -> None:
    """Under `strict` it stops the load, under `permissive` the report alone has it."""
    load = "keras_registry.load_model"
    found = observe(fork_server.run, acme_file.path, path=[changed], load=load, policy=policy)

    assert ("R208", level) in found.findings
    assert (found.error is not None) == (level == "error")
    assert found.warnings == ()


def test_the_same_code_elsewhere(
    fork_server: ForkServer, acme_file: SavedModel, shelf: Callable[[PluginProject], Path]
) -> None:
    """Code of the same version that was built and installed again is the same code."""
    again = shelf(project("1.4.2", requires=["keras-registry", "packaging"]))

    found = observe(fork_server.run, acme_file.path, path=[again])

    assert found.is_silent(), found.raw
    assert found.findings == ()


def test_plain_keras_says_nothing(
    fork_server: ForkServer, acme_file: SavedModel, changed: Path
) -> None:
    """With the hooks off, and the plugin imported by hand, the model predicts otherwise, unsaid."""
    found = observe(
        fork_server.run,
        acme_file.path,
        path=[changed],
        inputs=acme_file.npz,
        prelude=IMPORTED,
        env=plain,
    )

    assert found.error is None
    assert found.warnings == ()
    assert not np.allclose(found.predictions, np.load(acme_file.npz)["predictions"])
