"""P07: a file that was saved again by a process without keras-registry, or edited."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.scenarios.all_kinds import BUILD, PROJECT
from tests.scenarios.observing import install, observe, plain

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.processes import ForkServer

SAVE = f"""\
import logging, sys
{BUILD}
import keras_registry

logging.getLogger("absl").setLevel(logging.ERROR)  # that HDF5 is considered legacy
MODELS["layer"]().save(sys.argv[1])
"""
AGAIN = """\
import logging, sys
import keras
import acme_kinds.objects

logging.getLogger("absl").setLevel(logging.ERROR)  # that HDF5 is considered legacy
keras.saving.load_model(sys.argv[1]).save(sys.argv[1])
"""
EDIT_H5 = """\
import json, sys
import h5py

with h5py.File(sys.argv[1], "r+") as file:
    config = json.loads(file.attrs["model_config"])
    config["config"]["layers"][1]["config"]["sizes"] = [6, 7]
    file.attrs["model_config"] = json.dumps(config)
"""
EDIT_ZIP = """\
import json, sys, zipfile

with zipfile.ZipFile(sys.argv[1]) as archive:
    members = {name: archive.read(name) for name in archive.namelist()}
config = json.loads(members["config.json"])
config["config"]["layers"][1]["config"]["sizes"] = [6, 7]
members["config.json"] = json.dumps(config)
with zipfile.ZipFile(sys.argv[1], "w") as archive:
    for name, data in members.items():
        archive.writestr(name, data)
"""
EDITS = {".h5": EDIT_H5, ".keras": EDIT_ZIP}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plugin distribution, installed from its wheel."""
    return install(PROJECT, tmp_path_factory.mktemp("kinds"))


@pytest.fixture(params=EDITS)
def file(
    request: pytest.FixtureRequest, tmp_path: Path, site: Path, fork_server: ForkServer
) -> Path:
    """A model file with a manifest."""
    path = tmp_path / f"model{request.param}"
    fork_server.run(SAVE, argv=[path], path=[site]).check()
    return path


def test_saved_again_by_plain_keras(file: Path, site: Path, fork_server: ForkServer) -> None:
    """The manifest is gone: the plugins are found all the same, and a note says what is missing."""
    fork_server.run(AGAIN, argv=[file], path=[site], env=plain).check()

    loaded = observe(fork_server.run, file, path=[site])

    assert loaded.error is None
    assert loaded.before == ()
    assert loaded.codes == ["M101"]
    assert loaded.classes == ("acme_kinds.objects.Gate",)


def test_config_that_was_edited(file: Path, site: Path, fork_server: ForkServer) -> None:
    """A manifest that was made for another config is named as such; the config counts."""
    fork_server.run(EDITS[file.suffix], argv=[file]).check()

    loaded = observe(
        fork_server.run, file, path=[site], epilogue="seen['sizes'] = model.layers[0].sizes"
    )

    assert loaded.error is None
    assert loaded.raw["sizes"] == [6, 7]
    (code,) = loaded.codes
    assert code.startswith("M")
    assert "config" in loaded.raw["report"]
