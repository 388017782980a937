"""What is checked: a registered object, and the ways to make one of it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import keras
import numpy as np

from keras_registry.contract.results import CheckError, Failure
from keras_registry.contract.untyped import is_untyped
from keras_registry.contract.values import (
    MISSING,
    default_of,
    is_same,
    others_than_default,
    value_for,
)
from keras_registry.names import Kind, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from keras_registry.registration import Registration

__all__ = ["Case", "Subject", "where_of"]

T = TypeVar("T")

_ALL_CHANGED = "all changed"
_MOST_VALUES = 3
"""How many values other than the default are tried of each argument."""


@dataclass(frozen=True)
class Subject:
    """A registered object that is checked, and what its author says of it.

    Attributes:
        registration: The object.
        examples: Arguments with which it can be made, each a dict; where none are given, they
            are made from its config schema.
        inputs: Makes what a layer is called with; None to try common shapes.
        expected_failures: The names or codes of checks that fail, and why.
        without: The names or codes of checks that are left out, and why.
        golden: The folder of its golden files, if it has any.
        memory: What checks have found out and others can use.
    """

    registration: Registration
    examples: Sequence[Mapping[str, Any]] = ()
    inputs: Callable[[], Any] | None = None
    expected_failures: Mapping[str, str] = field(default_factory=dict)
    without: Mapping[str, str] = field(default_factory=dict)
    golden: Path | None = None
    memory: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    def __str__(self) -> str:
        return self.registration.key

    @property
    def key(self) -> str:
        """The object's key."""
        return self.registration.key

    @property
    def kind(self) -> Kind:
        """What it is used for."""
        return self.registration.kind

    @property
    def backends(self) -> tuple[str, ...] | None:
        """The backends that it runs on; None for all."""
        return self.registration.backends

    @property
    def target(self) -> Any:
        """The class or function."""
        return self.registration.target

    @cached_property
    def fields(self) -> Mapping[str, Mapping[str, Any]]:
        """The schemas of its own arguments, by name."""
        schema = self.registration.schema
        properties: dict[str, Any] = {} if schema is None else schema.properties["properties"]
        taken = inspect.signature(self.target).parameters
        found = {}
        for name in () if schema is None else schema.fields:
            field = found[name] = {**properties[name], "title": name}
            if is_untyped(field) and "default" in field and name in taken:
                field["default"] = taken[name].default  # JSON would make a list of a tuple
        return found

    @cached_property
    def cases(self) -> tuple[Case, ...]:
        """The ways to make one, the smallest first; empty if none is known to work."""
        return tuple(case for case in self.candidates if case.works)

    @cached_property
    def candidates(self) -> tuple[Case, ...]:
        """The ways to make one that are tried: some arguments may exclude each other."""
        return tuple(self._candidates())

    def once(self, find: Callable[[Subject], T]) -> T:
        """What a function finds out about this object; it is called the first time only."""
        if find not in self.memory:
            self.memory[find] = find(self)
        found: T = self.memory[find]
        return found

    def _candidates(self) -> Iterator[Case]:
        for number, example in enumerate(self.examples, start=1):
            yield Case(self, lambda e=example: _anew(e), f"example {number}")  # type: ignore[misc]
        required = [name for name, schema in self.fields.items() if default_of(schema) is MISSING]

        def minimal() -> dict[str, Any]:
            return {name: value_for(self.fields[name]) for name in required}

        if not self.examples:
            yield Case(self, minimal, "minimal")
        base = (lambda: _anew(self.examples[0])) if self.examples else minimal
        try:
            usual = base()
        except LookupError:
            return
        others: dict[str, int] = {}
        seen = {name: _seen_in(usual, name, schema) for name, schema in self.fields.items()}
        for name, schema in seen.items():
            numbers = [
                number
                for number, value in enumerate(others_than_default(schema))
                if not is_same(value, usual.get(name, MISSING))
            ]
            for number in numbers[:_MOST_VALUES]:
                yield Case(self, _changed(base, name, schema, number), f"{name} changed", name)
            if numbers:
                others[name] = numbers[0]
        if len(others) > 1:
            yield Case(self, lambda: {**base(), **_values_at(seen, others)}, _ALL_CHANGED)


def _seen_in(usual: Mapping[str, Any], name: str, schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The schema of a field; of one without a type, an example shows what it takes."""
    is_shown = is_untyped(schema) and default_of(schema) is MISSING and name in usual
    return {**schema, "default": usual[name]} if is_shown else schema


def _values_at(
    fields: Mapping[str, Mapping[str, Any]], numbers: Mapping[str, int]
) -> dict[str, Any]:
    """New values for several arguments, each by its number among those that can be tried."""
    return {name: others_than_default(fields[name])[n] for name, n in numbers.items()}


def _anew(value: Any) -> Any:
    """A copy of arguments with layers and the like of its own: an object may change them."""
    if isinstance(value, Mapping):
        return {name: _anew(item) for name, item in value.items()}
    if isinstance(value, list | tuple) and not hasattr(value, "_fields"):
        return type(value)(map(_anew, value))
    if isinstance(value, type) or not hasattr(type(value), "from_config"):
        return value
    return type(value).from_config(value.get_config())


def _changed(
    base: Callable[[], dict[str, Any]], name: str, schema: Mapping[str, Any], number: int
) -> Callable[[], dict[str, Any]]:
    """The arguments with another value for one of them; each call makes new objects."""
    return lambda: {**base(), name: others_than_default(schema)[number]}


@dataclass(frozen=True)
class Case:
    """One way to make an object.

    Attributes:
        subject: What is made.
        recipe: Makes the arguments, new ones each time.
        label: What is special about it.
        changed: The one argument that is not as in the first case, if one is.
    """

    subject: Subject
    recipe: Callable[[], dict[str, Any]]
    label: str
    changed: str | None = None

    def __str__(self) -> str:
        if self.subject.kind is Kind.FUNCTION:
            return str(self.subject.target.__name__)
        try:
            recipe = self.recipe()
        except LookupError:
            return f"{self.subject.target.__name__}(…)"
        shown = ", ".join(
            f"{name}={printable(_shown(value), limit=40)}" for name, value in recipe.items()
        )
        return f"{self.subject.target.__name__}({shown})"

    @property
    def is_guessed(self) -> bool:
        """Whether a value is one of which nothing says that its argument takes it."""
        changed = [self.changed] if self.changed else []
        names = self.subject.fields if self.label == _ALL_CHANGED else changed
        return any(is_untyped(self.subject.fields[name]) for name in names)

    @property
    def module(self) -> str:
        """The name of the module that defines the object."""
        return str(self.subject.target.__module__)

    @property
    def holds_layers(self) -> bool:
        """Whether layers are among the arguments."""
        leaves = keras.tree.flatten(list(self.recipe().values()))
        return any(isinstance(leaf, keras.layers.Layer) for leaf in leaves)

    @cached_property
    def works(self) -> bool:
        """Whether an object can be made so: arguments may exclude each other."""
        try:
            self.make()
        except Exception:  # noqa: BLE001 - the author's own code, which refuses as it likes
            return False
        return True

    def make(self, **others: Any) -> Any:
        """A new object.

        Args:
            **others: Arguments besides those of the case, such as ``name``.
        """
        if self.subject.kind is Kind.FUNCTION:
            return self.subject.target
        return self.subject.target(**{**self.recipe(), **others})

    def fail(
        self,
        *,
        at_fault: str,
        wanted: str,
        found: str,
        method: str | None = None,
        called_with: str | None = None,
    ) -> NoReturn:
        """Ends the check.

        Args:
            at_fault: The field, variable or method.
            wanted: What was promised.
            found: What is there instead.
            method: The method of the object's class that an author looks at first.
            called_with: What the object was called with.

        Raises:
            CheckError: Always.
        """
        raise CheckError(
            Failure(
                case=f"{self}, called with {called_with}" if called_with else str(self),
                at_fault=at_fault,
                wanted=wanted,
                found=printable(found, limit=300),
                where=where_of(self.subject.target, method),
            )
        )


def _shown(value: Any) -> str:
    if hasattr(value, "get_config"):
        return f"{type(value).__name__}(…)"
    if isinstance(value, np.ndarray):
        return f"array of shape {value.shape}"
    return getattr(value, "__name__", None) or repr(value)


def where_of(target: Any, method: str | None = None) -> str | None:
    """The file and line of a method, or of the class if the method is not its own."""
    found = vars(target).get(method, target) if method and isinstance(target, type) else target
    found = inspect.unwrap(getattr(found, "__func__", found))
    try:
        _, line = inspect.getsourcelines(found)
        return f"{inspect.getsourcefile(found)}:{line}"
    except (OSError, TypeError):
        return None
