"""A file of an old version meets a newer one: configs and weights are migrated, or refused."""

from __future__ import annotations

import json
import shutil
import stat
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.scenarios.archives import WEIGHTS, read_document, read_manifest_document
from tests.scenarios.commanding import forked_command
from tests.scenarios.commands import run_command
from tests.scenarios.nested_versions import NEW, OLD, SAVE_OLD
from tests.scenarios.observing import observe, plain
from tests.scenarios.projections import (
    BARE_FOUR,
    FIVE,
    FOUR,
    MODULE,
    ONE,
    SAVE_FIVE,
    SAVE_ONE,
    TWO,
    of_version,
)
from tests.support.golden import check_golden
from tests.support.plugins import altered
from tests.support.processes import run_python

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import SavedModel as Saved
    from tests.scenarios.observing import Observed
    from tests.support.distributions import PluginProject
    from tests.support.processes import ForkServer

    Shelf = Callable[[PluginProject], Path]


@dataclass(frozen=True, slots=True)
class Sites:
    """The folders that have the versions of acme-projection."""

    one: Path
    two: Path
    four: Path
    bare_four: Path
    five: Path


@pytest.fixture(scope="module")
def sites(shelf: Shelf) -> Sites:
    """All versions, each installed from its wheel."""
    return Sites(*map(shelf, (ONE, TWO, FOUR, BARE_FOUR, FIVE)))


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory, sites: Sites, fork_server: ForkServer) -> Saved:
    """A trained model of version 1. Read only."""
    from tests.conftest import SavedModel

    folder = tmp_path_factory.mktemp("old")
    saved = SavedModel(folder / "old.keras", folder / "old.npz")
    fork_server.run(SAVE_ONE, argv=[saved.path, saved.npz], path=[sites.one]).check()
    return saved


@pytest.fixture(scope="module")
def newest(tmp_path_factory: pytest.TempPathFactory, sites: Sites, fork_server: ForkServer) -> Path:
    """A model of version 5. Read only."""
    file = tmp_path_factory.mktemp("newest") / "newest.keras"
    fork_server.run(SAVE_FIVE, argv=[file], path=[sites.five]).check()
    return file


@pytest.fixture
def mine(old: Saved, tmp_path: Path) -> Path:
    """A copy of the model of version 1, to be changed."""
    return shutil.copy(old.path, tmp_path / "mine.keras")


def assert_equal(loaded: Observed, saved: Saved) -> None:
    """Check that a model predicts what the saved one did."""
    predictions = np.asarray(loaded.predictions, "float32")
    np.testing.assert_array_equal(predictions, np.load(saved.npz)["predictions"])


# --- loading ---------------------------------------------------------------------------------


def test_chain_loads_the_first_version(old: Saved, sites: Sites, fork_server: ForkServer) -> None:
    """Rename, drop, convert and transposed weights: a file of version 1 predicts the same."""
    loaded = observe(fork_server.run, old.path, path=[sites.four], inputs=old.npz, compile=False)

    assert loaded.before == ()
    assert loaded.is_silent()
    assert loaded.findings == (("R204", "note"), ("S104", "note"))
    assert loaded.raw["verified"] == ["layers"]
    assert_equal(loaded, old)


LOAD = """\
import json
import sys

import keras
import numpy as np

import keras_registry

before = sorted(name for name in sys.modules if name.startswith("acme_projection"))
model = keras.saving.load_model(sys.argv[1], compile=False)
known = np.load(sys.argv[2])
equal = np.array_equal(model.predict(known["x"], verbose=0), known["predictions"])
print(json.dumps([before, bool(equal), model.get_layer("first").get_config()]))
"""


def test_real_interpreter_migrates(old: Saved, sites: Sites) -> None:
    """A new interpreter with two imports loads the file of version 1 as a model of version 4."""
    done = run_python(LOAD, argv=[old.path, old.npz], path=[sites.four])

    before, equal, config = done.json()
    assert (before, equal, done.messages) == ([], True, "")
    assert (config["units"], config["rate"]) == (4, 0.75)
    assert config["keras_registry_config_version"] == 4
    assert not {"width", "legacy"} & config.keys()


def test_plain_keras_fails(old: Saved, sites: Sites, fork_server: ForkServer) -> None:
    """Plain Keras, with a version 4 that declares no steps, refuses the old argument."""
    plainly = "from acme_projection.layer import Projection"

    failed = observe(fork_server.run, old.path, path=[sites.bare_four], env=plain, prelude=plainly)

    assert "config_version 1; the installed class reads 4" in failed.text


def test_report_tells_of_every_step(old: Saved, sites: Sites, fork_server: ForkServer) -> None:
    """The report has the steps, both versions, and the line that migrates this very file."""
    loaded = observe(fork_server.run, old.path, path=[sites.four])

    assert loaded.findings == (("R204", "note"), ("S104", "note"), ("W104", "warning"))
    assert f"keras-registry migrate {old.path}" in loaded.raw["report"]
    check_golden(
        "migrations/report", loaded.raw["report"], replace={str(old.path.parent): "FOLDER"}
    )


def test_path_with_blanks_is_quoted(
    old: Saved, sites: Sites, fork_server: ForkServer, tmp_path: Path
) -> None:
    """The line that migrates a file can be pasted into a shell, whatever the file's name."""
    folder = tmp_path / "my models"
    folder.mkdir()
    file = shutil.copy(old.path, folder / "it's old.keras")

    loaded = observe(fork_server.run, file, path=[sites.four], compile=False)

    wanted = f"""keras-registry migrate '{folder}/it'"'"'s old.keras'"""
    assert wanted in loaded.raw["report"]


def test_loaded_model_is_saved_in_the_new_version(
    old: Saved, sites: Sites, fork_server: ForkServer, tmp_path: Path
) -> None:
    """A loaded model that is saved again needs no step, under a version 4 that has none."""
    again = tmp_path / "again.keras"
    save = f"model.save({str(again)!r})"
    observe(fork_server.run, old.path, path=[sites.four], epilogue=save)

    loaded = observe(fork_server.run, again, path=[sites.bare_four], inputs=old.npz)

    assert loaded.is_silent()
    assert loaded.codes == ["R203"]
    assert loaded.raw["verified"] == ["layers", "optimizer"]
    assert_equal(loaded, old)


# --- the optimizer ---------------------------------------------------------------------------

TELL_OPTIMIZER = (
    "seen['optimizer'] = {v.path: v.numpy().tolist() for v in model.optimizer.variables}"
)


def assert_kept(state: dict[str, Any], saved: dict[str, Any], *, others: set[str]) -> None:
    """Check that the state of the two migrated kernels is new, and that of the head as saved.

    The second kernel is square: its old state would fit as it is, and be wrong.
    """
    reset = {path for path in state if "first" in path or "second" in path}
    assert len(reset) == 4
    assert not any(np.any(state[path]) for path in reset)
    # Where the model was trained, its name stood in the paths.
    kept = {path: path.replace("head_", "projected_head_") for path in state if path not in reset}
    assert others < kept.keys()
    assert len(kept) == len(others) + 4
    for path, former in kept.items():
        found = np.asarray(state[path], saved[former].dtype)
        np.testing.assert_array_equal(found, saved[former], path)
        assert np.any(found) or "head" not in path


def test_optimizer_keeps_what_fits(old: Saved, sites: Sites, fork_server: ForkServer) -> None:
    """The state of weights that were migrated is new and named; all other state is restored."""
    loaded = observe(fork_server.run, old.path, path=[sites.four], epilogue=TELL_OPTIMIZER)

    saved, state = dict(np.load(old.npz)), loaded.raw["optimizer"]
    assert_kept(state, saved, others={"adam/iteration", "adam/learning_rate"})
    ((category, code, text, _),) = loaded.warnings
    assert (category, code) == ("KerasRegistryWarning", "W104")
    check_golden("migrations/W104", text, replace={str(old.path.parent): "FOLDER"})


def test_strict_policy_refuses_new_state(old: Saved, sites: Sites, fork_server: ForkServer) -> None:
    """Under the strict policy an optimizer whose state is not restored stops the load."""
    failed = observe(
        fork_server.run, old.path, path=[sites.four], env={"KERAS_REGISTRY_POLICY": "strict"}
    )

    assert ("W104", "error") in failed.findings
    check_golden("migrations/W104_strict", failed.text, replace={str(old.path.parent): "FOLDER"})


def test_training_goes_on(old: Saved, sites: Sites, fork_server: ForkServer) -> None:
    """A migrated model trains on: every weight changes, and the steps are counted on."""
    train = """
x = np.load(options["inputs"])["x"]
before = [w.numpy() for w in model.trainable_variables]
count = int(model.optimizer.iterations)
model.fit(x, x[:, :2], batch_size=4, verbose=0)
after = [w.numpy() for w in model.trainable_variables]
seen["changed"] = all((b != a).any() for b, a in zip(before, after))
seen["counts"] = [count, int(model.optimizer.iterations)]
"""
    loaded = observe(fork_server.run, old.path, path=[sites.four], inputs=old.npz, epilogue=train)

    assert loaded.raw["changed"]
    assert loaded.raw["counts"] == [4, 6]


def test_names_alone_keep_the_whole_state(
    old: Saved, sites: Sites, fork_server: ForkServer
) -> None:
    """Where only an argument has another name, weights and optimizer are the ones saved."""
    loaded = observe(fork_server.run, old.path, path=[sites.two], inputs=old.npz)

    assert loaded.is_silent()
    assert loaded.findings == (("R204", "note"), ("S104", "note"))
    assert loaded.raw["verified"] == ["layers", "optimizer"]
    assert_equal(loaded, old)


SAVE_SCALED = SAVE_ONE.replace(
    'model.compile("adam"',
    "model.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam())",
)


def test_optimizer_inside_another_keeps_what_fits(
    sites: Sites, fork_server: ForkServer, tmp_path: Path
) -> None:
    """An optimizer that scales the loss is restored with the one inside it."""
    file, npz = tmp_path / "scaled.keras", tmp_path / "scaled.npz"
    fork_server.run(SAVE_SCALED, argv=[file, npz], path=[sites.one]).check()

    loaded = observe(fork_server.run, file, path=[sites.four], epilogue=TELL_OPTIMIZER)

    others = {"iteration", "learning_rate", "step_counter", "dynamic_scale"}
    assert_kept(
        loaded.raw["optimizer"],
        {path.replace("loss_scale_optimizer/adam", "adam"): v for path, v in np.load(npz).items()},
        others={
            "adam/iteration",
            "adam/learning_rate",
            *(f"loss_scale_optimizer/{name}" for name in others),
        },
    )
    assert "W104" in loaded.codes


# --- keras-registry migrate ------------------------------------------------------------------


def test_migrated_file_needs_no_step(
    mine: Path, old: Saved, sites: Sites, fork_server: ForkServer
) -> None:
    """`migrate` makes a file that a version 4 without any steps loads in silence."""
    done = forked_command(fork_server, "migrate", mine, path=[sites.four])

    assert done.returncode == 0
    assert done.messages == ""
    check_golden("migrations/migrate", done.stdout, replace={str(mine.parent): "FOLDER"})
    before = observe(fork_server.run, old.path, path=[sites.bare_four])
    assert "S103" in before.codes
    loaded = observe(fork_server.run, mine, path=[sites.bare_four], inputs=old.npz)
    assert loaded.is_silent()
    assert loaded.codes == ["R203"]
    assert loaded.raw["verified"] == ["layers", "optimizer"]
    assert_equal(loaded, old)


def test_plain_keras_loads_the_migrated_file(
    mine: Path, old: Saved, sites: Sites, fork_server: ForkServer
) -> None:
    """Without the hooks, the migrated file loads where the class is imported by hand."""
    forked_command(fork_server, "migrate", mine, path=[sites.four]).check()

    loaded = observe(
        fork_server.run,
        mine,
        path=[sites.bare_four],
        inputs=old.npz,
        env=plain,
        prelude="import acme_projection.layer",
    )

    assert loaded.error is None
    assert loaded.warnings == ()
    assert_equal(loaded, old)


def test_migrated_file_has_a_manifest_of_the_new_version(
    mine: Path, sites: Sites, fork_server: ForkServer
) -> None:
    """The manifest names the installed distribution and version 4; other metadata is kept."""
    before = read_document(mine, "metadata.json")
    mine.chmod(0o640)

    forked_command(fork_server, "migrate", mine, path=[sites.four]).check()

    after = read_document(mine, "metadata.json")
    ours = after.pop("keras_registry")
    assert after == {name: value for name, value in before.items() if name != "keras_registry"}
    assert ours["distributions"]["acme-projection"]["version"] == "4.1.0"
    (record,) = ours["objects"]
    assert (record["key"], record["config_version"], record["count"]) == ("acme>Projection", 4, 2)
    assert stat.S_IMODE(mine.stat().st_mode) == 0o640
    assert [path.name for path in mine.parent.iterdir()] == ["mine.keras"]


def test_migrate_to_another_file(
    mine: Path, old: Saved, sites: Sites, fork_server: ForkServer, tmp_path: Path
) -> None:
    """With `-o` the file stays as it is, and the other one is the migrated one."""
    target = tmp_path / "new.keras"

    done = forked_command(fork_server, "migrate", mine, "-o", target, path=[sites.four])

    assert done.returncode == 0
    assert mine.read_bytes() == old.path.read_bytes()
    loaded = observe(fork_server.run, target, path=[sites.bare_four], inputs=old.npz)
    assert loaded.is_silent()
    assert_equal(loaded, old)


def test_weights_without_a_migration_stay_the_same_bytes(
    mine: Path, old: Saved, sites: Sites, fork_server: ForkServer
) -> None:
    """Where no weights are migrated, the member that holds them is copied bit by bit."""
    done = forked_command(fork_server, "migrate", mine, "--json", path=[sites.two])

    document = json.loads(done.check().stdout)
    assert document["wrote_weights"] is False
    assert document["written"] == str(mine)
    assert [item["code"] for item in document["findings"]] == ["S104"]
    with zipfile.ZipFile(old.path) as before, zipfile.ZipFile(mine) as after:
        assert before.read(WEIGHTS) == after.read(WEIGHTS)
    assert read_manifest_document(mine)["weights"] == read_manifest_document(old.path)["weights"]
    loaded = observe(fork_server.run, mine, path=[sites.two], inputs=old.npz)
    assert loaded.is_silent()
    assert loaded.findings == ()
    assert loaded.raw["verified"] == ["layers", "optimizer"]
    assert_equal(loaded, old)


def test_second_migration_writes_nothing(mine: Path, sites: Sites, fork_server: ForkServer) -> None:
    """A file that is of the installed version already is left alone, to the last bit."""
    forked_command(fork_server, "migrate", mine, path=[sites.four]).check()
    before = mine.read_bytes()

    done = forked_command(fork_server, "migrate", mine, path=[sites.four])

    assert (done.returncode, done.messages) == (0, "")
    assert done.stdout == f"{mine} needs no migration; nothing was written\n"
    assert mine.read_bytes() == before


def test_migrate_in_a_real_interpreter(mine: Path, old: Saved, sites: Sites) -> None:
    """The command itself, in a new interpreter, migrates the file in place."""
    done = run_command("migrate", mine, path=[sites.two])

    assert (done.returncode, done.messages) == (0, "")
    assert "its weights are as they were" in done.stdout
    assert read_document(mine, "config.json") != read_document(old.path, "config.json")


def test_migrate_refuses_what_cannot_be_loaded(
    mine: Path, newest: Path, sites: Sites, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Without a way to the installed version the file stays, and the exit status says so."""
    before = mine.read_bytes()

    too_old = forked_command(fork_server, "migrate", mine, path=[sites.bare_four])
    too_new = forked_command(
        fork_server, "migrate", newest, "-o", tmp_path / "out.keras", path=[sites.four]
    )

    assert (too_old.returncode, too_new.returncode) == (1, 1)
    assert mine.read_bytes() == before
    assert not (tmp_path / "out.keras").exists()
    check_golden("migrations/migrate_S103", too_old.stdout, replace={str(mine): "FILE"})


# --- newer files -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def four_with_snapshot(
    sites: Sites, shelf: Shelf, fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Version 4 with the snapshot that `keras-registry snapshot` writes in its import package."""
    file = tmp_path_factory.mktemp("snapshot") / "keras_registry.json"
    forked_command(
        fork_server, "snapshot", "acme-projection", "-o", file, path=[sites.four]
    ).check()
    text = file.read_text(encoding="utf-8")
    return shelf(FOUR.with_modules({"acme_projection/keras_registry.json": text}))


def test_verify_refuses_a_newer_file(newest: Path, four_with_snapshot: Path) -> None:
    """`verify` names the object and the distribution version that wrote it, importing nothing."""
    done = run_command("verify", newest, path=[four_with_snapshot])

    assert done.returncode == 1
    check_golden("migrations/verify_newer", done.stdout, replace={str(newest.parent): "FOLDER"})


def test_verify_accepts_an_older_file(old: Saved, four_with_snapshot: Path) -> None:
    """`verify` knows from the snapshot that the chain begins at version 1."""
    done = run_command("verify", old.path, path=[four_with_snapshot])

    assert done.returncode == 0
    assert "R204 note" in done.stdout


@pytest.mark.parametrize("has_snapshot", [True, False])
def test_load_refuses_a_newer_file(
    newest: Path,
    sites: Sites,
    four_with_snapshot: Path,
    fork_server: ForkServer,
    has_snapshot: bool,
) -> None:
    """A load refuses it by name before the plugin is imported, and says who wrote the file."""
    site = four_with_snapshot if has_snapshot else sites.four

    failed = observe(fork_server.run, newest, path=[site])

    assert failed.after == ()
    assert "acme-projection" in failed.text
    assert "5.0.1" in failed.text
    name = "load_newer" if has_snapshot else "load_newer_without_snapshot"
    check_golden(f"migrations/{name}", failed.text, replace={str(newest.parent): "FOLDER"})


def test_newer_config_is_refused_under_every_policy(
    newest: Path, sites: Sites, fork_server: ForkServer
) -> None:
    """The permissive policy lets an older distribution try, but never a newer config."""
    failed = observe(
        fork_server.run, newest, path=[sites.four], env={"KERAS_REGISTRY_POLICY": "permissive"}
    )

    assert ("S102", "error") in failed.findings
    check_golden("migrations/S102", failed.text, replace={str(newest.parent): "FOLDER"})


# --- migrations that fail --------------------------------------------------------------------

FAULTY = {
    "S105_raises": ("return 1 - rate", "return 1 / (rate - 0.25)"),
    "S105_no_json": ("return 1 - rate", "return {rate}"),
    "S105_no_config": ('drop("legacy")', "lambda config: None"),
    "W105_raises": ('weights["0"].T', 'weights["kernel"].T'),
    "W105_shapes": ('weights["0"].T', 'weights["0"]'),
    "W105_names": ('{"0": weights["0"].T}', '{"kernel": weights["0"].T}'),
    "W105_list": ('{"0": weights["0"].T}', '[weights["0"].T]'),
}


@pytest.mark.parametrize("name", FAULTY)
def test_migration_that_fails_is_named(
    name: str, old: Saved, shelf: Shelf, fork_server: ForkServer
) -> None:
    """A step or a function for weights that fails stops the load: who, where and why are said."""
    layer = altered(FOUR.modules[MODULE], *FAULTY[name])
    site = shelf(of_version("4.1.1", layer))

    failed = observe(fork_server.run, old.path, path=[site])

    assert (name.partition("_")[0], "error") in failed.findings
    check_golden(f"migrations/{name}", failed.text, replace={str(old.path.parent): "FOLDER"})


def test_missing_path_is_named(old: Saved, sites: Sites, fork_server: ForkServer) -> None:
    """A version that declares no step from the file's version says which one it reads."""
    failed = observe(fork_server.run, old.path, path=[sites.bare_four])

    assert failed.codes == ["S103", "S103"]
    check_golden("migrations/S103", failed.text, replace={str(old.path.parent): "FOLDER"})


def test_migrated_config_is_validated(old: Saved, shelf: Shelf, fork_server: ForkServer) -> None:
    """What the steps make must satisfy the installed schema."""
    layer = altered(FOUR.modules[MODULE], "return 1 - rate", "return 'much'")
    site = shelf(of_version("4.1.2", layer))

    failed = observe(fork_server.run, old.path, path=[site])

    assert [code for code, level in failed.findings if level == "error"] == ["S101", "S101"]
    check_golden("migrations/S101", failed.text, replace={str(old.path.parent): "FOLDER"})


# --- objects inside others -------------------------------------------------------------------


@pytest.fixture(scope="module")
def nested(
    tmp_path_factory: pytest.TempPathFactory, shelf: Shelf, fork_server: ForkServer
) -> Saved:
    """A model of initializers and layers inside layers, all of version 1. Read only."""
    from tests.conftest import SavedModel

    folder = tmp_path_factory.mktemp("nested")
    saved = SavedModel(folder / "nested.keras", folder / "nested.npz")
    fork_server.run(SAVE_OLD, argv=[saved.path, saved.npz], path=[shelf(OLD)]).check()
    return saved


def test_nested_objects_are_migrated_each_by_its_own_chain(
    nested: Saved, shelf: Shelf, fork_server: ForkServer
) -> None:
    """An initializer, a layer inside a layer, and that layer come from version 1 by own steps."""
    tell = """
shell = model.get_layer("shell")
seen["told"] = [shell.inner.kernel_initializer.step, shell.inner.units, shell.gain, shell.offset]
"""
    loaded = observe(
        fork_server.run, nested.path, path=[shelf(NEW)], inputs=nested.npz, epilogue=tell
    )

    assert loaded.is_silent()
    assert loaded.codes.count("S104") == 3
    assert loaded.raw["told"] == [0.5, 4, 20.0, 0.5]
    assert loaded.raw["verified"] == ["layers"]
    assert_equal(loaded, nested)
    check_golden(
        "migrations/nested", loaded.raw["report"], replace={str(nested.path.parent): "FOLDER"}
    )


def test_nested_objects_are_migrated_in_the_file(
    nested: Saved, shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """`migrate` brings objects inside others to their versions, the weights of the inner too."""
    file = tmp_path / "new.keras"
    forked_command(fork_server, "migrate", nested.path, "-o", file, path=[shelf(NEW)]).check()

    loaded = observe(fork_server.run, file, path=[shelf(NEW)], inputs=nested.npz)

    assert loaded.is_silent()
    assert loaded.findings == ()
    assert loaded.raw["verified"] == ["layers"]
    assert_equal(loaded, nested)
    text = json.dumps(read_document(file, "config.json"))
    assert not any(word in text for word in ('"slope"', '"width"', '"start"'))
    versions = {r["key"]: r["config_version"] for r in read_manifest_document(file)["objects"]}
    assert versions == {"acme>Core": 3, "acme>Ramp": 2, "acme>Shell": 2}


# --- other routes ----------------------------------------------------------------------------

TRAVEL_OUT = """\
import pickle
import sys
from pathlib import Path

import keras
import numpy as np

import keras_registry

model = keras.saving.load_model(sys.argv[1])
Path(sys.argv[2]).write_text(model.to_json())
Path(sys.argv[3]).write_bytes(pickle.dumps(model))
"""

TRAVEL_IN = """\
import json
import pickle
import sys
from pathlib import Path

import keras
import numpy as np

import keras_registry
import acme_projection.layer

x, wanted = (np.load(sys.argv[3])[name] for name in ("x", "predictions"))


def config(model):
    found = model.get_layer("first").get_config()
    return [found.get(n) for n in ("units", "rate", "keras_registry_config_version")]


described = keras.models.model_from_json(Path(sys.argv[1]).read_text())
pickled = pickle.loads(Path(sys.argv[2]).read_bytes())
cloned = keras.models.clone_model(pickled)
cloned.set_weights(pickled.get_weights())
again = pickle.loads(pickle.dumps(pickled))
text = json.loads(pickled.to_json())
told = {
    "configs": [config(model) for model in (described, pickled, cloned, again)],
    "text": text["config"]["layers"][1]["config"]["keras_registry_config_version"],
    "equal": [
        bool(np.array_equal(model.predict(x, verbose=0), wanted))
        for model in (pickled, cloned, again)
    ],
}
print(json.dumps(told))
"""


def test_config_version_travels_by_every_route(
    old: Saved, sites: Sites, fork_server: ForkServer, tmp_path: Path
) -> None:
    """JSON and pickles of version 1 become version 4, which clones and new texts then carry."""
    text, pickled = tmp_path / "model.json", tmp_path / "model.pickle"
    fork_server.run(TRAVEL_OUT, argv=[old.path, text, pickled], path=[sites.one]).check()
    assert "keras_registry_config_version" not in text.read_text()

    done = fork_server.run(TRAVEL_IN, argv=[text, pickled, old.npz], path=[sites.four])

    told = done.json()
    assert told["configs"] == [[4, 0.75, 4]] * 4
    assert told["text"] == 4
    assert told["equal"] == [True] * 3


def test_newer_configs_are_refused_by_every_route(
    newest: Path, sites: Sites, fork_server: ForkServer
) -> None:
    """A JSON text of version 5 is refused by name: both versions are said."""
    program = """\
import sys
import zipfile

import keras

import keras_registry
import acme_projection.layer

with zipfile.ZipFile(sys.argv[1]) as archive:
    text = archive.read("config.json").decode()
try:
    keras.models.model_from_json(text)
except Exception as error:
    print(error)
"""
    done = fork_server.run(program, argv=[newest], path=[sites.four]).check()

    assert "Projection: the config has config_version 5; the installed class reads 1 to 4" in (
        done.stdout
    )


# --- validated once --------------------------------------------------------------------------

COUNTING = '''\
import keras
from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from keras_registry import register
from keras_registry import types as t
from keras_registry.migrations import Migration, rename

CALLS = []


class PlainConfig(BaseModel):
    """A validator for a field and one for the whole."""

    model_config = ConfigDict(extra="forbid")

    units: t.PositiveInt
    rate: float = 0.5

    @field_validator("rate")
    @classmethod
    def check_rate(cls, rate):
        CALLS.append(f"plain rate {rate}")
        return rate

    @model_validator(mode="after")
    def check_all(self):
        CALLS.append(f"plain all {self.units}")
        return self


class KerasConfig(BaseModel):
    """Validators that are handed an initializer."""

    model_config = ConfigDict(extra="forbid")

    units: t.PositiveInt
    rate: float = 0.5
    start: t.Initializer = "zeros"

    @field_validator("rate")
    @classmethod
    def check_rate(cls, rate):
        CALLS.append(f"keras rate {rate}")
        return rate

    @field_validator("start")
    @classmethod
    def check_start(cls, start):
        CALLS.append(f"keras start {type(start).__name__}")
        return start

    @model_validator(mode="after")
    def check_all(self):
        CALLS.append(f"keras all {self.units}")
        return self


@register("acme", config=PlainConfig, DECLARED)
class Plain(keras.layers.Layer):
    def __init__(self, units, rate=0.5, **kwargs):
        super().__init__(**kwargs)
        self.units, self.rate = units, rate

    def call(self, inputs):
        return inputs * self.units


@register("acme", config=KerasConfig, DECLARED)
class WithObject(keras.layers.Layer):
    def __init__(self, units, rate=0.5, start="zeros", **kwargs):
        super().__init__(**kwargs)
        self.units, self.rate, self.start = units, rate, start

    def call(self, inputs):
        return inputs + self.units
'''

SAVE_COUNTED = """\
import sys

import keras

import keras_registry
from acme_counting import Plain, WithObject

keras.Sequential(
    [
        keras.layers.Input((2,)),
        Plain(1, rate=0.1),
        Plain(2, rate=0.2),
        WithObject(3, rate=0.3, start=keras.initializers.HeNormal(seed=1)),
        keras.layers.TimeDistributed(WithObject(4)) if len(sys.argv) > 2 else WithObject(4),
    ]
).save(sys.argv[1])
"""


def counting(declared: str) -> PluginProject:
    """Return the distribution of layers whose validators count their calls."""
    from tests.support.distributions import PluginProject

    version = "2.0" if "version=2" in declared else "1.0"
    source = COUNTING.replace("DECLARED", declared)
    if version == "1.0":
        source = source.replace("units", "width")
    return PluginProject(
        name="acme-counting",
        version=version,
        modules={"acme_counting/__init__.py": source},
        entry_points={
            "keras_registry.layers": {
                "acme>Plain": "acme_counting:Plain",
                "acme>WithObject": "acme_counting:WithObject",
            }
        },
    )


TELL_CALLS = "import acme_counting; seen['calls'] = sorted(acme_counting.CALLS)"
ONCE_EACH = [
    "keras all 3",
    "keras all 4",
    "keras rate 0.3",
    "keras rate 0.5",
    "keras start HeNormal",
    "keras start Zeros",
    "plain all 1",
    "plain all 2",
    "plain rate 0.1",
    "plain rate 0.2",
]


@pytest.mark.parametrize("migrates", [False, True])
def test_nothing_is_validated_twice(
    shelf: Shelf, fork_server: ForkServer, tmp_path: Path, migrates: bool
) -> None:
    """Each validator of a given model runs once for each config of a load, migrated or not."""
    file = tmp_path / "counted.keras"
    first = shelf(counting("version=1"))
    fork_server.run(SAVE_COUNTED, argv=[file], path=[first]).check()
    steps = 'version=2, migrations=[Migration(1, 2, rename("width", "units"))]'
    site = shelf(counting(steps)) if migrates else first

    loaded = observe(fork_server.run, file, path=[site], epilogue=TELL_CALLS)

    assert loaded.is_silent()
    assert loaded.raw["calls"] == ONCE_EACH
    assert ("S104" in loaded.codes) is migrates
