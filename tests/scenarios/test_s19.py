"""S19: all the ways by which a program comes to Keras's `load_model`, in every order of imports.

With a ``.keras`` and with a ``.h5`` file.
"""

from __future__ import annotations

import importlib.util
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.scenarios.archives import read_manifest_document
from tests.scenarios.observing import QUIET, install, observe, plain
from tests.support.distributions import PluginProject
from tests.support.golden import check_golden
from tests.support.processes import run_python

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import SavedModel
    from tests.support.processes import ForkServer

# A forked child has executed `import keras` and `import tensorflow`, and nothing of ours.
ROUTES = {
    "tf.keras": """\
import tensorflow as tf
import keras_registry
load = tf.keras.models.load_model""",
    "from tensorflow import keras": """\
from tensorflow import keras
import keras_registry
load = keras.models.load_model""",
    "from tensorflow.keras.models": """\
from tensorflow.keras.models import load_model as load
import keras_registry""",
    "bound before the hooks": """\
from keras.models import load_model as load
import keras_registry""",
    "bound from keras.saving before the hooks": """\
from keras.saving import load_model as load
import keras_registry""",
    "bound after the hooks": """\
import keras_registry
from keras.models import load_model as load""",
    "a path": """\
import pathlib
import keras
import keras_registry
load = lambda name: keras.saving.load_model(pathlib.Path(name))""",
    "keras_registry.load_model": """\
import keras_registry
load = keras_registry.load_model""",
}

LOAD = f"""
{QUIET}
import json
import sys
import numpy as np

before = sorted(n for n in sys.modules if n.startswith("acme_layers"))
model = load(sys.argv[1])
known = np.load(sys.argv[2])
equal = np.array_equal(model.predict(known["x"], verbose=0), known["predictions"])
print(json.dumps(dict(before=before, equal=bool(equal), loss=type(model.loss).__name__)))
"""

LOADED = {"before": [], "equal": True, "loss": "Pinball"}


@pytest.mark.parametrize("route", ROUTES)
def test_every_way_to_load_model_loads(
    route: str, acme_site: Path, acme_file: SavedModel, fork_server: ForkServer
) -> None:
    """However a program came by `load_model`, before or after the hooks, the model is loaded."""
    files = [acme_file.path, acme_file.npz]

    done = fork_server.run(ROUTES[route] + LOAD, argv=files, path=[acme_site])

    assert done.json() == LOADED
    assert done.messages == ""


@pytest.mark.parametrize("route", ["tf.keras", "bound before the hooks"])
def test_plain_keras_fails_by_the_same_ways(
    route: str, acme_site: Path, acme_file: SavedModel, fork_server: ForkServer
) -> None:
    """With the hooks off the same programs end in Keras's error."""
    files = [acme_file.path, acme_file.npz]

    done = fork_server.run(ROUTES[route] + LOAD, argv=files, path=[acme_site], env=plain)

    assert done.returncode == 1
    text = {
        ".keras": "Could not locate class 'GatedDense'",
        ".h5": "Unknown layer: 'acme>GatedDense'",
    }[acme_file.path.suffix]
    assert text in done.stderr


OURS_FIRST = """\
import sys
import keras_registry
assert not {"keras", "tensorflow", "wrapt", "pydantic"} & set(sys.modules)
import tensorflow as tf
load = tf.keras.models.load_model"""


def test_ours_may_be_imported_first(acme_site: Path, acme_file: SavedModel) -> None:
    """In a new interpreter keras_registry waits for Keras, which TensorFlow imports when asked."""
    files = [acme_file.path, acme_file.npz]

    done = run_python(OURS_FIRST + LOAD, argv=files, path=[acme_site])

    assert done.json() == LOADED
    assert done.messages == ""


TF_LAYERS = PluginProject(
    name="tf-shop",
    version="1.0",
    modules={
        "tf_shop/layers.py": """\
import tensorflow as tf

from keras_registry import register


@register("tf_shop")
class Shifted(tf.keras.layers.Layer):
    def __init__(self, by: float, **kwargs):
        super().__init__(**kwargs)
        self.by = by

    def build(self, input_shape):
        self.scale = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="scale")

    def call(self, inputs):
        return tf.nn.relu(inputs * self.scale + self.by)
"""
    },
    entry_points={"keras_registry.layers": {"tf_shop>Shifted": "tf_shop.layers:Shifted"}},
)

SAVE_TF_LAYERS = f"""\
{QUIET}
import sys
import numpy as np
import tensorflow as tf
import keras_registry
from tf_shop.layers import Shifted

tf.keras.utils.set_random_seed(3)
model = tf.keras.Sequential([tf.keras.layers.Input((4,)), Shifted(0.5), tf.keras.layers.Dense(1)])
model.compile("adam", "mean_squared_error")
x = np.random.default_rng(3).normal(size=(8, 4)).astype("float32")
model.fit(x, x[:, :1], verbose=0)
_SAVE_
np.savez(sys.argv[2], x=x, predictions=model.predict(x, verbose=0))
"""


CHECKPOINT = """\
callbacks = [tf.keras.callbacks.ModelCheckpoint(sys.argv[1])]
model.fit(x, x[:, :1], verbose=0, callbacks=callbacks)"""


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize(
    "save",
    [
        "model.save(sys.argv[1])",
        "tf.keras.models.save_model(model, sys.argv[1])",
        CHECKPOINT,
    ],
    ids=["model.save", "save_model", "ModelCheckpoint"],
)
def test_layers_of_tf_keras_are_saved_and_loaded(
    save: str, suffix: str, fork_server: ForkServer, tmp_path: Path, tf_shop: Path
) -> None:
    """A layer built on `tf.keras.layers.Layer` travels by every way to save."""
    files = [tmp_path / f"model{suffix}", tmp_path / "model.npz"]
    program = SAVE_TF_LAYERS.replace("_SAVE_", save)
    fork_server.run(program, argv=files, path=[tf_shop]).check()

    assert read_manifest_document(files[0])["distributions"]["tf-shop"]["version"] == "1.0"
    loaded = observe(fork_server.run, files[0], path=[tf_shop], inputs=files[1])
    assert loaded.before == ()
    assert loaded.is_silent()
    assert loaded.classes[0] == "tf_shop.layers.Shifted"
    predictions = np.asarray(loaded.predictions, "float32")
    np.testing.assert_array_equal(predictions, np.load(files[1])["predictions"])


@pytest.fixture(scope="module")
def tf_shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a plugin that is written against `tf.keras`."""
    return install(TF_LAYERS, tmp_path_factory.mktemp("tf-shop"))


LEGACY = """\
import warnings

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    {first}
    {second}
    tf.keras.layers.Dense(1)
    tf.keras.layers.Dense(2)
ours = [w for w in caught if issubclass(w.category, keras_registry.KerasRegistryWarning)]
print(len(ours))
print(ours[0].message.finding.code)
print(ours[0].message)
"""


def stand_in_for_tf_keras(folder: Path) -> Path:
    """Write the least that TensorFlow takes for tf_keras, which the tests do not depend on."""
    files = {
        "__init__.py": '__version__ = "2.21.0"\n',
        "api/_v2/keras/__init__.py": "from tf_keras.api._v2.keras import layers\n",
        "api/_v2/keras/layers.py": "class Dense:\n    def __init__(self, units):\n        pass\n",
    }
    for name, text in files.items():
        path = folder / "tf_keras" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("ours_first", [True, False], ids=["ours first", "tensorflow first"])
def test_legacy_keras_gets_one_warning(
    ours_first: bool, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Under TF_USE_LEGACY_KERAS=1 one warning says that tf_keras is not covered."""
    path = [] if importlib.util.find_spec("tf_keras") else [stand_in_for_tf_keras(tmp_path)]
    order = ["import keras_registry", "import tensorflow as tf"]
    first, second = order if ours_first else reversed(order)

    # A forked child has imported TensorFlow before ours, and not yet asked it for Keras.
    run = run_python if ours_first else fork_server.run

    done = run(
        LEGACY.format(first=first, second=second), path=path, env={"TF_USE_LEGACY_KERAS": "1"}
    ).check()

    count, code, *text = done.stdout.splitlines()
    assert (count, code) == ("1", "K302")
    shown = re.sub(r"tf_keras \d\S*,", "tf_keras VERSION,", "\n".join(text))
    check_golden("scenarios/s19_legacy", shown)
