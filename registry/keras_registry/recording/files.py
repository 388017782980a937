"""The manifest of a model that was saved long ago, by its file and by what is installed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from keras_registry.artifact import ConfigScan, ObjectUse, describe_place
from keras_registry.config import CONFIG_VERSION_FIELD, read_config_version
from keras_registry.documents.forms import BACKEND, CLASS_NAME, KEY, MODULE, VERSION
from keras_registry.environment import normalise_version, rivals_finding
from keras_registry.findings import Finding, Need, Policy, finding
from keras_registry.hashes import hash_form, hash_json
from keras_registry.manifest import (
    MANIFEST_VERSION,
    DistributionRecord,
    EnvironmentRecord,
    Manifest,
    ObjectRecord,
)
from keras_registry.names import Kind, printable
from keras_registry.recording.parts import Recording, if_fits, places_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from keras_registry.artifact import Artifact
    from keras_registry.environment import Environment, Plugin

__all__ = ["record_file"]


def record_file(
    artifact: Artifact,
    scan: ConfigScan,
    *,
    generator: str,
    environment: Environment,
    policy: Policy,
    former: Manifest | None = None,
) -> Recording:
    """The manifest of a model in a file, as far as the file and what is installed here tell.

    What nobody knows any more is unknown in it: the versions and the code of the distributions
    with which the model was saved, the schemas of its objects and the hashes of its weights.

    Args:
        artifact: The model.
        scan: The objects that its config names.
        generator: The program that records, and its version.
        environment: What is installed: it tells which distribution lists an object.
        policy: How strictly to judge.
        former: The manifest that the model has; what it says of the save, of the weights and of
            objects that are still used stays.
    """
    records: list[ObjectRecord] = []
    findings: list[Finding] = []
    lacking: list[Need] = []
    for key, uses in scan.by_key().items():
        old = None if former is None else former.find_object(key)
        plugins = () if old is not None and old.distribution else environment.find_plugins(key)
        if old is None and not plugins and all(use.is_possible for use in uses):
            continue
        record = _record_saved(artifact, uses, plugins[0] if len(plugins) == 1 else None, old)
        records.append(record)
        if record.distribution is None and not uses[0].in_keras_family:
            place = describe_place(artifact.config, uses[0].path)
            lacking.append(Need(printable(key), len(uses), place))
        if len(plugins) > 1:
            findings.append(rivals_finding(key, plugins))
    kept = tuple(record for record in records if KEY.accepts(record.key))
    names = sorted({record.distribution for record in kept if record.distribution is not None})
    known = {} if former is None else former.distributions or {}
    manifest = Manifest(
        manifest_version=MANIFEST_VERSION,
        generator=generator,
        environment=_saving_environment(artifact, former),
        distributions={name: known.get(name, DistributionRecord()) for name in names},
        objects=kept,
        weights=None if former is None else former.weights,
        config=hash_json(artifact.config),
        config_form=hash_form(artifact.config),
    )
    return Recording(manifest, (*_lacking_findings(lacking, policy), *findings))


def _saving_environment(artifact: Artifact, former: Manifest | None) -> EnvironmentRecord:
    """What a file says of the Keras that saved it, where its manifest does not."""
    if former is not None and former.environment is not None:
        return former.environment
    keras_version, backend = map(artifact.find_metadata, ("keras_version", "backend"))
    found = normalise_version(keras_version) if isinstance(keras_version, str) else None
    return EnvironmentRecord(
        keras=if_fits(VERSION, found),
        backend=if_fits(BACKEND, backend if isinstance(backend, str) else None),
    )


def _record_saved(
    artifact: Artifact,
    uses: tuple[ObjectUse, ...],
    plugin: Plugin | None,
    old: ObjectRecord | None,
) -> ObjectRecord:
    """The record of an object, by its config, what lists it here, and its former record."""
    use = uses[0]
    record = old or ObjectRecord(key=use.key, kind=use.kind if plugin is None else plugin.kind)
    if record.distribution is None and plugin is not None:
        record = replace(record, distribution=plugin.distribution)
    # Keras writes one and the same module for all functions.
    module = None if use.kind is Kind.FUNCTION else if_fits(MODULE, use.module)
    version = _config_version(artifact.config, uses, record)
    return replace(
        record,
        class_name=if_fits(CLASS_NAME, use.class_name) or record.class_name,
        module=module or record.module,
        config_version=version,
        schema=record.schema if version == record.config_version else None,
        **places_of(uses),
    )


def _config_version(config: Any, uses: tuple[ObjectUse, ...], record: ObjectRecord) -> int | None:
    """The version of the config schema under which an object was saved, by its configs."""
    versions = set()
    for use in uses:
        node = config
        for step in use.path:
            node = node[step]
        inner = node.get("config") if isinstance(node, dict) else None
        # Without the field it is 1, if the object is one that has such versions at all.
        is_versioned = record.distribution is not None or record.config_version is not None
        if isinstance(inner, dict) and (is_versioned or CONFIG_VERSION_FIELD in inner):
            versions.add(read_config_version(inner))
    return versions.pop() if len(versions) == 1 else None


def _lacking_findings(lacking: Iterable[Need], policy: Policy) -> tuple[Finding, ...]:
    needs = tuple(lacking)
    if not needs:
        return ()
    return (
        finding(
            "M107",
            policy,
            "the new manifest names no distribution for these objects",
            needs=needs,
            wanted="one installed distribution that lists each of them",
            found="none, or more than one",
            hint="install what provides them here, and run the command again with --replace",
        ),
    )
