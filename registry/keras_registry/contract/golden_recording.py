"""Golden files are recorded: for each object of a distribution a small model and what it gives."""

from __future__ import annotations

import shutil
import sys
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import keras

import keras_registry
from keras_registry.bridge.saving import running_environment
from keras_registry.contract.attempts import in_a_line
from keras_registry.contract.distributions import DistributionSubject
from keras_registry.contract.golden_files import (
    INDEX,
    GoldenIndex,
    GoldenModel,
    find_golden_folder,
    write_arrays,
)
from keras_registry.contract.golden_loading import Golden, as_arrays, find_difference, load_all
from keras_registry.contract.golden_models import make_golden_model, outputs_of, weights_of
from keras_registry.contract.numerics import is_close
from keras_registry.contract.results import Skip
from keras_registry.contract.subjects import Subject
from keras_registry.documents import generator
from keras_registry.errors import SettingsError
from keras_registry.names import Kind, printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from keras_registry.contract.checked import Checked
    from keras_registry.environment import InstalledDistribution

__all__ = ["Recorded", "check_target", "record_golden_files"]

_MOST_BYTES = 1 << 20
"""Of a model and its arrays: they are kept with the sources for good."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was recorded of a distribution.

    Attributes:
        folder: Where it lies; None if nothing could be recorded.
        models: The models.
        left_out: Why other objects have none, by key.
    """

    folder: Path | None
    models: tuple[GoldenModel, ...]
    left_out: Mapping[str, str]


def check_target(
    distribution: InstalledDistribution, folder: Path | None, *, replace: bool
) -> Path:
    """The folder for the installed version of a distribution, which may be written.

    Args:
        distribution: The distribution.
        folder: The folder in which there is one for each version; None for `tests/golden` in the
            sources of the distribution.
        replace: Whether golden files of the version that are there may be replaced.

    Raises:
        SettingsError: The sources are not here, or there is something that may not be replaced.
    """
    folder = folder or find_golden_folder(distribution)
    if folder is None:
        message = (
            f"the sources of {distribution.name} are not here: run pip install --editable in its "
            "folder, or this command there, or give --output"
        )
        raise SettingsError(message)
    target = folder / distribution.distribution_version
    if not target.exists() or (target.is_dir() and not any(target.iterdir())):
        return target
    if not (target / INDEX).is_file():
        message = f"{printable(target, limit=1000)} has no golden files in it: move it away"
        raise SettingsError(message)
    if not replace:
        message = (
            f"{printable(target, limit=1000)} is there already, and the golden files of a release "
            "stay as they are: raise the version, or give --replace if it was never released"
        )
        raise SettingsError(message)
    return target


def record_golden_files(
    subjects: Sequence[Checked], folder: Path | None = None, *, replace: bool = False
) -> Recorded:
    """Records golden files of the installed version of a distribution.

    Each model is loaded at once, in a process in which no plugin was imported: one that does not
    come back is left out. The folder is written as a whole, or not at all.

    Args:
        subjects: The distribution and its objects.
        folder: The folder in which there is one for each version; None for `tests/golden` in the
            sources of the distribution.
        replace: Whether golden files of this version that are there are replaced.

    Raises:
        SettingsError: As of `check_target`; or nothing can be written there.
    """
    (distribution,) = [s.distribution for s in subjects if isinstance(s, DistributionSubject)]
    target = check_target(distribution, folder, replace=replace)
    left_out: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="keras-registry-") as name:
        made = Path(name)
        models: list[GoldenModel] = []
        for subject in subjects:
            if not isinstance(subject, Subject):
                continue
            try:
                models.append(_record(subject, made, {model.file.casefold() for model in models}))
            except Skip as skip:
                left_out[subject.key] = str(skip)
            except Exception as error:  # noqa: BLE001 - the author's own code, wherever it fails
                left_out[subject.key] = in_a_line(error)
        goldens = [Golden(made, _index(distribution, models, left_out), model) for model in models]
        load_all(goldens)
        left_out |= {golden.model.key: why for golden in goldens if (why := _why_not(golden))}
        goldens = [golden for golden in goldens if golden.model.key not in left_out]
        if not goldens:
            return Recorded(None, (), left_out)
        models = [golden.model for golden in goldens]
        text = _index(distribution, models, left_out).model_dump_json(indent=1)
        (made / INDEX).write_text(f"{text}\n", encoding="utf-8", newline="\n")
        files = [path for golden in goldens for path in (golden.path, golden.arrays)]
        _put([*files, made / INDEX], target)
    return Recorded(target, tuple(models), left_out)


def _record(subject: Subject, folder: Path, taken: set[str]) -> GoldenModel:
    """Saves the model of one object, with what goes in and comes out."""
    if not subject.cases:
        reason = "no arguments are known with which it can be made: see C101"
        raise Skip(reason)
    case = subject.cases[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = make_golden_model(case)
        stem = _free_name(subject.key, taken)
        keras_registry.save_model(made.model, folder / f"{stem}.keras")
        weights = weights_of(made.model)
        given, dtypes = as_arrays(outputs_of(subject.kind, made.model, made.arguments))
        again = given
        if subject.kind in {Kind.LAYER, Kind.MODEL}:  # which may draw random numbers in inference
            again, _ = as_arrays(outputs_of(subject.kind, made.model, made.arguments))
    flat = keras.tree.flatten(list(made.arguments))
    inputs = {f"input {number}": array for number, array in enumerate(flat)}
    outputs = {name: array for name, array in given.items() if is_close(again[name], array)}
    write_arrays(folder / f"{stem}.npz", {**inputs, **outputs, **weights})
    size = sum((folder / f"{stem}.{ending}").stat().st_size for ending in ("keras", "npz"))
    if size > _MOST_BYTES:
        reason = f"its model takes {size} bytes, more than {_MOST_BYTES}: give smaller examples"
        raise Skip(reason)
    numbers = iter(range(len(flat)))
    return GoldenModel(
        key=subject.key,
        kind=subject.kind,
        file=stem,
        config_version=subject.registration.config_version,
        made_by=str(case),
        called_with=made.called_with,
        structure=keras.tree.map_structure(lambda _: next(numbers), list(made.arguments)),
        outputs={name: dtypes[name] for name in outputs},
    )


def _free_name(key: str, taken: set[str]) -> str:
    """A name for the files of an object, also where upper and lower case are one."""
    stem = key.replace(">", "-").strip(".-")
    name, number = stem, 2
    while name.casefold() in taken:
        name, number = f"{stem}-{number}", number + 1
    return name


def _index(
    distribution: InstalledDistribution, models: Sequence[GoldenModel], left_out: Mapping[str, str]
) -> GoldenIndex:
    environment = running_environment()
    return GoldenIndex(
        generator=generator(),
        distribution=distribution.name,
        distribution_version=distribution.distribution_version,
        environment={
            "python": ".".join(map(str, sys.version_info[:3])),
            "keras": environment.keras_version,
            "backend": environment.backend,
            "backend_version": environment.backend_version,
        },
        models=tuple(models),
        left_out=dict(sorted(left_out.items())),
    )


def _why_not(golden: Golden) -> str:
    if golden.loaded is None:
        said = [f"{item['code']}: {item['summary']}" for item in golden.findings]
        return f"it does not load in another process: {(said or [golden.error])[0]}"
    for what in ("weights", "outputs"):
        found = find_difference(golden, what, backend=str(golden.index.environment["backend"]))
        if found is not None:
            return (
                f"loaded in another process, {found.name} is not as it was: "
                f"wanted {found.wanted}, found {found.found}"
            )
    return ""


def _put(files: Sequence[Path], target: Path) -> None:
    """Puts files into a folder; what is there is replaced as a whole."""
    beside = target.with_name(f".{target.name}.new")
    try:
        if beside.exists():
            shutil.rmtree(beside)
        beside.mkdir(parents=True)
        for path in files:
            shutil.copyfile(path, beside / path.name)
        if target.exists():
            shutil.rmtree(target)
        beside.rename(target)
    except OSError as error:
        message = f"{printable(target, limit=1000)} cannot be written: {error.strerror or error}"
        raise SettingsError(message) from error
