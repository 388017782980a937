"""Checks of a distribution as a whole (C70x): entry points, imports, snapshot."""

from __future__ import annotations

import importlib.util
from collections import defaultdict
from typing import TYPE_CHECKING

import keras

from keras_registry.contract.fresh import FreshError, ask_fresh
from keras_registry.contract.results import Skip
from keras_registry.contract.subjects import where_of
from keras_registry.contract.table import DISTRIBUTION, Check
from keras_registry.contract.wheels import names_in_wheel
from keras_registry.environment import Environment, find_package_folders
from keras_registry.findings import Level
from keras_registry.publishing import (
    compare_objects,
    compare_snapshot,
    describe_registration,
    read_released,
    take_snapshot,
)
from keras_registry.registration import default_registry
from keras_registry.snapshot import SNAPSHOT_FILE

if TYPE_CHECKING:
    from pathlib import Path

    from keras_registry.contract.distributions import DistributionCase
    from keras_registry.environment import InstalledDistribution
    from keras_registry.findings import Finding

__all__ = ["DISTRIBUTION_CHECKS"]


def check_entry_points_lead_to_objects(case: DistributionCase) -> str:
    """Each entry point leads to the object that is registered under its key.

    A load finds an object by its entry point alone, imports the module, and takes what is
    registered there under the key.
    """
    subject = case.subject
    for broken in subject.distribution.findings:
        _fail(case, broken, subject.key)
    for plugin, wrong in subject.wrong_plugins:
        _fail(case, wrong, plugin.key, where=_file_of(plugin.module))
    for live in subject.live:
        name = keras.saving.get_registered_name(live.target)
        if name != live.key:
            case.fail(at_fault=live.key, wanted=f"{live.key}, as Keras writes it", found=name)
    count = len(subject.live)
    return f"{count} object{'' if count == 1 else 's'}"


def check_lists_what_it_registers(case: DistributionCase) -> None:
    """Each object that its modules register has an entry point.

    An object without one is found only where its module was imported before.
    """
    subject, environment = case.subject, Environment()
    modules = {plugin.module for plugin in subject.distribution.plugins}
    roots = {module.partition(".")[0] for module in modules}
    listed = {plugin.key for plugin in subject.distribution.plugins}
    for registration in default_registry:
        root = registration.module.partition(".")[0]
        is_listed = registration.key in listed or environment.find_plugins(registration.key)
        if root in roots and not is_listed:
            case.fail(
                at_fault=registration.key,
                wanted=f"{registration.key} in {registration.kind.group}",
                found="no entry point",
                where=_file_of(registration.module),
            )


def check_imports_no_backend(case: DistributionCase) -> str:
    """Importing its modules imports no backend that its objects do not say they need.

    Keras imports the one that is in use. A module that imports another one cannot be used where
    that is not installed, and slows down each load where it is.
    """
    subject = case.subject
    broken = {plugin.module for plugin, _ in subject.wrong_plugins}
    modules = {plugin.module for plugin in subject.distribution.plugins} - broken
    if not modules:
        reason = "its plugins cannot be imported: see C701"
        raise Skip(reason)
    allowed: dict[str, set[str]] = defaultdict(set)
    for live in subject.live:
        allowed[live.module] |= set(live.backends or ())
    times = []
    for module in sorted(modules):
        try:
            found = ask_fresh("import_module", module=module)
        except FreshError as error:
            case.fail(at_fault=module, wanted=f"import {module}", found=str(error))
        for backend, importer in found["backends"].items():
            if backend not in allowed[module]:
                case.fail(
                    at_fault=importer,
                    wanted="no import of a backend, or backends=[...] in @register",
                    found=f"import {backend}",
                    where=_file_of(importer),
                )
        times.append(f"{module} in {found['seconds']:.2f} s")
    return f"imported {', '.join(times)}"


def check_snapshot_is_up_to_date(case: DistributionCase) -> None:
    """Its snapshot says what its code says.

    Tools that import no plugin read the snapshot: what it says is what users are told.
    """
    subject = case.subject
    if subject.wrong_plugins:
        reason = "its plugins cannot be imported: see C701"
        raise Skip(reason)
    path = _snapshot_path(subject.distribution)
    if not subject.distribution.editable and not path.exists():
        reason = "there is no snapshot where it is installed: see C705"
        raise Skip(reason)
    true = take_snapshot(subject.distribution, default_registry)
    for wrong in compare_snapshot(subject.distribution, true, path):
        _fail(case, wrong, SNAPSHOT_FILE)


def check_wheel_has_the_snapshot(case: DistributionCase) -> str | None:
    """Its wheel has the snapshot in it.

    A build that leaves out what is no module leaves it out, and nobody notices in a checkout.
    """
    distribution = case.subject.distribution
    if not distribution.editable:
        if distribution.snapshot.path is None:
            case.fail(at_fault=SNAPSHOT_FILE, wanted="the snapshot in RECORD", found="no such file")
        return None
    if not _snapshot_path(distribution).exists():
        reason = "there is no snapshot: see C704"
        raise Skip(reason)
    wheel, names = names_in_wheel(distribution.name)
    roots = {plugin.module.partition(".")[0] for plugin in distribution.plugins}
    if not any(f"{root}/{SNAPSHOT_FILE}" in names for root in roots):
        case.fail(
            at_fault=SNAPSHOT_FILE,
            wanted=f"{min(roots)}/{SNAPSHOT_FILE} in the wheel",
            found=f"{len(names)} other files in {wheel}",
            where="pyproject.toml",
        )
    return f"built {wheel}"


def check_old_files_load(case: DistributionCase) -> str:
    """No key was lost, and no schema changed so that files of released versions do not load.

    A change that breaks them needs a new config version with a migration, and an object that was
    renamed an alias.
    """
    subject = case.subject
    path = subject.released or _snapshot_path(subject.distribution)
    if subject.released is None and not path.exists():
        reason = "there is no snapshot: see C704"
        raise Skip(reason)
    old, obstacle = read_released(path)
    if obstacle is not None:
        _fail(case, obstacle, str(path))
    new = {live.key: describe_registration(live) for live in subject.live}
    places = {live.key: where_of(live.target) for live in subject.live}
    for plugin in subject.distribution.plugins:
        if plugin.key in new:
            new |= {alias: new[plugin.key] for alias in plugin.aliases if alias not in new}
    for key, item in sorted(old.items()):
        for change in compare_objects(item, new.get(key)):
            if change.level is Level.ERROR:
                _fail(case, change, change.summary, where=places.get(key))
    return f"against {path}"


def _snapshot_path(distribution: InstalledDistribution) -> Path:
    """Where the snapshot of a distribution lies, or should lie."""
    if distribution.snapshot.path is not None:
        return distribution.snapshot.path
    folders = find_package_folders(distribution)
    if not folders:
        reason = "its plugins are in single modules, and a snapshot needs a package to lie in"
        raise Skip(reason)
    return folders[0] / SNAPSHOT_FILE


def _fail(
    case: DistributionCase, finding: Finding, at_fault: str, *, where: str | None = None
) -> None:
    case.fail(
        at_fault=at_fault,
        wanted=finding.wanted or finding.summary,
        found=f"{finding.code}: {finding.found or finding.summary}",
        where=finding.location or where,
    )


def _file_of(module: str) -> str | None:
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):  # the package that it is in cannot be imported
        return None
    return None if spec is None else spec.origin


_KINDS = frozenset({DISTRIBUTION})

DISTRIBUTION_CHECKS = (
    Check(
        "C701",
        check_entry_points_lead_to_objects,
        'decorate the object with @register("namespace"), and list it as "namespace>Name"',
        kinds=_KINDS,
    ),
    Check(
        "C702",
        check_lists_what_it_registers,
        "add an entry point for it, or take @register away",
        kinds=_KINDS,
    ),
    Check(
        "C703",
        check_imports_no_backend,
        "use keras.ops, import the backend in the function that needs it, or say "
        '@register(..., backends=["tensorflow"])',
        kinds=_KINDS,
    ),
    Check(
        "C704",
        check_snapshot_is_up_to_date,
        "run `keras-registry snapshot DIST` and commit what it writes",
        kinds=_KINDS,
    ),
    Check(
        "C705",
        check_wheel_has_the_snapshot,
        "let the build include the snapshot, with include or package-data",
        kinds=_KINDS,
    ),
    Check(
        "C706",
        check_old_files_load,
        "raise version= in @register and add a Migration, or an alias for a key that is gone",
        kinds=_KINDS,
    ),
)
