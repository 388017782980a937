"""Checks of layers and models: what they are called with, and where their files are loaded."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import keras
import numpy as np
import pytest

from keras_registry import register
from keras_registry.contract import Status, Subject, find_check, fresh, run_check
from keras_registry.contract.fresh import FreshError, ask_fresh
from keras_registry.contract.inputs import call_for
from keras_registry.contract.rendering import render_failure
from keras_registry.contract.round_trips import imports_for, trips_of
from keras_registry.names import Kind
from keras_registry.registration import Registration, default_registry
from tests.scenarios.observing import plain
from tests.support.golden import check_golden

if TYPE_CHECKING:
    from tests.support.processes import ForkServer


def subject_of(cls, *, kind=Kind.LAYER, **said):
    """A class of Keras, registered as it is."""
    return Subject(Registration(cls.__name__, kind, cls), **said)


@pytest.mark.parametrize(
    ("cls", "example", "wanted"),
    [
        (keras.layers.Dense, {"units": 3}, "float32 of shape (2, 4)"),
        (keras.layers.LSTM, {"units": 3}, "float32 of shape (2, 5, 4)"),
        (keras.layers.Conv2D, {"filters": 2, "kernel_size": 2}, "float32 of shape (2, 8, 8, 3)"),
        (keras.layers.Conv3D, {"filters": 2, "kernel_size": 2}, "float32 of shape (2, 4, 8, 8, 3)"),
        (keras.layers.Add, {}, "a list of 2 float32 of shape (2, 4)"),
        (keras.layers.MultiHeadAttention, {"num_heads": 2, "key_dim": 3}, "2 float32 of shape"),
        (keras.layers.LSTMCell, {"units": 3}, "float32 of shape (2, 4), and states"),
        (keras.layers.StringLookup, {"vocabulary": ["red"]}, "str of shape (2,)"),
    ],
)
def test_inputs_are_guessed(cls, example, wanted) -> None:
    """What a layer takes is found by rank, dtype and structure, and the result says so."""
    result = run_check(find_check("can_be_called"), subject_of(cls, examples=[example]))

    assert result.status is Status.PASSED
    assert result.note.startswith(f"with {wanted}")
    assert result.note.endswith(", guessed")


def test_input_spec_is_followed() -> None:
    """A layer that says what it takes is called with that."""

    class Picky(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.input_spec = keras.layers.InputSpec(ndim=3, axes={-1: 7})

        def call(self, inputs):
            return inputs

    case = subject_of(Picky, examples=[{}]).cases[0]

    assert call_for(case).arguments[0].shape == (2, 5, 7)


def test_inputs_are_given() -> None:
    """What the author of a layer gives is what it is called with; a tuple is several arguments."""
    x = np.ones((2, 9), "float32")
    one = subject_of(keras.layers.Dense, examples=[{"units": 3}], inputs=lambda: x)
    two = subject_of(
        keras.layers.MultiHeadAttention,
        examples=[{"num_heads": 1, "key_dim": 2}],
        inputs=lambda: (np.ones((2, 3, 4), "float32"), np.ones((2, 6, 4), "float32")),
    )

    assert call_for(one.cases[0]).arguments[0].shape == (2, 9)
    assert [a.shape for a in call_for(two.cases[0]).arguments] == [(2, 3, 4), (2, 6, 4)]


def test_layer_that_takes_nothing_usual_is_skipped() -> None:
    """Where no guess fits, nothing is wrong: the reason says what to give."""

    class Rare(keras.layers.Layer):
        def call(self, inputs):
            if inputs.shape[-1] != 17:
                message = "17 features are wanted"
                raise ValueError(message)
            return inputs

    subject = subject_of(Rare, examples=[{}])
    guessed = run_check(find_check("can_be_called"), subject)
    given = run_check(
        find_check("can_be_called"),
        subject_of(Rare, examples=[{}], inputs=lambda: np.ones((2, 16), "float32")),
    )

    assert guessed.status is Status.SKIPPED
    assert guessed.reason.endswith(": give inputs")
    assert "17 features are wanted" in guessed.reason
    assert given.status is Status.FAILED
    assert given.failure.at_fault == "call"


# --- files -----------------------------------------------------------------------------------


@pytest.fixture
def starter(starter_site, monkeypatch) -> Subject:
    """The layer of the starter plugin, which is installed."""
    monkeypatch.syspath_prepend(starter_site)
    from keras_registry_starter.layers import GatedDense

    return Subject(next(item for item in default_registry if item.target is GatedDense))


def test_files_are_loaded_where_the_plugin_was_not_imported(starter) -> None:
    """The first load finds the plugin by its entry point; here it was imported long ago."""
    trips = trips_of(starter)

    assert "keras_registry_starter.layers" in sys.modules
    assert imports_for(starter) == []
    assert not trips[0].was_imported
    assert all(trip.first is not None for trip in trips), [trip.error for trip in trips]
    first = {(trip.parent, trip.ending) for trip in trips if trip.case is starter.cases[0]}
    assert first == {
        (parent, ending)
        for parent in ("Functional", "Sequential", "subclassed")
        for ending in ("keras", "h5")
    }


def test_object_that_nobody_lists_is_imported_first() -> None:
    """Where no distribution lists an object, its module is imported before, and that is said."""
    subject = next(
        Subject(item) for item in default_registry if item.key == "contract_layers>Doubled"
    )

    result = run_check(find_check("loads_in_a_fresh_process"), subject)

    assert result.status is Status.PASSED
    assert result.note == f"no distribution lists it, so {__name__} was imported first"


@register("contract_layers")
class Doubled(keras.layers.Layer):
    def call(self, inputs):
        return inputs * 2


@register("contract_layers")
class Deep(keras.Model):
    """A model as an object of its own, which takes two inputs."""

    def __init__(self, units: int = 3, **kwargs):
        super().__init__(**kwargs)
        self.left, self.right = keras.layers.Dense(units), keras.layers.Dense(units)

    def build(self, left_shape, right_shape):
        self.left.build(left_shape)
        self.right.build(right_shape)

    def call(self, left, right):
        return self.left(left) + self.right(right)


@register("contract_layers")
class Unnamed(keras.layers.Layer):
    def build(self, input_shape):
        self.one, self.other = (self.add_weight(shape=(input_shape[-1],)) for _ in range(2))

    def call(self, inputs):
        return inputs * self.one + self.other


@pytest.mark.parametrize(
    "name",
    [
        "build_makes_every_weight",
        "takes_shapes_as_lists",
        "weights_come_back",
        "variables_come_back",
        "outputs_come_back",
        "second_load_is_like_the_first",
        "weights_can_be_handed_on",
    ],
)
def test_automatic_names_are_no_fault(name) -> None:
    """Weights without a name of their own have another one in each object, and come back."""
    subject = Subject(default_registry.find("contract_layers>Unnamed"))

    result = run_check(find_check(name), subject)

    assert result.status is Status.PASSED, result


def test_model_is_saved_by_itself() -> None:
    """A model is put into no other one: it is saved as it is."""
    subject = Subject(default_registry.find("contract_layers>Deep"))

    trips = trips_of(subject)

    assert {trip.parent for trip in trips} == {"itself"}
    assert {trip.ending for trip in trips} == {"keras", "h5"}
    assert all(trip.again is not None for trip in trips if trip.case is subject.cases[0])


def test_process_that_ends_is_an_error_and_another_is_started() -> None:
    """A process that ends without an answer says why, and the next request has another one."""
    with pytest.raises(FreshError, match="without an answer; its last line: KeyError: 'nothing'"):
        ask_fresh("nothing")

    assert ask_fresh("import_module", module="wave")["backends"] == {}


def test_where_forking_is_not_safe_each_request_has_an_interpreter(monkeypatch) -> None:
    """An interpreter that answered is not asked again; one that takes too long is ended."""
    monkeypatch.setattr(fresh, "_FORKS", False)
    monkeypatch.setattr(fresh, "_server", None)

    monkeypatch.setattr(fresh, "_LIMIT", 0.2)
    with pytest.raises(FreshError, match=r"the process took longer than 0\.2 s"):
        ask_fresh("import_module", module="wave")
    assert fresh._server is None
    monkeypatch.setattr(fresh, "_LIMIT", 300.0)
    assert ask_fresh("import_module", module="wave")["modules"] > 0
    assert fresh._server is None


# --- what plain Keras does not say -----------------------------------------------------------

SILENT = """
import keras, numpy as np, sys, warnings

@keras.saving.register_keras_serializable("silent")
class Lost(keras.layers.Layer):
    def __init__(self, rate=0.5, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate
        self.parts = Parts()
    def build(self, input_shape):
        self.parts.kernel = keras.Variable(np.ones(input_shape[-1]), name="kernel")
    def call(self, inputs):
        return inputs * self.rate * self.parts.kernel
    def get_config(self):
        return super().get_config()

class Parts:
    kernel = None

layer = Lost(rate=0.25)
model = keras.Sequential([keras.Input((4,)), layer])
layer.parts.kernel.assign(np.full(4, 7.0))
model.save(sys.argv[1])
with warnings.catch_warnings():
    warnings.simplefilter("error")
    again = keras.saving.load_model(sys.argv[1]).layers[0]
print(again.rate, float(again.parts.kernel[0]))
"""


def test_plain_keras_says_nothing(fork_server: ForkServer, tmp_path) -> None:
    """Plain Keras saves and loads without a word what has lost an argument and a weight."""
    done = fork_server.run(SILENT, argv=[tmp_path / "model.keras"], env=plain).check()

    assert done.stdout.split() == ["0.5", "1.0"]


def test_kit_names_what_plain_keras_lost() -> None:
    """The kit names the argument, and the place of the weight."""
    subject = Subject(default_registry.find("contract_layers>Lost"))

    texts = []
    for name in ("config_holds_every_argument", "tracks_what_it_holds"):
        check = find_check(name)
        text = render_failure(run_check(check, subject), check)
        texts += [line for line in text.splitlines() if not line.startswith("       where")]

    check_golden("contract/lost", "\n".join(texts))


class Parts:
    """What holds a variable where Keras does not look."""

    kernel = None


@register("contract_layers")
class Lost(keras.layers.Layer):
    def __init__(self, rate=0.5, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate
        self.parts = Parts()

    def build(self, input_shape):
        self.parts.kernel = keras.Variable(np.ones(input_shape[-1]), name="kernel")

    def call(self, inputs):
        return inputs * self.rate * self.parts.kernel

    def get_config(self):
        return super().get_config()
