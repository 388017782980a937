"""Validators that the author of a config model wrote, and whether they look at Keras objects.

A file is checked before anything in it is built. A validator that looks at a layer or an
initializer cannot run then: it runs once, when the object is constructed.
"""

from __future__ import annotations

import dataclasses
import typing
from types import UnionType
from typing import Annotated, Any, get_args, get_origin

import pydantic
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainValidator,
    WrapValidator,
)

from keras_registry.types.fields import KerasField

__all__ = ["holds_objects", "validates_objects", "without_validators"]

_FUNCTIONAL = (AfterValidator, BeforeValidator, PlainValidator, WrapValidator)


def validates_objects(model: type[BaseModel]) -> bool:
    """Whether a validator of the model's author may be handed an object of Keras's."""
    return _is_validating(model, set())


def _is_validating(cls: Any, seen: set[Any]) -> bool:
    if cls in seen:
        return False
    seen.add(cls)
    hints = _fields(cls)
    holding = {name for name, hint in hints.items() if holds_objects(hint, set())}
    if not holding:
        return False
    if hasattr(cls, "__post_init__"):
        return True
    decorators = cls.__pydantic_decorators__ if hasattr(cls, "__pydantic_decorators__") else None
    if decorators is not None:
        if decorators.model_validators or decorators.root_validators:
            return True
        fields = [*decorators.field_validators.values(), *decorators.validators.values()]
        looked_at = {name for validator in fields for name in validator.info.fields}
        if looked_at & {"*", *holding}:
            return True
    return any(_is_validating_hint(hints[name], seen) for name in holding)


def _is_validating_hint(hint: Any, seen: set[Any]) -> bool:
    arguments = get_args(hint)
    if get_origin(hint) is Annotated:
        functional = any(isinstance(item, _FUNCTIONAL) for item in arguments[1:])
        return functional or _is_validating_hint(arguments[0], seen)
    if _fields(hint):
        return _is_validating(hint, seen)
    return any(_is_validating_hint(item, seen) for item in arguments if holds_objects(item, set()))


def _fields(cls: Any) -> dict[str, Any]:
    """The annotations of a pydantic model or a dataclass."""
    if not isinstance(cls, type):
        return {}
    if issubclass(cls, BaseModel):
        return {name: _hint_of(info) for name, info in cls.model_fields.items()}
    if dataclasses.is_dataclass(cls):
        return typing.get_type_hints(cls, include_extras=True)
    return {}


def _hint_of(info: Any) -> Any:
    metadata = tuple(info.metadata)
    return Annotated[(info.annotation, *metadata)] if metadata else info.annotation


def holds_objects(hint: Any, seen: set[Any]) -> bool:
    """Whether a type, or a type inside it that is not in `seen`, is a field of Keras objects."""
    if isinstance(hint, KerasField):
        return True
    if isinstance(hint, type) and (fields := _fields(hint)):
        if hint in seen:
            return False
        seen.add(hint)
        return any(holds_objects(item, seen) for item in fields.values())
    return any(holds_objects(item, seen) for item in get_args(hint))


def without_validators(model: type[BaseModel]) -> type[BaseModel]:
    """The model without its author's validators: types and bounds alone are left."""
    fields: dict[str, Any] = {}
    for name, info in model.model_fields.items():
        hint = _hint_of(info)
        bare = _without(hint) if holds_objects(hint, set()) else hint
        if info.default_factory is not None:
            default = pydantic.Field(default_factory=info.default_factory)
        else:
            default = ... if info.is_required() else info.default
        fields[name] = (bare, default)
    config = ConfigDict(**{**model.model_config, "protected_namespaces": ()})
    made: type[BaseModel] = pydantic.create_model(model.__name__, __config__=config, **fields)
    return made


def _without(hint: Any) -> Any:
    arguments = get_args(hint)
    if get_origin(hint) is Annotated:
        kept = [item for item in arguments[1:] if not isinstance(item, _FUNCTIONAL)]
        inner = _without(arguments[0])
        return Annotated[(inner, *kept)] if kept else inner
    if _fields(hint):
        return Any
    if not arguments or any(isinstance(item, KerasField) for item in arguments):
        return hint
    origin: Any = get_origin(hint)
    inner = tuple(_without(item) if holds_objects(item, set()) else item for item in arguments)
    if origin is UnionType:
        return typing.Union[inner]  # noqa: UP007 - of a number of members that is not known
    return origin[inner]
