"""Whether a loaded model is compiled as the one that was saved, or what of that is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras_registry.artifact import TRAINING_CONFIG, find_use
from keras_registry.bridge.compiled_config import complete_compile_config, has_own
from keras_registry.bridge.internals import flatten_layers, has_generators
from keras_registry.findings import Need, finding
from keras_registry.keras_names import CLASSES, FUNCTIONS
from keras_registry.names import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from keras_registry.bridge.progress import Misfit
    from keras_registry.findings import Finding, Policy

__all__ = ["change_findings", "lost_state_findings"]

_SHOWN = 3
_BY_MACHINE = frozenset({"jit_compile", "auto_scale_loss"})
"""What `compile` decides by the backend and the machine, if it is not told."""

_BY_SHAPES = frozenset({"accuracy", "acc", "crossentropy", "ce"})
"""Names that `compile` makes something of by the shapes of the data."""

_CUSTOM = "a custom object"
"""Whatever it is called: a load finds it under former names, too."""


def lost_state_findings(
    model: Any, config: Any, misfits: Sequence[Misfit], policy: Policy
) -> Iterator[Finding]:
    """Why the state of the optimizer cannot be the one that was saved.

    Args:
        model: The loaded model.
        config: Its config.
        misfits: The optimizers whose state in the file does not fit them.
        policy: How strictly to judge.
    """
    if _is_passed_over(model, config):
        yield _uncompiled_finding(model, _compiled_state(config), policy)
    within = {id(getattr(misfit.optimizer, "inner_optimizer", None)) for misfit in misfits}
    for misfit in misfits:
        if id(misfit.optimizer) not in within:
            yield _misfit_finding(misfit, policy)


def _compiled_state(config: Any) -> Mapping[str, Any]:
    """The compiled state in the config of a model; empty if it was not compiled."""
    known = config if isinstance(config, dict) else {}
    compiled = known.get("compile_config") or known.get(TRAINING_CONFIG)
    return compiled if isinstance(compiled, dict) else {}


def _is_passed_over(model: Any, config: Any) -> bool:
    """Whether Keras did not compile the model, and says that it is compiled."""
    import keras

    if not isinstance(model, keras.Model) or not _compiled_state(config).get("optimizer"):
        return False
    return has_own(model, "compile") and not has_own(model, "compile_from_config")


def _uncompiled_finding(model: Any, compiled: Mapping[str, Any], policy: Policy) -> Finding:
    import keras

    name = printable(type(model).__name__, limit=100)
    return finding(
        "K111",
        policy,
        "the model is not compiled, though it was saved compiled",
        needs=(Need(keras.saving.get_registered_name(type(model)), 1, "the model itself"),),
        wanted=_words({k: v for k, v in _outlines(compiled).items() if not isinstance(v, int)}),
        found=f"{name}.compile is a method of its own, which Keras does not call",
        hint=f"call model.compile before training; with get_compile_config and "
        f"compile_from_config in {name} it would come back",
    )


def _misfit_finding(misfit: Misfit, policy: Policy) -> Finding:
    optimizer, saved = misfit.optimizer, misfit.saved
    title = f'{type(optimizer).__name__} "{printable(optimizer.name, limit=60)}"'
    held = [(variable.path, tuple(map(int, variable.shape))) for variable in optimizer.variables]
    parts = {
        "wanted": f"{len(held)} arrays: {_some([path for path, _ in held])}",
        "found": f"{len(saved)} arrays in the file",
    }
    if len(saved) == len(held):
        pairs = zip(saved, held, strict=True)
        path, shape, other = next((p, s, found) for found, (p, s) in pairs if s != found)
        parts = {"wanted": f"{path} of shape {shape}", "found": f"shape {other} in the file"}
    return finding(
        "W104",
        policy,
        f"the state of {title} was not restored",
        **parts,
        hint="training begins with a new state; the saved one fits the classes and the trainable "
        "layers that the model was trained with",
    )


def change_findings(
    model: Any, config: Any, policy: Policy, *, is_recorded: bool
) -> Iterator[Finding]:
    """What else a compiled model has otherwise than the one that was saved.

    Args:
        model: The loaded model.
        config: Its config.
        policy: How strictly to judge.
        is_recorded: Whether the file was saved with its manifest, so that each name in it is one
            that the present Keras writes.
    """
    import keras

    compiled = _compiled_state(config)
    if not compiled or not isinstance(model, keras.Model):
        return
    if is_recorded and not _is_passed_over(model, config):
        config = model.get_compile_config()
        complete_compile_config(model, config)
        saved, now = _outlines(compiled), _outlines(config)
        differing = [part for part in saved if part in now and saved[part] != now[part]]
        if differing:
            yield finding(
                "K111",
                policy,
                "the model is not compiled as it was saved",
                wanted=_words({part: saved[part] for part in differing}),
                found=_words({part: now[part] for part in differing}),
                hint="compile the model anew before training",
            )
        yield from _rate_findings(model.optimizer, compiled, policy)
    yield from _unknown_findings(model, policy)
    random = [layer for layer in flatten_layers(model) if has_generators(layer)]
    if random:
        yield finding(
            "K112",
            policy,
            "training goes on with other random numbers",
            wanted=f"the state of the generators in {_some(list(map(_title, random)))}",
            found="new ones: Keras saves none",
        )


def _rate_findings(
    optimizer: Any, compiled: Mapping[str, Any], policy: Policy
) -> Iterator[Finding]:
    """The learning rates that are not those of the config: Keras saves each of them twice."""
    record = compiled.get("optimizer") or compiled.get("optimizer_config")
    while isinstance(record, dict) and record.get("class_name") == type(optimizer).__name__:
        config = record.get("config")
        known = config if isinstance(config, dict) else {}
        saved, variable = known.get("learning_rate"), getattr(optimizer, "_learning_rate", None)
        if isinstance(saved, float) and variable is not None and hasattr(variable, "numpy"):
            found = variable.numpy()
            if found != found.dtype.type(saved):
                yield finding(
                    "W102",
                    policy,
                    "the learning rate among the weights is not the one in the config",
                    location=f"{type(optimizer).__name__}.learning_rate",
                    wanted=f"{saved:g}",
                    found=f"{found:g}",
                    hint="copy or save the model again",
                )
        optimizer = getattr(optimizer, "inner_optimizer", None)
        record = known.get("inner_optimizer")


def _unknown_findings(model: Any, policy: Policy) -> Iterator[Finding]:
    """The losses and metrics that Keras will not find by the names that it is given for them."""
    import keras

    config = {} if has_own(model, "get_compile_config") else model.get_compile_config()
    for part, get in (
        ("loss", keras.losses.get),
        ("metrics", keras.metrics.get),
        ("weighted_metrics", keras.metrics.get),
    ):
        unknown = [name for name in _names_in(config.get(part)) if not _is_known(name, get)]
        if unknown:
            yield finding(
                "K111",
                policy,
                f"the model is compiled with {_some(list(map(repr, unknown)))}, which is not known",
                wanted="a name that Keras knows, or the function itself",
                found=f"{part} {printable(config[part], limit=80)}",
                hint="compile the model anew before training",
            )


def _names_in(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, list):
        for item in node:
            yield from _names_in(item)
    elif isinstance(node, dict) and "class_name" not in node:
        yield from _names_in(list(node.values()))


def _is_known(name: str, get: Callable[[str], Any]) -> bool:
    if name.lower() in _BY_SHAPES:
        return True
    try:
        get(name)
    except ValueError:
        return False
    return True


def _outlines(compiled: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of `compile`, of each object what it is: its settings are Keras's affair."""
    named = {"optimizer" if k == "optimizer_config" else k: v for k, v in compiled.items()}
    return {part: _outline(value) for part, value in named.items() if part not in _BY_MACHINE}


def _outline(node: Any) -> Any:
    if isinstance(node, list | tuple):
        return [_outline(item) for item in node]
    if isinstance(node, str):
        return node if node in FUNCTIONS or node in CLASSES else _CUSTOM
    if not isinstance(node, dict):
        return node
    name = node.get("class_name")
    if not isinstance(name, str):
        return {key: _outline(value) for key, value in node.items()}
    if find_use(node) is not None:
        return _CUSTOM
    return _outline(node.get("config")) if name == "function" or name.startswith("__") else name


def _words(parts: Mapping[str, Any]) -> str:
    """The arguments of `compile` in words."""
    shown = {part: value for part, value in parts.items() if value is not None}
    return ", ".join(f"{part} {printable(value, limit=80)}" for part, value in shown.items())


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(printable(name, limit=100) for name in names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown}, …"


def _title(layer: Any) -> str:
    return f'{type(layer).__name__} "{layer.name}"'
