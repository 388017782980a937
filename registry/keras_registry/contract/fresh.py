"""Processes in which no plugin was imported: where files are loaded as another machine would.

A server imports Keras once, which takes seconds, and forks a child for each request: the child
imports the plugin, or not, and is gone afterwards. Where forking is not safe (Windows, macOS), each
request has an interpreter of its own.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import keras

__all__ = ["FreshError", "ask_fresh", "start_fresh"]

_LIMIT = 300.0
"""Seconds that a request may take."""

_START = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); del sys.argv[1:]\n"
_PROGRAM = f"{_START}from keras_registry.contract.fresh_tasks import serve; serve()"
_FORKS = sys.platform == "linux"


class FreshError(Exception):
    """A process ended without an answer; the message says how."""


def ask_fresh(task: str, **request: Any) -> Any:
    """What a task finds out in a process in which no plugin was imported.

    Args:
        task: The name of a function of `keras_registry.contract.fresh_tasks.TASKS`.
        **request: Its arguments, as JSON can hold them.

    Raises:
        FreshError: The process ended without an answer.
    """
    with _lock:
        try:
            return _server_in_use().ask({"task": task, "path": sys.path, "request": request})
        finally:
            if not _FORKS:
                _end()  # it answers once, and is fresh no more


def start_fresh() -> None:
    """Lets the process start that will be asked, which imports Keras meanwhile."""
    with _lock:
        _server_in_use()


class _Server:
    """The process that answers, under the backend of this one."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(
            prefix="keras-registry-", ignore_cleanup_errors=True
        )
        self._log = Path(self._folder.name, "log")
        # The device, if there is one, is taken by this process, with all its memory.
        settings = {
            "KERAS_BACKEND": keras.backend.backend(),
            "CUDA_VISIBLE_DEVICES": "-1",
            "JAX_PLATFORMS": "cpu",
        }
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - this interpreter, and our own program
                [sys.executable, "-c", _PROGRAM, json.dumps(sys.path)],
                env={**os.environ, **settings},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                encoding="utf-8",
                start_new_session=_FORKS,
            )

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, message: dict[str, Any]) -> Any:
        answer = Path(self._folder.name, "answer")
        answer.unlink(missing_ok=True)
        timer = threading.Timer(_LIMIT, self._kill)
        timer.start()
        try:
            line = self._exchange(json.dumps({**message, "answer": str(answer), "forks": _FORKS}))
        finally:
            is_late = timer.finished.is_set()
            timer.cancel()
        if is_late:
            reason = f"the process took longer than {_LIMIT:g} s"
            raise FreshError(reason)
        if not line or not answer.exists():
            raise FreshError(self._last_words())
        return json.loads(answer.read_text(encoding="utf-8"))

    def _exchange(self, line: str) -> str:
        """The line with which the server says that the task has ended; empty if it does not."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            return ""
        try:
            stdin.write(f"{line}\n")
            stdin.flush()
            return stdout.readline()
        except OSError:
            return ""

    def _last_words(self) -> str:
        text = self._log.read_text(encoding="utf-8", errors="replace")
        lines = [line for line in text.splitlines() if line.strip()]
        return f"the process ended without an answer; its last line: {lines[-1] if lines else ''}"

    def _kill(self) -> None:
        """Ends the process, and the child that works for it."""
        if _FORKS:
            import signal

            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.kill()

    def end(self) -> None:
        """Ends the process and removes what it left."""
        self._kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self._folder.cleanup()


_lock = threading.Lock()
_server: _Server | None = None


def _server_in_use() -> _Server:
    global _server  # noqa: PLW0603 - one process for all that this one checks
    if _server is not None and not _server.is_alive:
        _end()
    if _server is None:
        _server = _Server()
    return _server


@atexit.register
def _end() -> None:
    global _server  # noqa: PLW0603
    if _server is not None:
        _server.end()
    _server = None
