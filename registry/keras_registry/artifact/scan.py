"""Finding every object that a serialised model names.

The format of the config is that of `keras.saving.serialize_keras_object`: an object is
``{"module", "class_name", "config", "registered_name"}``, a function has the class name
``function`` and its own name as config.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keras_registry.keras_names import CLASSES, FUNCTIONS
from keras_registry.names import Kind, is_key, printable

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

__all__ = [
    "MODEL_CONFIG",
    "TRAINING_CONFIG",
    "ConfigScan",
    "ObjectUse",
    "describe_place",
    "find_use",
    "iter_objects",
    "scan_config",
]

Path = tuple[str | int, ...]

MODEL_CONFIG = "model_config"
TRAINING_CONFIG = "training_config"
"""The two parts of the config of a ``.h5`` file: the model, and its compiled state."""

_COMPILED = frozenset({"compile_config", TRAINING_CONFIG})
_KERAS_FAMILY = ("keras_hub", "keras_cv", "keras_nlp")


@dataclass(frozen=True, slots=True)
class ObjectUse:
    """One place where a model names an object that is not Keras's own.

    Attributes:
        key: The name that Keras looks up: the registered name, or a bare class name.
        path: The place in the config: member names and indices.
        class_name: The Python name of the class when it was saved; None for functions, and where
            a ``.h5`` file has the key alone.
        module: The module that the file names; never imported.
        kind: What the object is used for, as far as its place tells.
        is_possible: The place may as well hold a plain string that merely looks like a key.
    """

    key: str
    path: Path
    class_name: str | None
    module: str | None
    kind: Kind
    is_possible: bool = False

    @property
    def pointer(self) -> str:
        """The place as a JSON pointer (RFC 6901)."""
        return "".join(f"/{str(t).replace('~', '~0').replace('/', '~1')}" for t in self.path)

    @property
    def in_compile_config(self) -> bool:
        """Whether only the compiled state of the whole model needs it."""
        return bool(self.path) and self.path[0] in _COMPILED

    @property
    def is_unpublished(self) -> bool:
        """Whether it was defined in a script or a notebook."""
        # Keras writes no module for a class of `__main__`, and into `.h5` files for none.
        in_h5 = self.path[:1] in {(MODEL_CONFIG,), (TRAINING_CONFIG,)}
        unregistered = self.class_name == self.key and self.module is None and not in_h5
        return self.key.startswith("__main__>") or (unregistered and not self.is_possible)

    @property
    def in_keras_family(self) -> bool:
        """Whether plain Keras imports its module by itself."""
        return self.module is not None and self.module.partition(".")[0] in _KERAS_FAMILY


@dataclass(frozen=True, slots=True)
class ConfigScan:
    """All that a serialised model names.

    Attributes:
        uses: The places that name objects which are not Keras's own, in the config's order.
        lambdas: The places that hold the bytecode of a lambda.
        untyped_lambdas: Those among them that do not say so, which Keras never loads.
    """

    uses: tuple[ObjectUse, ...]
    lambdas: tuple[Path, ...]
    untyped_lambdas: tuple[Path, ...] = ()

    def by_key(self) -> Mapping[str, tuple[ObjectUse, ...]]:
        """The uses of each key, in the order of their first places."""
        grouped: dict[str, list[ObjectUse]] = {}
        for use in self.uses:
            grouped.setdefault(use.key, []).append(use)
        return {key: tuple(uses) for key, uses in grouped.items()}


def scan_config(config: Any, *, with_compile: bool = True) -> ConfigScan:
    """Finds every object in a serialised model: nested models and compiled state included.

    Args:
        config: The JSON document of ``config.json``; of a ``.h5`` file, its `model_config` and
            `training_config` by these names.
        with_compile: Whether to look at the compiled state of the whole model.
    """
    uses: list[ObjectUse] = []
    lambdas: list[Path] = []
    untyped: list[Path] = []
    pending: list[tuple[_Link, Any]] = [(None, config)]
    while pending:
        link, node = pending.pop()
        if type(node) is str:
            uses.append(_possible_use_at(_path(link), node))
            continue
        skipped = _NOTHING
        if type(node) is dict:
            name = node.get("class_name")
            if type(name) is str and "config" in node:
                if name in _WITHOUT_OBJECTS:
                    continue
                if name == "__lambda__":
                    lambdas.append(_path(link))
                else:
                    use = _use_at(link, node, name)
                    if use is not None:
                        uses.append(use)
                    else:
                        untyped += _iter_untyped_lambdas(link, node["config"])
                skipped = _OF_FUNCTION if name == "function" else _OF_CLASS
            if link is None and not with_compile:
                skipped |= _COMPILED
        _push_parts(pending, link, node, skipped)
    if with_compile and isinstance(config, dict) and TRAINING_CONFIG in config:
        uses = _with_compiled_names(uses, config[TRAINING_CONFIG])
    return ConfigScan(tuple(uses), (*lambdas, *untyped), tuple(untyped))


def _push_parts(
    pending: list[tuple[_Link, Any]], link: _Link, node: Any, skipped: Collection[Any]
) -> None:
    """Adds what may name objects inside a part of a config, so that the first is taken first."""
    for step in reversed(node if type(node) is dict else range(len(node))):
        value = node[step]
        holds = type(value) in _CONTAINERS and value
        if (holds or (type(value) is str and ">" in value and is_key(value))) and (
            step not in skipped
        ):
            pending.append(((link, step), value))


def iter_objects(config: Any) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every place of a config that looks like a serialised object, with its node, in its order.

    Args:
        config: The JSON document of ``config.json``.
    """
    pending: list[tuple[Path, Any]] = [((), config)] if type(config) in _CONTAINERS else []
    while pending:
        path, node = pending.pop()
        if type(node) is dict and isinstance(node.get("class_name"), str) and "config" in node:
            yield path, node
        steps = list(node.items() if type(node) is dict else enumerate(node))
        pending.extend(
            ((*path, step), value) for step, value in reversed(steps) if type(value) in _CONTAINERS
        )


# A place on the way down: the place above it, and the step from there. Most are never looked at
# again, so that their paths need not be made.
_Link = tuple[Any, str | int] | None

# What Keras writes for values: their configs may be large, and hold no objects.
_WITHOUT_OBJECTS = frozenset(
    {"__keras_tensor__", "__tensor__", "__numpy__", "__bytes__", "__ellipsis__"}
)
_CONTAINERS = frozenset({dict, list})
_NAMED = ("loss", "metrics", "weighted_metrics")
_ACTIVATIONS = ("activation", "recurrent_activation")
_PARTS = 3
_NOTHING: frozenset[str] = frozenset()
_OF_CLASS = frozenset({"class_name", "registered_name", "module"})
_OF_FUNCTION = _OF_CLASS | {"config"}


def _iter_untyped_lambdas(link: _Link, inner: Any) -> Iterator[Path]:
    """The activations of one of Keras's layers that are bytecode and no more.

    `keras.activations.serialize` leaves the ``{"value": [code, defaults, closure]}`` of a lambda
    without the class name by which Keras would know it again.
    """
    for name in _ACTIVATIONS if type(inner) is dict else ():
        value = inner.get(name)
        if type(value) is dict and value.keys() == {"value"}:
            parts = value["value"]
            if type(parts) is list and len(parts) == _PARTS and type(parts[0]) is str:
                yield (*_path(link), "config", name)


def _path(link: _Link) -> Path:
    steps: list[str | int] = []
    while link is not None:
        link, step = link
        steps.append(step)
    return tuple(reversed(steps))


def find_use(node: Any, path: Path = ()) -> ObjectUse | None:
    """The object that a node of a config names, if it is not Keras's own.

    Args:
        node: The node.
        path: Its place in the config, which may tell that it is nothing but an object.
    """
    name = node.get("class_name") if isinstance(node, dict) and "config" in node else None
    if not isinstance(name, str) or name in _WITHOUT_OBJECTS or name == "__lambda__":
        return None
    link: _Link = None
    for step in path:
        link = (link, step)
    return _use_at(link, node, name)


def _possible_use_at(path: Path, key: str) -> ObjectUse:
    return ObjectUse(key, path, None, None, _kind_at(path), is_possible=True)


def _with_compiled_names(uses: list[ObjectUse], training: Any) -> list[ObjectUse]:
    """The uses, with what a ``.h5`` file calls by name where only losses and metrics stand."""
    named = []
    pending: list[tuple[Path, Any]] = []
    if isinstance(training, dict):
        pending = [((TRAINING_CONFIG, part), training.get(part)) for part in reversed(_NAMED)]
    while pending:
        path, node = pending.pop()
        if type(node) is str and node not in FUNCTIONS and node not in CLASSES:
            named.append(ObjectUse(node, path, None, None, Kind.FUNCTION))
        elif type(node) in _CONTAINERS and not (type(node) is dict and "class_name" in node):
            steps = list(node.items() if type(node) is dict else enumerate(node))
            pending.extend(((*path, step), value) for step, value in reversed(steps))
    places = {use.path for use in named}
    return [*(use for use in uses if use.path not in places), *named]


def _is_structural(path: Path) -> bool:
    """Whether a place of a ``.h5`` file's config holds an object, and nothing else."""
    if not path or path[0] not in {MODEL_CONFIG, TRAINING_CONFIG}:
        return False
    member = next((step for step in reversed(path) if isinstance(step, str)), "")
    return len(path) == 1 or path[0] == TRAINING_CONFIG or member in _KIND_BY_MEMBER


def _use_at(link: _Link, node: dict[str, Any], class_name: str) -> ObjectUse | None:
    module = node.get("module")
    module = module if isinstance(module, str) else None
    registered_name = node.get("registered_name")
    if class_name == "function":
        name = node["config"]
        if not isinstance(name, str) or _is_keras_function(name, module):
            return None
        return ObjectUse(name, _path(link), None, module, Kind.FUNCTION)
    if class_name.startswith("__") and ">" not in class_name:
        return None
    own_name = registered_name is None or registered_name == class_name
    if own_name and (_is_keras_module(module) or (module is None and class_name in CLASSES)):
        return None
    key = registered_name if isinstance(registered_name, str) else class_name
    path = _path(link)
    # Whatever merely looks like an object may be a dict of the user's own.
    is_possible = (
        "registered_name" not in node and "module" not in node and not _is_structural(path)
    )
    named = None if ">" in class_name else class_name  # a `.h5` file has the key in its place
    return ObjectUse(key, path, named, module, _kind_at(path), is_possible=is_possible)


def _is_keras_module(module: str | None) -> bool:
    return module is not None and (module == "keras" or module.startswith("keras."))


def _is_keras_function(name: str, module: str | None) -> bool:
    return _is_keras_module(module) or (
        name in FUNCTIONS and (module is None or module == "builtins")
    )


_KIND_BY_MEMBER = {
    "loss": Kind.LOSS,
    "metrics": Kind.METRIC,
    "weighted_metrics": Kind.METRIC,
    "optimizer": Kind.OPTIMIZER,
    "optimizer_config": Kind.OPTIMIZER,
    MODEL_CONFIG: Kind.MODEL,
    "learning_rate": Kind.SCHEDULE,
    "layers": Kind.LAYER,
    "layer": Kind.LAYER,
    "backward_layer": Kind.LAYER,
    "cell": Kind.LAYER,
    "cells": Kind.LAYER,
}
_KIND_BY_SUFFIX = {
    "initializer": Kind.INITIALIZER,
    "regularizer": Kind.REGULARIZER,
    "constraint": Kind.CONSTRAINT,
}


def _kind_at(path: Path) -> Kind:
    if not path:
        return Kind.MODEL
    member = next((token for token in reversed(path) if isinstance(token, str)), "")
    if path[0] in _COMPILED and len(path) > 1 and path[1] in _KIND_BY_MEMBER:
        member = member if member == "learning_rate" else str(path[1])
    by_suffix = _KIND_BY_SUFFIX.get(member.rpartition("_")[2])
    return by_suffix or _KIND_BY_MEMBER.get(member, Kind.OBJECT)


def describe_place(config: Any, path: Path) -> str:
    """A place in a config in words, such as ``layers[3] "gate".activation``; empty without one."""
    words = ""
    if path[:1] == (MODEL_CONFIG,):  # whose places are called as those of a `.keras` file
        config, path = config[MODEL_CONFIG], path[1:]
    for step, node in _walk(config, path):
        if isinstance(step, int):
            words += f"[{step}]"
        elif step != "config":
            words += f".{printable(step, limit=60)}" if words else printable(step, limit=60)
        name = _layer_name(node)
        if name is not None:
            words += f' "{printable(name, limit=60)}"'
    return words or ("" if config is None else "the model itself")


def _walk(config: Any, path: Path) -> Iterator[tuple[str | int, Any]]:
    node = config
    for step in path:
        node = node[step]
        yield step, node


def _layer_name(node: Any) -> str | None:
    if not isinstance(node, dict) or "class_name" not in node:
        return None
    inner = node.get("config")
    name = inner.get("name") if isinstance(inner, dict) else None
    return name if isinstance(name, str) else None
