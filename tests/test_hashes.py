"""Tests of the hashes that carry the name of their algorithm."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_registry.documents.forms import HASH
from keras_registry.hashes import XXH3_PATTERN, hash_bytes, hash_form, hash_json
from tests.manifest.strategies import json_documents

PROPERTY = settings(derandomize=True, deadline=None, max_examples=150)


def reordered(document: Any) -> Any:
    """The same document with the members of all objects in the opposite order."""
    match document:
        case dict():
            return {name: reordered(document[name]) for name in reversed(document)}
        case list():
            return [reordered(item) for item in document]
        case _:
            return document


def test_known_values() -> None:
    """The hash is XXH3-128 in hexadecimal digits, as other programs compute it."""
    # Reference values of XXH3-128 with seed 0, from the test vectors of the xxHash project.
    assert hash_bytes(b"") == "xxh3:99aa06d3014798d86001c324468d497f"
    assert hash_json({}) == hash_bytes(b"{}")
    assert hash_json({"b": [1, None, True], "a": "ö"}) == hash_bytes(
        '{"a":"ö","b":[1,null,true]}'.encode()
    )


@PROPERTY
@given(data=st.binary(max_size=100))
def test_hash_has_the_published_form(data: bytes) -> None:
    """Every hash matches the pattern of the manifest's schema."""
    assert re.fullmatch(XXH3_PATTERN, hash_bytes(data))
    assert HASH.accepts(hash_bytes(data))


@PROPERTY
@given(document=json_documents())
def test_order_and_white_space_do_not_count(document: Any) -> None:
    """Members in another order and text with other white space have the same hash."""
    text = json.dumps(reordered(document), indent=3)

    assert hash_json(json.loads(text)) == hash_json(document)


@PROPERTY
@given(first=json_documents(), second=json_documents())
def test_other_documents_have_other_hashes(first: Any, second: Any) -> None:
    """Two documents with one hash are the same JSON."""
    texts = [json.dumps(document, sort_keys=True) for document in (first, second)]

    assert (hash_json(first) == hash_json(second)) == (texts[0] == texts[1])


@pytest.mark.parametrize(
    ("first", "second"),
    [(1, True), (0, False), (1, 1.0), (1, "1"), ([], {}), (None, "null"), ([1, 2], [2, 1])],
)
def test_types_and_order_of_items_count(first: Any, second: Any) -> None:
    """What Python holds for equal but JSON tells apart has different hashes."""
    assert hash_json(first) != hash_json(second)


def test_text_that_is_no_unicode_is_hashed() -> None:
    """Half a surrogate pair, which JSON escapes can smuggle in, raises nothing."""
    assert hash_json(json.loads('"\\ud800"')) != hash_json("\\ud800")


ALIKE = [
    [{"units": 3, "rate": 0.5}, {"rate": 1, "units": 4}],
    [["relu", "gelu"], ["", "tanh"]],
    [{"on": True}, {"on": False}],
    [{"rate": float("nan")}, {"rate": float("inf")}],
    [(1, 2), [3, 4]],
]
"""Documents of one form, in pairs."""


@pytest.mark.parametrize(("first", "second"), ALIKE)
def test_values_do_not_count_in_the_form(first: Any, second: Any) -> None:
    """Documents with the same members and the same types of values have the same form."""
    assert hash_form(first) == hash_form(second)
    assert HASH.accepts(hash_form(first))


def test_other_forms() -> None:
    """A value of another type, and a member more or less, is another form."""
    documents: list[Any] = [
        {"a": 1},
        {"a": True},
        {"a": None},
        {"a": "1"},
        {"a": float("nan")},
        {"a": []},
        {"a": {}},
        {"a": [1]},
        {"a": [1, 1]},
        {"a": {"a": 1}},
        {"b": 1},
        {"a": 1, "b": 1},
        {},
        [],
        None,
    ]

    assert len({hash_form(document) for document in documents}) == len(documents)


@PROPERTY
@given(document=json_documents())
def test_form_of_a_document_that_was_written(document: Any) -> None:
    """A document has the form that it has once it was written as JSON and read again."""
    assert hash_form(json.loads(json.dumps(reordered(document)))) == hash_form(document)
