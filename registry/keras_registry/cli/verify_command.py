"""``keras-registry verify FILE``: can this environment load a model file?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras_registry.artifact import read_artifact, scan_config
from keras_registry.cli import Exit
from keras_registry.cli.output import print_json, print_unreadable, say
from keras_registry.environment import Environment, rivals_finding
from keras_registry.findings import Policy, has_errors, render_findings
from keras_registry.manifest import read_manifest
from keras_registry.resolution import judge_by_snapshots, resolve_model
from keras_registry.settings import current_policy, parse_policy

if TYPE_CHECKING:
    import argparse

    from keras_registry.artifact import ObjectUse
    from keras_registry.findings import Finding
    from keras_registry.resolution import Resolution

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the command."""
    parser.add_argument("file", help="a .keras or .h5 file, or a folder")
    parser.add_argument(
        "--policy",
        choices=[policy.value for policy in Policy],
        help="how strictly to judge (default: KERAS_REGISTRY_POLICY, else compatible)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(parsed: argparse.Namespace) -> int:
    """Prints what a load would find before it imports anything; imports nothing itself."""
    policy = parse_policy(parsed.policy) if parsed.policy else current_policy()
    reading = read_artifact(parsed.file, verify_members=True)
    artifact = reading.artifact
    if artifact is None:
        print_unreadable("verify", reading.name, reading.findings, as_json=parsed.json)
        return Exit.UNREADABLE
    environment = Environment()
    resolution = resolve_model(
        artifact.config,
        scan_config(artifact.config),
        reading=read_manifest(artifact.manifest_document) if artifact.has_manifest else None,
        environment=environment,
        policy=policy,
        keras_has=lambda use: _is_installed(use, environment),
    )
    findings = [
        *resolution.findings,
        *judge_by_snapshots(resolution, artifact.config, environment),
    ]
    findings += _rivals(resolution, environment)
    fails = has_errors(findings)
    if parsed.json:
        print_json(
            "verify",
            findings,
            file=artifact.name,
            readable=True,
            policy=str(policy),
            loadable=not fails,
            objects=[
                {
                    "key": item.key,
                    "source": str(item.source),
                    "distribution": item.plugin and item.plugin.distribution,
                    "distribution_version": item.plugin and item.plugin.distribution_version,
                }
                for item in resolution.objects
            ],
        )
    else:
        verb = "cannot be loaded here" if fails else "can be loaded here"
        say(render_findings(f"{artifact.name} {verb}", findings))
    return Exit.FINDINGS if fails else Exit.OK


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
