"""The argument ``axis`` of layers in ``.h5`` files, which Keras drops unless it is one number.

Keras 2 wrote the axis of a `BatchNormalization` as a list of one number. For such files Keras takes
``axis`` out of every config, and puts back what it can make an integer of. All else stays out, such
as two axes, and the layer gets its default without a word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras_registry.bridge.progress import is_under_way, note_failure
from keras_registry.bridge.rewritten import rewritten_h5_model
from keras_registry.registration import default_registry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["make_with_axis"]

AXIS = "axis"


def make_with_axis(
    wrapped: Callable[..., Any],
    config: Any,
    custom_objects: Mapping[str, Any] | None = None,
) -> Any:
    """Stands where Keras makes a model or a layer of its config in a ``.h5`` file.

    Args:
        wrapped: Keras's own function.
        config: The class and its config.
        custom_objects: The objects of this load.
    """
    config = rewritten_h5_model(config)
    if is_under_way() and _loses_axis(config, custom_objects or {}):
        config = {**config, "config": _AxisKept(config["config"])}
    try:
        return wrapped(config, custom_objects=custom_objects)
    except Exception as error:
        note_failure(config, error)
        raise


class _AxisKept(dict[str, Any]):
    """A config from which ``axis`` cannot be taken the first time, when Keras does it."""

    _tried = False

    def pop(self, key: str, *default: Any) -> Any:
        if key == AXIS and not self._tried:
            self._tried = True
            return None
        return super().pop(key, *default)


def _loses_axis(config: Any, custom_objects: Mapping[str, Any]) -> bool:
    """Whether the class would get another axis than the config has."""
    inner = config.get("config") if isinstance(config, dict) else None
    if not isinstance(inner, dict) or AXIS not in inner:
        return False
    axis = inner[AXIS]
    if isinstance(axis, int) and not isinstance(axis, bool):
        return False
    is_one = isinstance(axis, list) and len(axis) == 1 and isinstance(axis[0], int)
    return not is_one or _is_registered(config.get("class_name"), custom_objects)


def _is_registered(name: Any, custom_objects: Mapping[str, Any]) -> bool:
    """Whether the class is one whose schema says what its axis is."""
    target = custom_objects.get(name)
    if target is None:
        return isinstance(name, str) and default_registry.find(name) is not None
    return any(registration.target is target for registration in default_registry)
