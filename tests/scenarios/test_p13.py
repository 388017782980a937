"""P13: dtype policies come back as they were saved, layer by layer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.conftest import SavedModel
from tests.scenarios.archives import read_document
from tests.scenarios.observing import observe, plain
from tests.scenarios.typed_layers import MODULE, PROJECT, TELL, TOLD
from tests.support.processes import BACKEND, other_backends, run_python

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.distributions import PluginProject
    from tests.support.processes import ForkServer

    Shelf = Callable[[PluginProject], Path]

SAVE = f"""\
import json
import sys

import keras
import numpy as np

import keras_registry
from acme_typed import Curt, Pair, Scaled, Typed

keras.utils.set_random_seed(13)
policy = sys.argv[3]
curt = Curt(3)
if policy == "map":
    policy = keras.dtype_policies.DTypePolicyMap(default_policy="mixed_bfloat16")
    # Patterns: the path of a layer has the model's name in it until the model is loaded.
    policy[".*own"] = keras.DTypePolicy("float32")
    policy[".*pair"] = keras.DTypePolicy("mixed_float16")
else:
    curt.dtype_policy = policy
model = keras.Sequential(
    [
        keras.layers.Input((4,)),
        Scaled(4, dtype=policy, name="scaled"),
        curt,
        Pair(Scaled(3, dtype="float32", name="inner"), dtype=policy, name="pair"),
        Typed(policy, dtype="bfloat16", name="typed"),
        keras.layers.Dense(2, dtype="float32", name="head"),
    ]
)
x = np.random.default_rng(13).normal(size=(5, 4)).astype("float32")
predictions = model.predict(x, verbose=0)
model.save(sys.argv[1])
np.savez(sys.argv[2], x=x, predictions=predictions)

{TOLD}

layers = model._flatten_layers(include_self=False)
print(json.dumps([told(layer) for layer in layers]))
"""
POLICIES = ("float32", "bfloat16", "mixed_float16", "mixed_bfloat16", "map")


@pytest.mark.parametrize("policy", POLICIES)
def test_policies_come_back_by_layer(
    policy: str, shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Each layer, inner ones too, has its own policy again: name, compute and variable dtype."""
    saved, site = SavedModel(tmp_path / "m.keras", tmp_path / "m.npz"), shelf(PROJECT)
    done = fork_server.run(SAVE, argv=[saved.path, saved.npz, policy], path=[site])
    told = done.json()
    assert done.messages == ""

    loaded = observe(fork_server.run, saved.path, path=[site], inputs=saved.npz, epilogue=TELL)

    assert loaded.before == ()
    assert loaded.findings == ()
    # TensorFlow's own, whenever Keras turns a bfloat16 variable into an array.
    assert {category for category, *_ in loaded.warnings} <= {"DeprecationWarning"}
    assert loaded.raw["told"] == told
    assert loaded.raw["verified"] == ["layers"]
    np.testing.assert_array_equal(
        np.asarray(loaded.predictions, "float32"), np.load(saved.npz)["predictions"]
    )


def test_global_policy_does_not_matter(
    shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Policies are those of the file, whatever the loading program's default is."""
    saved, site = SavedModel(tmp_path / "m.keras", tmp_path / "m.npz"), shelf(PROJECT)
    done = fork_server.run(SAVE, argv=[saved.path, saved.npz, "mixed_float16"], path=[site])

    loaded = observe(
        fork_server.run,
        saved.path,
        path=[site],
        prelude="keras.config.set_dtype_policy('mixed_bfloat16')",
        epilogue=TELL,
    )

    # The input layer, and the Dense inside `typed`, were never given a policy.
    own = {"scaled", "curt", "pair", "inner", "own", "typed", "head"}
    found, told = loaded.raw["told"], done.json()
    assert [layer for layer in found if layer[0] in own] == [x for x in told if x[0] in own]
    assert loaded.is_silent()


@pytest.mark.parametrize("backend", [BACKEND, *other_backends()])
def test_real_interpreters(backend: str, shelf: Shelf, tmp_path: Path) -> None:
    """From one new interpreter to the next, a map of policies comes back."""
    files, site = [tmp_path / "m.keras", tmp_path / "m.npz"], shelf(PROJECT)
    told = run_python(SAVE, argv=[*files, "map"], path=[site], backend=backend).json()
    program = (
        "import json, sys\nimport keras\nimport keras_registry\n"
        "seen = {}\nmodel = keras.saving.load_model(sys.argv[1])\n"
        f"{TELL}\nprint(json.dumps(seen['told']))"
    )

    done = run_python(program, argv=files[:1], path=[site], backend=backend)

    assert done.json() == told
    assert done.messages == ""


PLAIN = """\
import json
import sys

import keras

from acme_typed import Curt, Scaled

layer = Curt(3)
layer.dtype_policy = "mixed_float16"
layer.build((None, 4))
try:
    Curt.from_config(layer.get_config())
except TypeError as error:
    print(json.dumps(str(error)))


class Forgetful(Scaled):
    def get_config(self):
        return {"units": self.units}


model = keras.Sequential([keras.layers.Input((4,)), Forgetful(3, dtype="mixed_float16")])
model.save(sys.argv[1])
again = keras.saving.load_model(sys.argv[1], custom_objects={"Forgetful": Forgetful})
print(json.dumps(again.layers[0].dtype_policy.name))
"""


def test_plain_keras_loses_the_policy(
    shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """Plain Keras refuses the layer without `**kwargs`; a forgotten `super()` is silent."""
    source = MODULE.replace("@register(", "@keras.saving.register_keras_serializable(")
    site = shelf(PROJECT.with_modules({"acme_typed/__init__.py": source}))

    done = fork_server.run(PLAIN, argv=[tmp_path / "m.keras"], path=[site], env=plain).check()

    refusal, policy = map(json.loads, done.stdout.splitlines())
    assert "Curt.__init__() got an unexpected keyword argument" in refusal
    assert policy == "float32"


def test_policies_are_stored_as_keras_stores_them(
    shelf: Shelf, fork_server: ForkServer, tmp_path: Path
) -> None:
    """A policy in a config has Keras's own form, which plain Keras and `inspect` read."""
    file = tmp_path / "m.keras"
    fork_server.run(
        SAVE, argv=[file, tmp_path / "m.npz", "mixed_float16"], path=[shelf(PROJECT)]
    ).check()

    layers = read_document(file, "config.json")["config"]["layers"]
    stored = {layer["config"]["name"]: layer["config"] for layer in layers}
    assert stored["scaled"]["dtype"]["config"] == {"name": "mixed_float16"}
    assert stored["curt"]["dtype"]["config"] == {"name": "mixed_float16"}
    assert stored["typed"]["inner_policy"]["config"] == {"name": "mixed_float16"}
