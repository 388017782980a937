"""Configs that Keras shall build in place of those that it reads from the file by itself.

A load may leave something out of a config, or write it anew, once it has looked at it as a whole.
Keras reads the file again. Where it makes something of what it read, it is given the other config.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from keras_registry.artifact import MODEL_CONFIG, TRAINING_CONFIG
from keras_registry.bridge.internals import decode_h5_config
from keras_registry.bridge.progress import take_rewritten

if TYPE_CHECKING:
    from keras_registry.artifact import Artifact

__all__ = ["parts_to_rewrite", "rewritten_h5_model", "rewritten_h5_training", "rewritten_text"]

_WHOLE = "config"


def parts_to_rewrite(artifact: Artifact, config: Any) -> dict[str, Any]:
    """The parts of a file's config that Keras shall not build as it reads them.

    Args:
        artifact: The file.
        config: What Keras shall build.
    """
    if config is artifact.config:
        return {}
    return dict(config) if artifact.container == ".h5" else {_WHOLE: config}


def rewritten_text(config_json: Any) -> Any:
    """The text of the config that Keras shall build: the one that it read, if that is right.

    Args:
        config_json: The text of ``config.json``.
    """
    config = take_rewritten(_WHOLE)
    return config_json if config is None else json.dumps(config)


def rewritten_h5_model(config: Any) -> Any:
    """The config of the model in a ``.h5`` file that Keras shall build, the first time it asks.

    Args:
        config: The one that Keras read, or that of a layer inside it.
    """
    return _decoded(MODEL_CONFIG, config)


def rewritten_h5_training(config: Any) -> Any:
    """The compiled state in a ``.h5`` file that Keras shall build.

    Args:
        config: The one that Keras read.
    """
    return _decoded(TRAINING_CONFIG, config)


def _decoded(part: str, read: Any) -> Any:
    config = take_rewritten(part)
    return read if config is None else decode_h5_config(json.dumps(config))
