"""The distribution: what it declares, what importing it costs, and its documentation."""

import doctest
import importlib
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import keras
import pytest

ROOT = Path(__file__).parents[1]
MODULES = ("layers", "losses", "metrics", "_tensors")


def test_every_public_object_is_declared_under_its_key() -> None:
    """The entry points name every public object, each under the key that Keras knows it by."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]

    declared = {}
    for group, entries in groups.items():
        for key, value in entries.items():
            module, _, attribute = value.partition(":")
            target = getattr(importlib.import_module(module), attribute)
            assert keras.saving.get_registered_name(target) == key
            declared[attribute] = group

    assert declared == {
        "GatedDense": "keras_registry.layers",
        "PinballLoss": "keras_registry.losses",
        "Coverage": "keras_registry.metrics",
    }
    public = (importlib.import_module(f"keras_registry_starter.{name}") for name in MODULES[:3])
    assert sorted(declared) == sorted(name for module in public for name in module.__all__)


def test_the_top_module_imports_nothing_heavy() -> None:
    """Importing the distribution's top module brings in neither Keras nor its own modules."""
    code = "import sys, keras_registry_starter; print(*sorted(sys.modules))"

    # The distribution may be on the path of this process only, and not installed.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )

    loaded = set(result.stdout.split())
    assert "keras_registry_starter" in loaded
    assert not loaded & {"keras", "keras_registry", "numpy", "keras_registry_starter.layers"}


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples_run(name: str) -> None:
    """Each module has examples in its docstrings, and they give what they show."""
    failed, attempted = doctest.testmod(importlib.import_module(f"keras_registry_starter.{name}"))

    assert attempted
    assert not failed


def test_readme_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python blocks of the README run, one after the other."""
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    namespace: dict[str, object] = {"__name__": "readme"}

    for block in blocks:
        exec(compile(block, "README.md", "exec"), namespace)  # noqa: S102 - our own README

    assert len(blocks) > 1
