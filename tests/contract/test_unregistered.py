"""Objects that nobody registered: they are checked as they are, and without false alarms."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from keras_registry.contract import Status, find_check, run_check
from keras_registry.contract.inputs import Call
from keras_registry.contract.models import make_functional, make_sequential
from keras_registry.contract.unregistered import is_of_keras, subject_as_it_is
from keras_registry.names import Kind

MAKERS = (make_functional, make_sequential)


def result_of(name, cls, **said):
    """How a check of a class ends that nobody registered."""
    return run_check(find_check(name), subject_as_it_is(cls, **said))


class Stack(keras.layers.Layer):
    """A composite layer, as many are: the inner ones are made in `build`, and have no names."""

    def __init__(self, units, use_bias=True, sequence_axis=1, **kwargs):
        super().__init__(**kwargs)
        self.units, self.use_bias, self.sequence_axis = units, use_bias, sequence_axis

    def build(self, input_shape):
        self.inner = keras.Sequential([keras.layers.Dense(self.units, use_bias=self.use_bias)])
        self.inner.build(input_shape)

    def call(self, inputs):
        if self.sequence_axis == -1:
            message = "the last axis is that of the features"
            raise ValueError(message)
        return self.inner(inputs)

    def get_config(self):
        own = {"units": self.units, "use_bias": self.use_bias, "sequence_axis": self.sequence_axis}
        return {**super().get_config(), **own}


class Wrapped(keras.layers.Layer):
    """A layer whose config holds a layer that its constructor makes."""

    def __init__(self, units=2, **kwargs):
        super().__init__(**kwargs)
        self.units, self.cell = units, keras.layers.Dense(units)

    def get_config(self):
        cell = keras.saving.serialize_keras_object(self.cell)
        return {**super().get_config(), "units": self.units, "cell": cell}

    @classmethod
    def from_config(cls, config):
        return cls(**{name: value for name, value in config.items() if name != "cell"})


class TwoWays(keras.layers.Layer):
    """An embedding and its inverse, chosen by an option of the call."""

    def build(self, input_shape):
        self.there = self.add_weight(shape=(4, 4))
        self.back = self.add_weight(shape=(4, 4))

    def call(self, inputs, reverse=False):
        return keras.ops.matmul(inputs, self.back if reverse else self.there)


class Unused(TwoWays):
    def call(self, inputs, reverse=False):
        return keras.ops.matmul(inputs, self.there)


class OtherInputs(TwoWays):
    def call(self, inputs, reverse=False):
        if reverse:
            message = "the inverse takes something else"
            raise ValueError(message)
        return keras.ops.matmul(inputs, self.there)


class Plan:
    """What an argument takes that is no value of JSON."""

    units = 3


class Planned(keras.layers.Layer):
    def __init__(self, plan, **kwargs):
        super().__init__(**kwargs)
        self.plan = plan

    def call(self, inputs):
        return inputs[..., : self.plan.units]


class Closed(keras.layers.Layer):
    """Its constructor does not take what its config holds."""

    def __init__(self, units=2):
        super().__init__()
        self.units = units


class ByPosition(keras.layers.Layer):
    """A form of constructor that cannot be registered."""

    def __init__(self, units=2, *rest, name=None):
        super().__init__(name=name)
        self.units, self.rest = units, rest


def test_class_stays_as_it_is() -> None:
    """Nothing of the class is wrapped, and Keras does not know it under a key of ours."""
    before = dict(vars(Stack))

    subject = subject_as_it_is(Stack, examples=[{"units": 3}])

    assert dict(vars(Stack)) == before
    assert subject.kind is Kind.LAYER
    assert subject.key == f"{__name__}:Stack"
    assert set(subject.fields) == {"units", "use_bias", "sequence_axis"}


def test_class_that_cannot_be_registered_has_fields_too() -> None:
    """Where no schema can be made, names and defaults of the constructor are known."""
    subject = subject_as_it_is(ByPosition)

    assert subject.fields == {"units": {"title": "units", "default": 2}}
    assert len(subject.cases) > 1


@pytest.mark.parametrize(
    ("target", "wanted"),
    [(Stack, True), (keras.losses.Huber, True), (Plan, False), (keras.ops.sin, False)],
)
def test_classes_of_keras_are_told_from_others(target, wanted) -> None:
    """A class that is built on one of Keras can be checked as it is."""
    assert is_of_keras(target) is wanted


def test_layers_of_a_sequential_model_are_tracked() -> None:
    """A Sequential model keeps a functional one beside its layers, which are known."""
    result = result_of("tracks_what_it_holds", Stack, examples=[{"units": 3}])

    assert result.status is Status.PASSED, result


def test_states_that_keras_keeps_apart_are_no_fault() -> None:
    """The states of a stateful recurrent layer are in no file, and Keras says so."""
    example = {"units": 3, "stateful": True}

    result = result_of("tracks_what_it_holds", keras.layers.GRU, examples=[example])

    assert result.status is Status.PASSED, result


def test_automatic_name_of_an_inner_layer_is_no_difference() -> None:
    """An inner layer that `from_config` makes anew has another number."""
    for name in ("from_config_inverts_get_config", "subclass_comes_back"):
        assert result_of(name, Wrapped).status is Status.PASSED


def test_given_inputs_have_batches_of_their_own() -> None:
    """What a layer announces is compared for as many samples as its author gives."""
    inputs = np.ones((6, 4), "float32")

    result = result_of("announces_its_outputs", TwoWays, inputs=lambda: inputs)

    assert result.status is Status.PASSED, result


def test_guess_that_a_call_refuses_is_no_fault() -> None:
    """A value of which nothing says that an argument takes it may be refused late, by `call`."""
    inputs = np.ones((2, 4), "float32")
    stack = {"examples": [{"units": 3}], "inputs": lambda: inputs}

    result = result_of("can_be_called", Stack, **stack)

    assert result.status is Status.PASSED, result.failure


def test_example_shows_what_an_argument_takes() -> None:
    """An argument without a type is not given numbers where the example has an object."""
    subject = subject_as_it_is(Planned, examples=[{"plan": Plan()}])

    assert len(subject.cases) == 1


def test_option_of_a_call_may_lead_to_a_weight() -> None:
    """A weight that `call(reverse=True)` depends on is used; one that nothing does is not."""
    used, unused, unknown = (
        result_of("gradients_reach_its_weights", cls) for cls in (TwoWays, Unused, OtherInputs)
    )

    assert used.status is Status.PASSED, used
    assert unused.status is Status.FAILED
    assert unknown.status is Status.PASSED, unknown


@pytest.mark.parametrize(("stateful", "batch"), [(True, 2), (False, None)])
def test_stateful_layer_has_batches_of_one_size(stateful, batch) -> None:
    """A recurrent layer that keeps its state wants to know the size of the batch."""
    call = Call("a sequence", (np.ones((2, 5, 4), "float32"),))

    models = [make(keras.layers.GRU(3, stateful=stateful), call) for make in MAKERS]

    assert [model.input_shape for model in models] == [(batch, 5, 4)] * 2


def test_what_does_not_come_back_is_told_once() -> None:
    """Checks that need an object from a config say which check tells why there is none."""
    names = (
        "from_config_inverts_get_config",
        "class_comes_back",
        "from_config_leaves_its_input",
        "values_keep_their_types",
        "base_arguments_survive",
        "subclass_comes_back",
    )

    results = {name: result_of(name, Closed) for name in names}

    failed = {name for name, result in results.items() if result.status is Status.FAILED}
    assert failed == set(names[:2])
    assert all(results[name].reason for name in names[2:])


def test_error_is_put_down_to_the_function_it_came_from() -> None:
    """What a check did not expect is told with the innermost function of the author's module."""

    class Raises(keras.initializers.Initializer):
        def __call__(self, shape, dtype=None):
            return keras.ops.ones(shape, dtype)

        def get_config(self):
            return self.inner()

        def inner(self):
            message = "no config today"
            raise RuntimeError(message)

    result = result_of("config_holds_every_argument", Raises)
    copied = result_of("two_objects_are_apart", Raises)

    assert result.status is Status.PASSED  # there is no argument
    assert (copied.failure.at_fault, copied.failure.found) == (
        "inner",
        "RuntimeError: no config today",
    )
