"""What is wrong with a model file here: the judgement that ``verify`` and ``explain`` print."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_registry.artifact import (
    find_damage,
    modernise_artifact,
    read_artifact,
    scan_config,
    without_obstacles,
)
from keras_registry.environment import Environment, rivals_finding
from keras_registry.findings import Finding, Level, Need, finding, has_errors
from keras_registry.manifest import read_manifest
from keras_registry.names import printable
from keras_registry.resolution import (
    KerasFitting,
    form_finding,
    judge_by_snapshots,
    keras2_findings,
    lambda_findings,
    obstacles_to,
    resolve_model,
)

if TYPE_CHECKING:
    from keras_registry.artifact import ObjectUse
    from keras_registry.findings import Policy
    from keras_registry.resolution import ObjectResolution, Resolution

__all__ = ["Verdict", "judge_file"]

_SHOWN = 10
"""How many of its last lines are shown of a process that crashed."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found out about a file.

    Attributes:
        name: How messages call it.
        is_readable: Whether it can be read at all.
        objects: The custom objects that it needs, and who has each.
        findings: What is wrong, or worth knowing.
    """

    name: str
    is_readable: bool
    objects: tuple[ObjectResolution, ...]
    findings: tuple[Finding, ...]

    @property
    def fails(self) -> bool:
        """Whether a load fails under the policy in question."""
        return has_errors(self.findings)


def judge_file(file: str, policy: Policy, *, timeout: float | None = None) -> Verdict:
    """Judges a model file.

    Nothing of the model is imported or built here. What only a load can tell is told by a child
    process, which is stopped after a while.

    Args:
        file: Its path.
        policy: How strictly to judge.
        timeout: For how many seconds a child process may load the model; None for no child.
    """
    reading = read_artifact(file, verify_members=True)
    artifact = reading.artifact
    if artifact is None:
        return Verdict(reading.name, is_readable=False, objects=(), findings=reading.findings)
    damage = find_damage(file, artifact)
    if damage is not None:
        return Verdict(reading.name, is_readable=False, objects=(), findings=(damage,))
    environment = Environment()
    modern = modernise_artifact(artifact)
    obstacles = obstacles_to(modern)
    scan = without_obstacles(scan_config(modern.config), obstacles)
    resolution = resolve_model(
        modern.config,
        scan,
        reading=read_manifest(artifact.manifest_document) if artifact.has_manifest else None,
        environment=environment,
        policy=policy,
        keras_has=lambda use: _is_installed(use, environment),
        keras_version=artifact.find_metadata("keras_version"),
        saved_config=artifact.config,
    )
    fitting = KerasFitting(
        modern.config,
        keras_version=environment.keras_version,
        saved_with=resolution.saved_with,
        policy=policy,
    )
    fitting.fit_own()
    form = form_finding(resolution.manifest, artifact.config, policy)
    findings = (
        *resolution.findings,
        *judge_by_snapshots(resolution, modern.config, environment),
        *_rivals(resolution, environment),
        *keras2_findings(
            artifact, modern, obstacles, saved_with=resolution.saved_with, policy=policy
        ),
        *fitting.obstacles,
        *fitting.left_out,
        *lambda_findings(scan, modern.config, policy),
        *filter(None, [form]),
    )
    if timeout is not None:
        known = {(item.code, item.needs) for item in findings}
        built = _build(file, policy, timeout)
        findings += tuple(item for item in built if (item.code, item.needs) not in known)
    return Verdict(artifact.name, is_readable=True, objects=resolution.objects, findings=findings)


def _is_installed(use: ObjectUse, environment: Environment) -> bool:
    """Whether Keras would import the object's module by itself, and could."""
    if not use.in_keras_family or use.module is None:
        return False
    return environment.find_distribution(use.module.partition(".")[0]) is not None


def _rivals(resolution: Resolution, environment: Environment) -> list[Finding]:
    """Keys of the model that several distributions claim, although the manifest decides."""
    claims = (
        (item.plugin.key, environment.find_plugins(item.plugin.key))
        for item in resolution.objects
        if item.plugin is not None
    )
    return [rivals_finding(key, plugins) for key, plugins in claims if len(plugins) > 1]


def _build(file: str, policy: Policy, timeout: float) -> list[Finding]:
    """What a load in a process of its own finds, or how that process ended."""
    with tempfile.TemporaryDirectory(prefix="keras-registry-build-") as folder:
        answer, output = Path(folder) / "findings.json", Path(folder) / "output.txt"
        command = [sys.executable, "-m", "keras_registry.cli.building", file, policy, str(answer)]
        with output.open("wb") as printed:
            try:
                done = subprocess.run(  # noqa: S603 - this interpreter, and a module of ours
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=printed,
                    stderr=subprocess.STDOUT,
                    timeout=timeout,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                return [_unended_finding(policy, f"no end after {timeout:g} seconds")]
        if not answer.exists():
            lines = output.read_text(encoding="utf-8", errors="replace").splitlines()
            sys.stderr.write("".join(f"{printable(line)}\n" for line in lines[-_SHOWN:]))
            return [_unended_finding(policy, _ending(done.returncode))]
        return [_finding_of(item) for item in json.loads(answer.read_text(encoding="utf-8"))]


def _unended_finding(policy: Policy, found: str) -> Finding:
    return finding(
        "K108",
        policy,
        "loading the model did not end well",
        wanted="a model, or an error",
        found=found,
        hint="the file may be damaged: copy or save the model again",
    )


def _ending(code: int) -> str:
    if code >= 0:
        return f"a process that ended with exit code {code}"
    try:
        return f"a process that was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"a process that was ended by signal {-code}"


def _finding_of(document: dict[str, Any]) -> Finding:
    """A finding that another process wrote as JSON."""
    needs = tuple(Need(**need) for need in document.pop("needs"))
    level = Level(document.pop("level"))
    return Finding(**document, level=level, needs=needs)
