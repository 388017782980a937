"""Tests of the distributions that the other tests build and install."""

from __future__ import annotations

import importlib.metadata
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.support.distributions import (
    PluginProject,
    build_wheel,
    find_uv,
    hand_made_distribution,
    make_venv,
    pip_install,
    pip_install_editable,
    pip_uninstall,
    record_row,
    uv_install,
)
from tests.support.processes import run_python

if TYPE_CHECKING:
    from pathlib import Path

PROJECT = PluginProject(
    name="tiny-plugin",
    version="1.0",
    modules={"tiny/deep/thing.py": "VALUE = 1\n", "tiny/data.json": "{}", "alone.py": ""},
    entry_points={"keras_registry.layers": {"tiny>Thing": "tiny.deep.thing:Thing"}},
    requires=["keras-registry>=0.1"],
)

# printf 'x\n' | openssl dgst -sha256 -binary | basenc --base64url, without the "="
HASH_OF_X = "c8s4WKaHqElMozIwUwFigvPa051Cz2LKTnndoqrH2aw"

SHOW_VERSIONS = """
from importlib.metadata import distributions
print([d.version for d in distributions() if d.name == "tiny-plugin"])
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of the project above."""
    folder = tmp_path_factory.mktemp("tiny")
    return build_wheel(PROJECT.write(folder / "project"), folder)


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a virtual environment that inherits this one."""
    return make_venv(tmp_path_factory.mktemp("venv"))


def test_wheel_has_what_was_described(wheel: Path) -> None:
    """The wheel holds the modules, the data and the metadata of the project, and nothing else."""
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        metadata = archive.read("tiny_plugin-1.0.dist-info/METADATA").decode()
        entry_points = archive.read("tiny_plugin-1.0.dist-info/entry_points.txt").decode()

    folders = {"tiny/__init__.py", "tiny/deep/__init__.py"}
    assert names == {*PROJECT.modules, *folders}
    assert "Requires-Dist: keras-registry>=0.1" in metadata
    assert entry_points.strip().splitlines() == [
        "[keras_registry.layers]",
        "tiny>Thing = tiny.deep.thing:Thing",
    ]


def test_project_can_be_changed() -> None:
    """A project with other modules leaves the first one as it was."""
    changed = PROJECT.with_modules({"alone.py": None, "new.py": "x = 1\n"}).evolve(version="2.0")

    assert changed.version == "2.0"
    assert set(changed.modules) == {"tiny/deep/thing.py", "tiny/data.json", "new.py"}
    assert "alone.py" in PROJECT.modules


@pytest.mark.parametrize("install", [pip_install, uv_install])
def test_wheel_is_installed_into_a_folder(install: object, wheel: Path, tmp_path: Path) -> None:
    """Each installer puts the modules and the metadata into the target folder."""
    if install is uv_install and find_uv() is None:
        pytest.fail("uv is one of the test dependencies, and is not here")
    assert callable(install)
    install(wheel, tmp_path)

    (found,) = importlib.metadata.distributions(path=[str(tmp_path)])
    assert (found.name, found.version) == ("tiny-plugin", "1.0")
    assert (tmp_path / "tiny" / "deep" / "thing.py").read_text(encoding="utf-8") == "VALUE = 1\n"


def test_pip_installs_upgrades_and_removes(wheel: Path, python: Path, tmp_path: Path) -> None:
    """In an environment pip replaces a version by another, and takes it out again."""
    newer = build_wheel(PROJECT.evolve(version="2.0").write(tmp_path / "project"), tmp_path)

    for each, wanted in ((wheel, "['1.0']\n"), (newer, "['2.0']\n"), (wheel, "['1.0']\n")):
        pip_install(each, python=python)
        assert run_python(SHOW_VERSIONS, python=python).check().stdout == wanted
    pip_uninstall("tiny-plugin", python=python)
    assert run_python(SHOW_VERSIONS, python=python).check().stdout == "[]\n"


def test_editable_installation_follows_the_source(python: Path, tmp_path: Path) -> None:
    """A project installed in place shows its sources and is marked as editable."""
    project = PROJECT.write(tmp_path / "project")
    pip_install_editable(project, python=python)
    code = (
        "import importlib.metadata, tiny.deep.thing as thing\n"
        "origin = importlib.metadata.distribution('tiny-plugin').read_text('direct_url.json')\n"
        "print(thing.VALUE, '\"editable\": true' in origin, thing.__file__)"
    )

    found = run_python(code, python=python).check().stdout
    pip_uninstall("tiny-plugin", python=python)

    assert found == f"1 True {project / 'src' / 'tiny' / 'deep' / 'thing.py'}\n"


def test_environment_inherits_keras_and_is_its_own(python: Path) -> None:
    """An environment finds Keras where this one has it, after what is installed in it."""
    code = (
        "import importlib.util, site, sys\n"
        "own = site.getsitepackages()[0]\n"
        "spec = importlib.util.find_spec('keras')\n"
        "print(sys.prefix, own in sys.path, spec.origin.startswith(own))"
    )

    assert run_python(code, python=python).check().stdout == f"{python.parents[1]} True False\n"


def test_installing_needs_one_place(wheel: Path, tmp_path: Path) -> None:
    """A wheel goes into a folder or into an environment, not into both or none."""
    for place in (None, tmp_path):
        with pytest.raises(ValueError, match="either"):
            pip_install(wheel, place, python=place)


def test_hand_made_distribution_is_discovered(tmp_path: Path) -> None:
    """A folder with a hand-made `*.dist-info` has that distribution, entry points and files."""
    entry_points = {"keras_registry.layers": {"a>B": "a.b:B"}, "other": {"c": "d"}}
    info = hand_made_distribution(
        tmp_path,
        "Hand.Made",
        "3",
        entry_points,
        record=[record_row("a/b.py", "x\n")],
        requires=["keras"],
    )

    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b.py").write_text("x\n")  # files that are gone are not listed

    (found,) = importlib.metadata.distributions(path=[str(tmp_path)])

    assert info.name == "hand_made-3.dist-info"
    assert (found.name, found.version, found.requires) == ("Hand.Made", "3", ["keras"])
    assert {(e.group, e.name, e.value) for e in found.entry_points} == {
        ("keras_registry.layers", "a>B", "a.b:B"),
        ("other", "c", "d"),
    }
    assert [str(file) for file in found.files or ()] == [
        "a/b.py",
        *(f"hand_made-3.dist-info/{name}" for name in ("METADATA", "entry_points.txt", "RECORD")),
    ]
    assert record_row("a/b.py", "x\n") == f"a/b.py,sha256={HASH_OF_X},2"


def test_hand_made_distribution_can_be_broken(tmp_path: Path) -> None:
    """A distribution can be made without RECORD, and with any text for METADATA."""
    info = hand_made_distribution(tmp_path, "broken", "1", record=None, metadata="no metadata")

    assert sorted(path.name for path in info.iterdir()) == ["METADATA"]
    assert (info / "METADATA").read_text(encoding="utf-8") == "no metadata"
