"""Hashes that carry the name of their algorithm."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import xxhash

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["XXH3_PATTERN", "hash_bytes", "hash_form", "hash_json"]

XXH3_PATTERN = r"^xxh3:[0-9a-f]{32}$"


def hash_bytes(data: bytes) -> str:
    """The XXH3-128 hash of some bytes, as ``xxh3:`` and 32 hexadecimal digits."""
    return f"xxh3:{xxhash.xxh3_128_hexdigest(data)}"


def hash_json(document: Any) -> str:
    """The hash of a JSON document, whatever the order of its members and its white space.

    It is taken over the JSON text with sorted keys and no spaces, in UTF-8.
    """
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hash_bytes(text.encode("utf-8", "surrogatepass"))


def hash_form(document: Any) -> str:
    """The hash of what a JSON document is made of: its members, and the types of their values.

    It is taken over a text with U+001F between its parts: the braces and brackets of the document,
    the names of members, in their order by code points, and for each other value a letter.
    """
    parts: list[str] = []
    parts.append(_LETTERS.get(type(document)) or _last_part(document, parts.append))
    return hash_bytes("\x1f".join(parts).encode("utf-8", "surrogatepass"))


def _last_part(value: Any, add: Callable[[str], None]) -> str:
    """The last part of a value that has no letter; those before it are added."""
    if isinstance(value, dict):
        add("{")
        for name in sorted(value):
            add(name)
            item = value[name]
            add(_LETTERS.get(type(item)) or _last_part(item, add))
        return "}"
    if isinstance(value, list | tuple):
        add("[")
        for item in value:
            add(_LETTERS.get(type(item)) or _last_part(item, add))
        return "]"
    return "n" if math.isfinite(value) else "i"


_LETTERS = {str: "t", int: "n", bool: "b", type(None): "0"}
"""For a text, a number, a boolean, and nothing; ``i`` is a number that is not finite."""
