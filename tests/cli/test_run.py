"""`keras-registry run`: an unmodified program runs as Python runs it, and with the hooks on."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.scenarios.archives import read_manifest_document
from tests.support.processes import Completed, child_environment, core_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tests.cli.conftest import Ended

USAGE = "usage: keras-registry run [-h] (SCRIPT | -m MODULE) [ARGS ...]\n"
RUN = ("-m", "keras_registry", "run")


def start(
    *arguments: str,
    cwd: Path,
    path: Iterable[Path] = (),
    env: Mapping[str, str | None] | None = None,
    program: str = sys.executable,
) -> Completed:
    """Run a program, by default Python, in a new process."""
    done = subprocess.run(
        [program, *arguments],
        env=child_environment(env, path=[*path, *core_path()]),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=120,
        encoding="utf-8",
        errors="replace",
    )
    return Completed(done.returncode, done.stdout, done.stderr)


# --- what the program sees -----------------------------------------------------------------------

PROBE = '''\
"""A program."""

import json
import sys

names = ["__name__", "__file__", "__package__", "__cached__", "__doc__"]
print(
    json.dumps(
        {
            "argv": sys.argv,
            "path": sys.path,
            "names": [globals().get(name) for name in names],
            "spec": __spec__ and __spec__.name,
            "loader": type(__loader__).__name__,
            "builtins": type(__builtins__).__name__,
            "main": vars(sys.modules["__main__"]) is globals(),
        }
    )
)
'''

# All that could be taken for an option of ours.
ARGUMENTS = ("--json", "--help", "-h", "-m", "--", "--version", "run", "", "ü")

WAYS = {
    "file": ["probe.py"],
    "dots": ["./package/../probe.py"],
    "elsewhere": ["folder/__main__.py"],
    "module": ["-m", "probe"],
    "joined": ["-mprobe"],
    "package": ["-m", "package"],
    "submodule": ["-m", "package.part"],
    "folder": ["folder"],
    "archive": ["archive.zip"],
}


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the same program as a file, a package, a folder and an archive."""
    folder = tmp_path_factory.mktemp("programs")
    files = ["probe.py", "package/__main__.py", "package/part.py", "folder/__main__.py"]
    for name in files:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(PROBE, encoding="utf-8")
    (folder / "package" / "__init__.py").touch()
    with zipfile.ZipFile(folder / "archive.zip", "w") as archive:
        archive.writestr("__main__.py", PROBE)
    # Byte code of what is imported is there from the start: its presence may not differ.
    start("-m", "compileall", "-q", ".", cwd=folder).check()
    return folder


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_program_sees_what_python_shows_it(way: list[str], programs: Path) -> None:
    """Arguments, path and the names of `__main__` are those of `python`, options untouched."""
    expected = start(*way, *ARGUMENTS, cwd=programs).json()

    assert start(*RUN, *way, *ARGUMENTS, cwd=programs).json() == expected
    assert expected["argv"][1:] == [*ARGUMENTS]


@pytest.mark.parametrize("way", ["file", "module", "folder"])
def test_safe_path_is_kept_safe(way: str, programs: Path) -> None:
    """Under PYTHONSAFEPATH the folder of a script, or the current one, does not get on the path."""
    env = {"PYTHONSAFEPATH": "1"}

    expected = start(*WAYS[way], cwd=programs, path=[programs], env=env).json()

    assert start(*RUN, *WAYS[way], cwd=programs, path=[programs], env=env).json() == expected


def test_link_leads_to_the_folder_of_its_target(programs: Path, tmp_path: Path) -> None:
    """Modules beside the target of a link can be imported, as under Python."""
    link = tmp_path / "link.py"
    link.symlink_to(programs / "probe.py")

    expected = start("link.py", cwd=tmp_path).json()

    assert start(*RUN, "link.py", cwd=tmp_path).json() == expected


def test_installed_command_runs_it_too(programs: Path) -> None:
    """The command in `bin` leaves no trace of its own folder on the path."""
    command = shutil.which("keras-registry", path=os.fspath(Path(sys.executable).parent))
    assert command is not None

    expected = start("probe.py", "--json", cwd=programs).json()

    found = start("run", "probe.py", "--json", cwd=programs, program=command).json()
    assert found == expected


def test_no_byte_code_is_written_beside_a_script(tmp_path: Path) -> None:
    """A script leaves no `__pycache__`, as under Python."""
    (tmp_path / "script.py").touch()

    start(*RUN, "script.py", cwd=tmp_path).check()

    assert [path.name for path in tmp_path.iterdir()] == ["script.py"]


def test_neither_keras_nor_what_commands_need_is_imported(tmp_path: Path) -> None:
    """`run` imports keras_registry and nothing heavy; the hooks wait for the program's import."""
    (tmp_path / "script.py").write_text(
        "import json, sys\n"
        "heavy = ['h5py', 'jax', 'keras', 'numpy', 'pydantic', 'rich', 'tensorflow', 'wrapt']\n"
        "armed = [type(finder).__module__ for finder in sys.meta_path]\n"
        "imported = [name for name in heavy if name in sys.modules]\n"
        "print(json.dumps([imported, armed.count('keras_registry.bridge.activation')]))\n"
    )

    assert start(*RUN, "script.py", cwd=tmp_path).json() == [[], 1]


# --- how the program ends ------------------------------------------------------------------------

ENDINGS = {
    "nothing": "",
    "code": "import sys; sys.exit(3)",
    "text": "import sys; sys.exit('enough')",
    "no code": "import sys; sys.exit()",
    "error": "def fail(): 1 / 0\n\nfail()",
    "chain": "try:\n    1 / 0\nexcept ArithmeticError as error:\n    raise KeyError(1) from error",
    "syntax": "def broken(:",
    "interrupt": "raise KeyboardInterrupt",
    "encoding": "print('\u0436')",
    "exit function": "import atexit, sys; atexit.register(print, 'bye'); sys.exit(5)",
    "hook": "import sys, traceback\n"
    "sys.excepthook = lambda *what: print(len(traceback.extract_tb(what[2])), what[0])\n"
    "1 / 0",
    "thread": "import pickle, threading\n"
    "def later():\n"
    "    threading.main_thread().join()\n"
    "    print(pickle.loads(pickle.dumps(later)) is later)\n"
    "threading.Thread(target=later).start()",
}


@pytest.mark.parametrize("way", [["program.py"], ["-m", "program"]], ids=["file", "module"])
@pytest.mark.parametrize("program", ENDINGS.values(), ids=ENDINGS)
def test_program_ends_as_under_python(program: str, way: list[str], tmp_path: Path) -> None:
    """Exit code, output and traceback are those of `python`: no frame of ours is shown."""
    (tmp_path / "program.py").write_text(f"{program}\n", encoding="utf-8")
    env = {"PYTHONIOENCODING": "ascii"}

    expected = start(*way, cwd=tmp_path, env=env)

    assert start(*RUN, *way, cwd=tmp_path, env=env) == expected


@pytest.mark.parametrize(
    "way", [["-m", "nothing"], ["-m", "os.nothing"], ["."], ["./"]], ids=" ".join
)
def test_missing_module_is_told_as_by_python(way: list[str], tmp_path: Path) -> None:
    """A module that is not there, or a folder without `__main__.py`, has Python's message."""
    expected = start(*way, cwd=tmp_path)

    assert start(*RUN, *way, cwd=tmp_path) == expected
    assert expected.returncode == 1


@pytest.mark.parametrize(
    ("name", "shown"), [("serve.py", "serve.py"), ("\x1b[31m.py", r"\x1b[31m.py")]
)
def test_missing_script_is_wrong_usage(
    name: str, shown: str, run: Callable[..., Ended], tmp_path: Path
) -> None:
    """A script that is not there is named, and ends with 2 as under Python."""
    ended = run("run", tmp_path / name, "--json")

    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        f"keras-registry: {tmp_path}{os.sep}{shown} cannot be read: No such file or directory\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "one of the arguments SCRIPT -m is required"),
        (["-m"], "argument -m: expected one argument"),
        (["--json", "serve.py"], "one of the arguments SCRIPT -m is required"),
    ],
    ids=" ".join,
)
def test_program_must_be_named(
    arguments: list[str], message: str, run: Callable[..., Ended]
) -> None:
    """Without a program, or with an option of ours before it, the usage is shown."""
    ended = run("run", *arguments)

    assert (ended.code, ended.out) == (2, "")
    assert ended.err == f"{USAGE}keras-registry run: error: {message}\n"


def test_help_says_what_is_covered(
    run: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`run --help` is ours, and says whose the rest of the line is and what the hooks miss."""
    monkeypatch.setenv("COLUMNS", "500")

    ended = run("run", "--help")

    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith(USAGE)
    assert ended.out.endswith(
        "\nEverything behind SCRIPT or MODULE is given to the program, and the exit code is the "
        "program's. Forked children are covered too; a process that the program starts anew "
        "(subprocess, or multiprocessing by spawn or forkserver) is not.\n"
    )


# --- child processes -----------------------------------------------------------------------------

PARALLEL = """\
import json
import multiprocessing
import sys


class Task:
    def __init__(self, number):
        self.number = number


def work(task, queue):
    queue.put([task.number, isinstance(task, Task), __name__, "keras_registry" in sys.modules])


if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    queue = context.SimpleQueue()
    process = context.Process(target=work, args=(Task(3), queue))
    process.start()
    print(json.dumps(queue.get()))
    process.join()
    sys.exit(process.exitcode)
"""


@pytest.mark.parametrize("way", [["parallel.py"], ["-m", "parallel"]], ids=["file", "module"])
@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_children_have_the_program_as_main(method: str, way: list[str], tmp_path: Path) -> None:
    """What `__main__` defines gets to a child by every start method; a fork has the hooks too."""
    (tmp_path / "parallel.py").write_text(PARALLEL, encoding="utf-8")

    found = start(*RUN, *way, method, cwd=tmp_path).json()

    forked = method == "fork"
    assert found == [3, True, "__main__" if forked else "__mp_main__", forked]


# --- models --------------------------------------------------------------------------------------

TRAIN = """\
import sys

import keras
import numpy as np
from acme_layers.gated import GatedDense

keras.utils.set_random_seed(3)
model = keras.Sequential([keras.Input((4,)), GatedDense(8), keras.layers.Dense(1)])
model.compile("adam", "mse")
x = np.ones((8, 4))
model.fit(x, x[:, :1], verbose=0)
model.save(sys.argv[1])
print(model.predict(x, verbose=0).tolist())
"""

SERVE = """\
import sys

import keras
import numpy as np

model = keras.saving.load_model(sys.argv[1])
print(model.predict(np.ones((8, 4)), verbose=0).tolist())
"""


def test_programs_that_know_nothing_of_us_save_and_load(acme_site: Path, tmp_path: Path) -> None:
    """An unmodified program that plain Python fails to run loads what another one has saved."""
    (tmp_path / "train.py").write_text(TRAIN, encoding="utf-8")
    (tmp_path / "serve.py").write_text(SERVE, encoding="utf-8")
    where = {"cwd": tmp_path, "path": [acme_site]}

    trained = start(*RUN, "train.py", "model.keras", **where).json()
    failed = start("serve.py", "model.keras", **where)
    served = start(*RUN, "serve.py", "model.keras", **where)

    manifest = read_manifest_document(tmp_path / "model.keras")
    assert list(manifest["distributions"]) == ["acme-layers"]
    assert failed.returncode == 1
    assert "TypeError: Could not locate class 'GatedDense'" in failed.stderr
    assert json.loads(served.check().stdout) == trained
    assert served.messages == ""
