"""The fingerprint of a config schema.

It is taken over a normal form of our own: name, canonical type, whether required, default,
bounds and enum values; no titles and no docs. The JSON Schema that pydantic writes is no base
for it, since it changed between pydantic's releases.
"""

from __future__ import annotations

import dataclasses
import typing
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, get_args, get_origin

from annotated_types import GroupedMetadata
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from keras_registry.hashes import hash_json
from keras_registry.types import KerasField

if typing.TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["fingerprint_model", "normal_form"]

_BOUNDS = ("gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length", "pattern")
_TYPES = {
    int: "integer",
    float: "number",
    str: "string",
    bool: "boolean",
    bytes: "bytes",
    NoneType: "null",
    Any: "any",
}


def fingerprint_model(model: type[BaseModel]) -> str:
    """The hash of the normal form of a pydantic model."""
    return hash_json(normal_form(model))


def normal_form(model: type[BaseModel]) -> list[dict[str, Any]]:
    """The fields of a pydantic model in a form that no release of pydantic changes."""
    return [_field_form(name, field) for name, field in sorted(model.model_fields.items())]


def _field_form(name: str, field: FieldInfo) -> dict[str, Any]:
    form: dict[str, Any] = {"name": name, "type": _type_form(field.annotation, field.metadata)}
    if field.is_required():
        form["required"] = True
    elif field.default_factory is not None:
        form["default"] = "made anew"
    else:
        form["default"] = _plain(_as_number(field.default, form["type"]))
    return form


def _as_number(value: Any, form: Any) -> Any:
    """The default 1 of a field of type float is the default 1.0."""
    kinds = form.get("any_of", [form.get("of")]) if isinstance(form, dict) else [form]
    is_real = "number" in kinds and "integer" not in kinds
    return float(value) if is_real and type(value) is int else value


def _flat(metadata: typing.Sequence[Any]) -> Iterator[Any]:
    """Single bounds, taken out of whatever groups them."""
    for item in metadata:
        if isinstance(item, FieldInfo):
            yield from _flat(item.metadata)
        elif isinstance(item, GroupedMetadata):
            yield from _flat(list(item))
        else:
            yield item


def _type_form(hint: Any, metadata: typing.Sequence[Any] = ()) -> Any:
    metadata = list(_flat(metadata))
    bounds = {
        name: _plain(_as_number(value, "number" if hint is float else None))
        for item in metadata
        for name in _BOUNDS
        if (value := getattr(item, name, None)) is not None
    }
    keras = next((item for item in metadata if isinstance(item, KerasField)), None)
    if keras is not None:
        return {"keras": keras.name, **bounds}
    form = _bare_form(hint)
    return {"of": form, **bounds} if bounds else form


def _bare_form(hint: Any) -> Any:  # noqa: PLR0911 - one case for each form of type
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _type_form(arguments[0], arguments[1:])
    if origin is Literal:
        return {"enum": sorted(map(_plain, arguments), key=repr)}
    if origin in {typing.Union, UnionType}:
        return {"any_of": sorted(map(_type_form, arguments), key=repr)}
    if origin is not None:
        items = ["..." if a is Ellipsis else _type_form(a) for a in arguments]
        return {getattr(origin, "__name__", str(origin)): items}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"enum": sorted((_plain(member) for member in hint), key=repr)}
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return {"fields": normal_form(hint)}
    if dataclasses.is_dataclass(hint):
        hints = typing.get_type_hints(hint, include_extras=True)
        return {"fields": {f.name: _type_form(hints[f.name]) for f in dataclasses.fields(hint)}}
    if isinstance(hint, list):  # the argument types of a Callable
        return [_type_form(item) for item in hint]
    return _TYPES.get(hint) or getattr(hint, "__name__", str(hint))


def _plain(value: Any) -> Any:
    """A default or bound as JSON can hold it."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return {"float": repr(value)}
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    return getattr(value, "__qualname__", type(value).__qualname__)
