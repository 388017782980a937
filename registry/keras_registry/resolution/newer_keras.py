"""Configs of a newer Keras, for the one that is installed.

A newer Keras writes arguments that an older class does not take, also where they have the value
that changes nothing. These are left out. What the installed Keras cannot do stops a load before
anything is built: an argument with another value, or a class that it does not have.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from packaging.version import Version

from keras_registry.artifact import MODEL_CONFIG, TRAINING_CONFIG, Draft, iter_objects
from keras_registry.keras_arguments import ARGUMENTS, CLASSES
from keras_registry.resolution.keras_findings import (
    Fit,
    argument_finding,
    class_finding,
    left_out_finding,
    newest,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from keras_registry.findings import Finding, Policy

    Path = tuple[str | int, ...]

__all__ = ["DerivedUse", "InstalledKeras", "KerasFitting"]

_COMPILED = frozenset({"compile_config", TRAINING_CONFIG})
_MODULE_BY_PART = {
    "loss": "keras.losses",
    "metrics": "keras.metrics",
    "weighted_metrics": "keras.metrics",
    "optimizer_config": "keras.optimizers",
}


class InstalledKeras:
    """What the installed Keras can do of what the table ascribes to newer releases: nothing.

    That is all that is known where Keras is not imported.
    """

    def has(self, path: str) -> bool:  # noqa: ARG002
        """Whether it has a class all the same.

        Args:
            path: The module and the name of the class.
        """
        return False

    def taken_by(self, path: str) -> Collection[str]:  # noqa: ARG002
        """The arguments that a class takes.

        Args:
            path: The module and the name of the class.
        """
        return ()


@dataclass(frozen=True, slots=True)
class DerivedUse:
    """A place in a config with an object of a class that is made of one of Keras's.

    Attributes:
        path: The place.
        key: The key of the class.
        parents: The modules and names of the classes of Keras from which it is derived.
        taken: The arguments that it takes.
    """

    path: Path
    key: str
    parents: tuple[str, ...]
    taken: Collection[str]


class KerasFitting:
    """A config of a newer Keras, on its way to the one that is installed.

    Args:
        config: The JSON document of ``config.json``.
        keras_version: The version of the installed Keras; None if there is none.
        saved_with: The version of the Keras that saved the model; None if it is not known.
        policy: How strictly to judge.
        installed: What the installed Keras can do, if it is imported.

    Attributes:
        config: The config without what was left out; the same object if nothing was.
    """

    def __init__(
        self,
        config: Any,
        *,
        keras_version: str | None,
        saved_with: str | None,
        policy: Policy,
        installed: InstalledKeras | None = None,
    ) -> None:
        self.config = config
        self._fit = Fit(config, keras_version, saved_with, policy)
        self._installed = installed or InstalledKeras()
        self._newer = _newer_than(keras_version)
        self._left_out: list[_LeftOut] = []
        self._refused: dict[str, tuple[str, dict[str, Any], list[Path]]] = {}
        self._unknown: dict[str, list[Path]] = {}

    def fit_own(self, *, given: Collection[str] = (), with_compile: bool = True) -> None:
        """Looks at the configs of Keras's own objects, also where custom objects hold them.

        Args:
            given: The names for which the caller gives objects. Keras takes such a class in
                place of its own where the config names no module, as in a ``.h5`` file.
            with_compile: Whether to look at the compiled state of the whole model.
        """
        found: list[_LeftOut] = []
        for path, node in iter_objects(self.config) if self._newer.names else ():
            name = node["class_name"]
            if name not in self._newer.names or node.get("registered_name", name) in given:
                continue
            if with_compile or not path or path[0] not in _COMPILED:
                found += self._judge(path, node)
        self._leave_out(found)

    def fit_derived(self, uses: Iterable[DerivedUse]) -> None:
        """Looks at the configs of classes that are made of Keras's, once their code is imported.

        A value that cannot be left out is no matter of this: their own schema refuses it.

        Args:
            uses: The places.
        """
        found = []
        for use in uses:
            inner = Draft(self.config).find((*use.path, "config"))
            known: dict[str, Any] = {}
            for parent in use.parents:
                known |= self._newer.arguments.get(parent, {})
            values = _neutral(inner, known, use.taken) if isinstance(inner, dict) else {}
            if values:
                since = newest(known[name]["since"] for name in values)
                found.append(_LeftOut(use.path, use.key, values, since))
        self._leave_out(found)

    @property
    def obstacles(self) -> tuple[Finding, ...]:
        """What the installed Keras cannot do."""
        newer = self._newer
        found = [
            class_finding(self._fit, _name(path), paths, newer.classes[path])
            for path, paths in self._unknown.items()
        ]
        for path, values, paths in self._refused.values():
            since = newest(newer.arguments[path][name]["since"] for name in values)
            found.append(argument_finding(self._fit, _name(path), values, paths, since=since))
        return tuple(found)

    @property
    def left_out(self) -> tuple[Finding, ...]:
        """What was left out, as one finding; nothing if nothing was."""
        if not self._left_out:
            return ()
        items = [(item.key, item.path, item.values) for item in self._left_out]
        since = newest(item.since for item in self._left_out)
        return (left_out_finding(self._fit, items, since),)

    def _judge(self, path: Path, node: Mapping[str, Any]) -> Iterator[_LeftOut]:
        """What to leave out of one config; notes what is refused, and a class that is unknown."""
        class_path = _class_path(path, node)
        if class_path in self._newer.classes and not self._installed.has(class_path):
            self._unknown.setdefault(class_path, []).append(path)
        inner, known = node["config"], self._newer.arguments.get(class_path, {})
        if not isinstance(inner, dict) or not known.keys() & inner.keys():
            return
        taken = self._installed.taken_by(class_path)
        values = _neutral(inner, known, taken)
        refused = {
            name: inner[name]
            for name in known
            if name in inner and name not in values and name not in taken
        }
        if refused:
            mark = class_path + json.dumps(refused, sort_keys=True)
            self._refused.setdefault(mark, (class_path, refused, []))[2].append(path)
        elif values:
            since = newest(known[name]["since"] for name in values)
            yield _LeftOut(path, f"keras {_name(class_path)}", values, since)

    def _leave_out(self, found: Sequence[_LeftOut]) -> None:
        draft = Draft(self.config)
        for item in found:
            place = (*item.path, "config")
            kept = {n: v for n, v in draft.find(place).items() if n not in item.values}
            draft.put(place, kept)
        self.config = draft.document
        self._left_out += found


@dataclass(frozen=True, slots=True)
class _LeftOut:
    """Arguments that were left out of one place."""

    path: Path
    key: str
    values: Mapping[str, Any]
    since: str


@dataclass(frozen=True, slots=True)
class _Newer:
    """The part of the table that a release of Keras lacks, and the bare names of its classes."""

    classes: Mapping[str, str]
    arguments: Mapping[str, Mapping[str, Mapping[str, Any]]]
    names: frozenset[str]


@lru_cache(maxsize=8)
def _newer_than(keras_version: str | None) -> _Newer:
    """The part of the table that is newer than a release; nothing if that is not known."""
    if keras_version is None:
        return _Newer({}, {}, frozenset())
    installed = Version(keras_version)
    newer = {
        path: {name: e for name, e in known.items() if Version(e["since"]) > installed}
        for path, known in ARGUMENTS.items()
    }
    arguments = {path: known for path, known in newer.items() if known}
    classes = {path: since for path, since in CLASSES.items() if Version(since) > installed}
    return _Newer(classes, arguments, frozenset(map(_name, (*classes, *arguments))))


def _class_path(path: Path, node: Mapping[str, Any]) -> str:
    """The module and the name of the class of Keras that a node names; empty if it is no such."""
    name, module = node["class_name"], node.get("module")
    if isinstance(module, str):
        is_own = f"{module}.".startswith("keras.") and node.get("registered_name") in {None, name}
        return f"{module}.{name}" if is_own else ""
    if path[:1] == (MODEL_CONFIG,):  # a `.h5` file has no modules
        return f"keras.layers.{name}"
    if path[:1] == (TRAINING_CONFIG,) and len(path) > 1:
        return f"{_MODULE_BY_PART.get(str(path[1]), 'keras')}.{name}"
    return ""


def _neutral(
    inner: Mapping[str, Any], known: Mapping[str, Mapping[str, Any]], taken: Collection[str]
) -> dict[str, Any]:
    """The arguments of a config that the class does not take and that change nothing there."""
    return {
        name: inner[name]
        for name, entry in known.items()
        if name in inner
        and name not in taken
        and "default" in entry
        and json.dumps(inner[name]) == json.dumps(entry["default"])  # 0 and False are not the same
    }


def _name(class_path: str) -> str:
    return class_path.rpartition(".")[2]
