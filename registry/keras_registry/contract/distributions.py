"""A plugin distribution as a whole, as what is checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NoReturn

from keras_registry.contract.results import CheckError, Failure
from keras_registry.contract.table import DISTRIBUTION
from keras_registry.findings import Need, Policy
from keras_registry.names import printable
from keras_registry.registration import default_registry
from keras_registry.resolution import import_plugin, promise_finding

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from keras_registry.environment import InstalledDistribution, Plugin
    from keras_registry.findings import Finding
    from keras_registry.registration import Registration

__all__ = ["DistributionCase", "DistributionSubject"]


@dataclass(frozen=True)
class DistributionSubject:
    """An installed distribution that is checked.

    Attributes:
        distribution: The distribution.
        released: What released versions said of its objects: a snapshot, or a folder of published
            config schemas; None to take its own snapshot.
        expected_failures: The names or codes of checks that fail, and why.
        without: The names or codes of checks that are left out, and why.
        golden: The folder of its golden files, if it has any.
    """

    distribution: InstalledDistribution
    released: Path | None = None
    expected_failures: Mapping[str, str] = field(default_factory=dict)
    without: Mapping[str, str] = field(default_factory=dict)
    golden: Path | None = None

    @property
    def key(self) -> str:
        """Its name."""
        return self.distribution.name

    @property
    def kind(self) -> str:
        """What stands where an object's kind does."""
        return DISTRIBUTION

    @property
    def backends(self) -> None:
        """None: it has objects for all backends, as far as anybody knows."""
        return

    @property
    def cases(self) -> tuple[DistributionCase, ...]:
        """The one thing to call its checks with."""
        return (DistributionCase(self),)

    @property
    def candidates(self) -> tuple[DistributionCase, ...]:
        """The same."""
        return self.cases

    @cached_property
    def wrong_plugins(self) -> tuple[tuple[Plugin, Finding], ...]:
        """The plugins that cannot be imported, or are not what they should be; all are imported."""
        found = ((plugin, _import(plugin)) for plugin in self.distribution.plugins)
        return tuple((plugin, wrong) for plugin, wrong in found if wrong is not None)

    @cached_property
    def live(self) -> tuple[Registration, ...]:
        """Its registered objects, imported, in order of their keys."""
        wrong = {plugin.key for plugin, _ in self.wrong_plugins}
        keys = sorted(p.key for p in self.distribution.plugins if p.key not in wrong)
        return tuple(found for key in keys if (found := default_registry.find(key)) is not None)


def _import(plugin: Plugin) -> Finding | None:
    needs = (Need(plugin.key, kind=str(plugin.kind)),)
    wrong = import_plugin(plugin, default_registry, Policy.COMPATIBLE, needs)
    live = default_registry.find(plugin.key)
    if wrong is None and live is not None and live.kind is not plugin.kind:
        shown = f"a {live.kind}, listed in {plugin.kind.group}"
        return promise_finding(plugin, shown, Policy.COMPATIBLE, needs)
    return wrong


@dataclass(frozen=True)
class DistributionCase:
    """What a check of a distribution is called with.

    Attributes:
        subject: The distribution.
    """

    subject: DistributionSubject

    @property
    def module(self) -> None:
        """No module is what is checked: a distribution has several."""

    def __str__(self) -> str:
        distribution = self.subject.distribution
        return f"{distribution.name} {distribution.distribution_version}"

    def fail(
        self,
        *,
        at_fault: str,
        wanted: str,
        found: str,
        where: str | None = None,
        fix: str | None = None,
    ) -> NoReturn:
        """Ends the check.

        Args:
            at_fault: The key, module or file.
            wanted: What was promised.
            found: What is there instead.
            where: The file that an author looks at first.
            fix: What to do, if not what the check says.

        Raises:
            CheckError: Always.
        """
        raise CheckError(
            Failure(
                case=str(self),
                at_fault=at_fault,
                wanted=wanted,
                found=printable(found, limit=300),
                where=where,
                fix=fix,
            )
        )
