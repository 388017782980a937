"""The forms of text that a document may hold.

A document is untrusted: each of its texts must have one of these forms before anything is made
of it. Patterns are plain enough to mean the same in Python and in JSON Schema.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from keras_registry.hashes import XXH3_PATTERN
from keras_registry.names import KEY_PATTERN

__all__ = [
    "BACKEND",
    "CLASS_NAME",
    "DIGEST",
    "DISTRIBUTION",
    "FORMAT_VERSION",
    "GENERATOR",
    "HASH",
    "KEY",
    "MODULE",
    "POINTER",
    "REQUIRES",
    "VERSION",
    "Form",
]


@dataclass(frozen=True)
class Form:
    """A form of text.

    Attributes:
        wanted: What it is, in words.
        pattern: The regular expression that the whole text matches.
        is_name: Whether it names something that is looked up or shown in a command, so that
            anything else in its place is hostile or badly broken.
        max_length: The most characters it may have.
    """

    wanted: str
    pattern: str
    is_name: bool = False
    max_length: int = 200

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern.removesuffix("$"))

    def accepts(self, text: str) -> bool:
        """Whether the whole text has this form."""
        return len(text) <= self.max_length and self._compiled.fullmatch(text) is not None


_RELEASE = r"(?:[0-9]+!)?[0-9]+(?:\.[0-9]+)*"
_SUFFIXES = r"(?:(?:a|b|rc)[0-9]+)?(?:\.post[0-9]+)?(?:\.dev[0-9]+)?"
_PUBLIC = _RELEASE + _SUFFIXES
_VERSION = rf"{_PUBLIC}(?:\+[a-z0-9]+(?:\.[a-z0-9]+)*)?"
# Only what `packaging` takes: a local label and `.*` do not go with every operator.
_CLAUSE = (
    rf"(?:(?:<=|>=|<|>){_PUBLIC}"
    rf"|~=(?:[0-9]+!)?[0-9]+(?:\.[0-9]+)+{_SUFFIXES}"
    rf"|(?:==|!=){_RELEASE}\.\*|(?:===?|!=){_VERSION})"
)

KEY = Form("a key such as 'namespace>Name'", KEY_PATTERN, is_name=True)
DISTRIBUTION = Form(
    "a normalised distribution name (PEP 503)", r"^[a-z0-9]+(?:-[a-z0-9]+)*$", is_name=True
)
VERSION = Form("a normalised version (PEP 440)", rf"^{_VERSION}$", is_name=True, max_length=100)
REQUIRES = Form("a version specifier (PEP 440)", rf"^{_CLAUSE}(?:,{_CLAUSE})*$", is_name=True)
FORMAT_VERSION = Form("a version such as '1.0'", r"^[0-9]{1,6}\.[0-9]{1,6}$")
GENERATOR = Form("a program and its version", r"^[\w.+!-]+ [\w.+!-]+$")
BACKEND = Form("the name of a backend", r"^[a-z0-9_-]+$")
CLASS_NAME = Form("the name of a class or function", r"^\w+$")
MODULE = Form("a dotted module name", r"^\w+(?:\.\w+)*$")
POINTER = Form("a JSON pointer (RFC 6901)", r"^(?:/[^/\x00-\x1f\x7f]*)*$", max_length=2000)
HASH = Form("an xxh3 hash", XXH3_PATTERN)
DIGEST = Form("a SHA-256 digest", r"^sha256:[0-9a-f]{64}$")
