"""The manifest of a model that is being saved, by the objects that the program has registered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keras_registry.artifact import ObjectUse, describe_place
from keras_registry.documents.forms import CLASS_NAME, DISTRIBUTION, KEY, MODULE
from keras_registry.findings import Finding, Need, Policy, finding
from keras_registry.manifest import (
    MANIFEST_VERSION,
    DistributionRecord,
    EnvironmentRecord,
    Manifest,
    ObjectRecord,
    WeightsRecord,
)
from keras_registry.names import Kind, printable
from keras_registry.ranges import compatible_range
from keras_registry.recording.parts import ConfigFacts, Recording, if_fits, places_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from keras_registry.environment import Environment, InstalledDistribution
    from keras_registry.registration import Registration, Registry

__all__ = ["KnownObject", "record_model"]


@dataclass(frozen=True, slots=True)
class KnownObject:
    """An object that plain Keras has under a key, as far as it is known.

    Attributes:
        kind: What it is used for.
        module: The module that defines it.
    """

    kind: Kind
    module: str


def record_model(
    config: Any,
    facts: ConfigFacts,
    *,
    generator: str,
    registry: Registry,
    environment: Environment,
    known: Mapping[str, KnownObject],
    weights: Mapping[str, WeightsRecord],
) -> Recording:
    """The manifest of a serialised model.

    Args:
        config: The JSON document of ``config.json``.
        facts: What was read of it.
        generator: The program that records, and its version.
        registry: The live registered objects.
        environment: What is installed.
        known: Objects that plain Keras has under keys of the config, and that are not ours.
        weights: The records of the weights, by part.
    """
    records: list[ObjectRecord] = []
    sources: dict[str, InstalledDistribution] = {}
    stranded: list[Need] = []
    for key, uses in facts.scan.by_key().items():
        registration = registry.find(key)
        if registration is None and all(use.is_possible for use in uses):
            continue
        title = "a lambda" if key == "<lambda>" else key  # as a `.h5` file calls it in its losses
        need = Need(title, len(uses), describe_place(config, uses[0].path))
        if registration is None:
            records.append(_record_other(uses, known.get(key)))
            if key not in known or _is_main(known[key].module):
                stranded.append(need)
            continue
        distribution = find_distribution_of(registration, environment)
        if distribution is not None:
            sources[distribution.name] = distribution
        elif _is_main(registration.module):
            stranded.append(need)
        records.append(_record_registered(uses, registration, distribution))
    stranded += [Need("a lambda", 1, describe_place(config, path)) for path in facts.scan.lambdas]
    manifest = Manifest(
        manifest_version=MANIFEST_VERSION,
        generator=generator,
        environment=EnvironmentRecord(
            python=environment.python_version,
            keras=environment.keras_version,
            backend=environment.backend,
            backend_version=environment.backend_version,
        ),
        distributions={name: _record_distribution(sources[name]) for name in sorted(sources)},
        objects=tuple(record for record in records if KEY.accepts(record.key)),
        weights=dict(weights),
        config=facts.hash,
        config_form=facts.form,
    )
    return Recording(manifest, _stranded_findings(stranded))


def find_distribution_of(
    registration: Registration, environment: Environment
) -> InstalledDistribution | None:
    """The installed distribution that lists a live object, or None.

    The distribution that is named like the object's top-level module is tried first, so that
    most objects are found without a scan.
    """
    guess = registration.module.partition(".")[0].replace("_", "-").lower()
    if DISTRIBUTION.accepts(guess):
        found = environment.find_distribution(guess)
        if found is not None and _lists(found, registration):
            return found
    for plugin in environment.find_plugins(registration.key):
        found = environment.find_distribution(plugin.distribution)
        if found is not None and _lists(found, registration):
            return found
    return None


def _lists(distribution: InstalledDistribution, registration: Registration) -> bool:
    """Whether the distribution lists the object, in its own module or where it is handed on."""
    plugin = distribution.find_plugin(registration.key)
    if plugin is None or plugin.key != registration.key:
        return False
    roots = {plugin.module.partition(".")[0], registration.module.partition(".")[0]}
    return len(roots) == 1


def _is_main(module: str | None) -> bool:
    return module is None or module == "__main__"


def _record_registered(
    uses: tuple[ObjectUse, ...],
    registration: Registration,
    distribution: InstalledDistribution | None,
) -> ObjectRecord:
    schema = registration.schema
    return ObjectRecord(
        key=registration.key,
        kind=registration.kind,
        class_name=if_fits(CLASS_NAME, registration.target.__name__),
        module=if_fits(MODULE, registration.module),
        distribution=None if distribution is None else distribution.name,
        config_version=None if registration.kind is Kind.FUNCTION else registration.config_version,
        schema=None if schema is None else schema.fingerprint,
        **places_of(uses),
    )


def _record_other(uses: tuple[ObjectUse, ...], known: KnownObject | None) -> ObjectRecord:
    use = uses[0]
    module = use.module if known is None else known.module
    return ObjectRecord(
        key=use.key,
        kind=use.kind if known is None else known.kind,
        class_name=if_fits(CLASS_NAME, use.class_name),
        module=if_fits(MODULE, module),
        **places_of(uses),
    )


def _record_distribution(distribution: InstalledDistribution) -> DistributionRecord:
    return DistributionRecord(
        version=distribution.distribution_version,
        requires=compatible_range(distribution.distribution_version),
        editable=distribution.editable,
        digest=distribution.digest,
    )


def _stranded_findings(stranded: Iterable[Need]) -> tuple[Finding, ...]:
    needs = tuple(Need(printable(n.key), n.count, n.place) for n in stranded)
    if not needs:
        return ()
    return (
        finding(
            "K201",
            Policy.COMPATIBLE,
            "the model uses objects that nobody else can load",
            needs=needs,
            wanted="objects of an installed distribution, decorated with @register",
            found="objects that exist in this program only",
            hint="move them into an installable distribution; a lambda must become a function",
        ),
    )
