"""Checks of metrics."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_registry.contract.attempts import attempting
from keras_registry.contract.metrics import are_close, numbers_of, numbers_shown, try_metric
from keras_registry.contract.numerics import array_of, shown
from keras_registry.contract.results import Skip
from keras_registry.contract.table import Check
from keras_registry.names import Kind

if TYPE_CHECKING:
    from keras_registry.contract.subjects import Case

__all__ = ["METRIC_CHECKS"]


def check_reset_forgets(case: Case) -> str:
    """After `reset_state` it is as new.

    Keras resets metrics at the start of each epoch and before each validation: what is left over
    from the one before is counted again.
    """
    trial = try_metric(case)
    first, second = trial.parts()
    used, new = trial.metric(first), case.make()
    used.reset_state()
    trial.update(used, second)
    trial.update(new, second)
    found, wanted = numbers_of(used), numbers_of(new)
    if not are_close(found, wanted):
        trial.fail(
            at_fault="reset_state",
            wanted=f"{numbers_shown(wanted)} after a reset, as for a new one",
            found=numbers_shown(found),
            method="reset_state",
        )
    return f"called with {trial.guess.label}"


def check_batches_add_up(case: Case) -> None:
    """Its result for a batch and another one is that for both at once.

    Otherwise it depends on the size of the batches, and the last, smaller one counts too much.
    """
    trial = try_metric(case)
    found = numbers_of(trial.metric(*trial.parts()))
    if not are_close(found, trial.wanted):
        trial.fail(
            at_fault="update_state",
            wanted=f"{numbers_shown(trial.wanted)}, as for all samples at once",
            found=f"{numbers_shown(found)} for 5 samples and then 3",
            method="update_state",
        )


def check_states_can_be_merged(case: Case) -> None:
    """The variables for two parts of the data, added up, are those for the whole.

    Where a model is trained on several devices, Keras adds up the variables of all of them, or
    does what `aggregation` says.
    """
    trial = try_metric(case)
    metrics = [trial.metric(part) for part in trial.parts()]
    merged = case.make()
    if callable(getattr(merged, "merge_state", None)):
        merged.merge_state(metrics)
    else:
        trial.update(merged, trial.guess)  # creates what is created by the first update
        for variable, *parts in zip(merged.variables, *(m.variables for m in metrics), strict=True):
            variable.assign(_aggregated(variable, [part.value for part in parts]))
    found = numbers_of(merged)
    if not are_close(found, trial.wanted):
        trial.fail(
            at_fault=", ".join(v.name for v in merged.variables) or "variables",
            wanted=f"{numbers_shown(trial.wanted)} from the variables of two parts added up",
            found=numbers_shown(found),
            method="update_state",
        )


def check_sample_weights_count_samples(case: Case) -> None:
    """A sample with the weight 2 counts twice, one with the weight 0 not at all.

    With `weighted_metrics`, a metric that leaves `sample_weight` out shows other numbers than its
    name says.
    """
    trial = try_metric(case)
    if "sample_weight" not in inspect.signature(trial.metric().update_state).parameters:
        reason = "its update_state takes no sample_weight"
        raise Skip(reason)
    weights = np.resize([0, 1, 2, 1, 0, 2, 1, 2], trial.guess.batch)
    chosen = np.repeat(np.arange(len(weights)), weights)
    wanted = numbers_of(trial.metric(trial.guess.part(chosen)))
    found = numbers_of(trial.weighted(weights.astype("float32")))
    if not are_close(found, wanted):
        trial.fail(
            at_fault="sample_weight",
            wanted=f"{numbers_shown(wanted)} with the weights {shown(weights)}",
            found=f"{numbers_shown(found)}; without weights it is {numbers_shown(trial.wanted)}",
            method="update_state",
        )


def check_state_is_in_variables(case: Case) -> None:
    """All its state is in its variables: with these, another object has the same result.

    What is kept in attributes of Python is not saved, nor reset, nor updated where `fit` is
    compiled.
    """
    trial = try_metric(case)
    metric = trial.metric(trial.guess)
    other = trial.metric(trial.parts()[0])  # Some make their variables when they are updated.
    if len(other.variables) != len(metric.variables):
        trial.fail(
            at_fault="variables",
            wanted=f"{len(metric.variables)} variables, for 5 samples as for 8",
            found=f"{len(other.variables)}",
            method="update_state",
        )
    for mine, theirs in zip(other.variables, metric.variables, strict=True):
        mine.assign(theirs.value)
    found = numbers_of(other)
    if not are_close(found, trial.wanted):
        trial.fail(
            at_fault=_state_outside(metric) or "variables",
            wanted=f"{numbers_shown(trial.wanted)} from the same variables",
            found=numbers_shown(found),
            method="update_state",
        )


def check_metric_runs_compiled(case: Case) -> None:
    """Compiled, and for batches of any size, it has the same result.

    `fit` and `evaluate` compile the metric: what looks at numbers in Python fails there, or keeps
    those of the first batch.
    """
    trial = try_metric(case)
    metric = case.make()
    words, method = "a metric that can be compiled", "update_state"
    with attempting(case, method, words, method=method, called_with=trial.guess.label):
        trial.update_compiled(metric)
        found = numbers_of(metric)
    if not are_close(found, trial.wanted):
        trial.fail(
            at_fault="update_state",
            wanted=f"{numbers_shown(trial.wanted)}, as before it was compiled",
            found=numbers_shown(found),
            method="update_state",
        )


def check_result_only_reads(case: Case) -> None:
    """`result` changes nothing: asked twice, it says the same.

    Keras asks for the result after each batch, to show it.
    """
    trial = try_metric(case)
    metric = trial.metric(trial.guess)
    before = [array_of(variable) for variable in metric.variables]
    first, second = numbers_of(metric), numbers_of(metric)
    after = [array_of(variable) for variable in metric.variables]
    if not are_close(second, first) or not are_close(after, before):
        trial.fail(
            at_fault="result",
            wanted=f"{numbers_shown(first)} each time",
            found=f"{numbers_shown(second)} when asked again",
            method="result",
        )


def check_result_is_a_number(case: Case) -> None:
    """Its result is numbers of the metric's dtype, and finite before it has seen anything.

    A NaN stops callbacks that compare results, such as `EarlyStopping`, and goes into logs that
    do not take it.
    """
    trial = try_metric(case)
    for metric, when in ((case.make(), "before the first update"), (trial.metric(trial.guess), "")):
        if len(metric.variables) < len(trial.metric(trial.guess).variables):
            continue  # That there is no state yet is said by another check.
        for value in keras.tree.flatten(metric.result()):
            found = array_of(value)
            if found.dtype.kind != "f" or not np.isfinite(found).all():
                trial.fail(
                    at_fault="result",
                    wanted=f"finite numbers of dtype {metric.dtype}",
                    found=f"{shown(found)} of dtype {found.dtype} {when}".rstrip(),
                    method="result",
                )


def _aggregated(variable: Any, parts: list[Any]) -> Any:
    """What Keras makes of a variable's values on several devices."""
    match getattr(variable, "aggregation", "sum"):
        case "mean":
            return keras.ops.mean(keras.ops.stack(parts), axis=0)
        case "only_first_replica" | "none":
            return parts[0]
        case _:
            return keras.ops.sum(keras.ops.stack(parts), axis=0)


def _state_outside(metric: Any) -> str | None:
    """An attribute of Python that an update has changed."""
    fresh = vars(type(metric).from_config(metric.get_config()))
    for name, value in vars(metric).items():
        plain = isinstance(value, bool | int | float | list | np.ndarray)
        if plain and not name.startswith("_") and repr(value) != repr(fresh.get(name)):
            return str(name)
    return None


_METRIC = frozenset({Kind.METRIC})

METRIC_CHECKS = (
    Check(
        "C401",
        check_reset_forgets,
        "let reset_state assign each variable its first value, or do not override it",
        kinds=_METRIC,
    ),
    Check(
        "C402",
        check_batches_add_up,
        "add up sums and counts in update_state, and divide in result",
        kinds=_METRIC,
    ),
    Check(
        "C403",
        check_states_can_be_merged,
        "keep sums and counts in variables, or say aggregation= in add_variable",
        kinds=_METRIC,
        on_first_case=True,
    ),
    Check(
        "C404",
        check_sample_weights_count_samples,
        "multiply values by sample_weight, and count weights in place of samples",
        kinds=_METRIC,
    ),
    Check(
        "C405",
        check_state_is_in_variables,
        "make each piece of state with add_variable in __init__",
        kinds=_METRIC,
        on_first_case=True,
    ),
    Check(
        "C406",
        check_metric_runs_compiled,
        "use keras.ops on tensors, and keep state in variables",
        kinds=_METRIC,
        on_first_case=True,
    ),
    Check(
        "C407",
        check_result_only_reads,
        "assign variables in update_state only",
        kinds=_METRIC,
        on_first_case=True,
    ),
    Check(
        "C408",
        check_result_is_a_number,
        "divide with keras.ops.divide_no_nan, and cast to self.dtype",
        kinds=_METRIC,
    ),
)
