"""Values for arguments without a type, of which only the name and the default are known."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["is_untyped", "sort_by_name", "values_like"]

_SORTS = {
    "activation": r"activation",
    "initializer": r"initializer",
    "regularizer": r"regularizer",
    "constraint": r"constraint",
    "axis": r"(^|_)axis",
    "data_format": r"data_format",
}
_REAL = r"rate|ratio|alpha|beta|gamma|scale|factor|momentum|epsilon|weight|temperature|threshold"


def is_untyped(schema: Mapping[str, Any]) -> bool:
    """Whether a field's schema does not say what it takes."""
    return schema.get("x-keras") == "any" or not (schema.keys() - {"default", "title"})


def sort_by_name(name: str) -> str | None:
    """The sort of field that an argument of this name mostly is, as in `keras_registry.types`."""
    return next((sort for sort, form in _SORTS.items() if re.search(form, name)), None)


def values_like(default: Any, name: str, missing: Any) -> Iterator[Any]:
    """Values that an argument may take, by what its default is.

    Args:
        default: The default.
        name: The name of the argument.
        missing: Stands for the default of an argument that has none.
    """
    if default is missing:
        yield from (0.25, 0.75) if re.search(_REAL, name) else (2, 3)
    elif isinstance(default, bool):
        yield not default
    elif isinstance(default, int):
        yield from (default + 1, default + 2)
    elif isinstance(default, float):
        # Half of it is a probability if it is one itself.
        yield from (default / 2, default + 0.125) if default else (0.25, 0.75)
    elif isinstance(default, list | tuple) and all(type(item) is int for item in default):
        yield type(default)(item + 1 for item in default)
