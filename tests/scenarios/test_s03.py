"""S03: a model saved and loaded under different Keras versions, in both directions.

An older file plain Keras loads as well; of a newer one that fails it does not say that it is newer.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.scenarios.archives import alter
from tests.scenarios.commands import FRAMEWORKS, block_imports, run_command
from tests.scenarios.observing import observe, plain
from tests.support.distributions import hand_made_distribution
from tests.support.golden import check_golden

if TYPE_CHECKING:
    from typing import Any

    from tests.support.processes import ForkServer

COMPAT = Path(__file__).resolve().parents[1] / "compat"
NEWER = COMPAT / "keras-3.15.1"


@pytest.fixture(scope="module")
def old_keras(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Folders with which a process has Keras 3.12.0 installed, and may not import it."""
    folder = tmp_path_factory.mktemp("old-keras")
    hand_made_distribution(folder / "site", "keras", "3.12.0")
    return [block_imports(folder / "blocked", *FRAMEWORKS), folder / "site"]


SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "compat_files.py"
OBJECTS = SCRIPT.read_text(encoding="utf-8").partition("SOURCE = '''\\\n")[2].partition("'''")[0]
"""The classes and functions in the old files, as their program had them."""

REGISTER = """
for made in (Gate, Share, squash, gap):
    keras.saving.register_keras_serializable("acme")(made)
"""


@pytest.mark.parametrize("release", ["3.6.0", "3.8.0"])
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_older_file_loads_in_silence(release: str, suffix: str, fork_server: ForkServer) -> None:
    """A file of an older Keras loads without a word, and predicts what it predicted there."""
    file = COMPAT / f"keras-{release}" / f"registered{suffix}"
    inputs = file.with_suffix(".npz")

    loaded = observe(fork_server.run, file, inputs=inputs, prelude=OBJECTS + REGISTER)

    assert loaded.is_silent()
    wanted = np.load(inputs)["predictions"]
    np.testing.assert_allclose(loaded.predictions, wanted, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", ["transformer.keras", "adam.h5"])
def test_verify_says_what_is_left_out(name: str, old_keras: list[Path]) -> None:
    """`verify` under an older Keras says, without it, that a file loads, and without what."""
    done = run_command("verify", NEWER / name, path=old_keras)

    assert (done.returncode, done.messages) == (0, "")
    check_golden(f"scenarios/s03_verify_{name}", done.stdout, replace={str(NEWER): "FOLDER"})


@pytest.mark.parametrize("name", ["pooling.keras", "pooling.h5", "renorm.keras", "renorm.h5"])
def test_verify_says_what_stops(name: str, old_keras: list[Path]) -> None:
    """`verify` under an older Keras names what that lacks, class or argument, and both versions."""
    done = run_command("verify", NEWER / name, path=old_keras)

    assert (done.returncode, done.messages) == (1, "")
    check_golden(f"scenarios/s03_verify_{name}", done.stdout, replace={str(NEWER): "FOLDER"})


def test_verify_under_the_strict_policy(old_keras: list[Path]) -> None:
    """Under the strict policy what would be left out stops, and `verify` says so."""
    done = run_command("verify", "--policy", "strict", NEWER / "nested.h5", path=old_keras)

    assert done.returncode == 1
    assert "K109 error" in done.stdout


def test_verify_under_the_same_keras(tmp_path: Path) -> None:
    """Where the Keras is installed that saved a file, there is nothing to say of versions."""
    hand_made_distribution(tmp_path, "keras", "3.15.1")

    done = run_command("verify", NEWER / "renorm.keras", path=[tmp_path])

    assert done.returncode == 0
    assert "K1" not in done.stdout


def from_the_future(config: dict[str, Any]) -> None:
    """Use an argument that no Keras has yet."""
    layers = config["config"]["layers"]
    layers[1]["config"]["polish"] = "high"


def by_newer_keras(metadata: dict[str, Any]) -> None:
    """Say that a newer Keras saved the model, as Keras says it; there is no manifest."""
    metadata["keras_version"] = "3.99.0"


def test_newer_file_that_fails_is_explained(fork_server: ForkServer, tmp_path: Path) -> None:
    """A file of a Keras that nobody knows here: object, argument, value and both versions."""
    file = tmp_path / "newer.keras"
    alter(NEWER / "adam.keras", file, config=from_the_future, metadata=by_newer_keras)

    failed = observe(fork_server.run, file)
    theirs = observe(fork_server.run, file, env=plain)

    replace = {str(tmp_path): "FOLDER", version("keras"): "INSTALLED"}
    check_golden("scenarios/s03_newer", failed.text, replace=replace)
    assert "3.99.0" not in theirs.text
    assert "layers[" not in theirs.text.partition("config=")[0]
