"""Loads that are watched: in a process of its own, with everything noted that a user could see."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.distributions import build_wheel, find_uv, pip_install, uv_install

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from tests.support.distributions import PluginProject
    from tests.support.processes import Completed

__all__ = ["QUIET", "TOLD", "Observed", "install", "normalised", "observe", "plain"]

plain = {"KERAS_REGISTRY_HOOKS": "0"}
"""The environment variables under which `keras_registry` leaves Keras as it is."""

QUIET = """\
import logging

# Keras's own, of each file in HDF5: that it is legacy, that metrics are built at the first batch.
logging.getLogger("absl").setLevel(logging.ERROR)
"""
"""What a program begins with that saves or loads in HDF5, so that it can be silent."""

TOLD = """\
def told(call, *args, **kwargs):
    '''What a call returns or raises, and of what it warns.'''
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        try:
            result = call(*args, **kwargs)
        except Exception as error:
            result = error
    kept = [w.message for w in caught if "K201" not in str(w.message)]  # objects of this program
    return result, list(map(str, kept))
"""
"""A function for programs that import `keras` and `warnings`."""

PROGRAM = """\
import json
import logging
import sys
import warnings

import keras
import numpy as np

import keras_registry

options = json.loads(sys.argv[1])
log = []


class Keep(logging.Handler):
    def emit(self, record):
        log.append([record.name, record.levelname, record.getMessage()])


logger = logging.getLogger("keras_registry")
logger.addHandler(Keep())
logger.setLevel(logging.DEBUG)
logger.propagate = False  # absl, once Keras uses it, prints whatever comes to the root


def plugin_modules():
    found = ((name, getattr(module, "__file__", None)) for name, module in sys.modules.items())
    return sorted(n for n, file in found if file and file.startswith(tuple(options["path"])))


def tell(item):
    return [item.code, str(item.level)]


seen = {"error": None, "findings": [], "predictions": None}
arguments = options["arguments"]
objects = {}
_PRELUDE_
seen["before"] = plugin_modules()
if objects:
    arguments["custom_objects"] = objects
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    # Keras's, whenever it turns a variable or a weight in a file into an array under NumPy 2.
    warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
    # torch's, of its own modules, when Keras has it compile a model.
    warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)
    try:
        model = _LOAD_(options["file"], **arguments)
    except Exception as error:
        seen["findings"] = [tell(item) for item in getattr(error, "findings", ())]
        seen["error"] = {
            "classes": [cls.__name__ for cls in type(error).__mro__],
            "text": str(error),
            "notes": getattr(error, "__notes__", []),
        }
    else:
        report = keras_registry.report(model)
        if report is not None:
            seen["findings"] = [tell(item) for item in report.findings]
            seen["report"] = str(report)
            seen["verified"] = list(report.verified)
        seen["classes"] = [f"{type(x).__module__}.{type(x).__name__}" for x in model.layers]
        seen["compiled"] = bool(model.compiled)
        if options["inputs"]:
            x = np.load(options["inputs"])["x"]
            seen["predictions"] = model.predict(x, verbose=0).tolist()
        _EPILOGUE_
seen["after"] = plugin_modules()
seen["log"] = log
seen["warnings"] = [
    [
        warning.category.__name__,
        getattr(getattr(warning.message, "finding", None), "code", None),
        str(warning.message),
        warning.filename,
    ]
    for warning in caught
]
print(json.dumps(seen))
"""


@dataclass(frozen=True, slots=True)
class Observed:
    """What a load in a process of its own did.

    Attributes:
        error: None, or the text of the exception.
        error_classes: The names of its class and of all the classes above that.
        findings: Code and level of each finding, of the report or of the error.
        before: The modules of installed plugins that were imported before the load.
        after: Those that were imported after it.
        classes: The layers' classes, with their modules.
        predictions: What the model predicts, as nested lists.
        log: Logger, level and text of each record on the logger `keras_registry`.
        warnings: Category, code, text and file name of each warning.
        done: The process.
        raw: Everything that was noted.
    """

    error: str | None
    error_classes: tuple[str, ...]
    findings: tuple[tuple[str, str], ...]
    before: tuple[str, ...]
    after: tuple[str, ...]
    classes: tuple[str, ...]
    predictions: Any
    log: tuple[tuple[str, str, str], ...]
    warnings: tuple[tuple[str, str | None, str, str], ...]
    done: Completed
    raw: dict[str, Any]

    @property
    def codes(self) -> list[str]:
        """The codes of the findings, in order."""
        return [code for code, _ in self.findings]

    @property
    def text(self) -> str:
        """The text of the exception.

        Raises:
            AssertionError: The model was loaded.
        """
        assert self.error is not None, self.raw.get("report", "loaded without a report")
        return self.error

    def is_silent(self) -> bool:
        """Whether the load succeeded without a word that anybody sees by default."""
        loud = [record for record in self.log if record[1] != "DEBUG"]
        return self.error is None and not (loud or self.warnings or self.done.messages)


def observe(
    run: Callable[..., Completed],
    model: Path,
    *,
    path: Iterable[Path] = (),
    inputs: Path | None = None,
    prelude: str = "",
    epilogue: str = "pass",
    load: str = "keras.saving.load_model",
    env: Mapping[str, str | None] | None = None,
    cwd: str | os.PathLike[str] | None = None,
    **arguments: Any,
) -> Observed:
    """Load a model file in a process of its own, and return what that did.

    Args:
        run: `fork_server.run`, or `run_python` for a real interpreter.
        model: The model file.
        path: Folders with installed plugins.
        inputs: An `.npz` file whose `x` the model shall predict for.
        prelude: Code that runs before the load. What it puts into `objects` is passed as
            `custom_objects`.
        epilogue: Code that runs after a load that succeeded, with `model`; it may add to `seen`.
        load: The function to call, as an expression.
        env: Environment variables.
        cwd: The working directory.
        **arguments: Further arguments of the function.
    """
    folders = [str(folder) for folder in path]
    options = {
        "file": str(model),
        "path": folders,
        "inputs": None if inputs is None else str(inputs),
        "arguments": arguments,
    }
    code = QUIET if model.suffix in {".h5", ".hdf5"} else ""
    code += PROGRAM.replace("_PRELUDE_", prelude).replace("_LOAD_", load)
    code = code.replace("_EPILOGUE_", epilogue.replace("\n", "\n        "))
    done = run(code, argv=[json.dumps(options)], path=folders, env=env, cwd=cwd)
    seen = done.json()
    error = seen["error"] or {"text": None, "classes": ()}
    return Observed(
        error=error["text"],
        error_classes=tuple(error["classes"]),
        findings=tuple((code, level) for code, level in seen["findings"]),
        before=tuple(seen["before"]),
        after=tuple(seen["after"]),
        classes=tuple(seen.get("classes", ())),
        predictions=seen["predictions"],
        log=tuple((name, level, text) for name, level, text in seen["log"]),
        warnings=tuple((kind, code, text, file) for kind, code, text, file in seen["warnings"]),
        done=done,
        raw=seen,
    )


def install(project: PluginProject, folder: Path) -> Path:
    """Build the wheel of a project and install it into a folder, which is returned."""
    wheel = build_wheel(project.write(folder / f".{project.name}-{project.version}"), folder)
    site = folder / "site"
    if find_uv() is None:
        pip_install(wheel, site)
    else:
        uv_install(wheel, site)
    return site


def normalised(text: str) -> str:
    """Return a text without what differs from one run, machine or release to the next."""
    for pattern, stand_in in (
        (r"xxh3:[0-9a-f]{32}", "xxh3:HASH"),
        (r"sha256:[0-9a-f]+", "sha256:DIGEST"),
        (r"\bline \d+", "line N"),
        (r"\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d", "DATE"),
        (r"\d+\.\d KiB", "SIZE"),
        (r"\b(keras-registry|Keras|tensorflow|jax|Python) \d+\.\d+\S*?(?=[,\s]|$)", r"\1 VERSION"),
    ):
        text = re.sub(pattern, stand_in, text)
    return text
