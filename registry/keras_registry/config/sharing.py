"""Objects that a config holds twice and that stay one: Keras's own marks for them.

Keras marks such objects while it saves or loads a whole model. Here the same is done for a single
`get_config` and `from_config`, which plain Keras leaves with two copies.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from keras_registry.types.fields import is_serialised

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

__all__ = ["SHARED_MARK", "may_be_marked_once", "sharing_scope", "unmark"]


SHARED_MARK = "shared_object_id"
"""The member by which Keras marks a serialised object as one that is in the config twice."""

_MARKS = re.compile(rf'"{SHARED_MARK}": ?(\d+)')


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


def may_be_marked_once(text: str) -> bool:
    """Whether a config can have marks that say nothing, as `unmark` takes them off.

    Args:
        text: The config as JSON, which is far faster to search than what it says.
    """
    return 1 in Counter(_MARKS.findall(text)).values()


def unmark(config: Any, *, policies: bool = True) -> bool:
    """Takes off the marks that say nothing, in place: an object that is in the config only once.

    A parent's part of the config holds it as well, before the class's own part replaces that. And
    all layers of one process share the global dtype policy, but each has one of its own when Keras
    has loaded it. A mark is an address: with it no config would equal that of the original.

    Args:
        config: The config; changed in place.
        policies: Whether the marks of dtype policies go too.

    Returns:
        Whether there were any.
    """
    marked: dict[Any, list[dict[str, Any]]] = {}
    _collect(config, marked)
    is_changed = False
    for places in marked.values():
        is_policy = str(places[0].get("class_name")).endswith("DTypePolicy")
        if (is_policy and policies) or len(places) == 1:
            is_changed = True
            for place in places:
                del place[SHARED_MARK]
    return is_changed


def _collect(node: Any, marked: dict[Any, list[dict[str, Any]]]) -> None:
    if isinstance(node, dict):
        if type(node.get(SHARED_MARK)) is int and is_serialised(node):
            marked.setdefault(node[SHARED_MARK], []).append(node)
        for item in node.values():
            _collect(item, marked)
    elif isinstance(node, list | tuple):
        for item in node:
            _collect(item, marked)
