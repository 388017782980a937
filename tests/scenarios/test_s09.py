"""S09: a plugin is installed, but something that it requires is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.scenarios.observing import install, observe, plain
from tests.support.golden import check_golden
from tests.support.plugins import BETA_EXTRAS, GATED_SOURCE, acme_project, altered

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import SavedModel
    from tests.support.processes import ForkServer

SAVE_OTHER = """\
import sys
import keras
import keras_registry
from beta_extras.scale import Scale

keras.Sequential([keras.layers.Input((4,)), Scale(2.0)]).save(sys.argv[1])
"""

SAVE_BOTH = """\
import sys
import keras
import keras_registry
from acme_layers.gated import GatedDense
from beta_extras.scale import Scale

keras.Sequential([keras.layers.Input((4,)), GatedDense(3), Scale(2.0)]).save(sys.argv[1])
"""

NEEDS_A_MODULE = altered(GATED_SOURCE, "import keras\n", "import einsteinian\nimport keras\n")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with acme-layers, whose layer needs a module that nobody has, and another plugin."""
    folder = tmp_path_factory.mktemp("s09")
    broken = acme_project(modules={"acme_layers/gated.py": NEEDS_A_MODULE})
    install(broken.evolve(requires=["keras-registry", "einsteinian-notation"]), folder)
    return install(BETA_EXTRAS, folder)


def test_message_names_plugin_module_and_install_line(
    acme_model: SavedModel, site: Path, fork_server: ForkServer
) -> None:
    """The error names plugin==version, the missing module, and the plugin's own install line."""
    failed = observe(fork_server.run, acme_model.path, path=[site])

    assert failed.before == ()
    assert ("R103", "error") in failed.findings
    check_golden("scenarios/s09", failed.text, replace={str(acme_model.path.parent): "FOLDER"})
    assert "pip install einsteinian" not in failed.text
    assert len(failed.text.splitlines()) <= 12 + 6
    assert "TypeError" in failed.error_classes


def test_plain_keras_says_nothing_of_the_cause(
    acme_model: SavedModel, site: Path, fork_server: ForkServer
) -> None:
    """Plain Keras, which never tries the plugin, does not name the missing module."""
    failed = observe(fork_server.run, acme_model.path, path=[site], env=plain)

    assert "einsteinian" not in failed.text


def test_other_plugin_is_unaffected(site: Path, fork_server: ForkServer, tmp_path: Path) -> None:
    """A model that needs another plugin loads without a word beside the broken one."""
    file = tmp_path / "other.keras"
    fork_server.run(SAVE_OTHER, argv=[file], path=[site]).check()

    loaded = observe(fork_server.run, file, path=[site])

    assert loaded.before == ()
    assert loaded.is_silent()
    assert list(loaded.after) == ["beta_extras", "beta_extras.scale"]


def test_only_the_broken_one_is_named(
    site: Path, acme_site: Path, fork_server: ForkServer, tmp_path: Path
) -> None:
    """A model that needs both plugins gets one finding, about the one that does not import."""
    file = tmp_path / "both.keras"
    # Saved where acme-layers works; its folder comes first.
    fork_server.run(SAVE_BOTH, argv=[file], path=[acme_site, site]).check()

    failed = observe(fork_server.run, file, path=[site])

    errors = [code for code, level in failed.findings if level == "error"]
    assert errors == ["R103"]
    assert "beta" not in failed.text


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise ImportError('a\\x1b[31mb\\nc')", r"ImportError: a\x1b[31mb\nc"),
    ],
    ids=["exit", "error", "escapes"],
)
def test_whatever_an_import_raises_is_the_reason(
    line: str,
    named: str,
    acme_model: SavedModel,
    fork_server: ForkServer,
    tmp_path: Path,
) -> None:
    """An import may fail in any way: the reason is named, and the process goes on."""
    source = altered(GATED_SOURCE, "import keras\n", f"{line}\nimport keras\n")
    site = install(acme_project(modules={"acme_layers/gated.py": source}), tmp_path)

    failed = observe(fork_server.run, acme_model.path, path=[site])

    assert "R103" in failed.codes
    assert f"found      {named}\n" in failed.text


def test_second_attempt_fails_in_the_same_way(
    acme_model: SavedModel, fork_server: ForkServer, tmp_path: Path
) -> None:
    """A module that fails below its class is named again by the next load in the same process."""
    source = GATED_SOURCE + "\n\nimport einsteinian\n"
    site = install(acme_project(modules={"acme_layers/gated.py": source}), tmp_path)
    first = """
try:
    keras.saving.load_model(options["file"])
except keras_registry.LoadError as error:
    seen["first"] = [item.code for item in error.findings]
"""

    failed = observe(fork_server.run, acme_model.path, path=[site], prelude=first)

    assert failed.raw["first"] == failed.codes
    assert "R103" in failed.codes
