"""What several scenarios need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.scenarios.observing import install

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.distributions import PluginProject


@pytest.fixture(autouse=True)
def _defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judge in this process as in the children: by the default policy, under TensorFlow."""
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
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
