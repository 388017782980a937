"""What plain Keras would have raised, so that code that catches its errors goes on working."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_registry.artifact import (
    H5_ENDINGS,
    TRAINING_CONFIG,
    WHOLE_HDF5,
    find_use,
    iter_objects,
)
from keras_registry.errors import LoadError, load_error_like
from keras_registry.findings import Level, Need, render_findings
from keras_registry.names import Kind, printable
from keras_registry.registration import default_registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from keras_registry.bridge.restored import Comparison
    from keras_registry.findings import Finding

__all__ = ["line_of_weights", "make_load_error"]

_NOT_DESERIALIZED = (
    "{cls} could not be deserialized properly. Please ensure that components that are Python "
    "object instances (layers, models, etc.) returned by `get_config()` are explicitly "
    "deserialized in the model's `from_config()` method."
)
_NOT_LOCATED = (
    "Could not locate {what} '{name}'. Make sure custom classes and functions are decorated with "
    "`@keras.saving.register_keras_serializable()`. If they are already decorated, make sure they "
    "are all imported so that the decorator is run before trying to load them."
)
_NOT_FOUND = (
    "File not found: filepath={path}. Please ensure the file is an accessible `.keras` zip file."
)

_OTHER_SHAPE = (
    "The shape of the target variable and the shape of the target value in "
    "`variable.assign(value)` must match. variable.shape={held}, Received: value.shape={stored}."
)
_OTHER_SHAPE_H5 = "Weight expects shape {held}. Received saved weight with shape {stored}"
_OTHER_COUNT = (
    "Layer '{name}' expected {expected} variables, but received {received} variables during "
    "loading."
)
_BOMB = "refusing to load a potential decompression bomb."
_NO_ITEM = "There is no item named 'config.json' in the archive"
_NO_WEIGHTS = "Expected a model.weights.h5 or model.weights.npz file."


def make_load_error(
    name: str,
    findings: Sequence[Finding],
    *,
    config: Any = None,
    in_place_of: tuple[type[Exception], str | None] | None = None,
) -> LoadError:
    """The error for a load that stops.

    It is also an instance of the class that plain Keras would raise, and its text ends with the
    first line of Keras's own message, where Keras would have one.

    Args:
        name: The file.
        findings: What was found, at least one error.
        config: The JSON document of ``config.json``, if it could be read.
        in_place_of: The class and the first line of Keras's error; told from the findings if
            Keras did not come to raise it.
    """
    errors = [item for item in findings if item.level is Level.ERROR]
    keras_class, line = in_place_of or _in_place_of(name, errors, config)
    text = render_findings(f"{name} cannot be loaded", findings)
    if line is not None:
        text = f"{text}\n{line}"
    return load_error_like(keras_class)(text, findings=tuple(findings))


def line_of_weights(comparison: Comparison, *, legacy: bool) -> str | None:
    """What plain Keras says of weights that do not fit a model; None where it has other words.

    Args:
        comparison: The comparison of the model with the file.
        legacy: Whether the file has the layout of a ``.h5`` file.
    """
    if comparison.misfits:
        stored, held = comparison.misfits[0]
        line = _OTHER_SHAPE_H5 if legacy else _OTHER_SHAPE
        return line.format(held=held.shape, stored=stored.shape)
    if not comparison.missing or legacy:
        return None
    owner = comparison.missing[0].owner
    if any(array.owner == owner for array in comparison.unread):
        return None
    expected = comparison.held_by(owner)
    names = (expected[0].title or owner).split("/")
    return _OTHER_COUNT.format(
        name=printable(names[-2] if expected[0].title else names[-1]),
        expected=len(expected),
        received=sum(array not in comparison.missing for array in expected),
    )


def _in_place_of(  # noqa: C901, PLR0911 - a table
    name: str, errors: Sequence[Finding], config: Any
) -> tuple[type[Exception], str | None]:
    first = errors[0]
    if name.endswith(H5_ENDINGS):
        return _in_place_of_h5(name, errors, config)
    match first.code:
        case "A101" | "A102" | "A103" | "A104":
            return ValueError, _NOT_FOUND.format(path=name)
        case "A105":
            of_zip = not Path(name).is_dir() and first.wanted != WHOLE_HDF5
            return zipfile.BadZipFile if of_zip else OSError, None
        case "A106" if first.location == "config.json":
            return KeyError, _NO_ITEM
        case "A106":
            return ValueError, _NO_WEIGHTS
        case "A107":
            return json.JSONDecodeError, None
        case "A112":
            return ValueError, _BOMB
    for item in errors:
        missing = item.code.startswith("R10")
        if item.code == "K103" and item.needs[0].place.startswith("compile_config"):
            return ValueError, None
        if item.code == "K122":
            return TypeError, None
        missing = missing or item.code == "K110"
        if missing or item.code in {"S101", "S102", "S103", "S105", "K103"}:
            return TypeError, _deserialization_line(item, config, missing=missing)
    return ValueError, None


def _in_place_of_h5(  # noqa: PLR0911 - a table
    name: str, errors: Sequence[Finding], config: Any
) -> tuple[type[Exception], str | None]:
    match errors[0].code:
        case "A101" | "A102" | "A103" | "A104" | "A105" as code:
            of_path = {"A101": FileNotFoundError, "A102": IsADirectoryError}
            return of_path.get(code, OSError), None
        case "A106":
            return ValueError, f"No model config found in the file at {name}."
        case "A107":
            return json.JSONDecodeError, None
    for item in errors:
        need = item.needs[0] if item.needs else Need("")
        if item.code.startswith("R10") or item.code == "K110":
            if need.place.startswith(TRAINING_CONFIG):
                return _in_place_of_h5_compile(need, config)
            key = printable(need.key).removeprefix("keras ")
            return ValueError, f"Unknown {need.kind or 'object'}: '{key}'."
        if item.code == "K103" and need.place.startswith(TRAINING_CONFIG):
            break
        if item.code in {"S101", "S102", "S103", "S105", "K103"}:
            key = printable(need.key).removeprefix("keras ")
            return TypeError, f"Error when deserializing class '{key}'"
    return ValueError, None


def _in_place_of_h5_compile(need: Need, config: Any) -> tuple[type[Exception], str | None]:
    """What Keras raises for an object of the compiled state; for a metric it raises nothing."""
    outer, node = _find_compiled(need.key, config) or (None, None)
    part = need.place.removeprefix(f"{TRAINING_CONFIG}.")
    if part.startswith("loss") and node is None:
        return TypeError, "string indices must be integers, not 'str'"
    if outer is not node:
        return TypeError, None  # it names a class that nothing here does
    kind = next((word for word in ("loss", "optimizer") if part.startswith(word)), None)
    title = None if node is None else node["config"].get("name")
    line = f"Could not interpret {kind} identifier: {printable(title)}"
    return ValueError, line if kind and title else None


def _find_compiled(key: str, config: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """The node of an object in the compiled state, behind that which holds it, if another does."""
    nodes = [
        (path, node)
        for path, node in iter_objects(config)
        if path[:1] in {("compile_config",), (TRAINING_CONFIG,)}
    ]
    for path, node in nodes:
        use = find_use(node)
        if use is not None and use.key == key and isinstance(node["config"], dict):
            return next(outer for above, outer in nodes if path[: len(above)] == above), node
    return None


def _deserialization_line(item: Finding, config: Any, *, missing: bool) -> str:
    need = item.needs[0] if item.needs else None
    compiled = need is not None and need.place.startswith("compile_config")
    root = _root_class(config)
    if compiled and need is not None and not missing:
        live = default_registry.find(need.key)
        return _NOT_DESERIALIZED.format(cls=live.target if live else need.key)
    outer, node = _find_compiled("" if need is None else need.key, config) or (None, None)
    if compiled and outer is not node:
        return _NOT_DESERIALIZED.format(cls=_root_class(outer) or "the optimizer")
    if missing and need is not None and (compiled or root is None):
        if need.kind == Kind.FUNCTION:
            return _NOT_LOCATED.format(what="function", name=need.key)
        name = need.key.removeprefix("keras ").rpartition(">")[2]
        return _NOT_LOCATED.format(what="class", name=name)
    return _NOT_DESERIALIZED.format(cls=root or "the model")


def _root_class(config: Any) -> type | None:
    """The class of the whole model; nothing is imported to find it."""
    if not isinstance(config, dict):
        return None
    live = default_registry.find(str(config.get("registered_name")))
    if live is not None and isinstance(live.target, type):
        return live.target
    module = sys.modules.get(str(config.get("module")))
    found = getattr(module, printable(config.get("class_name")), None)
    is_keras = isinstance(found, type) and found.__module__.partition(".")[0] == "keras"
    return found if is_keras and isinstance(found, type) else None
