"""Tests of what is imported, and when: nothing, until a plugin is loaded."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from keras_registry.environment import Environment, load_plugin
from tests.artifact.archives import make_archive
from tests.support.distributions import hand_made_distribution, record_row
from tests.support.processes import run_python

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Reads all there is to know in a process where importing any of these raises.
LOOK = """
import sys

FORBIDDEN = {"acme_layers", "keras", "tensorflow", "jax", "torch", "numpy", "h5py"}

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in FORBIDDEN:
            raise AssertionError(f"{name} was imported")

sys.meta_path.insert(0, Blocker())
from keras_registry.artifact import read_keras_zip, scan_config
from keras_registry.environment import Environment
from keras_registry.manifest import read_manifest

site, model = sys.argv[1:]
found = Environment(path=[site])
(distribution,) = found.iter_distributions()
print(distribution.digest, found.keras_version, found.backend_version, found.findings)
print(*(plugin.key for plugin in distribution.plugins), *found.find_plugins("acme>GatedDense"))
artifact = read_keras_zip(model, verify_members=True).artifact
print(*scan_config(artifact.config).by_key())
print(read_manifest(artifact.manifest_document).value.objects[0].key)
"""


def test_looking_imports_neither_keras_nor_a_plugin(tmp_path: Path) -> None:
    """Plugins, versions, a model file and its manifest are read where Keras cannot be imported."""
    site, model = tmp_path / "site", tmp_path / "churn.keras"
    groups = {"keras_registry.layers": {"acme>GatedDense": "acme_layers.gated:GatedDense"}}
    record = [record_row("acme_layers/gated.py", "raise RuntimeError")]
    hand_made_distribution(site, "acme-layers", "1.4.2", groups, record=record)
    hand_made_distribution(site, "keras", "3.15.1")
    gated = {"module": "acme_layers.gated", "class_name": "GatedDense", "config": {}}
    manifest = {
        "manifest_version": "1.0",
        "generator": "keras-registry 0.1.0",
        "objects": [{"key": "acme>GatedDense", "kind": "layer", "module": "acme_layers.gated"}],
    }
    members = {
        "config.json": json.dumps({"layers": [{**gated, "registered_name": "acme>GatedDense"}]}),
        "metadata.json": json.dumps({"keras_registry": manifest}),
    }
    model.write_bytes(make_archive({name: text.encode() for name, text in members.items()}))

    first, second, third, fourth = run_python(LOOK, argv=[site, model]).check().stdout.splitlines()

    assert first.startswith("sha256:")
    assert first.endswith(" 3.15.1 None ()")
    assert second.startswith("acme>GatedDense Plugin(")
    assert third == fourth == "acme>GatedDense"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on `sys.path`; what is imported from it is forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def plugin_at(site: Path, target: str, **modules: str) -> object:
    """Install a distribution with one plugin, and load the plugin."""
    hand_made_distribution(site, "acme", "1.0", {"keras_registry.objects": {"acme>X": target}})
    for name, source in modules.items():
        (site / f"{name}.py").write_text(source, encoding="utf-8")
    (plugin,) = Environment(path=[str(site)]).find_plugins("acme>X")
    assert not set(modules) & set(sys.modules)
    return load_plugin(plugin)


def test_loading_imports_the_module_and_no_other(site: Path) -> None:
    """The object that the entry point names is returned, its module and no sibling imported."""
    loaded = plugin_at(
        site, "krt_one:Thing", krt_one="class Thing: ...\n", krt_two="raise RuntimeError\n"
    )

    assert loaded is sys.modules["krt_one"].Thing
    assert "krt_two" not in sys.modules


def test_loading_follows_a_dotted_attribute(site: Path) -> None:
    """An object may be an attribute of a class."""
    loaded = plugin_at(site, "krt_one:Outer.Inner", krt_one="class Outer:\n    Inner = 'it'\n")

    assert loaded == "it"


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("", AttributeError),
        ("import krt_missing\n", ModuleNotFoundError),
        ("raise RuntimeError('in the plugin')\n", RuntimeError),
        ("this is no Python\n", SyntaxError),
    ],
)
def test_loading_raises_what_the_plugin_raises(
    source: str, error: type[Exception], site: Path
) -> None:
    """Whatever goes wrong in a plugin's own code comes out as it is."""
    with pytest.raises(error):
        plugin_at(site, "krt_one:Thing", krt_one=source)
