"""Objects that a config holds twice and that stay one: Keras's own marks for them.

Keras marks such objects while it saves or loads a whole model. Here the same is done for a single
`get_config` and `from_config`, which plain Keras leaves with two copies.
"""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

__all__ = ["sharing_scope", "unmark_policies"]


@contextmanager
def sharing_scope() -> Iterator[bool]:
    """Keras's scope in which shared objects are known again; nothing where one is open already.

    Yields:
        Whether the scope was opened here.
    """
    scope = _make_scope()
    if scope is None:
        yield False
        return
    with scope:
        yield True


def _make_scope() -> AbstractContextManager[Any] | None:
    if "keras" not in sys.modules:
        return None
    try:
        from keras.src.backend.common import global_state
        from keras.src.saving.serialization_lib import ObjectSharingScope
    except ImportError:  # private names, the same from Keras 3.12 to 3.15
        return None
    if global_state.get_global_attribute("shared_objects/id_to_obj_map") is not None:
        return None
    scope: AbstractContextManager[Any] = ObjectSharingScope()
    return scope


def unmark_policies(config: Any) -> None:
    """Takes the marks off dtype policies, in place.

    All layers of one process share the global policy, and each has one of its own when Keras has
    loaded it: with the mark, which is an address, no config would equal that of the original.
    """
    if isinstance(config, dict):
        if str(config.get("class_name")).endswith("DTypePolicy"):
            config.pop("shared_object_id", None)
        for item in config.values():
            unmark_policies(item)
    elif isinstance(config, list | tuple):
        for item in config:
            unmark_policies(item)
