"""What a ``.h5`` file has no place for, named when a model is saved into one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras_registry.bridge.compiled_config import has_own
from keras_registry.bridge.internals import flatten_layers, metrics_of
from keras_registry.bridge.optimizer_state import optimizers_of
from keras_registry.findings import Policy, finding
from keras_registry.names import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from keras_registry.findings import Finding

__all__ = ["layers_beyond_weights", "limit_findings", "titles_of"]

_SHOWN = 5
_UNREADABLE = frozenset({"bfloat16", "float8_e4m3fn", "float8_e5m2"})


def limit_findings(model: Any) -> Iterator[Finding]:
    """What of a model cannot be loaded again from a ``.h5`` file.

    Args:
        model: The model that is saved.
    """
    for code, summary, wanted, items in _limits(model):
        if items:
            yield finding(
                code,
                Policy.COMPATIBLE,
                summary,
                wanted=wanted,
                found=titles_of(items),
                hint='save the model as ".keras"',
            )


def _limits(model: Any) -> Iterator[tuple[str, str, str, Sequence[Any]]]:
    """Of each limit the code, what is said and wanted, and what is concerned by it."""
    import keras

    layers = flatten_layers(model) if isinstance(model, keras.layers.Layer) else []
    yield (
        "K203",
        "a .h5 file has no place for the assets of these layers",
        "a format that holds vocabularies and other assets",
        [layer for layer in layers if _has_assets(layer)],
    )
    yield (
        "K204",
        "Keras cannot load operations from a .h5 file",
        "layers alone: keras.layers.Add()([a, b]) in place of a + b",
        [item for layer in layers for item in _operations(layer)],
    )
    yield (
        "K204",
        "Keras cannot load weights of this dtype from a .h5 file",
        "weights of float32, float16 or integers",
        [layer for layer in layers if _is_unreadable(layer)],
    )
    yield (
        "K204",
        "a .h5 file has no place for what save_own_variables of these layers adds",
        "variables of the layers alone",
        layers_beyond_weights(model),
    )
    yield (
        "K204",
        "a .h5 file has no place for the state of these metrics",
        "a format that holds more than weights",
        metrics_of(layers),
    )
    own = getattr(model, "optimizer", None)
    yield (
        "K204",
        "a .h5 file has no place for the state of these optimizers",
        "one optimizer, that with which the model is compiled",
        [found for found in optimizers_of(model) if found is not own and found.built],
    )
    own_ways = ("compile", "get_compile_config")
    has_more = isinstance(model, keras.Model) and any(has_own(model, way) for way in own_ways)
    yield (
        "K204",
        "a .h5 file has no place for what only the compile of this class takes",
        "the arguments of keras.Model.compile",
        [model] if has_more and model.compiled else [],
    )


def layers_beyond_weights(model: Any) -> list[Any]:
    """The layers of a model whose class saves more than their variables.

    Args:
        model: A Keras model.
    """
    import keras

    layers = flatten_layers(model) if isinstance(model, keras.layers.Layer) else []
    return [layer for layer in layers if _adds_to_variables(layer)]


def _adds_to_variables(layer: Any) -> bool:
    method = type(layer).save_own_variables
    if (getattr(method, "__module__", None) or "").startswith("keras."):
        return False
    store: dict[str, Any] = {}
    try:
        layer.save_own_variables(store)
    except Exception:  # noqa: BLE001 - Keras does not ask for them here
        return False
    return len(store) > len([*layer._trainable_variables, *layer._non_trainable_variables])


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


def titles_of(items: Sequence[Any]) -> str:
    """The classes and names of the first few of some objects, in words.

    Args:
        items: Layers, operations, metrics or optimizers.
    """
    shown = [f'{type(item).__name__} "{printable(item.name, limit=60)}"' for item in items[:_SHOWN]]
    return f"{', '.join(shown)}{', …' if len(items) > _SHOWN else ''}"
