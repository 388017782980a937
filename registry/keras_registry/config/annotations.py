"""From the annotation of an argument to a field type whose values come back as they were.

pydantic by itself takes ``"3"`` for an integer and knows no Keras object; JSON knows no tuple,
no set and no integer key. So that a value comes back from a config with its type, each annotation
is turned into one that says how; what cannot is refused, with the line to write.
"""

from __future__ import annotations

import collections.abc
import typing
from enum import Enum
from pathlib import PurePath
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from pydantic import BeforeValidator, Strict

from keras_registry import types as t
from keras_registry.types.fields import (
    ByNameField,
    EitherField,
    KerasField,
    ValueField,
    field_for_class,
)
from keras_registry.types.values import ANYTHING

__all__ = ["UnstorableError", "as_field", "takes_none"]


class UnstorableError(TypeError):
    """An annotation whose values have no form in a config; the text is the advice."""


def as_field(hint: Any) -> Any:  # noqa: C901, PLR0911, PLR0912 - one case for each form of type
    """The same type, such that its values come back from a config with their types.

    Args:
        hint: A resolved annotation.

    Raises:
        UnstorableError: A config could not hold its values.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        if any(isinstance(item, KerasField) for item in arguments[1:]):
            return hint
        inner = as_field(arguments[0])
        return hint if inner is arguments[0] else _annotated(inner, arguments[1:])
    if hasattr(hint, "__supertype__"):  # NewType
        return as_field(hint.__supertype__)
    if hasattr(hint, "__value__"):  # type X = ...
        return as_field(hint.__value__)
    if isinstance(hint, TypeVar):
        return as_field(
            typing.Union[hint.__constraints__] if hint.__constraints__ else _bound(hint)  # noqa: UP007
        )
    if hint is Any or hint is object:
        return _ANY
    if hint is None:
        return NoneType
    if origin is Literal or hint is NoneType:
        return hint
    if origin in {typing.Union, UnionType}:
        return _union(arguments)
    if not arguments and isinstance(origin or hint, type) and (origin or hint) in _BARE:
        return _BARE[origin or hint]
    if origin in _COLLECTIONS:
        if origin is not tuple and _COLLECTIONS[origin] is tuple:  # Sequence[int]
            arguments = (*arguments, ...)
        return _collection(_COLLECTIONS[origin], arguments)
    if origin in {dict, *_MAPPINGS}:
        return dict[_key(arguments[0]), as_field(arguments[1])]  # type: ignore[misc]
    cls = origin or hint
    return _of_class(cls, hint) if isinstance(cls, type) else hint


def _annotated(inner: Any, metadata: tuple[Any, ...]) -> Any:
    """A type with what its author says of it, which is meant of the plain value."""
    if inner in _PLAIN.values():
        base, strict, *validators = get_args(inner)
        return Annotated[(base, strict, *metadata, *validators)]
    return Annotated[(inner, *metadata)]


def takes_none(hint: Any) -> bool:
    """Whether None is a value of the type."""
    if any(hint is none for none in (Any, object, None, NoneType)):
        return True
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        fields = [item for item in arguments[1:] if isinstance(item, KerasField)]
        return fields[0].takes_none if fields else takes_none(arguments[0])
    return origin in {typing.Union, UnionType} and any(map(takes_none, arguments))


def _bound(variable: TypeVar) -> Any:
    return Any if variable.__bound__ is None else variable.__bound__


def _from_numpy(value: Any) -> Any:
    """A numpy scalar as the plain value that it stands for."""
    if type(value).__module__ == "numpy" and getattr(value, "ndim", None) == 0:
        return value.item()
    return value


# pydantic by itself takes "3" for an integer and 1 for True; a config never means that.
# Strict comes first: pydantic 2.7 cannot put it around a validator.
_PLAIN: dict[Any, Any] = {
    hint: Annotated[hint, Strict(), BeforeValidator(_from_numpy)] for hint in (int, float, bool)
}
_PLAIN |= {str: Annotated[str, Strict()]}

_ANY = Annotated[Any, ANYTHING]


def _any_dict(value: Any) -> dict[Any, Any]:
    restored = ANYTHING.to_object(value)
    if not isinstance(restored, dict):
        raise TypeError
    return restored


_ANY_DICT = ValueField(
    "dict", "a dict", stored_as=("object",), take=_any_dict, store=ANYTHING.store, builds=True
)
_BARE: dict[Any, Any] = {
    list: list[_ANY],
    tuple: tuple[_ANY, ...],
    set: set[_ANY],
    frozenset: frozenset[_ANY],
    dict: Annotated[dict, _ANY_DICT],
    **_PLAIN,
}
_BARE |= dict.fromkeys((collections.abc.Mapping, collections.abc.MutableMapping), _BARE[dict])
_MAPPINGS = (collections.abc.Mapping, collections.abc.MutableMapping)
# A sequence of whatever kind comes out of JSON as a list: a tuple is what nobody changes.
_COLLECTIONS: dict[Any, Any] = {kind: kind for kind in (list, tuple, set, frozenset)}
_COLLECTIONS |= dict.fromkeys(
    (collections.abc.Sequence, collections.abc.Collection, collections.abc.Iterable), tuple
)
_COLLECTIONS |= {collections.abc.Set: frozenset, collections.abc.MutableSequence: list}
_BARE |= {kind: _BARE[concrete] for kind, concrete in _COLLECTIONS.items()}


def _collection(kind: Any, arguments: tuple[Any, ...]) -> Any:
    inner = tuple(a if a is Ellipsis else as_field(a) for a in arguments)
    return kind[inner]


def _from_text(key: Any) -> Any:
    """A number that JSON turned into the name of a member."""
    if type(key) is not str:
        return key
    try:
        return int(key) if key.lstrip("-").isdecimal() else float(key)
    except ValueError:
        return key


def _key(hint: Any) -> Any:
    """The type of a dict's keys, which JSON holds as text."""
    if hint in {int, float}:
        return Annotated[hint, Strict(), BeforeValidator(_from_text)]
    is_text = get_origin(hint) is Literal and all(isinstance(a, str) for a in get_args(hint))
    is_names = isinstance(hint, type) and issubclass(hint, Enum) and issubclass(hint, str)
    if hint is str or is_text or is_names:
        return as_field(hint)
    message = "JSON holds keys as text. Annotate it with a list of pairs, `list[tuple[..., ...]]`"
    raise UnstorableError(message)


_NOT_STORED: dict[type, str] = {
    complex: "JSON has no complex numbers. Take two floats",
    bytes: "JSON has no bytes. Take a str, or an array (`t.Array`)",
    PurePath: "A path means nothing on another machine. Take a str",
}


def _of_class(cls: type, hint: Any) -> Any:
    for base, advice in _NOT_STORED.items():
        if issubclass(cls, base):
            raise UnstorableError(advice)
    if cls.__name__ == "Callable" and cls.__module__ == "collections.abc":
        return t.Function
    if issubclass(cls, Enum):
        return hint if _has_plain_values(cls) else Annotated[cls, _by_name(cls)]
    family = cls.__module__.partition(".")[0]
    if family == "numpy":
        return t.Array if cls.__name__ == "ndarray" else hint
    if cls.__qualname__ == "SeedGenerator" and family == "keras":
        return t.SeedGenerator
    if hasattr(cls, "get_config") and hasattr(cls, "from_config"):
        return Annotated[cls, field_for_class(cls)]
    return hint


def _has_plain_values(cls: type[Enum]) -> bool:
    return all(isinstance(member.value, str | int | float | bool) for member in cls)


def _by_name(cls: type[Enum]) -> ValueField:
    """An enum whose values JSON cannot hold, stored by the names of its members."""

    def take(value: Any) -> Enum:
        if isinstance(value, cls):
            return value
        if isinstance(value, str) and value in cls.__members__:
            return cls[value]
        raise TypeError

    names = ", ".join(cls.__members__)
    return ValueField(
        f"enum {names}",
        f"a member of {cls.__qualname__}: {names}",
        stored_as=("string",),
        take=take,
        store=lambda member: member.name,
    )


def _union(arguments: tuple[Any, ...]) -> Any:
    """A union of which each value's type can be told from what JSON makes of it."""
    origins = [get_origin(a) or a for a in arguments]
    if list in origins and tuple in origins:
        tuples = [get_args(a) for a in arguments if (get_origin(a) or a) is tuple]
        if any(inner and Ellipsis not in inner for inner in tuples):
            message = (
                "JSON does not tell a list from a tuple. Annotate it with one of the two, "
                "or with `tuple[..., ...]` of any length, which takes both"
            )
            raise UnstorableError(message)
        arguments = tuple(a for a in arguments if (get_origin(a) or a) is not list)
    kinds = {_COLLECTIONS[origin] for origin in origins if origin in _COLLECTIONS}
    if len(kinds) > 1 and not kinds.isdisjoint({set, frozenset}):
        message = "JSON does not tell a set from a list. Annotate it with one of the two"
        raise UnstorableError(message)
    enums = [a for a in origins if isinstance(a, type) and issubclass(a, Enum)]
    plain = tuple(a for a in origins if a in _PLAIN)
    stored = [member.value for enum in enums for member in enum]
    literal = [v for a in arguments if get_origin(a) is Literal for v in get_args(a)]
    shared = any(stored.count(value) > 1 for value in stored) and len(enums) > 1
    if shared or any(isinstance(value, plain) or value in literal for value in stored):
        message = "an enum's value cannot be told from the same plain value. Leave one of them out"
        raise UnstorableError(message)
    members = tuple(map(as_field, arguments))
    fields = [(m, f) for m in members if (f := _field_of(m)) is not None]
    _check_distinct(arguments, [field for _, field in fields])
    if len(fields) > 1:
        either = EitherField.of(tuple(field for _, field in fields))
        others = [m for m in members if _field_of(m) is None]
        members = (*others, Annotated[Any, either])
    return typing.Union[members]  # noqa: UP007 - of a number of members that is not known


def _check_distinct(arguments: tuple[Any, ...], fields: list[KerasField]) -> None:
    """Refuses a union of which one member is stored as values of another one are."""
    origins = [get_origin(a) or a for a in arguments]
    if str in origins and any(isinstance(field, ByNameField) for field in fields):
        message = "a name that was given as text cannot be told from a stored one. Leave `str` out"
        raise UnstorableError(message)
    of_sizes = [f for f in fields if "array" in f.stored_as and "object" not in f.stored_as]
    if of_sizes and not {list, set, frozenset}.isdisjoint(map(_COLLECTIONS.get, origins)):
        message = (
            f"JSON does not tell a list from a tuple, which {of_sizes[0].name} is. "
            "Leave one of them out"
        )
        raise UnstorableError(message)
    dicts = [get_args(a) for a in arguments if get_origin(a) in {dict, *_MAPPINGS}]
    if len({key for key, _ in dicts}) > 1:
        message = "JSON holds keys as text. Leave all dicts but one out"
        raise UnstorableError(message)
    takes_text = any(value in {str, Any, object} for _, value in dicts)
    if takes_text and any("object" in field.stored_as for field in fields):
        message = "a dict cannot be told from a stored object. Write a bare `dict`"
        raise UnstorableError(message)


def _field_of(hint: Any) -> KerasField | None:
    if get_origin(hint) is not Annotated:
        return None
    return next((item for item in get_args(hint)[1:] if isinstance(item, KerasField)), None)
