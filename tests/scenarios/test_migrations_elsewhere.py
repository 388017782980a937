"""A `.h5` file or a folder of an old version meets a newer one: it is migrated, or refused."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from keras_registry.artifact import read_artifact
from tests.conftest import SavedModel
from tests.scenarios.commanding import forked_command
from tests.scenarios.observing import observe, plain
from tests.scenarios.old_containers import (
    LAYOUTS,
    LOAD_PAIRS,
    SAVE_ANYWHERE,
    SAVE_NAMES_ANYWHERE,
    SAVE_PAIRS,
    pairs_project,
)
from tests.scenarios.projections import BARE_FOUR, FOUR, MODULE, ONE, TWO, of_version
from tests.scenarios.renamed_names import ALIASED, BARE, BEHIND, FIRST
from tests.support.golden import check_golden
from tests.support.plugins import altered

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.scenarios.observing import Observed
    from tests.support.distributions import PluginProject
    from tests.support.processes import ForkServer

    Shelf = Callable[[PluginProject], Path]

CONTAINERS = {"h5": "old.h5", "folder": "old"}


def save_all(program: str, folder: Path, site: Path, server: ForkServer) -> dict[str, SavedModel]:
    """Let a program save one model to all containers."""
    paths = [folder / name for name in CONTAINERS.values()]
    npz = folder / "known.npz"
    server.run(program, argv=[paths[0], npz, *paths[1:]], path=[site]).check()
    return {name: SavedModel(path, npz) for name, path in zip(CONTAINERS, paths, strict=True)}


@pytest.fixture(scope="module")
def old(
    tmp_path_factory: pytest.TempPathFactory, shelf: Shelf, fork_server: ForkServer
) -> dict[str, SavedModel]:
    """A trained model of acme-projection 1 in each container. Read only."""
    return save_all(SAVE_ANYWHERE, tmp_path_factory.mktemp("old"), shelf(ONE), fork_server)


@pytest.fixture
def mine(old: dict[str, SavedModel], tmp_path: Path) -> dict[str, Path]:
    """Copies of them, to be changed."""
    (tmp_path / "mine").mkdir()
    return {
        container: copied(saved.path, tmp_path / "mine" / saved.path.name)
        for container, saved in old.items()
    }


def copied(source: Path, target: Path) -> Path:
    """Copy a file or a folder, and return where the copy is."""
    copy = shutil.copytree if source.is_dir() else shutil.copy
    return Path(copy(source, target))


def bytes_of(path: Path) -> Any:
    """Return the bytes of a file, or of all files in a folder by their names."""
    if path.is_file():
        return path.read_bytes()
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def arrays_in(path: Path) -> dict[str, tuple[str, bytes]]:
    """Return the datasets of a `.h5` file, its manifest left out, with type and bytes of each."""
    found: dict[str, tuple[str, bytes]] = {}

    def note(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and not name.startswith("keras_registry"):
            found[name] = (f"{item.dtype}{item.shape}", item[()].tobytes())

    with h5py.File(path) as file:
        file.visititems(note)
    return found


def config_of(path: Path) -> Any:
    """Return the config of a model in any container."""
    artifact = read_artifact(path).artifact
    assert artifact is not None
    return artifact.config


def manifest_of(path: Path) -> Any:
    """Return the manifest of a model in any container, as JSON."""
    artifact = read_artifact(path).artifact
    assert artifact is not None
    return artifact.manifest_document


def assert_equal(loaded: Observed, npz: Path) -> None:
    """Check that a model predicts what the saved one did."""
    predictions = np.asarray(loaded.predictions, "float32")
    np.testing.assert_array_equal(predictions, np.load(npz)["predictions"])


# --- loading ---------------------------------------------------------------------------------

TELL_OPTIMIZER = (
    "seen['optimizer'] = {v.path: v.numpy().tolist() for v in model.optimizer.variables}"
)


@pytest.mark.parametrize("container", CONTAINERS)
def test_old_file_loads(
    container: str, old: dict[str, SavedModel], shelf: Shelf, fork_server: ForkServer
) -> None:
    """Configs and weights of version 1 become those of version 4, and the state that fits is kept.

    The second kernel is square: set as it is, it would be another one without a word.
    """
    saved = old[container]

    loaded = observe(
        fork_server.run,
        saved.path,
        path=[shelf(FOUR)],
        inputs=saved.npz,
        epilogue=TELL_OPTIMIZER,
    )

    assert loaded.findings == (("R204", "note"), ("S104", "note"), ("W104", "warning"))
    assert loaded.raw["verified"] == ["layers"]
    assert f"keras-registry migrate {saved.path}" in loaded.raw["report"]
    assert_equal(loaded, saved.npz)
    before, state = np.load(saved.npz), loaded.raw["optimizer"]
    reset = {path for path in state if "first" in path or "second" in path}
    assert len(reset) == 4
    assert not any(np.any(state[path]) for path in reset)
    assert len(state) == 10
    for path in state.keys() - reset:
        ending = path.rpartition("/")[2].removeprefix("projected_")
        (former,) = [name for name in before if name.endswith(ending)]
        np.testing.assert_array_equal(np.asarray(state[path], "float32"), before[former], path)


@pytest.mark.parametrize("container", CONTAINERS)
def test_names_alone_keep_the_whole_state(
    container: str, old: dict[str, SavedModel], shelf: Shelf, fork_server: ForkServer
) -> None:
    """Where only an argument has another name, weights and optimizer are the ones saved."""
    saved = old[container]

    loaded = observe(fork_server.run, saved.path, path=[shelf(TWO)], inputs=saved.npz)

    assert loaded.is_silent()
    assert loaded.raw["verified"] == ["layers", "optimizer"]
    assert_equal(loaded, saved.npz)


SAVE_SCALED = SAVE_ANYWHERE.replace(
    'model.compile("adam"',
    "model.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam())",
)


def test_optimizer_inside_another_keeps_what_fits(
    shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """An optimizer that scales the loss is restored from `.h5` with the one inside it."""
    file, npz = tmp_path / "scaled.h5", tmp_path / "scaled.npz"
    fork_server.run(SAVE_SCALED, argv=[file, npz], path=[shelf(ONE)]).check()

    same = observe(fork_server.run, file, path=[shelf(ONE)])
    migrated = observe(fork_server.run, file, path=[shelf(FOUR)], epilogue=TELL_OPTIMIZER)

    assert same.is_silent()
    assert same.raw["verified"] == ["layers", "optimizer"]
    assert "W104" in migrated.codes
    state = migrated.raw["optimizer"]
    assert state["adam/iteration"] == 4
    assert {path for path in state if not np.any(state[path])} >= {
        f"adam/projected_{layer}_kernel_{part}"
        for layer in ("first", "second")
        for part in ("momentum", "velocity")
    }
    assert np.any(state["adam/projected_head_kernel_momentum"])


def test_weights_are_migrated_without_hooks(
    old: dict[str, SavedModel], shelf: Shelf, fork_server: ForkServer
) -> None:
    """`keras_registry.load_model` migrates the weights of a `.h5` file with the hooks off, too."""
    loaded = observe(
        fork_server.run,
        old["h5"].path,
        path=[shelf(FOUR)],
        inputs=old["h5"].npz,
        env=plain,
        load="keras_registry.load_model",
        compile=False,
    )

    assert loaded.is_silent()
    assert loaded.raw["verified"] == ["layers"]
    assert_equal(loaded, old["h5"].npz)


def test_plain_keras_sets_old_weights_as_they_are(
    old: dict[str, SavedModel], shelf: Shelf, fork_server: ForkServer
) -> None:
    """Without the hooks, Keras lets no class migrate the weights of a `.h5` file."""
    failed = observe(
        fork_server.run,
        old["h5"].path,
        path=[shelf(FOUR)],
        env=plain,
        prelude="import acme_projection.layer",
    )

    assert failed.text.startswith("Shape mismatch in layer #0 (named first)")


# --- objects inside others -------------------------------------------------------------------


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory, shelf: Shelf, fork_server: ForkServer) -> Path:
    """A folder with all models of acme-pairs 1. Read only."""
    folder = tmp_path_factory.mktemp("pairs")
    site = shelf(pairs_project(1))
    fork_server.run(SAVE_PAIRS, argv=[folder, *LAYOUTS], path=[site]).check()
    return folder


def test_weights_inside_others_are_found(
    pairs: Path, shelf: Shelf, fork_server: ForkServer
) -> None:
    """In a `.h5` file each object finds its own arrays among those of the layer around it."""
    done = fork_server.run(LOAD_PAIRS, argv=[pairs, *LAYOUTS], path=[shelf(pairs_project(2))])

    wanted = {"codes": ["R203", "S104"], "verified": ["layers"], "equal": True}
    assert done.json() == dict.fromkeys(LAYOUTS, wanted)


def test_weights_inside_others_are_migrated_in_the_file(
    pairs: Path, shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """`migrate` writes them anew where they were, those that a class gained with them."""
    layouts, site = ["shared", "grown"], shelf(pairs_project(2))
    for layout in layouts:
        shutil.copy(pairs / f"{layout}.npz", tmp_path)
        target = tmp_path / f"{layout}.h5"
        forked_command(
            fork_server, "migrate", pairs / target.name, "-o", target, path=[site]
        ).check()

    done = fork_server.run(LOAD_PAIRS, argv=[tmp_path, *layouts], path=[site])

    wanted = {"codes": [], "verified": ["layers"], "equal": True}
    assert done.json() == dict.fromkeys(layouts, wanted)


def test_model_that_keras_cannot_save_stays(
    pairs: Path, shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Keras saves no loaded model to `.h5` in which inner layers of two layers have one name."""
    file = Path(shutil.copy(pairs / "alike.h5", tmp_path))
    before = file.read_bytes()

    done = forked_command(fork_server, "migrate", file, path=[shelf(pairs_project(2))])

    assert (done.returncode, done.messages) == (1, "")
    check_golden("migrations/migrate_h5_alike", done.stdout, replace={str(file): "FILE"})
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def weight_names(group: h5py.Group) -> list[str]:
    """Return the paths that the variables of a layer had."""
    return [n if isinstance(n, str) else n.decode() for n in group.attrs["weight_names"]]


def refused(name: str, file: Path, site: Path, fork_server: ForkServer) -> None:
    """Check that a load stops with W105, and its text."""
    failed = observe(fork_server.run, file, path=[site])

    assert ("W105", "error") in failed.findings
    lines = failed.text.splitlines()
    end = next(i for i, line in enumerate(lines) if line.startswith(("  R20", "  S104")))
    text = "\n".join(lines[:end])
    check_golden(f"migrations/{name}", text, replace={str(file.parent): "FOLDER"})


def test_class_that_names_its_arrays_is_refused(
    shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """A `.h5` file has no names for what a class names itself: the way out is said."""
    site = shelf(pairs_project(1, own_names=True))
    fork_server.run(SAVE_PAIRS, argv=[tmp_path, "beside"], path=[site]).check()
    file = tmp_path / "beside.h5"

    refused("W105_h5_names", file, shelf(pairs_project(2, own_names=True)), fork_server)


def test_arrays_under_other_paths_are_refused(
    pairs: Path, shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Arrays whose paths lead to no object with old weights are not guessed at."""
    file = Path(shutil.copy(pairs / "beside.h5", tmp_path))
    with h5py.File(file, "r+") as opened:
        group = opened["model_weights/pair"]
        names = weight_names(group)
        group.attrs["weight_names"] = [name.replace("/one/", "/won/").encode() for name in names]
        (path,) = {name.rpartition("/one/")[0] for name in names if "/one/" in name}
        group[path].move("one", "won")

    refused("W105_h5_paths", file, shelf(pairs_project(2)), fork_server)


def test_more_arrays_than_variables_are_refused(
    pairs: Path, shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Where other arrays of the layer do not fit, none of them is set."""
    file = Path(shutil.copy(pairs / "beside.h5", tmp_path))
    with h5py.File(file, "r+") as opened:
        group = opened["model_weights/pair"]
        group["pair/extra"] = [1.0, 2.0]
        names = [*weight_names(group), "pair/extra"]
        group.attrs["weight_names"] = [name.encode() for name in names]

    refused("W105_h5_more", file, shelf(pairs_project(2)), fork_server)


def test_arrays_larger_than_their_file_are_refused(
    pairs: Path, shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """A shape that claims terabytes is not read."""
    file = Path(shutil.copy(pairs / "frozen.h5", tmp_path))
    with h5py.File(file, "r+") as opened:
        group = opened["model_weights/core"]
        name = next(name for name in weight_names(group) if name.endswith("/kernel"))
        del group[name]
        group.create_dataset(name, (1 << 20, 1 << 20), "float32", chunks=(1, 1024))

    refused("W105_h5_bomb", file, shelf(pairs_project(2)), fork_server)


def test_links_to_other_files_are_not_followed(
    pairs: Path, shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Old weights that lie in another file are not read from there."""
    file = Path(shutil.copy(pairs / "frozen.h5", tmp_path))
    other = Path(shutil.copy(file, tmp_path / "other.h5"))
    with h5py.File(file, "r+") as opened:
        del opened["model_weights/core"]
        opened["model_weights/core"] = h5py.ExternalLink(str(other), "/model_weights/core")

    failed = observe(fork_server.run, file, path=[shelf(pairs_project(2))])

    assert ("W105", "error") in failed.findings


def test_migration_that_fails_is_named(
    old: dict[str, SavedModel], shelf: Shelf, fork_server: ForkServer
) -> None:
    """A function for weights that returns what does not fit is named as for other containers."""
    layer = altered(FOUR.modules[MODULE], 'weights["0"].T', 'weights["0"]')
    site = shelf(of_version("4.1.1", layer))

    refused("W105_h5_shapes", old["h5"].path, site, fork_server)


# --- keras-registry migrate ------------------------------------------------------------------


@pytest.mark.parametrize("container", CONTAINERS)
def test_migrated_file_needs_no_step(
    container: str,
    old: dict[str, SavedModel],
    mine: dict[str, Path],
    shelf: Shelf,
    fork_server: ForkServer,
) -> None:
    """`migrate` writes configs, weights and manifest of version 4, which plain Keras loads too."""
    file, npz = mine[container], old[container].npz

    done = forked_command(fork_server, "migrate", file, path=[shelf(FOUR)])

    assert (done.returncode, done.messages) == (0, "")
    check_golden(f"migrations/migrate_{container}", done.stdout, replace={str(file): "FILE"})
    loaded = observe(fork_server.run, file, path=[shelf(BARE_FOUR)], inputs=npz)
    assert loaded.is_silent()
    assert loaded.codes == ["R203"]
    assert loaded.raw["verified"] == ["layers", "optimizer"]
    assert_equal(loaded, npz)
    plainly = observe(
        fork_server.run,
        file,
        path=[shelf(BARE_FOUR)],
        inputs=npz,
        env=plain,
        prelude="import acme_projection.layer",
        compile=False,
    )
    assert plainly.error is None
    assert_equal(plainly, npz)
    assert sorted(path.name for path in file.parent.iterdir()) == ["old", "old.h5"]


@pytest.mark.parametrize("container", CONTAINERS)
def test_weights_without_a_migration_stay_as_they_are(
    container: str,
    old: dict[str, SavedModel],
    mine: dict[str, Path],
    shelf: Shelf,
    fork_server: ForkServer,
) -> None:
    """Where no weights are migrated, they are copied bit by bit, and a second time nothing is."""
    file, saved = mine[container], old[container]

    done = forked_command(fork_server, "migrate", file, "--json", path=[shelf(TWO)])

    document = json.loads(done.check().stdout)
    assert (document["written"], document["wrote_weights"]) == (str(file), False)
    assert [item["code"] for item in document["findings"]] == ["S104"]
    if container == "h5":
        assert arrays_in(file) == arrays_in(saved.path)
    else:
        assert bytes_of(file)["model.weights.h5"] == bytes_of(saved.path)["model.weights.h5"]
    assert manifest_of(file)["weights"] == manifest_of(saved.path)["weights"]
    loaded = observe(fork_server.run, file, path=[shelf(TWO)], inputs=saved.npz)
    assert loaded.is_silent()
    assert loaded.findings == ()
    assert loaded.raw["verified"] == ["layers", "optimizer"]
    assert_equal(loaded, saved.npz)
    written = bytes_of(file)
    again = forked_command(fork_server, "migrate", file, path=[shelf(TWO)])
    assert again.check().stdout == f"{file} needs no migration; nothing was written\n"
    assert bytes_of(file) == written


def test_what_else_is_in_the_file_stays(
    mine: dict[str, Path], shelf: Shelf, fork_server: ForkServer
) -> None:
    """Attributes and datasets that are not Keras's stay beside new weights; so do mode and link."""
    real = mine["h5"].with_name("real.h5")
    mine["h5"].rename(real)
    mine["h5"].symlink_to(real)
    real.chmod(0o640)
    with h5py.File(real, "r+") as opened:
        opened.attrs["owner"] = "acme"
        opened["extra/table"] = [[1, 2], [3, 4]]
        opened["elsewhere"] = h5py.ExternalLink("other.h5", "/x")
        version = opened.attrs["keras_version"]

    forked_command(fork_server, "migrate", mine["h5"], path=[shelf(FOUR)]).check()

    assert mine["h5"].is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    with h5py.File(real) as opened:
        assert (opened.attrs["owner"], opened.attrs["keras_version"]) == ("acme", version)
        assert opened["extra/table"][()].tolist() == [[1, 2], [3, 4]]
        assert set(opened) == {"extra", "keras_registry", "model_weights", "optimizer_weights"}


@pytest.mark.parametrize("container", CONTAINERS)
def test_migrate_to_another_place(
    container: str,
    old: dict[str, SavedModel],
    shelf: Shelf,
    fork_server: ForkServer,
    tmp_path: Path,
) -> None:
    """With `-o` the model stays as it is; the other one is whole, or not there at all."""
    saved, target = old[container], tmp_path / f"new{old[container].path.suffix}"
    before = bytes_of(saved.path)

    forked_command(fork_server, "migrate", saved.path, "-o", target, path=[shelf(FOUR)]).check()

    assert bytes_of(saved.path) == before
    assert [path.name for path in tmp_path.iterdir()] == [target.name]
    loaded = observe(fork_server.run, target, path=[shelf(BARE_FOUR)], inputs=saved.npz)
    assert loaded.is_silent()
    assert_equal(loaded, saved.npz)
    if container == "folder":
        again = forked_command(fork_server, "migrate", saved.path, "-o", target, path=[shelf(FOUR)])
        assert again.returncode == 1
        replace = {str(saved.path): "FILE", str(target): "TARGET"}
        check_golden("migrations/migrate_A111", again.stdout, replace=replace)


WRONG = {"h5": ("old.keras", "old"), "folder": ("old.h5", "old.keras")}


@pytest.mark.parametrize("container", CONTAINERS)
def test_migrate_converts_nothing(
    container: str, old: dict[str, SavedModel], fork_server: ForkServer, tmp_path: Path
) -> None:
    """A target that Keras would take for another container is wrong usage."""
    for name in WRONG[container]:
        done = forked_command(fork_server, "migrate", old[container].path, "-o", tmp_path / name)

        assert (done.returncode, done.stdout) == (2, "")
        assert "is migrated as it is, not converted" in done.messages
    assert not list(tmp_path.iterdir())


def test_weights_alone_cannot_be_migrated(fork_server: ForkServer, tmp_path: Path) -> None:
    """A file of weights has no config that could be migrated."""
    with h5py.File(tmp_path / "m.weights.h5", "w") as opened:
        opened["vars/0"] = [1.0]

    done = forked_command(fork_server, "migrate", tmp_path / "m.weights.h5")

    assert (done.returncode, done.stdout) == (3, "")
    assert "A106 error" in done.messages


# --- other names -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def named(
    tmp_path_factory: pytest.TempPathFactory, shelf: Shelf, fork_server: ForkServer
) -> dict[str, SavedModel]:
    """A trained model of acme-names 1.2 in each container. Read only."""
    folder = tmp_path_factory.mktemp("named")
    return save_all(SAVE_NAMES_ANYWHERE, folder, shelf(FIRST), fork_server)


@pytest.mark.parametrize("container", CONTAINERS)
def test_migrate_writes_the_new_names(
    container: str,
    named: dict[str, SavedModel],
    shelf: Shelf,
    fork_server: ForkServer,
    tmp_path: Path,
) -> None:
    """Every former key becomes the present one; in `.h5` no weights lie under a class's name."""
    saved, target = named[container], tmp_path / named[container].path.name

    done = forked_command(
        fork_server, "migrate", saved.path, "-o", target, "--json", path=[shelf(ALIASED)]
    )

    document = json.loads(done.check().stdout)
    assert document["wrote_weights"] is (container == "folder")
    assert {item["code"] for item in document["findings"]} == {"R305"}
    assert '"acme>' not in json.dumps(config_of(target))
    assert {item["key"].partition(">")[0] for item in manifest_of(target)["objects"]} == {
        "acme.core"
    }
    loaded = observe(fork_server.run, target, path=[shelf(BARE)], inputs=saved.npz)
    assert loaded.is_silent()
    assert loaded.codes == ["R203"]
    assert loaded.raw["verified"] == ["layers", "optimizer"]
    assert_equal(loaded, saved.npz)


def test_class_behind_its_key_is_no_change_in_h5(
    named: dict[str, SavedModel], shelf: Shelf, fork_server: ForkServer
) -> None:
    """A `.h5` file has keys and no names of classes: one renamed behind its key changes nothing."""
    file = named["h5"].path
    before = file.read_bytes()

    done = forked_command(fork_server, "migrate", file, path=[shelf(BEHIND)])

    assert done.check().stdout == f"{file} needs no migration; nothing was written\n"
    assert file.read_bytes() == before


NAMED_IN_TEXT = """\
import sys

import keras
import numpy as np

import keras_registry
from acme_texts import gap

model = keras.Sequential([keras.layers.Input((3,)), keras.layers.Dense(1, name="head")])
model.compile("adam", loss=gap, metrics=[gap])
x = np.random.default_rng(3).normal(size=(8, 3)).astype("float32")
model.fit(x, x[:, :1], verbose=0)
model.save(sys.argv[1])
np.savez(sys.argv[2], x=x, predictions=model.predict(x, verbose=0))
"""


def texts_project(name: str, aliases: dict[str, str]) -> PluginProject:
    """Return acme-texts, a distribution with one function."""
    from tests.support.distributions import PluginProject

    source = f"""\
import keras

from keras_registry import register


@register("acme")
def {name}(y_true, y_pred):
    return keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)
"""
    target = f"acme_texts:{name}"
    groups = {"keras_registry.functions": {f"acme>{name}": target}}
    if aliases:
        groups["keras_registry.aliases"] = dict.fromkeys(aliases, target)
    version = "2.0" if aliases else "1.0"
    return PluginProject(
        name="acme-texts",
        version=version,
        modules={"acme_texts/__init__.py": source},
        entry_points=groups,
    )


def test_losses_that_are_called_by_name_are_renamed(
    shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Where the compiled state of a `.h5` file has a name alone, that name becomes the present."""
    file, npz = tmp_path / "m.h5", tmp_path / "m.npz"
    first, second = texts_project("gap", {}), texts_project("distance", {"acme>gap": ""})
    fork_server.run(NAMED_IN_TEXT, argv=[file, npz], path=[shelf(first)]).check()
    assert "acme>gap" in json.dumps(config_of(file)["training_config"])

    done = forked_command(fork_server, "migrate", file, path=[shelf(second)])

    assert done.returncode == 0, done.stdout
    training = json.dumps(config_of(file)["training_config"])
    assert "acme>gap" not in training
    assert "acme>distance" in training
    loaded = observe(fork_server.run, file, path=[shelf(second)], inputs=npz)
    assert loaded.is_silent()
    assert_equal(loaded, npz)
