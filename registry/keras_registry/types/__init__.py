"""Field types for plugin authors: annotate the arguments of ``__init__`` with these.

Each takes what users of Keras pass (a name, an object, a serialised dict), hands the
constructor the real thing, and serialises to what Keras stores. They nest in ``list``, ``tuple``,
``dict``, ``set``, ``Optional``, pydantic models and dataclasses as any other type does.

Example:
    >>> from keras_registry import types as t
    >>> def __init__(self, units: t.PositiveInt, activation: t.Activation = "relu"): ...

A type checker takes anything for most of them, because a default such as ``"relu"`` must be
allowed; what the caller passes is checked when the object is constructed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from annotated_types import Ge, Gt, Le
from pydantic import AfterValidator, BeforeValidator
from pydantic_core import PydanticCustomError

from keras_registry.types import values
from keras_registry.types.fields import (
    ByNameField,
    FunctionField,
    ObjectField,
    ValueField,
    field_for_class,
    store_object,
)

__all__ = [
    "Activation",
    "Array",
    "Axis",
    "CausalPadding",
    "Constraint",
    "DType",
    "DTypePolicy",
    "DataFormat",
    "Function",
    "Initializer",
    "KerasObject",
    "Layer",
    "LearningRate",
    "LearningRateSchedule",
    "Loss",
    "Metric",
    "Model",
    "NonNegativeFloat",
    "NonNegativeInt",
    "Optimizer",
    "Padding",
    "PathFreeText",
    "PositiveFloat",
    "PositiveInt",
    "Probability",
    "Regularizer",
    "Seed",
    "SeedGenerator",
    "Shape",
    "Tensor",
]

T = TypeVar("T")

# --- numbers and words -----------------------------------------------------------------------

PositiveInt = Annotated[int, Gt(0)]
"""An integer of at least 1."""

NonNegativeInt = Annotated[int, Ge(0)]
"""An integer of at least 0."""

PositiveFloat = Annotated[float, Gt(0)]
"""A number above 0."""

NonNegativeFloat = Annotated[float, Ge(0)]
"""A number of at least 0."""

Probability = Annotated[float, Ge(0), Le(1)]
"""A number from 0 to 1, both included."""

Seed = Annotated[int, Ge(0)] | None
"""The seed of a random generator: an integer of at least 0, or None to draw one."""


def _in_lower_case(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


Padding = Annotated[Literal["valid", "same"], BeforeValidator(_in_lower_case)]
"""What a convolution or pooling does at the borders: ``"valid"`` or ``"same"``."""

CausalPadding = Annotated[Literal["valid", "same", "causal"], BeforeValidator(_in_lower_case)]
"""What a convolution in time does at the borders: ``"valid"``, ``"same"`` or ``"causal"``."""


def _take_data_format(value: Any) -> str:
    if value is None:
        import keras

        return str(keras.config.image_data_format())
    found = _in_lower_case(value)
    if found not in {"channels_last", "channels_first"}:
        raise ValueError
    return str(found)


DataFormat = Annotated[
    Literal["channels_last", "channels_first"] | Any,
    ValueField(
        "data_format",
        "'channels_last' or 'channels_first'",
        takes_none=True,
        stored_as=("string",),
        take=_take_data_format,
    ),
]
"""Where an image's channels are; None stands for ``keras.config.image_data_format()``."""


def _refuse_path(value: str) -> str:
    looks_like_path = any(mark in value for mark in "/\\\0") or value[1:2] == ":"
    if looks_like_path or value in {".", ".."} or value.startswith("~"):
        raise PydanticCustomError(
            "keras_registry",  # noqa: EM101 - the type of the error
            "Input should be text that names no path",
        )
    return value


PathFreeText = Annotated[str, AfterValidator(_refuse_path)]
"""Text that names no file, folder or address, so that a config cannot make a layer open one."""

# --- what Keras knows by name ----------------------------------------------------------------

Activation = Annotated[
    Callable[..., Any] | Any,
    ByNameField(
        "activation",
        "the name of an activation or a function",
        takes_none=True,
        namespace="activations",
    ),
]
"""An activation function or layer. ``None`` stands for the identity, as everywhere in Keras."""

Initializer = Annotated[
    Callable[..., Any] | Any,
    ByNameField(
        "initializer", "the name of an initializer or an Initializer", namespace="initializers"
    ),
]
"""An initializer."""

Regularizer = Annotated[
    Callable[..., Any] | Any,
    ByNameField(
        "regularizer", "the name of a regularizer or a Regularizer", namespace="regularizers"
    ),
]
"""A regularizer. For an argument whose default is None, ``Regularizer | None``."""

Constraint = Annotated[
    Callable[..., Any] | Any,
    ByNameField("constraint", "the name of a constraint or a Constraint", namespace="constraints"),
]
"""A constraint. For an argument whose default is None, ``Constraint | None``."""

Loss = Annotated[
    Callable[..., Any] | Any,
    ByNameField("loss", "the name of a loss, a Loss or a function", namespace="losses"),
]
"""A loss: an object, or the function that its name stands for."""

Metric = Annotated[
    Any,
    ByNameField("metric", "the name of a metric, a Metric or a function", namespace="metrics"),
]
"""A metric: an object, or the function that its name stands for."""

Optimizer = Annotated[
    Any,
    ByNameField(
        "optimizer",
        "the name of an optimizer or an Optimizer",
        namespace="optimizers",
        base="keras:optimizers.Optimizer",
    ),
]
"""An optimizer."""

DTypePolicy = Annotated[
    Any,
    ByNameField(
        "dtype_policy",
        "the name of a dtype policy, a DTypePolicy or a DTypePolicyMap",
        takes_none=True,
        namespace="dtype_policies",
        base="keras.src.dtype_policies:DTypePolicy",
    ),
]
"""A dtype policy, maps included. ``None`` stands for the global policy of the moment."""

# --- objects ---------------------------------------------------------------------------------

Layer = Annotated[Any, ObjectField("layer", "a layer", base="keras:layers.Layer")]
"""One layer. Several: ``list[Layer]``, ``tuple[Layer, ...]``, ``dict[str, Layer]``."""

Model = Annotated[Any, ObjectField("model", "a model", base="keras:Model")]
"""A model."""

LearningRateSchedule = Annotated[
    Any,
    ObjectField(
        "schedule",
        "a learning-rate schedule",
        base="keras:optimizers.schedules.LearningRateSchedule",
    ),
]
"""A learning-rate schedule."""

LearningRate = float | LearningRateSchedule
"""A learning rate, or a schedule of it."""

Function = Annotated[
    Callable[..., Any] | Any, FunctionField("function", "a registered function or its key")
]
"""A function: registered, of Keras's own, or named by its key."""


def _seed_generator(value: Any) -> Any:
    import keras

    if isinstance(value, keras.random.SeedGenerator):
        return value
    if isinstance(value, dict):
        value = keras.saving.deserialize_keras_object(value)
        if not isinstance(value, keras.random.SeedGenerator):
            raise TypeError
        return value
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise TypeError
    return keras.random.SeedGenerator(value)


SeedGenerator = Annotated[
    Any,
    ValueField(
        "seed_generator",
        "a seed or a SeedGenerator",
        takes_none=True,
        stored_as=("object", "integer"),
        take=_seed_generator,
        store=store_object,
        builds=True,
    ),
]
"""A generator of seeds, made of an integer or None if need be. Keras does not save its state."""


if TYPE_CHECKING:
    KerasObject = Annotated[T, "an object of this class"]
else:

    class KerasObject:
        """An object of a class that has ``get_config``: ``KerasObject[keras.layers.Dense]``."""

        def __class_getitem__(cls, wanted: type) -> Any:
            return Annotated[wanted, field_for_class(wanted)]


# --- shapes, dtypes and arrays ---------------------------------------------------------------

Shape = Annotated[
    tuple[int | None, ...] | Any,
    ValueField(
        "shape",
        "a sequence of sizes, None where one is not known",
        stored_as=("array",),
        take=values.take_shape,
        store=list,
    ),
]
"""A shape: a tuple of sizes, None where one is not known."""

Axis = Annotated[
    int | tuple[int, ...] | Any,
    ValueField(
        "axis",
        "an axis or several",
        stored_as=("integer", "array"),
        take=values.take_axis,
        store=lambda axis: list(axis) if isinstance(axis, tuple) else axis,
    ),
]
"""An axis, or a tuple of several."""

DType = Annotated[
    str | Any,
    ValueField(
        "dtype",
        'the name of a dtype, such as "float32"',
        stored_as=("string",),
        take=values.take_dtype,
    ),
]
"""A dtype, handed on as its name."""

Array = Annotated[
    Any,
    ValueField(
        "array",
        "an array of numbers",
        take=values.take_array,
        store=values.store_array,
        stored_as=("object", "array", "number", "boolean"),
    ),
]
"""A numpy array of numbers or booleans, of any rank."""

Tensor = Annotated[
    Any,
    ValueField(
        "tensor",
        "a tensor or an array of numbers",
        take=values.take_tensor,
        store=values.store_tensor,
        stored_as=("object", "array", "number", "boolean"),
        builds=True,
    ),
]
"""A tensor of the running backend, of any rank."""
