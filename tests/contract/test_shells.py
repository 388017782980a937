"""The shells of the contract kit: `keras-registry check`, and pytest."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from tests.conftest import CHECKOUT
from tests.scenarios.commands import run_command
from tests.scenarios.observing import install
from tests.support.distributions import (
    PluginProject,
    hand_made_distribution,
    make_venv,
    pip_install_editable,
)
from tests.support.golden import check_golden
from tests.support.processes import child_environment, core_path, other_backends

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.processes import Completed, ForkServer

STARTER = "keras-registry-starter"
SCHEMA = CHECKOUT / "schema" / "report" / "1.0.schema.json"

CHECK = """\
import sys

from keras_registry.cli import main

sys.exit(main(["check", *sys.argv[1:]]))
"""

PYTEST = """\
import sys

import pytest

sys.exit(pytest.main(["-p", "no:cacheprovider", *sys.argv[1:]]))
"""

FORGETFUL = '''\
"""A layer that forgets."""

import keras

from keras_registry import register


@register("krc")
class Forgetful(keras.layers.Layer):
    """It writes no rate into its config."""

    def __init__(self, rate: float = 0.5, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate

    def call(self, inputs):
        return inputs * self.rate

    def get_config(self):
        return super().get_config()
'''


def project(module: str = FORGETFUL, **changes) -> PluginProject:
    """A distribution with one layer."""
    values = {
        "name": "krc-layers",
        "version": "1.0.0",
        "modules": {"krc_layers/forgetful.py": module},
        "entry_points": {
            "keras_registry.layers": {"krc>Forgetful": "krc_layers.forgetful:Forgetful"}
        },
    }
    return PluginProject(**{**values, **changes})


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed the distribution."""
    return install(project(), tmp_path_factory.mktemp("krc"))


@pytest.fixture
def check(fork_server: ForkServer) -> Callable[..., Completed]:
    """Run `keras-registry check` in a process that has these folders on its path."""

    def command(*arguments: str | Path, path=(), cwd=None) -> Completed:
        return fork_server.run(CHECK, argv=arguments, path=path, cwd=cwd)

    return command


def normalised(text: str, *folders: Path) -> str:
    """What is printed, without seconds and folders."""
    text = re.sub(r"\d+\.\d+ s\b", "N s", text)
    text = re.sub(r" +\d+\.\d\d(?=  )", "  N.NN", text)
    for folder in folders:
        text = text.replace(str(folder), "FOLDER")
    return text


# --- the command -----------------------------------------------------------------------------


def test_check_says_what_fails(check, site) -> None:
    """What fails is told with promise, case, place and fix; the command ends with 1."""
    done = check("krc-layers", "-k", "config_holds", path=[site])

    assert done.returncode == 1
    check_golden("contract/check_fails", normalised(done.stdout, site))


def test_check_of_a_key_that_passes(check, site) -> None:
    """One object is checked by its key; the command ends with 0."""
    done = check("krc>Forgetful", "-k", "C103", "--times", path=[site]).check()

    check_golden("contract/check_passes", normalised(done.stdout))


def test_check_of_an_object_in_a_module(check, site, tmp_path) -> None:
    """A registered object that no distribution lists is named by its module, which is here."""
    (tmp_path / "mine.py").write_text(FORGETFUL.replace("krc", "mine"), encoding="utf-8")

    done = check("mine:Forgetful", "-k", "C104", cwd=tmp_path)

    assert done.returncode == 1
    assert "C104 failed   mine>Forgetful: config_holds_every_argument" in done.stdout


def test_check_of_a_class_that_is_not_registered(check) -> None:
    """A class of Keras that nobody registered is checked as it is, under the name it was given."""
    done = check("keras.regularizers:L1", "-k", "C106", "--times").check()

    assert "keras.regularizers:L1" in done.stdout
    assert "1 checked: 1 passed" in done.stdout


def test_check_of_the_project_here(check, site, tmp_path) -> None:
    """Without a name, the project in the working directory is checked."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "krc-layers"\n', encoding="utf-8")

    done = check("-k", "C103", path=[site], cwd=tmp_path).check()

    assert "1 checked: 1 passed" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "golden"),
    [
        (["nothing"], "not_installed"),
        (["krc>Nothing"], "no_key"),
        (["krc_layers.forgetful:Nothing"], "no_object"),
        (["json:JSONDecoder"], "not_registered"),
        (["krc-layers", "-k", "nothing"], "no_check"),
        (["krc-layers", "--check-set", "99"], "no_check_set"),
        ([], "no_project"),
    ],
)
def test_wrong_usage(check, site, tmp_path, arguments, golden) -> None:
    """What there is not is named, and the command ends with 2."""
    done = check(*arguments, path=[site], cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    check_golden(f"contract/usage_{golden}", done.messages)


def test_json_is_as_published(check, site) -> None:
    """The JSON document validates against the published schema, and has every result."""
    done = check("krc-layers", "--json", "-k", "C10", path=[site])

    assert done.returncode == 1
    document = json.loads(done.stdout)
    Draft202012Validator(json.loads(SCHEMA.read_text())).validate(document)
    assert (document["command"], document["subject"]) == ("check", "krc-layers")
    statuses = {result["check"]: result["status"] for result in document["results"]}
    assert statuses["C103"] == "passed"
    assert statuses["C104"] == "failed"


@pytest.mark.skipif(not other_backends(), reason="one backend is installed")
def test_check_on_another_backend(site) -> None:
    """A backend is chosen once for a process: the checks run in another one."""
    backend = other_backends()[-1]

    done = run_command(
        "check", "krc-layers", "--backend", backend, "--json", "-k", "C104", path=[site]
    )

    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["backend"] == backend
    assert [result["status"] for result in document["results"]] == ["failed"]


# --- distributions ---------------------------------------------------------------------------

FAULTS = """\
import sys

from keras_registry.contract import bind, subjects_of
from keras_registry.contract.rendering import render_failure

for name in sys.argv[1:]:
    for bound in bind(subjects_of(name)[:1]):
        result = bound.run()
        if result.status == "failed":
            print(render_failure(result, bound.check))
"""

GOOD = FORGETFUL.partition("    def get_config")[0]

BACKEND = GOOD.replace("import keras\n", "import tensorflow as tf\nimport keras\n")

UNLISTED = f"{GOOD}\n\n@register('krc')\ndef twice(x):\n    return 2 * x\n"


def hand_made(folder: Path, name: str, module: str, target: str = "Forgetful") -> None:
    """Put a distribution into a folder: a module in a package, and one entry point."""
    package = folder / f"{name}_layers"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "it.py").write_text(module.replace("krc", name), encoding="utf-8")
    entry = {f"{name}>Forgetful": f"{name}_layers.it:{target}"}
    hand_made_distribution(
        folder, f"{name}-layers", "1.0.0", {"keras_registry.layers": entry}, record=()
    )


def test_faults_of_distributions(fork_server, tmp_path) -> None:
    """Entry points, imports and a snapshot that are not what they should be are named."""
    names = ("moved", "unlisted", "backend", "broken")
    hand_made(tmp_path, "moved", GOOD, target="Elsewhere")
    hand_made(tmp_path, "unlisted", UNLISTED)
    hand_made(tmp_path, "backend", BACKEND)
    hand_made(tmp_path, "broken", f"import nothing_of_this_name\n{GOOD}")

    argv = [f"{name}-layers" for name in names]
    done = fork_server.run(FAULTS, argv=argv, path=[tmp_path]).check()

    check_golden("contract/distributions", normalised(done.stdout, tmp_path))


CHANGED = """\
import json
import sys
from pathlib import Path

from keras_registry.cli import main
from keras_registry.contract import bind, subjects_of
from keras_registry.contract.rendering import render_failure

file, old = Path(sys.argv[1]), Path(sys.argv[2])


def show(title, **options):
    print(title)
    for bound in bind(subjects_of("krc-layers", **options)[:1]):
        if bound.check.code in {"C704", "C705", "C706"}:
            result = bound.run()
            print(bound.check.code, result.status, result.reason or "")
            if result.failure:
                print(render_failure(result, bound.check))


show("--- no snapshot")
main(["snapshot", "krc-layers"])
show("--- up to date")
document = json.loads(file.read_text())
(item,) = document["objects"]
item["config"]["properties"]["speed"] = {"type": "number", "default": 1.0}
item["config"]["properties"]["rate"] = {"type": "string", "default": "fast"}
file.write_text(json.dumps(document))
show("--- stale, and breaking")
main(["snapshot", "krc-layers"])
document["objects"].append({**item, "key": "krc>Gone"})
old.write_text(json.dumps(document))
show("--- released", released=old)
"""


def test_snapshot_is_compared(fork_server, tmp_path) -> None:
    """A snapshot that is missing, stale, not in the wheel, or breaks old files is named."""
    python = make_venv(tmp_path / "venv")
    written = project(GOOD).write(tmp_path / "project")
    with (written / "pyproject.toml").open("a", encoding="utf-8") as file:
        file.write('exclude = ["*.json"]\n')
    pip_install_editable(written, python=python)
    (packages,) = (tmp_path / "venv").rglob("site-packages")
    snapshot = written / "src" / "krc_layers" / "keras_registry.json"

    done = fork_server.run(
        CHANGED, argv=[snapshot, tmp_path / "old.json"], path=[packages, written / "src"]
    ).check()

    check_golden("contract/snapshots", normalised(done.stdout, tmp_path))


# --- pytest ----------------------------------------------------------------------------------


@pytest.fixture
def run_pytest(fork_server, tmp_path, site) -> Callable[..., Completed]:
    """Run pytest in a project with one test of its own, where the distribution is installed."""
    (tmp_path / "test_own.py").write_text("def test_own():\n    pass\n", encoding="utf-8")

    def command(*arguments: str, setting: str = "") -> Completed:
        (tmp_path / "pytest.ini").write_text(f"[pytest]\n{setting}\n", encoding="utf-8")
        return fork_server.run(PYTEST, argv=["-q", *arguments], path=[site], cwd=tmp_path)

    return command


SETTING = "keras_registry_distribution = krc-layers"


def test_objects_are_collected(run_pytest) -> None:
    """With the option and a distribution, each check of each object is a test of its own."""
    done = run_pytest(
        *("--keras-registry", "--keras-registry-times", "-vv"),
        *("-k", "config_holds or config_is or test_own"),
        setting=SETTING,
    )

    assert done.returncode == 1
    assert re.search(r"krc>Forgetful-config_is_json PASSED", done.stdout)
    assert re.search(r"krc>Forgetful-config_holds_every_argument FAILED", done.stdout)
    assert "promised   Its config tells any two values of each argument apart." in done.stdout
    assert re.search(r"1 failed, \d+ passed, \d+ deselected", done.stdout)
    assert re.search(r" +\d+\.\d\d  krc>Forgetful\n +\d+\.\d\d      C1", done.stdout)


@pytest.mark.parametrize(
    ("arguments", "setting"),
    [
        (["--keras-registry"], ""),
        ([], SETTING),
        (["test_own.py"], f"{SETTING}\nkeras_registry = true"),
    ],
    ids=["no_distribution", "not_asked", "paths"],
)
def test_nothing_is_collected_that_nobody_asked_for(run_pytest, arguments, setting) -> None:
    """Without the option or without a distribution, only the project's own tests are run."""
    done = run_pytest(*arguments, setting=setting).check()

    assert "1 passed" in done.stdout


def test_settings_that_are_wrong(run_pytest) -> None:
    """A distribution that is not installed, and no version of the checks, are wrong usage."""
    absent = run_pytest("--keras-registry", setting="keras_registry_distribution = nothing")
    newer = run_pytest("--keras-registry", setting=f"{SETTING}\nkeras_registry_check_set = 99")

    assert (absent.returncode, newer.returncode) == (4, 4)
    assert "ERROR: nothing is not installed here: pip install nothing" in absent.stderr
    assert "ERROR: check_set=99 is no version of the set of checks" in newer.stderr


def test_starter_keeps_its_contract(starter_site) -> None:
    """Five lines in the starter plugin run the whole kit on it, where its wheel is installed."""
    folder = CHECKOUT / "plugins" / STARTER
    arguments = ["-c", "pyproject.toml", "-p", "no:cacheprovider", "--keras-registry-times"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments, "tests/test_contract.py"],
        env=child_environment(path=[starter_site, *core_path()]),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=300,
        encoding="utf-8",
    )

    assert done.returncode == 0, done.stdout
    (passed,) = re.findall(r"(\d+) passed", done.stdout)
    assert int(passed) > 75
    timed = re.findall(r"^ +\d+\.\d\d  (\S+)$", done.stdout, re.MULTILINE)
    assert set(timed) == {
        STARTER,
        *(f"starter>{name}" for name in ("GatedDense", "PinballLoss", "Coverage")),
    }
    lines = (folder / "tests" / "test_contract.py").read_text(encoding="utf-8").splitlines()
    assert len([line for line in lines if line.strip()]) <= 5
