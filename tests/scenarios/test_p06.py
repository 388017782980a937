"""P06: a model of a subclass of ``keras.Model``, registered, in ``.h5``, and in ``.keras``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.scenarios.archives import read_manifest_document
from tests.scenarios.observing import QUIET, observe, plain
from tests.scenarios.renamed_names import FIRST, SAVE_TOWER
from tests.support.golden import check_golden

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.distributions import PluginProject
    from tests.support.processes import ForkServer

    Shelf = Callable[[PluginProject], Path]


@pytest.fixture(params=[".keras", ".h5"])
def files(
    request: pytest.FixtureRequest, shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> tuple[Path, Path]:
    """A compiled and trained model of the class `Tower`, and what it predicts."""
    made = tmp_path / f"tower{request.param}", tmp_path / "tower.npz"
    fork_server.run(QUIET + SAVE_TOWER, argv=made, path=[shelf(FIRST)]).check()
    return made


def test_subclassed_model_comes_back(
    files: tuple[Path, Path], shelf: Shelf, fork_server: ForkServer
) -> None:
    """The class is found, built, and has its weights and the state of its optimizer."""
    path, npz = files

    loaded = observe(fork_server.run, path, path=[shelf(FIRST)], inputs=npz)

    assert loaded.before == ()
    assert loaded.is_silent(), loaded.raw
    assert loaded.findings == ()
    assert loaded.raw["verified"] == ["layers", "optimizer"]
    assert "acme>Tower" in {record["key"] for record in read_manifest_document(path)["objects"]}
    np.testing.assert_array_equal(
        np.asarray(loaded.predictions, "float32"), np.load(npz)["predictions"]
    )


def test_plain_keras_does_not_find_the_class(
    files: tuple[Path, Path], shelf: Shelf, fork_server: ForkServer
) -> None:
    """With the hooks off neither file is loaded where nothing is imported."""
    failed = observe(fork_server.run, files[0], path=[shelf(FIRST)], env=plain)

    text = {".keras": "Could not locate class 'Tower'", ".h5": "Unknown layer: 'acme>Tower'"}
    assert text[files[0].suffix] in failed.text


def test_plain_keras_cannot_read_its_own_file(
    shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Plain Keras writes the bare name, and does not find it even where the class is imported."""
    files = [tmp_path / "tower.h5", tmp_path / "tower.npz"]
    fork_server.run(QUIET + SAVE_TOWER, argv=files, path=[shelf(FIRST)], env=plain).check()

    failed = observe(
        fork_server.run, files[0], path=[shelf(FIRST)], env=plain, prelude="import acme_names"
    )

    assert failed.text.startswith("Unknown layer: 'Tower'")


def test_file_of_plain_keras_has_no_place_for_the_weights(
    shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Given the class, what plain Keras wrote does not say how to build it: Keras stops there.

    Nothing is half loaded, with the hooks on or off.
    """
    files = [tmp_path / "tower.h5", tmp_path / "tower.npz"]
    fork_server.run(QUIET + SAVE_TOWER, argv=files, path=[shelf(FIRST)], env=plain).check()
    given = "import acme_names\nobjects['Tower'] = acme_names.Tower"

    for env in (None, plain):
        failed = observe(fork_server.run, files[0], path=[shelf(FIRST)], env=env, prelude=given)
        assert "Model expected 0 layers, found 2 saved layers" in failed.text


UNREGISTERED = f"""\
{QUIET}
import sys, types, warnings
import keras

SOURCE = '''
import keras

class Tower(keras.Model):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units, self.head = units, keras.layers.Dense(units)

    def call(self, inputs):
        return self.head(inputs)

    def get_config(self):
        return {{**super().get_config(), "units": self.units}}
'''
module = sys.modules["towers"] = types.ModuleType("towers")
exec(SOURCE, module.__dict__)
import keras_registry

model = module.Tower(2)
model(keras.ops.ones((1, 4)))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    model.save(sys.argv[1])
print(*(w.message for w in caught if isinstance(w.message, keras_registry.KerasRegistryWarning)))
"""


def test_unregistered_model_is_named(fork_server: ForkServer, tmp_path: Path) -> None:
    """A class that is registered nowhere: the save says what to do, the load what is missing."""
    path = tmp_path / "tower.h5"

    done = fork_server.run(UNREGISTERED, argv=[path]).check()

    check_golden("scenarios/p06_unregistered", done.stdout)
    failed = observe(fork_server.run, path)
    check_golden("scenarios/p06_missing", failed.text, replace={str(tmp_path): "FOLDER"})
