"""``keras-registry embed FILE…``: give model files a manifest, or take it out."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_registry.artifact import (
    METADATA,
    WEIGHTS_ALONE,
    Artifact,
    Changes,
    find_model_state,
    modernise_artifact,
    read_artifact,
    read_weights_metadata,
    rewrite_model,
    scan_config,
    without_obstacles,
)
from keras_registry.cli import Exit
from keras_registry.cli.output import print_json, say
from keras_registry.documents import generator
from keras_registry.environment import Environment
from keras_registry.findings import Finding, finding, has_errors, render_findings
from keras_registry.manifest import MANIFEST_KEY, dump_manifest, read_manifest
from keras_registry.recording import record_file
from keras_registry.resolution import manifest_findings
from keras_registry.settings import current_policy

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from keras_registry.artifact import ConfigScan, FileState
    from keras_registry.manifest import ManifestReading

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the command."""
    what = "a .keras or .h5 file, or a folder"
    parser.add_argument("files", metavar="FILE", nargs="+", help=what)
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--remove", action="store_true", help="take the manifest out of each FILE")
    action.add_argument(
        "--replace", action="store_true", help="bring a manifest that is there already up to date"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(parsed: argparse.Namespace) -> int:
    """Rewrites each file; imports neither Keras nor any plugin.

    Returns:
        The worst of the exit codes of all files: one that fails does not keep the others.
    """
    environment = Environment()
    outcomes = []
    for file in parsed.files:
        outcome = _handle(file, parsed, environment)
        outcomes.append(outcome)
        if not parsed.json:
            outcome.print()
    if parsed.json:
        findings = [item for outcome in outcomes for item in outcome.findings]
        print_json("embed", findings, files=[outcome.to_json() for outcome in outcomes])
    return max(outcome.code for outcome in outcomes)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """What became of a file.

    Attributes:
        name: The file.
        words: What became of it, as the end of a sentence.
        findings: What is wrong, or worth knowing.
        manifest: The manifest that is in it now.
        is_readable: Whether it could be read.
        is_written: Whether it was written.
    """

    name: str
    words: str
    findings: tuple[Finding, ...] = ()
    manifest: dict[str, Any] | None = None
    is_readable: bool = True
    is_written: bool = False

    @property
    def code(self) -> Exit:
        if not self.is_readable:
            return Exit.UNREADABLE
        return Exit.FINDINGS if has_errors(self.findings) else Exit.OK

    def to_json(self) -> dict[str, Any]:
        return {
            "file": self.name,
            "readable": self.is_readable,
            "written": self.is_written,
            "manifest": self.manifest,
            "findings": [item.to_json() for item in self.findings],
        }

    def print(self) -> None:
        text = render_findings(f"{self.name} {self.words}", self.findings)
        if self.is_readable:
            say(text)
        else:
            sys.stderr.write(f"{text}\n")


def _handle(file: str, parsed: argparse.Namespace, environment: Environment) -> _Outcome:
    path = Path(file)
    known = find_model_state(path)
    reading = read_artifact(path)
    artifact = reading.artifact
    if artifact is None and file.endswith(WEIGHTS_ALONE) and reading.findings[0].code == "A106":
        if not parsed.remove:
            return _unreadable(reading.name, [_no_config_finding(reading.findings[0])])
        artifact = _describe_weights(path, reading.name)
    if artifact is None:
        return _unreadable(reading.name, reading.findings)
    if artifact.metadata is None:
        return _unreadable(artifact.name, [_metadata_finding()])
    if parsed.remove:
        return _remove(path, artifact, known)
    document = read_manifest(artifact.manifest_document) if artifact.has_manifest else None
    if document is not None and not (parsed.replace and _is_replaceable(document)):
        return _leave(file, artifact, document)
    return _embed(path, artifact, document, environment, known)


def _remove(path: Path, artifact: Artifact, known: FileState | None) -> _Outcome:
    if not artifact.has_manifest:
        return _Outcome(name=artifact.name, words="has no manifest; nothing was written")
    wrong = rewrite_model(path, artifact, Changes(manifest=None), known=known)
    return _written(artifact, wrong, "has no manifest any more")


def _embed(
    path: Path,
    artifact: Artifact,
    document: ManifestReading | None,
    environment: Environment,
    known: FileState | None,
) -> _Outcome:
    former = None if document is None else document.value
    recording = record_file(
        artifact,
        _scan(artifact),
        generator=generator(),
        environment=environment,
        policy=current_policy(),
        former=former,
    )
    manifest = recording.manifest
    if former is not None and replace(manifest, generator=former.generator) == former:
        return _Outcome(
            name=artifact.name,
            words="has a manifest that is up to date; nothing was written",
            findings=recording.findings,
            manifest=dump_manifest(former),
        )
    changes = Changes(manifest=dump_manifest(manifest))
    wrong = rewrite_model(path, artifact, changes, known=known)
    count = len(manifest.objects)
    words = (
        f"was given a {'' if document is None else 'new '}manifest with "
        f"{count or 'no'} object{'' if count == 1 else 's'}"
    )
    return _written(artifact, wrong, words, changes.manifest, recording.findings)


def _scan(artifact: Artifact) -> ConfigScan:
    """The objects that a model names, without those that only Keras 2 had."""
    modern = modernise_artifact(artifact)
    return without_obstacles(scan_config(modern.config), modern.obstacles)


def _is_replaceable(document: ManifestReading) -> bool:
    """Whether nothing is lost with a manifest that this program could not take over."""
    return document.other_major is None and document.newer_minor is None


def _leave(file: str, artifact: Artifact, document: ManifestReading) -> _Outcome:
    """A file whose manifest stays, and what is to be said of it."""
    command = f"keras-registry embed --replace {shlex.quote(file)}"
    hints = {
        "M102": command,
        "M105": command,
        "M106": f"{command}    if the change was yours",
    }
    config = artifact.config
    found = manifest_findings(document, config, _scan(artifact), current_policy())
    return _Outcome(
        name=artifact.name,
        words="has a manifest already, which was left as it is",
        findings=tuple(replace(item, hint=hints.get(item.code, item.hint)) for item in found),
        manifest=None if document.value is None else dump_manifest(document.value),
    )


def _written(
    artifact: Artifact,
    wrong: Finding | None,
    words: str,
    manifest: dict[str, Any] | None = None,
    findings: tuple[Finding, ...] = (),
) -> _Outcome:
    """A file that was rewritten, unless something kept it from that."""
    if wrong is None:
        return _Outcome(
            name=artifact.name,
            words=words,
            findings=findings,
            manifest=manifest,
            is_written=True,
        )
    if wrong.code == "A111":
        return _Outcome(name=artifact.name, words="was left as it is", findings=(wrong,))
    return _unreadable(artifact.name, [wrong])


def _unreadable(name: str, findings: Iterable[Finding]) -> _Outcome:
    words = "cannot be read"
    return _Outcome(name=name, words=words, findings=tuple(findings), is_readable=False)


def _no_config_finding(found: Finding) -> Finding:
    return replace(
        found,
        summary="the file has weights alone, and a manifest is made of a model's config",
        hint="build the model, call model.load_weights(path) and save it with keras_registry "
        "imported",
    )


def _describe_weights(path: Path, name: str) -> Artifact:
    """A file of weights alone, as far as it takes to remove its manifest."""
    metadata = read_weights_metadata(path)
    if metadata.get(MANIFEST_KEY) is None:  # a layer may have that name, too
        metadata.pop(MANIFEST_KEY, None)
    return Artifact(name, None, (), metadata, {}, container=WEIGHTS_ALONE, is_file=True)


def _metadata_finding() -> Finding:
    return finding(
        "A107",
        current_policy(),
        f"{METADATA} cannot be read",
        location=METADATA,
        wanted="a JSON object",
        found="something else, which a manifest would replace",
        hint="load the model and save it again",
    )
