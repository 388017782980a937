"""Models, manifests and environments made by hand, to ask `resolve_model` about."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from keras_registry.artifact import scan_config
from keras_registry.environment import Environment
from keras_registry.findings import Policy
from keras_registry.hashes import hash_json
from keras_registry.manifest import read_manifest
from keras_registry.publishing import describe_registration
from keras_registry.resolution import resolve_model
from tests.support.distributions import hand_made_distribution, record_row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from keras_registry.registration import Registry
    from keras_registry.resolution import ObjectResolution, Resolution
    from keras_registry.snapshot import ObjectSnapshot

__all__ = [
    "LAYERS",
    "NoScan",
    "World",
    "described_by",
    "layer",
    "manifest_of",
    "model",
    "needs_of",
    "of_code",
    "unknown",
]

LAYERS = "keras_registry.layers"


def layer(key: str = "acme>Gated", /, *, module: Any = "acme_layers.gated", **config: Any) -> Any:
    """Return a serialised layer of the key."""
    name = key.rpartition(">")[2]
    return {
        "module": module,
        "class_name": name,
        "config": {"name": name.lower(), **config},
        "registered_name": key,
    }


def model(*layers: Any, **members: Any) -> dict[str, Any]:
    """Return a serialised Sequential model of some layers."""
    return {
        "module": "keras",
        "class_name": "Sequential",
        "config": {"name": "small", "layers": list(layers)},
        "registered_name": None,
        **members,
    }


def manifest_of(
    config: Any,
    /,
    *,
    distribution: str | None = "acme-layers",
    version: str | None = "1.4.2",
    objects: Mapping[str, Mapping[str, Any]] | None = None,
    digest: str | None = None,
    editable: bool = False,
    **members: Any,
) -> dict[str, Any]:
    """Return the manifest of a model whose objects all came from one distribution.

    Args:
        config: The model.
        distribution: The name of the distribution; None for objects that came from none.
        version: Its version.
        objects: Members of the objects' records that are not as usual, by key.
        digest: The digest of the distribution.
        editable: Whether it was an editable install.
        members: Members of the manifest that are not as usual.
    """
    records = []
    for key, uses in scan_config(config).by_key().items():
        if all(use.is_possible for use in uses):
            continue
        usual = {
            "key": key,
            "kind": uses[0].kind,
            "class_name": key.rpartition(">")[2],
            "module": uses[0].module,
            "distribution": distribution,
            "config_version": 1,
            "paths": [use.pointer for use in uses[:8]],
            "count": len(uses),
        }
        records.append({**usual, **(objects or {}).get(key, {})})
    distributions = {
        name: {"version": version, "editable": editable, "digest": digest}
        for record in records
        if (name := record["distribution"]) is not None
    }
    return {
        "manifest_version": "1.0",
        "generator": "keras-registry 0.1.0",
        "environment": {"python": "3.11.7", "keras": "3.15.1", "backend": "tensorflow"},
        "distributions": distributions,
        "objects": records,
        "config": hash_json(config),
        **members,
    }


class NoScan(Environment):
    """An environment in which nothing may look through all distributions."""

    def find_plugins(self, key: str) -> Any:
        """Fail the test."""
        message = f"a scan was made for {key}"
        raise AssertionError(message)


class World:
    """A folder of installed distributions.

    Attributes:
        folder: The folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def install(
        self,
        name: str = "acme-layers",
        version: str = "1.4.2",
        keys: Iterable[str] = ("acme>Gated",),
        *,
        module: str = "acme_layers.gated",
        aliases: Mapping[str, str] | None = None,
        code: str = "code",
        editable: bool = False,
    ) -> str:
        """Install a distribution.

        Args:
            name: Its name.
            version: Its version.
            keys: The keys of its layers.
            module: The module in which they all are.
            aliases: The keys of aliases, and the keys that they stand for.
            code: The text of its only file.
            editable: Whether it is an editable install.

        Returns:
            Its digest.
        """

        def target(key: str) -> str:
            return f"{module}:{key.rpartition('>')[2]}"

        entries = {LAYERS: {key: target(key) for key in keys}}
        if aliases:
            entries["keras_registry.aliases"] = {old: target(new) for old, new in aliases.items()}
        rows = [record_row(f"{module.replace('.', '/')}.py", code)]
        info = hand_made_distribution(self.folder, name, version, entries, record=rows)
        if editable:
            url = {"url": "file:///somewhere", "dir_info": {"editable": True}}
            (info / "direct_url.json").write_text(json.dumps(url), encoding="utf-8")
        found = self.environment().find_distribution(name)
        assert found is not None
        return found.digest or ""

    def environment(self, kind: type[Environment] = Environment, **versions: Any) -> Environment:
        """Return the environment: Keras 3.15.1 on TensorFlow, if not said otherwise."""
        usual = {"keras_version": "3.15.1", "backend": "tensorflow", "python_version": "3.11.7"}
        return kind(path=[str(self.folder)], **{**usual, **versions})

    def resolve(
        self,
        config: Any,
        manifest: Any = None,
        *,
        policy: Policy = Policy.COMPATIBLE,
        environment: Environment | None = None,
        **options: Any,
    ) -> Resolution:
        """Resolve a model with its manifest as it was read from JSON; None means it has none."""
        document = None if manifest is None else json.loads(json.dumps(manifest))
        return resolve_model(
            config,
            scan_config(config),
            reading=None if document is None else read_manifest(document),
            environment=environment or self.environment(),
            policy=policy,
            **options,
        )


def of_code(findings: Iterable[Any], *codes: str) -> list[Any]:
    """Return the findings with one of the codes."""
    return [finding for finding in findings if finding.code in codes]


def described_by(registry: Registry) -> Callable[[ObjectResolution], ObjectSnapshot | None]:
    """Return a function that says what the code of an object says of it, its plugin imported."""

    def find(item: ObjectResolution) -> ObjectSnapshot | None:
        live = None if item.plugin is None else registry.find(item.plugin.key)
        return None if live is None else describe_registration(live)

    return find


def unknown(item: ObjectResolution) -> None:
    """Return what is known of an object whose plugin is not imported and has no snapshot."""


def needs_of(resolution):
    """The objects that a model needs of its first plugin."""
    return tuple(i.needs for i in resolution.objects if i.plugin == resolution.plugins[0])
