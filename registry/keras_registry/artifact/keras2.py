"""Configs that Keras 2 wrote, in the form of Keras 3.

Keras promises nothing across the two, and yet most of Keras 2 lives on: what it called otherwise is
renamed here, and what it wrote of arguments that no longer exist is left out, where they have the
value that Keras 3 always has. What Keras 3 cannot do is named. Nothing is built or imported.

The forms are those of Keras 2.12 to 2.15 (`keras.src.saving.serialization_lib` and the `get_config`
methods there) against those of Keras 3.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from keras_registry.artifact.drafts import Draft
from keras_registry.artifact.keras2_calls import modern_calls
from keras_registry.artifact.keras2_rules import (
    ANY,
    AS_NUMBER,
    BUILD,
    BUILT_OTHERWISE,
    GONE,
    HOMES,
    LEFT_OUT,
    LEFT_OUT_OF_ALL,
    LEFT_OUT_OF_LOSSES,
    LEFT_OUT_OF_OPTIMIZERS,
    MODULES,
    NESTED,
    OTHER_OUTPUTS,
    OTHERWISE,
    RENAMED,
)
from keras_registry.artifact.scan import MODEL_CONFIG, TRAINING_CONFIG, iter_objects
from keras_registry.keras_names import CLASSES, FUNCTIONS
from keras_registry.names import is_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from keras_registry.artifact.model import Artifact
    from keras_registry.artifact.scan import ConfigScan

    Path = tuple[str | int, ...]

__all__ = [
    "Modernised",
    "Obstacle",
    "is_keras2",
    "modernise",
    "modernise_artifact",
    "without_obstacles",
]

_COMPILE = "compile_config"
_UNSET = ("jit_compile", "run_eagerly", "steps_per_execution")
_OLD_REGISTERED = "Custom>"  # under which Keras 2 registered its own optimizers


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something of Keras 2 that Keras 3 does not have.

    Attributes:
        path: The place in the config.
        class_name: The class.
        what: The class, or what of it Keras 3 cannot do.
    """

    path: Path
    class_name: str
    what: str

    @property
    def in_compile_config(self) -> bool:
        """Whether only the compiled state of the whole model needs it."""
        return self.path[:1] in {(_COMPILE,), (TRAINING_CONFIG,)}


@dataclass(frozen=True, slots=True)
class Modernised:
    """What came of a config of Keras 2.

    Attributes:
        config: The config in the form of Keras 3; the same object if nothing had to change. What
            stands in it stands where it stood.
        steps: What was done, in words.
        obstacles: What Keras 3 cannot do.
    """

    config: Any
    steps: tuple[str, ...] = ()
    obstacles: tuple[Obstacle, ...] = ()


def modernise_artifact(artifact: Artifact) -> Modernised:
    """The config of a model file in the form of Keras 3, if the file says that Keras 2 wrote it.

    Args:
        artifact: The file.
    """
    return modernise(artifact.config) if is_keras2(artifact) else Modernised(artifact.config)


def without_obstacles(scan: ConfigScan, obstacles: Sequence[Obstacle]) -> ConfigScan:
    """The objects that a model names, without those that only Keras 2 had.

    Args:
        scan: The objects.
        obstacles: What Keras 3 cannot do.
    """
    paths = {item.path for item in obstacles}
    return replace(scan, uses=tuple(use for use in scan.uses if use.path not in paths))


def is_keras2(artifact: Artifact) -> bool:
    """Whether a file says that Keras 2 wrote it.

    Args:
        artifact: The file.
    """
    version = artifact.find_metadata("keras_version")
    return isinstance(version, str) and re.fullmatch(r"2\.\d+\.\d+\S*", version) is not None


def modernise(config: Any) -> Modernised:
    """Brings the config of a model that Keras 2 saved to the form of Keras 3.

    Args:
        config: The JSON document of ``config.json``; of a ``.h5`` file, its `model_config` and
            `training_config` by these names.
    """
    draft = Draft(config)
    steps: dict[str, None] = {}
    obstacles: list[Obstacle] = []
    for path, _ in iter_objects(config):
        node = draft.find(path)
        if node is None:  # it stood in an argument that was left out
            continue
        obstacles += [Obstacle(path, node["class_name"], what) for what in _obstacles(path, node)]
        made, done = _modern(path, node)
        if made is not node:
            draft.put(path, made)
        steps |= dict.fromkeys(done)
    compiled = config.get(_COMPILE) if isinstance(config, dict) else None
    if isinstance(compiled, dict):
        unset = [name for name in _UNSET if compiled.get(name, 0) is None]
        if unset:
            current = draft.find((_COMPILE,))
            draft.put((_COMPILE,), {n: v for n, v in current.items() if n not in unset})
            steps[f"compile: {', '.join(unset)} left out"] = None
    return Modernised(draft.document, tuple(steps), tuple(obstacles))


def _modern(path: Path, node: dict[str, Any]) -> tuple[Any, list[str]]:
    """A node in the form of Keras 3, and what was done."""
    name, inner = node["class_name"], node["config"]
    key = node.get("registered_name")
    if name == "function" and isinstance(key, str) and key.endswith(f">{inner}"):
        return {**node, "config": key}, ["functions by their registered names"]
    if not isinstance(inner, dict):
        return node, []
    if name == "__numpy__":
        is_number = isinstance(inner.get("value"), int | float)
        return (inner["value"], ["numbers of numpy as numbers"]) if is_number else (node, [])
    node, done = _renamed_class(path, node)
    made = _modern_config(path, node["class_name"], inner, done)
    if made != inner:
        node = {**node, "config": made}
    if node["class_name"] in BUILT_OTHERWISE and BUILD in node:
        node = {name: value for name, value in node.items() if name != BUILD}
        done.append(f"{node['class_name']}: {BUILD} left out")
    node, redone = modern_calls(node)
    return node, [*done, *redone]


def _modern_config(
    path: Path, name: str, inner: Mapping[str, Any], done: list[str]
) -> dict[str, Any]:
    """The config of an object in the form of Keras 3; what was done is added to a list."""
    made = dict(inner)
    left_out = [arg for arg in inner if _is_left_out(path, name, arg, inner)]
    for argument in left_out:
        del made[argument]
    if left_out:
        whose = "layers" if left_out == ["batch_input_shape"] else name
        done.append(f"{whose}: {', '.join(left_out)} left out")
    for old, new in RENAMED.get(name, {}).items():
        if old in made and new not in made:
            made[new] = made.pop(old)
            done.append(f"{name}: {old} as {new}")
    for argument in AS_NUMBER.get(name, ()):
        value = made.get(argument)
        if isinstance(value, list) and len(value) == 1:
            made[argument] = value[0]
            done.append(f"{name}: {argument} as a number")
    if made.get("reduction") == "auto" and _part(path) == "loss":
        made["reduction"] = "sum_over_batch_size"
        done.append("losses: the reduction auto as sum_over_batch_size")
    functions = {arg: _function(name) for arg, name in made.items() if _is_custom(arg, name)}
    if functions:
        made |= functions
        done.append("custom functions as such")
    if name == "Lambda" and isinstance(made.get("function"), list):
        made["function"] = _as_lambda(made["function"])
        done.append("Lambda: bytecode as Keras 3 has it")
    return made


def _renamed_class(path: Path, node: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A node whose class is called as in Keras 3."""
    made, name, module = dict(node), node["class_name"], node.get("module")
    if name == "Policy" and path[-1:] == ("dtype",):
        return {**_own("keras", "DTypePolicy"), "config": node["config"]}, ["Policy as DTypePolicy"]
    if name.startswith(_OLD_REGISTERED) and "is_legacy_optimizer" in node["config"]:
        made["class_name"] = name.removeprefix(_OLD_REGISTERED)
        return made, [f"{name} as {made['class_name']}"]
    if isinstance(module, str):
        for pattern, new in MODULES:
            if re.fullmatch(pattern, module) and name in CLASSES:
                made |= {**_own(new, name), "config": node["config"]}
                if name == "Functional":
                    made["registered_name"] = name
                return made, [f"the module of {name} as {new}"]
        return node, []
    member = next((step for step in reversed(path) if isinstance(step, str)), "")
    home = NESTED.get(member)
    if member == "layers" and path[:1] != (MODEL_CONFIG,):  # those of a `.h5` file have none
        home = "keras.layers"
    if home is not None and "module" not in node and name in CLASSES:
        return made | _own(HOMES.get(name, home), name), ["modules of layers inside others"]
    return node, []


def _own(module: str, name: str) -> dict[str, Any]:
    return {"module": module, "class_name": name, "registered_name": None}


def _is_left_out(path: Path, name: str, argument: str, inner: Mapping[str, Any]) -> bool:
    """Whether Keras 3 has no such argument, and always does what the value says."""
    if argument == "batch_input_shape":
        return name != "InputLayer"
    values = LEFT_OUT.get(name, {}).get(argument)
    if values is None:
        values = LEFT_OUT_OF_ALL.get(argument) if "dtype" in inner else None
    if values is None and _part(path) == "loss":
        values = LEFT_OUT_OF_LOSSES.get(argument)
    if values is None and _part(path) in {"optimizer", "optimizer_config"}:
        values = LEFT_OUT_OF_OPTIMIZERS.get(argument)
    return values is not None and (values is ANY or inner[argument] in values)


def _part(path: Path) -> str:
    """The part of the compiled state that a place lies in; empty for another place."""
    in_compiled = path[:1] in {(_COMPILE,), (TRAINING_CONFIG,)} and len(path) > 1
    return str(path[1]) if in_compiled else ""


def _is_custom(argument: str, value: Any) -> bool:
    """Whether an argument is an activation by the name of a function that is not Keras's own."""
    is_name = argument.endswith("activation") and is_key(value)
    return is_name and value not in FUNCTIONS and value not in CLASSES


def _function(key: str) -> dict[str, Any]:
    return {**_own("builtins", "function"), "config": key, "registered_name": "function"}


def _as_lambda(function: list[Any]) -> dict[str, Any]:
    names = ("code", "defaults", "closure")
    return {"class_name": "__lambda__", "config": dict(zip(names, function, strict=False))}


def _obstacles(path: Path, node: Mapping[str, Any]) -> Iterator[str]:
    """What of a node Keras 3 cannot do."""
    name, inner, module = node["class_name"], node["config"], node.get("module")
    is_own = module is None or (isinstance(module, str) and f"{module}.".startswith("keras."))
    if not is_own or not isinstance(inner, dict):
        return
    if name in GONE:
        function = inner.get("function")
        yield f"{name} of tf.{function}" if isinstance(function, str) else name
    if name in OTHER_OUTPUTS:
        yield f"{name} {OTHER_OUTPUTS[name]}"
    for argument, values in LEFT_OUT.get(name, {}).items():
        if values is not ANY and argument in inner and inner[argument] not in values:
            yield f"{name} with {argument} = {inner[argument]}"
    if _part(path) in {"optimizer", "optimizer_config"} and inner.get("decay", 0) not in {0, None}:
        yield f"{name} with decay = {inner['decay']}"
    for argument, value in inner.items():
        if isinstance(value, str) and value in OTHERWISE and argument.endswith("activation"):
            yield f"{name} with {argument} = {value} as Keras 2 computed it"
