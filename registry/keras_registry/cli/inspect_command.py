"""``keras-registry inspect FILE``: what is in a model file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from keras_registry.artifact import (
    describe_place,
    find_graph_fingerprint,
    modernise_artifact,
    read_artifact,
    read_without_config,
    scan_config,
    without_obstacles,
)
from keras_registry.cli import Exit
from keras_registry.cli.output import format_size, print_json, print_table, print_unreadable, say
from keras_registry.findings import Policy, finding, has_errors, render_finding
from keras_registry.manifest import GRAPH, dump_manifest, read_manifest, validate_reading
from keras_registry.names import printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from keras_registry.artifact import Artifact, ConfigScan, Obstacle
    from keras_registry.findings import Finding
    from keras_registry.manifest import DistributionRecord, Manifest

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the command."""
    parser.add_argument(
        "file", help="a .keras or .h5 file, a folder, an exported model, or weights"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(parsed: argparse.Namespace) -> int:
    """Prints what is in the file; imports neither Keras nor any plugin."""
    reading = read_artifact(parsed.file)
    if reading.artifact is None:
        reading = read_without_config(parsed.file) or reading
    if reading.artifact is None:
        print_unreadable("inspect", reading.name, reading.findings, as_json=parsed.json)
        return Exit.UNREADABLE
    artifact = reading.artifact
    document = read_manifest(artifact.manifest_document) if artifact.has_manifest else None
    manifest = None if document is None else document.value
    findings = (
        *validate_reading(document, Policy.COMPATIBLE),
        *_graph_findings(parsed.file, artifact, manifest),
    )
    modern = modernise_artifact(artifact)
    artifact = replace(artifact, config=modern.config)
    scan = without_obstacles(scan_config(modern.config), modern.obstacles)
    if parsed.json:
        _print_json(artifact, scan, manifest, findings, modern.obstacles)
    else:
        _print_text(artifact, scan, manifest, findings, modern.obstacles)
    return Exit.FINDINGS if has_errors(findings) else Exit.OK


def _objects(
    artifact: Artifact, scan: ConfigScan, manifest: Manifest | None
) -> list[dict[str, Any]]:
    """The custom objects that the model itself names, with what the manifest says of them.

    Where there is no config, the manifest alone knows them.
    """
    if not artifact.has_config:
        return _recorded_objects(manifest)
    rows = []
    for key, uses in scan.by_key().items():
        record = None if manifest is None else manifest.find_object(key)
        if record is None and all(use.is_possible for use in uses):
            continue
        rows.append(
            {
                "key": key,
                "kind": str(uses[0].kind if record is None else record.kind),
                "count": len(uses),
                "first_place": describe_place(artifact.config, uses[0].path),
                "distribution": None if record is None else record.distribution,
                "config_version": None if record is None else record.config_version,
            }
        )
    return rows


def _recorded_objects(manifest: Manifest | None) -> list[dict[str, Any]]:
    return [
        {
            "key": record.key,
            "kind": str(record.kind),
            "count": record.count,
            "first_place": record.paths[0] if record.paths else None,
            "distribution": record.distribution,
            "config_version": record.config_version,
        }
        for record in (() if manifest is None else manifest.objects)
    ]


def _graph_findings(file: str, artifact: Artifact, manifest: Manifest | None) -> Iterator[Finding]:
    """Says so if the manifest in an exported model's folder belongs to another graph."""
    recorded = None if manifest is None else manifest.find_weights(GRAPH)
    if not artifact.is_exported or recorded is None or recorded.fingerprint is None:
        return
    found = find_graph_fingerprint(file)
    if found != recorded.fingerprint:
        yield finding(
            "M106",
            Policy.COMPATIBLE,
            "the manifest was made for another graph",
            wanted=f"the graph with the hash {recorded.fingerprint}",
            found=found or "a graph without a hash",
            hint="export the model again with keras_registry imported",
        )


def _print_json(
    artifact: Artifact,
    scan: ConfigScan,
    manifest: Manifest | None,
    findings: tuple[Finding, ...],
    obstacles: Sequence[Obstacle],
) -> None:
    print_json(
        "inspect",
        findings,
        file=artifact.name,
        readable=True,
        container=artifact.container,
        size=artifact.size,
        members=[{"name": m.name, "size": m.size} for m in artifact.members],
        keras_version=artifact.find_metadata("keras_version"),
        date_saved=artifact.find_metadata("date_saved"),
        model={"class_name": artifact.model.get("class_name"), "name": _model_name(artifact)},
        objects=_objects(artifact, scan, manifest),
        only_in_keras2=[
            {"what": item.what, "place": describe_place(artifact.config, item.path)}
            for item in obstacles
        ],
        lambdas=[describe_place(artifact.config, path) for path in scan.lambdas]
        if artifact.has_config
        else None,
        manifest=None if manifest is None else dump_manifest(manifest),
    )


def _model_name(artifact: Artifact) -> Any:
    inner = artifact.model.get("config")
    return inner.get("name") if isinstance(inner, dict) else None


def _print_text(
    artifact: Artifact,
    scan: ConfigScan,
    manifest: Manifest | None,
    findings: tuple[Finding, ...],
    obstacles: Sequence[Obstacle],
) -> None:
    members = f"{len(artifact.members)} members"
    keras_version = printable(artifact.find_metadata("keras_version") or "unknown", limit=60)
    saved = printable(artifact.find_metadata("date_saved") or "unknown", limit=60)
    model = printable(artifact.model.get("class_name", "unknown"), limit=60)
    say(artifact.name)
    say(f"  file           {artifact.container}, {format_size(artifact.size)}, {members}")
    if artifact.is_exported:
        say("  model          exported: a graph, which is served without Keras and plugins")
    elif not artifact.has_config:
        say("  model          none: weights alone, for model.load_weights")
    else:
        say(f'  model          {model} "{printable(_model_name(artifact), limit=60)}"')
        say(f"  saved          with Keras {keras_version}, {saved}")
    if manifest is None:
        say("  manifest       none")
    else:
        say(f"  manifest       {manifest.manifest_version}, by {printable(manifest.generator)}")
        _print_environment(manifest)
        _print_weights(manifest)
    for obstacle in obstacles:
        place = describe_place(artifact.config, obstacle.path)
        say(f"  only Keras 2   {printable(obstacle.what, limit=100)}, {place}")
    for path in scan.lambdas:
        say(f"  lambda         {describe_place(artifact.config, path)}")
    is_unknown = not artifact.has_config and manifest is None
    nothing = "unknown" if is_unknown else "no custom objects"
    _print_objects(_objects(artifact, scan, manifest), nothing=nothing)
    if manifest is not None and manifest.distributions:
        _print_distributions(manifest)
    for item in findings:
        say(render_finding(item))


def _print_environment(manifest: Manifest) -> None:
    environment = manifest.environment
    if environment is None:
        return
    backend = " ".join(filter(None, [environment.backend, environment.backend_version]))
    parts = [
        f"Keras {environment.keras}" if environment.keras else "",
        backend,
        f"Python {environment.python}" if environment.python else "",
    ]
    say(f"  environment    {', '.join(filter(None, parts))}")


def _print_weights(manifest: Manifest) -> None:
    for part, record in (manifest.weights or {}).items():
        if record is not None and part != GRAPH:
            count = "?" if record.count is None else record.count
            say(f"  {printable(part, limit=20):<14} {count} arrays, {record.fingerprint}")


def _print_objects(rows: list[dict[str, Any]], *, nothing: str) -> None:
    if not rows:
        say(f"  objects        {nothing}")
        return
    say("  objects")
    heading = ("key", "kind", "places", "first", "distribution")
    body = [
        (
            printable(row["key"]),
            row["kind"],
            "?" if row["count"] is None else str(row["count"]),
            printable(row["first_place"] or "unknown", limit=1000),
            row["distribution"] or "unknown",
        )
        for row in rows
    ]
    print_table([heading, *body], indent=4)


def _no_digest(record: DistributionRecord) -> str:
    """An editable install has no digest; of what was recorded later it is not known."""
    return "unknown" if record.editable is None else "none"


def _print_distributions(manifest: Manifest) -> None:
    say("  distributions")
    heading = ("name", "version", "compatible", "install", "digest")
    body = [
        (
            name,
            record.version or "unknown",
            record.requires or "unknown",
            {True: "editable", False: "regular", None: "unknown"}[record.editable],
            f"{record.digest[:19]}…" if record.digest else _no_digest(record),
        )
        for name, record in (manifest.distributions or {}).items()
    ]
    print_table([heading, *body], indent=4)
