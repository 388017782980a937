"""The pytest plugin: ``pytest --keras-registry`` hooks Keras before a test module imports it.

With ``keras_registry_distribution`` in the configuration of pytest, such a session also has a test
for each check of each object of that distribution.

A module outside of the package, because pytest imports it in every session of every environment
that has keras-registry. It imports ``keras_registry`` only where that is asked for, by the option
or by ``keras_registry = true`` in the configuration of pytest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

__all__ = [
    "pytest_addoption",
    "pytest_configure",
    "pytest_report_header",
    "pytest_runtest_setup",
    "pytest_terminal_summary",
]

_HELP = "hook Keras, as `import keras_registry` does, before test modules are imported"
_PROPERTY = "keras_registry_check"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options and the settings."""
    group = parser.getgroup("keras-registry")
    group.addoption("--keras-registry", action="store_true", help=_HELP)
    group.addoption(
        "--keras-registry-times",
        action="store_true",
        help="print how long the checks of each object took",
    )
    parser.addini("keras_registry", _HELP, type="bool", default=False)
    parser.addini(
        "keras_registry_distribution",
        "the distribution under test: with --keras-registry, all its objects are checked",
        default="",
    )
    parser.addini(
        "keras_registry_check_set",
        "the version of the set of checks; the newest if empty",
        default="",
    )
    parser.addini(
        "keras_registry_golden",
        "the folder of golden files of released versions, from the root of the tests; "
        "tests/golden if empty",
        default="",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Imports keras_registry if the session asks for it, and its checks if it is to run them."""
    if not _is_wanted(config):
        return
    import keras_registry  # noqa: F401

    distribution = config.getini("keras_registry_distribution")
    # Whoever names paths wants these, and says so if the checks are wanted besides.
    names_paths = config.args_source is config.ArgsSource.ARGS
    if distribution and (config.getoption("keras_registry") or not names_paths):
        from keras_registry.testing.collecting import ContractCollection

        collection = ContractCollection(
            distribution,
            config.getini("keras_registry_check_set"),
            _golden_folder(config),
        )
        config.pluginmanager.register(collection, "keras_registry_collection")


def pytest_report_header(config: pytest.Config) -> str | None:
    """Names the version in the header of a session that asks for it."""
    if not _is_wanted(config):
        return None
    from importlib.metadata import version

    return f"keras-registry: {version('keras-registry')}"


def pytest_runtest_setup(item: Any) -> None:
    """Notes of which object and check a test is, in a form that crosses processes."""
    params = getattr(getattr(item, "callspec", None), "params", {})
    check: Any = getattr(item, "check", params.get("check"))
    if type(check).__module__ == "keras_registry.testing":
        item.user_properties.append((_PROPERTY, [check.subject.key, str(check.check)]))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Prints the time of each object and check, the longest first."""
    if not config.getoption("keras_registry_times"):
        return
    times: dict[str, dict[str, float]] = {}
    reports = [report for found in terminalreporter.stats.values() for report in found]
    for report in reports:
        for name, value in getattr(report, "user_properties", ()):
            if name == _PROPERTY and report.when == "call":
                key, check = value
                times.setdefault(key, {})[check] = report.duration
    terminalreporter.section("keras-registry: seconds per object and check")
    for key, checks in sorted(times.items(), key=lambda item: -sum(item[1].values())):
        terminalreporter.write_line(f"{sum(checks.values()):8.2f}  {key}")
        for check, seconds in sorted(checks.items(), key=lambda item: -item[1]):
            terminalreporter.write_line(f"{seconds:8.2f}      {check}")


def _is_wanted(config: pytest.Config) -> bool:
    return bool(config.getoption("keras_registry") or config.getini("keras_registry"))


def _golden_folder(config: pytest.Config) -> Path | None:
    """The folder that is named, or the usual one if it is there."""
    named = config.getini("keras_registry_golden")
    folder = config.rootpath / (named or "tests/golden")
    return folder if named or folder.is_dir() else None
