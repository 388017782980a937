"""A file names modules: none of them is ever imported because of that."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING, Any

import pytest

from keras_registry.cli import main
from tests.scenarios.archives import alter
from tests.support.distributions import hand_made_distribution

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import SavedModel
    from tests.scenarios.archives import Edit
    from tests.support.processes import ForkServer

EVIL_SOURCE = """\
import pathlib

pathlib.Path(__file__).with_suffix(".ran").touch()


class Layer:
    def __init__(self, **kwargs):
        pathlib.Path(__file__).with_suffix(".ran").touch()

    @classmethod
    def from_config(cls, config):
        pathlib.Path(__file__).with_suffix(".ran").touch()


GatedDense = Pinball = Coverage = Layer


def payload(x):
    pathlib.Path(__file__).with_suffix(".ran").touch()
    return x


swishy = payload
"""

WATCH = """\
import json
import sys

import keras

import keras_registry

seen = []


def watch(event, arguments):
    if event == "import":
        seen.append(arguments[0])
    elif event in ("os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "os.spawn"):
        seen.append(event)


sys.addaudithook(watch)
outcomes = {}
for file in sys.argv[2:]:
    for policy in ("compatible", "permissive"):
        try:
            keras_registry.load_model(file, policy=policy)
        except Exception as error:
            outcomes[file] = type(error).__name__
        else:
            outcomes.setdefault(file, "loaded")
__import__("the_control")  # imports are seen
print(json.dumps({"imported": [name for name in seen if name in sys.argv[1].split(",")],
                  "ran": [name for name in seen if name.startswith(("os.", "subprocess."))],
                  "outcomes": outcomes}))
"""

EVIL_MODULES = ["evil.deeper", "acme_layers.evil", "os", "this"]

PLACES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "layer": lambda config: config["config"]["layers"][1],
    "function": lambda config: config["config"]["layers"][2]["config"]["activation"],
    "initializer": lambda config: config["config"]["layers"][1]["config"]["kernel_initializer"],
    "layer of Keras": lambda config: config["config"]["layers"][3],
    "dtype policy": lambda config: config["config"]["layers"][3]["config"]["dtype"],
    "loss": lambda config: config["compile_config"]["loss"],
    "metric": lambda config: config["compile_config"]["metrics"][0],
    "optimizer": lambda config: config["compile_config"]["optimizer"],
    "model": lambda config: config,
}
"""The places of a config that name a module."""


def point_at(place: str, module: str, variant: str) -> Edit:
    """Return a change by which one place of a config names a module."""

    def change(config: dict[str, Any]) -> None:
        node = PLACES[place](config)
        name = node["config"] if node["class_name"] == "function" else node["class_name"]
        attribute = "system" if module == "os" else "Layer"
        node |= {
            "module only": {"module": module},
            "unregistered": {"module": module, "registered_name": None},
            "bare": {"module": module, "registered_name": str(name).rpartition(">")[2]},
            "other class": {
                "module": module,
                "class_name": attribute,
                "registered_name": attribute,
            },
            "dotted key": {
                "module": module,
                "class_name": attribute,
                "registered_name": f"{module}>{attribute}",
            },
            "target as name": {
                "module": module,
                "class_name": f"{module}:{attribute}",
                "registered_name": f"{module}.{attribute}",
            },
            "function": {
                "module": module,
                "class_name": "function",
                "config": "system" if module == "os" else "payload",
                "registered_name": "function",
            },
        }[variant]

    return change


VARIANTS = (
    "module only",
    "unregistered",
    "bare",
    "other class",
    "dotted key",
    "target as name",
    "function",
)


@pytest.fixture(scope="module")
def evil(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with modules that leave a file behind when they are imported or used."""
    folder = tmp_path_factory.mktemp("evil")
    for name in ("evil/__init__.py", "evil/deeper.py", "the_control.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("" if "control" in name else EVIL_SOURCE, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, acme_site: Path) -> Path:
    """The plugin, installed, with a module in it that no entry point leads to."""
    folder = shutil.copytree(acme_site, tmp_path_factory.mktemp("site") / "site")
    (folder / "acme_layers" / "evil.py").write_text(EVIL_SOURCE, encoding="utf-8")
    return folder


def traces(*folders: Path) -> list[Path]:
    """Return what the evil modules left behind."""
    return [found for folder in folders for found in folder.rglob("*.ran")]


def evil_files(place: str, source: Path, folder: Path) -> list[Path]:
    """Write a model file for each module, and for each way in which a place may name it."""
    folder.mkdir()
    pairs = [(module, variant) for module in EVIL_MODULES for variant in VARIANTS]
    return [
        alter(source, folder / f"{number}.keras", config=point_at(place, *pair))
        for number, pair in enumerate(pairs)
    ]


WATCHED = ",".join([*EVIL_MODULES, "evil", "the_control"])


@pytest.mark.parametrize("place", PLACES)
def test_no_module_is_imported_because_a_file_names_it(
    place: str,
    *,
    evil: Path,
    site: Path,
    acme_model: SavedModel,
    fork_server: ForkServer,
    tmp_path: Path,
) -> None:
    """Wherever and however a file names a module, a load does not import it."""
    files = evil_files(place, acme_model.path, tmp_path / "files")

    found = fork_server.run(WATCH, argv=[WATCHED, *files], path=[evil, site]).json()

    assert found["imported"] == ["the_control"]
    assert found["ran"] == []
    assert traces(evil, site) == []
    if place in {"layer", "loss", "metric"}:
        # The key is the plugin's: the plugin is used, and the module in the file does not matter.
        assert found["outcomes"][str(files[0])] == "loaded"


def test_no_module_is_imported_where_the_plugin_is_missing(
    evil: Path, acme_model: SavedModel, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Also where the load has nothing to use instead, it does not import what the file names."""
    files = [f for p in PLACES for f in evil_files(p, acme_model.path, tmp_path / p)]

    found = fork_server.run(WATCH, argv=[WATCHED, *files], path=[evil]).json()

    assert found["imported"] == ["the_control"]
    assert found["ran"] == []
    assert traces(evil) == []
    assert "loaded" not in found["outcomes"].values()


@pytest.mark.parametrize("command", ["inspect", "verify"])
def test_commands_import_nothing_that_a_file_names(
    command: str,
    *,
    evil: Path,
    acme_model: SavedModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`inspect` and `verify` read such a file to the end and import nothing because of it."""
    monkeypatch.syspath_prepend(evil)
    files = [f for p in PLACES for f in evil_files(p, acme_model.path, tmp_path / p)]

    for file in files:
        assert main([command, str(file)]) in {0, 1}

    capsys.readouterr()
    assert traces(evil) == []
    assert not {"evil", "this"} & sys.modules.keys()


def test_module_in_the_manifest_is_not_imported(
    evil: Path, site: Path, acme_model: SavedModel, fork_server: ForkServer, tmp_path: Path
) -> None:
    """The module and the class that a manifest names are never what is imported."""
    files = []
    for number, module in enumerate(EVIL_MODULES):

        def change(manifest: dict[str, Any], module: str = module) -> None:
            for record in manifest["objects"]:
                record |= {"module": module, "class_name": "Layer"}

        files.append(alter(acme_model.path, tmp_path / f"{number}.keras", manifest=change))

    done = fork_server.run(WATCH, argv=[WATCHED, *files], path=[evil, site])

    found = done.json()
    assert found["imported"] == ["the_control"]
    assert traces(evil, site) == []
    assert set(found["outcomes"].values()) == {"loaded"}


def test_listed_module_of_another_plugin_is_not_imported(
    evil: Path, site: Path, acme_model: SavedModel, fork_server: ForkServer, tmp_path: Path
) -> None:
    """A manifest that names another installed distribution does not get that one imported."""
    entry_points = {"keras_registry.layers": {"evil>Layer": "evil:Layer"}}
    hand_made_distribution(tmp_path / "site", "evil-layers", "1.4.2", entry_points)

    def change(manifest: dict[str, Any]) -> None:
        manifest["distributions"]["evil-layers"] = {"version": "1.4.2"}
        for record in manifest["objects"]:
            record["distribution"] = "evil-layers"

    file = alter(acme_model.path, tmp_path / "model.keras", manifest=change)
    argv = [WATCHED, file]
    found = fork_server.run(WATCH, argv=argv, path=[tmp_path / "site", evil, site]).json()

    assert found["imported"] == ["the_control"]
    assert traces(evil, site) == []
