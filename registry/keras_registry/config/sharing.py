"""Objects that a config holds twice and that stay one: Keras's own marks for them.

Keras marks such objects while it saves or loads a whole model. Here the same is done for a single
`get_config` and `from_config`, which plain Keras leaves with two copies.
"""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, nullcontext
from typing import Any

__all__ = ["sharing_scope"]


def sharing_scope() -> AbstractContextManager[Any]:
    """Keras's scope in which shared objects are known again; nothing where one is open already."""
    if "keras" not in sys.modules:
        return nullcontext()
    try:
        from keras.src.backend.common import global_state
        from keras.src.saving.serialization_lib import ObjectSharingScope
    except ImportError:  # private names, the same from Keras 3.12 to 3.15
        return nullcontext()
    if global_state.get_global_attribute("shared_objects/id_to_obj_map") is not None:
        return nullcontext()
    scope: AbstractContextManager[Any] = ObjectSharingScope()
    return scope
