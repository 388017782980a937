"""Tests of a whole distribution that stand in no test file: ``pytest --keras-registry``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from keras_registry.errors import SettingsError
from keras_registry.testing import CHECK_SET, iter_checks

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from keras_registry.testing import ContractTest

__all__ = ["ContractCollection"]

_NODE = "keras-registry"


class ContractCollection:
    """A plugin of pytest that adds a test for each check of each object of a distribution."""

    def __init__(self, distribution: str, check_set: str, golden: Path | None) -> None:
        self._distribution = distribution
        self._golden = golden
        self._check_set = int(check_set) if check_set.isdecimal() else CHECK_SET

    @pytest.hookimpl(tryfirst=True)  # so that -k and -m see the tests
    def pytest_collection_modifyitems(self, session: pytest.Session, items: list[Any]) -> None:
        """Adds the tests."""
        try:
            checks = list(
                iter_checks(self._distribution, check_set=self._check_set, golden=self._golden)
            )
        except SettingsError as error:
            raise pytest.UsageError(str(error)) from error
        node = _Contract.from_parent(session, name=_NODE, nodeid=_NODE)
        items += [_Item.from_parent(node, name=str(check), check=check) for check in checks]


class _Contract(pytest.Collector):
    """The node that all these tests have as their parent."""

    def collect(self) -> Iterable[pytest.Item]:
        return ()


class _Item(pytest.Item):
    """The test of one check."""

    def __init__(self, *, check: ContractTest, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.check = check

    def runtest(self) -> None:
        self.check()

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, f"{_NODE}: {self.name}"
