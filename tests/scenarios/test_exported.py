"""A model with a plugin layer is exported, and served where nobody has heard of the plugin."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.scenarios.commands import block_imports
from tests.support.processes import run_python

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import SavedModel
    from tests.support.processes import ForkServer

EXPORT = """\
import sys
import warnings

import keras

import keras_registry

warnings.simplefilter("error")
# Keras's, which under JAX calls what JAX is about to take away.
warnings.filterwarnings("ignore", module="jax|keras", category=DeprecationWarning)
keras.saving.load_model(sys.argv[1]).export(sys.argv[2], verbose=False)
"""

SERVE = """\
import sys

import numpy as np
import tensorflow as tf

known = np.load(sys.argv[1])
for path in sys.argv[2:]:
    serve = tf.saved_model.load(path).signatures["serving_default"]
    (name,) = serve.structured_input_signature[1]
    (found,) = serve(**{name: tf.constant(known["x"])}).values()
    np.testing.assert_allclose(found, known["predictions"], rtol=1e-5, atol=1e-6)
    print(path)
for name in ("keras_registry", "acme_layers"):
    try:
        __import__(name)
    except ImportError as error:
        print(error)
"""


def test_served_without_the_plugin(
    acme_model: SavedModel, acme_site: Path, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Where neither plugin nor keras-registry can be imported, TensorFlow computes the same.

    That holds for what TensorFlow exported and for what JAX did, and both carry the manifest.
    """
    paths = {backend: tmp_path / backend for backend in ("tensorflow", "jax")}
    for backend, path in paths.items():
        done = fork_server.run(
            EXPORT, argv=[acme_model.path, path], path=[acme_site], backend=backend
        )
        assert done.check().messages == ""
        manifest = json.loads((path / "assets.extra" / "keras_registry.json").read_text())
        assert manifest["environment"]["backend"] == backend
        assert manifest["distributions"]["acme-layers"]["version"] == "1.4.2"
    blocked = block_imports(tmp_path / "blocked", "keras_registry", "acme_layers")

    done = run_python(SERVE, argv=[acme_model.npz, *paths.values()], path=[blocked, acme_site])

    assert done.check().stdout.splitlines() == [
        *map(str, paths.values()),
        "nobody may import keras_registry here",
        "nobody may import acme_layers here",
    ]
