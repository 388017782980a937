"""Steps that bring a saved config from one ``config_version`` to the next.

A `Migration` leads from one version to the next, by steps that are run in order on a copy of the
config as it was saved. A step is one of the functions below, or any function that takes the config
as a dict and returns the new one.

Example:
    >>> from keras_registry.migrations import Migration, convert, drop, rename
    >>> chain = [
    ...     Migration(1, 2, rename("width", "units")),
    ...     Migration(2, 3, drop("legacy"), convert("rate", lambda rate: 1 - rate)),
    ... ]

    Given to ``@register("acme", version=3, migrations=chain)``, files of versions 1 and 2 load.

Dotted names lead into dicts: ``"head.units"`` is the member ``units`` of the field ``head``.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from keras_registry.errors import MigrationError, RegistrationError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    Config = dict[str, Any]

__all__ = [
    "Migration",
    "Step",
    "add",
    "check_chain",
    "convert",
    "drop",
    "migrate",
    "move",
    "rename",
]


@dataclass(frozen=True, slots=True)
class Step:
    """A change of a config that can say what it does.

    Attributes:
        words: What it does, for reports.
        function: Takes a config, which it may change, and returns the new one.
        makes: The fields that it makes.
        removes: The fields that it takes away.
    """

    words: str
    function: Callable[[Config], Config]
    makes: tuple[str, ...] = ()
    removes: tuple[str, ...] = ()

    def __call__(self, config: Config) -> Config:
        """The new config."""
        return self.function(config)

    def __repr__(self) -> str:
        return self.words


class Migration:
    """The way from one config version to the next.

    Args:
        source: The version that it takes.
        target: The version that it makes: the next one.
        *steps: What it does, in order: steps of this module, or functions from a config to a
            config.

    Raises:
        RegistrationError: The target is not the version after the source, or a step is no
            function.
    """

    __slots__ = ("source", "steps", "target")

    def __init__(self, source: int, target: int, *steps: Callable[[Config], Config]) -> None:
        if type(source) is not int or source < 1 or target != source + 1:
            message = (
                f"Migration({source!r}, {target!r}) does not lead from one config version to the "
                "next. Write one migration for each version: Migration(1, 2, ...), "
                "Migration(2, 3, ...)."
            )
            raise RegistrationError(message)
        given: tuple[object, ...] = steps
        stray = [step for step in given if not callable(step)]
        if stray or not steps:
            fault = f"holds {stray[0]!r}, which is no step" if stray else "has no steps"
            message = (
                f"Migration({source}, {target}) {fault}. Give it rename, drop, add, move, convert, "
                "or functions from a config to a config."
            )
            raise RegistrationError(message)
        self.source, self.target, self.steps = source, target, steps

    def __repr__(self) -> str:
        return f"Migration({self.source}, {self.target}, {', '.join(map(_words, self.steps))})"


def _words(step: Any) -> str:
    return step.words if isinstance(step, Step) else getattr(step, "__name__", repr(step))


# --- steps -----------------------------------------------------------------------------------


def rename(old: str, new: str) -> Step:
    """Gives a field another name; a config that lacks it stays as it is."""
    return _moving(f"rename({old!r}, {new!r})", old, new)


def move(source: str, target: str) -> Step:
    """Moves a value to another place, into a dict or out of one."""
    return _moving(f"move({source!r}, {target!r})", source, target)


def _moving(words: str, source: str, target: str) -> Step:
    def function(config: Config) -> Config:
        if _has(config, source):
            if _has(config, target):
                message = f"there is a {target!r} already"
                raise MigrationError(message)
            _put(config, target, _take(config, source))
        return config

    return Step(words, function, makes=(_field(target),), removes=_whole(source))


def drop(*names: str) -> Step:
    """Takes fields away, whatever their values."""

    def function(config: Config) -> Config:
        for name in names:
            if _has(config, name):
                _take(config, name)
        return config

    words = f"drop({', '.join(map(repr, names))})"
    return Step(words, function, removes=tuple(n for name in names for n in _whole(name)))


def add(name: str, value: Any) -> Step:
    """Adds a field that old configs lack; one that has it keeps its value."""

    def function(config: Config) -> Config:
        if not _has(config, name):
            _put(config, name, copy.deepcopy(value))
        return config

    return Step(f"add({name!r}, {value!r})", function, makes=(_field(name),))


def convert(name: str, function: Callable[[Any], Any]) -> Step:
    """Replaces a value by what a function makes of it; a config that lacks it stays as it is."""

    def call(config: Config) -> Config:
        if _has(config, name):
            _put(config, name, function(_take(config, name)))
        return config

    return Step(f"convert({name!r}, {getattr(function, '__name__', '...')})", call)


def _field(path: str) -> str:
    return path.partition(".")[0]


def _whole(path: str) -> tuple[str, ...]:
    """The field that is gone if what is at the path is taken away."""
    return () if "." in path else (path,)


def _inner(config: Any, path: str) -> tuple[Any, str]:
    *outer, name = path.split(".")
    for part in outer:
        config = config.get(part) if isinstance(config, dict) else None
    return config, name


def _has(config: Config, path: str) -> bool:
    holder, name = _inner(config, path)
    return isinstance(holder, dict) and name in holder


def _take(config: Config, path: str) -> Any:
    holder, name = _inner(config, path)
    return holder.pop(name)


def _put(config: Config, path: str, value: Any) -> None:
    *outer, name = path.split(".")
    holder: Any = config
    for part in outer:
        holder = holder.setdefault(part, {})
        if not isinstance(holder, dict):
            message = f"{part!r} holds a value of type {type(holder).__name__}, and no dict"
            raise MigrationError(message)
    holder[name] = value


# --- chains ----------------------------------------------------------------------------------


def check_chain(
    migrations: Sequence[Any], *, version: int, known: Collection[str] | None, owner: str
) -> None:
    """Checks the migrations that a class declares.

    Args:
        migrations: What was given to ``@register``.
        version: The config version of the class.
        known: The names that a config of this version may hold; None if any.
        owner: How messages call the class.

    Raises:
        RegistrationError: They have a gap, go back, do not end at the version, or make a field
            that the class does not take.
    """
    wrong = next((m for m in migrations if not isinstance(m, Migration)), None)
    if wrong is not None:
        message = (
            f"the migrations of {owner} hold {wrong!r}. Write Migration(1, 2, rename(...), ...) "
            "for each step from one version to the next."
        )
        raise RegistrationError(message)
    for before, after in pairwise(migrations):
        if after.source != before.target:
            fault = "a gap" if after.source > before.target else "a loop"
            message = (
                f"the migrations of {owner} have {fault}: after {before!r} comes {after!r}. List "
                "them in order, each beginning where the one before ends."
            )
            raise RegistrationError(message)
    end = migrations[-1].target if migrations else version
    if end != version:
        advice = f"Add Migration({end}, {end + 1}, ...), or correct the version"
        if end > version:
            advice = f"Give version={end}, or leave out what leads further"
        message = (
            f"the migrations of {owner} end at version {end}, but it is registered with "
            f"version={version}. {advice}."
        )
        raise RegistrationError(message)
    if known is not None:
        _check_targets(migrations, known, owner)


def _check_targets(migrations: Sequence[Migration], known: Collection[str], owner: str) -> None:
    made: dict[str, str] = {}
    for step in (step for migration in migrations for step in migration.steps):
        if not isinstance(step, Step):
            made.clear()  # what a function does is seen when it runs
            continue
        for name in step.removes:
            made.pop(name, None)
        made.update(dict.fromkeys(step.makes, step.words))
    stray = next((name for name in made if name not in known), None)
    if stray is not None:
        message = (
            f"the migration {made[stray]} of {owner} makes {stray!r}, which is no argument of its "
            "constructor. Rename it once more, drop it, or correct the name."
        )
        raise RegistrationError(message)


def migrate(
    config: Config, migrations: Sequence[Migration], *, saved_version: int
) -> tuple[Config, tuple[str, ...]]:
    """Runs the migrations that a config needs.

    Args:
        config: The config; left as it is.
        migrations: A checked chain that has one from `saved_version`.
        saved_version: The version of the config.

    Returns:
        The new config, and the steps taken, in words.

    Raises:
        MigrationError: A step failed, or did not make a config. The text names it.
    """
    config = copy.deepcopy(config)
    taken: list[str] = []
    for migration in migrations:
        if migration.source < saved_version:
            continue
        for step in migration.steps:
            words = f"{migration.source} to {migration.target}: {_words(step)}"
            try:
                config = step(config)
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
                if isinstance(error, MigrationError):
                    reason = str(error)
                message = f"{words} failed: {reason}"
                raise MigrationError(message) from error
            fault = _fault_of(config)
            if fault is not None:
                message = f"{words} returned {fault}"
                raise MigrationError(message)
            taken.append(words)
    return config, tuple(taken)


def _fault_of(config: Any) -> str | None:
    """What a step returned that is no config, or None."""
    if not isinstance(config, dict):
        found = "None" if config is None else f"a {type(config).__name__}"
        return f"{found}, and no config: a step returns the new config as a dict"
    unnamed = next((name for name in config if not isinstance(name, str)), None)
    if unnamed is not None:
        return f"a config with a field that is named {unnamed!r}, which is no text"
    try:
        json.dumps(config)
    except (TypeError, ValueError, RecursionError) as error:
        return f"a config that JSON cannot hold: {error}"
    return None
