"""The exception tree. Every error of keras-registry is a `KerasRegistryError`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_registry.findings import Finding

__all__ = [
    "ConfigError",
    "KerasRegistryError",
    "KerasRegistryWarning",
    "LoadError",
    "MigrationError",
    "RegistrationError",
    "SettingsError",
    "load_error_like",
]


class KerasRegistryError(Exception):
    """The root of all errors that keras-registry raises.

    Attributes:
        findings: What is wrong, as data; empty where no finding applies.
    """

    def __init__(self, message: str, *, findings: tuple[Finding, ...] = ()) -> None:
        super().__init__(message)
        self.findings = findings


class SettingsError(KerasRegistryError, ValueError):
    """An environment variable or an argument names a setting that does not exist."""


class RegistrationError(KerasRegistryError, ValueError):
    """`@register` was used on something, or in a way, that could never be loaded back."""


class ConfigError(KerasRegistryError, ValueError):
    """The arguments of a registered class do not satisfy its config schema."""


class MigrationError(KerasRegistryError, ValueError):
    """A declared migration cannot bring a config to the installed ``config_version``."""


class LoadError(KerasRegistryError):
    """A model file cannot be loaded; the findings say why.

    Each instance is also an instance of the class of error that plain Keras raises in the same
    situation, so that code that catches Keras's errors goes on working.
    """

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError, among others, would show it quoted


_load_errors: dict[type, type[LoadError]] = {}


def load_error_like(keras_class: type[Exception]) -> type[LoadError]:
    """The class of load errors that are also errors of a class that plain Keras raises."""
    if keras_class not in _load_errors:
        name = f"Load{keras_class.__name__}"
        _load_errors[keras_class] = type(name, (_AlsoKerasError, keras_class), {})
    return _load_errors[keras_class]


class _AlsoKerasError(LoadError):
    """Makes the classes of `load_error_like` pickle, although no module has them as attributes."""

    def __init__(self, message: str, *, findings: tuple[Finding, ...] = ()) -> None:
        Exception.__init__(self, message)  # not Keras's class, which may want more than that
        self.findings = findings

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self).__mro__[2:], self.args[0], self.findings)


def _restore(bases: tuple[Any, ...], message: str, findings: tuple[Finding, ...]) -> LoadError:
    keras_class = next(b for b in bases if not issubclass(b, KerasRegistryError))
    return load_error_like(keras_class)(message, findings=findings)


class KerasRegistryWarning(UserWarning):
    """A finding of level warning.

    Attributes:
        finding: The finding, so that warnings can be told apart by ``finding.code``.
    """

    def __init__(self, message: str, *, finding: Finding | None = None) -> None:
        super().__init__(message)
        self.finding = finding
