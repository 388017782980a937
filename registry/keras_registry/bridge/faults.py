"""Where an error came from that Keras raised: the object, its method and the line of its author.

Keras wraps an error once for each level of nesting, with the whole config in its text. What a
reader needs is the innermost, and in whose code that was raised.
"""

from __future__ import annotations

from dataclasses import dataclass
from traceback import walk_tb
from typing import TYPE_CHECKING, Any

from keras_registry.names import printable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

__all__ = ["Fault", "chain_of", "find_fault", "first_line", "is_compiling"]

_FRAMEWORKS = frozenset(
    {"absl", "importlib", "jax", "keras", "keras_registry", "numpy", "tensorflow", "torch", "wrapt"}
)
_COMPILES = "compile_from_config"


@dataclass(frozen=True, slots=True)
class Fault:
    """The place of an error.

    Attributes:
        owner: The object, or the class, in whose method it came up; None if that is not known.
        method: The name of that method.
        line: Where it was raised, in words; None if that was in a framework.
    """

    owner: Any
    method: str
    line: str | None


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """An error and what it was raised for, the innermost last.

    Args:
        error: What was caught.
    """
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__context__ or found.__cause__


def first_line(error: BaseException, *, limit: int = 300) -> str:
    """The first line of the text of an error.

    Args:
        error: The error.
        limit: How much of it is shown: some of Keras's hold a whole config.
    """
    return printable(str(error).strip().partition("\n")[0], limit=limit)


def is_compiling(error: BaseException) -> bool:
    """Whether Keras was compiling a model of a ``.keras`` file when an error came up.

    Args:
        error: What was caught.
    """
    return any(frame.f_code.co_name == _COMPILES for frame, _ in _frames(error))


def find_fault(error: BaseException) -> Fault:
    """The innermost method of an object of Keras, or of another author, that an error came from.

    Args:
        error: What was caught.
    """
    line, owner, method = None, None, ""
    for frame, number in _frames(error):
        module = str(frame.f_globals.get("__name__"))
        name = frame.f_code.co_name
        if line is None and module.partition(".")[0] not in _FRAMEWORKS:
            line = (
                f"in {printable(name, limit=60)}() of {printable(module, limit=80)}, line {number}"
            )
        if owner is None:
            known = frame.f_locals
            owner = next((known[n] for n in ("self", "cls") if _is_object(known.get(n))), None)
            method = name
    return Fault(owner, method, line)


def _frames(error: BaseException) -> Iterator[tuple[FrameType, int]]:
    """The frames that an error, and those that it was raised for, passed through; inner ones first.

    Keras leaves its own out of some of them.
    """
    for found in reversed(list(chain_of(error))):
        yield from reversed(list(walk_tb(found.__traceback__)))


def _is_object(value: Any) -> bool:
    import keras

    kinds = (keras.Layer, keras.Loss, keras.Metric, keras.Optimizer)
    return issubclass(value if isinstance(value, type) else type(value), kinds)
