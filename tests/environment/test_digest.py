"""Tests of the digest of an installed distribution, and of editable installs."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

import pytest

from keras_registry.documents import forms
from keras_registry.environment import Environment, InstalledDistribution
from tests.support.distributions import (
    PluginProject,
    build_wheel,
    find_uv,
    hand_made_distribution,
    pip_install,
    record_row,
    uv_install,
)

if TYPE_CHECKING:
    from pathlib import Path

ENTRY_POINTS = {"keras_registry.layers": {"acme>GatedDense": "acme_layers.gated:GatedDense"}}
PROJECT = PluginProject(
    name="acme-layers",
    version="1.4.2",
    modules={
        "acme_layers/gated.py": "class GatedDense: ...\n",
        "acme_layers/a, b.py": "X = 1\n",
        "acme_layers/data.json": "{}",
    },
    entry_points=ENTRY_POINTS,
)
ROWS = [record_row("acme_layers/__init__.py", ""), record_row("acme_layers/gated.py", "x\n")]


def installed(folder: Path, name: str = "acme-layers") -> InstalledDistribution:
    """The distribution in a folder."""
    found = Environment(path=[str(folder)]).find_distribution(name)
    assert found is not None
    return found


def digest_of(folder: Path, *rows: str) -> str | None:
    """The digest of a hand-made distribution with these rows in its RECORD."""
    hand_made_distribution(folder, "acme-layers", "1.4.2", ENTRY_POINTS, record=rows)
    return installed(folder).digest


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of the project above."""
    folder = tmp_path_factory.mktemp("wheel")
    return build_wheel(PROJECT.write(folder / "project"), folder)


def test_digest_is_the_published_one(tmp_path: Path) -> None:
    """SHA-256 over the sorted lines `path,hash` of RECORD, in UTF-8."""
    lines = sorted(",".join(row.split(",")[:2]) + "\n" for row in ROWS)

    digest = digest_of(tmp_path, *reversed(ROWS))

    assert digest == "sha256:" + hashlib.sha256("".join(lines).encode()).hexdigest()
    assert forms.DIGEST.accepts(digest)


@pytest.mark.skipif(find_uv() is None, reason="there is no uv here")
def test_digest_is_the_same_whichever_installer_it_was(wheel: Path, tmp_path: Path) -> None:
    """One wheel has one digest: installed by pip, by pip without compiling, and by uv."""
    pip_install(wheel, tmp_path / "pip")
    pip_install(wheel, tmp_path / "plain", byte_compile=False)
    uv_install(wheel, tmp_path / "uv")

    digests = [installed(tmp_path / name).digest for name in ("pip", "plain", "uv")]

    assert digests[0] is not None
    assert digests == [digests[0]] * 3
    assert any((tmp_path / "pip").rglob("*.pyc"))
    assert not installed(tmp_path / "pip").editable


@pytest.mark.skipif(find_uv() is None, reason="there is no uv here")
def test_digest_tells_builds_apart(wheel: Path, tmp_path: Path) -> None:
    """Another build of the same version with other code has another digest."""
    changed = PROJECT.with_modules({"acme_layers/gated.py": "class GatedDense: x = 1\n"})
    other = build_wheel(changed.write(tmp_path / "project"), tmp_path)
    for number, each in enumerate((wheel, wheel, other)):
        uv_install(each, tmp_path / str(number))

    one, again, two = (installed(tmp_path / str(number)) for number in range(3))

    assert one.distribution_version == two.distribution_version
    assert one.digest == again.digest
    assert one.digest != two.digest


def test_digest_is_that_of_the_installation_not_of_the_files(tmp_path: Path) -> None:
    """It is taken over RECORD, without reading the modules: later edits by hand do not show."""
    module = tmp_path / "acme_layers" / "gated.py"
    module.parent.mkdir()
    module.write_text("x\n", encoding="utf-8")
    before = digest_of(tmp_path, *ROWS)

    module.write_text("edited = True\n", encoding="utf-8")

    assert installed(tmp_path).digest == before


@pytest.mark.parametrize(
    "row",
    [
        "acme_layers/__pycache__/gated.cpython-311.pyc,,",
        "acme_layers/__pycache__/gated.cpython-311.pyc,sha256=abc,12",
        "acme_layers-1.4.2.dist-info/INSTALLER,sha256=abc,4",
        "acme_layers-1.4.2.dist-info/licenses/LICENSE,sha256=abc,4",
        "../../bin/acme,sha256=abc,200",
        "../../../share/acme/data.json,sha256=abc,200",
        "acme_layers/unhashed.py,,",
        "acme_layers/short",
        "",
    ],
)
def test_rows_that_installers_write_do_not_count(row: str, tmp_path: Path) -> None:
    """Compiled modules, metadata, scripts and rows without a hash change nothing."""
    assert digest_of(tmp_path / "a", *ROWS, row) == digest_of(tmp_path / "b", *ROWS)


@pytest.mark.parametrize(
    "rows",
    [
        [*ROWS, "acme_layers/more.py,sha256=abc,1"],
        [ROWS[0]],
        [ROWS[0], ROWS[1].replace("sha256=", "sha256=X")],
        [ROWS[0], ROWS[1].replace("gated", "Gated")],
        [*ROWS, "acme_layers/x.dist-info/data.json,sha256=abc,1"],
    ],
)
def test_rows_of_the_distribution_count(rows: list[str], tmp_path: Path) -> None:
    """A file more, a file less, other bytes or another name: another digest."""
    assert digest_of(tmp_path / "a", *rows) != digest_of(tmp_path / "b", *ROWS)


def test_size_does_not_count(tmp_path: Path) -> None:
    """Only path and hash count: not every installer writes the size."""
    short = [re.sub(r",\d+$", ",", row) for row in ROWS]

    assert digest_of(tmp_path / "a", *short) == digest_of(tmp_path / "b", *ROWS)


@pytest.mark.parametrize("record", [None, [], ["acme_layers/gated.py,,"]])
def test_without_hashes_there_is_no_digest(record: list[str] | None, tmp_path: Path) -> None:
    """Where RECORD is missing or says nothing, the code cannot be told."""
    hand_made_distribution(tmp_path, "acme-layers", "1.4.2", ENTRY_POINTS, record=record)

    assert installed(tmp_path).digest is None


@pytest.mark.parametrize("row", ['"unclosed,sha256=abc,1', "a\x00b,sha256=abc,1", ",,,,", '"'])
def test_strange_rows_raise_nothing(row: str, tmp_path: Path) -> None:
    """A RECORD that somebody edited gives a digest or none."""
    digest = digest_of(tmp_path, *ROWS, row)

    assert digest is None or forms.DIGEST.accepts(digest)


def test_endless_row_raises_nothing(tmp_path: Path) -> None:
    """Nor does a RECORD with a field longer than the csv module takes."""
    assert digest_of(tmp_path, *ROWS, "a" * 200_000 + ",sha256=abc,1") is None


@pytest.mark.parametrize(
    ("document", "editable"),
    [
        ({"url": "file:///src", "dir_info": {"editable": True}}, True),
        ({"url": "file:///src", "dir_info": {"editable": False}}, False),
        ({"url": "file:///src", "dir_info": {}}, False),
        ({"url": "https://example.org/a.whl", "archive_info": {}}, False),
        ({"dir_info": {"editable": "true"}}, False),
        ({"dir_info": [True]}, False),
        ([], False),
        (None, False),
    ],
)
def test_editable_install_is_known(document: object, editable: object, tmp_path: Path) -> None:
    """`direct_url.json` tells an editable install (PEP 660), which has no digest."""
    info = hand_made_distribution(tmp_path, "acme-layers", "1.4.2", ENTRY_POINTS, record=ROWS)
    (info / "direct_url.json").write_text(json.dumps(document), encoding="utf-8")

    found = installed(tmp_path)

    assert found.editable is editable
    assert (found.digest is None) == editable


@pytest.mark.skipif(find_uv() is None, reason="there is no uv here")
def test_scripts_do_not_count_in_a_target_folder(tmp_path: Path) -> None:
    """A script names the interpreter of the machine, so it is left out of the digest."""
    project = PROJECT.write(tmp_path / "project")
    with (project / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write('\n[project.scripts]\nacme = "acme_layers.gated:main"\n')
    wheel = build_wheel(project, tmp_path)
    pip_install(wheel, tmp_path / "pip", byte_compile=False)
    uv_install(wheel, tmp_path / "uv")

    assert installed(tmp_path / "pip").digest == installed(tmp_path / "uv").digest
