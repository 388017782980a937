"""The main job from end to end, on real wheels and in fresh environments.

A stranger publishes a plugin; a model that uses it is trained and saved; another environment, which
has only pip-installed the wheel, loads it, checked, and without importing the plugin.
"""

from __future__ import annotations

import json
import subprocess
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from keras_registry.environment import Environment
from tests.scenarios.archives import alter, read_manifest_document
from tests.scenarios.commands import FRAMEWORKS, block_imports, run_command
from tests.scenarios.observing import observe, plain
from tests.support.distributions import (
    find_uv,
    make_venv,
    pip_install,
    pip_uninstall,
    uv_install,
)
from tests.support.golden import check_golden
from tests.support.processes import child_environment, run_python

if TYPE_CHECKING:
    from tests.conftest import SavedModel
    from tests.support.processes import Completed, ForkServer

# Coverage follows into processes of this checkout; the core of an environment is another copy.
UNMEASURED = {"COVERAGE_PROCESS_START": None, "COVERAGE_PROCESS_CONFIG": None}

DATA = """\
import json
import sys

import keras
import numpy as np

import keras_registry

x = np.random.default_rng(5).uniform(-1, 1, size=(64, 3)).astype("float32")
y = x[:, 1] - x[:, 2] + (1 + x[:, 0])


def train(model, epochs):
    # As it is written by hand: the same batches in the same order.
    history = model.fit(x, y, epochs=epochs, batch_size=16, shuffle=False, verbose=0).history
    return {name: [float(value) for value in values] for name, values in history.items()}

"""

PUBLISH = (
    DATA
    + """
from keras_registry_starter.layers import GatedDense
from keras_registry_starter.losses import PinballLoss
from keras_registry_starter.metrics import Coverage

keras.utils.set_random_seed(5)
layers = [keras.Input((3,)), GatedDense(8, "silu", name="hidden"), keras.layers.Dense(3)]
model = keras.Sequential(layers, name="starter_model")
loss = PinballLoss((0.1, 0.5, 0.9), name="spread")
model.compile(keras.optimizers.Adam(0.02), loss=loss, metrics=[Coverage(0, 2, name="eighty")])
train(model, 2)
model.save("m.keras")
predictions = model.predict(x, verbose=0).tolist()
print(json.dumps({"predictions": predictions, "history": train(model, 3)}))
"""
)

LOAD = (
    """\
import sys


def plugins():
    return sorted(n for n in sys.modules if n.startswith(("keras_registry_starter", "acme_layers")))


import keras, keras_registry
before = plugins()
model = keras.saving.load_model('m.keras')
after = plugins()
"""
    + DATA
    + """
predictions = model.predict(x, verbose=0).tolist()
history = train(model, 3)
(metric,) = model._compile_metrics.metrics  # Keras makes it when it trains
found = {
    "core": keras_registry.__file__,
    "before": before,
    "after": after,
    "loss": [type(model.loss).__module__, list(model.loss.quantiles), model.loss.name],
    "metric": [type(metric).__module__, metric.lower, metric.upper, metric.name],
    "predictions": predictions,
    "history": history,
}
print(json.dumps(found))
"""
)


@dataclass(frozen=True, slots=True)
class Venv:
    """A virtual environment with the core's wheel, and a folder that has `m.keras`.

    Attributes:
        python: Its interpreter.
        folder: The working directory of its programs.
        first: What the program printed that trained and saved the model.
    """

    python: Path
    folder: Path
    first: dict[str, Any]

    @property
    def site(self) -> Path:
        """Its own site-packages."""
        (found,) = self.python.parents[1].rglob("site-packages")
        return found

    def run(self, code: str) -> Completed:
        """Run a program there."""
        return run_python(code, python=self.python, cwd=self.folder, env=UNMEASURED)


@pytest.fixture(scope="module")
def venv(
    tmp_path_factory: pytest.TempPathFactory,
    core_wheel: Path,
    starter_wheel: Path,
    acme_wheel: Path,
) -> Venv:
    """A fresh environment: the core, the starter plugin and another plugin, installed by pip."""
    folder = tmp_path_factory.mktemp("elsewhere")
    python = make_venv(folder / "venv")
    for wheel in (core_wheel, starter_wheel, acme_wheel):
        pip_install(wheel, python=python)
    first = run_python(PUBLISH, python=python, cwd=folder, env=UNMEASURED).json()
    return Venv(python, folder, first)


@pytest.fixture(scope="module")
def ended(venv: Venv) -> Completed:
    """A new interpreter that imports Keras and keras_registry, and loads the model."""
    return venv.run(LOAD)


@pytest.fixture(scope="module")
def loaded(ended: Completed) -> dict[str, Any]:
    """What that program found."""
    found: dict[str, Any] = ended.json()
    return found


def test_core_of_the_environment_is_that_of_the_wheel(venv: Venv, loaded: dict[str, Any]) -> None:
    """The environment's programs run the installed wheel, not the checkout."""
    assert Path(loaded["core"]).is_relative_to(venv.site)


def test_two_imports_and_a_call_load_the_model_in_silence(ended: Completed) -> None:
    """`import keras, keras_registry; keras.saving.load_model('m.keras')` works without a word."""
    assert ended.check().messages == ""


def test_only_the_plugin_needed_comes_in_during_the_load(loaded: dict[str, Any]) -> None:
    """The load imports the modules of the plugin that the model needs, and none of another."""
    assert loaded["before"] == []
    assert loaded["after"] == [
        "keras_registry_starter",
        "keras_registry_starter._tensors",
        "keras_registry_starter.layers",
        "keras_registry_starter.losses",
        "keras_registry_starter.metrics",
    ]


def test_compiled_loss_and_metric_are_there(loaded: dict[str, Any]) -> None:
    """Loss and metric are the plugin's, with the arguments that they had."""
    assert loaded["loss"] == ["keras_registry_starter.losses", [0.1, 0.5, 0.9], "spread"]
    assert loaded["metric"] == ["keras_registry_starter.metrics", 0, 2, "eighty"]


def test_predictions_are_equal(venv: Venv, loaded: dict[str, Any]) -> None:
    """The loaded model predicts exactly what the saved one did."""
    assert loaded["predictions"] == venv.first["predictions"]


def test_training_continues_as_without_the_round_trip(venv: Venv, loaded: dict[str, Any]) -> None:
    """Three more epochs have the losses and metrics that the first process had without loading."""
    assert loaded["history"] == venv.first["history"]
    assert loaded["history"]["loss"][2] < loaded["history"]["loss"][0]


def test_manifest_records_the_wheel(venv: Venv) -> None:
    """The file names the plugin's objects, its version, range and digest."""
    document = read_manifest_document(venv.folder / "m.keras")

    installed = Environment(path=[str(venv.site)]).find_distribution("keras-registry-starter")
    assert installed is not None
    assert document["distributions"] == {
        "keras-registry-starter": {
            "version": "0.1.0",
            "requires": ">=0.1,<0.2",
            "editable": False,
            "digest": installed.digest,
        }
    }
    assert {(item["key"], item["kind"]) for item in document["objects"]} == {
        ("starter>GatedDense", "layer"),
        ("starter>PinballLoss", "loss"),
        ("starter>Coverage", "metric"),
    }


def test_plain_keras_loads_the_file_with_the_plugin_imported(
    venv: Venv, fork_server: ForkServer
) -> None:
    """With the hooks off and the plugin imported by hand, plain Keras loads the same file."""
    imports = "from keras_registry_starter import layers, losses, metrics\n"
    program = LOAD.replace("before = plugins()\n", imports + "before = plugins()\n")

    env = {**UNMEASURED, **plain}
    found = fork_server.run(program, path=[venv.site], cwd=venv.folder, env=env).json()

    assert found["predictions"] == venv.first["predictions"]
    assert found["history"] == venv.first["history"]


def test_file_has_the_three_members_of_keras(venv: Venv) -> None:
    """The archive has the members that plain Keras writes, and no further one."""
    with zipfile.ZipFile(venv.folder / "m.keras") as archive:
        assert sorted(archive.namelist()) == ["config.json", "metadata.json", "model.weights.h5"]


TRY = """
import keras
import keras_registry

try:
    keras.saving.load_model("m.keras")
except TypeError as error:
    print(isinstance(error, keras_registry.LoadError), [item.code for item in error.findings])
    print(error)
"""


def test_uninstalled_plugin_is_one_error(
    venv: Venv, starter_wheel: Path, fork_server: ForkServer
) -> None:
    """Without the plugin one error names every missing object and the line for pip, at once."""
    pip_uninstall("keras-registry-starter", python=venv.python)
    try:
        done = fork_server.run(TRY, path=[venv.site], cwd=venv.folder, env=UNMEASURED).check()
    finally:
        pip_install(starter_wheel, python=venv.python)

    head, _, text = done.stdout.partition("\n")
    assert head == "True ['R101']"
    check_golden("acceptance/uninstalled", text)
    assert done.messages == ""


def test_no_weight_is_read_before_the_error(
    acme_model: SavedModel, acme_site: Path, fork_server: ForkServer, tmp_path: Path
) -> None:
    """A file whose weights are garbage fails for its missing plugin, not for its weights."""
    garbage = {"model.weights.h5": b"no weights at all"}
    file = alter(acme_model.path, tmp_path / "m.keras", members=garbage)
    data = bytearray(file.read_bytes())
    data[data.index(b"no weights at all")] ^= 0xFF  # the checksum is wrong besides
    file.write_bytes(data)

    failed = observe(fork_server.run, file)
    control = observe(fork_server.run, file, path=[acme_site])

    assert failed.findings == (("R101", "error"),)
    assert control.error is not None
    assert control.codes != ["R101"]


def test_error_is_of_the_class_that_plain_keras_needs(
    acme_model: SavedModel, fork_server: ForkServer
) -> None:
    """The class that catches plain Keras's error in this situation catches ours."""
    theirs = observe(fork_server.run, acme_model.path, env=plain)
    ours = observe(fork_server.run, acme_model.path)

    assert theirs.error_classes[0] == "TypeError"
    assert "TypeError" in ours.error_classes


# --- what two installers make of one wheel -------------------------------------------------------


def digest_in(folder: Path, name: str) -> str | None:
    """Return the digest of a distribution that is installed in a folder."""
    found = Environment(path=[str(folder)]).find_distribution(name)
    assert found is not None
    return found.digest


@pytest.mark.parametrize("wheel", ["starter_wheel", "acme_wheel"])
def test_digest_is_the_same_by_pip_and_by_uv(
    wheel: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """A wheel has one digest, whichever installer unpacked it, with byte code or without."""
    if find_uv() is None:
        pytest.fail("uv is one of the test dependencies, and is not here")
    path = request.getfixturevalue(wheel)
    name = path.name.partition("-")[0].replace("_", "-")
    pip_install(path, tmp_path / "pip")
    pip_install(path, tmp_path / "plain", byte_compile=False)
    uv_install(path, tmp_path / "uv")

    (digest,) = {digest_in(tmp_path / folder, name) for folder in ("pip", "plain", "uv")}

    assert digest is not None
    assert digest.startswith("sha256:")
    assert list((tmp_path / "pip").rglob("*.pyc"))


def test_digest_leaves_scripts_out(venv: Venv, core_wheel: Path, tmp_path: Path) -> None:
    """A wheel with a script, which every installer writes for its environment, has one digest."""
    uv = find_uv()
    if uv is None:
        pytest.fail("uv is one of the test dependencies, and is not here")
    python = make_venv(tmp_path / "venv")
    options = ["--quiet", "--offline", "--no-index", "--no-deps", "--no-config", "--python"]
    subprocess.run(
        [uv, "pip", "install", *options, python, core_wheel],
        env=child_environment(),
        check=True,
        capture_output=True,
    )
    (site,) = (tmp_path / "venv").rglob("site-packages")

    digests = [digest_in(folder, "keras-registry") for folder in (venv.site, site)]

    assert digests[0] == digests[1] is not None


# --- the commands, where Keras cannot be imported ------------------------------------------------


@pytest.fixture(scope="module")
def blocked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that makes imports of Keras, all backends and all plugins raise."""
    plugins = ("acme_layers", "keras_registry_starter")
    return block_imports(tmp_path_factory.mktemp("blocked"), *FRAMEWORKS, "h5py", *plugins)


def test_imports_are_blocked_indeed(blocked: Path) -> None:
    """In the processes of the tests below, importing Keras raises."""
    done = run_python("import keras", path=[blocked])

    assert "nobody may import keras here" in done.stderr


@pytest.mark.parametrize("command", ["inspect", "verify", "list"])
@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
def test_command_works_where_keras_cannot_be_imported(
    command: str,
    options: list[str],
    *,
    blocked: Path,
    acme_site: Path,
    acme_model: SavedModel,
) -> None:
    """`inspect`, `verify` and `list` need neither Keras nor a backend nor any plugin."""
    file = [] if command == "list" else [acme_model.path]

    done = run_command(command, *options, *file, path=[blocked, acme_site])

    assert (done.returncode, done.stderr) == (0, "")
    if options:
        json.loads(done.stdout)
    wanted = "can be loaded here: no findings" if command == "verify" else "acme>GatedDense"
    assert (wanted if not options else "acme-layers") in done.stdout


def test_inspect_imports_next_to_nothing(acme_model: SavedModel, tmp_path: Path) -> None:
    """`inspect` works where none of the heavier dependencies can be imported."""
    heavy = ("pydantic", "packaging", "rich", "wrapt", "importlib_metadata", "numpy")
    folder = block_imports(tmp_path / "blocked", *FRAMEWORKS, "h5py", *heavy)

    for options in ([], ["--json"]):
        done = run_command("inspect", *options, acme_model.path, path=[folder])

        assert (done.returncode, done.stderr) == (0, "")
        assert "acme>GatedDense" in done.stdout


def test_command_of_the_environment_runs(venv: Venv) -> None:
    """The script that pip put into the environment is the command."""
    done = subprocess.run(
        [venv.python.with_name("keras-registry"), "verify", "m.keras"],
        cwd=venv.folder,
        env=child_environment(UNMEASURED),
        capture_output=True,
        check=False,
        encoding="utf-8",
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "m.keras can be loaded here: no findings\n"
