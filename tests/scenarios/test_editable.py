"""Editable installs: their code cannot be compared, and that is said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.archives import read_manifest_document
from tests.scenarios.judging import JUDGE, POLICIES
from tests.support.distributions import make_venv, pip_install_editable
from tests.support.plugins import TRAIN_AND_SAVE, acme_project
from tests.support.processes import run_python

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import SavedModel
    from tests.support.processes import ForkServer


@dataclass(frozen=True, slots=True)
class Editable:
    """An environment into which pip has installed acme-layers 1.4.2 in editable mode.

    Attributes:
        python: Its interpreter.
        path: What its interpreter has on its path because of that, for a forked child.
    """

    python: Path
    path: tuple[Path, ...]


@pytest.fixture(scope="module")
def editable(tmp_path_factory: pytest.TempPathFactory) -> Editable:
    """An editable install of the plugin that is otherwise the one that saved the model."""
    folder = tmp_path_factory.mktemp("editable")
    python = make_venv(folder / "venv")
    source = acme_project().write(folder / "project")
    pip_install_editable(source, python=python)
    (site,) = (folder / "venv").rglob("site-packages")
    return Editable(python, (site, source / "src"))


def test_editable_install_is_noted(
    editable: Editable, acme_model: SavedModel, fork_server: ForkServer
) -> None:
    """Of an editable install a note says, under every policy, that its code cannot be compared."""
    judged = fork_server.run(JUDGE, argv=[acme_model.path], path=editable.path).json()

    for policy in POLICIES:
        assert judged[policy] == {
            "loads": True,
            "findings": [["R209", "N"]],
            "lines": 0,
            "warned": [],
        }


def test_editable_install_works_in_its_own_environment(
    editable: Editable, acme_model: SavedModel
) -> None:
    """The interpreter of the environment with the editable install loads the model, in silence."""
    code = (
        "import sys, keras, keras_registry\n"
        "model = keras.saving.load_model(sys.argv[1])\n"
        "print(sys.modules['acme_layers.gated'].__file__)\n"
        "print([item.code for item in keras_registry.report(model).findings])\n"
    )

    done = run_python(code, argv=[acme_model.path], python=editable.python).check()

    file, codes = done.stdout.splitlines()
    assert file == str(editable.path[1] / "acme_layers" / "gated.py")
    assert codes == "['R209']"
    assert done.messages == ""


def test_model_of_an_editable_install_has_no_digest(
    editable: Editable, acme_site: Path, fork_server: ForkServer, tmp_path: Path
) -> None:
    """A model saved from an editable install says so, and is noted where a wheel is installed."""
    files = [tmp_path / "model.keras", tmp_path / "model.npz"]
    fork_server.run(TRAIN_AND_SAVE, argv=files, path=editable.path).check()

    judged = fork_server.run(JUDGE, argv=files[:1], path=[acme_site]).json()

    record = read_manifest_document(files[0])["distributions"]["acme-layers"]
    assert record["editable"] is True
    assert record.get("digest") is None
    for policy in POLICIES:
        assert judged[policy]["findings"] == [["R209", "N"]]
