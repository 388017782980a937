"""Weights of an older version of a class, made into weights of the present one.

A class that declares `migrate_weights` has its `load_own_variables` wrapped. The function runs for
an object that was made from an older config, the first time that weights are loaded into it.
"""

from __future__ import annotations

import functools
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from keras_registry.errors import MigrationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = [
    "WeightMigrations",
    "awaits_migration",
    "mark_migrated",
    "migrations_under_way",
    "watching_weights",
    "wrap_load_own_variables",
]

# Beside the arguments: see `keras_registry.config.arguments`.
_MIGRATED_FROM = "__keras_registry_migrated_from__"


@dataclass
class WeightMigrations:
    """What migrations of weights did in one load.

    Attributes:
        marked: The objects that were made from older configs.
        given: What the file gave for each object, by the object's id: its arrays by name.
        failures: The objects whose migration failed, and why.
        reset: The variables of the optimizer that belong to migrated weights, by path.
    """

    marked: list[Any] = field(default_factory=list)
    given: dict[int, dict[str, Any]] = field(default_factory=dict)
    failures: list[tuple[Any, MigrationError]] = field(default_factory=list)
    reset: list[str] = field(default_factory=list)


_watched: ContextVar[WeightMigrations | None] = ContextVar(
    "keras_registry_weight_migrations", default=None
)


@contextmanager
def watching_weights() -> Iterator[WeightMigrations]:
    """Notes what is migrated inside the ``with`` block."""
    watched = WeightMigrations()
    token = _watched.set(watched)
    try:
        yield watched
    finally:
        _watched.reset(token)


def migrations_under_way() -> WeightMigrations | None:
    """What is noted of the load under way; None outside of one."""
    return _watched.get()


def mark_migrated(instance: Any, saved_version: int) -> None:
    """Notes that an object was made from a config of an older version."""
    instance.__dict__[_MIGRATED_FROM] = saved_version
    watched = _watched.get()
    if watched is not None:
        watched.marked.append(instance)


def awaits_migration(instance: Any) -> bool:
    """Whether an object was made from an older config, and its weights were not loaded yet."""
    return _MIGRATED_FROM in getattr(instance, "__dict__", ())


def wrap_load_own_variables(
    cls: type, migrate: Callable[[dict[str, Any], int], dict[str, Any]]
) -> None:
    """Lets a function see old weights before the class does.

    Args:
        cls: The class; changed in place.
        migrate: Takes the arrays by name and their config version, returns the new arrays.
    """
    original = cls.load_own_variables  # type: ignore[attr-defined]

    @functools.wraps(original)
    def load_own_variables(self: Any, store: Any) -> None:
        version = self.__dict__.pop(_MIGRATED_FROM, None)
        if version is None:
            original(self, store)
            return
        import numpy as np

        watched = _watched.get()
        arrays = {name: np.asarray(store[name]) for name in store.keys()}  # noqa: SIM118 - an H5Entry
        if watched is not None:
            watched.given[id(self)] = {name: array.copy() for name, array in arrays.items()}
        try:
            migrated = _migrated(self, migrate, arrays, version)
        except MigrationError as error:
            if watched is not None:
                watched.failures.append((self, error))
            raise
        original(self, migrated)

    cls.load_own_variables = load_own_variables  # type: ignore[attr-defined]


def _migrated(
    instance: Any,
    migrate: Callable[[dict[str, Any], int], Any],
    arrays: dict[str, Any],
    version: int,
) -> dict[str, Any]:
    try:
        migrated = migrate(arrays, version)
    except Exception as error:
        message = f"migrate_weights failed: {type(error).__name__}: {error}"
        raise MigrationError(message) from error
    if not isinstance(migrated, dict):
        message = f"migrate_weights returned a {type(migrated).__name__}, and no dict of arrays"
        raise MigrationError(message)
    wanted: dict[str, Any] = {}
    instance.save_own_variables(wanted)
    shapes = {name: _shape(value) for name, value in wanted.items()}
    found = {name: _shape(value) for name, value in migrated.items()}
    if shapes and shapes != found:
        message = f"migrate_weights returned {_words(found)}; the object has {_words(shapes)}"
        raise MigrationError(message)
    return migrated


def _shape(value: Any) -> tuple[int, ...] | None:
    shape = getattr(value, "shape", None)
    return None if shape is None else tuple(map(int, shape))


def _words(shapes: Mapping[str, tuple[int, ...] | None]) -> str:
    return ", ".join(f"{name!r} of shape {shape}" for name, shape in sorted(shapes.items())) or (
        "no arrays"
    )
