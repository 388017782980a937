"""Telling the user: warnings, the logger, and the report of a load."""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from keras_registry.errors import KerasRegistryWarning
from keras_registry.findings import Level, count_levels, render_finding, render_findings

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

    from keras_registry.findings import Finding
    from keras_registry.manifest import Manifest
    from keras_registry.resolution import ObjectResolution

__all__ = ["LoadReport", "log_findings", "remember", "report", "tell"]

_logger = logging.getLogger("keras_registry")
_logger.addHandler(logging.NullHandler())

_LOG_LEVELS = {
    Level.ERROR: logging.ERROR,
    Level.WARNING: logging.WARNING,
    Level.NOTE: logging.DEBUG,
}
_PASSED_BY = ("importlib", "keras", "keras_registry", "tensorflow", "wrapt")


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a load found.

    Attributes:
        name: The file.
        manifest: Its manifest, or None.
        objects: The custom objects and where each came from.
        findings: Warnings and notes.
        verified: The parts of the weights that were proved to be those that were saved.
    """

    name: str
    manifest: Manifest | None
    objects: tuple[ObjectResolution, ...]
    findings: tuple[Finding, ...]
    verified: tuple[str, ...]

    def __str__(self) -> str:
        proved = f"; verified: {', '.join(self.verified)}" if self.verified else ""
        if not self.findings:
            return f"{self.name}: {count_levels(())}{proved}"
        return render_findings(f"{self.name} was loaded{proved}", self.findings)


_reports: WeakKeyDictionary[Any, LoadReport] = WeakKeyDictionary()
_reports_lock = threading.Lock()


def remember(model: Any, found: LoadReport) -> None:
    """Keeps the report of a loaded model for as long as the model lives."""
    with _reports_lock:
        _reports[model] = found


def report(model: Any) -> LoadReport | None:
    """What the load of a model found, notes included; None if the model was not loaded.

    Args:
        model: A model that `keras.saving.load_model` returned.
    """
    with _reports_lock:
        return _reports.get(model)


def log_findings(findings: Iterable[Finding]) -> None:
    """Sends each finding to the logger ``keras_registry``: notes as DEBUG."""
    for item in findings:
        _logger.log(_LOG_LEVELS[item.level], "%s", render_finding(item).strip())


def tell(name: str, findings: Iterable[Finding]) -> None:
    """Logs each finding, and warns of each that is a warning.

    Args:
        name: What the findings are about, such as the file.
        findings: The findings, none of them an error.
    """
    found = tuple(findings)
    log_findings(found)
    for item in found:
        if item.level is Level.WARNING:
            text = f"{name}\n{render_finding(item)}"
            warnings.warn(KerasRegistryWarning(text, finding=item), stacklevel=_callers_level())


def _callers_level() -> int:
    """The stack level of the first frame outside Keras and keras-registry."""
    level = 1
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        root = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if root not in _PASSED_BY:
            return level
        level, frame = level + 1, frame.f_back
    return 2
