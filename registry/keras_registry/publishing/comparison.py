"""Released objects against present ones: can the files of released versions still be read?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras_registry.config import compare_properties
from keras_registry.findings import Finding, Need, Policy, finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keras_registry.config import SchemaChange
    from keras_registry.snapshot import ObjectSnapshot

__all__ = ["compare_objects"]


def compare_objects(old: ObjectSnapshot, new: ObjectSnapshot | None) -> Iterator[Finding]:
    """What changed in the config schema of an object, and whether that breaks old files.

    A change that breaks is allowed under a new ``config_version`` with a migration from the old.

    Args:
        old: The object as it was released.
        new: The object as it is; None if it is gone.
    """
    if new is None:
        wanted = "a plugin of this key, or an alias in keras_registry.aliases"
        yield _finding("S201", old, f"{old.key} was removed", wanted, "neither")
        return
    if new.kind is not old.kind:
        words = f"{old.key} became another kind of object"
        yield _finding("S201", old, words, f"the kind {old.kind}", f"the kind {new.kind}")
        return
    before, after = old.config_version or 1, new.config_version or 1
    if after < before:
        words = f"the config_version of {old.key} went back"
        yield _finding("S201", old, words, f"version={before} or above", f"version={after}")
        return
    yield from _version_findings(old, new, before, after)
    oldest = new.oldest_version or after
    for change in _changes(old, new):
        words = f"{old.key}: {change.field}: {change.words}"
        if not change.is_breaking:
            yield _finding("S202", old, words)
        elif after > before and oldest <= before:
            yield _finding("S202", old, f"{words}; migrated since config_version {after}")
        elif after > before:
            yield _finding("S201", old, words, *_unmigrated(before, after, oldest))
        else:
            former = "" if before == 1 else "..., "
            step = f"Migration({before}, {before + 1}, ...)"
            wanted = f"@register(..., version={before + 1}, migrations=[{former}{step}])"
            yield _finding("S201", old, words, wanted, f"version={after}, as before")


def _version_findings(
    old: ObjectSnapshot, new: ObjectSnapshot, before: int, after: int
) -> Iterator[Finding]:
    """Whether the config versions that could be read can still be read."""
    formerly, oldest = old.oldest_version or before, new.oldest_version or after
    if oldest > before:
        if not any(change.is_breaking for change in _changes(old, new)):
            words = f"{old.key}: config_version {before} is refused"
            yield _finding("S201", old, words, *_unmigrated(before, after, oldest))
    elif oldest > formerly:
        words = f"{old.key}: config_version {formerly} is no longer read"
        yield _finding("S201", old, words, *_unmigrated(formerly, after, oldest))


def _unmigrated(before: int, after: int, oldest: int) -> tuple[str, str]:
    """What was wanted and what was found where migrations are missing."""
    found = f"version={after}, and no migrations"
    if oldest < after:
        found = f"version={after}, and migrations from {oldest} on"
    return f"migrations from {before} to {after}", found


_NOTHING: dict[str, Any] = {"properties": {}, "required": []}


def _changes(old: ObjectSnapshot, new: ObjectSnapshot) -> Iterator[SchemaChange]:
    if old.config is None and new.config is None:
        return
    yield from compare_properties(
        old.config or _NOTHING,
        new.config or _NOTHING,
        is_complete=old.complete is not False,
        accepts=() if new.config is None else new.accepts,
    )


def _finding(
    code: str,
    old: ObjectSnapshot,
    summary: str,
    wanted: str | None = None,
    found: str | None = None,
) -> Finding:
    need = Need(old.key, kind=str(old.kind))
    return finding(code, Policy.COMPATIBLE, summary, needs=(need,), wanted=wanted, found=found)
