"""`verify --build`: what only a load can tell, told by a process of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.scenarios.archives import alter
from tests.scenarios.observing import install, normalised
from tests.support.golden import check_golden
from tests.support.plugins import acme_project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any

    from tests.cli.conftest import Ended
    from tests.conftest import SavedModel


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have acme-layers 1.4.2 installed, with these lines before its code."""

    def prepare(before: str = "") -> None:
        site = install(acme_project("1.4.2"), tmp_path / "site")
        module = site / "acme_layers" / "gated.py"
        module.write_text(before + module.read_text(encoding="utf-8"), encoding="utf-8")
        monkeypatch.syspath_prepend(site)
        monkeypatch.setenv("PYTHONPATH", str(site))

    return prepare


def test_file_that_loads(
    run: Callable[..., Ended], installed: Callable[..., None], acme_model: SavedModel
) -> None:
    """A model that is loaded and verified takes one line, as without --build."""
    installed()

    ended = run("verify", "--build", "--policy", "permissive", acme_model.path)

    assert ended.code == 0
    assert ended.out.startswith(f"{acme_model.path} can be loaded here: ")
    assert "error" not in ended.out


def test_what_only_a_load_finds(
    run: Callable[..., Ended],
    installed: Callable[..., None],
    acme_model: SavedModel,
    tmp_path: Path,
) -> None:
    """Weights that are not those that were saved are found by a load alone."""
    installed()

    def change(manifest: dict[str, Any]) -> None:
        manifest["weights"]["layers"]["fingerprint"] = f"xxh3:{'0' * 32}"

    path = alter(acme_model.path, tmp_path / "other.keras", manifest=change)

    plain, built = run("verify", path), run("verify", "--build", "--json", path)

    assert "W102" not in plain.out
    document = json.loads(built.out)
    assert (built.code, document["loadable"]) == (1, False)
    assert "W102" in {item["code"] for item in document["findings"]}


def test_load_that_crashes(
    run: Callable[..., Ended], installed: Callable[..., None], acme_model: SavedModel
) -> None:
    """Code that ends its process ends that one, and not the process that verifies."""
    installed("import os, signal\nos.kill(os.getpid(), signal.SIGABRT)\n")

    ended = run("verify", "--build", "--policy", "permissive", acme_model.path)

    assert ended.code == 1
    check_golden(
        "cli/building_crash", normalised(ended.out), replace={str(acme_model.path): "churn.keras"}
    )


def test_load_that_does_not_end(
    run: Callable[..., Ended], installed: Callable[..., None], acme_model: SavedModel
) -> None:
    """A load that takes too long is stopped."""
    installed()

    ended = run("verify", "--build", "--timeout", "0.2", acme_model.path)

    assert ended.code == 1
    assert "K108 error    loading the model did not end well" in ended.out
    assert "no end after 0.2 seconds" in ended.out
