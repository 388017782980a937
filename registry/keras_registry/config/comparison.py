"""Two versions of a config schema: what changed, and whether old configs can still be read.

Both are given as JSON Schema in the normal form of `keras_registry.config.json_schema`. A change
breaks if a config that satisfied the old schema could be refused, or read as something else, under
the new one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
            yield SchemaChange(field, "removed", is_breaking=not is_kept)
        elif name not in before:
            needed = name in is_required
            words = "added, and required" if needed else "added, with a default"
            yield SchemaChange(field, words, is_breaking=needed)
        else:
            if name in is_required - was_required:
                yield SchemaChange(field, "made required", is_breaking=True)
            elif name in was_required - is_required:
                yield SchemaChange(field, "made optional", is_breaking=False)
            yield from _compare_values(before[name], after[name], field, is_complete=is_complete)


def _compare_values(
    old: Schema, new: Schema, field: str, *, is_complete: bool
) -> Iterator[SchemaChange]:
    if "default" in old and "default" in new and old["default"] != new["default"]:
        words = f"default changed from {old['default']!r} to {new['default']!r}"
        yield SchemaChange(field, words, is_breaking=not is_complete)
    if "properties" in old and "properties" in new:
        yield from compare_properties(old, new, is_complete=is_complete, path=f"{field}.")
        return
    is_readable, was_readable = _takes_all(new, old), _takes_all(old, new)
    if is_readable and not was_readable:
        yield SchemaChange(field, f"widened from {_words(old)} to {_words(new)}", is_breaking=False)
    elif was_readable and not is_readable:
        yield SchemaChange(field, f"narrowed from {_words(old)} to {_words(new)}", is_breaking=True)
    elif not is_readable:
        words = f"type changed from {_words(old)} to {_words(new)}"
        yield SchemaChange(field, words, is_breaking=True)


def _words(schema: Schema) -> str:
    """A schema in a few words."""
    if "anyOf" in schema:
        return " or ".join(map(_words, schema["anyOf"]))
    if "enum" in schema:
        return f"one of {', '.join(map(repr, schema['enum']))}"
    name = schema.get("x-keras") or schema.get("x-python") or schema.get("type") or "anything"
    if isinstance(name, list):
        name = " or ".join(name)
    inner = [schema["items"]] if "items" in schema else schema.get("prefixItems", [])
    if "additionalProperties" in schema:
        inner = [schema["additionalProperties"]]
    names = [name for name in (*_LOWER, *_UPPER, *_EQUAL) if name in schema]
    bounds = ", ".join(f"{name} {schema[name]}" for name in names)
    of = f" of {', '.join(map(_words, inner))}" if inner else ""
    return f"{name}{of} with {bounds}" if bounds else f"{name}{of}"


_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_EQUAL = ("pattern", "multipleOf")


def _takes_all(wide: Schema, narrow: Schema) -> bool:  # noqa: PLR0911 - one case for each form
    """Whether every value of one schema is one of the other, and comes back with the same type."""
    if "anyOf" in narrow:
        return all(_takes_all(wide, member) for member in narrow["anyOf"])
    if "anyOf" in wide:
        return any(_takes_all(member, narrow) for member in wide["anyOf"])
    if wide.get("x-keras") == "any" or _is_free(wide):
        return True
    if "enum" in narrow:
        if "enum" in wide:
            return all(value in wide["enum"] for value in narrow["enum"])
        return "x-keras" not in wide and all(_is_of_type(wide, v) for v in narrow["enum"])
    if "enum" in wide or wide.get("x-keras") != narrow.get("x-keras"):
        return False
    if wide.get("x-python") != narrow.get("x-python") or not _is_type_within(wide, narrow):
        return False
    return _bounds_within(wide, narrow) and _parts_within(wide, narrow)


def _is_free(schema: Schema) -> bool:
    return not schema.keys() - {"default", "description", "title"}


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
        edges.append((sign * float(schema[inclusive]), False))
    if exclusive in schema:
        edges.append((sign * float(schema[exclusive]), True))
    return max(edges)


def _parts_within(wide: Schema, narrow: Schema) -> bool:
    if "properties" in narrow or "properties" in wide:
        if not ("properties" in narrow and "properties" in wide):
            return False
        changes = compare_properties(narrow, wide, is_complete=True)
        return not any(change.is_breaking for change in changes)
    for keyword in ("additionalProperties", "propertyNames"):
        if keyword in wide and not _takes_all(wide[keyword], narrow.get(keyword, {})):
            return False
    if "prefixItems" in wide:
        items, others = wide["prefixItems"], narrow.get("prefixItems")
        same_length = others is not None and len(others) == len(items)
        return same_length and all(map(_takes_all, items, others or ()))
    if "items" in wide:
        others = narrow.get("prefixItems", [narrow["items"]] if "items" in narrow else [{}])
        return all(_takes_all(wide["items"], item) for item in others)
    return True
