"""How a value of a Keras config is taken, handed on and serialised: one class for each way.

A field is validated in one of two ways. Where somebody constructs an object, the real thing is
made at once. Where a file is checked before anything is built, only the form is looked at: the
field then yields a `Deferred` value, and `build` makes the real thing of it when Keras constructs
the object, so that nothing is validated a second time.
"""

from __future__ import annotations

import copy
import dataclasses
import functools
import pkgutil
from contextlib import suppress
from dataclasses import dataclass
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel
from pydantic_core import (
    PydanticCustomError,
    PydanticSerializationUnexpectedValue,
    core_schema,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler

__all__ = [
    "AS_STORED",
    "FORM_ONLY",
    "ByNameField",
    "Deferred",
    "EitherField",
    "FunctionField",
    "KerasField",
    "ObjectField",
    "Stored",
    "ValueField",
    "build",
    "field_for_class",
    "is_serialised",
    "store_object",
]

FORM_ONLY = {"keras_registry": "form only"}
"""The validation context in which nothing is built."""

AS_STORED = {"keras_registry": "as stored"}
"""The serialisation context in which fields yield `Stored` values."""

_OF_JSON: dict[str, tuple[type, ...]] = {
    "array": (list, tuple),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "object": (dict,),
    "string": (str,),
}
_JSON = tuple({kind for kinds in _OF_JSON.values() for kind in kinds})
_SERIALISED = frozenset({"module", "class_name", "config", "registered_name"})


def is_serialised(value: Any) -> bool:
    """Whether a value is what Keras stores for an object, and no dict of the user's own."""
    return isinstance(value, dict) and value.keys() >= _SERIALISED


def _names_class(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("class_name"), str)


@dataclass(frozen=True, slots=True, eq=False)
class Deferred:
    """A value of a file whose form was checked, and that is yet to be made into an object.

    It is equal to itself alone, so that a set can hold it before it is made.
    """

    field: KerasField
    value: Any


def store_object(value: Any) -> Any:
    """What Keras stores for an object, with the mark by which a shared layer is known again.

    Keras marks the first use of an object in the dict that it made of it, when it meets the second
    one. It copies the configs of layers, so inside them that dict is no part of the config any
    more. Objects that have a state are therefore marked at once; `keras_registry.config.sharing`
    takes the marks off that turn out to say nothing.
    """
    import keras

    stored = keras.saving.serialize_keras_object(value)
    has_state = isinstance(value, keras.layers.Layer | keras.random.SeedGenerator)
    if has_state and isinstance(stored, dict) and _is_sharing():
        stored["shared_object_id"] = id(value)
    return stored


def _is_sharing() -> bool:
    """Whether Keras marks shared objects at present."""
    try:
        from keras.src.backend.common import global_state
    except ImportError:  # a private name, the same from Keras 3.12 to 3.15
        return False
    return global_state.get_global_attribute("shared_objects/id_to_config_map") is not None


class Stored:
    """What Keras stores for a value, on its way out of pydantic, which would copy a dict.

    Keras marks a shared object in the very dict that it made of its first use, once it meets a
    second one: in a copy the mark would be missing.

    Attributes:
        value: What Keras stores.
    """

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def build(value: Any, location: tuple[str | int, ...] = ()) -> Any:
    """Makes the real things of all deferred values in a value, which may nest them.

    In pydantic models and dataclasses, so are the defaults, which pydantic does not validate.

    Args:
        value: A validated value; lists, tuples, sets, dicts, pydantic models and dataclasses are
            walked through.
        location: The way to the value, for errors.

    Raises:
        PydanticCustomError: One cannot be made; the error's context has its ``location``.
    """
    if isinstance(value, Deferred):
        return _make(value.field, value.value, location)
    kind = type(value)
    if kind is dict:
        made = {name: build(item, (*location, name)) for name, item in value.items()}
        return value if _has_same(made.values(), value.values()) else made
    is_named = isinstance(value, tuple) and hasattr(value, "_fields")
    if is_named or kind in {list, tuple, set, frozenset}:
        items = [build(item, (*location, i)) for i, item in enumerate(value)]
        if _has_same(items, value):
            return value
        return kind(*items) if is_named else kind(items)
    names = _members(value)
    return _build_members(value, names, location) if names else value


def _build_members(value: Any, names: list[str], location: tuple[str | int, ...]) -> Any:
    """A pydantic model or dataclass with real things in it: a copy, if any had to be made."""
    kind, changed = type(value), {}
    hints = _hints_of_fields(kind)  # type: ignore[arg-type] # mypy doubts that types are hashable
    for name in names:
        item = getattr(value, name)
        built = build(item, (*location, name))
        if name in hints:
            built = _completed(hints[name], built, (*location, name))
        if built is not item:
            changed[name] = built
    if changed:
        value = copy.copy(value)
    for name, built in changed.items():
        object.__setattr__(value, name, built)
    return value


def _make(field: KerasField, value: Any, location: tuple[str | int, ...]) -> Any:
    try:
        return field.to_object(value)
    except PydanticCustomError as error:
        context = {**(error.context or {}), "location": location, "input": value}
        raise PydanticCustomError(error.type, error.message_template, context) from error


def _completed(hint: Any, value: Any, location: tuple[str | int, ...]) -> Any:
    """The real thing for what stands in a model or dataclass, where nobody may have validated it.

    Args:
        hint: The annotation of the field.
        value: Its value: a default as its author wrote it, or the real thing.
        location: The way to it, for errors.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        field = next((item for item in arguments[1:] if isinstance(item, KerasField)), None)
        if field is None:
            return _completed(arguments[0], value, location)
        return value if value is None and not field.takes_none else _make(field, value, location)
    if origin in {Union, UnionType} and value is not None and type(value) not in arguments:
        for member in filter(_has_field, arguments):
            with suppress(PydanticCustomError):
                return _completed(member, value, location)
    return _completed_items(origin, arguments, value, location)


def _completed_items(
    origin: Any, arguments: tuple[Any, ...], value: Any, location: tuple[str | int, ...]
) -> Any:
    if origin is dict and isinstance(value, dict):
        made = {name: _completed(arguments[1], item, location) for name, item in value.items()}
        return value if _has_same(made.values(), value.values()) else made
    if origin not in {list, tuple, set, frozenset} or not isinstance(value, _ITERABLE):
        return value
    hints = arguments
    if origin is not tuple or Ellipsis in arguments:
        hints = arguments[:1] * len(value)
    items = [_completed(*both, location) for both in zip(hints, value, strict=False)]
    is_same = len(items) != len(value) or _has_same(items, value)
    return value if is_same else origin(items)


def _has_same(items: Iterable[Any], others: Iterable[Any]) -> bool:
    return all(item is other for item, other in zip(items, others, strict=True))


_ITERABLE = (list, tuple, set, frozenset)


@functools.lru_cache(maxsize=1024)
def _hints_of_fields(cls: type) -> dict[str, Any]:
    """The annotations of a pydantic model or dataclass in which there is a field type."""
    hints: dict[str, Any] = {}
    if issubclass(cls, BaseModel):
        hints = {
            name: Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation
            for name, info in cls.model_fields.items()
        }
    elif dataclasses.is_dataclass(cls):
        with suppress(NameError):
            hints = get_type_hints(cls, include_extras=True)
    return {name: hint for name, hint in hints.items() if _has_field(hint)}


def _has_field(hint: Any) -> bool:
    return isinstance(hint, KerasField) or any(map(_has_field, get_args(hint)))


def _members(value: Any) -> list[str]:
    if isinstance(value, BaseModel):
        return list(type(value).model_fields)
    if dataclasses.is_dataclass(value) and not isinstance(value, type | Deferred):
        return [field.name for field in dataclasses.fields(value)]
    return []


@dataclass(frozen=True)
class KerasField:
    """A value of a Keras config: what a caller may pass, and what Keras stores for it.

    Attributes:
        name: The canonical name of the type, which enters fingerprints.
        wanted: What a caller may pass, in words.
        takes_none: Whether ``None`` stands for a value, and not for the lack of one.
        stored_as: The JSON types of what is stored.
    """

    name: str
    wanted: str
    takes_none: bool = False
    stored_as: tuple[str, ...] = ("string", "object")

    def to_object(self, value: Any) -> Any:
        """The real thing for what a caller passed or a config holds.

        Raises:
            PydanticCustomError: There is none.
        """
        raise NotImplementedError

    def to_config(self, value: Any) -> Any:
        """What Keras stores for the real thing."""
        raise NotImplementedError

    def check_form(self, value: Any) -> None:
        """Checks only whether a config may hold this value; builds nothing.

        Raises:
            PydanticCustomError: It may not.
        """
        is_object = callable(value) or hasattr(value, "get_config")
        if not isinstance(value, str) and not is_object and not _names_class(value):
            raise self.refusal()

    def refusal(self) -> PydanticCustomError:
        """The error for a value that is not what is wanted."""
        return PydanticCustomError(
            "keras_registry", "Input should be {wanted}", {"wanted": self.wanted}
        )

    def json_schema(self) -> dict[str, Any]:
        """What a config holds, as JSON Schema (2020-12)."""
        kinds = [*self.stored_as, *(["null"] if self.takes_none else [])]
        return {
            "x-keras": self.name,
            "description": self.wanted,
            "type": kinds if len(kinds) > 1 else kinds[0],
        }

    def _validate(self, value: Any, info: core_schema.ValidationInfo) -> Any:
        if value is None and not self.takes_none:
            raise self.refusal()
        if info.context is not FORM_ONLY:
            return self.to_object(value)
        if value is not None:
            self.check_form(value)
        return Deferred(self, value)

    def _serialise(self, value: Any, info: core_schema.SerializationInfo) -> Any:
        stored = None if value is None else self.to_config(value)
        return Stored(stored) if info.context is AS_STORED else stored

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """The protocol by which pydantic learns of the type."""
        return core_schema.with_info_plain_validator_function(
            self._validate,
            serialization=core_schema.plain_serializer_function_ser_schema(
                self._serialise, info_arg=True
            ),
        )

    def __get_pydantic_json_schema__(
        self, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """The protocol by which pydantic writes the type into a JSON Schema."""
        return self.json_schema()


@dataclass(frozen=True)
class ByNameField(KerasField):
    """An object that Keras knows by name, such as an initializer.

    Attributes:
        namespace: The part of Keras whose ``get`` and ``serialize`` are used.
        base: The class that the object must be of, as ``module:Class``; any callable if None.
    """

    namespace: str = ""
    base: str | None = None

    def to_object(self, value: Any) -> Any:
        import keras

        registered = None
        if isinstance(value, str) and ">" in value:
            registered = keras.saving.get_registered_object(value)
        try:
            if isinstance(registered, type):
                found = registered()
            else:
                found = getattr(keras, self.namespace).get(registered or value)
        except Exception as error:  # what Keras raises for a broken dict depends on its class
            raise self.refusal() from error
        is_right = callable(found) if self.base is None else self._is_of_base(found)
        if not is_right or isinstance(found, type):
            raise self.refusal()
        return found

    def _is_of_base(self, found: Any) -> bool:
        return isinstance(found, pkgutil.resolve_name(str(self.base)))

    def to_config(self, value: Any) -> Any:
        import keras

        if getattr(value, "__name__", None) == "<lambda>":
            # The serializers of the namespaces drop what tells that it is a lambda.
            return keras.saving.serialize_keras_object(value)
        return getattr(keras, self.namespace).serialize(value)


@dataclass(frozen=True)
class ObjectField(KerasField):
    """An object of a class of Keras's, or of the author's: a layer, a model, a schedule.

    Attributes:
        base: The class, or where it is, as ``module:Class``.
    """

    base: type | str = object
    stored_as: tuple[str, ...] = ("object",)

    def to_object(self, value: Any) -> Any:
        base = pkgutil.resolve_name(self.base) if isinstance(self.base, str) else self.base
        if _names_class(value):
            import keras

            try:
                value = keras.saving.deserialize_keras_object(value)
            except Exception as error:  # what Keras raises for a broken dict depends on its class
                raise self.refusal() from error
        if not isinstance(value, base):
            raise self.refusal()
        return value

    def to_config(self, value: Any) -> Any:
        return store_object(value)

    def check_form(self, value: Any) -> None:
        if isinstance(value, str) or (callable(value) and not hasattr(value, "get_config")):
            raise self.refusal()
        super().check_form(value)


def field_for_class(cls: type) -> ObjectField:
    """The field for objects of a class, which must have ``get_config`` and ``from_config``."""
    name = f"{cls.__module__.partition('.')[0]}.{cls.__qualname__}"
    return ObjectField(name, f"an object of {cls.__qualname__}", base=cls)


@dataclass(frozen=True)
class FunctionField(KerasField):
    """A function that is registered, or one of Keras's own."""

    def to_object(self, value: Any) -> Any:
        import keras

        if isinstance(value, str):
            value = keras.saving.get_registered_object(value)
        elif _names_class(value):
            try:
                value = keras.saving.deserialize_keras_object(value)
            except Exception as error:  # what Keras raises for a broken dict depends on its class
                raise self.refusal() from error
        if not callable(value) or not hasattr(value, "__name__") or isinstance(value, type):
            raise self.refusal()
        return value

    def to_config(self, value: Any) -> Any:
        import keras

        return keras.saving.serialize_keras_object(value)


@dataclass(frozen=True)
class ValueField(KerasField):
    """A value that is made and stored by a pair of functions, such as a shape or an array.

    Attributes:
        take: Makes the value of what a caller passed or a config holds; raises TypeError or
            ValueError if it cannot.
        store: Makes what a config holds of the value.
        builds: Whether ``take`` needs a backend, so that a file's value is made only at the end.
    """

    take: Callable[[Any], Any] = lambda value: value
    store: Callable[[Any], Any] = lambda value: value
    builds: bool = False

    def to_object(self, value: Any) -> Any:
        try:
            return self.take(value)
        except (TypeError, ValueError, OverflowError) as error:
            raise self.refusal() from error

    def to_config(self, value: Any) -> Any:
        try:
            return self.store(value)
        except (AttributeError, TypeError) as error:
            # In a union, pydantic 2.7 tries the next member after no other error than this.
            raise PydanticSerializationUnexpectedValue(str(error)) from error

    def check_form(self, value: Any) -> None:
        if not self.builds:
            self.to_object(value)
        elif isinstance(value, _JSON) and not isinstance(value, self._stored_types()):
            raise self.refusal()

    def _stored_types(self) -> tuple[type, ...]:
        return tuple(kind for name in self.stored_as for kind in _OF_JSON[name])


@dataclass(frozen=True)
class EitherField(KerasField):
    """One of several fields: the first that takes a value has it.

    Attributes:
        members: The fields.
    """

    members: tuple[KerasField, ...] = ()

    @classmethod
    def of(cls, members: tuple[KerasField, ...]) -> EitherField:
        """The field for a union of fields."""
        return cls(
            name=" | ".join(sorted(member.name for member in members)),
            wanted=" or ".join(member.wanted for member in members),
            takes_none=any(member.takes_none for member in members),
            members=members,
        )

    def to_object(self, value: Any) -> Any:
        for member in self.members:
            try:
                return member.to_object(value)
            except PydanticCustomError:
                continue
        raise self.refusal()

    def to_config(self, value: Any) -> Any:
        for member in self.members:
            if isinstance(member, ValueField):
                with suppress(PydanticCustomError):
                    member.to_object(value)
                    return member.to_config(value)
        return store_object(value)

    def check_form(self, value: Any) -> None:
        for member in self.members:
            try:
                return member.check_form(value)
            except PydanticCustomError:
                continue
        raise self.refusal()

    def json_schema(self) -> dict[str, Any]:
        return {"anyOf": [member.json_schema() for member in self.members]}
