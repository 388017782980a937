"""S17: what is in this file, and can it be loaded here: asked without Keras.

Keras has no such question, so that there is nothing to show with the hooks off: the commands run
where it cannot even be imported.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.scenarios.archives import alter
from tests.scenarios.commands import FRAMEWORKS, block_imports, run_command
from tests.scenarios.observing import install, normalised, observe
from tests.support.golden import check_golden
from tests.support.plugins import acme_project

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import SavedModel
    from tests.support.processes import Completed, ForkServer

SAVE_ODDITIES = """\
import sys
import warnings

import keras
import keras_registry
from acme_layers.gated import GatedDense


class Home(keras.layers.Layer):
    def call(self, inputs):
        return inputs


@keras.saving.register_keras_serializable("handmade")
class Registered(keras.layers.Layer):
    def call(self, inputs):
        return inputs


warnings.simplefilter("ignore")
layers = [
    GatedDense(3, name="gate"),
    Home(name="home"),
    Registered(name="registered"),
    keras.layers.Lambda(lambda x: x * 2, name="double"),
]
keras.Sequential([keras.layers.Input((4,)), *layers], name="odd").save(sys.argv[1])
"""


@pytest.fixture(scope="module")
def oddities(
    tmp_path_factory: pytest.TempPathFactory, acme_site: Path, fork_server: ForkServer
) -> Path:
    """A model with a plugin's layer, a lambda, and two classes that no distribution has."""
    file = tmp_path_factory.mktemp("odd") / "odd.keras"
    fork_server.run(SAVE_ODDITIES, argv=[file], path=[acme_site]).check()
    return file


@pytest.fixture(scope="module")
def blocked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that makes every import of Keras, a backend or the plugin raise."""
    return block_imports(tmp_path_factory.mktemp("blocked"), *FRAMEWORKS, "acme_layers")


def test_inspect_tells_all_without_keras(oddities: Path, blocked: Path) -> None:
    """`inspect` shows Keras, backend, Python, plugins, versions, lambdas and weights of a file."""
    done = run_command("inspect", oddities, path=[blocked])

    assert (done.returncode, done.stderr) == (0, "")
    text = normalised(done.stdout)
    check_golden("scenarios/s17_inspect", text, replace={str(oddities.parent): "FOLDER"})


def test_inspect_of_a_plain_file_says_what_is_unknown(oddities: Path, tmp_path: Path) -> None:
    """For a file without a manifest `inspect` shows what the model itself tells, and says so."""
    file = alter(oddities, tmp_path / "plain.keras", metadata=lambda doc: doc.pop("keras_registry"))

    done = run_command("inspect", file)

    assert done.returncode == 0
    check_golden(
        "scenarios/s17_inspect_plain", normalised(done.stdout), replace={str(tmp_path): "FOLDER"}
    )


def test_verify_names_every_trouble_at_once(oddities: Path, acme_site: Path, blocked: Path) -> None:
    """`verify` says of each custom object of a file whether it could be had here."""
    done = run_command("verify", oddities, path=[blocked, acme_site])

    assert (done.returncode, done.stderr) == (1, "")
    text = normalised(done.stdout)
    check_golden("scenarios/s17_verify", text, replace={str(oddities.parent): "FOLDER"})


def from_newer_keras(manifest: dict[str, Any]) -> None:
    """Claim that a later Keras wrote the file."""
    manifest["environment"]["keras"] = "99.1.0"


def from_other_backend(manifest: dict[str, Any]) -> None:
    """Claim that another backend wrote the file."""
    manifest["environment"]["backend"] = "torch"


def of_newer_plugin(manifest: dict[str, Any]) -> None:
    """Claim that a later plugin was installed."""
    manifest["distributions"]["acme-layers"]["version"] = "1.9.0"


def of_other_code(manifest: dict[str, Any]) -> None:
    """Claim that the plugin had other code."""
    manifest["distributions"]["acme-layers"]["digest"] = f"sha256:{'0' * 64}"


def of_other_config(manifest: dict[str, Any]) -> None:
    """Claim that the model had another description."""
    manifest["config"] = f"xxh3:{'0' * 32}"


def of_another_version(manifest: dict[str, Any]) -> None:
    """Claim that the manifest has a format of tomorrow."""
    manifest["manifest_version"] = "2.0"


def of_newer_format(manifest: dict[str, Any]) -> None:
    """Claim that the manifest has a format of next month."""
    manifest["manifest_version"] = "1.7"


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (from_newer_keras, ("K101", "note")),
        (from_other_backend, ("K102", "note")),
        (of_newer_plugin, ("R201", "error")),
        (of_other_code, ("R208", "warning")),
        (of_other_config, ("M106", "warning")),
        (of_another_version, ("M103", "error")),
        (of_newer_format, ("M104", "note")),
    ],
)
def test_verify_foretells_the_load(
    change: Any,
    finding: tuple[str, str],
    *,
    acme_site: Path,
    acme_model: SavedModel,
    blocked: Path,
    fork_server: ForkServer,
    tmp_path: Path,
) -> None:
    """What `verify` finds without Keras is what the load finds, under the same code and level."""
    file = alter(acme_model.path, tmp_path / "model.keras", manifest=change)

    done = run_command("verify", "--json", file, path=[blocked, acme_site])
    loaded = observe(fork_server.run, file, path=[acme_site])

    foretold = [(item["code"], item["level"]) for item in json.loads(done.stdout)["findings"]]
    assert foretold == list(loaded.findings) == [finding]
    assert done.returncode == (1 if loaded.error else 0)


def test_verify_says_when_only_the_code_can_tell(
    acme_model: SavedModel, blocked: Path, tmp_path: Path
) -> None:
    """Of a newer major version `verify` says that only the code can tell more."""
    site = install(acme_project("2.0.0"), tmp_path)

    done = run_command("verify", acme_model.path, path=[blocked, site])

    assert done.returncode == 0
    check_golden(
        "scenarios/s17_verify_newer",
        normalised(done.stdout),
        replace={str(acme_model.path.parent): "FOLDER"},
    )


def find_damage(file: Path) -> Completed:
    """Run `verify` on a file that has one byte flipped in the middle of the weights."""
    data = bytearray(file.read_bytes())
    data[data.index(b"\x89HDF") + 4000] ^= 0xFF
    file.write_bytes(data)
    return run_command("verify", "--json", file)


def test_verify_finds_a_flipped_byte(acme_model: SavedModel, tmp_path: Path) -> None:
    """`verify` reads the weights through, so a damaged file is found before it is loaded."""
    done = find_damage(alter(acme_model.path, tmp_path / "model.keras"))

    document = json.loads(done.stdout)
    assert (done.returncode, document["readable"]) == (3, False)
    assert [item["code"] for item in document["findings"]] == ["A105"]
    assert document["findings"][0]["location"] == "model.weights.h5"
