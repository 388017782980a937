"""Faulty objects: each with one realistic mistake, and the check that is meant for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

from keras_registry import register
from keras_registry.contract import Subject
from keras_registry.registration import default_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["MODULES", "Fault", "Thread", "all_faults", "all_twins", "fault", "twin"]

MODULES = ("configs", "layers", "models", "losses", "metrics", "optimizers", "weights", "functions")
"""The modules of `tests/contract/faulty`."""

_FAULTS: list[Fault] = []
_TWINS: list[Subject] = []


@dataclass(frozen=True)
class Thread:
    """An issue or pull request in which somebody met the mistake.

    Attributes:
        name: Where it is, as `owner/repository#number`.
        says: What it says, in a line.
    """

    name: str
    says: str


@dataclass(frozen=True)
class Fault:
    """A faulty object.

    Attributes:
        mistake: What is wrong with it, as a sentence.
        target: The class or function.
        check: The name of the check that is meant for it.
        names: The field, variable or method that the message has to name.
        thread: Where somebody met it.
        also: The names of further checks that may fail, as a consequence.
        backend: The only backend on which it is a mistake; None for all.
        in_files: Whether the mistake shows in another process alone, after a load.
        given: What its author would say of it: `examples`, `inputs`.
    """

    mistake: str
    target: Any
    check: str
    names: str
    thread: Thread | None = None
    also: frozenset[str] = frozenset()
    backend: str | None = None
    in_files: bool = False
    given: Mapping[str, Any] = field(default_factory=dict)

    @property
    def module(self) -> str:
        """The module that it is in."""
        return str(self.target.__module__).rpartition(".")[2]

    @property
    def name(self) -> str:
        """Module and name."""
        return f"{self.module}.{self.target.__name__}"

    @cached_property
    def subject(self) -> Subject:
        """The object as the kit sees it."""
        return _subject_of(self.target, self.given)


def fault(
    mistake: str,
    *,
    check: str,
    names: str,
    thread: tuple[str, str] | None = None,
    also: Sequence[str] = (),
    backend: str | None = None,
    in_files: bool = False,
    **given: Any,
) -> Callable[[Any], Any]:
    """Registers a faulty class or function; the arguments are those of `Fault`."""

    def decorate(target: Any) -> Any:
        register(target.__module__.removeprefix("tests.contract."))(target)
        found = None if thread is None else Thread(*thread)
        _FAULTS.append(
            Fault(mistake, target, check, names, found, frozenset(also), backend, in_files, given)
        )
        return target

    return decorate


def twin(**given: Any) -> Callable[[Any], Any]:
    """Registers what faulty objects are like but for the mistake: nothing is wrong with it."""

    def decorate(target: Any) -> Any:
        register(target.__module__.removeprefix("tests.contract."))(target)
        _TWINS.append(_subject_of(target, given))
        return target

    return decorate


def all_faults() -> list[Fault]:
    """The faulty objects of all modules."""
    _import_all()
    return list(_FAULTS)


def all_twins() -> list[Subject]:
    """The correct twins of all modules."""
    _import_all()
    return list(_TWINS)


def _import_all() -> None:
    for name in MODULES:
        import_module(f"tests.contract.faulty.{name}")


def _subject_of(target: Any, given: Mapping[str, Any]) -> Subject:
    return Subject(next(r for r in default_registry if r.target is target), **given)
