"""Manifests and documents for property tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from keras_registry.documents import forms
from keras_registry.manifest import (
    DistributionRecord,
    EnvironmentRecord,
    Manifest,
    ObjectRecord,
    WeightsRecord,
)
from keras_registry.names import Kind

if TYPE_CHECKING:
    from keras_registry.documents.forms import Form

__all__ = ["json_documents", "manifests", "near_manifests", "texts_of"]


_NUMBERS = st.integers(0, 40).map(str)


def _maybe(texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.just("") | texts


def _versions() -> st.SearchStrategy[str]:
    """Versions in every form; made of parts, because a regular expression takes far longer."""
    parts = st.tuples(
        _maybe(_NUMBERS.map("{}!".format)),
        st.lists(_NUMBERS, min_size=1, max_size=4).map(".".join),
        _maybe(st.tuples(st.sampled_from(["a", "b", "rc"]), _NUMBERS).map("".join)),
        _maybe(_NUMBERS.map(".post{}".format)),
        _maybe(_NUMBERS.map(".dev{}".format)),
        _maybe(st.sampled_from(["+cu128", "+1", "+acme.7", "+0a.b2"])),
    )
    return parts.map("".join)


_SHORTCUTS = {
    forms.VERSION: _versions(),
    forms.REQUIRES: st.sampled_from([">=1.4,<2", "==1.4.*", "~=1.4", "!=1.4.1", "<1!2"]),
}


def texts_of(form: Form) -> st.SearchStrategy[str]:
    """Texts that have a form."""
    if form in _SHORTCUTS:
        return _SHORTCUTS[form]
    return st.from_regex(form.pattern.removesuffix("$"), fullmatch=True).filter(form.accepts)


def _optional(form: Form) -> st.SearchStrategy[str | None]:
    return st.none() | texts_of(form)


def _counts(least: int = 0) -> st.SearchStrategy[int | None]:
    return st.none() | st.integers(min_value=least)


def manifests() -> st.SearchStrategy[Manifest]:
    """Manifests of the version that this reader writes."""
    environments = st.builds(
        EnvironmentRecord,
        python=_optional(forms.VERSION),
        keras=_optional(forms.VERSION),
        backend=_optional(forms.BACKEND),
        backend_version=_optional(forms.VERSION),
    )
    distributions = st.builds(
        DistributionRecord,
        version=_optional(forms.VERSION),
        requires=_optional(forms.REQUIRES),
        editable=st.none() | st.booleans(),
        digest=_optional(forms.DIGEST),
    )
    objects = st.builds(
        ObjectRecord,
        key=texts_of(forms.KEY),
        kind=st.sampled_from(Kind),
        class_name=_optional(forms.CLASS_NAME),
        module=_optional(forms.MODULE),
        distribution=_optional(forms.DISTRIBUTION),
        config_version=_counts(1),
        schema=_optional(forms.HASH),
        paths=st.none() | st.lists(texts_of(forms.POINTER), max_size=3).map(tuple),
        count=_counts(),
    )
    weights = st.builds(WeightsRecord, count=_counts(), fingerprint=_optional(forms.HASH))
    return st.builds(
        Manifest,
        manifest_version=st.just("1.0"),
        generator=texts_of(forms.GENERATOR),
        objects=st.lists(objects, max_size=3).map(tuple),
        environment=st.none() | environments,
        distributions=st.none()
        | st.dictionaries(texts_of(forms.DISTRIBUTION), distributions, max_size=2),
        weights=st.none() | st.dictionaries(st.text(max_size=8), weights, max_size=2),
        config=_optional(forms.HASH),
    )


def json_documents() -> st.SearchStrategy[Any]:
    """Anything that `json.loads` can return, whole numbers with a point apart."""
    leaves = (
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats().filter(lambda number: not number.is_integer())
        | st.text(max_size=20)
    )
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
        ),
        max_leaves=6,
    )


@st.composite
def near_manifests(draw: st.DrawFn, documents: st.SearchStrategy[Any]) -> Any:
    """Documents of manifests in which one place was exchanged, left out or added.

    Args:
        draw: Given by hypothesis.
        documents: The documents to change; they are changed in place.
    """
    document = draw(documents)
    node: Any = document
    while True:
        steps = list(range(len(node))) if isinstance(node, list) else sorted(node)
        if not steps:
            return document
        step = draw(st.sampled_from(steps))
        inner = node[step]
        if isinstance(inner, dict | list) and inner and draw(st.integers(0, 4)):
            node = inner
            continue
        change = draw(st.sampled_from(["exchange", "exchange", "leave out", "add"]))
        if change == "exchange":
            node[step] = draw(json_documents())
        elif change == "leave out":
            del node[step]
        elif isinstance(node, dict):
            node[draw(st.text(max_size=8))] = draw(json_documents())
        return document
