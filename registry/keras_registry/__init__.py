"""Custom Keras layers, losses and metrics as installable, versioned, checked plugins.

Importing this module hooks Keras, so that `model.save` writes a manifest of the plugins that a
model uses, and `keras.saving.load_model` finds, checks and uses them.

PYTEST_DONT_REWRITE: else pytest, of which the distribution has a plugin, would warn wherever this
module is imported before it starts.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from keras_registry.bridge.activation import activate, disable, enable

if TYPE_CHECKING:
    from keras_registry import types
    from keras_registry.bridge.explicit import load_model, save_model
    from keras_registry.bridge.reports import LoadReport, report
    from keras_registry.errors import (
        ConfigError,
        KerasRegistryError,
        KerasRegistryWarning,
        LoadError,
        RegistrationError,
        SettingsError,
    )
    from keras_registry.findings import Finding, Level, Policy
    from keras_registry.registration import register
    from keras_registry.settings import policy

__all__ = [
    "ConfigError",
    "Finding",
    "KerasRegistryError",
    "KerasRegistryWarning",
    "Level",
    "LoadError",
    "LoadReport",
    "Policy",
    "RegistrationError",
    "SettingsError",
    "disable",
    "enable",
    "load_model",
    "policy",
    "register",
    "report",
    "save_model",
    "types",
]

# Imported when first asked for: the command line must not pay for what it does not use.
_HOMES = {
    "ConfigError": "errors",
    "Finding": "findings",
    "KerasRegistryError": "errors",
    "KerasRegistryWarning": "errors",
    "Level": "findings",
    "LoadError": "errors",
    "LoadReport": "bridge.reports",
    "Policy": "findings",
    "RegistrationError": "errors",
    "SettingsError": "errors",
    "load_model": "bridge.explicit",
    "policy": "settings",
    "register": "registration",
    "report": "bridge.reports",
    "save_model": "bridge.explicit",
}


def __getattr__(name: str) -> Any:
    if name == "types":
        return import_module("keras_registry.types")
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    found = getattr(import_module(f"keras_registry.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)


activate()
