"""P01: files written before the class was registered, with bare names of classes and functions.

In ``.keras`` and in ``.h5``, both as old releases of Keras wrote them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.scenarios.archives import read_document, read_manifest_document
from tests.scenarios.commanding import forked_command
from tests.scenarios.commands import FRAMEWORKS, block_imports, run_command
from tests.scenarios.observing import QUIET, observe, plain
from tests.scenarios.sources import GAP, GATE, IMPORTS, SHARE, SQUASH, registered
from tests.support.distributions import PluginProject
from tests.support.golden import check_golden
from tests.support.processes import BACKEND, other_backends, run_python

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.scenarios.observing import Observed
    from tests.support.processes import ForkServer

    Shelf = Callable[[PluginProject], Path]

COMPAT = Path(__file__).resolve().parents[1] / "compat"
NAMES = ("module.keras", "notebook.keras", "registered.keras", "module.h5", "registered.h5")
FILES = [COMPAT / f"keras-{release}" / name for release in ("3.6.0", "3.8.0") for name in NAMES]


def name_of(file: Path) -> str:
    """Return the name of a file with its folder, for the name of a test."""
    return f"{file.parent.name}/{file.name}"


MODULE = f"{IMPORTS}\n\n{registered(SQUASH, GAP, GATE, SHARE)}"
KEYS = {
    "keras_registry.layers": {"acme>Gate": "acme_gates:Gate"},
    "keras_registry.metrics": {"acme>Share": "acme_gates:Share"},
    "keras_registry.functions": {"acme>squash": "acme_gates:squash", "acme>gap": "acme_gates:gap"},
}
BARE = {name: f"acme_gates:{name}" for name in ("Gate", "Share", "squash", "gap")}

WITHOUT = PluginProject(
    name="acme-gates",
    version="1.2.0",
    modules={"acme_gates/__init__.py": MODULE},
    entry_points=KEYS,
)
"""The objects, now registered, in a distribution that knows nothing of their bare names."""

ALIASED = WITHOUT.evolve(version="1.1.0", entry_points=KEYS | {"keras_registry.aliases": BARE})
"""The same with an alias for each bare name."""

TELL = """
metric = next(m for m in model._compile_metrics._user_metrics)
seen["tells"] = [
    model.layers[1].activation.__module__,
    model.layers[2].activation.__module__,
    model.loss.__module__,
    type(metric).__module__,
    metric.tolerance,
]
"""


def assert_as_saved(loaded: Observed, file: Path) -> None:
    """Check that a model predicts what the old Keras predicted, on another backend."""
    predictions = np.asarray(loaded.predictions, "float32")
    wanted = np.load(file.with_suffix(".npz"))["predictions"]
    np.testing.assert_allclose(predictions, wanted, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_alias_resolves_bare_names(file: Path, shelf: Shelf, fork_server: ForkServer) -> None:
    """A file of before the registration loads in silence, compiled, with the plugin's objects."""
    loaded = observe(
        fork_server.run,
        file,
        path=[shelf(ALIASED)],
        inputs=file.with_suffix(".npz"),
        epilogue=TELL,
    )

    assert loaded.before == ()
    assert loaded.is_silent()
    assert loaded.codes[0] == "M101"
    assert set(loaded.codes) <= {"M101", "K102"}
    assert loaded.classes[:2] == ("acme_gates.Gate", "acme_gates.Gate")
    assert loaded.raw["tells"] == ["acme_gates"] * 4 + [0.5]
    assert_as_saved(loaded, file)


LOAD = (
    QUIET
    + """\
import json
import sys

import keras
import numpy as np

import keras_registry

model = keras.saving.load_model(sys.argv[1])
known = np.load(sys.argv[2])
close = np.allclose(model.predict(known["x"], verbose=0), known["predictions"], rtol=1e-5)
print(json.dumps([bool(close), type(model.layers[0]).__module__]))
"""
)


@pytest.mark.parametrize("backend", [BACKEND, *other_backends()])
def test_real_interpreter_resolves_bare_names(backend: str, shelf: Shelf) -> None:
    """A new interpreter with two imports loads a file of Keras 3.6, on each backend."""
    folder = COMPAT / "keras-3.6.0"
    files = [
        folder / ("module.keras" if backend == BACKEND else "module.h5"),
        folder / "module.npz",
    ]

    done = run_python(LOAD, argv=files, path=[shelf(ALIASED)], backend=backend)

    assert done.json() == [True, "acme_gates"]
    assert done.messages == ""


@pytest.mark.parametrize("file", FILES, ids=name_of)
def test_saved_again_under_the_keys(
    file: Path, shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Saved again, the file has the keys and a manifest, and needs no alias any more."""
    again = tmp_path / f"again{file.suffix}"
    save = f"model.save({str(again)!r})"
    observe(fork_server.run, file, path=[shelf(ALIASED)], epilogue=save)

    keys = {record["key"] for record in read_manifest_document(again)["objects"]}
    assert keys == {"acme>Gate", "acme>Share", "acme>squash", "acme>gap"}
    inputs = file.with_suffix(".npz")
    loaded = observe(fork_server.run, again, path=[shelf(WITHOUT)], inputs=inputs)
    assert loaded.error is None
    assert "layers" in loaded.raw["verified"]
    assert_as_saved(loaded, file)


@pytest.mark.parametrize("name", ["module", "notebook"])
def test_migrate_writes_the_keys(
    name: str, shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """`keras-registry migrate` gives an old file keys and a manifest; the rest stays."""
    folder, file = COMPAT / "keras-3.6.0", tmp_path / "new.keras"

    done = forked_command(
        fork_server, "migrate", folder / f"{name}.keras", "-o", file, path=[shelf(ALIASED)]
    )

    assert (done.returncode, done.messages) == (0, "")
    check_golden(f"scenarios/p01_migrate_{name}", done.stdout, replace={str(tmp_path): "FOLDER"})
    assert read_document(file, "metadata.json")["keras_version"] == "3.6.0"
    loaded = observe(fork_server.run, file, path=[shelf(WITHOUT)], inputs=folder / f"{name}.npz")
    assert loaded.error is None
    assert loaded.warnings == ()
    assert_as_saved(loaded, folder / f"{name}.keras")


def test_verify_knows_the_alias(shelf: Shelf, tmp_path: Path) -> None:
    """`verify` says, without Keras, that an old file can be loaded, and by which distribution."""
    blocked = block_imports(tmp_path / "blocked", *FRAMEWORKS, "acme_gates")

    done = run_command(
        "verify", COMPAT / "keras-3.6.0" / "module.keras", path=[blocked, shelf(ALIASED)]
    )

    assert done.returncode == 0
    check_golden("scenarios/p01_verify", done.stdout, replace={str(COMPAT): "COMPAT"})


# --- without an alias ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["module.keras", "notebook.keras", "registered.keras", "module.h5"]
)
def test_without_alias_the_names_are_missing(
    name: str, shelf: Shelf, fork_server: ForkServer
) -> None:
    """Without an alias nothing is guessed: each missing name is said, with the nearest key."""
    failed = observe(fork_server.run, COMPAT / "keras-3.6.0" / name, path=[shelf(WITHOUT)])

    assert failed.after == ()
    golden = name.removesuffix(".keras").replace(".", "_")
    check_golden(f"scenarios/p01_missing_{golden}", failed.text, replace={str(COMPAT): "COMPAT"})


@pytest.mark.parametrize(
    "name",
    ["keras-3.8.0/registered.keras", "keras-3.6.0/registered.h5", "keras-3.8.0/registered.h5"],
)
def test_keys_need_no_alias(name: str, shelf: Shelf, fork_server: ForkServer) -> None:
    """Functions were written under their keys from Keras 3.7 on, in ``.h5`` before: no alias."""
    file = COMPAT / name

    loaded = observe(
        fork_server.run,
        file,
        path=[shelf(WITHOUT)],
        inputs=file.with_suffix(".npz"),
        epilogue=TELL,
    )

    assert loaded.is_silent()
    assert loaded.raw["tells"] == ["acme_gates"] * 4 + [0.5]
    assert_as_saved(loaded, file)


def test_two_claims_of_a_bare_name_are_not_used(shelf: Shelf, fork_server: ForkServer) -> None:
    """A bare alias that two distributions claim counts for nothing: neither is imported."""
    other = PluginProject(
        name="beta-gates",
        version="0.1.0",
        modules={"beta_gates/__init__.py": MODULE.replace('"acme"', '"beta"')},
        entry_points={
            "keras_registry.layers": {"beta>Gate": "beta_gates:Gate"},
            "keras_registry.aliases": {"Gate": "beta_gates:Gate"},
        },
    )

    failed = observe(
        fork_server.run,
        COMPAT / "keras-3.6.0" / "module.keras",
        path=[shelf(ALIASED), shelf(other)],
    )

    assert failed.after == ()
    assert "nothing here provides Gate" in failed.text
    assert "Share" not in failed.text


# --- plain Keras -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["module.keras", "notebook.keras", "module.h5"])
def test_plain_keras_does_not_find_bare_names(
    name: str, shelf: Shelf, fork_server: ForkServer
) -> None:
    """Plain Keras fails on them, even with the plugin imported: the class is registered now."""
    failed = observe(
        fork_server.run,
        COMPAT / "keras-3.6.0" / name,
        path=[shelf(ALIASED)],
        env=plain,
        prelude="import acme_gates",
    )

    text = {".keras": "Could not locate class 'Gate'", ".h5": "Unknown layer: 'Gate'"}
    assert text[Path(name).suffix] in failed.text
