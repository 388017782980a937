"""What a ``.h5`` file has no place for, named when a model is saved into one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras_registry.bridge.internals import flatten_layers
from keras_registry.findings import Policy, finding
from keras_registry.names import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from keras_registry.findings import Finding

__all__ = ["limit_findings"]

_SHOWN = 5
_UNREADABLE = frozenset({"bfloat16", "float8_e4m3fn", "float8_e5m2"})


def limit_findings(model: Any) -> Iterator[Finding]:
    """What of a model cannot be loaded again from a ``.h5`` file.

    Args:
        model: The model that is saved.
    """
    import keras

    layers = flatten_layers(model) if isinstance(model, keras.layers.Layer) else []
    with_assets = [layer for layer in layers if _has_assets(layer)]
    if with_assets:
        yield finding(
            "K203",
            Policy.COMPATIBLE,
            "a .h5 file has no place for the assets of these layers",
            wanted="a format that holds vocabularies and other assets",
            found=_names(with_assets),
            hint='save the model as ".keras"',
        )
    operations = [item for layer in layers for item in _operations(layer)]
    if operations:
        yield finding(
            "K204",
            Policy.COMPATIBLE,
            "Keras cannot load operations from a .h5 file",
            wanted="layers alone: keras.layers.Add()([a, b]) in place of a + b",
            found=_names(operations),
            hint='save the model as ".keras"',
        )
    unreadable = [layer for layer in layers if _is_unreadable(layer)]
    if unreadable:
        yield finding(
            "K204",
            Policy.COMPATIBLE,
            "Keras cannot load weights of this dtype from a .h5 file",
            wanted="weights of float32, float16 or integers",
            found=_names(unreadable),
            hint='save the model as ".keras"',
        )


def _has_assets(layer: Any) -> bool:
    """Whether a layer has assets that are not in its config."""
    if not hasattr(layer, "save_assets"):
        return False
    try:
        return not layer.get_config().get("vocabulary")
    except Exception:  # noqa: BLE001 - Keras does not ask every layer for its config here
        return True


def _operations(layer: Any) -> list[Any]:
    """The operations in a graph that are no layers: ``.h5`` has their bare names alone."""
    import keras

    found = getattr(layer, "operations", ())
    return [item for item in found if not isinstance(item, keras.layers.Layer)]


def _is_unreadable(layer: Any) -> bool:
    """Whether HDF5 has no number type for a layer's weights, or Keras loads them in disorder."""
    own = [*layer._trainable_variables, *layer._non_trainable_variables]
    is_float8 = getattr(layer, "quantization_mode", None) == "float8"
    return is_float8 or any(variable.dtype in _UNREADABLE for variable in own)


def _names(items: Sequence[Any]) -> str:
    shown = [f'{type(item).__name__} "{printable(item.name, limit=60)}"' for item in items[:_SHOWN]]
    return f"{', '.join(shown)}{', …' if len(items) > _SHOWN else ''}"
