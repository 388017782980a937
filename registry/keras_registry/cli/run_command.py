"""``keras-registry run``: an unmodified program, run with the hooks on, as Python would run it."""

from __future__ import annotations

import builtins
import os
import runpy
import sys
from importlib.machinery import SourceFileLoader
from pkgutil import get_importer
from types import ModuleType
from typing import TYPE_CHECKING

from keras_registry.cli import Exit
from keras_registry.names import printable

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from types import TracebackType

__all__ = ["configure", "run", "split"]

# What `python -m` and `python FOLDER` call. `runpy.run_module` and `run_path` would take the
# program's `__main__` away when its last line is done, before its threads and exit functions are.
_run_module_as_main = runpy._run_module_as_main  # type: ignore[attr-defined]  # noqa: SLF001


def split(given: Sequence[str]) -> tuple[list[str], list[str]]:
    """Parts the words that are ours from those behind the program's name, which are its own."""
    end = 3 if given[1:2] == ["-m"] else 2
    return list(given[:end]), list(given[end:])


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the command."""
    parser.usage = f"{parser.prog} [-h] (SCRIPT | -m MODULE) [ARGS ...]"
    parser.epilog = (
        "Everything behind SCRIPT or MODULE is given to the program, and the exit code is the "
        "program's. Forked children are covered too; a process that the program starts anew "
        "(subprocess, or multiprocessing by spawn or forkserver) is not."
    )
    program = parser.add_mutually_exclusive_group(required=True)
    program.add_argument(
        "script", nargs="?", metavar="SCRIPT", help="a file, a folder or an archive, as for python"
    )
    program.add_argument("-m", dest="module", metavar="MODULE", help="a module, as for python -m")


def run(parsed: argparse.Namespace) -> int:
    """Runs the program; what it raises, ``SystemExit`` too, is raised here.

    That keras_registry is imported is all that the program needs of us: the hooks wait for Keras.
    """
    try:
        if parsed.module is not None:
            return _run_module(parsed.module, parsed.arguments)
        return _run_script(parsed.script, parsed.arguments)
    except SystemExit:
        raise
    except BaseException as error:
        _leave_us_out(error)
        raise


def _run_module(name: str, arguments: Sequence[str]) -> int:
    sys.argv = ["-m", *arguments]  # the file's name takes the place of "-m" once it is found
    if not sys.flags.safe_path:
        sys.path[0] = os.getcwd()  # noqa: PTH109 - as text, as Python has it there
    _new_main()
    _run_module_as_main(name)
    return Exit.OK


def _run_script(script: str, arguments: Sequence[str]) -> int:
    path = _absolute(script)
    if get_importer(path) is not None:
        sys.argv = [script, *arguments]
        sys.path[: 0 if sys.flags.safe_path else 1] = [path]
        _new_main()
        _run_module_as_main("__main__", alter_argv=False)
        return Exit.OK
    loader = SourceFileLoader("__main__", path)
    try:
        source = loader.get_data(path)
    except OSError as error:
        shown = printable(script, limit=1000)
        sys.stderr.write(f"keras-registry: {shown} cannot be read: {error.strerror or error}\n")
        return Exit.USAGE
    sys.argv = [script, *arguments]
    if not sys.flags.safe_path:
        # Python on Windows looks for the modules of a program beside a link, not behind it.
        resolve = os.path.abspath if os.name == "nt" else os.path.realpath
        sys.path[0] = os.path.dirname(resolve(path))  # noqa: PTH120 - as text
    main = _new_main(__file__=path, __cached__=None, __loader__=loader)
    # The loader itself would write byte code beside the script, which Python does not do.
    exec(compile(source, path, "exec", dont_inherit=True), vars(main))  # noqa: S102 - asked for
    return Exit.OK


def _absolute(script: str) -> str:
    """The path as Python makes it absolute: where ``..`` may lead through a link, it stays."""
    if os.name == "nt":
        return os.path.abspath(script)  # noqa: PTH100 - as text
    folder = os.getcwd()  # noqa: PTH109 - as text
    return folder if script == "." else os.path.join(folder, script)  # noqa: PTH118 - as text


def _new_main(**names: object) -> ModuleType:
    """Puts an empty module in the place of the one that has started us."""
    main = ModuleType("__main__")
    vars(main).update(names, __builtins__=builtins)
    sys.modules["__main__"] = main
    return main


def _leave_us_out(error: BaseException) -> None:
    """Has the traceback, if it comes to be shown, begin where the program does."""
    shown: TracebackType | None = error.__traceback__
    while shown is not None and shown.tb_frame.f_globals is globals():
        shown = shown.tb_next
    hook = sys.excepthook

    def show(kind: type[BaseException], value: BaseException, _: TracebackType | None) -> None:
        sys.excepthook = hook
        hook(kind, value.with_traceback(shown), shown)

    sys.excepthook = show
