"""Functions of the running program that no file keeps: namesakes of Keras's, and partial ones.

Keras writes a function that is not registered by its bare name, and by that name it first finds its
own. A program with another ``relu`` gets Keras's back, without a word.
"""

from __future__ import annotations

from contextlib import contextmanager
from types import FunctionType
from typing import TYPE_CHECKING, Any

from keras_registry.bridge.internals import flatten_layers
from keras_registry.findings import Need, Policy, finding
from keras_registry.keras_names import FUNCTIONS
from keras_registry.names import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keras_registry.findings import Finding

__all__ = ["explaining_refusals", "namesake_findings"]

_COMPILED = ("loss", "metrics", "weighted_metrics")


def namesake_findings(model: Any) -> Iterator[Finding]:
    """What is said of functions that Keras will take for its own when the model is loaded.

    Args:
        model: The model that is being saved.
    """
    import keras

    places: dict[str, list[str]] = {}
    for place, found in _held(model):
        if type(found) is FunctionType and _is_namesake(found, keras.saving.get_registered_name):
            places.setdefault(found.__name__, []).append(place)
    if places:
        yield finding(
            "K206",
            Policy.COMPATIBLE,
            "functions of this program are called like Keras's, which a load puts in their place",
            needs=tuple(Need(name, len(found), found[0]) for name, found in places.items()),
            wanted="names of their own, or registered functions",
            found=", ".join(places),
            hint="decorate them with @keras_registry.register, in an installable distribution",
        )


def _is_namesake(function: FunctionType, registered_name: Any) -> bool:
    is_keras = function.__module__.partition(".")[0] == "keras"
    return function.__name__ in FUNCTIONS and not is_keras and ">" not in registered_name(function)


@contextmanager
def explaining_refusals(model: Any) -> Iterator[None]:
    """Adds to what Keras raises when it cannot save a model where the object is that it refuses.

    The error stays as it is, with a note.

    Args:
        model: The model.
    """
    try:
        yield
    except (TypeError, ValueError) as error:
        _note_place(error, model)
        raise


def _note_place(error: Exception, model: Any) -> None:
    text = str(error)
    for place, found in _held(model):
        if not isinstance(found, str | int | float | bool | None) and repr(found) in text:
            kind = printable(type(found).__name__)
            error.add_note(
                f"keras-registry: {place} is of type {kind}, which Keras cannot save: pass a "
                "function with a name, decorated with @keras_registry.register"
            )
            return


def _held(model: Any) -> Iterator[tuple[str, Any]]:
    """What the layers of a model, and its compiled state, hold, and where."""
    import keras

    if not isinstance(model, keras.layers.Layer):
        return
    for layer in flatten_layers(model):
        title = f'{type(layer).__name__} "{printable(layer.name, limit=60)}"'
        for name, value in list(vars(layer).items()):
            yield f"{title}.{name}", value
    config = getattr(getattr(model, "_compile_config", None), "config", {})
    for part in _COMPILED:
        for value in _flat(config.get(part)):
            yield f"compile({part})", value


def _flat(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list | tuple):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _flat(item)
    else:
        yield value
