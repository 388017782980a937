"""`keras-registry snapshot`: the public face of a plugin distribution is written and checked."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from tests.cli.test_schema import BROKEN, PROGRAM, project
from tests.scenarios.observing import install
from tests.support.distributions import make_venv, pip_install_editable
from tests.support.golden import check_golden
from tests.support.processes import run_python

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ended
    from tests.support.distributions import PluginProject
    from tests.support.processes import Completed, ForkServer

FILE = "krt_layers/keras_registry.json"


@pytest.fixture
def snapshot(fork_server: ForkServer) -> Callable[..., Completed]:
    """Run `keras-registry snapshot` in a process that has these folders on its path."""

    def command(*arguments: str | Path, path: Any = (), cwd: Path | None = None) -> Completed:
        return fork_server.run(PROGRAM, argv=["snapshot", *arguments], path=path, cwd=cwd)

    return command


@dataclass(frozen=True, slots=True)
class Editable:
    """An editable install of the plugin distribution.

    Attributes:
        python: The interpreter that has it.
        source: The folder of its sources.
        path: What its interpreter has on its path because of that, for a forked child.
    """

    python: Path
    source: Path
    path: tuple[Path, ...]

    @property
    def file(self) -> Path:
        """Where its snapshot lies."""
        return self.source / FILE


def install_editable(source: PluginProject, folder: Path) -> Editable:
    """Install a project in editable mode into an environment of its own."""
    python = make_venv(folder / "venv")
    written = source.write(folder / "project")
    pip_install_editable(written, python=python)
    (site,) = (folder / "venv").rglob("site-packages")
    return Editable(python, written / "src", (site, written / "src"))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Editable:
    """An editable install; each test writes the snapshot that it needs, or removes it."""
    return install_editable(project(), tmp_path_factory.mktemp("editable"))


@pytest.fixture
def editable(shared: Editable) -> Editable:
    """An editable install without a snapshot."""
    shared.file.unlink(missing_ok=True)
    return shared


@pytest.fixture(scope="module")
def text(
    tmp_path_factory: pytest.TempPathFactory, shared: Editable, fork_server: ForkServer
) -> str:
    """The text of the right snapshot."""
    file = tmp_path_factory.mktemp("right") / "keras_registry.json"
    argv = ["snapshot", "krt-layers", "-o", file]
    fork_server.run(PROGRAM, argv=argv, path=shared.path).check()
    return file.read_text(encoding="utf-8")


def test_snapshot_is_written_into_the_sources(
    snapshot: Callable[..., Completed], editable: Editable, text: str
) -> None:
    """In an editable install it is written where the author commits it, and is then up to date."""
    done = snapshot("krt-layers", path=editable.path)
    checked = snapshot("Krt_Layers", "--check", path=editable.path)

    assert (done.returncode, done.messages) == (0, "")
    assert done.stdout == f"{editable.file} written: 3 objects\n"
    assert editable.file.read_text(encoding="utf-8") == text
    assert (checked.returncode, checked.stdout) == (
        0,
        "the snapshot of krt-layers is up to date\n",
    )


def test_content(text: str) -> None:
    """It says of each object what only its code knows."""
    document = json.loads(text)

    assert list(document) == ["snapshot_version", "generator", "distribution", "objects"]
    assert document["distribution"] == "krt-layers"
    gate, pinball, swishy = document["objects"]
    assert gate["key"] == "krt>Gate"
    assert gate["config"]["properties"]["units"] == {"type": "integer", "exclusiveMinimum": 0}
    assert gate["schema"].startswith("xxh3:")
    assert (pinball["kind"], pinball["module"]) == ("loss", "krt_layers.gate")
    assert swishy == {
        "key": "krt>swishy",
        "kind": "function",
        "module": "krt_layers.gate",
        "class_name": "swishy",
    }


def test_its_own_environment(editable: Editable, text: str) -> None:
    """The interpreter with the editable install writes the same snapshot."""
    code = f"import sys; sys.argv[0] = 'keras-registry'\n{PROGRAM}"

    done = run_python(code, argv=["snapshot", "krt-layers"], python=editable.python)

    assert done.returncode == 0, done.stderr
    assert editable.file.read_text(encoding="utf-8") == text


def test_as_json(snapshot: Callable[..., Completed], editable: Editable, text: str) -> None:
    """The document says which file it is about, and whether that was written."""
    written = json.loads(snapshot("krt-layers", "--json", path=editable.path).stdout)
    checked = json.loads(snapshot("krt-layers", "--json", "--check", path=editable.path).stdout)

    assert written == {
        "report_version": "1.0",
        "command": "snapshot",
        "distribution": "krt-layers",
        "file": str(editable.file),
        "written": True,
        "findings": [],
    }
    assert checked == {**written, "written": False}


def edited(text: str, **members: Any) -> str:
    """A snapshot with other members."""
    return json.dumps({**json.loads(text), **members})


def test_missing_snapshot(snapshot: Callable[..., Completed], editable: Editable) -> None:
    """A distribution without a snapshot fails the check, which writes none."""
    done = snapshot("krt-layers", "--check", path=editable.path)

    assert done.returncode == 1
    check_golden("cli/snapshot_missing", done.stdout, replace={str(editable.source): "SRC"})
    assert not editable.file.exists()


def other_version(text: str) -> str:
    """A snapshot that claims a newer config_version."""
    gate, *others = json.loads(text)["objects"]
    return edited(text, objects=[{**gate, "config_version": 7}, *others])


def other_objects(text: str) -> str:
    """A snapshot that lacks an object and has another one."""
    _, *others = json.loads(text)["objects"]
    return edited(text, objects=[*others, {"key": "krt>Gone", "kind": "layer"}])


WRONG: dict[str, Callable[[str], str]] = {
    "other_version": other_version,
    "other_objects": other_objects,
    "broken": lambda _: "{",
    "foreign": lambda text: edited(text, distribution="other-layers"),
    "other_major": lambda text: edited(text, snapshot_version="2.0"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_snapshot(
    name: str, snapshot: Callable[..., Completed], editable: Editable, text: str
) -> None:
    """A snapshot that is not what the code says fails the check, which leaves it as it is."""
    wrong = WRONG[name](text)
    editable.file.write_text(wrong, encoding="utf-8")

    done = snapshot("krt-layers", "--check", path=editable.path)

    assert done.returncode == 1
    check_golden(f"cli/snapshot_{name}", done.stdout, replace={str(editable.source): "SRC"})
    assert editable.file.read_text(encoding="utf-8") == wrong


def test_newer_format_that_agrees(
    snapshot: Callable[..., Completed], editable: Editable, text: str
) -> None:
    """A snapshot by a newer keras-registry is up to date if it says the same."""
    editable.file.write_text(edited(text, snapshot_version="1.9", more=1), encoding="utf-8")

    assert snapshot("krt-layers", "--check", path=editable.path).returncode == 0


def test_file_elsewhere(
    snapshot: Callable[..., Completed], editable: Editable, text: str, tmp_path: Path
) -> None:
    """A file given with `--output` is the one that is written and the one that is checked."""
    file = tmp_path / "new" / "keras_registry.json"
    editable.file.write_text("broken", encoding="utf-8")

    missing = snapshot("krt-layers", "--check", "-o", file, path=editable.path)
    written = snapshot("krt-layers", "-o", file, path=editable.path)
    right = snapshot("krt-layers", "--check", "-o", file, path=editable.path)
    file.write_text(other_version(text), encoding="utf-8")
    stale = snapshot("krt-layers", "--check", "-o", file, path=editable.path)

    codes = [done.returncode for done in (missing, written, right, stale)]
    assert codes == [1, 0, 0, 1]
    assert str(file) in stale.stdout
    assert editable.file.read_text(encoding="utf-8") == "broken"


def test_wheel(snapshot: Callable[..., Completed], text: str, tmp_path: Path) -> None:
    """Of an installed wheel the snapshot is checked, but not written into the installation."""
    site = install(project().with_modules({FILE: text}), tmp_path)
    before = (site / FILE).read_text(encoding="utf-8")

    checked = snapshot("krt-layers", "--check", path=[site])
    refused = snapshot("krt-layers", path=[site])
    elsewhere = snapshot("krt-layers", "-o", tmp_path / "here.json", path=[site])

    assert [done.returncode for done in (checked, refused, elsewhere)] == [0, 2, 0]
    assert refused.stderr == (
        "keras-registry: krt-layers is not installed in editable mode, so its sources are not "
        "here: run pip install --editable in its folder, or give --output\n"
    )
    assert (site / FILE).read_text(encoding="utf-8") == before == text
    assert (tmp_path / "here.json").read_text(encoding="utf-8") == text


def test_wheel_of_newer_code(snapshot: Callable[..., Completed], text: str, tmp_path: Path) -> None:
    """A wheel whose author forgot to write the snapshot anew fails the check."""
    site = install(project("1.1", rate=None).with_modules({FILE: text}), tmp_path)

    done = snapshot("krt-layers", "--check", path=[site])

    assert done.returncode == 1
    check_golden("cli/snapshot_stale", done.stdout, replace={str(site): "SITE"})


@pytest.mark.parametrize("option", [None, "--check"])
def test_plugin_that_cannot_be_imported(
    option: str | None, snapshot: Callable[..., Completed], tmp_path: Path
) -> None:
    """What is wrong with each plugin is told at once, and nothing is written."""
    site, file = install(BROKEN, tmp_path), tmp_path / "new.json"
    options = [] if option is None else [option]

    done = snapshot("krt-layers", *options, "-o", file, path=[site])
    document = json.loads(snapshot("krt-layers", *options, "--json", path=[site]).stdout)

    assert done.returncode == 1
    check_golden("cli/snapshot_import", done.stdout)
    assert (document["file"], document["written"]) == (None, False)
    assert [item["code"] for item in document["findings"]] == ["R103", "R105", "R103"]
    assert not file.exists()


def test_plugin_in_a_single_module(snapshot: Callable[..., Completed], tmp_path: Path) -> None:
    """A distribution that is a single module has no place for a snapshot."""
    single = project().evolve(
        modules={
            "krt_single.py": "from keras_registry import register\n\n\n@register('krt')\n"
            "def swishy(x): ...\n"
        },
        entry_points={"keras_registry.functions": {"krt>swishy": "krt_single:swishy"}},
    )
    installed = install_editable(single, tmp_path)

    done = snapshot("krt-layers", path=installed.path)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "keras-registry: the plugins of krt-layers are in single modules, and a snapshot needs a "
        "package to lie in: make the module a folder with an __init__.py\n"
    )


def test_distribution_that_is_not_installed(run: Callable[..., Ended]) -> None:
    """A distribution that is not there is wrong usage."""
    ended = run("snapshot", "krt-gone")

    assert (ended.code, ended.out) == (2, "")
    assert ended.err == "keras-registry: krt-gone is not installed here: pip install krt-gone\n"


def test_file_that_cannot_be_written(
    snapshot: Callable[..., Completed], editable: Editable, tmp_path: Path
) -> None:
    """A file that cannot be written is wrong usage, and no defect of ours."""
    done = snapshot("krt-layers", "-o", tmp_path, path=editable.path)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"keras-registry: {tmp_path} cannot be written: ")
