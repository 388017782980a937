"""What several scenarios need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.conftest import SavedModel
from tests.scenarios.all_kinds import PROJECT
from tests.scenarios.observing import install
from tests.support.plugins import TRAIN_AND_SAVE
from tests.support.processes import BACKEND

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.distributions import PluginProject
    from tests.support.processes import ForkServer


@pytest.fixture(autouse=True)
def _defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge in this process as in the children: by the default policy, under their backend."""
    monkeypatch.setenv("KERAS_BACKEND", BACKEND)
    monkeypatch.delenv("KERAS_REGISTRY_POLICY", raising=False)


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Callable[[PluginProject], Path]:
    """Build and install a project, once a session, and return the folder that has it."""
    known: dict[str, Path] = {}

    def get(wanted: PluginProject) -> Path:
        mark = repr(wanted)
        if mark not in known:
            known[mark] = install(wanted, tmp_path_factory.mktemp("shelf"))
        return known[mark]

    return get


@pytest.fixture(scope="session")
def kinds_site(shelf: Callable[[PluginProject], Path]) -> Path:
    """A folder with the distribution that has an object of each kind, installed from its wheel."""
    return shelf(PROJECT)


@pytest.fixture(scope="session", params=[".keras", ".h5"])
def acme_file(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    acme_model: SavedModel,
    acme_site: Path,
    fork_server: ForkServer,
) -> SavedModel:
    """The model of acme-layers, in each container that is one file. Read only."""
    if request.param == acme_model.path.suffix:
        return acme_model
    folder = tmp_path_factory.mktemp("acme-other")
    saved = SavedModel(folder / f"acme{request.param}", folder / "acme.npz")
    fork_server.run(TRAIN_AND_SAVE, argv=[saved.path, saved.npz], path=[acme_site]).check()
    return saved
