"""Published config schemas: one file of JSON Schema (2020-12) for each object.

They lie at ``<namespace>/<kind>/<Name>.json`` below a folder that is checked in. The member
``x-keras-registry`` has what JSON Schema has no word for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from keras_registry.config import CONFIG_VERSION_FIELD
from keras_registry.documents import Problem
from keras_registry.names import ObjectRef
from keras_registry.snapshot import ObjectSnapshot, dump_object, read_object

if TYPE_CHECKING:
    from pathlib import PurePosixPath

__all__ = ["PUBLISHED_FOLDER", "make_published_schema", "published_path", "read_published"]

PUBLISHED_FOLDER = "schema/config"
_FACTS = "x-keras-registry"


def published_path(item: ObjectSnapshot) -> PurePosixPath:
    """Where the schema of an object lies, below the folder of published schemas."""
    from pathlib import PurePosixPath

    ref = ObjectRef.parse(item.key)
    namespace = ref.namespace or "_"
    if not namespace.strip("."):  # "..", which would lead out of the folder
        namespace = f"_{namespace}"
    return PurePosixPath(namespace, item.kind, f"{ref.name}.json")


def make_published_schema(item: ObjectSnapshot, description: str | None = None) -> dict[str, Any]:
    """The JSON Schema that every config of an object satisfies.

    Args:
        item: What the object's code says of it.
        description: What the object is, in a line.
    """
    said = dump_object(item)
    facts = {_RENAMED.get(name, name): v for name, v in said.items() if name not in _ELSEWHERE}
    own = item.config or {"properties": {}, "required": []}
    properties = {**{name: {} for name in item.accepts or ()}, **own["properties"]}
    if (item.config_version or 1) > 1:
        properties[CONFIG_VERSION_FIELD] = {"const": item.config_version}
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": item.key,
        "description": description,
        _FACTS: {**facts, "required": own["required"], "fields": sorted(own["properties"])},
        "type": "object",
        "properties": dict(sorted(properties.items())),
        "required": sorted(own["properties"]) if item.complete else own["required"],
        "additionalProperties": False if item.accepts is not None else None,
    }
    return {name: value for name, value in document.items() if value is not None}


_RENAMED = {"schema": "fingerprint"}
_ELSEWHERE = ("config", "module", "class_name")


def read_published(document: Any) -> tuple[ObjectSnapshot | None, tuple[Problem, ...]]:
    """What a published schema says of its object.

    Args:
        document: A JSON document, which may hold anything.

    Returns:
        The object, or what is wrong with the document.
    """
    facts = document.get(_FACTS) if isinstance(document, dict) else None
    properties = document.get("properties") if isinstance(document, dict) else None
    if not isinstance(facts, dict) or not isinstance(properties, dict):
        wanted = f"a published config schema, with the members {_FACTS!r} and 'properties'"
        return None, (Problem("", wanted, "something else"),)
    fields = facts.get("fields", [])
    if not isinstance(fields, list) or not all(isinstance(name, str) for name in fields):
        return None, (Problem(f"/{_FACTS}/fields", "an array of names", "something else"),)
    own = {name: properties[name] for name in fields if name in properties}
    config: Any = {"properties": own, "required": facts.get("required", [])}
    fingerprint = facts.get("fingerprint")
    config = None if fingerprint is None else config
    item, problems = read_object({**facts, "schema": fingerprint, "config": config})
    return item, tuple(replace(p, pointer=f"/{_FACTS}{p.pointer}") for p in problems)
