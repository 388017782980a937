"""Two versions of a config schema: what changed, and whether old configs can still be read.

Both are given as JSON Schema in the normal form of `keras_registry.config.json_schema`. A change
breaks if a config that satisfied the old schema could be refused, or read as something else, under
the new one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keras_registry.config.json_schema import KEY_PATTERNS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

__all__ = ["SchemaChange", "compare_properties"]

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """A difference between two versions of a config schema.

    Attributes:
        field: The field, with the way into it.
        words: What happened to it.
        is_breaking: Whether an old config could be refused, or mean something else.
    """

    field: str
    words: str
    is_breaking: bool


def compare_properties(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    *,
    is_complete: bool,
    accepts: Collection[str] | None = (),
    path: str = "",
) -> Iterator[SchemaChange]:
    """What changed from one set of fields to another.

    Args:
        old: ``properties`` and ``required`` before.
        new: The same after.
        is_complete: Whether each old config has every field, so that no default is ever used.
        accepts: Names that the new configs may hold besides; None if any.
        path: The way to these fields.
    """
    before, after = old["properties"], new["properties"]
    was_required, is_required = set(old.get("required", ())), set(new.get("required", ()))
    for name in sorted({*before, *after}):
        field = f"{path}{name}"
        if name not in after:
            is_kept = accepts is None or name in accepts
            words = "removed; configs may still hold it" if is_kept else "removed"
            yield SchemaChange(field, words, is_breaking=not is_kept)
        elif name not in before:
            needed = name in is_required
            words = "added, and required" if needed else "added, with a default"
            yield SchemaChange(field, words, is_breaking=needed)
        else:
            if name in is_required - was_required:
                yield SchemaChange(field, "made required", is_breaking=True)
            elif name in was_required - is_required:
                yield SchemaChange(field, "made optional", is_breaking=False)
            elif name not in is_required and ("default" in before[name]) != (
                "default" in after[name]
            ):
                words = "default changed: one of the two is made by a function"
                yield SchemaChange(field, words, is_breaking=not is_complete)
            yield from _compare_values(before[name], after[name], field, is_complete=is_complete)


def _compare_values(
    old: Schema, new: Schema, field: str, *, is_complete: bool
) -> Iterator[SchemaChange]:
    if "default" in old and "default" in new and not _is_same(old["default"], new["default"]):
        words = f"default changed from {old['default']!r} to {new['default']!r}"
        yield SchemaChange(field, words, is_breaking=not is_complete)
    before, after = _find_model(old), _find_model(new)
    if before is not None and after is not None:
        path = f"{field}{before.way}."
        yield from compare_properties(before.model, after.model, is_complete=is_complete, path=path)
        old, new = before.shell, after.shell
    if is_complete:
        old, new = _without_defaults(old), _without_defaults(new)
    is_readable, was_readable = _takes_all(new, old), _takes_all(old, new)
    if is_readable and not was_readable:
        yield SchemaChange(field, f"widened from {_words(old)} to {_words(new)}", is_breaking=False)
    elif was_readable and not is_readable:
        yield SchemaChange(field, f"narrowed from {_words(old)} to {_words(new)}", is_breaking=True)
    elif not is_readable:
        words = f"type changed from {_words(old)} to {_words(new)}"
        yield SchemaChange(field, words, is_breaking=True)


@dataclass(frozen=True, slots=True)
class _Held:
    """A model, or dataclass, inside the schema of a field.

    Attributes:
        model: Its schema.
        way: The way to it.
        shell: The schema of the field, with any object in the model's place.
    """

    model: Schema
    way: str
    shell: Schema


def _find_model(schema: Schema) -> _Held | None:
    """The one model that is in a schema; None if there is none, or are several."""
    if "properties" in schema:
        return _Held(schema, "", {"type": "object", "x-python": "model"})
    for keyword, step in (("items", "[]"), ("additionalProperties", "[]")):
        found = _find_model(schema[keyword]) if keyword in schema else None
        if found is not None:
            return _Held(found.model, step + found.way, {**schema, keyword: found.shell})
    members = {i: _find_model(member) for i, member in enumerate(schema.get("anyOf", ()))}
    held = [(i, found) for i, found in members.items() if found is not None]
    if len(held) != 1:
        return None
    ((i, found),) = held
    shells = [*schema["anyOf"][:i], found.shell, *schema["anyOf"][i + 1 :]]
    return _Held(found.model, found.way, {**schema, "anyOf": shells})


def _without_defaults(schema: Schema) -> Schema:
    """A schema whose nested fields have no defaults, which complete configs never use."""
    bare = {name: part for name, part in schema.items() if name != "default"}
    if "properties" in bare:
        fields = bare["properties"]
        bare["properties"] = {name: _without_defaults(field) for name, field in fields.items()}
    for keyword in ("items", "additionalProperties"):
        if keyword in bare:
            bare[keyword] = _without_defaults(bare[keyword])
    for keyword in ("anyOf", "prefixItems"):
        if keyword in bare:
            bare[keyword] = [_without_defaults(part) for part in bare[keyword]]
    return bare


def _words(schema: Schema) -> str:
    """A schema in a few words."""
    if "anyOf" in schema:
        members = sorted(schema["anyOf"], key=lambda member: member.get("type") == "null")
        return " or ".join(map(_words, members))
    if "enum" in schema:
        return f"one of {', '.join(map(repr, schema['enum']))}"
    name: Any = "model" if "properties" in schema else None
    name = (
        name or schema.get("x-keras") or schema.get("x-python") or schema.get("type") or "anything"
    )
    if isinstance(name, list):
        name = " or ".join(name)
    inner = [schema["items"]] if "items" in schema else schema.get("prefixItems", [])
    if "additionalProperties" in schema:
        name, inner = "dict", [schema["additionalProperties"]]
    bounds = [
        f"{words} {schema[keyword]}" for keyword, words in _BOUNDS.items() if keyword in schema
    ]
    if "propertyNames" in schema:
        bounds.append(_words_of_keys(schema["propertyNames"]))
    if "prefixItems" in schema:
        bounds = []  # as many as are named
    of = f" of {', '.join(map(_words, inner))}" if inner else ""
    return f"{name}{of} ({', '.join(bounds)})" if bounds else f"{name}{of}"


def _words_of_keys(schema: Schema) -> str:
    for name, pattern in KEY_PATTERNS.items():
        if schema.get("pattern") == pattern:
            return f"{name} keys"
    return f"keys: {_words(schema)}"


_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_EQUAL = ("pattern", "multipleOf")
_BOUNDS = {
    "minimum": ">=",
    "exclusiveMinimum": ">",
    "maximum": "<=",
    "exclusiveMaximum": "<",
    **dict.fromkeys(_LOWER[2:], "length >="),
    **dict.fromkeys(_UPPER[2:], "length <="),
    "pattern": "pattern",
    "multipleOf": "a multiple of",
}


def _takes_all(wide: Schema, narrow: Schema) -> bool:  # noqa: PLR0911 - one case for each form
    """Whether every value of one schema is one of the other, and comes back with the same type."""
    if "anyOf" in narrow:
        return all(_takes_all(wide, member) for member in narrow["anyOf"])
    if "anyOf" in wide:
        return any(_takes_all(member, narrow) for member in wide["anyOf"])
    if wide.get("x-keras") == "any" or _is_free(wide):
        return wide.get("x-keras") == narrow.get("x-keras") == "any" or _is_plain(narrow)
    if "enum" in narrow:
        if "enum" in wide:
            return all(any(_is_same(one, v) for one in wide["enum"]) for v in narrow["enum"])
        return "x-keras" not in wide and all(_is_of_type(wide, v) for v in narrow["enum"])
    if "enum" in wide or wide.get("x-keras") != narrow.get("x-keras"):
        return False
    if wide.get("x-python") != narrow.get("x-python") or not _is_type_within(wide, narrow):
        return False
    return _bounds_within(wide, narrow) and _parts_within(wide, narrow)


def _is_free(schema: Schema) -> bool:
    return not schema.keys() - {"default", "description", "title"}


def _is_plain(schema: Schema) -> bool:
    """Whether JSON alone tells the Python type of every value."""
    if schema.keys() & {"x-keras", "x-python", "properties", "propertyNames"}:
        return False
    parts = [*schema.get("anyOf", ())]
    parts += [schema[name] for name in ("items", "additionalProperties") if name in schema]
    return all(map(_is_plain, parts))


def _is_same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal; to Python, unlike JSON, 1 equals true."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_is_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_is_same(one[k], other[k]) for k in one)
    return bool(one == other)


_PYTHON = {
    "integer": int,
    "number": (int, float),
    "string": str,
    "boolean": bool,
    "null": type(None),
}


def _is_of_type(schema: Schema, value: Any) -> bool:
    kind = schema.get("type")
    wanted: Any = _PYTHON.get(kind) if isinstance(kind, str) else None
    if wanted is None or (isinstance(value, bool) and kind != "boolean"):
        return False
    return isinstance(value, wanted) and not schema.keys() & {*_LOWER, *_UPPER, *_EQUAL}


def _is_type_within(wide: Schema, narrow: Schema) -> bool:
    wide_type, narrow_type = wide.get("type"), narrow.get("type")
    return wide_type == narrow_type or (wide_type, narrow_type) == ("number", "integer")


def _bounds_within(wide: Schema, narrow: Schema) -> bool:
    if any(keyword in wide and wide[keyword] != narrow.get(keyword) for keyword in _EQUAL):
        return False
    return _is_side_within(wide, narrow, _LOWER, sign=1) and _is_side_within(
        wide, narrow, _UPPER, sign=-1
    )


def _is_side_within(wide: Schema, narrow: Schema, keywords: tuple[str, ...], *, sign: int) -> bool:
    """Whether the bounds on one side of one schema are inside those of another."""
    bounds = [schema[name] for schema in (wide, narrow) for name in keywords if name in schema]
    if not all(isinstance(bound, int | float) for bound in bounds):  # infinity, a date
        return all(wide[name] == narrow.get(name) for name in keywords if name in wide)
    inclusive, exclusive, *lengths = keywords
    for keyword in lengths:
        length = narrow.get(keyword, -sign * float("inf"))
        if keyword in wide and sign * length < sign * wide[keyword]:
            return False
    strictest = _edge(narrow, inclusive, exclusive, sign)
    return strictest >= _edge(wide, inclusive, exclusive, sign)


def _edge(schema: Schema, inclusive: str, exclusive: str, sign: int) -> tuple[float, bool]:
    """A bound as something that grows as the bound gets stricter."""
    edges = [(-float("inf"), False)]
    if inclusive in schema:
        edges.append((sign * schema[inclusive], False))
    if exclusive in schema:
        bound = schema[exclusive]
        if schema.get("type") == "integer" and (isinstance(bound, int) or bound.is_integer()):
            edges.append((sign * bound + 1, False))  # above 0 is from 1 on
        else:
            edges.append((sign * bound, True))
    return max(edges)


def _parts_within(wide: Schema, narrow: Schema) -> bool:
    if "properties" in narrow or "properties" in wide:
        if not ("properties" in narrow and "properties" in wide):
            return False
        changes = compare_properties(narrow, wide, is_complete=False)
        return not any(change.is_breaking for change in changes)
    if not _are_keys_kept(wide.get("propertyNames", {}), narrow.get("propertyNames", {})):
        return False
    for keyword in ("additionalProperties", "propertyNames"):
        if keyword in wide and not _takes_all(wide[keyword], narrow.get(keyword, {})):
            return False
    return _items_within(wide, narrow)


def _are_keys_kept(wide: Schema, narrow: Schema) -> bool:
    """Whether keys of a dict have the Python type that they had: numbers are text in JSON."""
    patterns = {schema.get("pattern") for schema in (wide, narrow)}
    return patterns.isdisjoint(KEY_PATTERNS.values()) or len(patterns) == 1


def _items_within(wide: Schema, narrow: Schema) -> bool:
    if "prefixItems" in wide:
        items, others = wide["prefixItems"], narrow.get("prefixItems")
        same_length = others is not None and len(others) == len(items)
        return same_length and all(map(_takes_all, items, others or ()))
    if "items" in wide:
        others = narrow.get("prefixItems", [narrow["items"]] if "items" in narrow else [{}])
        return all(_takes_all(wide["items"], item) for item in others)
    return True
