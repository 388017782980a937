"""What is wrong with the configs of a model that is being saved, collected to be told at once."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keras_registry.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic import ValidationError

    from keras_registry.config.schema import ConfigProblem

__all__ = [
    "ConfigFault",
    "collecting_faults",
    "config_error",
    "is_collecting",
    "report_invalid",
    "report_omissions",
]


@dataclass(frozen=True, slots=True)
class ConfigFault:
    """What is wrong with the config of one object.

    Attributes:
        cls: The registered class.
        name: The name of the object, if it has one.
        omitted: Arguments that a hand-written `get_config` leaves out, with their values.
        problems: Values that the class itself would refuse at load.
        error: What pydantic raised.
    """

    cls: type
    name: str | None
    omitted: tuple[tuple[str, Any], ...] = ()
    problems: tuple[ConfigProblem, ...] = ()
    error: ValidationError | None = None


_collected: ContextVar[list[ConfigFault] | None] = ContextVar(
    "keras_registry_config_faults", default=None
)


@contextmanager
def collecting_faults() -> Iterator[list[ConfigFault]]:
    """Collects the faults of all `get_config` calls inside the ``with`` block."""
    found: list[ConfigFault] = []
    token = _collected.set(found)
    try:
        yield found
    finally:
        _collected.reset(token)


def is_collecting() -> bool:
    """Whether a save is under way that tells of all faults at once."""
    return _collected.get() is not None


def report_omissions(cls: type, instance: Any, omitted: Sequence[tuple[str, Any]]) -> None:
    """Notes arguments that a config lacks; outside a save nobody asked."""
    collected = _collected.get()
    if collected is not None:
        collected.append(ConfigFault(cls, _name_of(instance), omitted=tuple(omitted)))


def report_invalid(
    cls: type,
    instance: Any,
    problems: Sequence[ConfigProblem],
    error: ValidationError | None,
) -> None:
    """Notes values that the class itself refuses.

    Raises:
        ConfigError: No save is under way that could tell of all faults at once.
    """
    collected = _collected.get()
    if collected is None:
        raise config_error(cls, problems) from error
    fault = ConfigFault(cls, _name_of(instance), problems=tuple(problems), error=error)
    collected.append(fault)


def config_error(cls: type, problems: Sequence[ConfigProblem]) -> ConfigError:
    """The error for arguments that a class refuses."""
    text = "; ".join(f"{p.field}: {p.wanted} (got {p.found})" for p in problems)
    return ConfigError(f"{cls.__qualname__}: {text}")


def _name_of(instance: Any) -> str | None:
    name = getattr(instance, "name", None)
    return name if isinstance(name, str) else None
