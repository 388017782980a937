"""P02: weights that plain Keras does not restore, and says nothing: each an error, never a model.

Every case saves a model with one version of a class and loads it with the same or another one. In
plain Keras the load is silent, and the model that it returns computes something else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.scenarios.observing import normalised, plain
from tests.support.golden import check_golden

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.processes import ForkServer

CLASSES = """
import keras
import numpy as np


class Net(keras.Model):
    '''Two layers in a row, which build() builds.'''
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = keras.layers.Dense(3, name="first")
        self.second = keras.layers.Dense(3, name="second")
    def build(self, shape):
        self.first.build(shape)
        self.second.build((None, 3))
        self.built = True
    def call(self, inputs):
        return self.second(self.first(inputs))


class BuildsNothing(Net):
    def build(self, shape):
        self.built = True


class BuildsOne(Net):
    def build(self, shape):
        self.first.build(shape)
        self.built = True


class Block(keras.layers.Layer):
    '''A layer whose build() leaves its child to the first call.'''
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = keras.layers.Dense(3, name="inner")
    def build(self, shape):
        self.built = True
    def call(self, inputs):
        return self.inner(inputs)


class WithBlock(Net):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.second = Block(name="second")


class LateList(Net):
    '''Children in a list, built by the first call.'''
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = self.second = None
        self.parts = [keras.layers.Dense(3), keras.layers.Dense(3)]
    def build(self, shape):
        self.built = True
    def call(self, inputs):
        for part in self.parts:
            inputs = part(inputs)
        return inputs


class LateModel(Net):
    '''A model inside, built by the first call.'''
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.second = keras.Sequential([keras.layers.Dense(3)], name="second")
    def build(self, shape):
        self.first.build(shape)
        self.built = True


class LostLayer(keras.Model):
    '''A version without the second layer; the config is the same.'''
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = keras.layers.Dense(3, name="first")
    def build(self, shape):
        self.first.build(shape)
        self.built = True
    def call(self, inputs):
        return self.first(inputs)


class Forgetful(keras.layers.Dense):
    '''Takes nothing from the file.'''
    def load_own_variables(self, store):
        pass


class HalfForgetful(keras.layers.Dense):
    '''Takes the bias, and leaves the kernel.'''
    def load_own_variables(self, store):
        self.bias.assign(store["1"])


class Swapping(keras.layers.Layer):
    '''Gives its two kernels each the other's values.'''
    def build(self, shape):
        self.one = self.add_weight(shape=(shape[-1], 3), initializer="glorot_uniform", name="one")
        self.two = self.add_weight(shape=(shape[-1], 3), initializer="glorot_uniform", name="two")
    def call(self, inputs):
        return keras.ops.matmul(inputs, self.one) - keras.ops.matmul(inputs, self.two) / 2
    def load_own_variables(self, store):
        self.one.assign(store["1"])
        self.two.assign(store["0"])


class ForgetfulNet(Net):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.second = Forgetful(3, name="second")


class HalfForgetfulNet(Net):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.second = HalfForgetful(3, name="second")


class SwappingNet(Net):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.second = Swapping(name="second")
"""

PROGRAM = """
import json, sys, warnings
warnings.filterwarnings("error")
warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
saved_as, loaded_as, path, policy = sys.argv[1:]

x = np.linspace(-1, 1, 8, dtype="float32").reshape(2, 4)


def register(name):
    '''Has a class registered as acme>Net, as its distribution would have it.'''
    cls = globals()[name]
    cls.__name__ = "Net"
    return keras.saving.register_keras_serializable("acme", "Net")(cls)


if policy != "plain":
    import keras_registry
keras.utils.set_random_seed(3)
model = register(saved_as)()
before = np.asarray(model(x))
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # that the class is one of this program alone
    model.save(path)
keras.utils.set_random_seed(4)
register(loaded_as)
answer = {"error": None, "codes": [], "same": None, "warned": []}
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always", UserWarning)
    try:
        if policy == "plain":
            again = keras.saving.load_model(path)
        else:
            with keras_registry.policy(policy):
                again = keras.saving.load_model(path)
        answer["same"] = bool(np.allclose(before, np.asarray(again(x)), atol=1e-6))
    except Exception as error:
        answer["error"] = str(error)
        answer["codes"] = [item.code for item in getattr(error, "findings", ())]
answer["warned"] = [str(w.message) for w in caught]
print(json.dumps(answer))
"""

LOST = {
    "build() that builds nothing": ("BuildsNothing", "BuildsNothing"),
    "build() that builds one of two": ("BuildsOne", "BuildsOne"),
    "a child that leaves its child to the first call": ("WithBlock", "WithBlock"),
    "children in a list that nothing builds": ("LateList", "LateList"),
    "a model inside that nothing builds": ("LateModel", "LateModel"),
    "a class that lost a layer": ("Net", "LostLayer"),
    "a layer that takes nothing": ("ForgetfulNet", "ForgetfulNet"),
    "a layer that takes the bias alone": ("HalfForgetfulNet", "HalfForgetfulNet"),
    "a layer that swaps its kernels": ("SwappingNet", "SwappingNet"),
}


def load(
    fork_server: ForkServer, path: Path, case: str, policy: str, **options: Any
) -> dict[str, Any]:
    """Save and load a model as in a case; return what became of it."""
    saved_as, loaded_as = LOST[case]
    argv = [saved_as, loaded_as, str(path), policy]
    done = fork_server.run(CLASSES + PROGRAM, argv=argv, cwd=path.parent, **options)
    answer: dict[str, Any] = done.json()
    return answer


@pytest.mark.parametrize("case", LOST)
def test_plain_keras_says_nothing(fork_server: ForkServer, tmp_path: Path, case: str) -> None:
    """Plain Keras returns a model with random or wrong weights, without a word."""
    answer = load(fork_server, tmp_path / "m.keras", case, "plain", env=plain)

    assert (answer["error"], answer["warned"]) == (None, [])
    assert answer["same"] is False


@pytest.mark.parametrize("policy", ["strict", "compatible", "permissive"])
@pytest.mark.parametrize("case", LOST)
def test_it_is_an_error_under_every_policy(
    fork_server: ForkServer, tmp_path: Path, case: str, policy: str
) -> None:
    """No model is returned whose weights were not restored; the error names what was lost."""
    answer = load(fork_server, tmp_path / "m.keras", case, policy)

    assert answer["same"] is None
    assert "W101" in answer["codes"]
    if policy == "compatible":
        name = case.replace(" ", "_").replace("()", "")
        text = normalised(answer["error"])
        check_golden(f"scenarios/p02_{name}", text, replace={str(tmp_path): "FOLDER"})
