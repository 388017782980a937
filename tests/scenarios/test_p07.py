"""P07: a file that was saved again by a process without keras-registry, or edited."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.scenarios.all_kinds import BUILD
from tests.scenarios.observing import QUIET, normalised, observe, plain
from tests.support.golden import check_golden

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.processes import ForkServer

SAVE = f"""\
{QUIET}
import sys
{BUILD}
import keras_registry

MODELS["layer"]().save(sys.argv[1])
"""
AGAIN = f"""\
{QUIET}
import sys
import keras
import acme_kinds.objects

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


@pytest.fixture(params=EDITS)
def file(
    request: pytest.FixtureRequest, tmp_path: Path, kinds_site: Path, fork_server: ForkServer
) -> Path:
    """A model file with a manifest."""
    path = tmp_path / f"model{request.param}"
    fork_server.run(SAVE, argv=[path], path=[kinds_site]).check()
    return path


def test_saved_again_by_plain_keras(file: Path, kinds_site: Path, fork_server: ForkServer) -> None:
    """The manifest is gone: the plugins are found all the same, and a note says what is missing."""
    fork_server.run(AGAIN, argv=[file], path=[kinds_site], env=plain).check()

    loaded = observe(fork_server.run, file, path=[kinds_site])

    assert loaded.error is None
    assert loaded.before == ()
    assert loaded.codes == ["M101"]
    assert loaded.classes == ("acme_kinds.objects.Gate",)


def test_config_that_was_edited(file: Path, kinds_site: Path, fork_server: ForkServer) -> None:
    """A manifest that was made for another config is named as such; the config counts."""
    fork_server.run(EDITS[file.suffix], argv=[file]).check()

    loaded = observe(
        fork_server.run, file, path=[kinds_site], epilogue="seen['sizes'] = model.layers[0].sizes"
    )

    assert loaded.error is None
    assert loaded.raw["sizes"] == [6, 7]
    report = normalised(loaded.raw["report"])
    check_golden("scenarios/p07_edited", report, replace={str(file): "FILE"})


def test_plain_keras_notices_nothing(file: Path, kinds_site: Path, fork_server: ForkServer) -> None:
    """With the hooks off the edited file is loaded where the plugin is imported, without a word."""
    fork_server.run(EDITS[file.suffix], argv=[file]).check()

    loaded, failed = (
        observe(fork_server.run, file, path=[kinds_site], env=plain, prelude=prelude)
        for prelude in ("import acme_kinds.objects", "pass")
    )

    assert loaded.is_silent()
    assert loaded.codes == []
    assert "Gate" in failed.text
