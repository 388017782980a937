"""A config schema as JSON Schema (draft 2020-12), in a normal form of our own.

The JSON Schema that pydantic writes changed between its releases, so it is no base for
fingerprints, nor for files that are compared. This one is made from the fields themselves, and
says more: ``x-keras`` names the field type, ``x-python`` the container that JSON does not know.
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
from keras_registry.types.fields import KerasField

if typing.TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["KEY_PATTERNS", "fingerprint_properties", "is_comparable", "own_properties"]

Schema = dict[str, typing.Any]

_BOUNDS = {
    "gt": "exclusiveMinimum",
    "ge": "minimum",
    "lt": "exclusiveMaximum",
    "le": "maximum",
    "multiple_of": "multipleOf",
    "pattern": "pattern",
}
_LENGTHS = {"string": "Length", "array": "Items", "object": "Properties"}
_TYPES = {int: "integer", float: "number", str: "string", bool: "boolean", NoneType: "null"}
KEY_PATTERNS = {"integer": r"^-?[0-9]+$", "number": r"^-?(?:[0-9.e+-]+|Infinity|NaN)$"}
"""What JSON makes of numbers that are keys of a dict."""

_ANNOTATIONS = frozenset({"title", "description"})
_VALUES = frozenset({"default", "enum", "required"})


def own_properties(model: type[BaseModel]) -> Schema:
    """The fields of a pydantic model as ``{"properties": ..., "required": ...}``.

    Args:
        model: The model; its configs hold these fields and perhaps others.
    """
    return _Writer().members(model)


def fingerprint_properties(schema: Mapping[str, Any]) -> str:
    """The hash of what `own_properties` returns, without what only people read."""
    return hash_json(_bare(schema))


def is_comparable(fields: Any) -> bool:
    """Whether a JSON document, which may hold anything, has the form of `own_properties`.

    What holds schemas must hold schemas; other members may be anything.
    """
    return _has_members(fields, depth=0)


def _has_members(fields: Any, depth: int) -> bool:
    if not isinstance(fields, dict):
        return False
    properties, required = fields.get("properties"), fields.get("required")
    return (
        isinstance(properties, dict)
        and isinstance(required, list)
        and all(isinstance(name, str) for name in required)
        and all(_is_schema(schema, depth + 1) for schema in properties.values())
    )


def _is_schema(schema: Any, depth: int) -> bool:
    if not isinstance(schema, dict) or depth > _MAX_DEPTH:
        return False
    kinds = schema.get("type", "")
    texts = [schema.get(name, "") for name in ("pattern", "x-keras", "x-python")]
    texts += kinds if isinstance(kinds, list) else [kinds]
    if not all(isinstance(text, str) for text in texts):
        return False
    several = [schema[name] for name in ("anyOf", "prefixItems", "enum") if name in schema]
    one = [schema[name] for name in _HOLD_ONE if name in schema]
    if not all(isinstance(items, list) for items in several):
        return False
    one += [item for items in several if items is not schema.get("enum") for item in items]
    is_nested = "properties" in schema or "required" in schema
    return all(_is_schema(item, depth + 1) for item in one) and (
        not is_nested or _has_members(schema, depth)
    )


_HOLD_ONE = ("items", "additionalProperties", "propertyNames")
_MAX_DEPTH = 50  # far above every real one


def _bare(value: Any, *, names: bool = False) -> Any:
    """The schema without annotations; the members of ``properties`` are names, no keywords."""
    if isinstance(value, list):
        return [_bare(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: (
            item
            if name in _VALUES and not names
            else _bare(item, names=name == "properties" and not names)
        )
        for name, item in value.items()
        if names or name not in _ANNOTATIONS
    }


class _Writer:
    """Writes schemas; a model that holds itself is written once and referred to."""

    def __init__(self) -> None:
        self._open: list[type] = []

    def members(self, model: type[BaseModel]) -> Schema:
        self._open.append(model)
        properties = {
            name: self._property(field) for name, field in sorted(model.model_fields.items())
        }
        required = sorted(n for n, field in model.model_fields.items() if field.is_required())
        self._open.pop()
        return {"properties": properties, "required": required}

    def _property(self, field: FieldInfo) -> Schema:
        schema = self._annotated(field.annotation, field.metadata)
        if not field.is_required() and field.default_factory is None:
            schema["default"] = _as_number(_plain(field.default), schema)
        return schema

    def _annotated(self, hint: Any, metadata: Sequence[Any]) -> Schema:
        items = list(_flat(metadata))
        field = next((item for item in items if isinstance(item, KerasField)), None)
        schema = self._of(hint) if field is None else field.json_schema()
        for item in items:
            for name, keyword in _BOUNDS.items():
                bound = getattr(item, name, None)
                if bound is not None:
                    _bound(schema, keyword, _as_number(_plain(bound), schema))
            for name in ("min", "max"):
                length = getattr(item, f"{name}_length", None)
                if length is not None:
                    _bound(schema, f"{name}{_unit_of_length(schema)}", length)
        return schema

    def _of(self, hint: Any) -> Schema:  # noqa: C901, PLR0911 - one case for each form of type
        origin, arguments = get_origin(hint), get_args(hint)
        if origin is Annotated:
            return self._annotated(arguments[0], arguments[1:])
        if origin is Literal:
            return {"enum": sorted(map(_plain, arguments), key=repr)}
        if origin in {typing.Union, UnionType}:
            return {"anyOf": sorted(map(self._of, arguments), key=_sort_key)}
        if origin is dict:
            return self._dict(*arguments)
        if origin in {list, tuple, set, frozenset}:
            return self._array(origin, arguments)
        if hint is None:
            return {"type": "null"}
        if isinstance(hint, type):
            if hint in _TYPES:
                return {"type": _TYPES[hint]}
            if issubclass(hint, Enum):
                return {"enum": sorted((_plain(member) for member in hint), key=repr)}
            if issubclass(hint, BaseModel) or dataclasses.is_dataclass(hint):
                return self._object(hint)
        return {} if hint is Any else {"x-python": getattr(hint, "__qualname__", str(hint))}

    def _dict(self, key: Any, value: Any) -> Schema:
        schema: Schema = {"type": "object", "additionalProperties": self._of(value)}
        names = self._of(key)
        if names.get("type") in {"integer", "number"}:
            schema["propertyNames"] = {"pattern": KEY_PATTERNS[names["type"]]}
        elif names != {"type": "string"}:
            schema["propertyNames"] = names
        return schema

    def _array(self, kind: type, arguments: tuple[Any, ...]) -> Schema:
        schema: Schema = {"type": "array"}
        if kind is not list:
            schema["x-python"] = kind.__name__
        if kind is tuple and Ellipsis not in arguments:
            items = [self._of(item) for item in arguments]
            return {**schema, "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
        return {**schema, "items": self._of(arguments[0])}

    def _object(self, cls: Any) -> Schema:
        if cls in self._open:
            return {"x-python": cls.__qualname__}
        if issubclass(cls, BaseModel):
            return {"type": "object", **self.members(cls)}
        self._open.append(cls)
        hints = typing.get_type_hints(cls, include_extras=True)
        missing = dataclasses.MISSING
        properties, required = {}, []
        for field in sorted(dataclasses.fields(cls), key=lambda field: field.name):
            schema = properties[field.name] = self._of(hints[field.name])
            if field.default is not missing:
                schema["default"] = _as_number(_plain(field.default), schema)
            elif field.default_factory is missing:
                required.append(field.name)
        self._open.pop()
        return {"type": "object", "properties": properties, "required": required}


def _bound(schema: Schema, keyword: str, bound: Any) -> None:
    """Sets a bound; of two of one kind, both of which hold, the stricter one counts."""
    former = schema.get(keyword)
    if isinstance(former, int | float) and isinstance(bound, int | float):
        is_upper = keyword.startswith(("max", "exclusiveMax"))
        bound = min(former, bound) if is_upper else max(former, bound)
    schema[keyword] = bound


def _unit_of_length(schema: Schema) -> str:
    kinds = schema.get("type", "")
    kind = "array" if "array" in kinds else kinds  # of several types, numbers have no length
    return _LENGTHS.get(kind, "Length") if isinstance(kind, str) else "Length"


def _sort_key(schema: Schema) -> str:
    return repr(sorted(schema.items(), key=lambda item: item[0]))


def _flat(metadata: Sequence[Any]) -> Iterator[Any]:
    """Single bounds, taken out of whatever groups them."""
    for item in metadata:
        if isinstance(item, FieldInfo):
            yield from _flat(item.metadata)
        elif isinstance(item, GroupedMetadata):
            yield from _flat(list(item))
        else:
            yield item


def _as_number(value: Any, schema: Schema) -> Any:
    """The default 1 of a field of type float is the default 1.0."""
    kinds = [item.get("type") for item in schema.get("anyOf", [schema])]
    is_real = "number" in kinds and "integer" not in kinds
    return float(value) if is_real and type(value) is int else value


def _plain(value: Any) -> Any:  # noqa: PLR0911 - one case for each sort of value
    """A default or bound as JSON can hold it."""
    if isinstance(value, Enum):
        return _plain(value.value)
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        # JSON has no infinity, and what has no NaN cannot be compared with one.
        return value if value - value == 0 else repr(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted(map(_plain, value), key=repr)
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    return {"x-python": getattr(value, "__qualname__", type(value).__qualname__)}
