"""Fixtures that cost something, each built once per session, when first used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.distributions import build_wheel, pip_install
from tests.support.plugins import TRAIN_AND_SAVE, acme_project
from tests.support.processes import ForkServer, get_shared_server

if TYPE_CHECKING:
    from collections.abc import Iterator

CHECKOUT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class SavedModel:
    """A model file and what the model said before it was saved.

    Attributes:
        path: The `.keras` file.
        npz: The arrays `x`, `y` and `predictions`.
    """

    path: Path
    npz: Path


@pytest.fixture(scope="session")
def fork_server() -> Iterator[ForkServer]:
    """A server that forks children in which Keras is imported, and nothing of ours."""
    server = get_shared_server()
    yield server
    server.close()


@pytest.fixture(scope="session")
def core_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of keras-registry, built from this checkout."""
    return build_wheel(CHECKOUT, tmp_path_factory.mktemp("core-wheel"))


@pytest.fixture(scope="session")
def starter_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the first-party plugin, built from this checkout."""
    project = CHECKOUT / "plugins" / "keras-registry-starter"
    return build_wheel(project, tmp_path_factory.mktemp("starter-wheel"))


@pytest.fixture(scope="session")
def starter_site(tmp_path_factory: pytest.TempPathFactory, starter_wheel: Path) -> Path:
    """A folder into which pip has installed the first-party plugin."""
    folder = tmp_path_factory.mktemp("starter-site")
    pip_install(starter_wheel, folder)
    return folder


@pytest.fixture(scope="session")
def acme_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of acme-layers 1.4.2."""
    folder = tmp_path_factory.mktemp("acme-wheel")
    return build_wheel(acme_project().write(folder / "project"), folder)


@pytest.fixture(scope="session")
def acme_site(tmp_path_factory: pytest.TempPathFactory, acme_wheel: Path) -> Path:
    """A folder into which pip has installed acme-layers 1.4.2: put it on a child's path."""
    folder = tmp_path_factory.mktemp("acme-site")
    pip_install(acme_wheel, folder)
    return folder


@pytest.fixture(scope="session")
def acme_model(
    tmp_path_factory: pytest.TempPathFactory, acme_site: Path, fork_server: ForkServer
) -> SavedModel:
    """A model of layers, loss, metric and function of acme-layers, trained and saved. Read only."""
    folder = tmp_path_factory.mktemp("acme-model")
    saved = SavedModel(folder / "acme.keras", folder / "acme.npz")
    fork_server.run(TRAIN_AND_SAVE, argv=[saved.path, saved.npz], path=[acme_site]).check()
    return saved
