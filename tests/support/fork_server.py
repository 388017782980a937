"""The program behind `processes.ForkServer`; it runs by itself and imports nothing of the tests.

It imports Keras with the backend of the tests, writes one line `{"ready": true}`, and for each line
of JSON on its standard input forks a child that runs the code in it. The answer is one line of JSON
with the child's status. It ends, and with it a child that still runs, when its input ends.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import json
import os
import select
import signal
import sys
import threading
import time
import traceback
import types
from typing import Any

POLL = 0.002
"""Seconds between two looks at a child; a child costs tens of milliseconds at least."""


def main() -> None:
    """Import, then answer until the input ends."""
    del sys.path[0]  # the folder of this program; children get their own first entry
    requests, answers = os.dup(0), os.dup(1)  # not inherited by programs that children start
    _redirect(os.devnull, 0, os.O_RDONLY)
    os.dup2(2, 1)
    _import_all()
    gc.collect()
    gc.freeze()  # what is here stays here: children do not copy pages by looking for garbage
    _write(answers, {"ready": True})

    buffer = b""
    while True:
        while b"\n" not in buffer:
            chunk = os.read(requests, 65536)
            if not chunk:
                return
            buffer += chunk
        line, _, buffer = buffer.partition(b"\n")
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            os.close(requests)
            os.close(answers)
            _run_child(request)
        _write(answers, _wait(child, request["timeout"], requests))


def _import_all() -> None:
    """Import what every child needs and what is known not to start threads or do work."""
    import h5py  # noqa: F401
    import keras  # noqa: F401
    import numpy as np  # noqa: F401

    if os.environ["KERAS_BACKEND"] == "tensorflow":
        import tensorflow as tf  # noqa: F401
        from tensorflow.python.eager import context

        if context.context_safe() is not None and context.context()._initialized:
            sys.exit("TensorFlow is at work before the fork: its threads would be lost")
    for name in ("importlib_metadata", "packaging.requirements", "pydantic", "xxhash"):
        with contextlib.suppress(ImportError):
            __import__(name)  # dependencies of keras-registry: saves each child a fifth of a second


def _wait(child: int, timeout: float, requests: int) -> dict[str, Any]:
    """Wait for a child, and end it when the time is up or nobody waits for the answer."""
    deadline = time.monotonic() + timeout
    timed_out = False
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            break
        readable, _, _ = select.select([requests], [], [], POLL)
        if readable and not timed_out:  # the tests take turns: no request comes now, but the end
            _kill(child)
            os.waitpid(child, 0)
            os._exit(1)
        if not timed_out and time.monotonic() > deadline:
            timed_out = True
            _kill(child)
    _kill_group(child)  # what the child started and left behind
    return {"returncode": os.waitstatus_to_exitcode(status), "timed_out": timed_out}


def _kill(child: int) -> None:
    """Kill a child that was not waited for yet, and its group if it has become a leader."""
    _kill_group(child)
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)


def _kill_group(leader: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _run_child(request: dict[str, Any]) -> None:
    """Turn this fork into the process that was asked for, run the code, and end."""
    status = 1
    try:
        os.setsid()
        for target, output in zip((1, 2), request["outputs"], strict=True):
            _redirect(output, target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
        os.environ.clear()
        os.environ.update(request["env"])
        os.chdir(request["cwd"])
        sys.modules["numpy"].random.seed()  # else all children would draw the same numbers
        _start_coverage()
        status = _run_code(request)
    except BaseException:  # noqa: BLE001 - nothing may get back into the server's loop
        traceback.print_exc()
    finally:
        _end(status)


def _run_code(request: dict[str, Any]) -> int:
    """Run the code as `python -c` does, and return its exit status."""
    sys.argv[:] = request["argv"]
    sys.path[:0] = ["", *request["path"]]
    sys.path_importer_cache.clear()
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    try:
        exec(compile(request["code"], "<string>", "exec"), module.__dict__)  # noqa: S102
    except SystemExit as stop:
        if stop.code is None or isinstance(stop.code, int):
            return stop.code or 0
        print(stop.code, file=sys.stderr)  # noqa: T201
        return 1
    except BaseException as error:  # noqa: BLE001 - as at the top level of a program
        trace = error.__traceback__
        error.__traceback__ = trace.tb_next if trace else None
        sys.excepthook(type(error), error, error.__traceback__)
        return 1
    return 0


def _start_coverage() -> None:
    """Measure this child if coverage is asked to measure subprocesses; saved at exit."""
    if "COVERAGE_PROCESS_START" in os.environ or "COVERAGE_PROCESS_CONFIG" in os.environ:
        import coverage

        coverage.process_startup()


def _end(status: int) -> None:
    """End as an interpreter does: wait for threads, run what was registered, flush."""
    for step in (vars(threading)["_shutdown"], atexit._run_exitfuncs):
        try:
            step()
        except BaseException:  # noqa: BLE001
            traceback.print_exc()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(status & 0xFF)


def _redirect(path: str, target: int, flags: int) -> None:
    opened = os.open(path, flags, 0o600)
    os.dup2(opened, target)
    os.close(opened)


def _write(target: int, message: dict[str, Any]) -> None:
    os.write(target, json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    main()
