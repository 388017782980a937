"""The commands in this process: what they print, and how they end."""

from __future__ import annotations

import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from keras_registry.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended.

    Attributes:
        code: Its exit code.
        out: What it wrote to stdout.
        err: What it wrote to stderr.
    """

    code: int
    out: str
    err: str


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Ended]:
    """Run a command with these arguments, under the backend that saved the models of the tests."""
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    monkeypatch.delenv("KERAS_REGISTRY_POLICY", raising=False)

    def command(*arguments: str | Path) -> Ended:
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stop:  # as argparse ends
            code = int(stop.code or 0)
        return Ended(int(code), *capsys.readouterr())

    return command


@pytest.fixture
def with_acme(acme_site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have acme-layers 1.4.2 installed."""
    monkeypatch.syspath_prepend(acme_site)


@pytest.fixture
def only_installed(
    run: Callable[..., Ended], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """Have nothing installed but what is in the folders that are given."""
    run("list")  # imports all that the command needs
    standard = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib")}
    standard |= {str(Path(sysconfig.get_path("platstdlib")) / "lib-dynload")}

    def restrict(*folders: Path) -> None:
        monkeypatch.setattr(sys, "path", [*map(str, folders), *sorted(standard)])

    return restrict
