"""Golden files loaded where their plugin was not imported, and what is another than it was."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

import keras_registry
from keras_registry.contract.attempts import in_a_line
from keras_registry.contract.fresh import FreshError, ask_fresh
from keras_registry.contract.golden_files import read_arrays, write_arrays
from keras_registry.contract.golden_models import outputs_of, weights_of
from keras_registry.contract.numerics import array_of, dtype_of, is_close, shown
from keras_registry.errors import LoadError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keras_registry.contract.golden_files import GoldenIndex, GoldenModel

__all__ = ["Difference", "Golden", "as_arrays", "find_difference", "load_all", "load_golden"]

_TOLERANCES = {"float64": 1e-6, "float32": 1e-4, "float16": 1e-2, "bfloat16": 5e-2}
"""The differences that are allowed, by dtype and relative to the largest value: another backend,
or another release of it, adds in another order."""

_DRAWN = "drawn"
"""The output that is another on each backend: random numbers."""


@dataclass(slots=True)
class Golden:
    """A golden file, and what became of it.

    Attributes:
        folder: Where it lies.
        index: The version that it is of.
        model: Its row in the index.
        saved: Inputs, outputs and weights that were saved, by name.
        loaded: Outputs and weights of the loaded model; None if there is none.
        findings: What the load found, as JSON.
        error: Why it has no outputs, if it has none.
    """

    folder: Path
    index: GoldenIndex
    model: GoldenModel
    saved: Mapping[str, Any] = field(default_factory=dict)
    loaded: Mapping[str, Any] | None = None
    findings: Sequence[Mapping[str, Any]] = ()
    error: str = ""

    @property
    def path(self) -> Path:
        """The model file."""
        return self.folder / f"{self.model.file}.keras"

    @property
    def arrays(self) -> Path:
        """The file with its arrays."""
        return self.folder / f"{self.model.file}.npz"


@dataclass(frozen=True, slots=True)
class Difference:
    """What is another than it was saved.

    Attributes:
        name: The weight or output.
        wanted: What was saved.
        found: What there is, and the largest difference.
    """

    name: str
    wanted: str
    found: str


def load_all(goldens: Sequence[Golden], imports: Sequence[str] = ()) -> None:
    """Loads models in a process in which no plugin was imported, and notes what they give.

    Args:
        goldens: The files; what they say of the models is read here.
        imports: What has to be imported first, because no distribution lists the objects.
    """
    readable = []
    for golden in goldens:
        try:
            golden.saved = read_arrays(golden.arrays)
            readable.append(golden)
        except (OSError, ValueError) as error:
            golden.error = in_a_line(error)
    if not readable:
        return
    with tempfile.TemporaryDirectory(prefix="keras-registry-") as folder:
        requests = [
            {
                "file": str(golden.path.absolute()),
                "kind": str(golden.model.kind),
                "arrays": str(golden.arrays.absolute()),
                "structure": golden.model.structure,
                "out": str(Path(folder, f"{number}.npz")),
            }
            for number, golden in enumerate(readable)
        ]
        try:
            answers = ask_fresh("load_golden", models=requests, imports=list(imports))
        except FreshError as error:
            answers = [{"error": str(error)} for _ in requests]
        for golden, request, answer in zip(readable, requests, answers, strict=True):
            golden.findings = answer.get("findings", ())
            golden.error = answer.get("error", "")
            if Path(request["out"]).exists():
                golden.loaded = read_arrays(Path(request["out"]))


def load_golden(*, models: Sequence[Mapping[str, Any]], imports: Sequence[str]) -> list[Any]:
    """Loads models and writes what they give: what a fresh process is asked for.

    Args:
        models: For each the path of the model, the kind of the object in it, the path of the
            inputs, how they are nested, and the path to write to.
        imports: What has to be imported first.
    """
    for name in imports:
        __import__(name)
    return [_load(**model) for model in models]


def _load(*, file: str, kind: str, arrays: str, structure: Any, out: str) -> dict[str, Any]:
    stored = read_arrays(Path(arrays))
    arguments = keras.tree.map_structure(lambda number: stored[f"input {number}"], structure)
    try:
        model = keras_registry.load_model(file, policy="compatible")
    except LoadError as error:
        return {"findings": [item.to_json() for item in error.findings]}
    except Exception as error:  # noqa: BLE001 - the author's own code, wherever it fails
        return {"error": in_a_line(error)}
    try:
        weights = weights_of(model)
        given, _ = as_arrays(outputs_of(kind, model, arguments))
    except Exception as error:  # noqa: BLE001 - the author's own code, wherever it fails
        return {"error": in_a_line(error)}
    write_arrays(Path(out), {**weights, **given})
    return {}


def as_arrays(tensors: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Tensors as arrays, and the dtypes that they have."""
    arrays = {name: array_of(tensor) for name, tensor in tensors.items()}
    # Keras makes numbers of Python of the results of some metrics.
    usual = keras.config.floatx()
    dtypes = {n: dtype_of(t) if hasattr(t, "dtype") else usual for n, t in tensors.items()}
    return arrays, dtypes


def find_difference(golden: Golden, what: str, *, backend: str) -> Difference | None:
    """The first weight or output that is not as it was saved; None if all are.

    Args:
        golden: A golden file that was loaded.
        what: ``"weights"`` or ``"outputs"``.
        backend: The backend on which it was loaded.
    """
    if golden.loaded is None:
        return None
    if what == "weights":
        return _of_weights(golden.saved, golden.loaded)
    for name, dtype in golden.model.outputs.items():
        if name == _DRAWN and golden.index.environment.get("backend") != backend:
            continue
        tolerance = _TOLERANCES.get(dtype, 0.0)
        found = _compare(name, golden.saved.get(name), golden.loaded.get(name), tolerance)
        if found is not None:
            return found
    return None


def _of_weights(saved: Mapping[str, Any], loaded: Mapping[str, Any]) -> Difference | None:
    """Weights belong together by their paths; if these are others, by their order."""
    before, after = ([n for n in names if n.startswith("weight ")] for names in (saved, loaded))
    if len(before) != len(after):
        counts = (f"{len(names)} weights" for names in (before, after))
        return Difference("weights", *counts)
    if sorted(map(_path_of, before)) == sorted(map(_path_of, after)):
        before, after = sorted(before, key=_place_of), sorted(after, key=_place_of)
    pairs = zip(before, after, strict=True)
    found = (_compare(_path_of(one), saved[one], loaded[other], 0.0) for one, other in pairs)
    return next((item for item in found if item is not None), None)


def _path_of(name: str) -> str:
    return name.split(" ", 2)[2]


def _place_of(name: str) -> tuple[str, int]:
    return _path_of(name), int(name.split(" ")[1])


def _compare(name: str, wanted: Any, found: Any, tolerance: float) -> Difference | None:
    if wanted is None or found is None:
        words = ["nothing" if array is None else shown(array) for array in (wanted, found)]
        return None if wanted is found else Difference(name, *words)
    if wanted.shape != found.shape:
        return Difference(name, f"shape {wanted.shape}", f"shape {found.shape}")
    is_exact = not tolerance or wanted.dtype.kind not in "fc" or found.dtype.kind not in "fc"
    if is_exact and np.array_equal(wanted, found, equal_nan=wanted.dtype.kind in "fc"):
        return None
    if not is_exact and is_close(found, wanted, tolerance=tolerance):
        return None
    return Difference(name, shown(wanted), f"{shown(found)}{_largest(wanted, found)}")


def _largest(wanted: Any, found: Any) -> str:
    """The largest difference in words, and where it is."""
    if wanted.dtype.kind not in "biufc" or not wanted.size:
        return ""
    gaps = np.abs(found.astype("float64") - wanted.astype("float64"))
    gaps = np.where(np.isnan(gaps), np.inf, gaps)
    place = [int(axis) for axis in np.unravel_index(int(gaps.argmax()), gaps.shape)]
    return f", largest difference {gaps.max():.4g}{f' at {place}' if place else ''}"
