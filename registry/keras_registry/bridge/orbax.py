"""Orbax checkpoints: resolved like files, and proved to have filled the model.

Keras writes the config and the arrays of a model, and no metadata: there is no manifest. When it
reads them it builds the model of its config and gives each array to the variable of the same path.
The paths differ where the layers were built inside the model, as those of a `Sequential` are, and
what finds no variable is passed over without a word: such a model comes back with random weights.
Here each variable gets its array, or the load stops.
"""

from __future__ import annotations

import functools
import json
import os
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from keras_registry.artifact import Artifact
from keras_registry.bridge import optimizer_state
from keras_registry.bridge.load import Load
from keras_registry.bridge.progress import under_way
from keras_registry.bridge.reports import remember, tell
from keras_registry.findings import finding
from keras_registry.names import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

__all__ = ["load_checkpoint", "model_from_config"]

_WEIGHTS = ("trainable_variables", "non_trainable_variables")
_OPTIMIZER = "optimizer_variables"
_SEED = "seed_generator_state"  # counted anew in each process, so its path says nothing
_SHOWN = 3


def load_checkpoint(
    wrapped: Callable[..., Any],
    filepath: Any,
    custom_objects: Mapping[str, Any] | None = None,
    compile: bool = True,  # noqa: A002, FBT001, FBT002 - Keras's own signature
    safe_mode: bool = True,  # noqa: FBT001, FBT002
) -> Any:
    """Stands where Keras reads an Orbax checkpoint.

    Args:
        wrapped: Keras's own function.
        filepath: The folder of the checkpoints.
        custom_objects: The caller's objects.
        compile: Whether to restore the compiled state.
        safe_mode: Whether to refuse lambdas.
    """
    checkpoint = _Checkpoint(printable(os.fspath(filepath), limit=1000))
    token = _checkpoint.set(checkpoint)
    try:
        with under_way():
            model = wrapped(
                filepath, custom_objects=custom_objects, compile=compile, safe_mode=safe_mode
            )
    finally:
        _checkpoint.reset(token)
    checkpoint.finish(model)
    return model


def model_from_config(
    wrapped: Callable[..., Any],
    config_json: str,
    custom_objects: Mapping[str, Any] | None,
    compile: bool,  # noqa: A002, FBT001 - Keras's own signature
    safe_mode: bool,  # noqa: FBT001
) -> Any:
    """Stands where Keras makes a model of its config, before the weights are read.

    Args:
        wrapped: Keras's own function.
        config_json: The config.
        custom_objects: The caller's objects.
        compile: Whether to restore the compiled state.
        safe_mode: Whether to refuse lambdas.
    """

    def make(overlay: Mapping[str, Any] | None, compiles: bool) -> Any:  # noqa: FBT001
        return optimizer_state.model_from_config(wrapped, config_json, overlay, compiles, safe_mode)

    checkpoint = _checkpoint.get()
    if checkpoint is None or checkpoint.load is not None:
        return make(custom_objects, compile)
    return checkpoint.make_model(make, config_json, custom_objects, compiles=compile)


class _Load(Load):
    def resolve(self) -> None:
        super().resolve()
        self.findings = [item for item in self.findings if item.code != "M101"]  # it has no place


class _Checkpoint:
    """A checkpoint that Keras is reading."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.load: Load | None = None

    def make_model(
        self,
        make: Callable[[Mapping[str, Any] | None, bool], Any],
        config_json: str,
        custom_objects: Mapping[str, Any] | None,
        *,
        compiles: bool,
    ) -> Any:
        """Resolves what the config names and lets Keras build the model, as of a file.

        Raises:
            LoadError: It cannot be built.
        """
        artifact = Artifact(
            name=self.name,
            size=None,
            members=(),
            metadata={},
            config=json.loads(config_json),
            container="orbax",
            is_file=True,
        )
        self.load = load = _Load(artifact, dict(custom_objects or {}), compiles=compiles)
        load.prepare()
        model = load.open(make)
        _judge_migrations(load)
        vars(model)["set_state_tree"] = functools.partial(_fill, model, load)
        if getattr(model, "optimizer", None) is None:
            # Keras's own asks the optimizer, also where there is none, for where its arrays lie.
            vars(model)["get_state_tree"] = dict
        return model

    def finish(self, model: Any) -> None:
        """Tells of what was found, once the model is filled."""
        if self.load is not None:
            self.load.former_names.restore()
            tell(self.name, self.load.findings)
            remember(model, self.load.report())


_checkpoint: ContextVar[_Checkpoint | None] = ContextVar("keras_registry_orbax", default=None)


def _fill(model: Any, load: Load, state_tree: Mapping[str, Any]) -> None:
    """Stands for the model's `set_state_tree`, once: gives each array to its variable.

    Raises:
        LoadError: An array has no variable, or a variable no array; the model is as it was built.
    """
    del vars(model)["set_state_tree"]
    vars(model).pop("get_state_tree", None)
    state = {part: dict(_flattened(tree)) for part, tree in state_tree.items()}
    saved = {path: value for part in _WEIGHTS for path, value in state.pop(part, {}).items()}
    held = {part: [variable.path for variable in getattr(model, part)] for part in _WEIGHTS}
    wanted = [path for paths in held.values() for path in paths if _is_weight(path)]
    names = _pair(wanted, [path for path in saved if _is_weight(path)])
    _judge_weights(load, wanted, saved, names)
    for part, paths in held.items():
        named = {path: names.get(path, path) for path in paths}
        state[part] = {path: saved[name] for path, name in named.items() if name in saved}
    if getattr(model, "optimizer", None) is not None and _OPTIMIZER in state:
        arrays = state[_OPTIMIZER]
        paths = [variable.path for variable in model.optimizer.variables]
        renamed = _renamed_state(paths, names)
        paired = _pair(list(renamed.values()), list(arrays))
        _judge_optimizer(load, [path for path in paths if renamed[path] not in paired])
        state[_OPTIMIZER] = {
            path: arrays[paired[renamed[path]]] for path in paths if renamed[path] in paired
        }
    model.set_state_tree(state)


def _flattened(tree: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flattened(value, f"{prefix}{name}/")
        else:
            yield f"{prefix}{name}", value


def _is_weight(path: str) -> bool:
    return path.rpartition("/")[2] != _SEED


def _pair(held: Sequence[str], saved: Sequence[str]) -> dict[str, str]:
    """For each path of the model the one path of the checkpoint that is it, or that ends with it.

    What was built inside something has that one's name before its own, and in a model that was
    loaded it has not: the layers of a model, and an optimizer that another one holds.
    """
    known = set(held) & set(saved)
    names = {path: path for path in known}
    left = [path for path in saved if path not in known]
    for path in held:
        fitting = [other for other in left if other.endswith(f"/{path}")]
        if path not in known and len(fitting) == 1:
            names[path] = fitting[0]
    taken = list(names.values())
    return {path: name for path, name in names.items() if taken.count(name) == 1}


def _renamed_state(paths: Iterable[str], names: Mapping[str, str]) -> dict[str, str]:
    """The path of each variable of the optimizer in the checkpoint: it names the weight it is of.

    See `keras.src.optimizers.base_optimizer.BaseOptimizer.add_variable_from_reference`.
    """
    stems = {f"{new.replace('/', '_')}_": f"{old.replace('/', '_')}_" for new, old in names.items()}
    longest_first = sorted(stems, key=len, reverse=True)
    renamed = {}
    for path in paths:
        owner, slash, name = path.rpartition("/")
        stem = next((stem for stem in longest_first if name.startswith(stem)), "")
        renamed[path] = f"{owner}{slash}{stems.get(stem, '')}{name[len(stem) :]}"
    return renamed


def _judge_migrations(load: Load) -> None:
    old = load.weight_migrations.marked
    if old:
        name = printable(getattr(old[0], "name", ""))
        load.findings.append(
            finding(
                "W101",
                load.policy,
                "the weights of an older version cannot be migrated from a checkpoint",
                wanted="a file whose arrays the class is given, such as a .keras file",
                found=f'arrays for {len(old)} objects, first: {type(old[0]).__name__} "{name}"',
                hint="load the checkpoint with the version that saved it, and save it as .keras",
            )
        )
        load.stop_on_errors()


def _judge_weights(
    load: Load, held: Iterable[str], saved: Iterable[str], names: Mapping[str, str]
) -> None:
    missing = [path for path in held if path not in names]
    used = set(names.values())
    unread = sorted(path for path in saved if path not in used and _is_weight(path))
    if missing or unread:
        load.findings.append(
            finding(
                "W101",
                load.policy,
                "the arrays of the checkpoint are not those of the model",
                wanted=f"arrays for {_places(missing)}" if missing else "no other arrays",
                found=f"arrays of {_places(unread)}" if unread else "no array for them",
                hint="load it with the classes that saved it; if it was, save the model as .keras",
            )
        )
        load.stop_on_errors()


def _judge_optimizer(load: Load, missing: Sequence[str]) -> None:
    if missing:
        load.findings.append(
            finding(
                "W104",
                load.policy,
                "the state of the optimizer was not restored",
                wanted=f"arrays for {_places(missing)}",
                found="no array of the checkpoint that is theirs",
            )
        )
        load.stop_on_errors()


def _places(paths: Sequence[str]) -> str:
    shown = ", ".join(printable(path) for path in paths[:_SHOWN])
    return shown if len(paths) <= _SHOWN else f"{shown}, … ({len(paths)} arrays)"
