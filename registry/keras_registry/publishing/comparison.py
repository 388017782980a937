"""Released objects against present ones: can the files of released versions still be read?"""

from __future__ import annotations

from typing import TYPE_CHECKING

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
        yield _finding("S201", old, f"{old.key} was removed", "a plugin, or an alias of one")
        return
    if new.kind is not old.kind:
        words = f"{old.key} was a {old.kind} and is a {new.kind}"
        yield _finding("S201", old, words, f"a {old.kind}")
        return
    before, after = old.config_version or 1, new.config_version or 1
    if after < before:
        words = f"the config_version of {old.key} went back from {before} to {after}"
        yield _finding("S201", old, words, f"version={before} or above")
        return
    is_migrated = after > before and (new.oldest_version or after) <= before
    for change in _changes(old, new):
        words = f"{old.key}: {change.field} {change.words}"
        if not change.is_breaking:
            yield _finding("S202", old, words)
        elif is_migrated:
            yield _finding("S202", old, f"{words}; migrated since config_version {after}")
        else:
            wanted = f"a new config_version (version={before + 1}) and a Migration from {before}"
            if after > before:
                wanted = f"a Migration from {before} to {before + 1}"
            yield _finding("S201", old, words, wanted)


def _changes(old: ObjectSnapshot, new: ObjectSnapshot) -> Iterator[SchemaChange]:
    if old.config is None or new.config is None:
        return
    yield from compare_properties(
        old.config, new.config, is_complete=old.complete is not False, accepts=new.accepts
    )


def _finding(code: str, old: ObjectSnapshot, summary: str, wanted: str | None = None) -> Finding:
    return finding(
        code,
        Policy.COMPATIBLE,
        summary,
        needs=(Need(old.key, kind=str(old.kind)),),
        wanted=wanted,
        found=None if wanted is None else f"config_version {old.config_version or 1}",
    )
