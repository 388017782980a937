"""Resolving every object that a model names, without importing anything."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from keras_registry.artifact import ConfigScan, ObjectUse, describe_place
from keras_registry.findings import Finding, Need, Policy
from keras_registry.names import printable
from keras_registry.resolution.document import (
    environment_findings,
    manifest_findings,
    saving_keras,
)
from keras_registry.resolution.missing import missing_findings, moved_finding, rivals_finding
from keras_registry.resolution.model import ObjectResolution, Question, Resolution, Source
from keras_registry.resolution.versions import version_findings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keras_registry.environment import Environment, Plugin
    from keras_registry.manifest import ManifestReading, ObjectRecord
    from keras_registry.registration import Registry

__all__ = ["resolve_model", "resolve_weights"]


def resolve_model(
    config: Any,
    scan: ConfigScan,
    *,
    reading: ManifestReading | None,
    environment: Environment,
    policy: Policy,
    registry: Registry | None = None,
    given: Mapping[str, Source] | None = None,
    keras_has: Callable[[ObjectUse], bool] | None = None,
    keras_version: Any = None,
    saved_config: Any = None,
) -> Resolution:
    """Resolves every object that a model names, without importing anything.

    Args:
        config: The JSON document of ``config.json``.
        scan: The objects that it names.
        reading: What came of reading the manifest; None if the file has none.
        environment: What is installed.
        policy: How strictly to judge.
        registry: The live registered objects; None where nothing is imported.
        given: The keys that the caller has an object for, and whether from ``custom_objects`` or
            from an enclosing scope.
        keras_has: Tells whether plain Keras finds an object by itself; None if it cannot.
        keras_version: What the file itself says of the Keras that saved it.
        saved_config: The document as the file has it, where another one was made of it.
    """
    manifest = None if reading is None else reading.value
    saved_with = saving_keras(manifest, keras_version)
    question = Question(
        policy, manifest, saved_with, environment, registry, given or {}, keras_has, config
    )
    saved_config = config if saved_config is None else saved_config
    findings = list(manifest_findings(reading, saved_config, scan, policy))
    findings += environment_findings(question)
    objects: list[ObjectResolution] = []
    for key, uses in scan.by_key().items():
        resolved = _resolve(question, key, uses, findings)
        if resolved is not None:
            objects.append(resolved)
    findings += missing_findings(question, objects)
    findings += version_findings(question, objects)
    return Resolution(policy, manifest, saved_with, tuple(objects), tuple(findings))


def resolve_weights(
    reading: ManifestReading | None,
    *,
    environment: Environment,
    policy: Policy,
    registry: Registry,
) -> Resolution:
    """Resolves the objects of a file of weights that the running program has.

    Only these are looked for: the weights go into a model that is there already.

    Args:
        reading: What came of reading the manifest; None if the file has none.
        environment: What is installed.
        policy: How strictly to judge.
        registry: The live registered objects.
    """
    if reading is not None and reading.value is not None:
        # The hash of a config says nothing here: the model need not be of that config.
        reading = replace(reading, value=replace(reading.value, config=None))
    records = () if reading is None or reading.value is None else reading.value.objects
    uses = tuple(
        ObjectUse(record.key, (), record.class_name, record.module, record.kind)
        for record in records
        if registry.find(record.key) is not None
    )
    return resolve_model(
        None,
        ConfigScan(uses, ()),
        reading=reading,
        environment=environment,
        policy=policy,
        registry=registry,
    )


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A key that a model names, before it is known who has the object."""

    key: str
    uses: tuple[ObjectUse, ...]
    need: Need
    record: ObjectRecord | None

    @property
    def recorded_distribution(self) -> str | None:
        return None if self.record is None else self.record.distribution

    @property
    def may_be_text(self) -> bool:
        """Whether it may as well be a string that merely looks like a key."""
        return self.record is None and all(use.is_possible for use in self.uses)


@dataclass(frozen=True, slots=True)
class _Answer:
    """Who has an object, and what is to be said about that."""

    source: Source
    plugin: Plugin | None = None
    finding: Finding | None = None


def _resolve(
    question: Question, key: str, uses: tuple[ObjectUse, ...], findings: list[Finding]
) -> ObjectResolution | None:
    """Who has an object; None if the text that looks like its key is just text."""
    record = None if question.manifest is None else question.manifest.find_object(key)
    kind = uses[0].kind if record is None else record.kind
    place = describe_place(question.config, uses[0].path)
    need = Need(printable(key), len(uses), place, str(kind))
    candidate = _Candidate(key, uses, need, record)
    for ask in _ASKED_IN_ORDER:
        answer = ask(question, candidate)
        if answer is not None:
            if answer.finding is not None:
                findings.append(answer.finding)
            return ObjectResolution(key, answer.source, need, uses, record, answer.plugin)
    if candidate.may_be_text:
        return None
    return ObjectResolution(key, Source.MISSING, need, uses, record)


def _ask_caller(question: Question, candidate: _Candidate) -> _Answer | None:
    source = question.given.get(candidate.key)
    if source is None:
        return None
    code, words = {
        Source.CUSTOM_OBJECTS: ("R301", "is taken from custom_objects"),
        Source.SCOPE: ("R302", "is taken from the enclosing custom_object_scope"),
    }[source]
    return _Answer(source, finding=_note(question, candidate, code, words))


def _ask_running_program(question: Question, candidate: _Candidate) -> _Answer | None:
    live = None if question.registry is None else question.registry.find(candidate.key)
    if live is None:
        return None
    plugin = _recorded_plugin(question, candidate)
    if plugin is not None and _root(plugin.module) == _root(live.module):
        return _Answer(Source.PLUGIN, plugin)  # imported already
    if candidate.recorded_distribution is None:
        return _Answer(Source.LIVE)
    claimants = question.environment.find_plugins(candidate.key)
    other = next((p for p in claimants if _root(p.module) == _root(live.module)), None)
    if other is not None:
        recorded = candidate.recorded_distribution
        moved = moved_finding(question, recorded, candidate.need, other)
        return _Answer(Source.PLUGIN, other, moved)
    words = f"is the one that {'.'.join(live.origin)} registered"
    return _Answer(Source.LIVE, finding=_note(question, candidate, "R303", words))


def _ask_recorded_distribution(question: Question, candidate: _Candidate) -> _Answer | None:
    plugin = _recorded_plugin(question, candidate)
    return None if plugin is None else _Answer(Source.PLUGIN, plugin)


def _ask_keras(question: Question, candidate: _Candidate) -> _Answer | None:
    if question.keras_has is None or not question.keras_has(candidate.uses[0]):
        return None
    words = "is not a plugin, and Keras found it"
    return _Answer(Source.KERAS, finding=_note(question, candidate, "R304", words))


def _ask_all_distributions(question: Question, candidate: _Candidate) -> _Answer | None:
    if candidate.may_be_text and question.manifest is not None:
        return None
    claimants = question.environment.find_plugins(candidate.key)
    if len(claimants) == 1:
        recorded = candidate.recorded_distribution
        moved = (
            None
            if recorded is None
            else moved_finding(question, recorded, candidate.need, claimants[0])
        )
        return _Answer(Source.PLUGIN, claimants[0], moved)
    if claimants and not candidate.may_be_text:
        rivals = rivals_finding(question, candidate.need, claimants)
        return _Answer(Source.MISSING, finding=rivals)
    return None


_ASKED_IN_ORDER = (
    _ask_caller,
    _ask_running_program,
    _ask_recorded_distribution,
    _ask_all_distributions,
    _ask_keras,
)


def _note(question: Question, candidate: _Candidate, code: str, words: str) -> Finding:
    need = candidate.need
    return question.finding(code, f"{need.key} {words}", needs=(need,))


def _recorded_plugin(question: Question, candidate: _Candidate) -> Plugin | None:
    name = candidate.recorded_distribution
    distribution = None if name is None else question.environment.find_distribution(name)
    return None if distribution is None else distribution.find_plugin(candidate.key)


def _root(module: str) -> str:
    return module.partition(".")[0]
