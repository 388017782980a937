"""What authors of plugins import into their tests.

The whole contract of a distribution takes a test file of five lines:

Example:
    >>> from keras_registry.testing import parametrize_with_checks
    >>> @parametrize_with_checks("acme-layers")  # doctest: +SKIP
    ... def test_contract(check):
    ...     '''Every object keeps its promises.'''
    ...     check()
"""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_registry.contract import (
    CHECK_SET,
    BoundCheck,
    Case,
    Check,
    Skip,
    Status,
    Subject,
    bind,
    record_golden_files,
    subjects_of,
)
from keras_registry.contract.rendering import render_failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import FrameType

    from keras_registry.contract import Checked, Recorded

__all__ = [
    "CHECK_SET",
    "Case",
    "Check",
    "ContractTest",
    "Skip",
    "Subject",
    "iter_checks",
    "iter_subjects",
    "parametrize_with_checks",
    "record_golden",
]


class ContractTest(BoundCheck):
    """One check of one object, which a test calls."""

    __slots__ = ()

    def __call__(self) -> None:
        """Runs the check; the test is skipped, expected to fail, or fails with what was found.

        Raises:
            AssertionError: The object breaks the promise.
        """
        import pytest

        result = self.run()
        reason = result.reason or ""
        if result.status is Status.SKIPPED:
            pytest.skip(reason=reason)  # of the check: why it does not apply to this object
        if result.status is Status.EXPECTED:
            pytest.xfail(reason)
        if result.status is Status.FAILED:
            pytest.fail(render_failure(result, self.check), pytrace=False)


def iter_subjects(distribution: str, **options: Any) -> Iterator[Checked]:
    """An installed distribution and the objects that it lists, imported.

    Args:
        distribution: Its name.
        **options: What its author says: `examples`, `inputs`, `expected_failures`, `without`,
            `released` and `golden`; see `parametrize_with_checks`.

    Raises:
        SettingsError: The distribution is not installed, or what was said names an object or a
            check that there is not, or gives no reason.
    """
    yield from subjects_of(distribution, **options)


def iter_checks(
    distribution: str, *, check_set: int = CHECK_SET, extra: Sequence[Check] = (), **options: Any
) -> Iterator[ContractTest]:
    """All checks of a distribution and of all its objects.

    Args:
        distribution: Its name.
        check_set: The version of the set of checks; pin it to get new ones when you want them.
        extra: Checks of your own.
        **options: What `iter_subjects` takes.

    Raises:
        SettingsError: As of `iter_subjects`; or one of your own checks has the name or code of
            another one that is not left out with a reason.
    """
    subjects = subjects_of(distribution, **options)
    for bound in bind(subjects, check_set=check_set, extra=extra):
        yield ContractTest(bound.check, bound.subject)


def parametrize_with_checks(
    distribution: str, **options: Any
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Makes a test of each check: the decorated function is called with ``check``.

    Args:
        distribution: The name of the installed distribution under test.
        **options: By keyword, all of them optional: `check_set`, the version of the set of checks;
            by the key of an object `examples`, arguments with which it can be made, `inputs`, a
            function that makes what it is called with, `expected_failures` and `without`, reasons
            by the name or code of a check; `released`, the path of a released snapshot or of a
            folder of published config schemas; `golden`, the path of the folder of golden files, by
            default `golden` beside the test file or `tests/golden` in the sources of the
            distribution; `extra`, checks of your own.

    Raises:
        SettingsError: As of `iter_checks`.

    Example:
        >>> @parametrize_with_checks(  # doctest: +SKIP
        ...     "acme-layers",
        ...     check_set=1,
        ...     examples={"acme>Grid": [{"rows": 2, "columns": 3}]},
        ...     inputs={"acme>Grid": lambda: np.ones((2, 6), "float32")},
        ...     without={"acme>Grid": {"follows_the_seed": "it draws from the system, on purpose"}},
        ... )
        ... def test_contract(check):
        ...     check()
    """
    import pytest

    options.setdefault("golden", _beside(inspect.currentframe()))
    checks = list(iter_checks(distribution, **options))
    return pytest.mark.parametrize("check", checks, ids=str)


def record_golden(
    distribution: str, folder: Path | None = None, *, replace: bool = False, **options: Any
) -> Recorded:
    """Records golden files, as ``keras-registry golden record`` does, with what an author says.

    Args:
        distribution: The name of the installed distribution.
        folder: The folder in which there is one for each version; None for `tests/golden` in its
            sources, which must be here.
        replace: Whether golden files of this version that are there are replaced.
        **options: `examples` and `inputs`, as of `parametrize_with_checks`.

    Returns:
        What was recorded, and what was left out and why.

    Raises:
        SettingsError: As of `iter_subjects`; the sources are not here; or there are golden files
            of this version, and they are not to be replaced.
    """
    return record_golden_files(subjects_of(distribution, **options), folder, replace=replace)


def _beside(frame: FrameType | None) -> Path | None:
    """The folder `golden` beside the module that called the function of a frame, if it is there."""
    caller = None if frame is None else frame.f_back
    file = None if caller is None else caller.f_globals.get("__file__")
    folder = None if file is None else Path(file).parent / "golden"
    return folder if folder is not None and folder.is_dir() else None
