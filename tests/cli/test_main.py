"""The command line as a whole: usage, exit codes, and the ways to start it."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

import pytest
from tests.scenarios.archives import alter
from tests.scenarios.commands import run_command
from tests.support.processes import child_environment, core_path

from keras_registry.cli import list_command

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ended
    from tests.conftest import SavedModel


def test_help_lists_commands_and_exit_codes(
    run: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--help` shows every command with one line, and what the exit codes mean."""
    monkeypatch.setenv("COLUMNS", "80")

    ended = run("--help")

    assert (ended.code, ended.err) == (0, "")
    for word in ("inspect", "verify", "list", "exit codes: 0 no errors found"):
        assert word in ended.out


@pytest.mark.parametrize("command", ["inspect", "verify", "embed", "list"])
def test_each_command_has_help(command: str, run: Callable[..., Ended]) -> None:
    """`COMMAND --help` shows the command's own options."""
    ended = run(command, "--help")

    assert (ended.code, ended.err) == (0, "")
    assert f"usage: keras-registry {command}" in ended.out
    assert "--json" in ended.out


def test_version_is_that_of_the_distribution(run: Callable[..., Ended]) -> None:
    """`--version` prints name and version."""
    assert run("--version").out == f"keras-registry {version('keras-registry')}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["bogus"],
        ["inspect"],
        ["verify"],
        ["inspect", "a.keras", "b.keras"],
        ["verify", "--policy", "lax", "a.keras"],
        ["verify", "--policy"],
        ["list", "a.keras"],
        ["inspect", "--bogus", "a.keras"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2(arguments: list[str], run: Callable[..., Ended]) -> None:
    """Wrong usage prints nothing on stdout, the usage on stderr, and ends with 2."""
    ended = run(*arguments)

    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("usage: keras-registry")


def test_refused_policy_is_answered_with_the_names_of_policies(run: Callable[..., Ended]) -> None:
    """The message about a wrong `--policy` shows the names as they are typed."""
    ended = run("verify", "--policy", "lax", "a.keras")

    assert all(name in ended.err for name in ("strict", "compatible", "permissive"))
    assert "<" not in ended.err


def test_wrong_policy_variable_is_wrong_usage(
    run: Callable[..., Ended], acme_model: SavedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A `KERAS_REGISTRY_POLICY` that is none ends with 2 and one line that lists the policies."""
    monkeypatch.setenv("KERAS_REGISTRY_POLICY", "lax\x1b[31m")

    ended = run("verify", acme_model.path)

    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        "keras-registry: there is no policy 'lax\\x1b[31m'; "
        "the policies are strict, compatible, permissive\n"
    )


@pytest.mark.parametrize("arguments", [["list"], ["inspect"]], ids=["list", "inspect"])
def test_policy_variable_matters_to_verify_alone(
    arguments: list[str],
    run: Callable[..., Ended],
    acme_model: SavedModel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`list` and `inspect` judge nothing, so a wrong variable does not stop them."""
    monkeypatch.setenv("KERAS_REGISTRY_POLICY", "lax")

    assert run(*arguments, *([acme_model.path] if arguments == ["inspect"] else [])).code == 0


def test_defect_ends_with_4(run: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch) -> None:
    """An exception that nobody expected ends with 4, the traceback, and a request to report it."""

    def fail(parsed: object) -> int:
        _ = {}["not foreseen"]
        return 0

    monkeypatch.setattr(list_command, "run", fail)

    ended = run("list")

    assert (ended.code, ended.out) == (4, "")
    assert "KeyError: 'not foreseen'" in ended.err
    assert "defect of keras-registry; please report it" in ended.err


def test_module_can_be_run(acme_model: SavedModel, acme_site: Path) -> None:
    """`python -m keras_registry` is the command, exit code included."""
    good = run_command("verify", acme_model.path, path=[acme_site])
    bad = run_command("verify", acme_model.path)
    none = run_command("verify", "nothing.keras", cwd=acme_site)
    usage = run_command()

    codes = [done.returncode for done in (good, bad, none, usage)]
    assert codes == [0, 1, 3, 2]
    assert good.stderr == bad.stderr == ""


@pytest.mark.parametrize(
    "arguments", [["inspect"], ["inspect", "--json"], ["verify"]], ids=" ".join
)
def test_reader_that_has_seen_enough_is_no_error(
    arguments: list[str], acme_model: SavedModel
) -> None:
    """A closed pipe, as of `| head -1`, ends the command with 0 and without a word."""
    with subprocess.Popen(
        [sys.executable, "-m", "keras_registry", *arguments, str(acme_model.path)],
        env=child_environment(path=core_path()),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()  # long before the command has started
        said = process.stderr.read()

    assert (process.returncode, said) == (0, b"")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_screen_of_any_encoding_will_do(
    encoding: str, acme_model: SavedModel, tmp_path: Path
) -> None:
    """Where stdout cannot show a character, it is escaped; the command does not break on it."""

    def rename(config: dict) -> None:
        config["config"]["name"] = "модель"

    file = alter(acme_model.path, tmp_path / "model.keras", config=rename)
    env = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": None}

    done = run_command("inspect", file, env=env)

    assert (done.returncode, done.stderr) == (0, "")
    assert r'Sequential "\u043c' in done.stdout


def test_json_is_the_same_on_every_screen(acme_model: SavedModel) -> None:
    """JSON is printed in ASCII, so that no encoding matters."""
    done = run_command("inspect", "--json", acme_model.path, env={"PYTHONIOENCODING": "ascii"})

    assert done.returncode == 0
    assert done.stdout.isascii()
    assert json.loads(done.stdout)["command"] == "inspect"
