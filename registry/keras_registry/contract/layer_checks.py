"""Checks of layers and models (C20x): what they hold, how they are built, what they announce."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import keras

from keras_registry.contract.attempts import attempting
from keras_registry.contract.held_variables import (
    Held,
    count_variables_made,
    find_untracked,
    new_variables,
)
from keras_registry.contract.inputs import call_for, find_call
from keras_registry.contract.models import name_of
from keras_registry.contract.results import Skip
from keras_registry.contract.table import Check
from keras_registry.names import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keras_registry.contract.inputs import Call
    from keras_registry.contract.subjects import Case

__all__ = ["LAYERS", "LAYER_CHECKS"]

LAYERS: frozenset[str] = frozenset({Kind.LAYER, Kind.MODEL})
"""The kinds that have weights and are called."""

_SLIPS = ("AttributeError", "ImportError", "NameError", "NotImplementedError", "UnboundLocalError")
"""Errors that speak of the code, not of the input."""


def check_can_be_called(case: Case) -> str:
    """It can be called.

    All other checks of layers and models need that; what they call it with is in the result.
    """
    call, errors = find_call(case)
    label, text = next(iter(errors.items()), ("", ""))
    is_slip = text.partition(":")[0] in _SLIPS and case.subject.target.__name__ in text
    is_given = case.subject.inputs is not None and not case.is_guessed
    is_clear = is_given or (is_slip and case.changed is None)
    if call is None and is_clear:
        case.fail(at_fault="call", wanted="outputs", found=text, method="call", called_with=label)
    return f"with {call_for(case).label}"


def check_tracks_what_it_holds(case: Case) -> None:
    """Keras knows of every variable that it makes, and of every layer that it holds.

    Keras finds layers and variables in attributes, and in lists and dicts of them. What is in an
    object of another class is neither trained nor saved, without a word.
    """
    call = call_for(case)

    def make() -> Any:
        made = case.make()
        made(*call.arguments)
        return made

    made, strays = new_variables(make)
    held = find_untracked(made)
    if held is None and strays:
        held = Held(strays[0].partition(" of shape")[0], f"{strays[0]}, kept by no attribute,")
    if held is not None:
        case.fail(
            at_fault=held.place,
            wanted="only variables that are in its `variables`",
            found=f"{held.what} that is not",
            method="build",
            called_with=call.label,
        )
    count = count_variables_made(lambda: made(*call.arguments))
    if count:
        case.fail(
            at_fault="call",
            wanted="no new variables in a second call",
            found=f"{count} new variables",
            method="call",
            called_with=call.label,
        )


def check_build_makes_every_weight(case: Case) -> None:
    """Its `build` makes every weight, those of the layers inside it too.

    A load builds it from the shapes that were saved, and then fills it: a weight that only a call
    makes stays random.
    """
    made, call = _called(case)
    other = case.make()
    with attempting(case, "build", "a built object", method="build", called_with=call.label):
        other.build_from_config(_build_config(made))
    _compare_weights(case, call, made, other, "after build alone")


def check_takes_shapes_as_lists(case: Case) -> None:
    """Its `build` takes shapes as the lists that they are after they were saved.

    In a file a shape is a list, which cannot be added to a tuple and is no key of a dict.
    """
    made, call = _called(case)
    kept = _build_config(made)
    config = json.loads(json.dumps(keras.saving.serialize_keras_object(kept)))
    one, other = case.make(), case.make()
    try:
        one.build_from_config(kept)
    except Exception as error:
        reason = "it cannot be built from its shapes: see C203"
        raise Skip(reason) from error
    with attempting(case, "build", "a built object", method="build", called_with=f"{config}"):
        other.build_from_config(config)
    _compare_weights(case, call, one, other, f"after build_from_config({config})")


def check_takes_built_children(case: Case) -> None:
    """Layers that it is given may be built already.

    After a load they are: their own configs say how. To build them a second time is an error, or
    gives them new weights.
    """
    if not case.holds_layers:
        reason = "it is given no layers"
        raise Skip(reason)
    made, call = _called(case)
    saved = json.loads(json.dumps(keras.saving.serialize_keras_object(made)))
    words = "an object whose layers are built"
    with attempting(case, "build", words, method="build", called_with=call.label):
        other = keras.saving.deserialize_keras_object(saved)
        other(*call.arguments)
    _compare_weights(case, call, made, other, "where its layers had been built")


def check_announces_its_outputs(case: Case) -> None:
    """What `compute_output_shape` and `compute_output_spec` say is what a call gives.

    Functional models are put together by what is announced; the layer behind it is built for it.
    """
    made, call = _called(case)
    outputs = keras.tree.flatten(made(*call.arguments))
    own = "compute_output_shape" in vars(type(made))
    method = "compute_output_shape" if own else "compute_output_spec"
    for batch in (None, call.batch):
        with attempting(case, method, "shapes", method=method, called_with=call.label):
            spec = keras.tree.flatten(made.compute_output_spec(*call.placeholders(batch)))
        announced = [_described(item) for item in spec]
        real = [_described(item) for item in outputs]
        if len(real) != len(announced) or not all(map(_agree, announced, real)):
            case.fail(
                at_fault=method,
                wanted=f"{_listed(real)}, as a call gives",
                found=_listed(announced),
                method=method,
                called_with=f"{call.label}{'' if batch else ', of any batch'}",
            )


def _called(case: Case) -> tuple[Any, Call]:
    call = call_for(case)
    made = case.make()
    made(*call.arguments)
    return made, call


def _build_config(made: Any) -> Any:
    config = made.get_build_config()
    if not config:
        reason = "nothing is kept of how it was built"
        raise Skip(reason)
    return config


def _compare_weights(case: Case, call: Call, wanted: Any, found: Any, when: str) -> None:
    before, after = _counted(wanted.weights), _counted(found.weights)
    for name, shape in before - after or after - before:
        here, there = before[name, shape], after[name, shape]
        words = "a weight" if here == 1 else f"{here or 'no'} weights"
        case.fail(
            at_fault=next(w.path for w in (*wanted.weights, *found.weights) if name_of(w) == name),
            wanted=f"{words} {name} of shape {shape}",
            found=f"{there or 'none'} {when}",
            method="build",
            called_with=call.label,
        )


def _counted(weights: Sequence[Any]) -> Counter[tuple[str, tuple[int, ...]]]:
    return Counter((name_of(weight), tuple(map(int, weight.shape))) for weight in weights)


def _described(item: Any) -> tuple[tuple[Any, ...], str]:
    return tuple(item.shape), keras.backend.standardize_dtype(item.dtype)


def _agree(announced: tuple[tuple[Any, ...], str], real: tuple[tuple[Any, ...], str]) -> bool:
    """Whether what is announced is what there is; None stands for any size."""
    (shape, dtype), (found, found_dtype) = announced, real
    sizes = zip(shape, found, strict=False)
    fits = len(shape) == len(found) and all(size in {None, here} for size, here in sizes)
    return fits and dtype == found_dtype


def _listed(described: Sequence[tuple[tuple[Any, ...], str]]) -> str:
    return ", ".join(f"{dtype} of shape {shape}" for shape, dtype in described) or "nothing"


LAYER_CHECKS = (
    Check(
        "C201",
        check_can_be_called,
        "mend call(); if it takes other inputs, give inputs, a function that returns them",
        kinds=LAYERS,
    ),
    Check(
        "C202",
        check_tracks_what_it_holds,
        "keep layers and variables in attributes of the layer, or in lists or dicts there",
        kinds=LAYERS,
    ),
    Check(
        "C203",
        check_build_makes_every_weight,
        "in build(), make the weights, and call build() of each layer inside with its input shape",
        kinds=LAYERS,
    ),
    Check(
        "C204",
        check_takes_shapes_as_lists,
        "take single sizes out of the shape, or begin with `input_shape = tuple(input_shape)`",
        kinds=LAYERS,
    ),
    Check(
        "C205",
        check_takes_built_children,
        "in build(), write `if not self.inner.built:` before self.inner.build(...)",
        kinds=LAYERS,
    ),
    Check(
        "C206",
        check_announces_its_outputs,
        "let compute_output_shape follow call(), or leave it out: Keras then traces call()",
        kinds=LAYERS,
    ),
)
