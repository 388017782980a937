"""Keys and kinds: the words by which a Keras object is known across processes and files."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

__all__ = [
    "ALIAS_GROUP",
    "KEY_PATTERN",
    "NAME_PATTERN",
    "Kind",
    "ObjectRef",
    "is_key",
    "printable",
]

NAME_PATTERN = r"[\w.-]+"
KEY_PATTERN = rf"^(?:{NAME_PATTERN}>)?{NAME_PATTERN}$"

_KEY = re.compile(rf"(?:(?P<namespace>{NAME_PATTERN})>)?(?P<name>{NAME_PATTERN})")

ALIAS_GROUP = "keras_registry.aliases"


class Kind(StrEnum):
    """What a Keras object is used for; each kind has an entry-point group of its own."""

    LAYER = "layer"
    MODEL = "model"
    LOSS = "loss"
    METRIC = "metric"
    OPTIMIZER = "optimizer"
    SCHEDULE = "schedule"
    INITIALIZER = "initializer"
    REGULARIZER = "regularizer"
    CONSTRAINT = "constraint"
    FUNCTION = "function"
    OBJECT = "object"

    @property
    def group(self) -> str:
        """The entry-point group that lists plugins of this kind."""
        return f"keras_registry.{_PLURALS.get(self, f'{self}s')}"


_PLURALS = {Kind.LOSS: "losses"}


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """A key taken apart: ``namespace>Name``, or a bare ``Name`` in old files.

    Example:
        >>> ObjectRef.parse("acme>GatedDense").namespace
        'acme'
    """

    namespace: str | None
    name: str

    @classmethod
    def parse(cls, key: str) -> Self:
        """Takes a key apart.

        Raises:
            ValueError: The text is no key.
        """
        match = _KEY.fullmatch(key)
        if match is None:
            message = (
                f"{printable(key)!s} is not a key: wanted 'namespace>Name' made of letters, "
                "digits, '_', '.' and '-'"
            )
            raise ValueError(message)
        return cls(match["namespace"], match["name"])

    def __lt__(self, other: Self) -> bool:
        return str(self) < str(other)

    def __str__(self) -> str:
        return self.name if self.namespace is None else f"{self.namespace}>{self.name}"


def is_key(text: object) -> bool:
    """Whether the text is a key, with or without a namespace."""
    return isinstance(text, str) and _KEY.fullmatch(text) is not None


def printable(text: object, *, limit: int = 200) -> str:
    r"""Untrusted text in a form that is safe on a terminal and in a log.

    Whatever does not print (control characters, escapes, line breaks, marks that turn the
    direction of writing) becomes a backslash escape; long text is cut.

    Example:
        >>> printable("a\x1b[31mb")
        'a\\x1b[31mb'
    """
    raw = str(text)
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in raw[:limit])
    return shown if len(raw) <= limit else f"{shown}…"
