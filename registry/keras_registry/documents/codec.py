"""Formats of documents: from JSON and to JSON, and the JSON Schema of each.

A format is declared once, by a dataclass whose annotations say what each member may hold. Reader
and schema walk the same dataclasses, so that neither accepts what the other refuses.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Generic,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
)

from keras_registry.documents.forms import Form
from keras_registry.names import Kind, printable

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "DocumentReading",
    "Format",
    "Problem",
    "dump_part",
    "generator",
    "read_part",
    "with_known_kinds",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Problem:
    """A place in a document that is not as the format wants it.

    Attributes:
        pointer: The JSON pointer of the place.
        wanted: What the format wants there, in words.
        found: What is there, safe to print.
        is_name: Whether a name was wanted that is looked up or shown in a command.
    """

    pointer: str
    wanted: str
    found: str
    is_name: bool = False


@dataclass(frozen=True, slots=True)
class DocumentReading(Generic[T]):
    """What came of reading a document.

    Attributes:
        value: What it holds; None if that cannot be believed.
        document: The JSON document as it was found, unknown members included.
        problems: Why there is no value.
        other_major: The version of the format, if it is another major one.
        newer_minor: The version of the format, if it is a newer minor one.
    """

    value: T | None = None
    document: Any = None
    problems: tuple[Problem, ...] = ()
    other_major: str | None = None
    newer_minor: str | None = None


@dataclass(frozen=True, slots=True)
class Format(Generic[T]):
    """A format of documents, declared by a dataclass.

    Another major version of the format is not read at all, a newer minor version is: members that
    this version does not know stay in the document and are not looked at.

    Attributes:
        name: What a document of it is called.
        cls: The dataclass; one of its members, ``<name>_version``, is the version of the format.
        version: The version that this code writes, as ``major.minor``.
        adapt: Makes a document of a newer minor version readable.
    """

    name: str
    cls: type[T]
    version: str
    adapt: Callable[[dict[str, Any]], dict[str, Any]] = lambda document: document

    def read(self, document: Any) -> DocumentReading[T]:
        """Reads a JSON document, which may hold anything."""
        member = f"{self.name}_version"
        if not isinstance(document, dict):
            problem = Problem("", "an object", _shown(document))
            return DocumentReading(document=document, problems=(problem,))
        if member not in document:
            problem = Problem("", f"the member {member!r}", "no such member")
            return DocumentReading(document=document, problems=(problem,))
        problems: list[Problem] = []
        cls: Any = self.cls
        version = _read(document[member], _members(cls)[member], f"/{member}", problems)
        if problems:
            return DocumentReading(document=document, problems=tuple(problems))
        (major, minor), (own_major, own_minor) = _parsed(version), _parsed(self.version)
        if major != own_major:
            return DocumentReading(document=document, other_major=version)
        is_newer = minor > own_minor
        value = _read(self.adapt(document) if is_newer else document, self.cls, "", problems)
        return DocumentReading(
            value=None if problems else value,
            document=document,
            problems=tuple(problems),
            newer_minor=version if is_newer else None,
        )

    def dump(self, value: T) -> dict[str, Any]:
        """A value as a JSON object, without the members that are unknown."""
        return dump_part(value)

    def make_json_schema(self) -> dict[str, Any]:
        """The JSON Schema (draft 2020-12) of the format."""
        definitions: dict[str, Any] = {}
        body = _schema_of(self.cls, definitions)
        root = definitions.pop(body["$ref"].rpartition("/")[2])
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": f"keras-registry {self.name} {self.version}",
            **root,
            "$defs": dict(sorted(definitions.items())),
        }


def read_part(document: Any, cls: type[T]) -> tuple[T | None, tuple[Problem, ...]]:
    """Reads a part of a document that a dataclass declares: the value, or what is wrong."""
    problems: list[Problem] = []
    value = _read(document, cls, "", problems)
    return (None if problems else value), tuple(problems)


def dump_part(value: Any) -> dict[str, Any]:
    """A dataclass as a JSON object, without the members that are unknown."""
    dumped: dict[str, Any] = _dump(value)
    return dumped


@cache
def generator() -> str:
    """This program and its version, as documents name what wrote them."""
    from importlib import metadata  # a fifth of what `inspect` may cost

    try:
        return f"keras-registry {metadata.version('keras-registry')}"
    except metadata.PackageNotFoundError:  # run from a source tree
        return "keras-registry unknown"


def _parsed(version: str) -> tuple[int, int]:
    major, minor = map(int, version.split("."))
    return major, minor


def _dump(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        pairs = ((f.name, getattr(value, f.name)) for f in dataclasses.fields(value))
        return {name: _dump(item) for name, item in pairs if item is not None}
    if isinstance(value, dict):
        return {name: _dump(item) for name, item in value.items()}
    if isinstance(value, tuple):
        return [_dump(item) for item in value]
    return value.value if isinstance(value, StrEnum) else value


@cache
def _members(cls: Any) -> dict[str, Any]:
    return get_type_hints(cls, include_extras=True)


def _required(cls: type) -> list[str]:
    missing = dataclasses.MISSING
    return [f.name for f in dataclasses.fields(cls) if f.default is missing]


def _read(  # noqa: PLR0911 - one case for each form of type
    value: Any, hint: Any, pointer: str, problems: list[Problem]
) -> Any:
    """Reads a value of the type `hint`; adds to `problems` and returns None where it is none."""
    if hint is Any:
        return value
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is UnionType or NoneType in arguments:
        return None if value is None else _read(value, arguments[0], pointer, problems)
    if origin is Annotated:
        return _read_annotated(value, *arguments, pointer=pointer, problems=problems)
    if origin is tuple and isinstance(value, list):
        items = enumerate(value)
        return tuple(_read(item, arguments[0], f"{pointer}/{i}", problems) for i, item in items)
    if origin is dict and isinstance(value, dict):
        return {
            _read(name, arguments[0], f"{pointer}/{_token(name)}", problems): _read(
                item, arguments[1], f"{pointer}/{_token(name)}", problems
            )
            for name, item in value.items()
        }
    if dataclasses.is_dataclass(hint) and isinstance(value, dict):
        return _read_dataclass(value, hint, pointer, problems)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        if isinstance(value, str) and value in set(hint):
            return hint(value)
    elif isinstance(hint, type) and type(value) is hint:
        return value
    problems.append(Problem(pointer, _wanted(hint), _shown(value)))
    return None


def _read_annotated(
    value: Any, hint: type, limit: Form | int, *, pointer: str, problems: list[Problem]
) -> Any:
    if hint is int and type(value) is float and value.is_integer():
        value = int(value)  # JSON Schema, like JavaScript, takes 12.0 for the integer 12
    if type(value) is hint and _is_within(value, limit):
        return value
    is_name = isinstance(limit, Form) and limit.is_name and isinstance(value, str)
    wanted = limit.wanted if isinstance(limit, Form) else f"an integer of at least {limit}"
    problems.append(Problem(pointer, wanted, _shown(value), is_name=is_name))
    return None


def _is_within(value: Any, limit: Form | int) -> bool:
    return limit.accepts(value) if isinstance(limit, Form) else bool(value >= limit)


def _read_dataclass(value: dict[str, Any], cls: Any, pointer: str, problems: list[Problem]) -> Any:
    parts = {}
    required = _required(cls)
    for name, hint in _members(cls).items():
        if name in value or name in required:
            if name not in value:
                problems.append(Problem(pointer, f"the member {name!r}", "no such member"))
                continue
            parts[name] = _read(value[name], hint, f"{pointer}/{name}", problems)
    return None if problems else cls(**parts)


def _token(name: str) -> str:
    return printable(name.replace("~", "~0").replace("/", "~1"))


def _shown(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case str():
            return f'"{printable(value, limit=80)}"'
        case dict():
            return "an object"
        case list():
            return "an array"
        case _:
            return printable(value, limit=80)


_WANTED = {str: "text", bool: "true or false", int: "an integer"}


def _wanted(hint: Any) -> str:
    if get_origin(hint) is tuple:
        return "an array"
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return f"one of {', '.join(hint)}"
    return _WANTED.get(hint, "an object")


def _schema_of(  # noqa: PLR0911 - one case for each form of type
    hint: Any, definitions: dict[str, Any]
) -> dict[str, Any]:
    if hint is Any:
        return {}
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is UnionType or NoneType in arguments:
        return {"anyOf": [_schema_of(arguments[0], definitions), {"type": "null"}]}
    if origin is Annotated:
        base, limit = arguments
        if isinstance(limit, Form):
            return {
                "type": "string",
                "description": limit.wanted,
                # In Python, unlike ECMA 262, `$` also matches before a line break at the end.
                "pattern": limit.pattern.removesuffix("$") + r"(?!\n)$",
                "maxLength": limit.max_length,
            }
        return {**_schema_of(base, definitions), "minimum": limit}
    if origin is tuple:
        return {"type": "array", "items": _schema_of(arguments[0], definitions)}
    if origin is dict:
        schema = {
            "type": "object",
            "additionalProperties": _schema_of(arguments[1], definitions),
        }
        if arguments[0] is not str:
            schema["propertyNames"] = _schema_of(arguments[0], definitions)
        return schema
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return _schema_of_dataclass(hint, definitions)
    if issubclass(hint, StrEnum):
        return {"type": "string", "enum": [str(member) for member in hint]}
    return {"type": {str: "string", bool: "boolean", int: "integer"}[hint]}


def _schema_of_dataclass(cls: type, definitions: dict[str, Any]) -> dict[str, Any]:
    if cls.__name__ not in definitions:
        definitions[cls.__name__] = {}
        properties = {name: _schema_of(hint, definitions) for name, hint in _members(cls).items()}
        definitions[cls.__name__] = {
            "type": "object",
            "description": (cls.__doc__ or "").partition("\n")[0],
            "properties": properties,
            "required": _required(cls),
        }
    return {"$ref": f"#/$defs/{cls.__name__}"}


def with_known_kinds(document: dict[str, Any]) -> dict[str, Any]:
    """A document in which kinds of objects that a newer minor version has added are ``object``."""
    objects = document.get("objects")
    if not isinstance(objects, list):
        return document
    kinds = set(Kind)
    return {
        **document,
        "objects": [
            {**record, "kind": Kind.OBJECT.value}
            if isinstance(record, dict)
            and isinstance(record.get("kind"), str)
            and record["kind"] not in kinds
            else record
            for record in objects
        ],
    }
