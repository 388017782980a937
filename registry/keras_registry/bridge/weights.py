"""Fingerprints of the weights in memory.

A fingerprint is an XXH3-128 hash over what each layer's `save_own_variables` yields, layer by
layer in the model's flattened order: for each variable, sorted by name, its name, dtype, shape
and bytes. Names of layers and classes do not enter, so a renamed layer keeps its fingerprint.
Integers count as 64 bits wide, since the backends choose different widths for counters.

The optimizer, and the metrics that layers hold, are hashed alike and apart. Assets, such as
vocabularies, are hashed as the files that `save_assets` writes.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import xxhash

from keras_registry.bridge.internals import flatten_layers, metrics_of
from keras_registry.bridge.optimizer_state import has_state, optimizers_of
from keras_registry.manifest import WeightsRecord

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

__all__ = ["PARTS", "UnverifiableError", "fingerprint_weights", "owners_of"]


class UnverifiableError(Exception):
    """The variables of an object cannot be read; the message names the object."""


PARTS = ("layers", "optimizer", "metrics", "assets")
"""The parts of a model's weights. A `.h5` file has no place for the last two."""


def fingerprint_weights(
    model: Any,
    parts: Collection[str] = PARTS,
    given: Mapping[int, Mapping[str, Any]] | None = None,
) -> dict[str, WeightsRecord]:
    """The records of a model's weights, by part; a part that cannot be read is left out.

    Args:
        model: A Keras model.
        parts: The parts wanted.
        given: What a file gave for objects whose weights were migrated, by the objects' ids: it
            is hashed in the place of what they hold now.
    """
    records = {}
    for part, owners in owners_of(model).items():
        if part not in parts:
            continue
        try:
            records[part] = (
                _fingerprint_assets(owners)
                if part == "assets"
                else _fingerprint(owners, given or {})
            )
        except UnverifiableError:
            continue
    return records


def owners_of(model: Any) -> dict[str, list[Any]]:
    """What has the variables, or the assets, of each part that a model has.

    Args:
        model: A Keras model.
    """
    import keras

    layers = flatten_layers(model) if isinstance(model, keras.layers.Layer) else []
    parts = {
        "layers": layers,  # pickle and deepcopy save losses and the like too
        "optimizer": [optimizer for optimizer in optimizers_of(model) if has_state(optimizer)],
        "metrics": metrics_of(layers),
        "assets": [layer for layer in layers if hasattr(layer, "save_assets")],
    }
    return {part: owners for part, owners in parts.items() if owners}


def _fingerprint_assets(owners: Iterable[Any]) -> WeightsRecord:
    digest = xxhash.xxh3_128()
    count = 0
    for owner in owners:
        with TemporaryDirectory(prefix="keras-registry-assets-") as folder:
            try:
                owner.save_assets(folder)
            except Exception as error:
                message = f"{getattr(owner, 'name', type(owner).__name__)}: {error}"
                raise UnverifiableError(message) from error
            digest.update(b"\x1e")
            for file in sorted(path for path in Path(folder).rglob("*") if path.is_file()):
                digest.update(f"\x1f{file.relative_to(folder).as_posix()}\x1f".encode())
                digest.update(file.read_bytes())
                count += 1
    return WeightsRecord(count=count, fingerprint=f"xxh3:{digest.hexdigest()}")


def _fingerprint(owners: Iterable[Any], given: Mapping[int, Mapping[str, Any]]) -> WeightsRecord:
    import keras

    digest = xxhash.xxh3_128()
    count = 0
    for owner in owners:
        if getattr(owner, "lora_enabled", False) and getattr(owner, "quantization_mode", None):
            message = f"{owner.name}: Keras quantises an adapted kernel anew at every save"
            raise UnverifiableError(message)
        store: dict[str, Any] = dict(given.get(id(owner), {}))
        try:
            if id(owner) not in given:
                owner.save_own_variables(store)
            entries = [(name, *_buffer(keras, store[name])) for name in sorted(store)]
        except Exception as error:
            message = f"{getattr(owner, 'name', type(owner).__name__)}: {error}"
            raise UnverifiableError(message) from error
        if entries:  # Keras keeps a layer that was replaced by another, and never saves it
            digest.update(b"\x1e")
        for name, header, buffer in entries:
            digest.update(f"\x1f{name}\x1f{header}\x1f".encode())
            digest.update(buffer)
        count += len(entries)
    return WeightsRecord(count=count, fingerprint=f"xxh3:{digest.hexdigest()}")


def _buffer(keras: Any, value: Any) -> tuple[str, Any]:
    """The dtype and shape of a variable, tensor or array, and its bytes, not copied if possible."""
    if isinstance(value, keras.Variable):
        tensor, dtype = value.value, value.dtype
    else:
        tensor, dtype = value, keras.backend.standardize_dtype(value.dtype)
    is_integer = "int" in dtype
    view = None if is_integer else _view(tensor)
    if view is not None and view.c_contiguous:
        return f"{dtype}{view.shape}", view
    import numpy as np

    shape = tuple(map(int, value.shape))
    array = np.ascontiguousarray(keras.ops.convert_to_numpy(tensor))
    if is_integer:
        dtype, array = "int64", array.astype(np.int64)
    return f"{dtype}{shape}", array.reshape(-1).view(np.uint8).data


def _view(tensor: Any) -> memoryview | None:
    """The memory of a tensor; None where it has none that can be read, as of bfloat16 or on a GPU.

    The ways by which Keras makes arrays of TensorFlow's variables and of torch's tensors copy it.
    """
    try:
        if hasattr(tensor, "handle"):
            import tensorflow as tf

            tensor = tf.raw_ops.ReadVariableOp(resource=tensor.handle, dtype=tensor.dtype)
        elif hasattr(tensor, "detach"):
            tensor = tensor.detach().numpy()
        return memoryview(tensor)
    except (TypeError, ValueError, BufferError):
        return None
