"""Field types for plugin authors: annotate the arguments of ``__init__`` with these.

Each takes what users of Keras pass (a name, an object, a serialised dict), hands the
constructor the real object, and serialises to what Keras stores.

Example:
    >>> from keras_registry import types as t
    >>> def __init__(self, units: t.PositiveInt, activation: t.Activation = "relu"): ...

A type checker takes anything for an `Activation` or `Initializer` argument, because a default
such as ``"relu"`` must be allowed, and lets the body use it only as the callable that it is by
then; what the caller passes is checked when the object is constructed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Gt
from pydantic_core import PydanticCustomError, core_schema

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler

__all__ = ["Activation", "Initializer", "KerasField", "PositiveInt"]


@dataclass(frozen=True, slots=True)
class KerasField:
    """Tells pydantic how a Keras object is taken, handed on and serialised.

    Attributes:
        name: The canonical name of the type, which enters fingerprints.
        namespace: The part of Keras whose ``get`` and ``serialize`` are used.
        wanted: What a caller may pass, in words.
        takes_none: Whether ``None`` stands for an object, and not for the lack of one.
    """

    name: str
    namespace: str
    wanted: str
    takes_none: bool = False

    def to_object(self, value: Any) -> Any:
        """The real object for what a caller passed or a config holds.

        Raises:
            PydanticCustomError: There is none.
        """
        import keras

        if isinstance(value, str) and ">" in value:
            value = keras.saving.get_registered_object(value) or value
        try:
            found = getattr(keras, self.namespace).get(value)
        except Exception as error:  # what Keras raises for a broken dict depends on its class
            raise self._refusal() from error
        if not callable(found) or isinstance(found, type):
            raise self._refusal()
        return found

    def to_config(self, value: Any) -> Any:
        """What Keras stores for the object."""
        import keras

        if getattr(value, "__name__", None) == "<lambda>":
            # The serializers of the namespaces drop what tells that it is a lambda.
            return keras.saving.serialize_keras_object(value)
        return getattr(keras, self.namespace).serialize(value)

    def check_form(self, value: Any) -> Any:
        """Checks only whether a config may hold this value; builds nothing.

        Raises:
            PydanticCustomError: It may not.
        """
        if value is None or isinstance(value, str) or callable(value):
            return value
        if isinstance(value, dict) and isinstance(value.get("class_name"), str):
            return value
        raise self._refusal()

    def _refusal(self) -> PydanticCustomError:
        return PydanticCustomError(
            f"keras_{self.name}", "Input should be {wanted}", {"wanted": self.wanted}
        )

    def _validate(self, value: Any, info: core_schema.ValidationInfo) -> Any:
        return self.check_form(value) if info.context is FORM_ONLY else self.to_object(value)

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """The protocol by which pydantic learns of the type."""
        return core_schema.with_info_plain_validator_function(
            self._validate,
            serialization=core_schema.plain_serializer_function_ser_schema(self.to_config),
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """The protocol by which pydantic writes the type into a JSON Schema."""
        return {
            "description": self.wanted,
            "anyOf": [{"type": "string"}, {"type": "object"}, {"type": "null"}],
        }


FORM_ONLY = {"keras_registry": "form only"}
"""The validation context in which nothing is built; `config` validates files under it."""

PositiveInt = Annotated[int, Gt(0)]
"""An integer of at least 1."""

Activation = Annotated[
    Callable[..., Any] | Any,
    KerasField(
        "activation", "activations", "the name of an activation or a function", takes_none=True
    ),
]
"""An activation function. ``None`` stands for the identity, as everywhere in Keras."""

Initializer = Annotated[
    Callable[..., Any] | Any,
    KerasField("initializer", "initializers", "the name of an initializer or an Initializer"),
]
"""An initializer."""
