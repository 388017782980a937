"""Tests of keys, kinds and of text made safe to print."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keras_registry.names import KEY_PATTERN, Kind, ObjectRef, is_key, printable

PROPERTY = settings(derandomize=True, deadline=None, max_examples=200)

NO_KEYS = [
    "",
    ">",
    "acme>",
    ">GatedDense",
    "acme>layers>GatedDense",
    "acme GatedDense",
    "acme>Gated Dense",
    "acme>GatedDense ",
    "acme>GatedDense\n",
    "\nacme>GatedDense",
    "acme/GatedDense",
    "acme:GatedDense",
    "acme>Gated\x00Dense",
    "acme>\x1b[31mGatedDense",
    "acme>\u202eesneD",
]

# Categories of characters that do something to the screen other than show themselves.
UNSHOWN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
DIRECTION_MARKS = "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
INVISIBLE = "\u200b\u2060\ufeff\u00ad\x7f\x80\x9b\x85\u2028\u2029"


@pytest.mark.parametrize(
    ("key", "namespace", "name"),
    [
        ("acme>GatedDense", "acme", "GatedDense"),
        ("GatedDense", None, "GatedDense"),
        ("__main__>Mine", "__main__", "Mine"),
        ("my-pkg.sub>Name_2", "my-pkg.sub", "Name_2"),
        ("1>2", "1", "2"),
        ("größe>Maß", "größe", "Maß"),
    ],
)
def test_key_is_taken_apart_and_put_together(key: str, namespace: str | None, name: str) -> None:
    """A key is a namespace, which old files lack, and a name; as text it is the same again."""
    ref = ObjectRef.parse(key)

    assert (ref.namespace, ref.name) == (namespace, name)
    assert str(ref) == key
    assert is_key(key)


@pytest.mark.parametrize("text", NO_KEYS, ids=ascii)
def test_other_text_is_no_key(text: str) -> None:
    """A text with anything else in it is refused, with words that are safe to print."""
    assert not is_key(text)
    with pytest.raises(ValueError, match="is not a key") as caught:
        ObjectRef.parse(text)
    assert str(caught.value).isprintable()
    assert "namespace>Name" in str(caught.value)


@pytest.mark.parametrize("value", [None, 7, b"acme>GatedDense", ["acme>GatedDense"], {}])
def test_what_is_no_text_is_no_key(value: object) -> None:
    """A file may hold anything where a key should stand."""
    assert not is_key(value)


@PROPERTY
@given(text=st.text(alphabet="a1_.->\n x", max_size=12))
def test_key_is_what_the_pattern_says(text: str) -> None:
    """Pattern, test and parser mean the same keys, save for a line break at the end."""
    assert is_key(text) == (re.search(KEY_PATTERN, text) is not None and not text.endswith("\n"))
    if is_key(text):
        assert str(ObjectRef.parse(text)) == text


def test_keys_are_values() -> None:
    """Keys that are equal are one dictionary key, and keys of one namespace can be sorted."""
    first, second = ObjectRef("acme", "A"), ObjectRef("acme", "B")

    assert {ObjectRef.parse("acme>A"): 1} == {first: 1}
    assert sorted([second, first]) == [first, second]


def test_keys_with_and_without_namespace_can_be_sorted() -> None:
    """A list of keys may hold bare ones of old files, too."""
    bare, full = ObjectRef(None, "B"), ObjectRef("acme", "A")

    assert sorted([full, bare]) == [bare, full]


def test_each_kind_has_its_group() -> None:
    """Every kind has an entry-point group of its own, named in the plural."""
    assert {kind.value: kind.group for kind in Kind} == {
        "layer": "keras_registry.layers",
        "model": "keras_registry.models",
        "loss": "keras_registry.losses",
        "metric": "keras_registry.metrics",
        "optimizer": "keras_registry.optimizers",
        "schedule": "keras_registry.schedules",
        "initializer": "keras_registry.initializers",
        "regularizer": "keras_registry.regularizers",
        "constraint": "keras_registry.constraints",
        "function": "keras_registry.functions",
        "object": "keras_registry.objects",
    }


def test_kind_is_plain_text() -> None:
    """A kind prints and compares as the word that stands in files."""
    assert f"{Kind.LAYER}" == "layer"
    assert Kind("loss") is Kind.LOSS


@PROPERTY
@given(text=st.text(st.characters(), max_size=300))
@example(text=DIRECTION_MARKS)
@example(text=INVISIBLE)
@example(text="\x1b[2J\x1b]0;title\x07\r\n\t\x08")
@example(text="\ud800\udfff")
def test_nothing_that_moves_the_screen_comes_through(text: str) -> None:
    """No control, escape, line break, mark of direction or half character survives."""
    shown = printable(text, limit=1000)

    assert not any(unicodedata.category(character) in UNSHOWN for character in shown)
    assert shown.isprintable()
    assert len(shown.splitlines()) <= 1
    assert shown.encode("utf-8").decode() == shown


@PROPERTY
@given(text=st.text(max_size=300))
def test_what_prints_stays_as_it_is(text: str) -> None:
    """Text that prints is not changed, in whatever writing; doing it twice changes nothing."""
    if text.isprintable():
        assert printable(text, limit=1000) == text
    assert printable(printable(text, limit=1000), limit=10_000) == printable(text, limit=1000)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\nb", "a\\nb"),
        ("a\u202eb", "a\\u202eb"),
        ("\U000e0001", "\\U000e0001"),
        ("größe 量 naïve", "größe 量 naïve"),
        (None, "None"),
        (1.5, "1.5"),
    ],
)
def test_escapes_are_those_of_python(value: object, shown: str) -> None:
    """What does not print becomes the escape that a Python string literal has for it."""
    assert printable(value) == shown


@pytest.mark.parametrize("length", [199, 200, 201, 100_000])
def test_long_text_is_cut(length: int) -> None:
    """At most `limit` characters are shown, and a mark says that there were more."""
    shown = printable("x" * length)

    assert shown == ("x" * length if length <= 200 else "x" * 200 + "…")
    assert printable("\x1b" * length, limit=3) == "\\x1b" * 3 + "…"
