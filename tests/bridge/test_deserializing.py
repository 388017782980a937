"""Configs without a file: what is said of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.processes import Completed

CONFIG = """
import logging
import keras, keras_registry
records = []
handler = logging.Handler()
handler.emit = lambda record: records.append(record.getMessage())
logging.getLogger("keras_registry").addHandler(handler)
logging.getLogger("keras_registry").setLevel(logging.DEBUG)
config = {"module": "elsewhere", "class_name": "Thing", "registered_name": "acme>Thing",
          "config": {"name": "thing"}}


class Thing(keras.layers.Layer):
    pass
"""


def test_the_callers_object_is_noted(child: Callable[..., Completed]) -> None:
    """An object that the caller gave is used, and a note says so in the log, as for a file."""
    done = child(
        [
            CONFIG,
            """
            made = keras.saving.deserialize_keras_object(config, {"acme>Thing": Thing})
            answer(made=type(made).__name__, name=made.name,
                   noted=[text for text in records if "acme>Thing" in text] != [])
            """,
        ]
    )

    assert done.json() == {"made": "Thing", "name": "thing", "noted": True}


def test_what_nobody_has_is_explained(child: Callable[..., Completed]) -> None:
    """Where Keras fails, the error is ours, of Keras's class and without a word about files."""
    done = child(
        [
            CONFIG,
            """
            error = caught(keras.saving.deserialize_keras_object, config)
            answer(codes=codes(error.findings), is_type_error=isinstance(error, TypeError),
                   headline=str(error).splitlines()[0])
            """,
        ]
    )

    assert done.json() == {
        "codes": ["R106"],
        "is_type_error": True,
        "headline": "the config cannot be loaded: 1 error",
    }
