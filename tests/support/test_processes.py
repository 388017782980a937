"""Tests of the child processes that the other tests stand on."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.processes import (
    Completed,
    ForkServer,
    ForkServerError,
    child_environment,
    core_path,
    run_python,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")

SHOW_PROCESS = """
import json, os, sys
print(json.dumps([sys.argv, sys.path[:2], os.getcwd(), os.environ.get("ACME"), __name__]))
"""

TRAIN_SAVE_LOAD = """
import sys, keras, numpy as np
keras.utils.set_random_seed(3)
model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(2)])
model.compile("adam", "mean_squared_error")
x = np.ones((8, 4), "float32")
model.fit(x, x[:, :2], verbose=0)
model.save(sys.argv[1])
again = keras.saving.load_model(sys.argv[1])
print(np.array_equal(model.predict(x, verbose=0), again.predict(x, verbose=0)))
"""


@pytest.fixture(params=["interpreter", "fork"])
def run(request: pytest.FixtureRequest) -> Callable[..., Completed]:
    """Both ways to run code, which must not differ."""
    if request.param == "interpreter":
        return run_python
    server: ForkServer = request.getfixturevalue("fork_server")
    return server.run


@pytest.fixture(scope="module")
def own_server() -> Iterator[ForkServer]:
    """A server that the tests may break."""
    with ForkServer() as server:
        yield server


def test_child_takes_what_it_is_given(run: Callable[..., Completed], tmp_path: Path) -> None:
    """A child has the arguments, path, folder and variables that were asked for."""
    done = run(
        SHOW_PROCESS, argv=["a b", tmp_path], path=[tmp_path], env={"ACME": "1"}, cwd=tmp_path
    )

    here = str(tmp_path)
    assert done.json() == [["-c", "a b", here], ["", here], here, "1", "__main__"]


@pytest.mark.parametrize(
    ("code", "returncode", "stderr"),
    [
        ("raise SystemExit", 0, ""),
        ("raise SystemExit(7)", 7, ""),
        ("raise SystemExit('over')", 1, "over\n"),
        ("import atexit; atexit.register(print, 'bye')", 0, ""),
        ("import os; os._exit(5)", 5, ""),
        pytest.param(
            "import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -9, "", marks=needs_fork
        ),
    ],
)
def test_child_ends_as_a_program_does(
    run: Callable[..., Completed], code: str, returncode: int, stderr: str
) -> None:
    """The exit status and the last words of a child are those of `python -c`."""
    done = run(code)

    assert (done.returncode, done.stderr) == (returncode, stderr)
    assert done.stdout == ("bye\n" if "bye" in code else "")


def test_traceback_shows_the_code_alone(run: Callable[..., Completed]) -> None:
    """An exception leaves a traceback on stderr that begins in the code itself."""
    done = run("def f():\n    1 / 0\nf()")

    lines = done.stderr.splitlines()
    assert done.returncode == 1
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1] == '  File "<string>", line 3, in <module>'
    assert lines[-1] == "ZeroDivisionError: division by zero"


def test_child_that_hangs_is_ended(run: Callable[..., Completed]) -> None:
    """A child beyond its time is ended, and what it printed until then is not lost."""
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        run("import time; print('so far', flush=True); time.sleep(60)", timeout=1)

    assert "so far" in str(caught.value.stdout)


def test_child_knows_the_core_and_no_plugin(run: Callable[..., Completed]) -> None:
    """A child can import keras_registry, and nothing has done so before."""
    done = run(
        "import sys\n"
        "before = any(name.startswith(('keras_registry', 'acme')) for name in sys.modules)\n"
        "import keras_registry\n"
        "print(before, bool(keras_registry.__file__))"
    )

    assert done.check().stdout == "False True\n"


def test_environment_is_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child inherits none of our settings and no path, and None removes a variable."""
    monkeypatch.setenv("KERAS_REGISTRY_POLICY", "strict")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    monkeypatch.setenv("ACME", "1")

    found = child_environment({"ACME": None}, backend="jax")

    assert found["KERAS_BACKEND"] == "jax"
    assert not {"KERAS_REGISTRY_POLICY", "PYTHONPATH", "ACME"} & found.keys()


def test_core_path_leads_to_the_core() -> None:
    """The folder that children get, if any, is the source root of the core."""
    assert all((folder / "keras_registry").is_dir() for folder in core_path())


def test_messages_leave_out_what_tensorflow_says() -> None:
    """Notices of a starting TensorFlow are no messages; everything else is."""
    notice = (
        "I0000 00:00:1795240760.399613    8503 cudart_stub.cc:31] Could not find cuda drivers\n"
    )
    assert Completed(0, "", f"{notice}R201 error\n").messages == "R201 error\n"


def test_failed_child_raises_with_its_output() -> None:
    """`check` and `json` tell what a child wrote when it failed."""
    done = Completed(3, "out", "err")

    for method in (done.check, done.json):
        with pytest.raises(AssertionError, match=r"status 3\n--- stdout\nout\n--- stderr\nerr"):
            method()


@needs_fork
def test_tensorflow_is_not_at_work_before_the_fork(fork_server: ForkServer) -> None:
    """A child starts with Keras imported, and TensorFlow's context and threads still to come."""
    done = fork_server.run(
        "import sys, threading\n"
        "assert 'keras' in sys.modules and 'tensorflow' in sys.modules\n"
        "from tensorflow.python.eager import context\n"
        "context = context.context_safe()\n"
        "print(context is None or not context._initialized, threading.active_count())"
    )

    assert done.check().stdout == "True 1\n"


@needs_fork
def test_forked_children_train_and_load_again_and_again(
    fork_server: ForkServer, tmp_path: Path
) -> None:
    """Each child can train, save and load a model, and leaves the server as it was."""
    for turn in range(3):
        done = fork_server.run(TRAIN_SAVE_LOAD, argv=[tmp_path / f"{turn}.keras"])
        assert done.check().stdout == "True\n"


@needs_fork
def test_children_do_not_meet(fork_server: ForkServer) -> None:
    """What one child changes, imports or draws at random, the next does not see."""
    code = "import keras, numpy; print(getattr(keras, 'x', 0), numpy.random.rand()); keras.x = 1"

    first, second = (fork_server.run(code).check().stdout.split() for _ in range(2))

    assert first[0] == second[0] == "0"
    assert first[1] != second[1]


@needs_fork
def test_child_takes_its_children_along(fork_server: ForkServer, tmp_path: Path) -> None:
    """A program that a child has left running ends with the child."""
    mark = tmp_path / "alive"
    inner = f"import time, pathlib; time.sleep(0.7); pathlib.Path({str(mark)!r}).touch()"
    fork_server.run(
        f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {inner!r}])"
    ).check()

    time.sleep(1.2)
    assert not mark.exists()


@needs_fork
def test_server_that_died_starts_again(own_server: ForkServer) -> None:
    """A server that was killed between two requests is replaced without a word."""
    own_server.run("").check()
    first = own_server.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert own_server._running is not None
    own_server._running.process.wait()

    assert own_server.run("print('here')").check().stdout == "here\n"
    assert own_server.pid != first


@needs_fork
def test_server_killed_during_a_request_is_named(own_server: ForkServer) -> None:
    """A child that takes the server down is reported as that, and the next request works."""
    with pytest.raises(ForkServerError, match="died"):
        own_server.run(
            "import os, signal, time; os.kill(os.getppid(), signal.SIGKILL); time.sleep(1)"
        )

    assert own_server.run("").returncode == 0


@needs_fork
def test_closing_ends_everything(own_server: ForkServer, tmp_path: Path) -> None:
    """When the server is closed, it and the child that it waits for are gone."""
    note = tmp_path / "pid"
    code = (
        "import os, pathlib, sys, time\n"
        "pathlib.Path(sys.argv[1]).write_text(str(os.getpid()))\n"
        "time.sleep(60)"
    )

    def ask() -> None:
        with contextlib.suppress(ForkServerError):
            own_server.run(code, argv=[note])

    thread = threading.Thread(target=ask)
    thread.start()
    while not (note.exists() and note.read_text()):
        time.sleep(0.01)
    server, child = own_server.pid, int(note.read_text())
    assert server is not None

    own_server.close()
    thread.join()

    assert not _is_running(server)
    assert not _is_running(child)


@needs_fork
def test_coverage_follows_into_children(fork_server: ForkServer, tmp_path: Path) -> None:
    """A child is measured when coverage measures subprocesses, also when the code fails."""
    coverage = pytest.importorskip("coverage", reason="`make test` has coverage")
    (tmp_path / "measured.py").write_text("a = 1\nif a > 1:\n    b = 2\n", encoding="utf-8")
    config = tmp_path / "coverage.ini"
    config.write_text(
        f"[run]\nbranch = true\nparallel = true\ndata_file = {tmp_path / '.coverage'}\n"
        f"include = {tmp_path / 'measured.py'}\n",
        encoding="utf-8",
    )
    settings = {
        "COVERAGE_PROCESS_START": str(config),
        "COVERAGE_PROCESS_CONFIG": None,  # of the coverage that may be measuring this test
        "COVERAGE_FILE": None,
    }

    done = fork_server.run("import measured; 1 / 0", path=[tmp_path], env=settings)

    assert "ZeroDivisionError" in done.stderr
    measured = coverage.Coverage(data_file=str(tmp_path / ".coverage"), config_file=str(config))
    measured.combine([str(tmp_path)])
    assert sorted(measured.get_data().lines(str(tmp_path / "measured.py"))) == [1, 2]


def test_another_interpreter_sees_only_what_is_installed_there() -> None:
    """With `python`, the checkout is not put on the path."""
    done = run_python("import os; print(os.environ.get('PYTHONPATH'))", python=Path(sys.executable))

    assert done.check().stdout == "None\n"


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
