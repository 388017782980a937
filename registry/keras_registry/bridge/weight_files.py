"""Files of weights alone: their manifest, and what a model takes from them.

Keras leaves it at what it can match. Here each array of the file must have its place in the model,
and each variable of the model its array, before anything is changed in the model. What the caller
lets Keras pass over is noted.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_registry.artifact import (
    find_damage,
    read_weights_metadata,
    replace_weights_manifest,
    replaceable,
    replacing,
)
from keras_registry.bridge.h5 import build_model
from keras_registry.bridge.h5_migration import fill_model
from keras_registry.bridge.keras_errors import line_of_weights, make_load_error
from keras_registry.bridge.live_objects import describe_live
from keras_registry.bridge.progress import is_under_way
from keras_registry.bridge.reports import LoadReport, log_findings, remember, tell
from keras_registry.bridge.restored import WeightsFile
from keras_registry.bridge.saving import make_weights_manifest, running_environment
from keras_registry.bridge.verification import Verification, misplaced
from keras_registry.findings import finding, has_errors
from keras_registry.manifest import MANIFEST_KEY, read_manifest
from keras_registry.names import printable
from keras_registry.registration import default_registry
from keras_registry.resolution import backend_findings, judge_schemas, resolve_weights
from keras_registry.settings import current_policy

if TYPE_CHECKING:
    from collections.abc import Callable

    from keras_registry.findings import Finding, Policy
    from keras_registry.resolution import Resolution

__all__ = ["load_legacy_weights", "load_legacy_weights_by_name", "load_weights", "save_weights"]

_ENDING = ".weights.h5"
_HINT = "load them into the model that they were saved from; skip_mismatch=True passes over others"


def save_weights(
    wrapped: Callable[..., Any],
    model: Any,
    filepath: Any,
    max_shard_size: float | None = None,
    objects_to_skip: Any = None,
) -> None:
    """Stands where Keras writes a file of weights, and replaces the former file in one step.

    Args:
        wrapped: Keras's own function.
        model: The model.
        filepath: The path.
        max_shard_size: The size in GB from which Keras writes several files and an index.
        objects_to_skip: Objects whose weights are left out.
    """
    if not getattr(model, "built", False):
        wrapped(model, filepath, max_shard_size, objects_to_skip)  # Keras says what is wrong
        return
    whole = objects_to_skip is None
    target = None if max_shard_size is not None else replaceable(os.fspath(filepath), (_ENDING,))
    if target is not None:
        with replacing(target) as temporary:
            wrapped(model, str(temporary), None, objects_to_skip)
            replace_weights_manifest(temporary, make_weights_manifest(model, whole=whole))
        return
    wrapped(model, filepath, max_shard_size, objects_to_skip)
    written = Path(filepath) if max_shard_size is None else Path(filepath).with_suffix(".json")
    if written.is_file():
        replace_weights_manifest(written, make_weights_manifest(model, whole=whole))


def load_weights(
    wrapped: Callable[..., Any],
    model: Any,
    filepath: Any,
    skip_mismatch: bool = False,  # noqa: FBT001, FBT002 - Keras's own signature
    objects_to_skip: Any = None,
) -> None:
    """Stands where Keras fills a model from a ``.weights.h5`` or ``.keras`` file.

    Args:
        wrapped: Keras's own function.
        model: The model.
        filepath: The path.
        skip_mismatch: Whether the caller wants what does not fit to be passed over.
        objects_to_skip: Objects that the caller wants to be left as they are.
    """
    path = os.fspath(filepath)

    def fill() -> None:
        wrapped(model, filepath, skip_mismatch, objects_to_skip)

    if "://" in path or not getattr(model, "built", False) or not Path(path).is_file():
        fill()
        return
    allowed = _allowed(skip_mismatch=skip_mismatch, objects_to_skip=bool(objects_to_skip))
    _Filling(model, path, WeightsFile(path), allowed, bool(objects_to_skip)).run(fill)


def load_legacy_weights(
    wrapped: Callable[..., Any],
    group: Any,
    model: Any,
    skip_mismatch: bool = False,  # noqa: FBT001, FBT002 - Keras's own signature
) -> None:
    """Stands where Keras fills a model from a ``.h5`` file, layer by layer in their order.

    Args:
        wrapped: Keras's own function.
        group: The group of the file with the weights.
        model: The model.
        skip_mismatch: Whether the caller wants what does not fit to be passed over.
    """
    if is_under_way():
        build_model(group, model)
    weights_file = WeightsFile(group.file.filename, legacy=True)
    filling = _Filling(
        model, group.file.filename, weights_file, _allowed(skip_mismatch=skip_mismatch)
    )
    filling.run(lambda: fill_model(wrapped, group, model, skip_mismatch))


def load_legacy_weights_by_name(
    wrapped: Callable[..., Any],
    group: Any,
    model: Any,
    skip_mismatch: bool = False,  # noqa: FBT001, FBT002 - Keras's own signature
) -> None:
    """Stands where Keras fills the layers of a model that a ``.h5`` file has by their names.

    Args:
        wrapped: Keras's own function.
        group: The group of the file with the weights.
        model: The model.
        skip_mismatch: Whether the caller wants what does not fit to be passed over.
    """
    weights_file = WeightsFile(group.file.filename, legacy=True, by_name=True)
    allowed = _allowed(by_name=True, skip_mismatch=skip_mismatch)
    filling = _Filling(model, group.file.filename, weights_file, allowed)
    filling.run(lambda: wrapped(group, model, skip_mismatch))


def _allowed(**arguments: bool) -> list[str]:
    """The arguments by which the caller lets something be passed over, in words."""
    words = {"objects_to_skip": "objects_to_skip"}
    return [words.get(name, f"{name}=True") for name, given in arguments.items() if given]


@dataclass
class _Filling:
    """A model that is filled from a file."""

    model: Any
    path: str
    weights_file: WeightsFile
    allowed: list[str]
    skips_objects: bool = False
    findings: list[Finding] = field(default_factory=list)

    def run(self, fill: Callable[[], None]) -> None:
        """Judges the file, lets Keras fill the model, and proves that it did.

        Raises:
            LoadError: The weights are not those of this model; it is as it was then, or, where
                only their values show that, filled with them.
        """
        if is_under_way():
            fill()
            return
        damage = find_damage(self.path)
        if damage is not None:
            self.findings.append(damage)
            self._stop_on_errors()
        policy = current_policy()
        resolution = self._resolve(policy)
        wrong, line = [], None
        with self.weights_file.compared(self.model) as comparison:
            if comparison is not None:
                wrong = list(misplaced(comparison, policy, hint=_HINT))
                line = line_of_weights(comparison, legacy=self.weights_file.legacy)
        if wrong and self.allowed:
            wrong = [self._passed_over(item, policy) for item in wrong]
        self.findings += wrong
        self._stop_on_errors(line)
        fill()
        verification = Verification(policy, None, is_foreign=True)
        if not wrong and not self.skips_objects:
            verification.weights_file = self.weights_file
            verification.verify(self.model, resolution.manifest, ["layers"])
            self.findings += verification.findings
            self._stop_on_errors()
        tell(self._name, self.findings)
        remember(
            self.model,
            LoadReport(
                name=self._name,
                manifest=resolution.manifest,
                objects=resolution.objects,
                findings=tuple(self.findings),
                verified=tuple(verification.verified),
            ),
        )

    @property
    def _name(self) -> str:
        return printable(self.path, limit=1000)

    def _resolve(self, policy: Policy) -> Resolution:
        """What the manifest says of the classes that the program has, and of its environment."""
        metadata = read_weights_metadata(self.path)
        document = metadata.get(MANIFEST_KEY)
        environment = running_environment()
        resolution = resolve_weights(
            None if MANIFEST_KEY not in metadata else read_manifest(document),
            environment=environment,
            policy=policy,
            registry=default_registry,
        )
        self.findings += resolution.findings
        self.findings += judge_schemas(resolution, describe_live)
        self.findings += backend_findings(resolution, describe_live, environment.backend)
        return resolution

    def _passed_over(self, wrong: Finding, policy: Policy) -> Finding:
        return finding(
            "W106",
            policy,
            wrong.summary,
            location=wrong.location,
            wanted=wrong.wanted,
            found=f"{wrong.found}; the caller allows it by {' and '.join(self.allowed)}",
        )

    def _stop_on_errors(self, keras_line: str | None = None) -> None:
        if has_errors(self.findings):
            log_findings(self.findings)
            in_place_of = None if keras_line is None else (ValueError, keras_line)
            raise make_load_error(self._name, self.findings, in_place_of=in_place_of)
