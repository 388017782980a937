"""What the code of an author is asked to do, and who is at fault when it raises."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from keras_registry.contract.configs import restored
from keras_registry.contract.results import CheckError, Skip

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keras_registry.contract.subjects import Case

__all__ = ["attempting", "come_back", "in_a_line"]


@contextmanager
def attempting(
    case: Case, at_fault: str, wanted: str, *, method: str, called_with: str | None = None
) -> Iterator[None]:
    """Lets a check fail, with the right words, when what is in the ``with`` block raises.

    Args:
        case: The case.
        at_fault: What is at fault then.
        wanted: What was to come of it.
        method: The method that an author looks at first.
        called_with: What the object is called with.

    Raises:
        CheckError: Something was raised.
    """
    try:
        yield
    except (CheckError, Skip):
        raise
    except Exception as error:  # noqa: BLE001 - the author's own code, wherever it fails
        case.fail(
            at_fault=at_fault,
            wanted=wanted,
            found=in_a_line(error),
            method=method,
            called_with=called_with,
        )


def come_back(made: Any) -> Any:
    """The object after a round trip through JSON.

    Args:
        made: An object.

    Raises:
        Skip: There is none; other checks say so, once.
    """
    try:
        return restored(made)
    except Exception as error:
        reason = "it does not come back from what Keras stores of it: see C103 and C110"
        raise Skip(reason) from error


def in_a_line(error: BaseException) -> str:
    """An error as one line of text, without the colours that Keras gives to some."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", f"{type(error).__name__}: {error}")
    return " ".join(text.split())
