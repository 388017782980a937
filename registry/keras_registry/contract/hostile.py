"""Configs that somebody wrote to do harm, read in a process of its own while it is watched.

What is watched are the audit events of Python (PEP 578): opened files, connections, imports and
started programs; and the files that TensorFlow opens by itself. An event counts if it has to do
with what the config names: Keras itself imports a module of its own here and there.
"""

from __future__ import annotations

import copy
import importlib
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["UNKNOWN", "read_hostile"]

UNKNOWN = "no_such_argument"
"""A name that no class takes."""

_MODULE = "keras_registry_canary"
_HOST = "keras-registry-canary.invalid"
_DEPTH = 1000
_LENGTH = 10_000

_ALWAYS = frozenset(
    {
        "ftplib.connect",
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.spawn",
        "os.startfile",
        "os.system",
        "smtplib.connect",
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostbyname",
        "subprocess.Popen",
        "urllib.Request",
    }
)
"""Events that no honest config brings about, whatever they name."""


def read_hostile(
    *, imports: Sequence[str], entry: dict[str, Any], fields: Sequence[str]
) -> list[dict[str, Any]]:
    """Reads hostile configs of a class, and says what they brought about.

    Args:
        imports: The modules that define the class.
        entry: An honest object of the class, as Keras stores it.
        fields: The arguments of the class.

    Returns:
        For each hostile config its field, what was in it, what happened, and whether an object
        was made of it.
    """
    for name in imports:
        importlib.import_module(name)
    with tempfile.TemporaryDirectory(prefix="keras-registry-") as folder:
        canary = Path(folder, f"{_MODULE}.py")
        canary.write_text("WAS_IMPORTED = True\n", encoding="utf-8")
        canary.with_suffix("").mkdir()
        sys.path.append(folder)
        values = dict(_values(canary))
        watch = _Watch()
        _read({**entry, "config": {**entry["config"], UNKNOWN: 1}})
        _read(entry)  # what Keras imports once, at the first object or error, is imported
        # What Keras itself does with such a value is no fault of the class.
        of_keras = {what: watch.over(value)[0] for what, value in values.items()}
        return [
            {
                "field": field,
                "what": what,
                "events": [event for event in events if event not in of_keras.get(what, ())],
                "was_made": was_made,
            }
            for field, what, hostile in _hostile_configs(entry, fields, values)
            for events, was_made in [watch.over(hostile)]
        ]


def _hostile_configs(
    entry: dict[str, Any], fields: Sequence[str], values: Mapping[str, Any]
) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Each field with each hostile value, and a field that there is not."""
    for field in (*fields, UNKNOWN):
        for what, value in values.items():
            if field != UNKNOWN or what == "a number":
                hostile = copy.deepcopy({name: v for name, v in entry.items() if name != "config"})
                yield field, what, {**hostile, "config": {**entry["config"], field: value}}


def _values(canary: Path) -> Iterator[tuple[str, Any]]:
    folder = str(canary.with_suffix(""))
    nested: Any = "the end"
    for _ in range(_DEPTH):
        nested = [nested]
    inner: Any = {}
    for _ in range(_DEPTH):
        inner = _entry("keras.layers", "TimeDistributed", {"layer": inner})
    yield "a number", 1
    yield "the path of a file", str(canary)
    yield "the path of a folder", folder
    yield "an address", f"http://{_HOST}/words.txt"
    yield "a class of a module", _entry(_MODULE, "Layer", {})
    yield "a function of a module", _entry("builtins", "function", f"{_MODULE}.run", _MODULE)
    yield "a lambda", {"class_name": "__lambda__", "config": {"value": _dumped(canary)}}
    yield "a TFSMLayer", _entry("keras.layers", "TFSMLayer", {"filepath": folder})
    yield f"{_DEPTH:,} nested lists", nested
    yield f"{_DEPTH:,} nested layers", inner
    yield f"a list of {_LENGTH:,} numbers", list(range(_LENGTH))


def _entry(module: str, name: str, config: Any, registered: str | None = None) -> dict[str, Any]:
    """An object as Keras stores it."""
    return {
        "module": module,
        "class_name": name,
        "config": config,
        "registered_name": registered,
    }


def _dumped(canary: Path) -> Any:
    """A lambda that reads a file, as Keras stores it."""
    from keras.src.utils import python_utils

    with suppress(Exception):
        return list(python_utils.func_dump(eval(f"lambda: open({str(canary)!r})")))  # noqa: S307
    return ["4wAAAA==", None, None]


def _read(entry: Any) -> bool:
    """Whether an object is made of what Keras stores for one."""
    try:
        keras.saving.deserialize_keras_object(entry)
    except BaseException:  # noqa: BLE001 - a refusal, of whatever class
        return False
    return True


class _Watch:
    """Notes what happens while a config is read; an audit hook cannot be taken out again."""

    def __init__(self) -> None:
        self._events: list[str] | None = None
        sys.addaudithook(self._note)
        with suppress(ImportError, AttributeError):
            self._watch_tensorflow()

    def over(self, entry: Any) -> tuple[list[str], bool]:
        """What happens while an object is made of what Keras stores for one."""
        self._events = []
        was_made = _read(entry)
        events, self._events = self._events, None
        return list(dict.fromkeys(events))[:5], was_made

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._events is None:
            return
        shown = str(arguments[:2])
        if event in _ALWAYS or _MODULE in shown or _HOST in shown:
            self._events.append(f"{event} {shown[:100]}")

    def _watch_tensorflow(self) -> None:
        """TensorFlow opens files in C++, of which Python does not hear."""
        if keras.backend.backend() != "tensorflow":
            return
        from tensorflow.python.lib.io import file_io

        original, note = file_io.FileIO.__init__, self._note

        def __init__(self: Any, name: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
            note("open", (name,))
            original(self, name, *args, **kwargs)

        file_io.FileIO.__init__ = __init__
