"""What a user can set: the policy in force, and whether the hooks are on."""

from __future__ import annotations

import os
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from keras_registry.errors import SettingsError
from keras_registry.findings import Policy

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["current_policy", "hooks_wanted", "parse_policy", "policy"]

_policy: ContextVar[Policy | None] = ContextVar("keras_registry_policy", default=None)


def parse_policy(name: str | Policy) -> Policy:
    """The policy of this name.

    Raises:
        SettingsError: There is no such policy.
    """
    try:
        return Policy(name)
    except ValueError:
        known = ", ".join(Policy)
        message = f"there is no policy {str(name)!r}; the policies are {known}"
        raise SettingsError(message) from None


@contextmanager
def policy(name: str | Policy) -> Iterator[Policy]:
    """Sets the policy for all loads and saves inside a ``with`` block, in this thread or task.

    Args:
        name: ``"strict"``, ``"compatible"`` or ``"permissive"``.

    Raises:
        SettingsError: There is no such policy.

    Example:
        >>> with policy("strict"):
        ...     current_policy()
        <Policy.STRICT: 'strict'>
    """
    chosen = parse_policy(name)
    token = _policy.set(chosen)
    try:
        yield chosen
    finally:
        _policy.reset(token)


def current_policy() -> Policy:
    """The policy in force: of the enclosing block, else of ``KERAS_REGISTRY_POLICY``."""
    chosen = _policy.get()
    if chosen is not None:
        return chosen
    name = os.environ.get("KERAS_REGISTRY_POLICY", "").strip()
    return parse_policy(name) if name else Policy.COMPATIBLE


def hooks_wanted() -> bool:
    """Whether ``KERAS_REGISTRY_HOOKS`` leaves the hooks on, as they are by default."""
    return os.environ.get("KERAS_REGISTRY_HOOKS", "").strip().lower() not in {"0", "off", "false"}
