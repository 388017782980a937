"""Every field type, alone and nested: what comes back from a config is what went in."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Optional

import jsonschema
import keras
import ml_dtypes
import numpy as np
import pydantic
import pytest
from packaging.version import Version

from keras_registry import ConfigError, LoadError, register
from keras_registry import types as t
from keras_registry.registration import default_registry
from keras_registry.types.values import ANYTHING
from tests.support.ids import readable
from tests.support.registered import round_trip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# --- what a plugin's author has ----------------------------------------------------------------


@register("fields")
def double(x, *args, **kwargs):
    """Return the double: a function of the author's."""
    return 2 * x


@register("fields")
class Box:
    """An object of the author's that is none of Keras's."""

    def __init__(self, size: int = 1):
        self.size = size


def make_model():
    """Return a small model."""
    inputs = keras.Input((2,), name="in")
    return keras.Model(inputs, keras.layers.Dense(1, name="out")(inputs), name="inner")


# --- the table ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A field type.

    Attributes:
        hint: The annotation.
        make: Returns what a caller passes, each with what the constructor receives.
        wrong: What is refused, in a file too, with the text of the refusal.
        strict: What is refused, but not in a model or dataclass of the author's, where pydantic
            converts it.
        unknown: What is refused once somebody looks it up, so not while a file is checked.
    """

    hint: Any
    make: Callable[[], list[tuple[Any, Any]]]
    wrong: tuple[tuple[Any, str], ...] = ()
    strict: tuple[tuple[Any, str], ...] = ()
    unknown: tuple[tuple[Any, str], ...] = ()


def as_they_are(*values: Any) -> list[tuple[Any, Any]]:
    """Return values that the constructor receives as they were passed."""
    return [(value, value) for value in values]


def refused(text: str, *values: Any) -> tuple[tuple[Any, str], ...]:
    """Return values that are refused with this text."""
    return tuple((value, text) for value in values)


NO_INT = refused("Input should be a valid integer", "a", None, [1])
NO_FLOAT = refused("Input should be a valid number", "a", None, [0.5])
CONVERTED_TO_INT = refused("Input should be a valid integer", "3", True, 1.0)
CONVERTED_TO_FLOAT = refused("Input should be a valid number", "0.5", True)
NO_STR = refused("Input should be a valid string", 1, None, ["a"])
NO_ACTIVATION = "Input should be the name of an activation or a function"
NO_INITIALIZER = "Input should be the name of an initializer or an Initializer"
NO_REGULARIZER = "Input should be the name of a regularizer or a Regularizer"
NO_CONSTRAINT = "Input should be the name of a constraint or a Constraint"
NO_LOSS = "Input should be the name of a loss, a Loss or a function"
NO_METRIC = "Input should be the name of a metric, a Metric or a function"
NO_OPTIMIZER = "Input should be the name of an optimizer or an Optimizer"
NO_POLICY = "Input should be the name of a dtype policy, a DTypePolicy or a DTypePolicyMap"
NO_FUNCTION = "Input should be a registered function or its key"
NO_SEED_GENERATOR = "Input should be a seed or a SeedGenerator"
NO_SHAPE = "Input should be a sequence of sizes, None where one is not known"
NO_AXIS = "Input should be an axis or several"
NO_DTYPE = 'Input should be the name of a dtype, such as "float32"'
NO_ARRAY = "Input should be an array of numbers"
NO_TENSOR = "Input should be a tensor or an array of numbers"
DENSE = {
    "module": "keras.layers",
    "class_name": "Dense",
    "config": {"units": 1},
    "registered_name": None,
}
BROKEN = {**DENSE, "config": {"no_such_argument": 1}}

CASES = {
    "PositiveInt": Case(
        t.PositiveInt,
        lambda: [*as_they_are(1, 2**70), (np.int64(3), 3)],
        wrong=(*NO_INT, *refused("Input should be greater than 0", 0, -1)),
        strict=CONVERTED_TO_INT,
    ),
    "NonNegativeInt": Case(
        t.NonNegativeInt,
        lambda: as_they_are(0, 7),
        wrong=(*NO_INT, *refused("Input should be greater than or equal to 0", -1)),
        strict=CONVERTED_TO_INT,
    ),
    "PositiveFloat": Case(
        t.PositiveFloat,
        lambda: [*as_they_are(0.1, 1e-300, float("inf")), (3, 3.0), (np.float32(0.5), 0.5)],
        wrong=(*NO_FLOAT, *refused("Input should be greater than 0", 0.0, -0.5, float("nan"))),
        strict=CONVERTED_TO_FLOAT,
    ),
    "NonNegativeFloat": Case(
        t.NonNegativeFloat,
        lambda: as_they_are(0.0, -0.0, 0.25),
        wrong=(*NO_FLOAT, *refused("Input should be greater than or equal to 0", -0.5)),
        strict=CONVERTED_TO_FLOAT,
    ),
    "Probability": Case(
        t.Probability,
        lambda: [*as_they_are(0.0, 0.25, 1.0), (1, 1.0)],
        wrong=(
            *NO_FLOAT,
            *refused("Input should be less than or equal to 1", 1.5),
            *refused("Input should be greater than or equal to 0", -0.1),
        ),
        strict=(
            *CONVERTED_TO_FLOAT,
            *refused("Input should be ", float("nan")),  # which bound is said depends on pydantic
        ),
    ),
    "Seed": Case(
        t.Seed,
        lambda: as_they_are(None, 0, 1337),
        wrong=(
            *refused("Input should be a valid integer", "a", [1]),
            *refused("Input should be greater than or equal to 0", -1),
        ),
        strict=CONVERTED_TO_INT,
    ),
    "Padding": Case(
        t.Padding,
        lambda: [*as_they_are("valid", "same"), ("SAME", "same")],
        wrong=refused("Input should be 'valid' or 'same'", "causal", "", 1, None),
    ),
    "CausalPadding": Case(
        t.CausalPadding,
        lambda: [*as_they_are("valid", "same", "causal"), ("Causal", "causal")],
        wrong=refused("Input should be 'valid', 'same' or 'causal'", "full", None),
    ),
    "DataFormat": Case(
        t.DataFormat,
        lambda: [*as_they_are("channels_last", "channels_first"), (None, "channels_last")],
        wrong=refused("Input should be 'channels_last' or 'channels_first'", "last", 1),
    ),
    "PathFreeText": Case(
        t.PathFreeText,
        lambda: as_they_are("", "lower and strip", "v1.2", "ä…"),
        wrong=(
            *NO_STR,
            *refused(
                "Input should be text that names no path",
                "/etc/passwd",
                "vocabulary/words.txt",
                "C:words",
                "..\\words",
                "..",
                ".",
                "~root",
                "gs://bucket",
                "a\0b",
            ),
        ),
    ),
    "Activation": Case(
        t.Activation,
        lambda: [
            ("relu", keras.activations.relu),
            (keras.activations.gelu, keras.activations.gelu),
            (None, keras.activations.linear),
            ("fields>double", double),
            *as_they_are(double, keras.layers.LeakyReLU(0.25)),
        ],
        wrong=refused(NO_ACTIVATION, 3, True, ["relu"], {}),
        unknown=refused(NO_ACTIVATION, "reul", "fields>missing", BROKEN),
    ),
    "Initializer": Case(
        t.Initializer,
        lambda: [
            ("zeros", keras.initializers.Zeros()),
            ("HeNormal", keras.initializers.HeNormal()),
            *as_they_are(keras.initializers.Constant(0.25), keras.initializers.HeNormal(3), double),
        ],
        wrong=refused(NO_INITIALIZER, None, 3, ["zeros"], {}),
        unknown=refused(NO_INITIALIZER, "zeroes", "relu", BROKEN),
    ),
    "Regularizer": Case(
        t.Regularizer,
        lambda: [
            ("l2", keras.regularizers.L2()),
            *as_they_are(keras.regularizers.L1L2(0.25, 0.5), double),
        ],
        wrong=refused(NO_REGULARIZER, None, 0.5, {}),
        unknown=refused(NO_REGULARIZER, "l3", BROKEN),
    ),
    "Constraint": Case(
        t.Constraint,
        lambda: [
            ("non_neg", keras.constraints.NonNeg()),
            *as_they_are(keras.constraints.MaxNorm(3.0, axis=[0, 1]), double),
        ],
        wrong=refused(NO_CONSTRAINT, None, 0.5, {}),
        unknown=refused(NO_CONSTRAINT, "max", BROKEN),
    ),
    "Loss": Case(
        t.Loss,
        lambda: [
            ("mse", keras.losses.mean_squared_error),
            ("Huber", keras.losses.Huber()),
            *as_they_are(keras.losses.Huber(0.25), keras.losses.mean_absolute_error, double),
        ],
        wrong=refused(NO_LOSS, None, 3, {}),
        unknown=refused(NO_LOSS, "msee", BROKEN),
    ),
    "Metric": Case(
        t.Metric,
        lambda: [
            ("MeanSquaredError", keras.metrics.MeanSquaredError()),
            *as_they_are(keras.metrics.TopKCategoricalAccuracy(3), double),
        ],
        wrong=refused(NO_METRIC, None, 3, {}),
        unknown=refused(NO_METRIC, "msee", BROKEN),
    ),
    "Optimizer": Case(
        t.Optimizer,
        lambda: [
            ("sgd", keras.optimizers.SGD()),
            *as_they_are(
                keras.optimizers.Adam(0.25, beta_1=0.5),
                keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.5, 10)),
            ),
        ],
        wrong=refused(NO_OPTIMIZER, None, 3, {}),
        unknown=refused(NO_OPTIMIZER, "sgdd", DENSE),
    ),
    "DTypePolicy": Case(
        t.DTypePolicy,
        lambda: [
            ("float16", keras.dtype_policies.DTypePolicy("float16")),
            ("mixed_bfloat16", keras.dtype_policies.DTypePolicy("mixed_bfloat16")),
            (None, keras.dtype_policies.DTypePolicy("float32")),
            *as_they_are(
                keras.dtype_policies.DTypePolicyMap(
                    policy_map={"a": keras.dtype_policies.DTypePolicy("float16")}
                )
            ),
        ],
        wrong=refused(NO_POLICY, 3, {}),
        unknown=refused(NO_POLICY, "flot32", DENSE),
    ),
    "Layer": Case(
        t.Layer,
        lambda: as_they_are(
            keras.layers.Dense(3, activation="tanh", kernel_regularizer="l2", trainable=False),
            keras.layers.Bidirectional(keras.layers.LSTM(2, dropout=0.5)),
            make_model(),
        ),
        wrong=refused("Input should be a layer", None, 3, "dense", ["dense"], {}),
        unknown=refused("Input should be a layer", BROKEN),
    ),
    "Model": Case(
        t.Model,
        lambda: as_they_are(make_model(), keras.Sequential([keras.layers.Dense(2)])),
        wrong=refused("Input should be a model", None, 3, "model", {}),
        unknown=refused("Input should be a model", DENSE, BROKEN),
    ),
    "LearningRateSchedule": Case(
        t.LearningRateSchedule,
        lambda: as_they_are(
            keras.optimizers.schedules.CosineDecay(0.5, 10, warmup_steps=3),
            keras.optimizers.schedules.PiecewiseConstantDecay([1, 2], [0.5, 0.25, 0.125]),
        ),
        wrong=refused("Input should be a learning-rate schedule", None, 0.5, "cosine", {}),
        unknown=refused("Input should be a learning-rate schedule", DENSE),
    ),
    "LearningRate": Case(
        t.LearningRate,
        lambda: [*as_they_are(0.5, keras.optimizers.schedules.CosineDecay(0.5, 10)), (1, 1.0)],
        wrong=refused("Input should be a valid number", None, "a", [0.5]),
        strict=refused(
            "Input should be a valid number or a learning-rate schedule", "0.5", True, None
        ),
    ),
    "Function": Case(
        t.Function,
        lambda: [*as_they_are(double, keras.activations.relu), ("fields>double", double)],
        wrong=refused(NO_FUNCTION, None, 3, ["fields>double"], {}),
        unknown=refused(NO_FUNCTION, "fields>missing", DENSE),
    ),
    "SeedGenerator": Case(
        t.SeedGenerator,
        lambda: [
            (7, keras.random.SeedGenerator(7)),
            *as_they_are(keras.random.SeedGenerator(3)),
        ],
        wrong=refused(NO_SEED_GENERATOR, "3", ["3"], 0.5),
        unknown=refused(NO_SEED_GENERATOR, True, DENSE),
    ),
    "KerasObject of Keras": Case(
        t.KerasObject[keras.layers.Dense],
        lambda: as_they_are(keras.layers.Dense(3, name="three")),
        wrong=refused("Input should be an object of Dense", None, 3, "dense", {}),
        unknown=refused(
            "Input should be an object of Dense", {**DENSE, "class_name": "Flatten", "config": {}}
        ),
    ),
    "KerasObject of the author": Case(
        t.KerasObject[Box],
        lambda: as_they_are(Box(), Box(size=5)),
        wrong=refused("Input should be an object of Box", None, 3, "fields>Box", {}),
        unknown=refused("Input should be an object of Box", DENSE),
    ),
    "Shape": Case(
        t.Shape,
        lambda: [
            *as_they_are((), (1, None, 3), (-1, 2)),
            ([2, None], (2, None)),
            ((np.int64(2), 3), (2, 3)),
        ],
        wrong=refused(NO_SHAPE, None, 3, "12", (1.5,), (True,), ("1",), (-2,), {"a": 1}),
    ),
    "Axis": Case(
        t.Axis,
        lambda: [*as_they_are(-1, 0, (1, 2), ()), ([1, 2], (1, 2)), (np.int64(1), 1)],
        wrong=refused(NO_AXIS, None, "1", 0.5, True, (0.5,), {"a": 1}),
    ),
    "DType": Case(
        t.DType,
        lambda: [
            *as_they_are("float32", "bfloat16", "bool"),
            (np.dtype("int16"), "int16"),
            (np.uint8, "uint8"),
            (keras.ops.zeros(1, dtype="float16").dtype, "float16"),
        ],
        wrong=refused(NO_DTYPE, None, "flot32", 3, ["float32"], {}),
    ),
    "Array": Case(
        t.Array,
        lambda: [
            *as_they_are(
                np.arange(6).reshape(2, 3),
                np.array(2.5, dtype="float16"),
                np.zeros((0, 3), dtype="float32"),
                np.array([True, False]),
                np.array([np.nan, np.inf, -0.0]),
                np.array([2**63], dtype="uint64"),
                np.array([0.1, 3.0], dtype=ml_dtypes.bfloat16),
            ),
            ([[1, 2]], np.array([[1, 2]])),
            (0.5, np.array(0.5)),
            (np.float32(0.1), np.array(0.1, dtype="float32")),
            (keras.ops.ones(2), np.ones(2, dtype="float32")),
        ],
        wrong=refused(NO_ARRAY, None, "abc", ["a"], {"a": 1}, [[1], [1, 2]]),
    ),
    "Tensor": Case(
        t.Tensor,
        lambda: [
            *as_they_are(
                keras.ops.arange(6),
                keras.ops.convert_to_tensor(0.1),
                keras.ops.zeros((0, 3), dtype="bfloat16"),
                keras.ops.convert_to_tensor([True]),
            ),
            (np.array([1, 2], dtype="int16"), keras.ops.convert_to_tensor([1, 2], dtype="int16")),
        ],
        wrong=refused(NO_TENSOR, None, "abc"),
        unknown=refused(NO_TENSOR, ["a"], {"a": 1}),
    ),
    "no type at all": Case(
        Annotated[Any, ANYTHING],
        lambda: as_they_are(
            None,
            True,
            2**70,
            -0.0,
            float("nan"),
            "class_name",
            [1, (2, [3.0, ()])],
            {"class_name": "Dense", "config": {}},
            {"a": {1: "one", (2, 3): {4}}, "b": frozenset({"x", 1})},
            np.arange(3, dtype="int16"),
            np.float32(0.1),
            np.bool_(True),
            keras.activations.gelu,
            double,
            [keras.initializers.Constant(0.5), {"inner": (keras.layers.Dense(2),)}],
            Box(3),
        ),
    ),
}

# --- where a type can stand --------------------------------------------------------------------


@dataclass(frozen=True)
class Placement:
    """A place where a type can stand in an annotation.

    Attributes:
        around: Makes the annotation.
        put: Makes the value that a caller passes, of the one that stands there.
        received: Makes the value that the constructor receives, of the annotation, what the caller
            passes and what becomes of it.
        path: How messages call the place.
        path_in_file: How they call it in a file, where keys are text.
        is_authors: Whether it is in a model or a dataclass of the author's.
    """

    around: Callable[[Any], Any]
    put: Callable[[Any], Any]
    received: Callable[[Any, Any, Any], Any]
    path: str
    path_in_file: str = ""
    is_authors: bool = False

    def refused(self, case: Case) -> tuple[tuple[Any, str], ...]:
        """Return what is refused here, in a file too."""
        return case.wrong if self.is_authors else (*case.wrong, *case.strict)


def model_of(hint: Any) -> Any:
    """Return a pydantic model with a field of the type."""
    config = pydantic.ConfigDict(extra="forbid")
    return pydantic.create_model("Inner", __config__=config, field=(hint, ...), other=(int, 1))


def dataclass_of(hint: Any) -> Any:
    """Return a dataclass with a field of the type."""
    return dataclasses.make_dataclass("Inner", [("field", hint), ("other", int, 1)])


PLACEMENTS = {
    "alone": Placement(lambda hint: hint, lambda v: v, lambda _, __, v: v, "value"),
    "optional": Placement(
        lambda hint: Optional[hint],  # noqa: UP045 - of a type that is known only now
        lambda v: v,
        lambda _, passed, v: None if passed is None else v,
        "value",
    ),
    "three deep": Placement(
        lambda hint: dict[str, list[tuple[hint, int]]],
        lambda v: {"a": [[v, 1]], "b": []},
        lambda _, __, v: {"a": [(v, 1)], "b": []},
        "value.a[0][0]",
    ),
    "by number": Placement(
        lambda hint: dict[int, hint],
        lambda v: {-3: v},
        lambda _, __, v: {-3: v},
        "value[-3]",
        "value.-3",
    ),
    "in a model": Placement(
        model_of,
        lambda v: {"field": v},
        lambda hint, _, v: hint.model_construct(field=v),
        "value.field",
        is_authors=True,
    ),
    "in a dataclass": Placement(
        dataclass_of,
        lambda v: {"field": v},
        lambda hint, _, v: hint(v),
        "value.field",
        is_authors=True,
    ),
    "in models three deep": Placement(
        lambda hint: dict[str, list[dataclass_of(model_of(hint))]],
        lambda v: {"a": [{"field": {"field": v}}]},
        lambda hint, _, v: {"a": [_in_both(hint, v)]},
        "value.a[0].field.field",
        is_authors=True,
    ),
}


def _in_both(hint: Any, value: Any) -> Any:
    """Return a value in a model in a dataclass, both of the annotation."""
    outer = hint.__args__[1].__args__[0]
    return outer(outer.__dataclass_fields__["field"].type.model_construct(field=value))


def layer_class(hint: Any, name: str) -> type[keras.layers.Layer]:
    """Return a registered class of layers that take one argument of a type."""

    class Held(keras.layers.Layer):
        def __init__(self, value, **kwargs):
            super().__init__(**kwargs)
            self.received = [value].__iter__  # nothing that Keras looks into

        @property
        def value(self):
            return next(self.received())

        def call(self, inputs):
            return inputs

    Held.__init__.__annotations__["value"] = hint
    return register("fields", name=name)(Held)


def differences(  # noqa: C901, PLR0912 - one case for each sort of value
    left: Any, right: Any, path: str = "", *, lists: bool = False
) -> Iterable[str]:
    """Yield where two values differ in type or value.

    Args:
        left: A value.
        right: The other.
        path: The way to them.
        lists: Whether a tuple is as good as a list, as inside configs of Keras's own objects.
    """
    if lists and isinstance(left, tuple):
        left = list(left)
    if lists and isinstance(right, tuple):
        right = list(right)
    if left is right:
        return
    if type(left) is not type(right):
        yield f"{path}: {left!r} is a {type(left)}, {right!r} a {type(right)}"
    elif isinstance(left, list | tuple):
        if len(left) != len(right):
            yield f"{path}: {left!r} and {right!r}"
        for i, (one, other) in enumerate(zip(left, right, strict=False)):
            yield from differences(one, other, f"{path}[{i}]", lists=lists)
    elif isinstance(left, dict):
        yield from differences(list(left), list(right), f"{path} keys")
        for key in left.keys() & right.keys():
            yield from differences(left[key], right[key], f"{path}[{key!r}]", lists=lists)
    elif isinstance(left, set | frozenset):
        yield from differences(sorted(left, key=repr), sorted(right, key=repr), path)
    elif isinstance(left, pydantic.BaseModel) or dataclasses.is_dataclass(left):
        yield from differences(vars(left), vars(right), path)
    elif isinstance(left, np.ndarray | np.generic):
        if (left.dtype, left.shape, left.tobytes()) != (right.dtype, right.shape, right.tobytes()):
            yield f"{path}: {left!r} and {right!r}"
    elif keras.ops.is_tensor(left):
        one, other = keras.ops.convert_to_numpy(left), keras.ops.convert_to_numpy(right)
        yield from differences(one, other, path)
    elif hasattr(left, "get_config"):
        one, other = left.get_config(), right.get_config()
        yield from differences(one, other, f"{path}.get_config()", lists=True)
    elif repr(left) != repr(right):  # of floats, it tells 0.0 from -0.0 and knows NaN
        yield f"{path}: {left!r} and {right!r}"


def assert_same(left: Any, right: Any, *, except_for: str | None = None) -> None:
    """Check that two values are equal in type and value, with all that is in them.

    Args:
        left: A value.
        right: The other.
        except_for: A field of configs that may differ: Keras draws new names for objects without.
    """
    found = list(differences(left, right))
    assert [text for text in found if f"['{except_for}']" not in text] == []


each_case = pytest.mark.parametrize("name", CASES)
each_placement = pytest.mark.parametrize("place", PLACEMENTS)
each_container = pytest.mark.parametrize("container", [".keras", ".h5"])


def test_the_table_has_every_type():
    """A new public type has to be given a row in the table."""
    rows = {name.partition(" ")[0] for name in CASES}

    assert rows - {"no"} == set(t.__all__)


# --- round trips -------------------------------------------------------------------------------


@each_placement
@each_case
def test_round_trip_through_a_config(name, place):
    """What a constructor received comes back from the config that JSON held."""
    case, placement = CASES[name], PLACEMENTS[place]
    hint = placement.around(case.hint)
    cls = layer_class(hint, name="Held")
    schema = default_registry.find("fields>Held").schema
    document = {"type": "object", **schema.properties}
    for passed, received in case.make():
        expected = placement.received(hint, passed, received)

        layer = cls(placement.put(passed))
        config = json.loads(json.dumps(layer.get_config()))
        again = cls.from_config(config)

        assert_same(layer.value, expected, except_for="name")
        assert_same(again.value, layer.value)
        assert schema.read_config(config).problems == ()
        jsonschema.Draft202012Validator(document).validate({"value": config["value"]})


@each_container
@each_placement
def test_round_trip_through_a_file(place, container, tmp_path):
    """What constructors received comes back from a saved model, every type in one file."""
    placement, given = PLACEMENTS[place], []
    inputs = outputs = keras.Input((1,))
    for i, case in enumerate(CASES.values()):
        hint = placement.around(case.hint)
        cls = layer_class(hint, name=f"Held{i}")
        for passed, _ in case.make():
            given.append(cls(placement.put(passed)))
            outputs = given[-1](outputs)
    path = tmp_path / f"every-type{container}"

    keras.Model(inputs, outputs).save(path)
    loaded = keras.saving.load_model(path)

    for layer, before in zip(loaded.layers[1:], given, strict=True):
        assert_same(layer.value, before.value)


def test_objects_that_keras_tracks_come_back_from_a_file(tmp_path):
    """Layers and models that Keras tracks, however deep in an argument, have their weights back."""

    @register("fields")
    class Tracking(keras.layers.Layer):
        def __init__(
            self,
            blocks: dict[str, list[tuple[t.Layer, int]]],
            noise: t.SeedGenerator,
            model: t.Model,
            **kwargs,
        ):
            super().__init__(**kwargs)
            self.blocks, self.noise, self.model = blocks, noise, model

        def build(self, input_shape):
            if not self.blocks["a"][0][0].built:
                self.blocks["a"][0][0].build(input_shape)

        def call(self, inputs):
            return self.model(self.blocks["a"][0][0](inputs))

    inner = keras.layers.Dense(2, kernel_initializer="normal", name="first")
    layer = Tracking({"a": [(inner, 1)]}, 7, make_model())
    model = keras.Sequential([keras.Input((3,)), layer])
    path = tmp_path / "tracked.keras"

    model.save(path)
    if Version(keras.__version__) < Version("3.13"):  # Keras reads the weights of no layer so deep
        with pytest.raises(LoadError, match="W102"):
            keras.saving.load_model(path)
        return
    loaded = keras.saving.load_model(path)

    again = loaded.layers[0]
    assert len(again.weights) == 4
    assert_same(again.get_weights(), layer.get_weights())
    assert list(differences(again.get_config(), layer.get_config(), lists=True)) == []
    x = np.ones((2, 3), dtype="float32")
    assert_same(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
    assert again.blocks["a"][0][1] == 1


# --- defaults ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hint", "default", "received"),
    [
        (t.Activation, "relu", keras.activations.relu),
        (t.Activation, None, keras.activations.linear),
        (t.Initializer, "zeros", keras.initializers.Zeros()),
        (t.Initializer, None, None),
        (t.Regularizer | None, None, None),
        (t.DTypePolicy, None, keras.dtype_policies.DTypePolicy("float32")),
        (t.DataFormat, None, "channels_last"),
        (t.Seed, None, None),
        (t.Padding, "same", "same"),
        (t.Shape, [2, None], (2, None)),
        (t.Array, [1, 2], np.array([1, 2])),
        (t.Array, None, None),
        (t.Layer | None, None, None),
        (t.LearningRate, 1, 1.0),
        (list[t.Activation], ("relu", "tanh"), [keras.activations.relu, keras.activations.tanh]),
    ],
    ids=readable,
)
def test_defaults_are_taken_like_arguments(hint, default, received):
    """A default goes through the field type, so the constructor has the real thing."""

    class Held:
        def __init__(self, value=default):
            self.value = value

    Held.__init__.__annotations__["value"] = hint
    register("fields")(Held)

    assert_same(Held().value, received)
    assert_same(round_trip(Held()).value, received)


@dataclass
class Defaulted:
    """Defaults of field types in a dataclass, as their author writes them."""

    activation: t.Activation = "relu"
    more: list[t.Initializer] = dataclasses.field(default_factory=lambda: ["zeros"])
    by_name: dict[str, tuple[t.Activation, int]] = dataclasses.field(
        default_factory=lambda: {"a": ("tanh", 1)}
    )
    policy: t.DTypePolicy = None
    regularizer: t.Regularizer | None = None
    rate: t.LearningRate = 0.5
    shape: t.Shape = (1, None)


class DefaultedModel(pydantic.BaseModel):
    """The same in a pydantic model, with the dataclass inside."""

    activation: t.Activation = "relu"
    more: list[t.Initializer] = ["zeros"]
    by_name: dict[str, tuple[t.Activation, int]] = {"a": ("tanh", 1)}
    policy: t.DTypePolicy = None
    regularizer: t.Regularizer | None = None
    rate: t.LearningRate = 0.5
    shape: t.Shape = (1, None)
    inner: Defaulted = Defaulted()


@pytest.fixture
def defaulted():
    """Return a class whose arguments are a dataclass and a model with defaults."""

    @register("fields")
    class Held:
        def __init__(self, one: Defaulted, other: DefaultedModel):
            self.one, self.other = one, other

    return Held


@pytest.mark.parametrize("passed", [dict, None], ids=["dicts", "objects"])
def test_defaults_inside_models_are_taken_like_arguments(defaulted, passed):
    """In a dataclass or model, a default goes through its field type too, however deep it is."""
    one, other = (passed(), passed()) if passed else (Defaulted(), DefaultedModel())
    expected = {
        "activation": keras.activations.relu,
        "more": [keras.initializers.Zeros()],
        "by_name": {"a": (keras.activations.tanh, 1)},
        "policy": keras.dtype_policies.DTypePolicy("float32"),
        "regularizer": None,
        "rate": 0.5,
        "shape": (1, None),
    }

    held = defaulted(one, other)
    again = round_trip(held)

    for found in (held, again):
        assert_same(vars(found.one), expected)
        assert_same(vars(found.other.inner), expected)
        assert_same({**vars(found.other), "inner": None}, {**expected, "inner": None})
    assert_same(again.get_config(), held.get_config())


def test_what_the_caller_passes_stays_as_it_is(defaulted):
    """A dataclass or model that a caller passes is not changed: the constructor has another."""
    one, other = Defaulted(), DefaultedModel()

    held = defaulted(one, other)

    assert one.activation == other.activation == other.inner.activation == "relu"
    assert held.one is not one
    assert held.other is not other


def test_a_wrong_value_in_a_dataclass_is_refused(defaulted):
    """What a field type refuses in a dataclass, which checks nothing by itself, is refused."""
    wrong = Defaulted(by_name={"a": ("reul", 1)})

    # pydantic before 2.8 says of a dataclass only which field it is.
    place = r"Held: one\.by_name(\.a\[0\])?: "
    with pytest.raises(ConfigError, match=f"{place}{NO_ACTIVATION} .got 'reul'"):
        defaulted(wrong, DefaultedModel())


# --- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [name for name in PLACEMENTS if name != "optional"])
@each_case
def test_a_constructor_refuses(name, place):
    """A constructor refuses what is no value of the type, and says where and what was wanted."""
    case, placement = CASES[name], PLACEMENTS[place]
    cls = layer_class(placement.around(case.hint), name="Held")
    for wrong, text in (*placement.refused(case), *case.unknown):
        with pytest.raises(ConfigError) as caught:
            cls(placement.put(wrong))

        shown = str(caught.value).partition("Held: ")[2]
        assert shown.startswith(f"{placement.path}: {text}"), (wrong, shown)


@pytest.mark.parametrize("place", [name for name in PLACEMENTS if name != "optional"])
@each_case
def test_a_file_is_refused(name, place):
    """A file that holds no value of the type is refused before anything is built."""
    case, placement = CASES[name], PLACEMENTS[place]
    layer_class(placement.around(case.hint), name="Held")
    schema = default_registry.find("fields>Held").schema
    path = placement.path_in_file or placement.path
    for wrong, text in placement.refused(case):
        config = json.loads(json.dumps({"value": placement.put(wrong)}))

        problems = schema.read_config(config).problems

        assert any(p.field == path and p.wanted.startswith(text) for p in problems), wrong


@each_case
def test_what_only_a_look_up_tells_is_refused_when_it_is_built(name):
    """A file whose form is right is refused when the object is built, with the same text."""
    case = CASES[name]
    cls = layer_class(case.hint, name="Held")
    schema = default_registry.find("fields>Held").schema
    for wrong, text in case.unknown:
        config = json.loads(json.dumps({"value": wrong}))

        assert schema.read_config(config).problems == ()
        with pytest.raises(TypeError) as caught:  # Keras's own, around ours
            cls.from_config(config)
        assert f"Held: value: {text}" in str(caught.value)


@pytest.mark.parametrize(
    ("hint", "wrong"),
    [
        (t.Array, b"ab"),
        (t.Array, {1, 2}),
        (t.Array, 1j),
        (t.Array, np.array(["a"])),
        (t.Array, np.array([object()])),
        (t.Array, np.datetime64("2020-01-01")),
        (t.Tensor, b"ab"),
        (t.Tensor, 1j),
        (t.Shape, b"ab"),
        (t.Shape, np.array(["a"])),
        (t.Activation, keras.layers.ReLU),
        (t.Loss, int),
        (t.Layer, keras.layers.Dense),
        (t.Layer, keras.initializers.Zeros()),
        (t.Optimizer, keras.optimizers.SGD),
        (t.Model, keras.layers.Dense(1)),
        (t.Function, keras.layers.ReLU()),
        (t.Function, int),
        (t.DType, object()),
    ],
    ids=readable,
)
def test_what_no_file_can_hold_is_refused_too(hint, wrong):
    """What JSON has no form for is refused by a constructor in the same words."""
    cls = layer_class(hint, name="Held")

    with pytest.raises(ConfigError, match="Held: value: Input should be"):
        cls(wrong)


@each_case
def test_none_where_it_is_optional(name):
    """`T | None` takes None, hands it on as None and stores it as null."""
    cls = layer_class(Optional[CASES[name].hint], name="Held")  # noqa: UP045 - of any type

    layer = cls(None)

    assert layer.value is None
    assert layer.get_config()["value"] is None
    assert cls.from_config(layer.get_config()).value is None


# --- sharing -----------------------------------------------------------------------------------


class Pair(pydantic.BaseModel):
    """Two layers in a pydantic model."""

    model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)

    left: t.Layer
    right: t.Layer | None = None


@dataclass
class Named:
    """A layer in a dataclass."""

    layer: t.Layer


@pytest.fixture
def sharing():
    """Return a class of layers that take layers in many places."""

    @register("fields")
    class Sharing(keras.layers.Layer):
        def __init__(
            self,
            one: t.Layer,
            *,
            more: list[t.Layer] = (),
            by_name: dict[str, tuple[t.Layer, int]] | None = None,
            pair: Pair | None = None,
            named: Named | None = None,
            loose=None,
            **kwargs,
        ):
            super().__init__(**kwargs)
            self.one, self.more, self.by_name = one, more, by_name
            self.pair, self.named, self.loose = pair, named, loose

        def all_inner(self):
            yield self.one
            yield from self.more
            yield from (layer for layer, _ in (self.by_name or {}).values())
            if self.pair is not None:
                yield from (self.pair.left, self.pair.right)
            if self.named is not None:
                yield self.named.layer
            if self.loose is not None:
                yield self.loose["inner"][0]

        def build(self, input_shape):
            if not self.one.built:
                self.one.build(input_shape)

        def call(self, inputs):
            return self.one(inputs)

    return Sharing


def share_everywhere(cls, shared, **kwargs):
    """Return a layer that has one layer in every place."""
    return cls(
        shared,
        more=[shared, shared],
        by_name={"a": (shared, 1)},
        pair=Pair(left=shared, right=shared),
        named=Named(shared),
        loose={"inner": [shared]},
        **kwargs,
    )


def test_a_shared_layer_stays_one_through_a_config(sharing):
    """A layer that one object holds in many places is one layer after `from_config`, in each."""
    layer = share_everywhere(sharing, keras.layers.Dense(3, name="shared"))

    again = sharing.from_config(json.loads(json.dumps(layer.get_config())))

    inner = list(again.all_inner())
    assert len(inner) == 8
    assert {id(item) for item in inner} == {id(again.one)}
    assert again.one.units == 3
    assert again.one is not layer.one


def test_equal_layers_stay_two(sharing):
    """Two layers with equal configs stay two."""
    layer = sharing(keras.layers.Dense(3, name="a"), more=[keras.layers.Dense(3, name="a")])

    again = sharing.from_config(json.loads(json.dumps(layer.get_config())))

    assert again.more[0] is not again.one


def test_two_configs_share_nothing(sharing):
    """Two objects made from one config have a layer each."""
    config = sharing(keras.layers.Dense(3)).get_config()

    assert sharing.from_config(config).one is not sharing.from_config(config).one


def test_an_object_within_a_shared_object_is_shared(sharing):
    """A layer inside a layer that is shared is one with the same layer elsewhere."""
    core = keras.layers.Dense(3)
    outer = sharing(core)
    layer = sharing(outer, more=[outer, core])

    again = sharing.from_config(json.loads(json.dumps(layer.get_config())))

    assert again.one is again.more[0]
    assert again.one.one is again.more[1]


@each_container
def test_a_shared_layer_stays_one_through_a_file(sharing, container, tmp_path):
    """A layer that one layer of a model holds in many places is one in the loaded model."""
    layer = share_everywhere(sharing, keras.layers.Dense(2, name="shared"), name="outer")
    model = keras.Sequential([keras.Input((2,)), layer])
    path = tmp_path / f"shared{container}"

    model.save(path)
    again = keras.saving.load_model(path).layers[0]

    assert {id(item) for item in again.all_inner()} == {id(again.one)}
    assert len(again.weights) == 2
    assert_same(again.one.kernel.numpy(), layer.one.kernel.numpy())


@each_container
def test_a_layer_shared_between_layers_of_a_model(sharing, container, tmp_path):
    """A layer that two layers of a model hold is one in the loaded model, with one kernel."""
    shared = keras.layers.Dense(2, name="shared")
    inputs = keras.Input((2,))
    first, second = sharing(shared, name="a"), sharing(shared, more=[shared], name="b")
    model = keras.Model(inputs, second(first(inputs)))
    path = tmp_path / f"between{container}"

    model.save(path)
    loaded = keras.saving.load_model(path)

    again = loaded.get_layer("a"), loaded.get_layer("b")
    assert again[0].one is again[1].one is again[1].more[0]
    assert len(loaded.weights) == len(model.weights) == 2
    x = np.ones((1, 2), dtype="float32")
    assert_same(loaded.predict(x, verbose=0), model.predict(x, verbose=0))
