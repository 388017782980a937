"""Configs that Keras makes into objects without a file, as `model_from_json` does.

Keras asks one function for all of them, and that function asks itself for what is nested. Only the
outermost call looks at the config: what it names is resolved as in the load of a file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras_registry.artifact import Artifact, scan_config
from keras_registry.bridge.load import Load
from keras_registry.bridge.progress import is_under_way, note_failure, under_way

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["deserialize"]


def deserialize(
    wrapped: Callable[..., Any],
    config: Any,
    custom_objects: Mapping[str, Any] | None = None,
    safe_mode: bool | None = True,  # noqa: FBT001, FBT002 - Keras's own signature
    **kwargs: Any,
) -> Any:
    """Stands where Keras makes an object of its config.

    What cannot be resolved is left to Keras: only when it fails is its error explained.

    Args:
        wrapped: Keras's own function.
        config: The config.
        custom_objects: The caller's objects.
        safe_mode: Whether to refuse lambdas.
        **kwargs: Further arguments of Keras's function.
    """

    def build(overlay: Mapping[str, Any] | None) -> Any:
        return wrapped(config, overlay, safe_mode, **kwargs)

    if is_under_way() or not isinstance(config, dict) or "class_name" not in config:
        try:
            return build(custom_objects)
        except Exception as error:
            note_failure(config, error)
            raise
    if not _names_what_is_not_live(config):
        with under_way():
            return build(custom_objects)
    artifact = Artifact(name="the config", size=None, members=(), metadata={}, config=config)
    load = Load(artifact, dict(custom_objects or {}))
    return load.build(lambda overlay, _: build(overlay))


def _names_what_is_not_live(config: Any) -> bool:
    """Whether the config names an object that Keras does not have yet."""
    import keras

    return any(
        keras.saving.get_registered_object(use.key) is None for use in scan_config(config).uses
    )
