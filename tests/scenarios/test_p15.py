"""P15: one of the installed plugins is broken, and the model does not need it.

Plain Keras looks at no installed plugin, so that a broken one cannot disturb it, nor a good one
help. What would disturb it is a program that imports all plugins, as one must without the hooks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from keras_registry.cli import main
from tests.scenarios.archives import alter
from tests.scenarios.observing import install, observe, plain
from tests.support.distributions import PluginProject, hand_made_distribution
from tests.support.golden import check_golden

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import SavedModel
    from tests.support.processes import ForkServer


def fails_to_import(folder: Path) -> Path:
    """A plugin whose module raises."""
    project = PluginProject(
        name="broken-layers",
        version="2.0",
        modules={"broken_layers/layer.py": "raise RuntimeError('broken on import')\n"},
        entry_points={"keras_registry.layers": {"broken>Layer": "broken_layers.layer:Layer"}},
    )
    return install(project, folder)


def has_no_module(folder: Path) -> Path:
    """A plugin whose entry point leads nowhere."""
    entry_points = {"keras_registry.layers": {"broken>Layer": "not_there:Layer"}}
    hand_made_distribution(folder, "broken-layers", "2.0", entry_points)
    return folder


def has_a_bad_entry_point(folder: Path) -> Path:
    """A plugin whose entry point has no key and no target."""
    entry_points = {"keras_registry.layers": {"no key": "no target"}}
    hand_made_distribution(folder, "broken-layers", "2.0", entry_points)
    return folder


def has_no_version(folder: Path) -> Path:
    """A distribution whose metadata has neither name nor version."""
    entry_points = {"keras_registry.layers": {"broken>Layer": "not_there:Layer"}}
    hand_made_distribution(folder, "broken-layers", "2.0", entry_points, metadata="?")
    return folder


def has_bytes_for_entry_points(folder: Path) -> Path:
    """A distribution whose entry points are no text."""
    info = hand_made_distribution(folder, "broken-layers", "2.0")
    (info / "entry_points.txt").write_bytes(b"[keras_registry.layers]\n\xff\xfe = \x00")
    return folder


def is_empty(folder: Path) -> Path:
    """A metadata folder without a file in it."""
    (folder / "broken_layers-2.0.dist-info").mkdir(parents=True)
    return folder


# Not among them: entry points that are no UTF-8. With such a distribution pydantic, which looks for
# plugins of its own, can make no model at all.
BREAKAGES = [fails_to_import, has_no_module, has_a_bad_entry_point, has_no_version, is_empty]


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_model_loads_without_a_word(
    breakage: Callable[[Path], Path],
    acme_site: Path,
    acme_model: SavedModel,
    fork_server: ForkServer,
    tmp_path: Path,
) -> None:
    """A model that does not need the broken plugin loads in silence."""
    path = [breakage(tmp_path / "broken"), acme_site]

    loaded = observe(fork_server.run, acme_model.path, path=path, inputs=acme_model.npz)

    assert loaded.is_silent()
    assert loaded.findings == ()
    assert loaded.before == ()
    assert not [name for name in loaded.after if name.startswith(("broken", "not_there"))]


IMPORT_ALL = """
from importlib.metadata import entry_points
for point in entry_points(group="keras_registry.layers"):
    try:
        point.load()
    except Exception as error:
        seen["failed"] = f"{type(error).__name__}: {error}"
        break
"""


def test_plain_keras_needs_all_imported(
    acme_site: Path, acme_model: SavedModel, fork_server: ForkServer, tmp_path: Path
) -> None:
    """With the hooks off a program that imports what is installed stops at the broken plugin."""
    path = [fails_to_import(tmp_path / "broken"), acme_site]

    failed = observe(fork_server.run, acme_model.path, path=path, env=plain, prelude=IMPORT_ALL)

    assert failed.raw["failed"] == "RuntimeError: broken on import"
    assert "Could not locate class 'GatedDense'" in failed.text


@pytest.mark.parametrize("breakage", [has_a_bad_entry_point, has_no_version])
def test_model_without_a_manifest_loads_beside_it(
    breakage: Callable[[Path], Path],
    acme_site: Path,
    acme_model: SavedModel,
    fork_server: ForkServer,
    tmp_path: Path,
) -> None:
    """Also where a scan of everything installed is needed, the broken plugin is no matter."""
    file = alter(
        acme_model.path,
        tmp_path / "bare.keras",
        metadata=lambda document: document.pop("keras_registry"),
    )
    path = [breakage(tmp_path / "broken"), acme_site]

    loaded = observe(fork_server.run, file, path=path, inputs=acme_model.npz)

    assert loaded.is_silent()
    assert loaded.findings == (("M101", "note"),)


def findings_in(shown: str) -> str:
    """Return what a command says of the broken plugin, after what it lists."""
    lines = shown.splitlines()
    first = next(n for n, line in enumerate(lines) if line.startswith("  D1"))
    return "\n".join(lines[first:])


@pytest.mark.parametrize(
    ("breakage", "code"),
    [
        (has_a_bad_entry_point, "D104"),
        (has_no_version, "D101"),
        (has_bytes_for_entry_points, "D101"),
        (fails_to_import, None),
    ],
)
def test_list_names_it(
    breakage: Callable[[Path], Path],
    code: str | None,
    *,
    acme_site: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """`list` shows the good plugins and names what is wrong with the metadata of the other."""
    monkeypatch.syspath_prepend(breakage(tmp_path / "broken"))
    monkeypatch.syspath_prepend(acme_site)

    assert main(["list"]) == 0

    shown = capsys.readouterr().out
    assert "acme>GatedDense" in shown
    if code is None:
        assert "broken>Layer" in shown  # whether it can be imported is not known without importing
    else:
        name = f"scenarios/p15_{code}_{breakage.__name__}"
        check_golden(name, findings_in(shown), replace={str(tmp_path): "FOLDER"})
