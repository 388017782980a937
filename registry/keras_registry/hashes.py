"""Hashes that carry the name of their algorithm."""

from __future__ import annotations

import json
import math
from typing import Any

import xxhash

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

    Each text, number, number that is not finite, and boolean counts as any other of its type.
    """
    return hash_json(_form_of(document))


def _form_of(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _form_of(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_form_of(member) for member in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "not finite"
    return _TYPES.get(type(value))


_TYPES = {str: "text", int: "number", float: "number", bool: "boolean"}
