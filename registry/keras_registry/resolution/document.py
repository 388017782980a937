"""What the manifest as a document tells: whether it can be believed, and where it was made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packaging.version import Version

from keras_registry.artifact import describe_place
from keras_registry.documents.forms import VERSION
from keras_registry.environment import normalise_version
from keras_registry.findings import Finding, Need, Policy, finding
from keras_registry.hashes import hash_form, hash_json
from keras_registry.manifest import validate_reading
from keras_registry.names import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keras_registry.artifact import ConfigScan
    from keras_registry.manifest import Manifest, ManifestReading
    from keras_registry.resolution.model import Question

__all__ = [
    "environment_findings",
    "form_finding",
    "lambda_findings",
    "manifest_findings",
    "saving_keras",
]


def manifest_findings(
    reading: ManifestReading | None, config: Any, scan: ConfigScan, policy: Policy
) -> Iterator[Finding]:
    """What is wrong with the manifest itself (codes M).

    Args:
        reading: What came of reading the manifest; None if the file has none.
        config: The JSON document of ``config.json``.
        scan: The objects that it names.
        policy: How strictly to judge.
    """
    yield from validate_reading(reading, policy)
    if reading is None:
        return
    expected = None if reading.value is None else reading.value.config
    if reading.value and expected is not None and expected != hash_json(config):
        yield _disagreement(reading.value, scan, policy)


def _disagreement(manifest: Manifest, scan: ConfigScan, policy: Policy) -> Finding:
    listed = {record.key for record in manifest.objects}
    used = {use.key for use in scan.uses if not use.is_possible}
    added = ", ".join(printable(key) for key in sorted(used - listed))
    return finding(
        "M106",
        policy,
        "the manifest was made for another model description",
        wanted=f"the config with the hash {manifest.config}",
        found=f"a config that also names {added}" if added else "a config that was changed",
        hint="save the model again with keras_registry imported, if the change was yours",
    )


def form_finding(manifest: Manifest | None, config: Any, policy: Policy) -> Finding | None:
    """What is to be said of a config that no longer has the form of the one that was saved.

    Classes with a schema refuse what does not fit. Keras takes much of it without a word, so that
    this is said of a model that can be loaded, too.

    Args:
        manifest: The model's manifest, if there is one that can be believed.
        config: The JSON document of its config.
        policy: How strictly to judge.
    """
    if manifest is None or manifest.config_form is None or manifest.config == hash_json(config):
        return None
    if manifest.config_form == hash_form(config):
        return None
    return finding(
        "M108",
        policy,
        "the model description is not made as it was when it was saved",
        wanted="the arguments that were saved, with values of the same types",
        found="others, or some that are text, numbers or nothing where they were not",
        hint="if the change was yours: keras-registry embed --replace FILE",
    )


def saving_keras(manifest: Manifest | None, claim: Any) -> str | None:
    """The version of the Keras that saved a model, in its normal form; None if it is not known.

    Args:
        manifest: The model's manifest, if there is one that can be believed.
        claim: What the file itself says.
    """
    if manifest is not None and manifest.environment is not None and manifest.environment.keras:
        return manifest.environment.keras
    version = normalise_version(claim) if isinstance(claim, str) else None
    return version if version is not None and VERSION.accepts(version) else None


def environment_findings(question: Question) -> Iterator[Finding]:
    """How Keras and its backend differ from those that saved the model (codes K).

    Args:
        question: What `resolve_model` was asked.
    """
    saved_with, here = question.saved_with, question.environment
    if saved_with and here.keras_version and Version(saved_with) > Version(here.keras_version):
        yield question.finding(
            "K101",
            "the model was saved by a newer Keras",
            wanted=f"keras {saved_with} or newer",
            found=f"keras {here.keras_version}",
            hint=f'pip install "keras>={saved_with}"',
        )
    saved = question.manifest and question.manifest.environment
    if saved and saved.backend and saved.backend != here.backend:
        yield question.finding(
            "K102",
            "the model was saved under another backend",
            wanted=" ".join(filter(None, [saved.backend, saved.backend_version])),
            found=here.backend,
        )
    elif saved and _is_other_release(saved.backend_version, here.backend_version):
        yield question.finding(
            "K113",
            f"the model was saved under another version of {here.backend}",
            wanted=f"{here.backend} {saved.backend_version}",
            found=f"{here.backend} {here.backend_version}",
        )


def _is_other_release(saved: str | None, here: str | None) -> bool:
    """Whether two versions differ in more than fixes."""
    if saved is None or here is None:
        return False
    return Version(saved).release[:2] != Version(here).release[:2]


def lambda_findings(scan: ConfigScan, config: Any, policy: Policy) -> Iterator[Finding]:
    """What is said of lambdas: those that safe mode refuses, and those that Keras never loads.

    Args:
        scan: The objects that the model names.
        config: The JSON document of its config.
        policy: How strictly to judge.
    """
    marked = [path for path in scan.lambdas if path not in scan.untyped_lambdas]
    for code, paths, summary, found, hint in (
        (
            "K107",
            marked,
            "the model holds a lambda, which safe mode refuses",
            "bytecode, which may do anything when it runs",
            "if you trust the file, load it with safe_mode=False",
        ),
        (
            "K114",
            scan.untyped_lambdas,
            "the model has a lambda as activation, which Keras saves and never loads",
            "bytecode that is not marked as such, which safe_mode=False does not help",
            "build the model anew with that function, and give it these weights by load_weights",
        ),
    ):
        if paths:
            yield finding(
                code,
                policy,
                summary,
                needs=(Need("a lambda", len(paths), describe_place(config, paths[0])),),
                wanted="a registered function in its place",
                found=found,
                hint=hint,
            )
