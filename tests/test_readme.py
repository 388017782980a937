"""The README is run: its files are built, its programs started, its output compared."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.distributions import build_wheel, pip_install
from tests.support.processes import run_python

README = Path(__file__).parents[1] / "README.md"

_BLOCK = re.compile(r"^```(\w*) ?([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# What differs from save to save, or from machine to machine.
_VARYING = (
    (r"[0-9.]+ KiB", "# KiB"),
    (r"with Keras [^ ]+, [-0-9@:]+", "with Keras #"),
    (r"environment .*", "environment #"),
    (r"xxh3:[0-9a-f]{32}", "xxh3:#"),
    (r"sha256:[0-9a-f]{12}…", "sha256:#"),
    (r"by keras-registry [0-9.]+", "by keras-registry #"),
)


@dataclass(frozen=True)
class Block:
    """A fenced block of the README: its language, the words behind it, and its text."""

    language: str
    title: str
    text: str


def blocks() -> list[Block]:
    """All fenced blocks of the README."""
    return [Block(*found) for found in _BLOCK.findall(README.read_text(encoding="utf-8"))]


def find_block(language: str, title: str) -> str:
    """The text of the one block of this language and title."""
    (block,) = [b for b in blocks() if (b.language, b.title) == (language, title)]
    return block.text


def normalised(text: str) -> str:
    """The text without what varies."""
    for pattern, word in _VARYING:
        text = re.sub(pattern, word, text)
    return text


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    """A folder where the README's distribution is built and installed, and its model trained."""
    folder = tmp_path_factory.mktemp("readme")
    project = folder / "project"
    for language, title in (("python", "acme_layers/gated.py"), ("toml", "pyproject.toml")):
        path = project / title
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(find_block(language, title), encoding="utf-8")
    (project / "acme_layers" / "__init__.py").touch()  # as the text says
    bare, site = folder / "bare", folder / "site"
    pip_install(build_wheel(project, folder / "before"), bare)
    snapshot = project / "acme_layers" / "keras_registry.json"
    argv = ["-m", "keras_registry", "snapshot", "acme-layers", "-o", str(snapshot)]
    environment = {**os.environ, "PYTHONPATH": str(bare), "KERAS_BACKEND": "tensorflow"}
    subprocess.run([sys.executable, *argv], env=environment, check=True, capture_output=True)
    pip_install(build_wheel(project, folder), site)
    run_python(find_block("python", "train.py"), path=[site], cwd=folder).check()
    return folder


def test_the_model_loads_as_the_readme_says(story):
    """The program of the section "Save and load" prints what stands below it."""
    done = run_python(find_block("python", "serve.py"), path=[story / "site"], cwd=story).check()
    assert done.stdout == find_block("output", "serve.py")


def test_the_missing_plugin_is_told_as_the_readme_says(story):
    """The same program without the plugin fails with the text that stands in the README."""
    done = run_python(find_block("python", "serve.py"), cwd=story)
    assert done.returncode != 0
    assert find_block("output", "serve.py without acme-layers") in done.stderr


def test_the_layer_keeps_its_contract(story):
    """The five lines make a test of each promise, and the layer of the README keeps these."""
    path = story / "tests" / "test_contract.py"
    path.parent.mkdir()
    path.write_text(find_block("python", "tests/test_contract.py"), encoding="utf-8")
    lines = path.read_text(encoding="utf-8").splitlines()

    program = "import sys, pytest; sys.exit(pytest.main(sys.argv[1:]))"
    chosen = "build_makes or config_holds or gradients or snapshot"  # the quick ones of them
    argv = ["-p", "no:cacheprovider", "-q", "-k", chosen, path]
    done = run_python(program, argv=argv, path=[story / "site"], cwd=path.parent).check()

    assert re.search(r"5 passed, \d\d deselected", done.stdout)
    assert len([line for line in lines if line]) <= 5


def test_an_old_file_is_migrated_as_the_readme_says(story, tmp_path):
    """The next version of the distribution loads the file of the version before."""
    project = tmp_path / "project"
    module = project / "acme_layers" / "gated.py"
    module.parent.mkdir(parents=True)
    (module.parent / "__init__.py").touch()
    module.write_text(find_block("python", "acme_layers/gated.py in 2.0.0"), encoding="utf-8")
    metadata = find_block("toml", "pyproject.toml").replace("1.4.2", "2.0.0")
    (project / "pyproject.toml").write_text(metadata, encoding="utf-8")
    site = tmp_path / "site"
    pip_install(build_wheel(project, tmp_path), site)

    done = run_python(find_block("python", "serve.py"), path=[site], cwd=story).check()

    assert done.stdout == find_block("output", "serve.py with acme-layers 2.0.0")


def test_the_commands_print_what_the_readme_says(story):
    """Each command of the console block prints the lines below it."""
    (console,) = [b.text for b in blocks() if b.language == "console"]
    parts = re.split(r"^\$ keras-registry (.*)\n", console, flags=re.MULTILINE)[1:]
    environment = {**os.environ, "PYTHONPATH": str(story / "site"), "KERAS_BACKEND": "tensorflow"}
    for arguments, expected in zip(parts[::2], parts[1::2], strict=True):
        command = [sys.executable, "-m", "keras_registry", *arguments.split()]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=story, env=environment, check=True
        )
        assert normalised(done.stdout) == normalised(expected), arguments


def test_the_policy_block_runs():
    """The block about policies runs as it stands."""
    (text,) = [b.text for b in blocks() if b.language == "python" and not b.title]
    compiled = compile(text, str(README), "exec")
    exec(compiled, {})  # noqa: S102 - the block is ours


def test_every_block_is_known():
    """A block that is added to the README must be run here, or be an install line."""
    known = {
        ("python", "acme_layers/gated.py"),
        ("toml", "pyproject.toml"),
        ("python", "tests/test_contract.py"),
        ("python", "train.py"),
        ("python", "serve.py"),
        ("output", "serve.py"),
        ("output", "serve.py without acme-layers"),
        ("python", "acme_layers/gated.py in 2.0.0"),
        ("output", "serve.py with acme-layers 2.0.0"),
        ("console", ""),
        ("python", ""),
        ("", ""),
    }
    found = [(b.language, b.title) for b in blocks()]
    assert set(found) == known
    assert len(found) == len(known)
    (install,) = [b.text for b in blocks() if not b.language]
    assert install == 'pip install "keras-registry[tensorflow]"\n'
