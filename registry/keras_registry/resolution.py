"""The load side: can this environment load this model, and with what?

Pure functions over what they are given. The answer is data; whoever asks decides what to raise.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from packaging.version import Version

from keras_registry.artifact import ConfigScan, ObjectUse, describe_place
from keras_registry.config import read_config_version
from keras_registry.findings import Finding, Need, Policy, finding
from keras_registry.manifest import MANIFEST_VERSION, Manifest, ManifestReading, hash_json
from keras_registry.names import printable
from keras_registry.ranges import Drift, compare_versions, compatible_range

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from keras_registry.environment import Environment, InstalledDistribution, Plugin
    from keras_registry.manifest import DistributionRecord, ObjectRecord
    from keras_registry.registration import Registration, Registry

__all__ = [
    "ObjectResolution",
    "Resolution",
    "Source",
    "import_finding",
    "judge_code",
    "judge_without_code",
    "promise_finding",
    "resolve_model",
    "validate_configs",
]


class Source(StrEnum):
    """Who has an object, in the order in which they are asked."""

    CUSTOM_OBJECTS = "custom_objects"
    SCOPE = "custom_object_scope"
    LIVE = "registered by the running program"
    PLUGIN = "plugin"
    KERAS = "keras"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class ObjectResolution:
    """One object that a model needs, and who has it.

    Attributes:
        key: The key as the model names it.
        source: Who has it.
        needs: The object and its places, for messages.
        uses: The places.
        record: What the manifest says of it; None if nothing.
        plugin: The plugin, if one has it.
    """

    key: str
    source: Source
    needs: Need
    uses: tuple[ObjectUse, ...]
    record: ObjectRecord | None = None
    plugin: Plugin | None = None


@dataclass(frozen=True, slots=True)
class Resolution:
    """Whether and how an environment can load a model.

    Attributes:
        policy: The policy by which the findings were judged.
        manifest: The manifest, if there is one that can be believed.
        objects: All objects that the model needs.
        findings: What is wrong or worth knowing, as far as no plugin code is needed to tell.
    """

    policy: Policy
    manifest: Manifest | None
    objects: tuple[ObjectResolution, ...]
    findings: tuple[Finding, ...]

    @property
    def plugins(self) -> tuple[Plugin, ...]:
        """The plugins that the model needs, each once."""
        found = {item.plugin.key: item.plugin for item in self.objects if item.plugin is not None}
        return tuple(found.values())


@dataclass(frozen=True)
class _Question:
    """What `resolve_model` was asked, handed to its parts."""

    policy: Policy
    manifest: Manifest | None
    environment: Environment
    registry: Registry | None
    given: Mapping[str, Source]
    keras_has: Callable[[ObjectUse], bool]
    config: Any

    def finding(self, code: str, summary: str, **parts: Any) -> Finding:
        return finding(code, self.policy, summary, **parts)


def resolve_model(
    config: Any,
    scan: ConfigScan,
    *,
    reading: ManifestReading | None,
    environment: Environment,
    policy: Policy,
    registry: Registry | None = None,
    given: Mapping[str, Source] | None = None,
    keras_has: Callable[[ObjectUse], bool] = lambda use: False,
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
        keras_has: Tells whether plain Keras finds an object by itself.
    """
    manifest = None if reading is None else reading.manifest
    question = _Question(
        policy, manifest, environment, registry, given or {}, keras_has, config
    )
    findings = list(_manifest_findings(question, reading, scan))
    findings += _environment_findings(question)
    objects: list[ObjectResolution] = []
    for key, uses in scan.by_key().items():
        resolved = _resolve(question, key, uses, findings)
        if resolved is not None:
            objects.append(resolved)
    findings += _missing_findings(question, objects)
    findings += _version_findings(question, objects)
    return Resolution(policy, manifest, tuple(objects), tuple(findings))


def _manifest_findings(
    question: _Question, reading: ManifestReading | None, scan: ConfigScan
) -> Iterator[Finding]:
    if reading is None:
        yield question.finding(
            "M101",
            "the file has no manifest",
            hint="save the model again with keras_registry imported",
        )
        return
    if reading.other_major is not None:
        yield question.finding(
            "M103",
            "the manifest has a format of another major version",
            wanted=f"manifest_version {MANIFEST_VERSION}",
            found=f"manifest_version {reading.other_major}",
            hint="pip install --upgrade keras-registry",
        )
        return
    if reading.newer_minor is not None:
        yield question.finding(
            "M104",
            "the manifest has a newer format",
            wanted=f"manifest_version {MANIFEST_VERSION}",
            found=f"manifest_version {reading.newer_minor}",
            hint="pip install --upgrade keras-registry",
        )
    if reading.problems:
        # One finding speaks for all: the first name that is none, else the first problem.
        first = next((p for p in reading.problems if p.is_name), reading.problems[0])
        more = len(reading.problems) - 1
        yield question.finding(
            "M105" if first.is_name else "M102",
            "the manifest holds something else in place of a name"
            if first.is_name
            else "the manifest cannot be used",
            location=first.pointer or "/",
            wanted=first.wanted,
            found=first.found + (f", and {more} more such places" if more else ""),
        )
        return
    manifest = reading.manifest
    if manifest is not None and manifest.config is not None:
        if manifest.config != hash_json(question.config):
            yield _disagreement(question, manifest, scan)


def _disagreement(question: _Question, manifest: Manifest, scan: ConfigScan) -> Finding:
    listed = {record.key for record in manifest.objects}
    used = {use.key for use in scan.uses if not use.is_possible}
    added = ", ".join(printable(key) for key in sorted(used - listed))
    return question.finding(
        "M106",
        "the manifest was made for another model description",
        wanted=f"the config with the hash {manifest.config}",
        found=f"a config that also names {added}" if added else "a config that was changed",
        hint="save the model again with keras_registry imported, if the change was yours",
    )


def _environment_findings(question: _Question) -> Iterator[Finding]:
    saved = question.manifest and question.manifest.environment
    if not saved:
        return
    here = question.environment
    if saved.keras and here.keras_version and Version(saved.keras) > Version(here.keras_version):
        yield question.finding(
            "K101",
            "the model was saved by a newer Keras",
            wanted=f"keras {saved.keras} or newer",
            found=f"keras {here.keras_version}",
            hint=f'pip install "keras>={saved.keras}"',
        )
    if saved.backend and saved.backend != here.backend:
        yield question.finding(
            "K102",
            "the model was saved under another backend",
            wanted=" ".join(filter(None, [saved.backend, saved.backend_version])),
            found=here.backend,
        )


def _resolve(
    question: _Question, key: str, uses: tuple[ObjectUse, ...], findings: list[Finding]
) -> ObjectResolution | None:
    """Who has an object; None if the text that looks like its key is just text."""
    record = None if question.manifest is None else question.manifest.find_object(key)
    kind = uses[0].kind if record is None else record.kind
    place = describe_place(question.config, uses[0].path)
    need = Need(printable(key), len(uses), place, str(kind))

    def resolved(source: Source, plugin: Plugin | None = None) -> ObjectResolution:
        return ObjectResolution(key, source, need, uses, record, plugin)

    def noted(code: str, summary: str) -> None:
        findings.append(question.finding(code, f"{need.key} {summary}", needs=(need,)))

    given = question.given.get(key)
    if given is Source.CUSTOM_OBJECTS:
        noted("R301", "is taken from custom_objects")
        return resolved(given)
    if given is Source.SCOPE:
        noted("R302", "is taken from the enclosing custom_object_scope")
        return resolved(given)
    recorded = _recorded_plugin(question, key, record)
    live = None if question.registry is None else question.registry.find(key)
    if live is not None and not (recorded and _provides(recorded, live)):
        if record is not None and record.distribution is not None:
            noted("R303", f"is the one that {'.'.join(live.origin)} registered")
        return resolved(Source.LIVE)
    if recorded is not None:
        return resolved(Source.PLUGIN, recorded)
    if question.keras_has(uses[0]):
        noted("R304", "is not a plugin, and Keras found it")
        return resolved(Source.KERAS)
    is_possible = record is None and all(use.is_possible for use in uses)
    if is_possible and question.manifest is not None:
        return None
    claimants = question.environment.find_plugins(key)
    if len(claimants) == 1:
        if record is not None and record.distribution is not None:
            findings.append(_moved_finding(question, record, need, claimants[0]))
        return resolved(Source.PLUGIN, claimants[0])
    if is_possible:
        return None
    if claimants:
        findings.append(_rivals_finding(question, need, claimants))
    return resolved(Source.MISSING)


def _recorded_plugin(
    question: _Question, key: str, record: ObjectRecord | None
) -> Plugin | None:
    if record is None or record.distribution is None:
        return None
    distribution = question.environment.find_distribution(record.distribution)
    return None if distribution is None else distribution.find_plugin(key)


def _provides(plugin: Plugin, live: Registration) -> bool:
    return plugin.module.partition(".")[0] == live.module.partition(".")[0]


def _moved_finding(
    question: _Question, record: ObjectRecord, need: Need, plugin: Plugin
) -> Finding:
    return question.finding(
        "R210",
        f"{need.key} comes from another distribution",
        needs=(need,),
        distribution=plugin.distribution,
        wanted=f"{record.distribution}, with which the model was saved",
        found=f"{plugin.distribution} {plugin.distribution_version}",
        hint="save the model again, if that is where the object moved",
    )


def _rivals_finding(question: _Question, need: Need, claimants: Sequence[Plugin]) -> Finding:
    names = ", ".join(f"{p.distribution} {p.distribution_version}" for p in claimants)
    return question.finding(
        "R104",
        f"{len(claimants)} distributions provide {need.key}",
        needs=(need,),
        wanted="one, or a manifest that names one",
        found=names,
        hint=f"uninstall all but one, or pass custom_objects={{{need.key!r}: ...}}",
    )


def _missing_findings(
    question: _Question, objects: Sequence[ObjectResolution]
) -> Iterator[Finding]:
    rivals = {
        item.key
        for item in objects
        if item.source is Source.MISSING and question.environment.find_plugins(item.key)
    }
    missing = [i for i in objects if i.source is Source.MISSING and i.key not in rivals]
    by_distribution: dict[str, list[ObjectResolution]] = {}
    for item in missing:
        name = None if item.record is None else item.record.distribution
        if name is not None:
            by_distribution.setdefault(name, []).append(item)
        elif item.uses[0].is_unpublished or (item.record and item.record.module == "__main__"):
            yield _unpublished_finding(question, item)
        else:
            yield _unknown_finding(question, item)
    for name, items in by_distribution.items():
        installed = question.environment.find_distribution(name)
        if installed is None:
            yield _not_installed_finding(question, name, items)
        else:
            yield _not_provided_finding(question, installed, items)


def _unpublished_finding(question: _Question, item: ObjectResolution) -> Finding:
    name = item.key.rpartition(">")[2]
    return question.finding(
        "R107",
        f"{item.needs.key} was never published",
        needs=(item.needs,),
        wanted="its definition",
        found="it was defined in a script or notebook when the model was saved",
        hint=f"run its definition first, or pass custom_objects={{{printable(name)!r}: ...}}",
    )


def _unknown_finding(question: _Question, item: ObjectResolution) -> Finding:
    module = item.uses[0].module
    known = [p.key for d in question.environment.iter_distributions() for p in d.plugins]
    near = difflib.get_close_matches(item.key, known, n=3)
    found = "no installed distribution lists it, and Keras does not have it"
    if module is not None:
        found += f"; the file says it was defined in {printable(module, limit=80)}"
    if near:
        hint = f"the nearest names here: {', '.join(near)}"
    else:
        hint = (
            "import the module that defines it, or pass "
            f"custom_objects={{{printable(item.key.rpartition('>')[2])!r}: ...}}"
        )
    return question.finding(
        "R106",
        f"nothing here provides {item.needs.key}",
        needs=(item.needs,),
        wanted="a distribution that lists it",
        found=found,
        hint=hint,
    )


_TRUST = "it is the file that names it: install it only if you trust its source"


def _not_installed_finding(
    question: _Question, name: str, items: Sequence[ObjectResolution]
) -> Finding:
    record = question.manifest and question.manifest.find_distribution(name)
    return question.finding(
        "R101",
        f"{name} is not installed",
        needs=tuple(item.needs for item in items),
        distribution=name,
        wanted=_wanted(name, record or None),
        found="no such distribution",
        hint=f"{_install_line(name, record or None)}    {_TRUST}",
    )


def _not_provided_finding(
    question: _Question, installed: InstalledDistribution, items: Sequence[ObjectResolution]
) -> Finding:
    name, version = installed.name, installed.distribution_version
    record = question.manifest and question.manifest.find_distribution(name)
    provided = [plugin.key for plugin in installed.plugins]
    near = [k for item in items for k in difflib.get_close_matches(item.key, provided, n=2)]
    shown = ", ".join(dict.fromkeys(near)) or ", ".join(provided[:3]) or "no objects"
    recorded = record.version if record else None
    if recorded is not None and recorded != version:
        hint = f'pip install "{name}=={recorded}"    the version that the model was saved with'
    else:
        hint = f"ask the author of {name} where the object is, or pass it in custom_objects"
    return question.finding(
        "R102",
        f"{name} {version} does not provide {', '.join(item.needs.key for item in items)}",
        needs=tuple(item.needs for item in items),
        distribution=name,
        wanted=_wanted(name, record or None),
        found=f"{name} {version}, which provides {shown}",
        hint=hint,
    )


def _wanted(name: str, record: DistributionRecord | None) -> str:
    if record is None or record.version is None:
        return name
    return f"{name} {compatible_range(record.version)}      saved with {record.version}"


def _install_line(name: str, record: DistributionRecord | None) -> str:
    if record is None or record.version is None:
        return f"pip install {name}"
    return f'pip install "{name}{compatible_range(record.version)}"'


def _by_distribution(
    resolution_objects: Iterable[ObjectResolution],
) -> Mapping[str, list[ObjectResolution]]:
    """The objects that come from the distribution that the manifest names, by its name."""
    grouped: dict[str, list[ObjectResolution]] = {}
    for item in resolution_objects:
        if item.plugin is not None and item.record is not None:
            if item.plugin.distribution == item.record.distribution:
                grouped.setdefault(item.plugin.distribution, []).append(item)
    return grouped


def _drift(manifest: Manifest | None, plugin: Plugin | None) -> Drift | None:
    if manifest is None or plugin is None:
        return None
    record = manifest.find_distribution(plugin.distribution)
    if record is None or record.version is None:
        return None
    return compare_versions(plugin.distribution_version, record.version)


def _version_findings(
    question: _Question, objects: Sequence[ObjectResolution]
) -> Iterator[Finding]:
    manifest = question.manifest
    for name, items in _by_distribution(objects).items():
        record = manifest and manifest.find_distribution(name)
        installed = question.environment.find_distribution(name)
        drift = _drift(manifest, items[0].plugin)
        if not record or installed is None or drift is None:
            continue
        parts: dict[str, Any] = {
            "needs": tuple(item.needs for item in items),
            "distribution": name,
            "wanted": _wanted(name, record),
            "found": f"{name} {installed.distribution_version}",
        }
        upgrade = _install_line(name, record)
        if drift is Drift.OLDER:
            yield question.finding("R201", f"{name} is too old", hint=upgrade, **parts)
        elif drift is Drift.OLDER_IN_RANGE:
            hint = f'pip install "{name}>={record.version},{upgrade.rpartition(",")[2]}'
            summary = f"{name} is older than the one used to save"
            yield question.finding("R202", summary, hint=hint, **parts)
        elif drift is Drift.NEWER_IN_RANGE:
            yield question.finding("R203", f"{name} is newer than the one used to save", **parts)
        elif drift is Drift.SAME:
            yield from _digest_findings(question, installed, record, parts)


def _digest_findings(
    question: _Question,
    installed: InstalledDistribution,
    record: DistributionRecord,
    parts: dict[str, Any],
) -> Iterator[Finding]:
    name = installed.name
    if installed.editable or record.editable:
        where = "here" if installed.editable else "where the model was saved"
        yield question.finding(
            "R209",
            f"{name} is an editable install {where}, so its code cannot be compared",
            **parts,
        )
        return
    if record.digest is None or installed.digest is None or record.digest == installed.digest:
        return
    parts = {
        **parts,
        "wanted": f"{name} {record.version} with {record.digest[:19]}…",
        "found": f"{name} {installed.distribution_version} with {installed.digest[:19]}…",
    }
    yield question.finding(
        "R208",
        f"{name} {record.version} has other code than when the model was saved",
        hint=f'pip install --force-reinstall "{name}=={record.version}", '
        "or give changed code a new version",
        **parts,
    )


def judge_without_code(resolution: Resolution) -> tuple[Finding, ...]:
    """What must be said of newer distributions as long as their code is not imported."""
    findings = []
    for name, items in _by_distribution(resolution.objects).items():
        if _drift(resolution.manifest, items[0].plugin) is Drift.NEWER:
            summary = f"{name} is newer than the compatible range"
            findings.append(_newer_finding(resolution, "R211", summary, name, items))
    return tuple(findings)


def judge_code(resolution: Resolution, registry: Registry) -> tuple[Finding, ...]:
    """What the imported code tells of the objects' config schemas.

    Args:
        resolution: The resolution, its plugins imported.
        registry: The live registered objects.
    """
    findings = []
    for name, items in _by_distribution(resolution.objects).items():
        drift = _drift(resolution.manifest, items[0].plugin)
        changed = [item for item in items if _has_other_schema(item, registry)]
        same = [item for item in items if item not in changed]
        if drift is Drift.NEWER and same:
            summary = f"{name} is newer than the compatible range"
            findings.append(_newer_finding(resolution, "R205", summary, name, same))
        if drift is Drift.NEWER and changed:
            summary = f"{name} is newer, and its config schema changed without a migration"
            findings.append(_newer_finding(resolution, "R206", summary, name, changed))
        elif changed:
            summary = f"{name} changed a config schema without a new config_version"
            findings.append(_newer_finding(resolution, "R207", summary, name, changed))
    return tuple(findings)


def _newer_finding(
    resolution: Resolution,
    code: str,
    summary: str,
    name: str,
    items: Sequence[ObjectResolution],
) -> Finding:
    record = resolution.manifest and resolution.manifest.find_distribution(name)
    plugin = items[0].plugin
    return finding(
        code,
        resolution.policy,
        summary,
        needs=tuple(item.needs for item in items),
        distribution=name,
        wanted=_wanted(name, record or None),
        found=f"{name} {plugin.distribution_version}" if plugin else None,
        hint=f"{_install_line(name, record or None)}, or save the model again when it is checked",
    )


def _has_other_schema(item: ObjectResolution, registry: Registry) -> bool:
    live = None if item.plugin is None else registry.find(item.plugin.key)
    if live is None or live.schema is None or item.record is None or item.record.schema is None:
        return False
    same_version = item.record.config_version in {None, live.config_version}
    return same_version and item.record.schema != live.schema.fingerprint


def validate_configs(resolution: Resolution, config: Any, registry: Registry) -> list[Finding]:
    """What the config schemas of the live objects refuse in a model's config.

    Args:
        resolution: The resolution, its plugins imported.
        config: The JSON document of ``config.json``.
        registry: The live registered objects.
    """
    findings: list[Finding] = []
    for item in resolution.objects:
        if item.source not in {Source.LIVE, Source.PLUGIN}:
            continue
        live = registry.find(item.key if item.plugin is None else item.plugin.key)
        if live is None or live.schema is None:
            continue
        for use in item.uses:
            inner = _node_at(config, use).get("config")
            if isinstance(inner, dict):
                findings += _config_findings(resolution, item, use, live, inner, config)
    return findings


def _node_at(config: Any, use: ObjectUse) -> dict[str, Any]:
    node = config
    for token in use.path:
        node = node[token]
    return node if isinstance(node, dict) else {}


def _config_findings(
    resolution: Resolution,
    item: ObjectResolution,
    use: ObjectUse,
    live: Registration,
    inner: dict[str, Any],
    config: Any,
) -> Iterator[Finding]:
    schema = live.schema
    if schema is None:
        return
    place = describe_place(config, use.path)
    parts: dict[str, Any] = {
        "location": f"{use.pointer}/config",
        "needs": (replace(item.needs, count=1, place=place),),
        "distribution": None if item.plugin is None else item.plugin.distribution,
    }
    saved = read_config_version(inner)
    if saved != schema.config_version:
        newer = saved > schema.config_version
        have = _installed(item)
        yield finding(
            "S102" if newer else "S103",
            resolution.policy,
            f"{place}: the config of {item.needs.key} is too {'new' if newer else 'old'}",
            wanted=f"config_version {schema.config_version}{have}",
            found=f"config_version {saved}{_saved_with(resolution, item)}",
            hint=_upgrade_hint(resolution, item, newer=newer),
            **parts,
        )
        return
    problems = schema.validate_config(inner)
    if problems:
        yield finding(
            "S101",
            resolution.policy,
            "; ".join(f"{place}: {p.field}: {p.wanted}" for p in problems),
            wanted=f"a config that {item.needs.key}{_installed(item)} accepts",
            found="; ".join(f"{p.field} = {p.found}" for p in problems)
            + _saved_with(resolution, item),
            hint=_upgrade_hint(resolution, item, newer=False),
            **parts,
        )


def _installed(item: ObjectResolution) -> str:
    if item.plugin is None:
        return ""
    return f" of {item.plugin.distribution} {item.plugin.distribution_version}"


def _recorded_version(resolution: Resolution, item: ObjectResolution) -> str | None:
    if resolution.manifest is None or item.record is None:
        return None
    record = resolution.manifest.find_distribution(item.record.distribution)
    return None if record is None else record.version


def _saved_with(resolution: Resolution, item: ObjectResolution) -> str:
    version = _recorded_version(resolution, item)
    return "" if version is None or item.record is None else (
        f"      saved with {item.record.distribution} {version}"
    )


def _upgrade_hint(resolution: Resolution, item: ObjectResolution, *, newer: bool) -> str | None:
    version = _recorded_version(resolution, item)
    if item.record is None or version is None or item.plugin is None:
        return None
    if version == item.plugin.distribution_version:
        return f"the file was changed, or tell the author of {item.plugin.distribution}"
    operator = ">=" if newer else "=="
    return f'pip install "{item.record.distribution}{operator}{version}"'


def import_finding(
    resolution: Resolution, plugin: Plugin, error: BaseException
) -> Finding:
    """The finding for a plugin whose import fails.

    Args:
        resolution: The resolution that needs the plugin.
        plugin: The plugin.
        error: What importing it raised.
    """
    line = f'pip install "{plugin.distribution}=={plugin.distribution_version}"'
    return finding(
        "R103",
        resolution.policy,
        f"{plugin.distribution}=={plugin.distribution_version} cannot be imported",
        needs=_needs_of(resolution, plugin),
        distribution=plugin.distribution,
        wanted=f"import {plugin.module}",
        found=f"{type(error).__name__}: {printable(error, limit=300)}",
        hint=f"{line}    pip then brings what it requires",
    )


def promise_finding(resolution: Resolution, plugin: Plugin, found: str) -> Finding:
    """The finding for a plugin whose entry point leads to something that is not registered.

    Args:
        resolution: The resolution that needs the plugin.
        plugin: The plugin.
        found: What is there instead.
    """
    return finding(
        "R105",
        resolution.policy,
        f"{plugin.distribution}=={plugin.distribution_version} does not keep its promise",
        needs=_needs_of(resolution, plugin),
        distribution=plugin.distribution,
        wanted=f"{plugin.target} registered as {plugin.key}",
        found=found,
        hint=f"tell the author of {plugin.distribution}: decorate it with @register",
    )


def _needs_of(resolution: Resolution, plugin: Plugin) -> tuple[Need, ...]:
    return tuple(item.needs for item in resolution.objects if item.plugin == plugin)
