"""The pages of the docs that list what the kit finds in objects that are not ours."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from keras_registry.contract import Status, run_check
from keras_registry.contract.rendering import render_failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from keras_registry.contract import Check, Subject

__all__ = ["KERAS", "THIRD_PARTY", "Page"]

_DOCS = Path(__file__).resolve().parents[2] / "docs"


@dataclass(frozen=True)
class Page:
    """A page whose lines `Fails:` name objects and the checks that they fail.

    Attributes:
        path: The file.
    """

    path: Path

    @cached_property
    def text(self) -> str:
        """What is on it."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def listed(self) -> Mapping[str, frozenset[str]]:
        """The codes of the checks that fail, by the key of the object."""
        return self._listed_after("Fails")

    @cached_property
    def listed_of_older(self) -> Mapping[str, frozenset[str]]:
        """The same of what fails with older releases of Keras alone."""
        return self._listed_after("Fails with older releases")

    def _listed_after(self, words: str) -> Mapping[str, frozenset[str]]:
        found: dict[str, frozenset[str]] = {}
        for lines in re.findall(rf"^{words}: (.*?)\n\n", self.text, re.MULTILINE | re.DOTALL):
            for key, codes in re.findall(r"`([\w.:]+)`((?:\s+C\d+)+)", lines):
                found[key] = found.get(key, frozenset()) | set(codes.split())
        return found

    @cached_property
    def programs(self) -> list[str]:
        """The programs on it, in their order."""
        return re.findall(r"^```python\n(.*?)^```$", self.text, re.MULTILINE | re.DOTALL)

    def compare(self, subject: Subject, checks: Iterable[Check], *, is_exact: bool = True) -> None:
        """Runs checks on an object, and compares what fails with the page.

        Args:
            subject: The object.
            checks: The checks.
            is_exact: Whether everything that is listed has to fail.

        Raises:
            AssertionError: Something else fails, or something that is listed does not.
        """
        chosen = {check.code: check for check in checks}
        results = {code: run_check(check, subject) for code, check in chosen.items()}
        failed = {code for code, result in results.items() if result.status is Status.FAILED}
        listed = self.listed.get(subject.key, frozenset()) & chosen.keys()
        known = listed if is_exact else listed | self.listed_of_older.get(subject.key, frozenset())
        texts = [render_failure(results[code], chosen[code]) for code in sorted(failed - known)]
        assert not texts, "\n".join(texts)
        assert failed == listed or not is_exact


KERAS = Page(_DOCS / "contract-keras.md")
"""What is found in Keras itself."""

THIRD_PARTY = Page(_DOCS / "contract-third-party.md")
"""What is found in distributions of others."""
