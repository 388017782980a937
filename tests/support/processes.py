"""Code in processes of its own: a real interpreter, or a fork of one that has Keras already.

`run_python` starts an interpreter and costs what `import keras` costs: seconds. `forked_python`
asks a server that has imported Keras with its backend, and nothing of ours, to fork: milliseconds
before the code runs. Both give the code a clean environment, and both return the same `Completed`.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib.util
import json
import os
import re
import select
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn, Self

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType

__all__ = [
    "BACKEND",
    "Completed",
    "ForkServer",
    "ForkServerError",
    "child_environment",
    "core_path",
    "forked_python",
    "get_shared_server",
    "other_backends",
    "run_python",
]

CHECKOUT = Path(__file__).resolve().parents[2]
SERVER_PROGRAM = Path(__file__).with_name("fork_server.py")
BACKENDS = ("tensorflow", "torch", "jax")
BACKEND = next((name for name in BACKENDS if importlib.util.find_spec(name)), BACKENDS[0])
"""The backend of processes that do not ask for another: TensorFlow, where it is installed."""

START_TIMEOUT = 180.0
"""Seconds for the server to import Keras and TensorFlow."""

GRACE = 10.0
"""Seconds that the server gets beyond the time limit of a request, to answer that it is over."""


# What TensorFlow writes before its own logging is ready, whatever the log level.
NOTICE = re.compile(
    r"(WARNING: All log messages before absl::InitializeLog|[IW]\d{4} \d\d:\d\d:|[IW]0000 00:00:"
    r"|E0000 00:00:.*(Unable to register cu|failed call to cuInit)).*"
)


@dataclass(frozen=True, slots=True)
class Completed:
    """How a child process ended.

    Attributes:
        returncode: The exit status; negative for the number of the signal that ended it.
        stdout: Everything that it wrote there, decoded as UTF-8.
        stderr: Everything that it wrote there, decoded as UTF-8.
    """

    returncode: int
    stdout: str
    stderr: str

    @property
    def messages(self) -> str:
        """The standard error stream without the notices of a starting TensorFlow."""
        lines = self.stderr.splitlines(keepends=True)
        return "".join(line for line in lines if not NOTICE.match(line))

    def check(self) -> Completed:
        """Return itself if the status is 0.

        Raises:
            AssertionError: It is not; the text holds both outputs.
        """
        if self.returncode != 0:
            message = (
                f"the child process ended with status {self.returncode}\n"
                f"--- stdout\n{self.stdout}\n--- stderr\n{self.stderr}"
            )
            raise AssertionError(message)
        return self

    def json(self) -> Any:
        """Return the JSON document in the last line of stdout of a process that succeeded."""
        lines = self.check().stdout.splitlines()
        if not lines:
            message = f"the child process printed nothing\n--- stderr\n{self.stderr}"
            raise AssertionError(message)
        return json.loads(lines[-1])


class ForkServerError(RuntimeError):
    """The fork server itself broke; no statement about the code that was to run."""


def other_backends() -> list[str]:
    """Return the backends of Keras that are installed, besides `BACKEND`."""
    # torch is large, and tested where it is installed.
    installed = [name for name in BACKENDS if importlib.util.find_spec(name) is not None]
    return [name for name in installed if name != BACKEND]


@functools.cache
def core_path() -> tuple[Path, ...]:
    """Return what a child needs on its path to import `keras_registry`; nothing if installed."""
    spec = importlib.util.find_spec("keras_registry")
    if spec is None or spec.origin is None:
        return (CHECKOUT / "registry",)
    root = Path(spec.origin).parents[1]
    installed = {Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")}
    return () if root in installed else (root,)


def child_environment(
    env: Mapping[str, str | None] | None = None,
    *,
    path: Iterable[str | os.PathLike[str]] = (),
    backend: str = BACKEND,
) -> dict[str, str]:
    """Return this process's environment, cleaned for a child.

    Without `KERAS_REGISTRY_*` and `PYTHONPATH`, quiet, on the CPU, with a fixed backend.

    Args:
        env: What to set on top; None removes a variable.
        path: The entries of `PYTHONPATH`.
        backend: The Keras backend.
    """
    result = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("KERAS_REGISTRY_") and name not in {"PYTHONPATH", "PYTHONWARNINGS"}
    }
    result |= {
        "CUDA_VISIBLE_DEVICES": "-1",
        "JAX_PLATFORMS": "cpu",
        "KERAS_BACKEND": backend,
        "PYTHONIOENCODING": "utf-8",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_ENABLE_ONEDNN_OPTS": "0",  # otherwise announced on stderr, whatever the log level
    }
    if entries := _texts(path):
        result["PYTHONPATH"] = os.pathsep.join(entries)
    for name, value in (env or {}).items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = value
    return result


def run_python(
    code: str,
    *,
    argv: Iterable[str | os.PathLike[str]] = (),
    path: Iterable[str | os.PathLike[str]] = (),
    env: Mapping[str, str | None] | None = None,
    cwd: str | os.PathLike[str] | None = None,
    backend: str = BACKEND,
    timeout: float = 120,
    python: str | os.PathLike[str] | None = None,
) -> Completed:
    """Run code in a fresh interpreter, as `python -c` does.

    Args:
        code: The program.
        argv: Its arguments, `sys.argv[1:]`.
        path: Folders to put before the others on `sys.path`.
        env: Environment variables to set, or with None to remove.
        cwd: The folder to run in; by default this process's.
        backend: The Keras backend.
        timeout: Seconds after which the child is ended.
        python: Another interpreter. It sees `keras_registry` only if that is installed there;
            this process's own interpreter always does.

    Raises:
        subprocess.TimeoutExpired: The time was up; the outputs so far are in it.
    """
    entries = [*path, *(core_path() if python is None else ())]
    done = subprocess.run(
        [os.fspath(python or sys.executable), "-c", code, *_texts(argv)],
        env=child_environment(env, path=entries, backend=backend),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=timeout,
        encoding="utf-8",
        errors="replace",
    )
    return Completed(done.returncode, done.stdout, done.stderr)


class ForkServer:
    """A process that has imported Keras with `BACKEND` and forks a child for each request.

    Neither `keras_registry` nor any plugin is in it, and the backend is imported but not yet at
    work (its threads would not survive a fork). So a child is as good as a fresh interpreter
    that has executed `import keras`, with these differences: `KERAS_BACKEND`, `PYTHONPATH` and
    other variables that are read at the start of Python or Keras are too late (folders given as
    `path` do reach `sys.path`), and `keras` and its backend are in `sys.modules`.

    Where there is no fork (Windows) each request runs in a fresh interpreter. Requests from several
    threads take turns. A server that died is started again by the next request.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: _Running | None = None

    def __enter__(self) -> Self:
        """Return the server itself; it starts with the first request."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the server."""
        self.close()

    @property
    def pid(self) -> int | None:
        """The process id of the server, None while it does not run."""
        return self._running.process.pid if self._running else None

    def run(
        self,
        code: str,
        *,
        argv: Iterable[str | os.PathLike[str]] = (),
        path: Iterable[str | os.PathLike[str]] = (),
        env: Mapping[str, str | None] | None = None,
        cwd: str | os.PathLike[str] | None = None,
        backend: str = BACKEND,
        timeout: float = 120,
    ) -> Completed:
        """Run code in a forked child, with the arguments and the results of `run_python`.

        Another backend than `BACKEND` takes a fresh interpreter, as does JAX, which does not fork.

        Raises:
            subprocess.TimeoutExpired: The time was up; the outputs so far are in it.
            ForkServerError: The server broke.
        """
        if backend != BACKEND or backend == "jax" or not hasattr(os, "fork"):
            return run_python(
                code, argv=argv, path=path, env=env, cwd=cwd, backend=backend, timeout=timeout
            )
        entries = _texts((*path, *core_path()))
        with tempfile.TemporaryDirectory(prefix="forked-") as folder, self._lock:
            outputs = [Path(folder, name) for name in ("stdout", "stderr")]
            request = {
                "code": code,
                "argv": ["-c", *_texts(argv)],
                "path": entries,
                "env": child_environment(env, path=entries, backend=backend),
                "cwd": os.fspath(cwd or Path.cwd()),
                "outputs": [os.fspath(output) for output in outputs],
                "timeout": timeout,
            }
            answer = self._ask(request, timeout=timeout + GRACE)
            stdout, stderr = (
                output.read_text(encoding="utf-8", errors="replace") for output in outputs
            )
        if answer["timed_out"]:
            raise subprocess.TimeoutExpired(
                ["python", "-c", code], timeout, output=stdout, stderr=stderr
            )
        return Completed(answer["returncode"], stdout, stderr)

    def close(self) -> None:
        """End the server and the child that it may be waiting for; the next request starts anew."""
        running = self._running
        if running is None:
            return
        running.stop()  # a request that is under way in another thread fails now
        with self._lock:
            running.discard()
            if self._running is running:
                self._running = None

    def _ask(self, request: dict[str, Any], *, timeout: float) -> dict[str, Any]:
        if self._running is not None and self._running.process.poll() is not None:
            self._running.discard()
            self._running = None
        if self._running is None:
            self._running = _Running.start()
        try:
            self._running.send(request)
            return self._running.receive(timeout=timeout)
        except ForkServerError:
            self._running.discard()
            self._running = None
            raise


@dataclass(frozen=True, slots=True)
class _Running:
    """A running server: the process, the two pipes, and what it writes to stderr."""

    process: subprocess.Popen[bytes]
    requests: IO[bytes]
    answers: IO[bytes]
    log: IO[bytes]

    @classmethod
    def start(cls) -> Self:
        """Start a server and wait until it has imported Keras."""
        log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by discard()
        # The server is no part of what coverage measures; its children are.
        environment = child_environment(
            {name: None for name in os.environ if name.startswith("COVERAGE_PROCESS_")}
        )
        process = subprocess.Popen(
            [sys.executable, os.fspath(SERVER_PROGRAM)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            bufsize=0,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        running = cls(process, process.stdin, process.stdout, log)
        try:
            running.receive(timeout=START_TIMEOUT)
        except ForkServerError:
            running.discard()
            raise
        return running

    def send(self, request: dict[str, Any]) -> None:
        """Write a request."""
        try:
            self.requests.write(json.dumps(request).encode() + b"\n")
        except (OSError, ValueError) as error:  # it died, or was closed by another thread
            self._fail("takes no request", error)

    def receive(self, *, timeout: float) -> dict[str, Any]:
        """Read an answer."""
        deadline = time.monotonic() + timeout
        line = b""
        while not line.endswith(b"\n"):
            left = max(0.0, deadline - time.monotonic())
            ready, _, _ = select.select([self.answers], [], [], left)
            if not ready:
                self._fail(f"did not answer within {timeout:g} seconds")
            chunk = self.answers.read(65536)
            if not chunk:
                self._fail("died")
            line += chunk
        answer: dict[str, Any] = json.loads(line)
        return answer

    def stop(self) -> None:
        """End the input of the server, at which it ends its child and itself."""
        with contextlib.suppress(OSError):
            self.requests.close()

    def discard(self) -> None:
        """Wait until the server has ended, kill it if it does not, and close all files."""
        self.stop()
        try:
            self.process.wait(timeout=GRACE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.answers.close()
        self.log.close()

    def _fail(self, what: str, cause: Exception | None = None) -> NoReturn:
        self.log.seek(0)
        log = self.log.read().decode("utf-8", "replace")
        message = f"the fork server {what}\n{log}".rstrip()
        raise ForkServerError(message) from cause


@functools.cache
def get_shared_server() -> ForkServer:
    """Return the server of this process: started when first used, closed when the process ends."""
    server = ForkServer()
    atexit.register(server.close)
    return server


def forked_python(
    code: str,
    *,
    argv: Iterable[str | os.PathLike[str]] = (),
    path: Iterable[str | os.PathLike[str]] = (),
    env: Mapping[str, str | None] | None = None,
    cwd: str | os.PathLike[str] | None = None,
    backend: str = BACKEND,
    timeout: float = 120,
) -> Completed:
    """Run code in a child forked by this process's `ForkServer`; see `ForkServer.run`."""
    return get_shared_server().run(
        code, argv=argv, path=path, env=env, cwd=cwd, backend=backend, timeout=timeout
    )


def _texts(paths: Iterable[str | os.PathLike[str]]) -> list[str]:
    return [os.fspath(path) for path in paths]
