"""What each policy makes of each situation: the policy table, on real wheels and real files."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import h5py
import pytest

from tests.scenarios.archives import alter, read_manifest_document
from tests.scenarios.observing import install, observe
from tests.support.distributions import make_venv, pip_install_editable
from tests.support.plugins import (
    ACME_ENTRY_POINTS,
    GATED_SOURCE,
    TRAIN_AND_SAVE,
    acme_project,
    altered,
)
from tests.support.processes import run_python

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import SavedModel
    from tests.scenarios.archives import Edit
    from tests.support.distributions import PluginProject
    from tests.support.processes import ForkServer

POLICIES = ("strict", "compatible", "permissive")

WIDER = altered(
    altered(
        GATED_SOURCE,
        '        kernel_initializer: t.Initializer = "glorot_uniform",\n',
        '        kernel_initializer: t.Initializer = "glorot_uniform",\n        scale: float = 1.0,\n',
    ),
    "        self.units = units\n",
    "        self.units = units\n        self.scale = scale\n",
)
"""The layer with a further argument: another config schema, under which old configs are valid."""

LOUDER = altered(GATED_SOURCE, "return gate *", "return 1.0 * gate *")
"""The layer with other code of the same meaning."""

SECOND = altered(GATED_SOURCE, '@register("acme")', '@register("acme", version=2)')
"""The layer with the next config version, and no migration to it."""

LEAKY = altered(
    GATED_SOURCE,
    "    def call(self, inputs):\n",
    """\
        self.extra = self.add_weight(shape=(2,), name="extra")

    def load_own_variables(self, store):
        self.kernel.assign(store["0"])
        self.gate.assign(store["1"])

    def call(self, inputs):
""",
)
"""The layer with a weight that no file has, and that it leaves at random."""

UNREGISTERED = altered(GATED_SOURCE, '@register("acme")', "")
"""The layer as it is when its author forgets the decorator."""


def project(version: str, gated: str | None = None, **changes: Any) -> PluginProject:
    """Return acme-layers of a version, with another source of its layer."""
    modules = {} if gated is None else {"acme_layers/gated.py": gated}
    return acme_project(version, modules=modules).evolve(**changes)


def without_the_layer() -> dict[str, dict[str, str]]:
    """Return the entry points of acme-layers without that of the layer."""
    return {g: e for g, e in ACME_ENTRY_POINTS.items() if g != "keras_registry.layers"}


MOVED = acme_project("3.0").evolve(name="moved-layers")
MOVED_LAYER = MOVED.evolve(
    modules={"moved_layers/gated.py": GATED_SOURCE},
    entry_points={"keras_registry.layers": {"acme>GatedDense": "moved_layers.gated:GatedDense"}},
)
RIVAL = acme_project("3.0").evolve(name="rival-layers")


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
            (E, W, N); `-` where it is not reached because another stops the load before.
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
    "manifest of no known form": Situation(
        found={"M102": "EWN"}, manifest=claim(generator=["?"])
    ),
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

JUDGE = """\
import json
import sys
import warnings

import keras

import keras_registry

assert not any(name.startswith(("acme_layers", "moved_layers")) for name in sys.modules)
found = {}
for policy in ("strict", "compatible", "permissive"):
    with warnings.catch_warnings(record=True) as caught, keras_registry.policy(policy):
        warnings.simplefilter("always")
        try:
            model = keras.saving.load_model(sys.argv[1])
        except keras_registry.LoadError as error:
            loads, findings, text = False, error.findings, str(error)
        else:
            loads, findings = True, keras_registry.report(model).findings
    found[policy] = {
        "loads": loads,
        "findings": [(item.code, item.level[0].upper()) for item in findings],
        "lines": 0 if loads else len(text.splitlines()),
        "warned": [
            warning.message.finding.code
            for warning in caught
            if issubclass(warning.category, keras_registry.KerasRegistryWarning)
        ],
    }
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Callable[[PluginProject], Path]:
    """Builds and installs projects, each once."""
    known: dict[str, Path] = {}

    def get(wanted: PluginProject) -> Path:
        mark = repr(wanted)
        if mark not in known:
            known[mark] = install(wanted, tmp_path_factory.mktemp("shelf"))
        return known[mark]

    return get


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
            assert {c for c, level in levels.items() if level == "E"} & dict(found["findings"]).keys()
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


# --- editable installs ---------------------------------------------------------------------------


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


# --- how a policy is set -------------------------------------------------------------------------


# A block that is not left before the load: the process ends with it.
ENTER = "block = keras_registry.policy({!r})\nblock.__enter__()"


@pytest.mark.parametrize(
    "way",
    [
        {"load": "keras_registry.load_model", "policy": "strict"},
        {"env": {"KERAS_REGISTRY_POLICY": "strict"}},
        {"prelude": ENTER.format("strict")},
        {
            "env": {"KERAS_REGISTRY_POLICY": "permissive"},
            "prelude": ENTER.format("strict"),
        },
        {
            "load": "keras_registry.load_model",
            "policy": "strict",
            "prelude": ENTER.format("permissive"),
        },
    ],
    ids=["argument", "variable", "block", "block over variable", "argument over block"],
)
def test_policy_can_be_set_in_three_ways(
    way: dict[str, Any],
    shelf: Callable[[PluginProject], Path],
    acme_model: SavedModel,
    fork_server: ForkServer,
) -> None:
    """The argument of a call, the block around it and the variable set the policy, in that order."""
    site = shelf(project("1.4.0"))

    failed = observe(fork_server.run, acme_model.path, path=[site], **way)

    assert failed.findings == (("R202", "error"),)


def test_unknown_policy_is_refused(
    acme_site: Path, acme_model: SavedModel, fork_server: ForkServer
) -> None:
    """A policy that there is not stops the load, and the message lists those that there are."""
    failed = observe(
        fork_server.run, acme_model.path, path=[acme_site], env={"KERAS_REGISTRY_POLICY": "lax"}
    )

    assert failed.error_classes[0] == "SettingsError"
    assert "'lax'" in failed.text
    assert all(policy in failed.text for policy in POLICIES)


# --- length --------------------------------------------------------------------------------------


def make_invalid(config: dict[str, Any]) -> None:
    """Break the config of the two layers and of the loss."""
    layers = config["config"]["layers"]
    layers[1]["config"] |= {"units": 0, "activation": 3, "surprise": [1] * 1000}
    layers[2]["config"]["units"] = "many\nlines\n" * 100
    config["compile_config"]["loss"]["config"]["quantile"] = {"a": "b"}


def test_messages_stay_short(
    acme_site: Path, acme_model: SavedModel, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Many findings about hostile values take twelve lines for the first and six for each further."""
    file = alter(acme_model.path, tmp_path / "model.keras", config=make_invalid)

    failed = observe(fork_server.run, file, path=[acme_site])

    assert failed.codes == ["S101"] * 3
    assert len(failed.text.splitlines()) <= 12 + 2 * 6
    assert max(map(len, failed.text.splitlines())) < 1000
