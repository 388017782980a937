"""Configs that were validated before Keras builds the objects, handed over to their constructors.

A load validates all configs at once, before any weight is read. When Keras then constructs an
object, its validated values are found here by the class and the text of the config, so that
nothing is validated a second time. Both are valid for one load in one thread of execution.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keras_registry.types.fields import Deferred

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from keras_registry.config.schema import ConfigReading

__all__ = ["PreparedConfigs", "Validated", "expecting", "find_prepared", "take_expected"]


class PreparedConfigs:
    """The validated configs of one load."""

    def __init__(self) -> None:
        self._readings: dict[tuple[type, str], ConfigReading] = {}

    def add(self, cls: type, config: Mapping[str, Any], reading: ConfigReading) -> None:
        """Keeps what came of reading a config of a class."""
        self._readings[cls, json.dumps(config)] = reading

    def find(self, cls: type, config: Mapping[str, Any]) -> ConfigReading | None:
        """What came of reading the same config before; None if it was not read."""
        try:
            return self._readings.get((cls, json.dumps(config)))
        except (TypeError, ValueError):  # it holds objects: it is not the one of the file
            return None

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """Hands the configs to the constructors that run inside the ``with`` block."""
        token = _prepared.set(self)
        try:
            yield
        finally:
            _prepared.reset(token)


_prepared: ContextVar[PreparedConfigs | None] = ContextVar("keras_registry_prepared", default=None)


def find_prepared(cls: type, config: Mapping[str, Any]) -> ConfigReading | None:
    """What the load under way read of a config; None if there is none."""
    prepared = _prepared.get()
    return None if prepared is None else prepared.find(cls, config)


@dataclass(frozen=True, slots=True)
class Validated:
    """Validated values on their way to the constructor of a class.

    Attributes:
        cls: The registered class.
        config: The config of which they were made.
        values: The values of the class's own fields; some are still to be built.
    """

    cls: type
    config: Mapping[str, Any]
    values: Mapping[str, Any]

    def for_arguments(self, passed: Mapping[str, Any]) -> dict[str, Any] | None:
        """The values for what a constructor was passed; None if that must be validated.

        Some of Keras's own `from_config` methods build a nested layer themselves and pass that.
        """
        values = dict(self.values)
        for name, value in passed.items():
            if name in self.config and value is self.config[name]:
                continue
            if not isinstance(values[name], Deferred):
                return None
            values[name] = Deferred(values[name].field, value)
        return values


_expected: ContextVar[Validated | None] = ContextVar("keras_registry_expected", default=None)


@contextmanager
def expecting(validated: Validated) -> Iterator[None]:
    """Lets the next constructor of the class that runs inside the block have these values."""
    token = _expected.set(validated)
    try:
        yield
    finally:
        _expected.reset(token)


def take_expected(cls: type) -> Validated | None:
    """The values that wait for a constructor of this class, once; None if there are none."""
    validated = _expected.get()
    if validated is None or validated.cls is not cls:
        return None
    _expected.set(None)
    return validated
