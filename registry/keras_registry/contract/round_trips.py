"""Layers and models in files, loaded where their plugin was not imported.

All files of an object are written here and loaded by one process, which also saves and loads each
of them once more; the checks then look at what came back.
"""

from __future__ import annotations

import itertools
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_registry.contract.attempts import in_a_line
from keras_registry.contract.fresh import ask_fresh
from keras_registry.contract.inputs import find_call
from keras_registry.contract.models import (
    PARENTS,
    call_model,
    describe_model,
    origin_of,
    parents_for,
)
from keras_registry.contract.numerics import arrays_of, is_close
from keras_registry.environment import Environment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from keras_registry.contract.inputs import Call
    from keras_registry.contract.subjects import Case, Subject

__all__ = ["State", "Trip", "imports_for", "trips_of"]

_ENDINGS = ("keras", "h5")


@dataclass(frozen=True, slots=True)
class State:
    """What a model was, before it was saved or after it was loaded.

    Attributes:
        objects: Config and variables of each object of the class.
        arrays: Outputs and weights by name.
    """

    objects: list[Any]
    arrays: Mapping[str, Any]


@dataclass(slots=True)
class Trip:
    """A file with an object in it, and what became of that.

    Attributes:
        case: How the object was made.
        parent: What the object is in, a name of `PARENTS`.
        ending: The format of the file.
        saved: What was saved; None if it could not be.
        first: What was loaded.
        again: What was loaded after it had been saved and loaded once more.
        error: Why there is no such thing.
        was_imported: Whether the plugin was imported before the file was loaded.
        is_random: Whether outputs differ from one call to the next.
        is_frozen: Whether the object was made untrainable before it was saved.
    """

    case: Case
    parent: str
    ending: str
    call: Call
    saved: State | None = None
    first: State | None = None
    again: State | None = None
    error: str = ""
    was_imported: bool = False
    is_random: bool = False
    is_frozen: bool = False
    path: Path = field(default_factory=Path)

    def __str__(self) -> str:
        where = "by itself" if self.parent == "itself" else f"in a {self.parent} model"
        frozen = " with trainable = False" if self.is_frozen else ""
        return f"{where}{frozen}, saved as .{self.ending}"


def imports_for(subject: Subject) -> list[str]:
    """What must be imported before an object can be found: nothing if a distribution lists it."""
    is_listed = any(
        plugin.module == subject.target.__module__
        for plugin in Environment().find_plugins(subject.key)
    )
    is_of_keras = subject.target.__module__.partition(".")[0] == "keras"
    return [] if is_listed or is_of_keras else [subject.target.__module__]


def trips_of(subject: Subject) -> list[Trip]:
    """All files of an object and what became of them; the first case in every kind of model."""
    return subject.once(_travel)


def _travel(subject: Subject) -> list[Trip]:
    with tempfile.TemporaryDirectory(prefix="keras-registry-") as name:
        folder = Path(name)
        trips = [trip for case in subject.cases for trip in _plan(case)]
        for number, trip in enumerate(trips):
            trip.path = folder / f"{number}.{trip.ending}"
            _save(trip)
        # Inputs may differ from case to case; those of one call go together.
        for _, group in itertools.groupby(trips, key=lambda trip: id(trip.call)):
            _load(subject, [trip for trip in group if trip.saved is not None], folder)
    return trips


def _plan(case: Case) -> list[Trip]:
    call, _ = find_call(case)
    if call is None:
        return []
    parents = parents_for(case.subject.kind, call)
    if case is not case.subject.cases[0]:
        return [Trip(case, parents[0], "keras", call)]
    trips = [Trip(case, parent, ending, call) for ending in _ENDINGS for parent in parents]
    return [*trips, Trip(case, parents[0], "keras", call, is_frozen=True)]


def _save(trip: Trip) -> None:
    case, call = trip.case, trip.call
    try:
        keras.utils.set_random_seed(7)
        made = case.make()
        model = PARENTS[trip.parent](made, call)
        if trip.is_frozen:
            made.trainable = False
        state = describe_model(model, trip.parent, origin_of(case.subject.target), call.arguments)
        outputs = arrays_of(call_model(model, trip.parent, call.arguments))
        trip.is_random = any(
            not is_close(found, state[1][f"output {number}"])
            for number, found in enumerate(outputs)
        )
        model.save(trip.path)
        trip.saved = State(*state)
    except Exception as error:  # noqa: BLE001 - the author's own code, wherever it fails
        trip.error = in_a_line(error)


def _is_loaded_twice(trip: Trip) -> bool:
    is_first = trip.case is trip.case.subject.cases[0] and not trip.is_frozen
    return trip.parent in {"Functional", "itself"} and (is_first or trip.case.changed is None)


def _load(subject: Subject, trips: list[Trip], folder: Path) -> None:
    if not trips:
        return
    flat = keras.tree.flatten(list(trips[0].call.arguments))
    numbers = iter(range(len(flat)))
    inputs = folder / "inputs.npz"
    np.savez(inputs, **{str(number): array for number, array in enumerate(flat)})
    answers = ask_fresh(
        "load_models",
        files=[[str(trip.path), trip.parent, _is_loaded_twice(trip)] for trip in trips],
        origin=origin_of(subject.target),
        imports=imports_for(subject),
        inputs=str(inputs),
        structure=keras.tree.map_structure(lambda _: next(numbers), list(trips[0].call.arguments)),
    )
    for trip, answer in zip(trips, answers, strict=True):
        trip.was_imported = answer["was_imported"]
        trip.error = answer.get("error", "")
        trip.first, trip.again = (_read(answer.get(name)) for name in ("first", "again"))


def _read(answer: Any) -> State | None:
    if answer is None:
        return None
    with np.load(answer["arrays"]) as stored:
        return State(answer["objects"], {name: stored[name] for name in stored.files})
