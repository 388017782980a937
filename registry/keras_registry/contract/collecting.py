"""Which objects are checked, and with which checks."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras

from keras_registry.contract.distributions import DistributionSubject
from keras_registry.contract.golden_files import find_golden_folder
from keras_registry.contract.runner import CHECK_SET, CHECKS, checks_for, find_check, run_check
from keras_registry.contract.subjects import Subject
from keras_registry.contract.unregistered import is_of_keras, subject_as_it_is
from keras_registry.environment import Environment
from keras_registry.errors import SettingsError
from keras_registry.names import printable
from keras_registry.registration import default_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from keras_registry.contract.checked import Checked
    from keras_registry.contract.results import Result
    from keras_registry.contract.table import Check
    from keras_registry.environment import InstalledDistribution

__all__ = ["BoundCheck", "backend_in_use", "bind", "subjects_of", "subjects_of_target"]


@dataclass(frozen=True, slots=True)
class BoundCheck:
    """One check of one object."""

    check: Check
    subject: Checked

    def __str__(self) -> str:
        return f"{self.subject.key}-{self.check.name}"

    def run(self) -> Result:
        """How the check ends."""
        return run_check(self.check, self.subject)


def backend_in_use() -> str:
    """The backend of Keras on which checks are run here."""
    return str(keras.backend.backend())


def subjects_of(
    name: str,
    *,
    examples: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    inputs: Mapping[str, Callable[[], Any]] | None = None,
    expected_failures: Mapping[str, Mapping[str, str]] | None = None,
    without: Mapping[str, Mapping[str, str]] | None = None,
    released: Path | None = None,
    golden: Path | None = None,
) -> list[Checked]:
    """An installed distribution and the objects that it lists; its plugins are imported.

    Args:
        name: The name of the distribution.
        examples: Arguments for objects that cannot be made from their schemas alone, by key.
        inputs: Functions that make the inputs of objects that take nothing usual, by key.
        expected_failures: Reasons for checks that fail, by key (or name of the distribution) and
            name or code of the check.
        without: Reasons for checks that are left out, in the same way.
        released: What released versions said of the objects: a snapshot, or a folder of published
            config schemas.
        golden: The folder of golden files; None for ``tests/golden`` in its sources, if these are
            here.

    Raises:
        SettingsError: The distribution is not installed, or what was said names an object, a
            check or a folder that there is not, or gives no reason.
    """
    distribution = _find_distribution(name)
    keys = {plugin.key for plugin in distribution.plugins}
    reasons = {"expected_failures": expected_failures or {}, "without": without or {}}
    _check_keys({"examples": examples or {}, "inputs": inputs or {}}, keys, distribution.name)
    _check_keys(reasons, {*keys, distribution.name}, distribution.name)
    _check_reasons(reasons)
    if golden is not None and not golden.is_dir():
        message = f"there is no folder {printable(golden, limit=1000)} of golden files"
        raise SettingsError(message)
    golden = golden or find_golden_folder(distribution)

    def said(argument: str, key: str) -> Mapping[str, str]:
        return reasons[argument].get(key, {})

    whole = DistributionSubject(
        distribution,
        released,
        expected_failures=said("expected_failures", distribution.name),
        without=said("without", distribution.name),
        golden=golden,
    )
    return [
        whole,
        *(
            Subject(
                live,
                examples=tuple((examples or {}).get(live.key, ())),
                inputs=(inputs or {}).get(live.key),
                expected_failures=said("expected_failures", live.key),
                without=said("without", live.key),
                golden=golden,
            )
            for live in whole.live
        ),
    ]


def _find_distribution(name: str) -> InstalledDistribution:
    found = Environment().find_distribution(name)
    if found is None:
        message = f"{printable(name)} is not installed here: pip install {printable(name)}"
        raise SettingsError(message)
    if not found.plugins:
        message = f"{found.name} lists no plugins in its entry points"
        raise SettingsError(message)
    return found


def _check_keys(said: Mapping[str, Mapping[str, Any]], keys: set[str], name: str) -> None:
    for argument, by_key in said.items():
        unknown = sorted(set(by_key) - keys)
        if unknown:
            message = f"{argument} names {unknown[0]!r}, which {name} does not list"
            raise SettingsError(message)


def _check_reasons(said: Mapping[str, Mapping[str, Mapping[str, str]]]) -> None:
    for argument, by_key in said.items():
        for key, reasons in by_key.items():
            for check, reason in reasons.items():
                if find_check(check) is None:
                    message = f"{argument} of {key} names {check!r}, which is no check"
                    raise SettingsError(message)
                if not str(reason).strip():
                    message = f"{argument} of {key} gives no reason for {check!r}"
                    raise SettingsError(message)


def subjects_of_target(
    what: str, *, released: Path | None = None, golden: Path | None = None
) -> list[Checked]:
    """What is meant by a distribution, a key or ``module:object``; it is imported.

    Args:
        what: The name.
        released: What released versions said of the objects of a distribution.
        golden: The folder of golden files, as of `subjects_of`.

    Raises:
        SettingsError: There is no such thing here.
    """
    if ">" in what:
        claimants = Environment().find_plugins(what)
        if not claimants:
            message = f"no installed distribution lists {printable(what)}"
            raise SettingsError(message)
        subjects = subjects_of(claimants[0].distribution, golden=golden)
        found = [subject for subject in subjects if subject.key == claimants[0].key]
        if not found:
            message = f"{what} cannot be imported: keras-registry check {claimants[0].distribution}"
            raise SettingsError(message)
        return found
    if ":" in what:
        return _of_module(what)
    return subjects_of(what, released=released, golden=golden)


def _of_module(what: str) -> list[Checked]:
    module, _, attribute = what.partition(":")
    if "" not in sys.path:
        sys.path.insert(0, "")  # as for `python -m`
    try:
        target: Any = importlib.import_module(module)
        for name in attribute.split("."):
            target = getattr(target, name)
    except Exception as error:
        message = f"{printable(what)} cannot be imported: {type(error).__name__}: {error}"
        raise SettingsError(message) from error
    found = next((item for item in default_registry if item.target is target), None)
    if found is None and is_of_keras(target):
        return [subject_as_it_is(target, key=what)]
    if found is None:
        message = f"{printable(what)} is not registered: decorate it with @register"
        raise SettingsError(message)
    return [Subject(found)]


def bind(
    subjects: Sequence[Checked],
    *,
    check_set: int = CHECK_SET,
    extra: Sequence[Check] = (),
) -> Iterator[BoundCheck]:
    """All checks of all subjects.

    Args:
        subjects: Objects and distributions.
        check_set: The version of the set of checks; pin it to get new ones when you want them.
        extra: Checks of the author's own. One of the name or code of another takes its place, for
            the subjects that are `without` that one.

    Raises:
        SettingsError: There is no such version, or a check would be overridden without a reason.
    """
    if not 1 <= check_set <= CHECK_SET:
        message = f"check_set={check_set} is no version of the set of checks: 1 to {CHECK_SET}"
        raise SettingsError(message)
    _check_extra(subjects, extra)
    for subject in subjects:
        for check in checks_for(subject, check_set=check_set):
            yield BoundCheck(check, subject)
        yield from (BoundCheck(check, subject) for check in extra if subject.kind in check.kinds)


def _check_extra(subjects: Sequence[Checked], extra: Sequence[Check]) -> None:
    for check in extra:
        former = next((c for c in CHECKS if check.name == c.name or check.code == c.code), None)
        for subject in subjects:
            if former is None or not {subject.kind} & former.kinds & check.kinds:
                continue
            if not {former.name, former.code} & set(subject.without):
                message = (
                    f"{check} would override {former} of {subject.key} without a reason: give "
                    f"without={{{subject.key!r}: {{{former.code!r}: 'why'}}}}"
                )
                raise SettingsError(message)
