"""Exported models: the manifest goes beside the graph, where it is in nobody's way.

A SavedModel holds no config, and serving it needs neither Keras nor a plugin. The manifest says
from what the graph was made, for whoever has to make it again.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from keras_registry.artifact import EXTRA_FOLDER, EXTRA_MANIFEST, GRAPH_FINGERPRINT
from keras_registry.bridge.reports import tell
from keras_registry.bridge.saving import make_manifest
from keras_registry.config import collecting_faults, sharing_scope, unmark
from keras_registry.findings import Policy, finding
from keras_registry.hashes import hash_bytes
from keras_registry.manifest import GRAPH
from keras_registry.names import printable

if TYPE_CHECKING:
    from collections.abc import Callable

    from keras_registry.findings import Finding

__all__ = ["export_graph"]


def export_graph(
    wrapped: Callable[..., Any], model: Any, filepath: Any, *args: Any, **kwargs: Any
) -> Any:
    """Stands where Keras exports a model as a SavedModel, and adds the manifest.

    The graph is written first and whatever comes of the manifest: a model can be exported that
    could not be saved.

    Args:
        wrapped: Keras's own function.
        model: The model.
        filepath: The folder, local or remote.
        *args: Further arguments.
        **kwargs: Further arguments.
    """
    result = wrapped(model, filepath, *args, **kwargs)
    try:
        _add_manifest(model, str(filepath))
    except Exception as error:  # noqa: BLE001 - whatever it is, the graph is written and good
        tell("export", [_no_manifest_finding(error)])
    return result


def _add_manifest(model: Any, folder: str) -> None:
    import keras
    from keras.src.utils import file_utils

    with collecting_faults(), sharing_scope():
        serialised = keras.saving.serialize_keras_object(model)
    config = json.loads(json.dumps(serialised))
    unmark(config, policies=False)
    manifest = make_manifest(model, config, parts=("layers",), is_graph=True)
    if manifest is None:
        return
    with file_utils.File(file_utils.join(folder, GRAPH_FINGERPRINT), "rb") as file:
        graph = {"fingerprint": hash_bytes(file.read())}
    document = {**manifest, "weights": {**manifest.get("weights", {}), GRAPH: graph}}
    extra = file_utils.join(folder, EXTRA_FOLDER)
    if not file_utils.exists(extra):
        file_utils.makedirs(extra)
    with file_utils.File(file_utils.join(extra, EXTRA_MANIFEST), "w") as file:
        file.write(json.dumps(document))


def _no_manifest_finding(error: Exception) -> Finding:
    return finding(
        "K202",
        Policy.COMPATIBLE,
        "the model is exported without a manifest",
        wanted="a config of the model, and a folder that takes another file",
        found=f"{type(error).__name__}: {printable(error, limit=300)}",
        hint="the exported model works; what it was made from is not recorded",
    )
