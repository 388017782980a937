"""Classes that are not registered, as subjects: what plain Keras makes of them as they are."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from keras_registry.config import base_arguments, derive_schema, kind_of_class
from keras_registry.contract.subjects import Subject
from keras_registry.errors import RegistrationError
from keras_registry.names import Kind
from keras_registry.registration import Registration

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["is_of_keras", "subject_as_it_is"]


def is_of_keras(target: Any) -> bool:
    """Whether something is a class that is built on one of Keras.

    Args:
        target: Anything.
    """
    return inspect.isclass(target) and kind_of_class(target) is not Kind.OBJECT


def subject_as_it_is(target: type, *, key: str | None = None, **said: Any) -> Subject:
    """A class of Keras that nobody registered; it stays as it is.

    Its arguments are those of its constructor, as `keras_registry.register` would read them.

    Args:
        target: The class.
        key: What it is called in results; module and name if it is not given.
        **said: What its author says of it: `examples`, `inputs`, `expected_failures`, `without`.
    """
    try:
        schema = derive_schema(target)
    except RegistrationError:
        schema = None  # of a form that cannot be registered: the names and defaults are known
    key = key or f"{target.__module__}:{target.__qualname__}"
    return _Unregistered(Registration(key, kind_of_class(target), target, schema), **said)


@dataclass(frozen=True)
class _Unregistered(Subject):
    """A class that is not registered."""

    @cached_property
    def fields(self) -> Mapping[str, Mapping[str, Any]]:
        """The schemas of its own arguments, by name; defaults alone where there is no schema."""
        if self.registration.schema is not None:
            return super().fields
        base = base_arguments(self.target)
        return {
            name: {"title": name, **({} if one.default is one.empty else {"default": one.default})}
            for name, one in inspect.signature(self.target).parameters.items()
            if name not in base and one.kind in {one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY}
        }
