"""Tests of the snapshots of installed distributions: where they are, and what is wrong there."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from keras_registry.environment import Environment
from keras_registry.environment.snapshots import MAX_SNAPSHOT_BYTES
from keras_registry.findings import render_findings
from keras_registry.names import Kind
from tests.support.distributions import (
    PluginProject,
    build_wheel,
    hand_made_distribution,
    make_venv,
    pip_install,
    pip_install_editable,
    record_row,
    uv_install,
)
from tests.support.golden import check_golden
from tests.support.processes import run_python

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from keras_registry.environment import InstalledDistribution, InstalledSnapshot

BOMB = "raise RuntimeError('nobody may import this')\n"
ENTRY_POINTS = {
    "keras_registry.layers": {"krt>Gate": "krt_layers.gate:Gate"},
    "keras_registry.losses": {"krt>Pinball": "krt_layers.loss:Pinball"},
}
SNAPSHOT: dict[str, Any] = {
    "snapshot_version": "1.0",
    "generator": "keras-registry 0.1.0",
    "distribution": "krt-layers",
    "objects": [
        {"key": "krt>Gate", "kind": "layer", "config_version": 3, "backends": ["jax"]},
        {"key": "krt>Pinball", "kind": "loss"},
    ],
}
PROJECT = PluginProject(
    name="Krt.Layers",
    version="1.0",
    modules={
        "krt_layers/__init__.py": BOMB,
        "krt_layers/gate.py": BOMB,
        "krt_layers/loss.py": BOMB,
        "krt_layers/keras_registry.json": json.dumps(SNAPSHOT),
    },
    entry_points=ENTRY_POINTS,
)


def distribution_in(*folders: Path, name: str = "krt-layers") -> InstalledDistribution:
    """The distribution that is installed in some folders."""
    found = Environment(path=[str(folder) for folder in folders]).find_distribution(name)
    assert found is not None
    return found


def hand_made(
    folder: Path,
    snapshot: str | bytes | None,
    *,
    file: str = "krt_layers/keras_registry.json",
    entry_points: Any = ENTRY_POINTS,
    record: list[str] | None = None,
) -> InstalledSnapshot:
    """What is read of a distribution with this snapshot."""
    if snapshot is not None:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(snapshot.encode() if isinstance(snapshot, str) else snapshot)
    rows = [record_row(file, "")] if record is None else record
    hand_made_distribution(folder, "krt-layers", "1.0", entry_points, record=rows)
    return distribution_in(folder).snapshot


def check_text(name: str, installed: InstalledSnapshot, folder: Path) -> None:
    """Check the one finding of a snapshot by its words."""
    text = render_findings("this environment", installed.findings)
    check_golden(f"environment_{name}", text, replace={str(folder): "SITE"})


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of a distribution that has a snapshot, and whose code cannot be imported."""
    folder = tmp_path_factory.mktemp("wheel")
    return build_wheel(PROJECT.write(folder / "project"), folder)


# --- where it is -----------------------------------------------------------------------------


@pytest.mark.parametrize("install", [pip_install, uv_install])
def test_snapshot_of_a_wheel(
    install: Callable[[Path, Path], None], wheel: Path, tmp_path: Path
) -> None:
    """The snapshot in a wheel is found through RECORD, and nothing is imported to read it."""
    site = tmp_path / "site"
    install(wheel, site)
    before = set(sys.modules)

    installed = distribution_in(site).snapshot

    assert installed.path == site / "krt_layers" / "keras_registry.json"
    assert installed.findings == ()
    assert installed.snapshot is not None
    gate = installed.snapshot.find_object("krt>Gate")
    assert gate is not None
    assert (gate.kind, gate.config_version, gate.backends) == (Kind.LAYER, 3, ("jax",))
    assert installed.snapshot.find_object("krt>Other") is None
    assert not {name for name in set(sys.modules) - before if name.startswith("krt")}


LOOK = """
import sys

from keras_registry.environment import Environment

installed = Environment().find_distribution("krt-layers").snapshot
print(installed.path)
print([item.key for item in installed.snapshot.objects], installed.findings)
print([name for name in sys.modules if name.startswith(("krt", "keras.", "tensorflow", "numpy"))])
"""


def test_snapshot_of_an_editable_install(tmp_path: Path) -> None:
    """In an editable install it is found in the sources, and nothing is imported to read it."""
    python = make_venv(tmp_path / "venv")
    source = PROJECT.write(tmp_path / "project")
    pip_install_editable(source, python=python)

    done = run_python(LOOK, python=python).check()

    path, objects, modules = done.stdout.splitlines()
    assert path == str(source / "src" / "krt_layers" / "keras_registry.json")
    assert objects == "['krt>Gate', 'krt>Pinball'] ()"
    assert modules == "[]"


def editable(folder: Path, name: str, target: str) -> InstalledDistribution:
    """An editable install whose plugin is at a target, written by hand."""
    info = hand_made_distribution(
        folder, name, "1.0", {"keras_registry.layers": {f"{name}>Gate": target}}, record=None
    )
    (info / "direct_url.json").write_text(
        json.dumps({"url": "file:///nowhere", "dir_info": {"editable": True}}), encoding="utf-8"
    )
    return distribution_in(folder, name=name)


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on `sys.path`; nothing is imported from it."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    assert not {name for name in set(sys.modules) - before if name.startswith("krt")}


def snapshot_of(name: str) -> str:
    """The text of a snapshot of a distribution with one layer."""
    objects = [{"key": f"{name}>Gate", "kind": "layer"}]
    return json.dumps({**SNAPSHOT, "distribution": name, "objects": objects})


def test_editable_package_without_an_init(on_path: Path) -> None:
    """A namespace package has folders, too."""
    (on_path / "krt_space" / "inner").mkdir(parents=True)
    (on_path / "krt_space" / "keras_registry.json").write_text(snapshot_of("krt-space"))

    installed = editable(on_path, "krt-space", "krt_space.inner.gate:Gate").snapshot

    assert installed.snapshot is not None
    assert installed.path == on_path / "krt_space" / "keras_registry.json"


@pytest.mark.parametrize("target", ["krt_single:Gate", "krt_gone.gate:Gate", "__main__:Gate"])
def test_editable_without_a_package(target: str, on_path: Path) -> None:
    """A single module, or one that is not there, has no snapshot, and that is no fault."""
    (on_path / "krt_single.py").write_text(BOMB, encoding="utf-8")
    (on_path / "keras_registry.json").write_text(snapshot_of("krt-single"), encoding="utf-8")

    installed = editable(on_path, "krt-single", target).snapshot

    assert (installed.snapshot, installed.findings, installed.path) == (None, (), None)


def test_no_snapshot(tmp_path: Path) -> None:
    """A distribution without a snapshot is as good as one with it."""
    installed = hand_made(tmp_path, None, record=["krt_layers/gate.py,sha256=x,1"])

    assert (installed.snapshot, installed.findings, installed.path) == (None, (), None)


@pytest.mark.parametrize(
    "file",
    [
        "keras_registry.json",
        "other/keras_registry.json",
        "krt_layers/inner/keras_registry.json",
        "../krt_layers/keras_registry.json",
        "krt_layers/KERAS_REGISTRY.JSON",
    ],
)
def test_only_the_folder_of_the_plugins_counts(file: str, tmp_path: Path) -> None:
    """A file of that name elsewhere in a distribution is none of ours."""
    site = tmp_path / "site"

    installed = hand_made(site, json.dumps(SNAPSHOT), file=file)

    assert (installed.snapshot, installed.findings, installed.path) == (None, (), None)


def test_file_that_record_does_not_list(tmp_path: Path) -> None:
    """A file that the wheel did not bring is not read."""
    installed = hand_made(tmp_path, json.dumps(SNAPSHOT), record=[])

    assert (installed.snapshot, installed.path) == (None, None)


@pytest.mark.parametrize("record", [['"' + "x" * 200_000], ["\0"], [",,", ""]])
def test_record_that_is_broken(record: list[str], tmp_path: Path) -> None:
    """A RECORD that cannot be read leads to no snapshot."""
    assert hand_made(tmp_path, json.dumps(SNAPSHOT), record=record).snapshot is None


# --- what is wrong with it -------------------------------------------------------------------


def changed(**members: Any) -> str:
    """The text of a snapshot with other members."""
    return json.dumps({**SNAPSHOT, **members})


BROKEN = {
    "no_json": "keras_registry = 1",
    "no_text": b"\xff\xfe\x00",
    "empty": "",
    "array": "[]",
    "no_version": json.dumps({"objects": []}),
    "no_objects": json.dumps({k: v for k, v in SNAPSHOT.items() if k != "objects"}),
    "kind": changed(objects=[{"key": "krt>Gate", "kind": "thing"}]),
    "key": changed(objects=[{"key": "krt>Gate; rm -rf /", "kind": "layer"}]),
    "name": changed(distribution="krt layers\x1b[31m"),
    "several": changed(generator=3, objects=[{}, 3]),
    "deep": "[" * 100_000,
    "large": " " * (MAX_SNAPSHOT_BYTES + 1),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_snapshot(name: str, tmp_path: Path) -> None:
    """A snapshot that is none is one warning: where, what was wanted and what was found."""
    installed = hand_made(tmp_path, BROKEN[name])

    assert installed.snapshot is None
    assert [(item.code, item.level) for item in installed.findings] == [("D106", "warning")]
    check_text(f"D106_{name}", installed, tmp_path)


def test_snapshot_that_record_lists_and_that_is_not_there(tmp_path: Path) -> None:
    """A snapshot that was deleted after the installation is a broken one."""
    installed = hand_made(tmp_path, None)

    assert [item.code for item in installed.findings] == ["D106"]
    check_text("D106_gone", installed, tmp_path)


def test_foreign_snapshot(tmp_path: Path) -> None:
    """A snapshot that names another distribution is one warning, and is not believed."""
    installed = hand_made(tmp_path, changed(distribution="other-layers"))

    assert installed.snapshot is None
    assert [item.code for item in installed.findings] == ["D107"]
    check_text("D107", installed, tmp_path)


STALE = {
    "missing": SNAPSHOT["objects"][:1],
    "other_kind": [{"key": "krt>Gate", "kind": "object"}, SNAPSHOT["objects"][1]],
    "many": [
        *SNAPSHOT["objects"],
        *({"key": f"krt>Gone{i}", "kind": "layer"} for i in range(8)),
    ],
}


@pytest.mark.parametrize("name", STALE)
def test_stale_snapshot(name: str, tmp_path: Path) -> None:
    """A snapshot that disagrees with the entry points is one warning; what it says is kept."""
    installed = hand_made(tmp_path, changed(objects=STALE[name]))

    assert installed.snapshot is not None
    assert [item.code for item in installed.findings] == ["D108"]
    check_text(f"D108_{name}", installed, tmp_path)


def test_snapshot_of_another_major_version(tmp_path: Path) -> None:
    """A snapshot in a format of another major version is one warning, and is not read."""
    installed = hand_made(tmp_path, changed(snapshot_version="2.0", distribution=["krt"]))

    assert installed.snapshot is None
    assert [item.code for item in installed.findings] == ["D109"]
    check_text("D109", installed, tmp_path)


def test_snapshot_of_a_newer_minor_version(tmp_path: Path) -> None:
    """Of a snapshot in a newer format what is known is read, with a note."""
    news = {"key": "krt>Gate", "kind": "layer", "colour": "red"}
    objects = [news, SNAPSHOT["objects"][1]]

    installed = hand_made(tmp_path, changed(snapshot_version="1.7", news=[], objects=objects))

    assert installed.snapshot is not None
    assert [(item.code, item.level) for item in installed.findings] == [("D110", "note")]
    check_text("D110", installed, tmp_path)


def test_snapshot_is_read_once(tmp_path: Path) -> None:
    """A distribution's snapshot is read when it is first asked for, and kept."""
    assert hand_made(tmp_path, json.dumps(SNAPSHOT)).snapshot is not None
    distribution = distribution_in(tmp_path)
    first = distribution.snapshot
    (tmp_path / "krt_layers" / "keras_registry.json").unlink()

    assert distribution.snapshot is first
