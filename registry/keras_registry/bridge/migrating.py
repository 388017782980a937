"""Rewriting a model file for the installed versions of its plugins."""

from __future__ import annotations

import copy
import logging
import os
import tempfile
import warnings
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_registry.artifact import (
    TRAINING_CONFIG,
    WEIGHTS,
    Changes,
    find_model_state,
    find_use,
    read_artifact,
    rewrite_model,
)
from keras_registry.bridge.explicit import load_model, save_model
from keras_registry.bridge.h5 import write_h5
from keras_registry.bridge.keras_errors import make_load_error
from keras_registry.bridge.load import Load
from keras_registry.bridge.reports import report
from keras_registry.bridge.saving import known_objects
from keras_registry.config import CONFIG_VERSION_FIELD
from keras_registry.documents import generator
from keras_registry.errors import KerasRegistryWarning
from keras_registry.findings import Level, Policy, finding
from keras_registry.manifest import dump_manifest, read_manifest
from keras_registry.names import Kind, printable
from keras_registry.recording import read_facts, record_model
from keras_registry.resolution import Source, renamed_finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keras_registry.artifact import Artifact
    from keras_registry.findings import Finding
    from keras_registry.manifest import WeightsRecord
    from keras_registry.registration import Registration

__all__ = ["Migrated", "migrate_file"]


@dataclass(frozen=True, slots=True)
class Migrated:
    """What came of migrating a file.

    Attributes:
        findings: What was migrated or renamed; empty if the file needed nothing.
        written: The file that was written; None if none was.
        wrote_weights: Whether its weights were written anew: they are the same bytes otherwise.
    """

    findings: tuple[Finding, ...]
    written: Path | None
    wrote_weights: bool = False


def migrate_file(
    source: str | os.PathLike[str], target: str | os.PathLike[str] | None = None
) -> Migrated:
    """Brings the configs of a model file to the installed config versions, for good.

    Objects that the file calls by a former key or class name get their present ones. The weights
    stay as they are, except where a class migrates its weights or, in containers that keep them
    under the names of classes, was renamed: then the model is loaded, verified, and its weights are
    written anew. A file is replaced in one step.

    Args:
        source: A ``.keras`` or ``.h5`` file, or a folder.
        target: Where the result goes, in the same container; None for the file itself.

    Raises:
        LoadError: The file cannot be read, or not be brought to the installed versions.
    """
    path = Path(source)
    known = find_model_state(path)
    reading = read_artifact(path)
    artifact = reading.artifact
    if artifact is None:
        raise make_load_error(reading.name, reading.findings)
    load = Load(artifact, {})
    load.prepare()
    live = _live_objects(load)
    new = _migrate_node(_with_named_keys(artifact.config, load, live), (), live)
    if new == artifact.config:
        return Migrated((), None)
    # Their hint is to do what is being done.
    notes = [replace(item, hint=None) for item in load.findings if item.code == "S104"]
    notes += _renamings(load, live)
    weights = load.manifest.weights if load.manifest is not None else None
    with tempfile.TemporaryDirectory(prefix="keras-registry-migrate-") as folder:
        rewritten = None
        if _moves_weights(load, live):
            rewritten, weights, warned = _write_weights(path, artifact, Path(folder))
            notes += warned
        facts = read_facts(new)
        recording = record_model(
            new,
            facts,
            generator=generator(),
            registry=load.registry,
            environment=load.environment,
            known=known_objects(facts.scan),
            weights={name: part for name, part in (weights or {}).items() if part is not None},
        )
        changes = Changes(manifest=dump_manifest(recording.manifest), config=new, weights=rewritten)
        place = None if target is None else Path(target)
        wrong = rewrite_model(path, artifact, changes, target=place, known=known)
    if wrong is not None:
        raise make_load_error(artifact.name, [wrong])
    written = Path(os.path.realpath(target or source))
    return Migrated(tuple(notes), written, wrote_weights=rewritten is not None)


def _live_objects(load: Load) -> dict[str, Registration]:
    """The registered objects of a model by the keys under which the file names them."""
    live = {}
    for item in load.resolution.objects:
        key = item.key if item.plugin is None else item.plugin.key
        found = load.registry.find(key)
        if item.source in {Source.LIVE, Source.PLUGIN} and found is not None:
            live[item.key] = found
    return live


def _with_named_keys(config: Any, load: Load, live: dict[str, Registration]) -> Any:
    """A copy of a config in which losses and metrics that are called by name have present ones.

    In the compiled state of a ``.h5`` file a name alone stands for an object.
    """
    changed = copy.deepcopy(config)
    for item in load.resolution.objects:
        for use in item.uses:
            if item.key not in live or use.is_possible or use.path[:1] != (TRAINING_CONFIG,):
                continue
            *above, last = use.path
            node = changed
            for step in above:
                node = node[step]
            if isinstance(node[last], str):
                node[last] = live[item.key].key
    return changed


def _migrate_node(node: Any, path: tuple[str | int, ...], live: dict[str, Registration]) -> Any:
    """A part of a config with everything in it under its present name and version."""
    if isinstance(node, list):
        return [_migrate_node(item, (*path, i), live) for i, item in enumerate(node)]
    if not isinstance(node, dict):
        return node
    use = find_use(node, path)
    registration = None if use is None or use.is_possible else live.get(use.key)
    if registration is not None:
        node = {**node, **_present(node, registration)}
    return {name: _migrate_node(value, (*path, name), live) for name, value in node.items()}


def _present(node: dict[str, Any], registration: Registration) -> dict[str, Any]:
    """What changes in the node of an object when it gets its present name and version."""
    target, schema = registration.target, registration.schema
    if registration.kind is Kind.FUNCTION:
        return {"config": registration.key}
    names = {
        "class_name": target.__name__,
        "module": target.__module__,
        "registered_name": registration.key,
    }
    if "registered_name" not in node and "module" not in node:  # as `.h5` files have it
        names = {"class_name": registration.key}
    inner = node.get("config")
    if schema is None or not isinstance(inner, dict):
        return names
    reading = schema.migrate_config(inner)
    if not reading.steps:
        return names
    version = {CONFIG_VERSION_FIELD: schema.config_version}
    return {**names, "config": {**reading.config, **version}}


def _renamings(load: Load, live: dict[str, Registration]) -> list[Finding]:
    """What of the file gets another key, or another class name."""
    findings = []
    for item in load.resolution.objects:
        registration = live.get(item.key)
        if registration is None:
            continue
        names = {use.class_name for use in item.uses if use.class_name is not None}
        others = sorted(names - {registration.target.__name__})
        if registration.key != item.key or (others and registration.kind is not Kind.FUNCTION):
            old = [item.needs.key, *(f"class {name}" for name in others)]
            new = registration.key
            if others and registration.kind is not Kind.FUNCTION:
                new = f"{new}, class {registration.target.__name__}"
            findings.append(renamed_finding(load.resolution, item, old, new))
    return findings


def _moves_weights(load: Load, live: dict[str, Registration]) -> bool:
    """Whether the weights in the file are not where, or what, the present classes expect."""
    migrated = {id(use) for use, _ in load.judgement.migrated} if load.judgement else set()
    for item in load.resolution.objects:
        registration = live.get(item.key)
        if registration is None or not hasattr(registration.target, "load_own_variables"):
            continue
        name = registration.target.__name__
        # In `.h5` the weights lie under the names of layers, not of classes.
        is_under_class = load.artifact.container != ".h5"
        if is_under_class and any(use.class_name not in {None, name} for use in item.uses):
            return True
        if registration.migrate_weights and any(id(use) in migrated for use in item.uses):
            return True
    return False


def _write_weights(
    source: Path, artifact: Artifact, folder: Path
) -> tuple[Path, dict[str, WeightsRecord | None] | None, list[Finding]]:
    """The weights of the loaded and verified model in a file, their records, and all warnings."""
    is_h5 = artifact.container == ".h5"
    saved = folder / ("migrated.h5" if is_h5 else "migrated.keras")
    with warnings.catch_warnings(), _quietly():
        warnings.simplefilter("ignore", KerasRegistryWarning)  # told with the other findings
        model = load_model(source)
        try:
            (write_h5 if is_h5 else save_model)(model, saved)
        except Exception as error:
            unsaved = _unsaved_finding(artifact, error)
            raise make_load_error(artifact.name, [unsaved]) from error
    loaded = report(model)
    found = () if loaded is None else loaded.findings
    warned = [item for item in found if item.level is Level.WARNING]
    again = read_artifact(saved).artifact
    manifest = None if again is None else read_manifest(again.manifest_document).value
    if not is_h5:
        with zipfile.ZipFile(saved) as archive:
            saved = Path(archive.extract(WEIGHTS[0], folder))
    return saved, None if manifest is None else manifest.weights, warned


def _unsaved_finding(artifact: Artifact, error: Exception) -> Finding:
    return finding(
        "A111",
        Policy.COMPATIBLE,
        "the migrated model cannot be saved",
        wanted=f"a model that Keras saves as {artifact.container}",
        found=f"{type(error).__name__}: {printable(error, limit=300)}",
        hint="the file is as it was; load it and save the model as .keras",
    )


@contextmanager
def _quietly() -> Iterator[None]:
    """Logs nothing of a model that nobody gets: what there is to say of it, the caller says."""
    loggers = [logging.getLogger(name) for name in ("absl", "keras_registry")]
    before = [logger.disabled for logger in loggers]
    try:
        for logger in loggers:
            logger.disabled = True
        yield
    finally:
        for logger, disabled in zip(loggers, before, strict=True):
            logger.disabled = disabled
