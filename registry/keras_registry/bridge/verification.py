"""Step 8 of a load: the weights in memory are those that were saved, or what differs is named."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from keras_registry.bridge.h5_limits import layers_beyond_weights, titles_of
from keras_registry.bridge.weights import fingerprint_weights, owners_of
from keras_registry.config import WeightMigrations
from keras_registry.findings import Policy, finding
from keras_registry.names import printable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from keras_registry.artifact import StoredArray
    from keras_registry.bridge.restored import Comparison, WeightsFile
    from keras_registry.findings import Finding
    from keras_registry.manifest import Manifest, WeightsRecord

__all__ = ["Verification", "misplaced"]

_SHOWN = 3


@dataclass(frozen=True, slots=True)
class _Part:
    """How messages speak of a part of the weights."""

    code: str
    words: str
    verb: str
    items: str
    nothing: str
    hint: str


_OTHERS = {
    "optimizer": _Part(
        "W104",
        words="the state of the optimizer",
        verb="is",
        items="arrays",
        nothing="an optimizer without variables",
        hint="the model predicts as it did; training goes on as with a new optimizer",
    ),
    "metrics": _Part(
        "W107",
        words="the state of the metrics in layers",
        verb="is",
        items="arrays",
        nothing="no metrics, or none to be read",
        hint="see load_own_variables() of the metrics, or copy or save the model again",
    ),
    "assets": _Part(
        "W108",
        words="the assets of layers",
        verb="are",
        items="files",
        nothing="no assets, or none to be written",
        hint="see load_assets() of the layers, or copy or save the model again",
    ),
}
"""The parts but the layers."""


@dataclass
class Verification:
    """The comparison of a model in memory with what its file says and holds.

    Attributes:
        policy: How strictly to judge.
        weights_file: The weights in the file; None where there is no file.
        migrations: What migrations did to the weights.
        fresh: The optimizers that had no state when the model was saved, whatever they have now.
        is_foreign: Whether the model is not made from the file: its dtypes, and the order of its
            layers, may be others.
        findings: What is wrong, or cannot be told.
        verified: The parts of the weights that were proved to be those that were saved.
    """

    policy: Policy
    weights_file: WeightsFile | None
    migrations: WeightMigrations = field(default_factory=WeightMigrations)
    fresh: Sequence[Any] = ()
    is_foreign: bool = False
    findings: list[Finding] = field(default_factory=list)
    verified: list[str] = field(default_factory=list)

    def verify(self, model: Any, manifest: Manifest | None, parts: Collection[str]) -> None:
        """Compares the weights of a model with those that were saved.

        Args:
            model: The model, filled.
            manifest: The manifest of its file, if there is one that can be believed.
            parts: The parts of the weights that were to be restored.
        """
        if manifest is None or manifest.weights is None:
            self._compare_places(model)
            return
        given = {**self.migrations.given, **{id(found): {} for found in self.fresh}}
        restored = fingerprint_weights(model, parts, given)
        for part in parts:
            saved, found = manifest.find_weights(part), restored.get(part)
            if saved is not None and saved.fingerprint is not None and found == saved:
                self.verified.append(part)
            elif part == "layers":
                self._judge_layers(model, saved, found)
            elif saved is not None and saved.fingerprint is not None:
                self._judge_other(model, part, saved, found)

    def _judge_layers(
        self, model: Any, saved: WeightsRecord | None, found: WeightsRecord | None
    ) -> None:
        if self._compare_places(model):
            return
        if saved is None or saved.fingerprint is None:
            self._add("W103", "the weights could not be hashed when the model was saved")
            return
        if found is None:
            self._add("W103", "the weights of the layers cannot be verified")
            return
        parts = {
            "wanted": f"{saved.count} arrays, {saved.fingerprint}",
            "found": f"{found.count} arrays, {found.fingerprint}",
        }
        differing = self._differing(model)
        if differing:
            self._add(
                "W101",
                "weights were not restored as the file has them",
                location=_places(differing),
                hint="see load_own_variables() and build() of these layers",
                **parts,
            )
        elif differing is not None and (self.is_foreign or found.count != saved.count):
            # The arrays of the file are all there: what differs was never in it.
            self._add("W103", "the weights cannot be compared with those that were saved", **parts)
        elif found.count != saved.count:
            self._add(
                "W101",
                "weights were not restored",
                hint="see that each layer's build() builds the layers inside it",
                **parts,
            )
        elif self._is_beyond_legacy(model) and not differing:
            self._add(
                "W101",
                "a .h5 file has no place for what save_own_variables of these layers adds",
                location=titles_of(layers_beyond_weights(model)),
                hint='save the model as ".keras"',
                **parts,
            )
        else:
            self._add(
                "W102",
                "the weights in the file are not those that were saved"
                if differing is not None
                else "the weights in memory are not those that were saved",
                hint="copy or save the model again",
                **parts,
            )

    def _is_beyond_legacy(self, model: Any) -> bool:
        """Whether the format has no place for all that the layers save."""
        is_legacy = self.weights_file is not None and self.weights_file.legacy
        return is_legacy and bool(layers_beyond_weights(model))

    def _judge_other(
        self, model: Any, name: str, saved: WeightsRecord, found: WeightsRecord | None
    ) -> None:
        part = _OTHERS[name]
        owners = owners_of(model).get(name, [])
        past = "was" if part.verb == "is" else "were"
        self._add(
            part.code,
            f"{part.words} {past} not restored"
            if found is None
            else f"{part.words} {part.verb} not what was saved",
            location=titles_of(owners) if owners else None,
            wanted=f"{saved.count} {part.items}, {saved.fingerprint}",
            found=part.nothing
            if found is None
            else f"{found.count} {part.items}, {found.fingerprint}",
            hint=part.hint,
        )

    def _compare_places(self, model: Any) -> bool:
        """Whether the file holds other arrays than a save of the model would write."""
        if self.weights_file is None or self.migrations.given:
            return False
        with self.weights_file.compared(model) as comparison:
            wrong = () if comparison is None else tuple(misplaced(comparison, self.policy))
        self.findings += wrong
        return bool(wrong)

    def _differing(self, model: Any) -> list[StoredArray] | None:
        """The arrays of the file that have other values in memory; None if that is not known."""
        if self.weights_file is None or self.migrations.given:
            return None
        with self.weights_file.compared(model) as comparison:
            return None if comparison is None else comparison.differing()

    def _add(self, code: str, summary: str, **parts: Any) -> None:
        self.findings.append(finding(code, self.policy, summary, **parts))


def misplaced(
    comparison: Comparison, policy: Policy, *, hint: str | None = None
) -> Iterator[Finding]:
    """What of a file's weights a model cannot have restored, as findings.

    Args:
        comparison: The comparison of the model with the file.
        policy: How strictly to judge.
        hint: What to do, if that is not to mend the class or the file.
    """
    if comparison.misfits:
        stored, held = comparison.misfits[0]
        others = len(comparison.misfits) - 1
        yield finding(
            "W101",
            policy,
            "weights of the file do not fit the model",
            location=f"{held.path}{_title(held)}",
            wanted=f"shape {held.shape}, as the model has it",
            found=f"shape {stored.shape} in the file{f'; and {others} more' if others else ''}",
            hint=hint or "load it with the class and the config that it was saved with",
        )
    if comparison.unread:
        yield finding(
            "W101",
            policy,
            "weights of the file were not restored",
            wanted=f"a place in the model for {_places(comparison.unread)}",
            found="no variables there",
            hint=hint or "see that each layer's build() builds the layers inside it",
        )
    if comparison.missing:
        yield finding(
            "W101",
            policy,
            "weights of the model are not in the file",
            wanted=f"values for {_places(comparison.missing)}",
            found="nothing at these paths of the file",
            hint=hint or "save the model again with the classes that it is loaded with",
        )


def _places(arrays: Sequence[StoredArray]) -> str:
    """The first few of some arrays, in words, and how many they are."""
    shown = ", ".join(map(str, arrays[:_SHOWN]))
    return shown if len(arrays) <= _SHOWN else f"{shown}, … ({len(arrays)} arrays)"


def _title(array: StoredArray) -> str:
    return f' "{printable(array.title, limit=100)}"' if array.title else ""
