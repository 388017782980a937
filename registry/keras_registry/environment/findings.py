"""What can be wrong with installed distributions (codes D)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras_registry.findings import Finding, Policy, finding
from keras_registry.names import is_key, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    import importlib_metadata

    from keras_registry.environment.model import InstalledDistribution, Plugin

__all__ = [
    "alias_finding",
    "broken_finding",
    "duplicate_finding",
    "entry_point_finding",
    "rivals_finding",
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
