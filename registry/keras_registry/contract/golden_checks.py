"""Checks of golden files (C80x): what released versions saved still loads, and is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import keras

from keras_registry.contract.golden_files import INDEX, iter_releases
from keras_registry.contract.golden_loading import Golden, find_difference, load_all
from keras_registry.contract.results import CheckError, Failure, Skip
from keras_registry.contract.round_trips import imports_for
from keras_registry.contract.subjects import where_of
from keras_registry.contract.table import DISTRIBUTION, Check
from keras_registry.environment import Environment
from keras_registry.findings import Level
from keras_registry.names import Kind, printable

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from keras_registry.contract.distributions import DistributionCase
    from keras_registry.contract.golden_loading import Difference
    from keras_registry.contract.subjects import Case, Subject

__all__ = ["GOLDEN_CHECKS"]

_NONE = "run `keras-registry golden record` for each release, and commit what it writes"


def check_golden_objects_are_there(case: DistributionCase) -> str:
    """The golden files of its releases can be read, and each object in them is there still.

    A key that is gone takes all models with it that anybody has saved.
    """
    subject = case.subject
    releases = list(iter_releases(subject.golden))
    if not releases:
        reason = f"there are no golden files: {_NONE}"
        raise Skip(reason)
    names = {plugin.key for plugin in subject.distribution.plugins}
    names |= {alias for plugin in subject.distribution.plugins for alias in plugin.aliases}
    for release in releases:
        if release.index is None:
            case.fail(
                at_fault=INDEX,
                wanted="an index of golden files",
                found=release.obstacle,
                where=str(release.folder / INDEX),
                fix="take it from version control, or record that version again",
            )
        for model in release.index.models:
            golden = Golden(release.folder, release.index, model)
            for path in (golden.path, golden.arrays):
                if not path.is_file():
                    case.fail(
                        at_fault=path.name,
                        wanted=f"the file of {model.key}",
                        found="no such file",
                        where=str(path),
                        fix="take it from version control, or record that version again",
                    )
            if model.key not in names:
                case.fail(
                    at_fault=model.key,
                    wanted=f"a plugin {model.key}, as in {release.index.distribution_version}, "
                    "or an alias of this name",
                    found="neither",
                    where=str(golden.path),
                )
    versions = [release.folder.name for release in releases]
    return f"files of {', '.join(versions)}"


def check_golden_files_load(case: Case) -> str:
    """What its releases saved still loads, in a process that never imported it.

    Users have such files. An argument that was renamed, and a weight of another shape, stop them.
    """
    goldens = _goldens(case)
    for golden in goldens:
        errors = sorted(
            (item for item in golden.findings if item["level"] == Level.ERROR),
            key=lambda item: item["code"][0] not in _TELLING,
        )
        if errors:
            first = errors[0]
            others = f" ({len(errors) - 1} more)" if errors[1:] else ""
            _fail(
                case,
                golden,
                at_fault=_at_fault(first),
                wanted=first["wanted"] or "a model",
                found=f"{first['code']}: {first['found'] or first['summary']}{others}",
                fix=_OF_WEIGHTS if first["code"].startswith("W") else None,
            )
        if golden.loaded is None:
            _fail(case, golden, at_fault="load_model", wanted="a model", found=golden.error)
    versions = dict.fromkeys(golden.folder.name for golden in goldens)
    return f"files of {', '.join(versions)}"


def check_golden_weights_come_back(case: Case) -> None:
    """The weights that its releases saved are in the loaded model, each in its place.

    Two weights of one shape that change places load without a word.
    """
    goldens, registration = _loaded(case), case.subject.registration
    if registration.migrate_weights is not None:
        version = registration.config_version
        goldens = [golden for golden in goldens if golden.model.config_version == version]
    for golden in goldens:
        _compare(case, golden, "weights", method="build")


def check_golden_outputs_come_back(case: Case) -> None:
    """A model that its releases saved gives what it gave then.

    Config and weights may be the same, and the formula another: every trained model is worth less.
    """
    methods = {Kind.LOSS: "call", Kind.METRIC: "update_state", Kind.OPTIMIZER: "update_step"}
    for golden in _loaded(case):
        method = methods.get(case.subject.kind, "__call__")
        layer = case.subject.kind in {Kind.LAYER, Kind.MODEL}
        _compare(case, golden, "outputs", method="call" if layer else method)


def _goldens(case: Case) -> list[Golden]:
    """The golden files of an object, loaded once for all checks."""
    found = case.subject.once(_load)
    if not found:
        reason = f"no golden file has it: {_NONE}"
        raise Skip(reason)
    return found


def _loaded(case: Case) -> list[Golden]:
    found = [golden for golden in _goldens(case) if golden.loaded is not None]
    if not found:
        reason = "none of its golden files loads: see C802"
        raise Skip(reason)
    return found


def _load(subject: Subject) -> list[Golden]:
    names = {subject.key}
    for plugin in Environment().find_plugins(subject.key):
        names |= {plugin.key, *plugin.aliases}
    goldens = [
        Golden(release.folder, release.index, model)
        for release in iter_releases(subject.golden)
        if release.index is not None
        for model in release.index.models
        if model.key in names
    ]
    if goldens:
        load_all(goldens, imports_for(subject))
    return goldens


def _compare(case: Case, golden: Golden, what: str, *, method: str) -> None:
    found: Difference | None = find_difference(golden, what, backend=keras.backend.backend())
    if found is not None:
        _fail(
            case,
            golden,
            at_fault=found.name,
            wanted=found.wanted,
            found=found.found,
            method=method,
        )


def _fail(
    case: Case,
    golden: Golden,
    *,
    at_fault: str,
    wanted: str,
    found: str,
    method: str | None = None,
    fix: str | None = None,
) -> NoReturn:
    """Ends the check; the case is the file, and what made it."""
    made = f"{golden.model.made_by} of {golden.index.distribution_version}"
    wanted, found = (" ".join(text.split()) for text in (wanted, found))
    raise CheckError(
        Failure(
            case=printable(f"{golden.path}: {made}, {golden.model.called_with}", limit=1000),
            at_fault=printable(at_fault, limit=300),
            wanted=printable(wanted, limit=300),
            found=printable(found, limit=300),
            where=where_of(case.subject.target, method),
            fix=fix,
        )
    )


def _at_fault(finding: Mapping[str, Any]) -> str:
    """The field or the weight that a finding is about."""
    if finding["code"].startswith("W") and finding["location"]:
        return str(finding["location"])
    summary = str(finding["summary"])
    places = (f"{need['place']}: " for need in finding["needs"] if need["place"])
    return next((summary.removeprefix(p) for p in places if summary.startswith(p)), summary)


_TELLING = ("S", "W")
"""The letters of findings that name a field or a weight."""

_RELEASED = (
    "raise version= in @register and add a Migration that makes of old configs what gives the "
    "same; if that version was never released, `keras-registry golden record --replace`"
)

_OF_WEIGHTS = (
    "keep the names, shapes and order of weights, or raise version= and give migrate_weights"
)

_OBJECTS = frozenset(Kind)

GOLDEN_CHECKS = (
    Check(
        "C801",
        check_golden_objects_are_there,
        "list it again, or add an entry of its former name to keras_registry.aliases",
        kinds=frozenset({DISTRIBUTION}),
    ),
    Check(
        "C802",
        check_golden_files_load,
        _RELEASED,
        kinds=_OBJECTS,
        without_cases=True,
    ),
    Check(
        "C803",
        check_golden_weights_come_back,
        _OF_WEIGHTS,
        kinds=_OBJECTS,
        without_cases=True,
    ),
    Check(
        "C804",
        check_golden_outputs_come_back,
        _RELEASED,
        kinds=_OBJECTS,
        without_cases=True,
    ),
)
