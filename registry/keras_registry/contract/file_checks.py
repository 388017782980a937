"""Checks of layers and models in files (C22x): what comes back in a process without the plugin."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_registry.contract.attempts import attempting
from keras_registry.contract.configs import find_difference, with_usual_names
from keras_registry.contract.inputs import call_for
from keras_registry.contract.layer_checks import LAYERS
from keras_registry.contract.models import PARENTS, origin_of, parents_for
from keras_registry.contract.numerics import array_of, is_close, shown
from keras_registry.contract.results import Skip
from keras_registry.contract.round_trips import imports_for, trips_of
from keras_registry.contract.table import Check

if TYPE_CHECKING:
    from keras_registry.contract.round_trips import State, Trip
    from keras_registry.contract.subjects import Case

__all__ = ["FILE_CHECKS"]


def check_can_be_saved(case: Case) -> str:
    """Every model with it can be saved, as ``.keras`` and as ``.h5``.

    It is put into a functional, a sequential and a subclassed model, as far as its inputs allow.
    """
    trips = _trips(case)
    for trip in trips:
        if trip.saved is None:
            case.fail(
                at_fault=str(trip),
                wanted="a file",
                found=trip.error,
                method="get_config",
                called_with=trip.call.label,
            )
    return f"with {trips[0].call.label}"


def check_loads_in_a_fresh_process(case: Case) -> str | None:
    """The files load in a process that never imported it, and give an object of its class.

    Nothing but `import keras_registry` is done there: the plugin is found by its entry point.
    """
    origin = origin_of(case.subject.target)
    imports = imports_for(case.subject)
    for trip in _trips(case):
        if trip.error and trip.saved is not None:
            case.fail(
                at_fault=str(trip),
                wanted="a model",
                found=trip.error,
                method="from_config",
                called_with=trip.call.label,
            )
        if trip.first is not None and not trip.first.objects:
            case.fail(
                at_fault=str(trip),
                wanted=f"an object of {'.'.join(origin)}",
                found="a model without one",
                method="from_config",
                called_with=trip.call.label,
            )
    if imports:
        return f"no distribution lists it, so {imports[0]} was imported first"
    return None


def check_weights_come_back(case: Case) -> None:
    """Its weights are in the files, and have the same values after a load.

    A weight that was made anew is random, and Keras says nothing of it.
    """
    for trip, saved, loaded in _loaded(case):
        _compare_arrays(case, trip, "weight", saved, loaded, tolerance=0)


def check_variables_come_back(case: Case) -> None:
    """It has the same variables after a load: names, shapes, dtypes, and which are trained."""
    for trip, saved, loaded in _loaded(case):
        for before, after in zip(saved.objects, loaded.objects, strict=False):
            wanted, found = before["variables"], after["variables"]
            if wanted != found:
                one = next((v for v in wanted if v not in found), None)
                other = next((v for v in found if v not in wanted), None)
                case.fail(
                    at_fault=str((one or other or ["its variables"])[0]),
                    wanted=_in_words(one) if one else f"{len(wanted)} variables",
                    found=f"{_in_words(other) if other else 'none'} {trip}",
                    method="build",
                    called_with=trip.call.label,
                )


def check_outputs_come_back(case: Case) -> None:
    """A loaded model gives the same outputs for the same inputs.

    Config and weights may be equal, and the object still be another: by an attribute that is in
    neither.
    """
    for trip, saved, loaded in _loaded(case):
        if not trip.is_random:
            _compare_arrays(case, trip, "output", saved, loaded, tolerance=1e-5)


def check_built_config_comes_back(case: Case) -> None:
    """Its config after a load is that of the built object that was saved.

    Both objects are built: many honest layers learn something when they are.
    """
    for trip, saved, loaded in _loaded(case):
        if not trip.is_frozen:  # what becomes of that is told by C224
            _compare_configs(case, trip, saved, loaded, "after a load")


def check_second_load_is_like_the_first(case: Case) -> None:
    """Saved and loaded once more, it is what it was after the first load.

    A change that each round trip repeats goes unnoticed for as long as there is only one.
    """
    for trip, _, loaded in _loaded(case):
        if trip.again is not None:
            _compare_configs(case, trip, loaded, trip.again, "after the second load")
            _compare_arrays(case, trip, "weight", loaded, trip.again, tolerance=0)


def check_weights_can_be_handed_on(case: Case) -> None:
    """Another object takes its weights from a ``.weights.h5`` file.

    Names of weights that differ from one object to the next are found by nobody.
    """
    call = call_for(case)
    parent = parents_for(case.subject.kind, call)[0]
    one, other = (PARENTS[parent](case.make(), call) for _ in range(2))
    wanted = [array_of(weight) for weight in one.weights]
    with tempfile.TemporaryDirectory(prefix="keras-registry-") as folder:
        path = Path(folder, "model.weights.h5")
        method, label = "load_own_variables", call.label
        with attempting(case, method, "weights", method=method, called_with=label):
            one.save_weights(path)
            other.load_weights(path)
    for weight, before in zip(other.weights, wanted, strict=True):
        if not np.array_equal(array_of(weight), before, equal_nan=True):
            case.fail(
                at_fault=weight.name,
                wanted=shown(before),
                found=f"{shown(array_of(weight))} after load_weights",
                method="load_own_variables",
                called_with=call.label,
            )


def _trips(case: Case) -> list[Trip]:
    call_for(case)
    return [trip for trip in trips_of(case.subject) if trip.case is case]


def _loaded(case: Case) -> list[tuple[Trip, State, State]]:
    """The trips that came back, each with what was saved and what was loaded."""
    found = [
        (trip, trip.saved, trip.first)
        for trip in _trips(case)
        if trip.saved is not None and trip.first is not None
    ]
    if not found:
        reason = "no model with it came back: see C221 and C222"
        raise Skip(reason)
    return found


def _compare_arrays(
    case: Case, trip: Trip, what: str, wanted: State, found: State, *, tolerance: float
) -> None:
    names = [name for name in wanted.arrays if name.startswith(what)]
    for name in names:
        before, after = wanted.arrays[name], found.arrays.get(name)
        if after is None or not _is_same(before, after, tolerance):
            case.fail(
                at_fault=name.split()[-1] if what == "weight" else name,
                wanted=shown(before),
                found=f"{'nothing' if after is None else shown(after)} {trip}",
                method="build" if what == "weight" else "call",
                called_with=trip.call.label,
            )


def _is_same(before: Any, after: Any, tolerance: float) -> bool:
    if before.dtype.kind not in "fc" or not tolerance:
        is_real = before.dtype.kind in "fc"
        return bool(np.array_equal(before, after, equal_nan=is_real))
    return is_close(after, before, tolerance=tolerance)


def _compare_configs(case: Case, trip: Trip, wanted: State, found: State, when: str) -> None:
    for one, other in zip(wanted.objects, found.objects, strict=False):
        after, before = (with_usual_names(item["config"]) for item in (other, one))
        changed = find_difference(after, before)
        if changed is not None:
            case.fail(
                at_fault=changed.name,
                wanted=f"{changed.place} = {changed.wanted!r}",
                found=f"{changed.place} = {changed.found!r} {when}, {trip}",
                method="get_config",
                called_with=trip.call.label,
            )


def _in_words(variable: list[Any]) -> str:
    name, shape, dtype, trainable = variable
    return f"{name} {tuple(shape)} {dtype}, {'trained' if trainable else 'not trained'}"


FILE_CHECKS = (
    Check(
        "C221",
        check_can_be_saved,
        "let get_config be derived, and keep nothing in the object that cannot be saved",
        kinds=LAYERS,
    ),
    Check(
        "C222",
        check_loads_in_a_fresh_process,
        "list the object in the entry points, and build in build() all that the weights need",
        kinds=LAYERS,
    ),
    Check(
        "C223",
        check_weights_come_back,
        "make all weights in build(), build the layers inside there, and keep them in attributes",
        kinds=LAYERS,
    ),
    Check(
        "C224",
        check_variables_come_back,
        "make variables depend on nothing but the arguments and the input shape",
        kinds=LAYERS,
    ),
    Check(
        "C225",
        check_outputs_come_back,
        "compute from arguments and weights alone: what is kept elsewhere is not saved",
        kinds=LAYERS,
    ),
    Check(
        "C226",
        check_built_config_comes_back,
        "do not change arguments in build() or call()",
        kinds=LAYERS,
    ),
    Check(
        "C227",
        check_second_load_is_like_the_first,
        "write into the config what the constructor was given, not what it made of it",
        kinds=LAYERS,
    ),
    Check(
        "C228",
        check_weights_can_be_handed_on,
        "give each weight a fixed name, and load_own_variables what save_own_variables stores",
        kinds=LAYERS,
        on_first_case=True,
    ),
)
