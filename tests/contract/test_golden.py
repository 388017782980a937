"""Golden files: what one version of a plugin saved, the next one has to load, and give the same."""

from __future__ import annotations

import json
import re
import shutil
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from keras_registry.contract.golden_files import (
    INDEX,
    iter_releases,
)
from keras_registry.names import Kind
from tests.conftest import CHECKOUT
from tests.contract.golden_layers import FIRST, SECOND, project
from tests.scenarios.observing import install
from tests.support.golden import check_golden

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.processes import ForkServer

SCHEMA = CHECKOUT / "schema" / "report" / "1.0.schema.json"

COMMAND = """\
import sys

from keras_registry.cli import main

sys.exit(main(sys.argv[1:]))
"""

CHECKS = """\
import sys
from pathlib import Path

from keras_registry.contract import bind, subjects_of
from keras_registry.contract.rendering import render_failure

folder = None if sys.argv[2:] else Path(sys.argv[1])
for bound in bind(subjects_of("krg-layers", golden=folder)):
    if bound.check.code.startswith("C8"):
        result = bound.run()
        said = result.reason or result.note or ""
        print(bound.check.code, bound.subject.key, result.status, said)
        if result.failure:
            print(render_failure(result, bound.check))
"""


def normalised(text: str, *folders: Path) -> str:
    """What is printed, without folders, automatic names and what depends on the backend."""
    for folder in folders:
        text = text.replace(str(folder), "FOLDER")
    for pattern, shown in (
        (r"\[-?\d[^]]*, …\]|\[-?\d\.\d+[^]]*\]", "[…]"),
        (r"largest difference [^\s,]+( at \[[^]]*\])?", "largest difference #"),
        (r"-?\d+\.\d\d+\b", "#"),
    ):
        text = re.sub(pattern, shown, text)
    text = re.sub(r"takes \d+ bytes", "takes # bytes", text)
    text = re.sub(r"tried last: .*: give inputs", "tried last: …: give inputs", text)
    return re.sub(r"([a-z])_\d+(?=[\"/])", r"\1", text)


@pytest.fixture(scope="module")
def first_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the first version is installed."""
    return install(project("1.0.0", FIRST), tmp_path_factory.mktemp("first"))


@pytest.fixture(scope="module")
def second_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the second version is installed."""
    return install(project("2.0.0", SECOND), tmp_path_factory.mktemp("second"))


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the project, as far as the commands look at it."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "pyproject.toml").write_text('[project]\nname = "krg-layers"\n', encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def recorded(fork_server: ForkServer, first_site: Path, sources: Path) -> tuple[str, str]:
    """What the command says that records the first version, and what its checks say then."""
    program = COMMAND.replace("sys.exit", "print") + CHECKS
    done = fork_server.run(program, argv=["golden", "record"], path=[first_site], cwd=sources)
    written, _, checked = done.check().stdout.partition("\n0\n")
    return written, checked


# --- recording -------------------------------------------------------------------------------


def test_record_says_what_it_writes_and_leaves_out(recorded, sources) -> None:
    """Each object that was recorded is named with what made it, each other one with the reason."""
    check_golden("contract/golden_record", normalised(recorded[0], sources))


@pytest.mark.usefixtures("recorded")
def test_golden_files_are_small_and_say_what_made_them(sources: Path) -> None:
    """There is a small model and its arrays for each object, and an index with the versions."""
    folder = sources / "tests" / "golden" / "1.0.0"

    (release,) = iter_releases(folder.parent)

    index = release.index
    assert (index.distribution, index.distribution_version) == ("krg-layers", "1.0.0")
    assert index.environment.keys() == {"python", "keras", "backend", "backend_version"}
    assert all(index.environment.values())
    names = {f"{model.file}.{ending}" for model in index.models for ending in ("keras", "npz")}
    assert {path.name for path in folder.iterdir()} == {INDEX, *names}
    assert all(path.stat().st_size < 20_000 for path in folder.iterdir())
    kinds = {model.kind for model in index.models}
    assert kinds == set(Kind) - {Kind.OBJECT}
    (noisy,) = [model for model in index.models if model.key == "krg>Noisy"]
    assert noisy.outputs == {}


AGAIN = """\
from pathlib import Path

import numpy as np

from keras_registry.cli import main
from keras_registry.contract.golden_files import read_arrays
from keras_registry.testing import record_golden

folder = Path("golden", "1.0.0")


def record(*options):
    print("---", *options)
    print(main(["golden", "record", "krs-layers", "--output", "golden", *options]))


def arrays():
    stored = (read_arrays(path) for path in sorted(folder.glob("*.npz")))
    return [array.tolist() for arrays in stored for array in arrays.values()]


record("--json")
before = arrays()
record()
(folder / "left-over.keras").touch()
record("--replace", "--json")
print(before == arrays(), sorted(path.name for path in folder.iterdir()))
(folder / "golden.json").unlink()
record("--replace")
board = {"krs>Picky": lambda: np.ones((2, 7, 7), "float32")}
done = record_golden("krs-layers", Path("mine"), inputs=board)
print(*(f"{model.key}: {model.called_with}" for model in done.models), sep="\\n")
"""

SMALL = '''\
import keras

from keras_registry import register


@register("krs")
class Double(keras.layers.Layer):
    """A layer."""

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=input_shape[1:], name="kernel")

    def call(self, inputs):
        return 2 * inputs * self.kernel


@register("krs")
class Picky(keras.layers.Layer):
    """It takes nothing usual."""

    def call(self, inputs):
        if inputs.shape[1:] != (7, 7):
            message = "give it a board of 7 by 7"
            raise ValueError(message)
        return inputs
'''


def small(source: str = SMALL, names: tuple[str, ...] = ("Double", "Picky")):
    """A distribution with a layer or two."""
    entries = {f"krs>{name}": f"krs_layers.it:{name}" for name in names}
    return project().evolve(
        name="krs-layers",
        modules={"krs_layers/it.py": source},
        entry_points={"keras_registry.layers": entries},
    )


def test_record_again(fork_server: ForkServer, tmp_path: Path) -> None:
    """Files that are there stay, unless they are to be replaced; a program can say the inputs."""
    site = install(small(), tmp_path)

    done = fork_server.run(AGAIN, path=[site], cwd=tmp_path)

    pattern = re.compile(r"^\{\n.*?^\}$", re.MULTILINE | re.DOTALL)
    documents = [json.loads(text) for text in pattern.findall(done.stdout)]
    assert len(documents) == 2
    for document in documents:
        Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(document)
        assert document["command"] == "golden record"
        assert [model["key"] for model in document["models"]] == ["krs>Double"]
        assert [item["key"] for item in document["left_out"]] == ["krs>Picky"]
    shown = pattern.sub("{…}", done.stdout)
    check_golden("contract/golden_again", f"{shown}\n{done.messages}")


BROKEN = "import nothing_of_this_name\n"


@pytest.mark.parametrize(
    ("source", "names", "golden"),
    [(SMALL, ("Picky",), "nothing"), (BROKEN, ("Double",), "broken")],
    ids=["nothing", "broken"],
)
def test_nothing_can_be_recorded(fork_server, tmp_path, source, names, golden) -> None:
    """Where no object can be recorded nothing is written, and the command ends with 1."""
    site = install(small(source, names), tmp_path)

    argv = ["golden", "record", "krs-layers", "-o", "golden"]
    done = fork_server.run(COMMAND, argv=argv, path=[site], cwd=tmp_path)

    assert done.returncode == 1
    assert not (tmp_path / "golden").exists()
    check_golden(f"contract/golden_record_{golden}", normalised(done.stdout))


@pytest.mark.parametrize(
    ("arguments", "golden"),
    [([], "no_project"), (["krg-layers"], "no_sources"), (["nothing"], "not_installed")],
)
def test_wrong_usage(fork_server, first_site, tmp_path, arguments, golden) -> None:
    """Without a project or its sources nothing is recorded, and the command ends with 2."""
    argv = ["golden", "record", *arguments]
    done = fork_server.run(COMMAND, argv=argv, path=[first_site], cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    check_golden(f"contract/golden_{golden}", done.messages)


# --- the next version ------------------------------------------------------------------------


@pytest.mark.usefixtures("recorded")
def test_next_version_is_held_to_what_was_saved(fork_server, second_site, sources) -> None:
    """Formula, weights, argument or key: what changed is named; what was migrated passes."""
    folder = sources / "tests" / "golden"

    done = fork_server.run(CHECKS, argv=[folder], path=[second_site]).check()

    check_golden("contract/golden_next", normalised(done.stdout, folder, second_site))


def test_version_that_recorded_them_passes(recorded: tuple[str, str]) -> None:
    """The version that saved the files gives what it gave; they are found in its project."""
    lines = [line.split() for line in recorded[1].splitlines()]
    without = {f"krg>{name}" for name in ("Mass", "Picky", "Policy", "Vast", "scale")}
    assert {key for _, key, status, *_ in lines if status == "skipped"} == without
    assert {status for _, _, status, *_ in lines} == {"passed", "skipped"}
    assert len(lines) == 1 + 3 * (20 + len(without))


def test_missing_files_are_named_with_the_command(fork_server, first_site, tmp_path) -> None:
    """Where nothing was recorded the checks are skipped, and say how to record."""
    done = fork_server.run(CHECKS, argv=[tmp_path], path=[first_site]).check()

    lines = [line for line in done.stdout.splitlines() if "krg>" not in line or "Kept" in line]
    check_golden("contract/golden_missing", "\n".join(lines))


@pytest.mark.usefixtures("recorded")
def test_check_command_takes_the_folder(fork_server, second_site, sources) -> None:
    """`keras-registry check --golden FOLDER` holds a distribution to the files in a folder."""
    argv = ["check", "krg-layers", "-k", "C801", "--golden", sources / "tests" / "golden"]

    done = fork_server.run(COMMAND, argv=argv, path=[second_site])

    assert done.returncode == 1
    assert "C801 failed   krg-layers: golden_objects_are_there" in done.stdout
    elsewhere = fork_server.run(COMMAND, argv=[*argv[:-1], "nowhere"], path=[second_site])
    assert elsewhere.returncode == 2
    assert elsewhere.messages == "keras-registry: there is no folder nowhere of golden files\n"


PYTEST = """\
import sys

import pytest

sys.exit(pytest.main(["-p", "no:cacheprovider", "-q", *sys.argv[1:]]))
"""


@pytest.mark.usefixtures("recorded")
def test_pytest_takes_the_folder(fork_server, second_site, sources, tmp_path) -> None:
    """The setting of pytest names the folder, from the root of the tests."""
    shutil.copytree(sources / "tests" / "golden", tmp_path / "mine")
    settings = ["keras_registry_distribution = krg-layers", "keras_registry_golden = mine"]
    (tmp_path / "pytest.ini").write_text("\n".join(["[pytest]", *settings]), encoding="utf-8")

    argv = ["--keras-registry", "-k", "golden_objects"]
    done = fork_server.run(PYTEST, argv=argv, path=[second_site], cwd=tmp_path)

    assert done.returncode == 1
    assert re.search(r"1 failed, \d+ deselected", done.stdout), done.stdout
    assert "at fault   krg>Gone" in done.stdout
