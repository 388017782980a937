"""Models around a layer, and what there is to be compared of a model and its copy from a file."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import keras

from keras_registry.config import CONFIG_VERSION_FIELD
from keras_registry.contract.numerics import array_of, arrays_of
from keras_registry.names import Kind
from keras_registry.registration import register
from keras_registry.types import Layer  # noqa: TC001 - read by @register

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keras_registry.contract.inputs import Call

__all__ = ["PARENTS", "call_model", "describe_model", "name_of", "origin_of", "parents_for"]


@register("keras_registry_contract")
class Holder(keras.Model):
    """A subclassed model that hands its input to one layer, as a careful author writes it."""

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape: Any) -> None:
        """Builds the layer inside."""
        if not self.layer.built:
            self.layer.build(input_shape)

    def call(self, inputs: Any) -> Any:
        """What the layer inside makes of the input."""
        return self.layer(inputs)


def make_functional(layer: Any, call: Call) -> Any:
    """A functional model of one layer; batches may have any size, unless it has states."""
    inputs = call.placeholders(_batch_for(layer, call))
    flat = keras.tree.flatten(inputs)
    return keras.Model(flat[0] if len(flat) == 1 else flat, layer(*inputs))


def make_sequential(layer: Any, call: Call) -> Any:
    """A sequential model of one layer."""
    return keras.Sequential([call.placeholders(_batch_for(layer, call))[0], layer])


def _batch_for(layer: Any, call: Call) -> int | None:
    """The size of batches if a layer wants to know it beforehand: stateful ones of Keras do."""
    return call.batch if getattr(layer, "stateful", False) is True else None


def make_holder(layer: Any, call: Call) -> Any:
    """A subclassed model of one layer, built by a call."""
    model = Holder(layer)
    model(*call.arguments)
    return model


def make_itself(model: Any, call: Call) -> Any:
    """A model as it is, built by a call."""
    model(*call.arguments)
    return model


PARENTS: dict[str, Callable[[Any, Call], Any]] = {
    "Functional": make_functional,
    "Sequential": make_sequential,
    "subclassed": make_holder,
    "itself": make_itself,
}
"""Ways to put a layer into a model that is saved."""


def parents_for(kind: str, call: Call) -> tuple[str, ...]:
    """The names of the parents into which a layer or model with these inputs can be put."""
    first = "itself" if kind is Kind.MODEL else "Functional"
    if len(call.arguments) > 1:
        return (first,)
    others = ("Functional",) if kind is Kind.MODEL else ("subclassed",)
    is_single = not isinstance(call.arguments[0], list | dict)
    return (first, *others, "Sequential") if is_single else (first, *others)


def call_model(model: Any, parent: str, arguments: Sequence[Any]) -> Any:
    """What a model makes of the inputs of the layer in it, in inference.

    Args:
        model: The model.
        parent: Its name in `PARENTS`.
        arguments: The arguments of the layer, each an array or nested ones.
    """
    if parent in {"subclassed", "itself"}:
        return model(*arguments, training=False)
    flat = keras.tree.flatten(list(arguments))
    return model(flat[0] if len(flat) == 1 else flat, training=False)


def find_objects(model: Any, origin: Sequence[str]) -> list[Any]:
    """The layers of a class in a model, the model itself among them, in a fixed order.

    Args:
        model: The model.
        origin: Module and qualified name of the class.
    """
    flat = model._flatten_layers()  # noqa: SLF001 - there is no public way to inner layers
    return [layer for layer in flat if origin_of(type(layer)) == list(origin)]


def origin_of(target: Any) -> list[str]:
    """Module and qualified name of a class."""
    return [target.__module__, target.__qualname__]


def name_of(variable: Any) -> str:
    """The name of a variable, without the number that Keras gives to one without a name."""
    return re.sub(r"^variable_\d+$", "variable", variable.name)


def describe_model(
    model: Any, parent: str, origin: Sequence[str], arguments: Sequence[Any]
) -> tuple[list[Any], dict[str, Any]]:
    """What has to be the same in a model and in its copy.

    Args:
        model: A built model.
        parent: Its name in `PARENTS`.
        origin: Module and qualified name of the class that is checked.
        arguments: What its objects are called with.

    Returns:
        Config and variables of each object of the class, as JSON holds them; and arrays by name:
        outputs and weights.
    """
    outputs = arrays_of(call_model(model, parent, arguments))
    arrays = {f"output {number}": array for number, array in enumerate(outputs)}
    facts = []
    trained = {id(variable) for variable in model.trainable_variables}
    for number, item in enumerate(find_objects(model, origin)):
        weights = enumerate(_ordered(item.weights))
        arrays |= {f"weight {number} {i} {name_of(w)}": array_of(w) for i, w in weights}
        variables = [_fact(v, is_trained=id(v) in trained) for v in _ordered(item.variables)]
        facts.append({"config": _config(item), "variables": variables})
    return facts, arrays


def _config(item: Any) -> Any:
    config = dict(keras.saving.serialize_keras_object(item)["config"])
    config.pop(CONFIG_VERSION_FIELD, None)
    return json.loads(json.dumps(config))


def _ordered(variables: Sequence[Any]) -> list[Any]:
    return sorted(variables, key=lambda variable: str(_fact(variable, is_trained=False)))


def _fact(variable: Any, *, is_trained: bool) -> list[Any]:
    """What a variable is: its name, shape and dtype, and whether the model trains it."""
    shape = [int(size) for size in variable.shape]
    return [name_of(variable), shape, variable.dtype, is_trained]
