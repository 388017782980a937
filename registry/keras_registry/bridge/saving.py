"""The save side in Keras: the manifest goes into the metadata, and files are replaced whole."""

from __future__ import annotations

import json
import os
import sys
import threading
import zipfile
from dataclasses import replace
from io import IOBase
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from keras_registry.artifact import (
    ConfigScan,
    ObjectUse,
    replaceable,
    replacing,
)
from keras_registry.bridge.compiled_config import complete_compile_config, unsaved_setting_findings
from keras_registry.bridge.config_faults import judge_faults
from keras_registry.bridge.internals import flatten_layers
from keras_registry.bridge.program_functions import explaining_refusals, function_findings
from keras_registry.bridge.reports import tell
from keras_registry.bridge.weights import PARTS, fingerprint_weights
from keras_registry.config import (
    collecting_faults,
    kind_of_class,
    may_be_marked_once,
    unmark,
)
from keras_registry.documents import generator
from keras_registry.environment import Environment, normalise_version
from keras_registry.findings import Policy, finding
from keras_registry.hashes import hash_bytes
from keras_registry.manifest import MANIFEST_KEY, dump_manifest
from keras_registry.names import Kind, printable
from keras_registry.recording import (
    ConfigFacts,
    KnownObject,
    Recording,
    read_facts,
    record_model,
)
from keras_registry.registration import default_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from keras_registry.findings import Finding

__all__ = [
    "add_manifest",
    "folder_path",
    "known_objects",
    "make_manifest",
    "make_weights_manifest",
    "running_environment",
    "save_zip",
]

_told: set[tuple[str, ...]] = set()
_told_lock = threading.Lock()
_facts: WeakKeyDictionary[Any, tuple[str, ConfigFacts]] = WeakKeyDictionary()
"""What was said of the configs of models at their last save, with the hashes of their texts."""


def running_environment() -> Environment:
    """The environment of this process, whose Keras is imported."""
    import keras

    backend = keras.backend.backend()
    module = sys.modules.get(backend)
    return Environment(
        keras_version=normalise_version(keras.__version__),
        backend=backend,
        backend_version=normalise_version(getattr(module, "__version__", None)),
    )


def add_manifest(wrapped: Callable[..., Any], model: Any, *args: Any, **kwargs: Any) -> Any:
    """Stands where Keras serialises a model, and puts the manifest into its metadata.

    Args:
        wrapped: Keras's own function: a model to the texts of its config and metadata.
        model: The model.
        *args: Further arguments.
        **kwargs: Further arguments.
    """
    with collecting_faults() as faults, explaining_refusals(model):
        config_text, metadata_text = wrapped(model, *args, **kwargs)
    config = json.loads(config_text)
    judge_faults(faults, config)
    changed = complete_compile_config(model, config.get("compile_config"))
    if (may_be_marked_once(config_text) and unmark(config, policies=False)) or changed:
        config_text = json.dumps(config)
    manifest = make_manifest(model, config, facts=lambda: _facts_of(model, config_text, config))
    if manifest is None:
        return config_text, metadata_text
    return config_text, json.dumps({**json.loads(metadata_text), MANIFEST_KEY: manifest})


def make_manifest(
    model: Any,
    config: Any,
    *,
    facts: Callable[[], ConfigFacts] | None = None,
    parts: Collection[str] = PARTS,
    is_graph: bool = False,
) -> dict[str, Any] | None:
    """The manifest of a model that is about to be saved, as JSON.

    A model is worth more than its manifest: if that cannot be made, a warning says so and the
    save goes on.

    Args:
        model: The model, whose weights are hashed.
        config: The JSON document of its serialised config.
        facts: Gives what is to be said of the config, if that may be known.
        parts: The parts of its weights that are saved.
        is_graph: Whether its graph alone is saved, which needs none of its objects.
    """
    recording = _record(model, config, facts or (lambda: read_facts(config)), parts)
    if recording is None:
        return None
    if not is_graph:
        _tell_once(recording.findings)
        tell("save", unsaved_setting_findings(model))
        _tell_once(function_findings(model, config))
    return dump_manifest(recording.manifest)


def _facts_of(model: Any, text: str, config: Any) -> ConfigFacts:
    """What is to be said of a config, kept for the next save: few checkpoints have another one."""
    digest = hash_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        known = _facts.get(model)
        if known is None or known[0] != digest:
            known = _facts[model] = (digest, read_facts(config))
    except TypeError:  # an object that has no hash
        return read_facts(config)
    return known[1]


def make_weights_manifest(model: Any, *, whole: bool) -> dict[str, Any] | None:
    """The manifest of a model's weights that are saved without the model, as JSON.

    It names the registered classes of the layers, and has no places: there is no config.

    Args:
        model: The model.
        whole: Whether all weights are saved; they are hashed only then.
    """
    recording = _record(
        model, None, lambda: ConfigFacts(_scan_layers(model)), PARTS if whole else ()
    )
    if recording is None:
        return None
    objects = tuple(replace(item, paths=None) for item in recording.manifest.objects)
    return dump_manifest(replace(recording.manifest, objects=objects))


def _scan_layers(model: Any) -> ConfigScan:
    import keras

    classes = [type(layer) for layer in flatten_layers(model)]
    keys = [(keras.saving.get_registered_name(cls), cls) for cls in classes]
    uses = (
        ObjectUse(key, (), cls.__name__, cls.__module__, kind_of_class(cls))
        for key, cls in keys
        if ">" in key
    )
    return ConfigScan(tuple(uses), ())


def _record(
    model: Any, config: Any, facts: Callable[[], ConfigFacts], parts: Collection[str]
) -> Recording | None:
    """What of a model its manifest will say; None, with a warning, if that cannot be told."""
    try:
        found = facts()
        return record_model(
            config,
            found,
            generator=generator(),
            registry=default_registry,
            environment=running_environment(),
            known=known_objects(found.scan),
            weights=fingerprint_weights(model, parts),
        )
    except Exception as error:  # noqa: BLE001 - whatever it is, the model must be saved
        tell("save", [_no_manifest_finding(error)])
        return None


def known_objects(scan: ConfigScan) -> dict[str, KnownObject]:
    """The objects of a config that were registered with plain Keras, or are in a scope."""
    import keras

    known: dict[str, KnownObject] = {}
    for key in scan.by_key():
        if default_registry.find(key) is None:
            found = keras.saving.get_registered_object(key)
            if found is not None:
                kind = kind_of_class(found) if isinstance(found, type) else Kind.FUNCTION
                known[key] = KnownObject(kind, getattr(found, "__module__", None) or "__main__")
    return known


def _tell_once(findings: Iterable[Finding]) -> None:
    """Tells of objects that nobody else can load: each set of them once in a process."""
    for item in findings:
        mark = (item.code, *sorted(need.key for need in item.needs))
        with _told_lock:
            is_new = mark not in _told
            _told.add(mark)
        if is_new:
            tell("save", [item])


def _no_manifest_finding(error: Exception) -> Finding:
    return finding(
        "K202",
        Policy.COMPATIBLE,
        "the model is saved without a manifest",
        wanted="a manifest",
        found=f"{type(error).__name__}: {printable(error, limit=300)}",
        hint="report this as a defect of keras-registry, with the traceback of the error",
    )


def folder_path(filepath: Any) -> Any:
    """The path under which Keras saves a folder: of a relative one it loses the assets.

    Args:
        filepath: The path that the caller gave; one that is remote, or that Keras refuses by its
            ending, is left alone.
    """
    if not isinstance(filepath, str | os.PathLike):
        return filepath
    text = os.fspath(filepath)
    is_folder = "://" not in text and not text.endswith(".keras")
    return os.path.abspath(text) if is_folder else filepath  # noqa: PTH100 - links stay


def save_zip(
    wrapped: Callable[..., Any],
    model: Any,
    filepath: Any,
    *args: Any,
    **kwargs: Any,
) -> Any:
    """Stands where Keras writes a file, and replaces the former file in one step.

    A save that fails leaves the former file, or, where there was none, what Keras leaves.

    Args:
        wrapped: Keras's own function.
        model: The model.
        filepath: The path, or an open file, which is passed through.
        *args: Further arguments: the format of the weights, and whether to zip.
        **kwargs: The same.
    """
    zipped = args[1] if len(args) > 1 else kwargs.get("zipped", True)
    if not zipped:
        return wrapped(model, folder_path(filepath), *args, **kwargs)
    if isinstance(filepath, IOBase):
        return wrapped(model, filepath, *args, **kwargs)
    target = replaceable(str(filepath))
    if target is None:
        return wrapped(model, filepath, *args, **kwargs)
    with replacing(target) as temporary:
        try:
            with temporary.open("wb") as file:
                return wrapped(model, file, *args, **kwargs)
        except Exception:
            # Keras leaves what it has, the model's description without its weights. That is
            # better than nothing, and worse than a former file.
            if zipfile.is_zipfile(temporary) and not target.exists():
                temporary.replace(target)
            raise
