"""The JSON Schema (draft 2020-12) of what the commands print with ``--json``.

All reports are of one format, `REPORT_VERSION`; a later minor version may have more members.
"""

from __future__ import annotations

from typing import Any

from keras_registry.cli.output import REPORT_VERSION
from keras_registry.findings import Level, Policy
from keras_registry.manifest import make_json_schema as make_manifest_schema
from keras_registry.names import Kind

__all__ = ["make_json_schema"]

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_FLAG: Schema = {"type": "boolean"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
_COUNT_OR_NULL: Schema = {"type": ["integer", "null"], "minimum": 0}
_KIND: Schema = {"enum": [str(kind) for kind in Kind]}
_POLICY: Schema = {"enum": [str(policy) for policy in Policy]}
_FINDINGS: Schema = {"type": "array", "items": {"$ref": "#/$defs/Finding"}}
_MANIFEST: Schema = {"anyOf": [{"$ref": "#/$defs/Manifest"}, {"type": "null"}]}


def _object(description: str, **properties: Schema) -> Schema:
    """An object that has all of these members, and perhaps others."""
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": list(properties),
    }


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _map(values: Schema) -> Schema:
    return {"type": "object", "additionalProperties": values}


_NEED = _object("An object that a model needs.", key=_TEXT, count=_COUNT, place=_TEXT, kind=_TEXT)

_FINDING = _object(
    "One thing that is wrong, or worth knowing.",
    code={"type": "string", "pattern": "^[A-Z][0-9]{3}$"},
    level={"enum": [str(level) for level in Level]},
    summary=_TEXT,
    needs=_list(_NEED),
    location=_TEXT_OR_NULL,
    wanted=_TEXT_OR_NULL,
    found=_TEXT_OR_NULL,
    hint=_TEXT_OR_NULL,
    distribution=_TEXT_OR_NULL,
)

_FAILURE = _object(
    "What a check found.",
    case=_TEXT,
    at_fault=_TEXT,
    wanted=_TEXT,
    found=_TEXT,
    where=_TEXT_OR_NULL,
    fix=_TEXT_OR_NULL,
)

_RESULT = _object(
    "How one check on one object ended.",
    check={"type": "string", "description": "the code of the check"},
    name=_TEXT,
    key={"type": "string", "description": "of the object, or the name of the distribution"},
    status={"enum": ["passed", "failed", "skipped", "expected"]},
    seconds={"type": "number", "minimum": 0},
    failure={"anyOf": [{"$ref": "#/$defs/Failure"}, {"type": "null"}]},
    reason=_TEXT_OR_NULL,
    note=_TEXT_OR_NULL,
    promise=_TEXT,
    fix=_TEXT,
)

_GOLDEN = _object(
    "A small model that was recorded.",
    key=_TEXT,
    kind=_KIND,
    file=_TEXT,
    made_by={"type": "string", "description": "the code that made the object"},
    called_with=_TEXT,
)

_INSPECTED = _object(
    "A custom object that a model names.",
    key=_TEXT,
    kind=_KIND,
    count=_COUNT_OR_NULL,
    first_place=_TEXT_OR_NULL,
    distribution=_TEXT_OR_NULL,
    config_version=_COUNT_OR_NULL,
)

_RESOLVED = _object(
    "Where a load would take an object from.",
    key=_TEXT,
    source=_TEXT,
    distribution=_TEXT_OR_NULL,
    distribution_version=_TEXT_OR_NULL,
)

_EMBEDDED = _object(
    "What became of a file.",
    file=_TEXT,
    readable=_FLAG,
    written=_FLAG,
    manifest=_MANIFEST,
    findings=_FINDINGS,
)

_LISTED_PLUGIN = _object(
    "An installed plugin.",
    key=_TEXT,
    kind=_KIND,
    target=_TEXT,
    aliases=_list(_TEXT),
    config_version=_COUNT_OR_NULL,
    oldest_version=_COUNT_OR_NULL,
    schema=_TEXT_OR_NULL,
    backends={"type": ["array", "null"], "items": _TEXT},
    former_names={"type": ["array", "null"], "items": _TEXT},
)

_LISTED = _object(
    "An installed distribution.",
    name=_TEXT,
    distribution_version=_TEXT,
    editable=_FLAG,
    location=_TEXT_OR_NULL,
    plugins=_list(_LISTED_PLUGIN),
)

_UNREADABLE = _object("A file that cannot be read.", file=_TEXT, readable={"const": False})

_OUTCOME: dict[str, Schema] = {"compatible": _FLAG}

_COMMANDS: dict[str, tuple[Schema, ...]] = {
    "check": (
        _object(
            "Which promises are kept.",
            subject=_TEXT,
            check_set={"type": "integer", "minimum": 1},
            backend=_TEXT,
            results=_list({"$ref": "#/$defs/Result"}),
        ),
    ),
    "embed": (_object("What became of files.", files=_list(_EMBEDDED)),),
    "explain": (
        _object(
            "What a finding means.",
            code=_TEXT,
            title=_TEXT,
            levels=_map({"enum": [str(level) for level in Level]}),
            explanation=_TEXT,
        ),
        _object(
            "Why a file cannot be loaded, and what to do.",
            file=_TEXT,
            readable=_FLAG,
            policy=_POLICY,
            loadable=_FLAG,
            explanations=_map(_TEXT),
            actions=_list(_TEXT),
        ),
    ),
    "golden record": (
        _object(
            "Which golden files were recorded.",
            distribution=_TEXT,
            distribution_version=_TEXT,
            folder=_TEXT_OR_NULL,
            models=_list(_GOLDEN),
            left_out=_list(_object("An object that has none.", key=_TEXT, reason=_TEXT)),
        ),
    ),
    "inspect": (
        _UNREADABLE,
        _object(
            "What is in a file.",
            file=_TEXT,
            readable={"const": True},
            container=_TEXT,
            size=_COUNT_OR_NULL,
            members=_list(_object("A part of the file.", name=_TEXT, size=_COUNT)),
            keras_version=_TEXT_OR_NULL,
            date_saved=_TEXT_OR_NULL,
            model=_object("The model.", class_name={}, name={}),
            objects=_list(_INSPECTED),
            only_in_keras2=_list(_object("What Keras 3 has no more.", what=_TEXT, place=_TEXT)),
            lambdas={"type": ["array", "null"], "items": _TEXT},
            manifest=_MANIFEST,
        ),
    ),
    "list": (_object("What is installed.", distributions=_list(_LISTED)),),
    "migrate": (
        _UNREADABLE,
        _object("What became of a file.", file=_TEXT, written=_TEXT_OR_NULL),
    ),
    "schema check": (
        _UNREADABLE,
        _object("Whether old files load.", distributions=_list(_TEXT), against=_TEXT, **_OUTCOME),
    ),
    "schema diff": (
        _UNREADABLE,
        _object("Whether old files load.", old=_TEXT, new=_TEXT, **_OUTCOME),
    ),
    "schema export": (_object("What was written.", files=_list(_TEXT)),),
    "snapshot": (
        _object("What was written.", distribution=_TEXT, file=_TEXT_OR_NULL, written=_FLAG),
    ),
    "verify": (
        _UNREADABLE,
        _object(
            "Whether a file can be loaded here.",
            file=_TEXT,
            readable={"const": True},
            policy=_POLICY,
            loadable=_FLAG,
            objects=_list(_RESOLVED),
        ),
    ),
}
"""The forms of each command's report."""


def make_json_schema() -> Schema:
    """The JSON Schema of the reports of all commands."""
    whole = make_manifest_schema()
    manifest = {name: part for name, part in whole.items() if name not in {"$schema", "$defs"}}
    common = _object(
        "What a command of keras-registry prints with --json.",
        report_version={"type": "string", "pattern": r"^[0-9]{1,6}\.[0-9]{1,6}$"},
        command={"enum": sorted(_COMMANDS)},
        findings=_FINDINGS,
    )
    forms = [
        {
            "if": {"properties": {"command": {"const": command}}},
            "then": forms[0] if len(forms) == 1 else {"oneOf": list(forms)},
        }
        for command, forms in _COMMANDS.items()
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"keras-registry report {REPORT_VERSION}",
        **common,
        "allOf": forms,
        "$defs": {
            "Failure": _FAILURE,
            "Finding": _FINDING,
            "Result": _RESULT,
            "Manifest": manifest,
            **whole.get("$defs", {}),
        },
    }
