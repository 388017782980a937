"""What is done in a process in which no plugin was imported; see `contract.fresh`."""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py  # noqa: F401 - what every task needs is imported once
import keras
import numpy as np

import keras_registry
from keras_registry.contract.attempts import in_a_line
from keras_registry.contract.golden_loading import load_golden
from keras_registry.contract.hostile import read_hostile
from keras_registry.contract.import_costs import import_module
from keras_registry.contract.models import describe_model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["TASKS", "serve"]


def load_models(
    *,
    files: Sequence[tuple[str, str, bool]],
    origin: Sequence[str],
    imports: Sequence[str],
    inputs: str,
    structure: Any,
) -> list[Any]:
    """Loads model files, and says what came back.

    Args:
        files: Their paths, each with the way in which the object is in it, and with whether it is
            saved and loaded once more. Beside each, outputs and weights are written as arrays.
        origin: Module and qualified name of the class that is checked.
        imports: What has to be imported first, because no distribution lists the object.
        inputs: The path of the arrays with which the object is called.
        structure: How they are nested: lists and dicts of their numbers.
    """
    for name in imports:
        importlib.import_module(name)
    with np.load(inputs) as stored:
        arrays = [stored[str(number)] for number in range(len(stored.files))]
    arguments = keras.tree.map_structure(arrays.__getitem__, structure)
    return [_load(path, parent, twice, origin, arguments) for path, parent, twice in files]


def _load(
    path: str,
    parent: str,
    twice: bool,  # noqa: FBT001 - of a request that is JSON
    origin: Sequence[str],
    arguments: Any,
) -> dict[str, Any]:
    was_imported = origin[0] in sys.modules
    again = None
    try:
        model = keras_registry.load_model(path)
        first = _describe(model, parent, origin, arguments, f"{path}.npz")
        if twice:
            stem, ending = path.rsplit(".", 1)
            copy = f"{stem}_again.{ending}"
            model.save(copy)
            model = keras_registry.load_model(copy)
            again = _describe(model, parent, origin, arguments, f"{copy}.npz")
    except Exception as error:  # noqa: BLE001 - the author's own code, wherever it fails
        return {"error": in_a_line(error), "was_imported": was_imported}
    return {"first": first, "again": again, "was_imported": was_imported}


def _describe(
    model: Any, parent: str, origin: Sequence[str], arguments: Any, path: str
) -> dict[str, Any]:
    facts, arrays = describe_model(model, parent, origin, arguments)
    np.savez(path, **arrays)
    return {"objects": facts, "arrays": path}


TASKS: dict[str, Callable[..., Any]] = {
    "import_module": import_module,
    "load_golden": load_golden,
    "load_models": load_models,
    "read_hostile": read_hostile,
}
"""What can be asked for, by name."""


def serve() -> None:
    """Answers requests, each a line of JSON on the standard input, until that ends."""
    requests, answers = os.fdopen(os.dup(0), encoding="utf-8"), os.dup(1)
    devnull = os.open(os.devnull, os.O_RDONLY)
    os.dup2(devnull, 0)
    os.dup2(2, 1)  # what a plugin prints is no answer
    for line in requests:
        message = json.loads(line)
        if not message["forks"]:
            _answer(message)
        elif (child := os.fork()) == 0:
            _answer(message)
            os._exit(0)
        else:
            os.waitpid(child, 0)
        os.write(answers, b"\n")
        if not message["forks"]:
            return


def _answer(message: dict[str, Any]) -> None:
    """Runs a task and writes what it found; nothing is written if it fails."""
    sys.path[:] = message["path"]
    importlib.invalidate_caches()
    try:
        found = TASKS[message["task"]](**message["request"])
        Path(message["answer"]).write_text(json.dumps(found), encoding="utf-8")
    except BaseException:  # noqa: BLE001 - the log has it, and whoever asked reads the log
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
