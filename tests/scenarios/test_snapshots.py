"""Snapshots: what a plugin's author wrote down is told early, and never believed over code."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.scenarios.archives import alter
from tests.scenarios.commanding import forked_command
from tests.scenarios.commands import FRAMEWORKS, block_imports, run_command
from tests.scenarios.observing import install, normalised, observe
from tests.scenarios.variants import SECOND, WIDER, project
from tests.support.golden import check_golden
from tests.support.plugins import GATED_SOURCE, altered

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import SavedModel
    from tests.scenarios.observing import Observed
    from tests.support.distributions import PluginProject
    from tests.support.processes import ForkServer

FILE = "acme_layers/keras_registry.json"
VERSION_FIELD = "keras_registry_config_version"

IMPORT = "from keras_registry import register\n"
MIGRATED = altered(
    altered(
        GATED_SOURCE, IMPORT, f"{IMPORT}from keras_registry.migrations import Migration, add\n"
    ),
    '@register("acme")',
    '@register("acme", version=2, migrations=[Migration(1, 2, add("units", 1))])',
)
"""The layer with the next config version, and a migration to it."""

ONLY_JAX = altered(GATED_SOURCE, '@register("acme")', '@register("acme", backends=["jax"])')
"""The layer as it is when it runs on one backend."""


@pytest.fixture(scope="module")
def blocked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that makes every import of Keras, a backend or the plugin raise."""
    return block_imports(tmp_path_factory.mktemp("blocked"), *FRAMEWORKS, "acme_layers")


@pytest.fixture(scope="module")
def snapshot_of(
    shelf: Callable[[PluginProject], Path],
    tmp_path_factory: pytest.TempPathFactory,
    fork_server: ForkServer,
) -> Callable[[PluginProject], dict[str, Any]]:
    """Take the snapshot of a project, as its author does."""

    def take(source: PluginProject) -> dict[str, Any]:
        file = tmp_path_factory.mktemp("snapshot") / "keras_registry.json"
        arguments = ["snapshot", "acme-layers", "--output", file]
        forked_command(fork_server, *arguments, path=[shelf(source)]).check()
        document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return document

    return take


@pytest.fixture
def installed(
    snapshot_of: Callable[[PluginProject], dict[str, Any]], tmp_path: Path
) -> Callable[..., Path]:
    """Install a project with its snapshot, which may be changed before."""

    def put(source: PluginProject, change: Callable[[dict[str, Any]], Any] | str = "") -> Path:
        if isinstance(change, str) and change:
            text = change
        else:
            document = snapshot_of(source)
            if callable(change):
                change(document)
            text = json.dumps(document)
        return install(source.with_modules({FILE: text}), tmp_path / "with-snapshot")

    return put


def gate_in(document: dict[str, Any]) -> dict[str, Any]:
    """What a snapshot says of the layer."""
    found: dict[str, Any] = next(o for o in document["objects"] if o["key"] == "acme>GatedDense")
    return found


def claim(**members: Any) -> Callable[[dict[str, Any]], None]:
    """Let a snapshot say something else of the layer."""
    return lambda document: gate_in(document).update(members)


def under_version(version: int) -> Callable[[dict[str, Any]], None]:
    """Let the layers of a model have configs of a version."""

    def change(config: dict[str, Any]) -> None:
        for layer in config["config"]["layers"]:
            if layer["registered_name"] == "acme>GatedDense":
                layer["config"][VERSION_FIELD] = version

    return change


@pytest.fixture
def load(acme_model: SavedModel, fork_server: ForkServer) -> Callable[..., Observed]:
    """Load the model where a plugin is installed."""

    def run(site: Path, file: Path | None = None, **options: Any) -> Observed:
        return observe(fork_server.run, file or acme_model.path, path=[site], **options)

    return run


def verify(blocked: Path, site: Path, file: Path) -> dict[str, Any]:
    """What `verify` prints where nothing can be imported."""
    done = run_command("verify", "--json", file, path=[blocked, site])
    assert done.stderr == ""
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def codes(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Code and level of each finding of `verify`."""
    return [(item["code"], item["level"]) for item in document["findings"]]


# --- what is true ----------------------------------------------------------------------------


def test_right_snapshot_is_silent(
    installed: Callable[..., Path], load: Callable[..., Observed], acme_model: SavedModel
) -> None:
    """A snapshot that says what the code says changes nothing about a load."""
    loaded = load(installed(project("1.4.3")), inputs=acme_model.npz)

    assert loaded.findings == (("R203", "note"),)
    assert loaded.is_silent()
    assert loaded.predictions is not None


NO_SNAPSHOT = """\
import sys

opened = []
sys.addaudithook(
    lambda event, values: opened.append(str(values[0])) if event == "open" else None
)
"""


def test_absent_snapshot_costs_nothing(
    load: Callable[..., Observed], acme_site: Path, installed: Callable[..., Path]
) -> None:
    """Where a wheel has no snapshot no file is opened to look for one."""
    epilogue = "seen['opened'] = [name for name in opened if name.endswith('keras_registry.json')]"

    without = load(acme_site, prelude=NO_SNAPSHOT, epilogue=epilogue)
    with_one = load(installed(project("1.4.3")), prelude=NO_SNAPSHOT, epilogue=epilogue)

    assert without.is_silent()
    assert without.findings == ()
    assert without.raw["opened"] == []
    assert len(with_one.raw["opened"]) == 1


# --- what is not true ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("newer", {"config_version": 7}),
        ("older_refused", {"config_version": 7, "oldest_version": 7}),
        ("schema", {"schema": "xxh3:" + "0f" * 16}),
        ("backend", {"backends": ["jax"]}),
        ("no_backend", {"backends": []}),
    ],
)
def test_stale_snapshot_does_not_stop_a_load(
    name: str,
    members: dict[str, Any],
    *,
    installed: Callable[..., Path],
    load: Callable[..., Observed],
    acme_model: SavedModel,
) -> None:
    """Whatever a stale snapshot claims, the code decides, and one warning says so."""
    loaded = load(installed(project("1.4.3"), claim(**members)), inputs=acme_model.npz)

    assert loaded.findings == (("R203", "note"), ("D108", "warning"))
    assert [(kind, code) for kind, code, *_ in loaded.warnings] == [
        ("KerasRegistryWarning", "D108")
    ]
    assert loaded.predictions is not None, name


def test_stale_snapshot_that_claims_an_older_version(
    installed: Callable[..., Path],
    load: Callable[..., Observed],
    acme_model: SavedModel,
    blocked: Path,
    tmp_path: Path,
) -> None:
    """A file that is too new for the snapshot is loaded by code that is as new as the file."""
    file = alter(acme_model.path, tmp_path / "second.keras", config=under_version(2))
    site = installed(project("1.4.3", SECOND), claim(config_version=1, oldest_version=1))

    loaded = load(site, file)

    assert ("S102", "error") in codes(verify(blocked, site, file))
    assert loaded.error is None
    assert ("D108", "warning") in loaded.findings
    ((_, _, text, _),) = loaded.warnings
    replace = {str(site): "SITE", str(file.parent): "FOLDER"}
    check_golden("scenarios/snapshot_D108", normalised(text), replace=replace)


def test_stale_snapshot_that_hides_an_error(
    installed: Callable[..., Path],
    load: Callable[..., Observed],
    acme_model: SavedModel,
    blocked: Path,
    tmp_path: Path,
) -> None:
    """A file that the snapshot calls good is refused by code that does not read it."""
    file = alter(acme_model.path, tmp_path / "third.keras", config=under_version(3))
    site = installed(project("1.4.3"), claim(config_version=3, oldest_version=3))

    loaded = load(site, file)

    assert verify(blocked, site, file)["loadable"] is True
    assert {"S102", "D108"} <= set(loaded.codes)
    replace = {str(site): "SITE", str(file.parent): "FOLDER"}
    check_golden("scenarios/snapshot_S102", normalised(loaded.text), replace=replace)


UNUSABLE: dict[str, tuple[Callable[[dict[str, Any]], Any] | str, str, str]] = {
    "broken": ("{", "D106", "warning"),
    "hostile": (lambda doc: doc.update(objects=[{"key": 3, "kind": []}]), "D106", "warning"),
    "foreign": (lambda doc: doc.update(distribution="other-layers"), "D107", "warning"),
    "entry_points": (lambda doc: doc["objects"].pop(), "D108", "warning"),
    "other_major": (lambda doc: doc.update(snapshot_version="2.0"), "D109", "warning"),
    "newer_minor": (lambda doc: doc.update(snapshot_version="1.7"), "D110", "note"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_unusable_snapshot(
    name: str,
    installed: Callable[..., Path],
    load: Callable[..., Observed],
    acme_model: SavedModel,
    blocked: Path,
) -> None:
    """A snapshot that cannot be used is one finding of load and `verify`, and stops neither."""
    change, code, level = UNUSABLE[name]
    site = installed(project("1.4.3"), change)

    loaded = load(site, inputs=acme_model.npz)

    assert loaded.error is None
    assert loaded.predictions is not None
    assert sorted(loaded.findings) == sorted([("R203", "note"), (code, level)])
    told = verify(blocked, site, acme_model.path)
    assert sorted(codes(told)) == sorted(loaded.findings)
    assert told["loadable"] is True


# --- verify ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gated", "finding"),
    [
        (MIGRATED, ("R204", "note")),
        (GATED_SOURCE, ("R205", "warning")),
        (WIDER, ("R206", "error")),
    ],
)
def test_verify_knows_the_schemas_of_a_newer_version(
    gated: str,
    finding: tuple[str, str],
    *,
    installed: Callable[..., Path],
    load: Callable[..., Observed],
    acme_model: SavedModel,
    blocked: Path,
) -> None:
    """Of a newer major version `verify` says what the load says, where the author tells it."""
    site = installed(project("2.0.0", gated))

    told = verify(blocked, site, acme_model.path)
    loaded = load(site)

    assert finding in codes(told)
    assert "R211" not in {code for code, _ in codes(told)}
    # That a config was migrated can be said only once it was.
    assert [item for item in loaded.findings if item[0] != "S104"] == codes(told)
    assert told["loadable"] is (loaded.error is None)


@pytest.mark.parametrize(
    ("code", "gated", "version"), [("S102", GATED_SOURCE, 2), ("S103", SECOND, 1)]
)
def test_verify_knows_the_config_versions(
    code: str,
    gated: str,
    version: int,
    *,
    installed: Callable[..., Path],
    load: Callable[..., Observed],
    acme_model: SavedModel,
    blocked: Path,
    tmp_path: Path,
) -> None:
    """A config that is too new or too old for the installed class is found without its code."""
    file = alter(acme_model.path, tmp_path / "model.keras", config=under_version(version))
    site = installed(project("1.4.3", gated))

    done = run_command("verify", file, path=[blocked, site])
    loaded = load(site, file)

    assert (done.returncode, done.stderr) == (1, "")
    replace = {str(site): "SITE", str(file.parent): "FOLDER"}
    check_golden(f"scenarios/snapshot_verify_{code}", normalised(done.stdout), replace=replace)
    assert sorted(loaded.findings) == sorted(codes(verify(blocked, site, file)))
    assert code in loaded.codes


def test_backend_that_the_layer_does_not_run_on(
    installed: Callable[..., Path],
    load: Callable[..., Observed],
    acme_model: SavedModel,
    blocked: Path,
) -> None:
    """An object that does not run on this backend stops load and `verify`, with the way out."""
    site = installed(project("1.4.3", ONLY_JAX))

    loaded = load(site)
    done = run_command("verify", acme_model.path, path=[blocked, site])
    other = run_command(
        "verify", acme_model.path, path=[blocked, site], env={"KERAS_BACKEND": "jax"}
    )

    assert ("K104", "error") in loaded.findings
    replace = {str(acme_model.path.parent): "FOLDER"}
    check_golden("scenarios/snapshot_K104", normalised(loaded.text), replace=replace)
    assert done.returncode == 1
    check_golden("scenarios/snapshot_verify_K104", normalised(done.stdout), replace=replace)
    assert other.returncode == 0
    assert "K104" not in other.stdout


def test_backend_without_a_snapshot(
    shelf: Callable[[PluginProject], Path], load: Callable[..., Observed], acme_model: SavedModel
) -> None:
    """Without a snapshot the load finds the same, once the plugin is imported."""
    loaded = load(shelf(project("1.4.3", ONLY_JAX)))

    assert ("K104", "error") in loaded.findings
    replace = {str(acme_model.path.parent): "FOLDER"}
    check_golden("scenarios/snapshot_K104", normalised(loaded.text), replace=replace)


def test_backend_under_the_permissive_policy(
    shelf: Callable[[PluginProject], Path], load: Callable[..., Observed], acme_model: SavedModel
) -> None:
    """Whoever wants to try it on another backend can."""
    site = shelf(project("1.4.3", ONLY_JAX))

    loaded = load(site, inputs=acme_model.npz, env={"KERAS_REGISTRY_POLICY": "permissive"})

    assert ("K104", "warning") in loaded.findings
    assert loaded.predictions is not None


def test_errors_of_metadata_bring_what_snapshots_tell(
    installed: Callable[..., Path],
    load: Callable[..., Observed],
    acme_model: SavedModel,
    tmp_path: Path,
) -> None:
    """A load that stops before any import says all that can be known by then, at once."""

    def needs_another(config: dict[str, Any]) -> None:
        under_version(2)(config)
        dense = config["config"]["layers"][-1]
        dense.update(module="beta_extras.scale", registered_name="beta>Scale", class_name="Scale")

    file = alter(acme_model.path, tmp_path / "model.keras", config=needs_another)

    loaded = load(installed(project("1.4.3")), file)

    assert {"R106", "S102"} <= set(loaded.codes)
    assert loaded.after == ()
