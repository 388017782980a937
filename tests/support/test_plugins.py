"""Tests of the plugin that the other tests use, from its source to a model that needs it."""

from __future__ import annotations

import importlib.metadata
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.support.plugins import (
    ACME_ENTRY_POINTS,
    GATED_SOURCE,
    LOAD_AND_COMPARE,
    acme_project,
    altered,
)
from tests.support.processes import ForkServer, run_python

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import SavedModel


def test_source_is_changed_in_one_place() -> None:
    """A change that would hit no place, or several, is refused."""
    changed = altered(GATED_SOURCE, "return gate *", "return 2 * gate *")

    assert "return 2 * gate *" in changed
    for text in ("nowhere", "self"):
        with pytest.raises(ValueError, match="occurs"):
            altered(GATED_SOURCE, text, "")


def test_plugin_can_be_varied() -> None:
    """Version and modules of the plugin can be exchanged."""
    project = acme_project("2.0", modules={"acme_layers/losses.py": None})

    assert project.version == "2.0"
    assert "acme_layers/losses.py" not in project.modules
    assert "acme_layers/losses.py" in acme_project().modules


def test_installed_plugin_names_its_objects(acme_site: Path) -> None:
    """The installed plugin has one entry point for each object, under its key."""
    (found,) = importlib.metadata.distributions(path=[str(acme_site)])

    assert (found.name, found.version) == ("acme-layers", "1.4.2")
    assert {(e.group, e.name): e.value for e in found.entry_points} == {
        (group, key): target
        for group, entries in ACME_ENTRY_POINTS.items()
        for key, target in entries.items()
    }


def test_core_wheel_holds_the_package(core_wheel: Path) -> None:
    """The wheel of the core has the package, and no tests or scripts."""
    with zipfile.ZipFile(core_wheel) as archive:
        roots = {name.partition("/")[0] for name in archive.namelist()}

    assert "keras_registry" in roots
    assert not roots & {"tests", "scripts", "registry"}


def test_starter_wheel_is_a_plugin(starter_wheel: Path) -> None:
    """The wheel of the starter plugin has entry points of ours."""
    with zipfile.ZipFile(starter_wheel) as archive:
        (name,) = [n for n in archive.namelist() if n.endswith("/entry_points.txt")]
        assert "[keras_registry.layers]" in archive.read(name).decode()


@pytest.mark.parametrize("way", ["fork", "interpreter"])
def test_saved_model_loads_where_the_plugin_is_installed(
    way: str, fork_server: ForkServer, acme_site: Path, acme_model: SavedModel
) -> None:
    """The trained model loads with the plugin installed, imported by nobody before the load."""
    run = fork_server.run if way == "fork" else run_python
    found = run(LOAD_AND_COMPARE, argv=[acme_model.path, acme_model.npz], path=[acme_site]).json()

    assert found.pop("after")
    assert found == {
        "before": [],
        "equal": True,
        "layers": ["GatedDense", "GatedDense", "Dense"],
        "loss": "Pinball",
        "compiled": True,
    }
