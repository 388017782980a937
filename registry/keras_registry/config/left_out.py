"""Arguments of Keras's own constructors that Keras's own `get_config` leaves out.

`keras.losses.Huber` forgets its ``delta``, every loss its ``dtype``, `keras.layers.SimpleRNN` its
``seed``: a subclass would come back with the defaults. What a caller passed is therefore kept, and
what the config lacks of it is added.
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any

from keras_registry.config.arguments import arguments_of, is_same, keep_arguments
from keras_registry.config.derivation import parameters_of_parents

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["add_left_out", "keep_passed_on", "wrap_keras_class"]

# Initial weights: they are in the file.
_CONSUMED = frozenset({"weights"})


def keep_passed_on(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Those of a caller's arguments for Keras that JSON can hold as they are."""
    return {
        name: value
        for name, value in arguments.items()
        if _is_plain(value) and name not in _CONSUMED
    }


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or type(value) in {bool, int, float, str}


def add_left_out(cls: type, instance: Any, config: dict[str, Any]) -> dict[str, Any]:
    """A config with the arguments that Keras left out of it.

    Args:
        cls: The registered class.
        instance: The object.
        config: What `get_config` made so far.
    """
    record = arguments_of(instance)
    passed = {} if record is None else record.passed_on
    defaults = _defaults(cls)
    left_out = {
        name: value
        for name, value in passed.items()
        if (name not in config or hasattr(config[name], "dtype"))  # a tensor, as of AUC
        and name in defaults
        and not is_same(value, defaults[name])
    }
    return {**config, **left_out} if left_out else config


@functools.lru_cache(maxsize=1024)
def _defaults(cls: Any) -> dict[str, Any]:
    """What the constructors of a class and of its parents take, with the defaults."""
    own = inspect.signature(cls.__init__).parameters.values()
    parents = {p.name: p.default for p in parameters_of_parents(cls)}
    return {**parents, **{p.name: p.default for p in own}}


def wrap_keras_class(cls: Any) -> None:
    """Keeps the arguments of a class whose constructor and config are Keras's own.

    Args:
        cls: The class; changed in place.
    """
    original, get_original = cls.__init__, cls.get_config
    signature = inspect.signature(original)
    _, *positional = [
        p.name for p in signature.parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD
    ]

    @functools.wraps(original)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        record, is_outermost = keep_arguments(self)
        if is_outermost:
            given = dict(zip(positional, args, strict=False))
            record.passed_on = keep_passed_on({**given, **kwargs})
        original(self, *args, **kwargs)

    @functools.wraps(get_original)
    def get_config(self: Any) -> dict[str, Any]:
        return add_left_out(cls, self, get_original(self))

    # Keras reads the signature of every constructor.
    __init__.__signature__ = signature  # type: ignore[attr-defined]
    cls.__init__, cls.get_config = __init__, get_config
