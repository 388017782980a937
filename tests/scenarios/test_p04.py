"""P04: an object or a namespace was renamed, or moved to another distribution."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.conftest import SavedModel
from tests.scenarios.archives import read_document, read_manifest_document
from tests.scenarios.commanding import forked_command
from tests.scenarios.observing import observe, plain
from tests.scenarios.renamed_names import (
    ALIASED,
    BARE,
    BEHIND,
    FIRST,
    MOVED,
    SAVE,
    SAVE_TOWER,
    WITHOUT,
)
from tests.support.golden import check_golden
from tests.support.processes import run_python

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.scenarios.observing import Observed
    from tests.support.distributions import PluginProject
    from tests.support.processes import ForkServer

    Shelf = Callable[[PluginProject], Path]

TELL = """
import gc

gc.collect()
first = model.layers[0]
seen["tells"] = [
    type(model.optimizer).__name__,
    getattr(model.optimizer, "drag", None),
    type(model.loss).__name__,
    getattr(model.loss, "margin", None),
    type(model).__name__,
    [cls.__name__ for cls in type(first).__subclasses__()],
]
if type(model).__name__ == "Sequential":
    known = np.load(options["inputs"])
    seen["evaluated"] = model.evaluate(known["x"], known["y"], verbose=0)
"""


@pytest.fixture(scope="module", params=["layers", "nested", "tower"])
def saved(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    shelf: Shelf,
    fork_server: ForkServer,
) -> SavedModel:
    """A trained model under the first names: flat, in a wrapper, or a subclassed one. Read only."""
    folder = tmp_path_factory.mktemp("first")
    made = SavedModel(folder / f"{request.param}.keras", folder / "first.npz")
    program = SAVE_TOWER if request.param == "tower" else SAVE
    fork_server.run(program, argv=[made.path, made.npz, request.param], path=[shelf(FIRST)]).check()
    return made


@pytest.fixture(scope="module")
def layers(
    tmp_path_factory: pytest.TempPathFactory, shelf: Shelf, fork_server: ForkServer
) -> SavedModel:
    """A trained model of layers, function, loss, metric and optimizer. Read only."""
    folder = tmp_path_factory.mktemp("layers")
    made = SavedModel(folder / "first.keras", folder / "first.npz")
    fork_server.run(SAVE, argv=[made.path, made.npz], path=[shelf(FIRST)]).check()
    return made


def assert_as_saved(loaded: Observed, saved: SavedModel) -> None:
    """Check that a model predicts what the saved one did, and that all was verified."""
    predictions = np.asarray(loaded.predictions, "float32")
    np.testing.assert_array_equal(predictions, np.load(saved.npz)["predictions"])
    assert loaded.raw["verified"] == ["layers", "optimizer"]


def names_in(file: Path) -> set[str]:
    """Return the class names, keys and modules of acme that stand in the config of a file."""
    found = set()

    def look(node: Any) -> None:
        for item in node.values() if isinstance(node, dict) else node:
            if isinstance(item, dict | list):
                look(item)
        if isinstance(node, dict) and node.get("class_name") == "function":
            found.update({node["config"], node["module"]})
        elif isinstance(node, dict) and "acme" in str(node.get("registered_name")):
            found.update({node["registered_name"], node["module"], node["class_name"]})

    look(read_document(file, "config.json"))
    return found


@pytest.mark.parametrize("project", [ALIASED, BEHIND], ids=["alias", "same key"])
def test_renamed_objects_load_in_silence(
    project: PluginProject, saved: SavedModel, shelf: Shelf, fork_server: ForkServer
) -> None:
    """Under other keys with aliases, or other class names: all as saved, without a warning."""
    loaded = observe(
        fork_server.run, saved.path, path=[shelf(project)], inputs=saved.npz, epilogue=TELL
    )

    assert loaded.before == ()
    assert loaded.is_silent()
    assert set(loaded.codes) == {"R203", "R305"}
    assert_as_saved(loaded, saved)
    assert not any(name.endswith((".Gate", ".Tower")) for name in loaded.classes)
    if saved.path.stem == "tower":
        assert loaded.raw["tells"][4] == "GatedTower"
    else:
        assert loaded.raw["tells"][:4] == ["SlowDescent", 0.25, "MarginLoss", 0.125]
        assert loaded.raw["tells"][5] == []


def test_report_has_both_names(layers: SavedModel, shelf: Shelf, fork_server: ForkServer) -> None:
    """The report says what the file calls each class, and what it is called now."""
    loaded = observe(fork_server.run, layers.path, path=[shelf(ALIASED)])

    check_golden(
        "scenarios/p04_report", loaded.raw["report"], replace={str(layers.path.parent): "FOLDER"}
    )


LOAD = """\
import json
import sys

import keras
import numpy as np

import keras_registry

model = keras.saving.load_model(sys.argv[1])
known = np.load(sys.argv[2])
equal = np.array_equal(model.predict(known["x"], verbose=0), known["predictions"])
model.save(sys.argv[3])
print(json.dumps([bool(equal), [type(layer).__name__ for layer in model.layers[:2]]]))
"""


def test_real_interpreter_loads_and_saves(
    layers: SavedModel, shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """A new interpreter loads the old names; what it saves has the new ones alone, and loads."""
    again = tmp_path / "again.keras"

    done = run_python(LOAD, argv=[layers.path, layers.npz, again], path=[shelf(ALIASED)])

    assert done.json() == [True, ["GatedLinear"] * 2]
    assert done.messages == ""
    assert names_in(again) == {
        "acme.core>GatedLinear",
        "acme.core>MarginLoss",
        "acme.core>ShareWithin",
        "acme.core>SlowDescent",
        "acme.core>smooth_squash",
        "GatedLinear",
        "MarginLoss",
        "ShareWithin",
        "SlowDescent",
        "acme_names",
        "builtins",
    }
    loaded = observe(fork_server.run, again, path=[shelf(BARE)], inputs=layers.npz)
    assert loaded.is_silent()
    assert loaded.codes == ["R203"]
    assert_as_saved(loaded, layers)


def test_without_aliases_the_object_is_missing(
    layers: SavedModel, shelf: Shelf, fork_server: ForkServer
) -> None:
    """Where no alias is declared, the load stops, with the names that the distribution has."""
    failed = observe(fork_server.run, layers.path, path=[shelf(BARE)])

    assert failed.codes == ["R102"]
    check_golden("scenarios/p04_bare", failed.text, replace={str(layers.path.parent): "FOLDER"})


# --- moved to another distribution -----------------------------------------------------------


@pytest.mark.parametrize("has_former", [False, True], ids=["alone", "beside"])
def test_moved_objects_load(
    saved: SavedModel, shelf: Shelf, fork_server: ForkServer, has_former: bool
) -> None:
    """Another distribution has taken over: its objects are used, each named in a warning."""
    sites = [shelf(MOVED), *([shelf(WITHOUT)] if has_former else [])]

    loaded = observe(fork_server.run, saved.path, path=sites, inputs=saved.npz, epilogue=TELL)

    assert_as_saved(loaded, saved)
    assert {code for _, code, _, _ in loaded.warnings} == {"R210"}
    assert all("acme-core 0.2.0" in text for _, _, text, _ in loaded.warnings)


def test_moved_object_is_named(layers: SavedModel, shelf: Shelf, fork_server: ForkServer) -> None:
    """The warning has the old key and distribution, the new ones, and the way to be rid of it."""
    loaded = observe(fork_server.run, layers.path, path=[shelf(MOVED)])

    (_, _, text, _), *_ = loaded.warnings
    check_golden("scenarios/p04_moved", text, replace={str(layers.path.parent): "FOLDER"})


def test_moved_objects_are_saved_under_their_new_names(
    layers: SavedModel, shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Saved again, the file names the new distribution alone, and loads in silence."""
    again = tmp_path / "again.keras"
    save = f"model.save({str(again)!r})"
    observe(fork_server.run, layers.path, path=[shelf(MOVED)], epilogue=save)

    assert list(read_manifest_document(again)["distributions"]) == ["acme-core"]
    assert not any("acme>" in name or "acme_names" in name for name in names_in(again))
    loaded = observe(fork_server.run, again, path=[shelf(MOVED)], inputs=layers.npz)
    assert loaded.is_silent()
    assert loaded.findings == ()
    assert_as_saved(loaded, layers)


# --- keras-registry migrate ------------------------------------------------------------------


def test_migrate_writes_the_new_names(
    saved: SavedModel, shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """A migrated file has the new names alone: a process that knows no others loads it."""
    file = tmp_path / "new.keras"

    done = forked_command(fork_server, "migrate", saved.path, "-o", file, path=[shelf(ALIASED)])

    assert (done.returncode, done.messages) == (0, "")
    assert not any(name.startswith("acme>") for name in names_in(file))
    assert {r["key"].partition(">")[0] for r in read_manifest_document(file)["objects"]} == {
        "acme.core"
    }
    loaded = observe(fork_server.run, file, path=[shelf(BARE)], inputs=saved.npz, epilogue=TELL)
    assert loaded.is_silent()
    assert loaded.codes == ["R203"]
    assert_as_saved(loaded, saved)


def test_migrate_says_what_it_renamed(
    layers: SavedModel, shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """`migrate` lists every object under its old names and its new ones."""
    file = tmp_path / "new.keras"

    done = forked_command(fork_server, "migrate", layers.path, "-o", file, path=[shelf(ALIASED)])

    check_golden("scenarios/p04_migrate", done.stdout, replace={str(tmp_path): "FOLDER"})


def test_migrated_weights_load_in_plain_keras(
    layers: SavedModel, shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Without the hooks, a migrated file loads where the renamed classes are imported by hand."""
    file = tmp_path / "new.keras"
    forked_command(fork_server, "migrate", layers.path, "-o", file, path=[shelf(BEHIND)]).check()

    loaded = observe(
        fork_server.run,
        file,
        path=[shelf(BEHIND)],
        inputs=layers.npz,
        env=plain,
        prelude="import acme_names",
    )

    assert loaded.error is None
    np.testing.assert_array_equal(
        np.asarray(loaded.predictions, "float32"), np.load(layers.npz)["predictions"]
    )


def test_moved_file_is_migrated(
    layers: SavedModel, shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """`migrate` brings a file over to another distribution, with every warning in its answer."""
    file = tmp_path / "new.keras"

    done = forked_command(
        fork_server, "migrate", layers.path, "-o", file, "--json", path=[shelf(MOVED)]
    )

    document = json.loads(done.check().stdout)
    assert done.messages == ""
    assert {item["code"] for item in document["findings"]} == {"R210", "R305"}
    loaded = observe(fork_server.run, file, path=[shelf(MOVED)], inputs=layers.npz)
    assert loaded.is_silent()
    assert_as_saved(loaded, layers)


def test_file_with_present_names_is_left_alone(
    layers: SavedModel, shelf: Shelf, fork_server: ForkServer
) -> None:
    """A file whose names are the present ones, functions included, needs no migration."""
    before = layers.path.read_bytes()

    done = forked_command(fork_server, "migrate", layers.path, path=[shelf(FIRST)])

    assert done.check().stdout == f"{layers.path} needs no migration; nothing was written\n"
    assert layers.path.read_bytes() == before


# --- plain Keras -----------------------------------------------------------------------------


def test_plain_keras_does_not_find_renamed_weights(
    layers: SavedModel, shelf: Shelf, fork_server: ForkServer
) -> None:
    """Without the hooks, a class renamed behind its key finds none of its weights."""
    failed = observe(
        fork_server.run,
        layers.path,
        path=[shelf(BEHIND)],
        env=plain,
        prelude="import acme_names",
    )

    assert "expected 2 variables, but received 0 variables during loading" in failed.text


def test_plain_keras_does_not_find_renamed_keys(
    layers: SavedModel, shelf: Shelf, fork_server: ForkServer
) -> None:
    """Without the hooks, an object under another key is not found."""
    failed = observe(
        fork_server.run,
        layers.path,
        path=[shelf(ALIASED)],
        env=plain,
        prelude="import acme_names",
    )

    assert "Could not locate class 'Gate'" in failed.text
