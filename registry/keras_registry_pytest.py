"""The pytest plugin: ``pytest --keras-registry`` hooks Keras before a test module imports it.

A module outside of the package, because pytest imports it in every session of every environment
that has keras-registry. It imports ``keras_registry`` only where that is asked for, by the option
or by ``keras_registry = true`` in the configuration of pytest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

__all__ = ["pytest_addoption", "pytest_configure", "pytest_report_header"]

_HELP = "hook Keras, as `import keras_registry` does, before test modules are imported"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option and the setting."""
    group = parser.getgroup("keras-registry")
    group.addoption("--keras-registry", action="store_true", help=_HELP)
    parser.addini("keras_registry", _HELP, type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Imports keras_registry if the session asks for it, which is all that the hooks need."""
    if _is_wanted(config):
        import keras_registry  # noqa: F401


def pytest_report_header(config: pytest.Config) -> str | None:
    """Names the version in the header of a session that asks for it."""
    if not _is_wanted(config):
        return None
    from importlib.metadata import version

    return f"keras-registry: {version('keras-registry')}"


def _is_wanted(config: pytest.Config) -> bool:
    return bool(config.getoption("keras_registry") or config.getini("keras_registry"))
