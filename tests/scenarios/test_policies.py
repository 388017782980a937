"""What each policy makes of each situation: the policy table, on real wheels and real files."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h5py
import pytest

from tests.scenarios.archives import alter
from tests.scenarios.judging import JUDGE, POLICIES
from tests.scenarios.observing import observe
from tests.scenarios.variants import (
    LEAKY,
    LOUDER,
    MOVED,
    MOVED_LAYER,
    RIVAL,
    SECOND,
    UNREGISTERED,
    WIDER,
    project,
    without_the_layer,
)
from tests.support.plugins import GATED_SOURCE, acme_project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import SavedModel
    from tests.scenarios.archives import Edit
    from tests.support.distributions import PluginProject
    from tests.support.processes import ForkServer


def set_units(value: Any) -> Edit:
    """Return a change that gives the first layer this number of units."""

    def change(config: dict[str, Any]) -> None:
        config["config"]["layers"][1]["config"]["units"] = value

    return change


def add_field(config: dict[str, Any]) -> None:
    """Give the first layer an argument that its class does not have."""
    config["config"]["layers"][1]["config"]["surprise"] = 1


def drop_manifest(metadata: dict[str, Any]) -> None:
    """Leave no manifest, as if plain Keras had saved the file."""
    del metadata["keras_registry"]


def claim(**members: Any) -> Edit:
    """Return a change that replaces members of the manifest, or of its environment."""

    def change(manifest: dict[str, Any]) -> None:
        for name, value in members.items():
            inner = manifest["environment"] if name in manifest["environment"] else manifest
            inner[name] = value

    return change


def rename_distribution(manifest: dict[str, Any]) -> None:
    """Put something else in place of a distribution's name."""
    manifest["objects"][0]["distribution"] = "acme layers; rm -rf ."


def as_of_a_script(config: dict[str, Any]) -> None:
    """Make the first layer one that a script had defined."""
    config["config"]["layers"][1]["registered_name"] = "__main__>GatedDense"


@dataclass(frozen=True, kw_only=True)
class Situation:
    """A row of the policy table, as files.

    Attributes:
        found: The findings to expect, and the level of each under strict, compatible and permissive
            (E, W, N). Where an error stops the load early, later ones are not reached.
        installed: What is installed where the model is loaded.
        saved_with: Another plugin than acme-layers 1.4.2 to save the model with.
        config: A change of the file's config.
        metadata: A change of its metadata.
        manifest: A change of its manifest.
        weights: Which array of the weights to change, if any.
    """

    found: dict[str, str]
    installed: tuple[PluginProject, ...] = (acme_project(),)
    saved_with: PluginProject | None = None
    config: Edit | None = None
    metadata: Edit | None = None
    manifest: Edit | None = None
    weights: str | None = None


SITUATIONS = {
    "nothing to say": Situation(found={}),
    "missing": Situation(found={"R101": "EEE"}, installed=()),
    "not provided": Situation(
        found={"R102": "EEE", "R203": "NNN"},
        installed=(project("1.5.0", entry_points=without_the_layer()),),
    ),
    "import fails": Situation(
        found={"R203": "NNN", "R103": "EEE"},
        installed=(project("1.5.0", "import einsteinian\n" + GATED_SOURCE),),
    ),
    "promise not kept": Situation(
        found={"R203": "NNN", "R105": "EEE"}, installed=(project("1.5.0", UNREGISTERED),)
    ),
    "provided by two, none of them named": Situation(
        found={"M101": "WNN", "R104": "EEE"}, installed=(MOVED, RIVAL), metadata=drop_manifest
    ),
    "of a script": Situation(found={"R107": "EEE"}, config=as_of_a_script),
    "config newer than the installed config_version": Situation(
        found={"R203": "NNN", "S102": "EEE"},
        saved_with=project("1.5.0", SECOND),
        installed=(project("1.6.0"),),
    ),
    "config older, no migration": Situation(
        found={"R203": "NNN", "S103": "EEE"}, installed=(project("1.5.0", SECOND),)
    ),
    "config invalid": Situation(found={"S101": "EEE"}, config=set_units(-1)),
    "config with an unknown field": Situation(found={"S101": "EEE"}, config=add_field),
    "weights not restored": Situation(
        found={"R203": "NNN", "W101": "EEE", "W104": "EWN"}, installed=(project("1.5.0", LEAKY),)
    ),
    "weights not those that were saved": Situation(
        found={"W102": "EEW"}, weights="layers/gated_dense/vars/0"
    ),
    "optimizer state not the one that was saved": Situation(
        found={"W104": "EWN"}, weights="optimizer/vars/2"
    ),
    "older, in range": Situation(found={"R202": "EWN"}, installed=(project("1.4.0"),)),
    "older, out of range": Situation(found={"R201": "EEW"}, installed=(project("1.2.0"),)),
    "newer, in range": Situation(found={"R203": "NNN"}, installed=(project("1.9.3"),)),
    "newer major, same schema": Situation(found={"R205": "EWN"}, installed=(project("2.0.0"),)),
    "newer major, other schema": Situation(
        found={"R205": "EWN", "R206": "EEW"}, installed=(project("2.0.0", WIDER),)
    ),
    "in range, other schema": Situation(
        found={"R203": "NNN", "R207": "EWN"}, installed=(project("1.5.0", WIDER),)
    ),
    "same version, other code": Situation(
        found={"R208": "EWN"}, installed=(project("1.4.2", LOUDER),)
    ),
    "moved to another distribution": Situation(found={"R210": "EWN"}, installed=(MOVED,)),
    "recorded one does not provide it, another does": Situation(
        found={"R210": "EWN", "R203": "NNN"},
        installed=(project("1.5.0", entry_points=without_the_layer()), MOVED_LAYER),
    ),
    "no manifest": Situation(found={"M101": "WNN"}, metadata=drop_manifest),
    "manifest of no known form": Situation(found={"M102": "EWN"}, manifest=claim(generator=["?"])),
    "manifest of another major version": Situation(
        found={"M103": "EEE"}, manifest=claim(manifest_version="2.0")
    ),
    "manifest of a newer minor version": Situation(
        found={"M104": "NNN"}, manifest=claim(manifest_version="1.9", tomorrow={"a": 1})
    ),
    "manifest with something else in place of a name": Situation(
        found={"M105": "EWN"}, manifest=rename_distribution
    ),
    "manifest and config disagree": Situation(
        found={"M106": "EWN"}, config=set_units(8), manifest=claim(config=f"xxh3:{'0' * 32}")
    ),
    "saved by a newer Keras": Situation(found={"K101": "WNN"}, manifest=claim(keras="99.0.0")),
    "saved under another backend": Situation(
        found={"K102": "WNN"}, manifest=claim(backend="elsewhere", backend_version="1.0")
    ),
}

SAVE_LAYER = """\
import sys
import keras
import keras_registry
from acme_layers.gated import GatedDense

keras.Sequential([keras.layers.Input((4,)), GatedDense(3, name="gate")]).save(sys.argv[1])
"""


def change_weights(file: Path, name: str) -> None:
    """Change one array of the weights of a model file."""
    with zipfile.ZipFile(file) as archive:
        contents = {info.filename: archive.read(info) for info in archive.infolist()}
    weights = io.BytesIO(contents["model.weights.h5"])
    with h5py.File(weights, "r+") as opened:
        opened[name][...] = opened[name][...] + 1
    alter(file, file, members={"model.weights.h5": weights.getvalue()})


@pytest.mark.parametrize("situation", SITUATIONS.values(), ids=SITUATIONS)
def test_situation_is_judged_by_the_policy(
    situation: Situation,
    shelf: Callable[[PluginProject], Path],
    acme_model: SavedModel,
    fork_server: ForkServer,
    tmp_path: Path,
) -> None:
    """Each situation has its own finding, whose level is that of the policy table."""
    source = acme_model.path
    if situation.saved_with is not None:
        source = tmp_path / "saved.keras"
        saver = shelf(situation.saved_with)
        fork_server.run(SAVE_LAYER, argv=[source], path=[saver]).check()
    file = alter(
        source,
        tmp_path / "model.keras",
        config=situation.config,
        metadata=situation.metadata,
        manifest=situation.manifest,
    )
    if situation.weights is not None:
        change_weights(file, situation.weights)

    path = [shelf(wanted) for wanted in situation.installed]
    judged = fork_server.run(JUDGE, argv=[file], path=path).json()

    for index, policy in enumerate(POLICIES):
        levels = {code: row[index] for code, row in situation.found.items()}
        found = judged[policy]
        assert dict(found["findings"]).items() <= levels.items(), policy
        assert found["loads"] is ("E" not in levels.values()), policy
        if found["loads"]:
            assert dict(found["findings"]) == levels, policy
            assert set(found["warned"]) == {c for c, level in levels.items() if level == "W"}
        else:
            assert {c for c, level in levels.items() if level == "E"} & dict(
                found["findings"]
            ).keys()
            assert found["warned"] == []
            assert found["lines"] <= 12 + 6 * (len(found["findings"]) - 1)


def test_imported_already_or_not_is_the_same(
    shelf: Callable[[PluginProject], Path], acme_model: SavedModel, fork_server: ForkServer
) -> None:
    """A plugin that the program has imported is judged like one that the load imports."""
    for version, wanted in (("1.2.0", "R201"), ("1.4.0", "R202"), ("2.0.0", "R205")):
        path = [shelf(project(version))]
        imports = "from acme_layers import functions, gated, losses, metrics"

        fresh = observe(fork_server.run, acme_model.path, path=path)
        imported = observe(fork_server.run, acme_model.path, path=path, prelude=imports)

        assert fresh.before == ()
        assert imported.before != ()
        assert fresh.findings == imported.findings
        assert fresh.codes == [wanted]


def make_invalid(config: dict[str, Any]) -> None:
    """Break the config of the two layers and of the loss."""
    layers = config["config"]["layers"]
    layers[1]["config"] |= {"units": 0, "activation": 3, "surprise": [1] * 1000}
    layers[2]["config"]["units"] = "many\nlines\n" * 100
    config["compile_config"]["loss"]["config"]["quantile"] = {"a": "b"}


def test_messages_stay_short(
    acme_site: Path, acme_model: SavedModel, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Findings take twelve lines for the first and six for each further, whatever is in them."""
    file = alter(acme_model.path, tmp_path / "model.keras", config=make_invalid)

    failed = observe(fork_server.run, file, path=[acme_site])

    assert failed.codes == ["S101"] * 3
    assert len(failed.text.splitlines()) <= 12 + 2 * 6
    assert max(map(len, failed.text.splitlines())) < 1000
