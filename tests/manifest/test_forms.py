"""Tests of the forms of text that a manifest may hold."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from keras_registry.documents import forms
from keras_registry.environment import normalise_version
from keras_registry.names import is_key, printable
from keras_registry.ranges import compatible_range
from tests.manifest.strategies import texts_of

if TYPE_CHECKING:
    from keras_registry.documents.forms import Form

PROPERTY = settings(derandomize=True, deadline=None, max_examples=50)

ALL = {name: getattr(forms, name) for name in forms.__all__ if name.isupper()}
NAMES = {name: form for name, form in ALL.items() if form.is_name}

HOSTILE = [
    "acme; rm -rf ~",
    "$(touch owned)",
    "`touch owned`",
    "--index-url=https://example.org",
    "git+https://example.org/acme",
    "acme @ https://example.org/acme.whl",
    "\x1b[31macme",
    "acme\x07",
    "acme\u202e",
    "acme\u2028",
    "acme\n",
    "acme acme acme",
    "[bold]acme[/bold]",
    "",
]


@pytest.mark.parametrize("form", ALL.values(), ids=ALL)
@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_no_form_takes_what_is_hostile(form: Form, text: str) -> None:
    """Shell lines, options, URLs, escapes, markup and line breaks have none of the forms."""
    names_the_whole_document = form is forms.POINTER and text == ""

    assert form.accepts(text) == names_the_whole_document


@pytest.mark.parametrize("form", NAMES.values(), ids=NAMES)
@PROPERTY
@given(data=st.data())
def test_whatever_a_name_may_be_prints_as_it_is(form: Form, data: st.DataObject) -> None:
    """A text that was taken for a name has nothing in it that would have to be escaped."""
    text = data.draw(texts_of(form))

    assert printable(text) == text
    assert " " not in text


@pytest.mark.parametrize("form", ALL.values(), ids=ALL)
@PROPERTY
@given(text=st.text())
def test_pattern_and_reader_agree(form: Form, text: str) -> None:
    """The published pattern means what the reader does, a line break at the end apart."""
    matches = re.search(form.pattern, text) is not None

    assert form.accepts(text) == (matches and len(text) <= form.max_length)


@PROPERTY
@given(text=texts_of(forms.VERSION))
def test_version_parses(text: str) -> None:
    """What has the form of a version is one to `packaging`, in every form that PEP 440 has."""
    assert forms.VERSION.accepts(text)
    assert Version(text)


@PROPERTY
@given(text=texts_of(forms.VERSION))
def test_normalised_versions_have_the_form(text: str) -> None:
    """What `packaging` makes of a version has the form, so that our own manifests are read."""
    normal = normalise_version(text)

    assert normal is not None
    assert forms.VERSION.accepts(normal)
    assert forms.REQUIRES.accepts(compatible_range(normal))


@pytest.mark.parametrize("text", ["~=1", ">=1.*", "<1.4.*", ">=1.4+local", "==1.4rc1.*"])
def test_specifier_that_does_not_parse_is_none(text: str) -> None:
    """What has the form of a version specifier is one to `packaging`, or it is refused."""
    with pytest.raises(ValueError, match="Invalid specifier"):
        SpecifierSet(text)
    assert not forms.REQUIRES.accepts(text)


@pytest.mark.parametrize("text", [">=1.4,<2", "==1.4.*", "~=1.4", "!=1.4.1", "===1.4", ">=1!2.0"])
def test_specifiers_have_the_form(text: str) -> None:
    """Every operator of PEP 440 may stand in a range."""
    assert SpecifierSet(text)
    assert forms.REQUIRES.accepts(text)


@PROPERTY
@given(text=texts_of(forms.DISTRIBUTION))
def test_distribution_name_is_normal(text: str) -> None:
    """What has the form of a distribution's name is its normal form (PEP 503)."""
    assert canonicalize_name(text) == text


@PROPERTY
@given(text=st.text(max_size=20) | texts_of(forms.KEY))
def test_key_is_a_key(text: str) -> None:
    """The form of a key is that of `names`."""
    assert forms.KEY.accepts(text) == is_key(text)


@pytest.mark.parametrize("form", ALL.values(), ids=ALL)
def test_length_is_bounded(form: Form) -> None:
    """A text longer than any real one is refused, whatever it repeats; no pattern runs away."""
    for piece in ("a", "1", "-", ".", "1.", "a-", ">=1,", "/", "1.0+a", "xxh3:0"):
        assert not form.accepts(piece * 100_000)
        form.accepts(piece * 60)
        form.accepts(piece * 60 + "!")
