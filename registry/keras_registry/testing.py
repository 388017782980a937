"""What authors of plugins import into their tests.

The whole contract of a distribution takes a test file of five lines:

Example:
    >>> from keras_registry.testing import parametrize_with_checks
    >>> @parametrize_with_checks("acme-layers")  # doctest: +SKIP
    ... def test_contract(check):
    ...     check()
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keras_registry.contract import CHECK_SET, Status, Subject, checks_for, find_check, run_check
from keras_registry.contract.rendering import render_failure
from keras_registry.environment import Environment
from keras_registry.errors import SettingsError
from keras_registry.findings import Policy, render_finding
from keras_registry.names import printable
from keras_registry.registration import default_registry
from keras_registry.resolution import import_plugin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from keras_registry.contract import Check

__all__ = ["BoundCheck", "iter_checks", "iter_subjects", "parametrize_with_checks"]


@dataclass(frozen=True, slots=True)
class BoundCheck:
    """One check of one object, which a test calls."""

    check: Check
    subject: Subject

    def __str__(self) -> str:
        return f"{self.subject.key}-{self.check.name}"

    def __call__(self) -> None:
        """Runs the check; the test is skipped, expected to fail, or fails with what was found.

        Raises:
            AssertionError: The object breaks the promise.
        """
        import pytest

        result = run_check(self.check, self.subject)
        if result.status is Status.SKIPPED:
            pytest.skip(result.reason or "")
        if result.status is Status.EXPECTED:
            pytest.xfail(result.reason or "")
        if result.status is Status.FAILED:
            pytest.fail(render_failure(result, self.check), pytrace=False)


def iter_subjects(
    distribution: str,
    *,
    examples: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    inputs: Mapping[str, Callable[[], Any]] | None = None,
    expected_failures: Mapping[str, Mapping[str, str]] | None = None,
) -> Iterator[Subject]:
    """The objects that an installed distribution lists, imported.

    Args:
        distribution: Its name.
        examples: Arguments for objects that cannot be made from their schemas alone, by key.
        inputs: Functions that make the inputs of layers that take no common shape, by key.
        expected_failures: Reasons for checks that fail, by key and name or code of the check.

    Raises:
        SettingsError: The distribution is not installed, a plugin cannot be imported, or what
            was said names an object or a check that there is not, or gives no reason.
    """
    found = Environment().find_distribution(distribution)
    if found is None or not found.plugins:
        message = f"{printable(distribution)} is not installed here, or lists no plugins"
        raise SettingsError(message)
    said = {"examples": examples, "inputs": inputs, "expected_failures": expected_failures}
    _check_said(found.name, {plugin.key for plugin in found.plugins}, said)
    for plugin in found.plugins:
        wrong = import_plugin(plugin, default_registry, Policy.COMPATIBLE, ())
        live = default_registry.find(plugin.key)
        if wrong is not None or live is None:
            message = render_finding(wrong) if wrong else f"{plugin.key} is not registered"
            raise SettingsError(message)
        yield Subject(
            live,
            examples=tuple((examples or {}).get(plugin.key, ())),
            inputs=(inputs or {}).get(plugin.key),
            expected_failures=(expected_failures or {}).get(plugin.key, {}),
        )


def _check_said(name: str, keys: set[str], said: Mapping[str, Mapping[str, Any] | None]) -> None:
    for argument, by_key in said.items():
        unknown = sorted(set(by_key or {}) - keys)
        if unknown:
            message = f"{argument} names {unknown[0]!r}, which {name} does not list"
            raise SettingsError(message)
    for key, reasons in (said["expected_failures"] or {}).items():
        for check, reason in reasons.items():
            if find_check(check) is None:
                message = f"expected_failures of {key} names {check!r}, which is no check"
                raise SettingsError(message)
            if not str(reason).strip():
                message = f"expected_failures of {key} gives no reason for {check!r}"
                raise SettingsError(message)


def iter_checks(
    distribution: str, *, check_set: int = CHECK_SET, **options: Any
) -> Iterator[BoundCheck]:
    """All checks of all objects of a distribution.

    Args:
        distribution: Its name.
        check_set: The version of the set of checks; pin it to get new ones when you want them.
        **options: What `iter_subjects` takes.
    """
    for subject in iter_subjects(distribution, **options):
        for check in checks_for(subject, check_set=check_set):
            yield BoundCheck(check, subject)


def parametrize_with_checks(
    distribution: str, *, check_set: int = CHECK_SET, **options: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Makes a test of each check: the decorated function is called with ``check``.

    Args:
        distribution: The name of the installed distribution under test.
        check_set: The version of the set of checks; pin it to get new ones when you want them.
        **options: What `iter_subjects` takes.
    """
    import pytest

    bound = list(iter_checks(distribution, check_set=check_set, **options))
    return pytest.mark.parametrize("check", bound, ids=str)
