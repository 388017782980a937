"""What can be wrong with installed distributions (codes D)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from keras_registry.documents import version_findings, worst_problem
from keras_registry.findings import Finding, Policy, finding
from keras_registry.names import is_key, printable
from keras_registry.snapshot import SNAPSHOT_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import importlib_metadata

    from keras_registry.documents import DocumentReading
    from keras_registry.environment.model import InstalledDistribution, Plugin
    from keras_registry.snapshot import Snapshot

__all__ = [
    "alias_finding",
    "broken_finding",
    "broken_snapshot_finding",
    "duplicate_finding",
    "entry_point_finding",
    "foreign_snapshot_finding",
    "missing_snapshot_finding",
    "newer_snapshot_findings",
    "rivals_finding",
    "stale_snapshot_finding",
    "unopened_snapshot_finding",
]


def _warning(code: str, summary: str, **parts: Any) -> Finding:
    """A finding about the environment itself, which no policy judges."""
    return finding(code, Policy.COMPATIBLE, summary, **parts)


def broken_finding(location: str | None, found: str) -> Finding:
    """The finding for a distribution whose metadata cannot be read."""
    return _warning(
        "D101",
        "the metadata of an installed distribution cannot be read",
        location=location,
        wanted="a Name and a Version (PEP 440), and well-formed entry points",
        found=found,
        hint="install the distribution again, or remove the folder",
    )


def duplicate_finding(first: InstalledDistribution, second: InstalledDistribution) -> Finding:
    """The finding for a second copy of a distribution, which the first one hides."""
    return _warning(
        "D102",
        f"{first.name} is installed twice",
        distribution=first.name,
        wanted="one copy on sys.path",
        found=f"{first.distribution_version} in {first.location}, which is used; "
        f"{second.distribution_version} in {second.location}",
        hint=f"pip uninstall {first.name}, until pip finds none, then install it once",
    )


def rivals_finding(key: str, claimants: Sequence[Plugin]) -> Finding:
    """The finding for a key, or a bare alias, that several distributions claim.

    Args:
        key: The key or alias.
        claimants: The plugins that claim it.
    """
    names = ", ".join(f"{p.distribution} {p.distribution_version}" for p in claimants)
    if ">" in key:
        return _warning(
            "D103",
            f"{len(claimants)} distributions claim {key}",
            wanted="one distribution for one key",
            found=names,
            hint="uninstall all but one, or tell their authors",
        )
    return _warning(
        "D105",
        f"the alias {key} is not used",
        wanted="a bare alias that one distribution claims",
        found=names,
        hint="tell their authors: an alias with a namespace cannot clash",
    )


def entry_point_finding(
    entry: importlib_metadata.EntryPoint, distribution: str, location: str | None
) -> Finding:
    """The finding for an entry point that is no plugin."""
    return _warning(
        "D104",
        f"an entry point of {distribution} cannot be used",
        distribution=distribution,
        location=location,
        wanted="namespace>Name = module:attribute, each name once",
        found=f"{printable(entry.name)} = {printable(entry.value)} in [{printable(entry.group)}]",
        hint=f"tell the author of {distribution}",
    )


def alias_finding(
    entry: importlib_metadata.EntryPoint,
    plugin: Plugin | None,
    distribution: str,
    location: str | None,
) -> Finding:
    """The finding for an alias that leads nowhere, or to what Keras has itself."""
    shadows = plugin is not None and is_key(entry.name)
    return _warning(
        "D105",
        f"the alias {printable(entry.name)} of {distribution} is not used",
        distribution=distribution,
        location=location,
        wanted="a name that Keras itself does not have"
        if shadows
        else f"a key that leads to a plugin of {distribution}",
        found=f"Keras has its own {entry.name}" if shadows else printable(entry.value),
        hint=f"tell the author of {distribution}",
    )


def _snapshot_parts(distribution: InstalledDistribution, path: Path) -> dict[str, Any]:
    return {
        "distribution": distribution.name,
        "location": printable(path, limit=500),
        "hint": f"its author must run: keras-registry snapshot {distribution.name}",
    }


def broken_snapshot_finding(
    distribution: InstalledDistribution, path: Path, wanted: str, found: str, **parts: Any
) -> Finding:
    """The finding for a snapshot that cannot be read."""
    return _warning(
        "D106",
        f"the snapshot of {distribution.name} cannot be read",
        wanted=wanted,
        found=found,
        **{**_snapshot_parts(distribution, path), **parts},
    )


def unopened_snapshot_finding(
    distribution: InstalledDistribution, path: Path, error: OSError
) -> Finding:
    """The finding for a snapshot that was installed and cannot be opened."""
    return broken_snapshot_finding(
        distribution,
        path,
        "the file that was installed",
        printable(error.strerror or error),
        hint=f"install {distribution.name} again",
    )


def missing_snapshot_finding(distribution: InstalledDistribution, path: Path) -> Finding:
    """The finding for a snapshot that should be there and is not."""
    return _warning(
        "D108",
        f"{distribution.name} has no snapshot",
        wanted="a snapshot that agrees with the code",
        found="no such file",
        **_snapshot_parts(distribution, path),
    )


def newer_snapshot_findings(
    distribution: InstalledDistribution, path: Path, reading: DocumentReading[Snapshot]
) -> Iterator[Finding]:
    """What is said of a snapshot in another form than this version reads."""
    for item in version_findings(
        "snapshot", SNAPSHOT_VERSION, reading, Policy.COMPATIBLE, codes=("D109", "D110")
    ):
        yield replace(
            item,
            summary=item.summary.replace("the snapshot", f"the snapshot of {distribution.name}", 1),
            location=printable(path, limit=500),
            distribution=distribution.name,
        )
    if reading.problems:
        shown, parts = worst_problem(reading.problems)
        more = parts["found"].removeprefix(shown.found)
        place = f"{shown.found} at {parts['location']}{more}"
        yield broken_snapshot_finding(distribution, path, shown.wanted, place)


def foreign_snapshot_finding(
    distribution: InstalledDistribution, path: Path, named: str
) -> Finding:
    """The finding for a snapshot of another distribution."""
    return _warning(
        "D107",
        f"the snapshot of {distribution.name} is another distribution's",
        wanted=f"the snapshot of {distribution.name}",
        found=f"the snapshot of {named}",
        **_snapshot_parts(distribution, path),
    )


def stale_snapshot_finding(
    distribution: InstalledDistribution, path: Path, what: str, keys: Sequence[str]
) -> Finding:
    """The finding for a snapshot that does not say what the distribution is.

    Args:
        distribution: The distribution.
        path: The file.
        what: What it disagrees with.
        keys: The keys about which they disagree.
    """
    shown = ", ".join(printable(key) for key in keys[:5])
    more = f", and {len(keys) - 5} more" if len(keys) > 5 else ""  # noqa: PLR2004
    return _warning(
        "D108",
        f"the snapshot of {distribution.name} is out of date",
        wanted=f"a snapshot that agrees with the {what}",
        found=f"it differs in {shown}{more}",
        **_snapshot_parts(distribution, path),
    )
