"""The policy table: each situation, and its level under strict, compatible and permissive.

A row is a situation of the table in the design, made here with an installed distribution and a
manifest, and taken through every step of a load that needs no Keras: `resolve_model`, then
`judge_schemas` and `judge_configs`.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from keras_registry import types as t
from keras_registry.config import derive_schema
from keras_registry.findings import Level, Policy
from keras_registry.names import Kind
from keras_registry.registration import Registration, Registry
from keras_registry.resolution import (
    import_finding,
    judge_configs,
    judge_schemas,
    promise_finding,
)
from tests.resolution.situations import (
    described_by,
    layer,
    manifest_of,
    model,
    needs_of,
    unknown,
)

ERROR, WARNING, NOTE = Level.ERROR, Level.WARNING, Level.NOTE
ALWAYS = (ERROR, ERROR, ERROR)
JUDGED = (ERROR, WARNING, NOTE)
GRAVE = (ERROR, ERROR, WARNING)
MILD = (WARNING, NOTE, NOTE)
NOTED = (NOTE, NOTE, NOTE)

MODEL = model(layer(units=3))
OTHER_SCHEMA = "xxh3:" + "0" * 32
OTHER_DIGEST = "sha256:" + "0" * 64


class Gated:
    """The class of the installed plugin."""

    __module__ = "acme_layers.gated"

    def __init__(self, units: t.PositiveInt, rate: float = 0.5, name: str = ""):
        self.units = units


@dataclass(frozen=True, kw_only=True)
class Row:
    """A situation.

    Attributes:
        code: The finding that it makes, and the only one.
        levels: Its level under strict, compatible and permissive.
        installed: The installed version; None if there is none.
        recorded: The version in the manifest.
        schema: The recorded fingerprint; None for the one that the class has.
        config_version: The installed config version.
        imported: Whether the plugin's code is asked.
        how: How the distribution is installed.
        objects: Members of the object's record.
        members: Members of the manifest.
        config: The model.
        has_manifest: Whether there is a manifest.
        rivals: Further distributions that have the key.
        breaks: What importing the plugin leads to.
    """

    code: str | None
    levels: tuple[Level, Level, Level] = NOTED
    installed: str | None = "1.4.2"
    recorded: str = "1.4.2"
    schema: str | None = None
    config_version: int = 1
    imported: bool = True
    how: dict[str, Any] = field(default_factory=dict)
    objects: dict[str, Any] = field(default_factory=dict)
    members: dict[str, Any] = field(default_factory=dict)
    config: Any = field(default_factory=lambda: MODEL)
    has_manifest: bool = True
    rivals: tuple[str, ...] = ()
    breaks: str | None = None


ROWS = {
    "all as it was": Row(code=None),
    "distribution missing": Row(code="R101", levels=ALWAYS, installed=None),
    "object missing": Row(code="R102", levels=ALWAYS, how={"keys": ["acme>Other"]}),
    "import fails": Row(code="R103", levels=ALWAYS, breaks="import"),
    "two distributions have it, none of them recorded": Row(
        code="R104", levels=ALWAYS, installed=None, rivals=("acme-one", "acme-two")
    ),
    "entry point leads elsewhere": Row(code="R105", levels=ALWAYS, breaks="promise"),
    "object unknown": Row(
        code="R106", levels=ALWAYS, installed=None, objects={"distribution": None}
    ),
    "object of a notebook": Row(
        code="R107",
        levels=ALWAYS,
        installed=None,
        objects={"distribution": None, "module": "__main__"},
    ),
    "config newer than the installed config_version": Row(
        code="S102",
        levels=ALWAYS,
        config=model(layer(units=3, keras_registry_config_version=2)),
        objects={"config_version": 2},
    ),
    "config invalid": Row(code="S101", levels=ALWAYS, config=model(layer(units=0))),
    "config without a migration path": Row(code="S103", levels=ALWAYS, config_version=2),
    "older, same compatible range": Row(code="R202", levels=JUDGED, installed="1.4.1"),
    "older, a pre-release of the range": Row(code="R202", levels=JUDGED, installed="1.4.0rc1"),
    "older, outside the range": Row(code="R201", levels=GRAVE, installed="1.3.9"),
    "newer, in range": Row(code="R203", levels=NOTED, installed="1.99"),
    "newer, out of range, same schema": Row(code="R205", levels=JUDGED, installed="2.0"),
    "newer, out of range, another schema": Row(
        code="R206", levels=GRAVE, installed="2.0", schema=OTHER_SCHEMA
    ),
    "newer, out of range, code not imported": Row(
        code="R211", levels=JUDGED, installed="2.0", imported=False
    ),
    "in range, another schema, newer": Row(
        code="R207", levels=JUDGED, schema=OTHER_SCHEMA, installed="1.4.2", recorded="1.4.2"
    ),
    "same version, other code": Row(code="R208", levels=JUDGED, how={"code": "other"}),
    "same version, editable here": Row(code="R209", levels=NOTED, how={"editable": True}),
    "same version, was editable": Row(code="R209", levels=NOTED, members={"editable": True}),
    "exactly one other distribution has it": Row(
        code="R210", levels=JUDGED, installed=None, rivals=("acme-moved",)
    ),
    "no manifest": Row(code="M101", levels=MILD, has_manifest=False),
    "manifest unusable": Row(code="M102", levels=JUDGED, members={"generator": 5}),
    "manifest of another major version": Row(
        code="M103", levels=ALWAYS, members={"manifest_version": "2.0"}
    ),
    "manifest of a newer minor version": Row(
        code="M104", levels=NOTED, members={"manifest_version": "1.7"}
    ),
    "manifest with a hostile name": Row(
        code="M105", levels=JUDGED, members={"distributions": {"--index-url=evil": {}}}
    ),
    "manifest and config disagree": Row(
        code="M106", levels=JUDGED, members={"config": "xxh3:" + "0" * 32}
    ),
    "saved by a newer Keras": Row(
        code="K101", levels=MILD, members={"environment": {"keras": "3.16.0"}}
    ),
    "saved by an older Keras": Row(code=None, members={"environment": {"keras": "3.12.0"}}),
    "saved under another backend": Row(
        code="K102", levels=MILD, members={"environment": {"backend": "jax"}}
    ),
}


def judge(world, row, policy):
    """Return the findings of a situation under a policy."""
    registry = Registry()
    schema = derive_schema(Gated, config_version=row.config_version)
    registry.add(Registration("acme>Gated", Kind.LAYER, Gated, schema))
    digest = None
    if row.installed is not None:
        as_recorded = world.install(version=row.installed, **{**row.how, "code": "code"})
        digest = OTHER_DIGEST if "code" in row.how else as_recorded or None
    for name in row.rivals:
        world.install(name)
    known = {"config_version": 1, "schema": row.schema or schema.fingerprint}
    manifest = manifest_of(
        row.config,
        version=row.recorded,
        digest=digest,
        objects={"acme>Gated": {**known, **row.objects}},
        **row.members,
    )
    resolution = world.resolve(row.config, manifest if row.has_manifest else None, policy=policy)
    findings = list(resolution.findings)
    (plugin,) = resolution.plugins or (None,)
    if row.breaks == "import":
        error = ModuleNotFoundError("No module named 'einops'")
        findings.append(import_finding(plugin, error, policy, needs_of(resolution)))
    elif row.breaks == "promise":
        found = "an object that is not registered"
        findings.append(promise_finding(plugin, found, policy, needs_of(resolution)))
    elif row.imported:
        findings += judge_schemas(resolution, described_by(registry))
        findings += judge_configs(resolution, row.config, registry).findings
    else:
        findings += judge_schemas(resolution, unknown)
    return findings


@pytest.mark.parametrize("policy", Policy)
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_row(world, row, policy):
    """A situation makes one finding, whose level is the one in the policy's column."""
    findings = judge(world, row, policy)

    level = dict(zip(Policy, row.levels, strict=True))[policy]
    expected = [] if row.code is None else [(row.code, level)]
    assert [(finding.code, finding.level) for finding in findings] == expected


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_the_policy_changes_levels_only(world, row, tmp_path):
    """Under every policy a situation has the same finding but for its level."""
    found = []
    for policy in Policy:
        folder = tmp_path / policy
        folder.mkdir()
        findings = judge(type(world)(folder), row, policy)
        found.append([replace(finding, level=NOTE, location=None) for finding in findings])

    assert found[0] == found[1] == found[2]


def test_two_situations_at_once(world):
    """Situations that do not exclude each other are all told."""
    row = Row(
        code=None,
        installed="1.4.1",
        schema=OTHER_SCHEMA,
        config=model(layer(units=0)),
        members={"config": OTHER_SCHEMA, "environment": {"keras": "3.16.0", "backend": "jax"}},
    )

    codes = {finding.code for finding in judge(world, row, Policy.COMPATIBLE)}

    assert codes == {"M106", "K101", "K102", "R202", "R207", "S101"}
