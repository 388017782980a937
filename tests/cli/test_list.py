"""`keras-registry list`: the installed plugins."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.support.distributions import hand_made_distribution, record_row
from tests.support.golden import check_golden

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ended

TROUBLE = {
    "keras_registry.layers": {
        "beta>Scale": "beta_extras.scale:Scale",
        "no key at all": "beta_extras.scale:Scale",
        "beta>NoTarget": "beta_extras",
    },
    "keras_registry.losses": {"beta>Hinge": "beta_extras.losses:Hinge"},
    "keras_registry.aliases": {
        "OldScale": "beta_extras.scale:Scale",
        "Dense": "beta_extras.scale:Scale",
        "beta>Gone": "beta_extras.nowhere:Gone",
    },
}


def test_nothing_installed_is_said(
    run: Callable[..., Ended], only_installed: Callable[..., None], tmp_path: Path
) -> None:
    """Where there is no plugin, one line says so."""
    only_installed(tmp_path)

    ended = run("list")

    assert (ended.code, ended.out, ended.err) == (0, "no plugins are installed\n", "")
    assert json.loads(run("list", "--json").out) == {
        "report_version": "1.0",
        "command": "list",
        "distributions": [],
        "findings": [],
    }


def test_plugins_and_troubles_are_shown(
    run: Callable[..., Ended],
    only_installed: Callable[..., None],
    acme_site: Path,
    tmp_path: Path,
) -> None:
    """The table has a row for each plugin, then come aliases, then what is wrong with metadata."""
    hand_made_distribution(tmp_path, "Beta.Extras", "0.3.1", TROUBLE)
    only_installed(acme_site, tmp_path)

    ended = run("list")

    assert (ended.code, ended.err) == (0, "")
    check_golden("cli/list", ended.out, replace={str(tmp_path): "SITE"})


def test_json_holds_the_same(
    run: Callable[..., Ended],
    only_installed: Callable[..., None],
    acme_site: Path,
    tmp_path: Path,
) -> None:
    """The JSON document has each distribution with its plugins, and the findings."""
    hand_made_distribution(tmp_path, "Beta.Extras", "0.3.1", TROUBLE)
    only_installed(acme_site, tmp_path)

    document = json.loads(run("list", "--json").out)

    acme, beta = document["distributions"]
    assert (acme["name"], acme["distribution_version"], acme["editable"]) == (
        "acme-layers",
        "1.4.2",
        False,
    )
    assert acme["location"].startswith(str(acme_site))
    assert {plugin["key"]: plugin["kind"] for plugin in acme["plugins"]} == {
        "acme>GatedDense": "layer",
        "acme>Pinball": "loss",
        "acme>Coverage": "metric",
        "acme>swishy": "function",
    }
    assert beta["name"] == "beta-extras"
    assert {plugin["key"]: plugin["aliases"] for plugin in beta["plugins"]} == {
        "beta>Scale": ["OldScale"],
        "beta>Hinge": [],
    }
    codes = sorted(item["code"] for item in document["findings"])
    assert codes == ["D104", "D104", "D105", "D105"]


def with_snapshot(folder: Path, **members: Any) -> Path:
    """Install a distribution of two plugins that has a snapshot, and whose code is not there."""
    entry_points = {
        "keras_registry.layers": {"beta>Scale": "beta_extras.scale:Scale"},
        "keras_registry.functions": {"beta>half": "beta_extras.scale:half"},
    }
    scale = {
        "key": "beta>Scale",
        "kind": "layer",
        "former_names": ["OldScale"],
        "backends": ["jax"],
        "config_version": 3,
        "oldest_version": 2,
        "schema": "xxh3:" + "0f" * 16,
    }
    snapshot = {
        "snapshot_version": "1.0",
        "generator": "keras-registry 0.1.0",
        "distribution": "beta-extras",
        "objects": [scale, {"key": "beta>half", "kind": "function"}],
    }
    file = folder / "beta_extras" / "keras_registry.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({**snapshot, **members}), encoding="utf-8")
    rows = [record_row("beta_extras/keras_registry.json", "")]
    hand_made_distribution(folder, "beta-extras", "0.3.1", entry_points, record=rows)
    return folder


def test_snapshot_is_shown(
    run: Callable[..., Ended],
    only_installed: Callable[..., None],
    acme_site: Path,
    tmp_path: Path,
) -> None:
    """The config version of each class is shown where a snapshot says it, and nothing imported."""
    only_installed(acme_site, with_snapshot(tmp_path))

    ended = run("list")
    acme, beta = json.loads(run("list", "--json").out)["distributions"]

    assert (ended.code, ended.err) == (0, "")
    check_golden("cli/list_snapshot", ended.out)
    names = ("config_version", "oldest_version", "schema", "backends", "former_names")
    facts = {p["key"]: tuple(p[name] for name in names) for p in acme["plugins"] + beta["plugins"]}
    assert facts["acme>GatedDense"] == facts["beta>half"] == (None,) * 5
    assert facts["beta>Scale"] == (3, 2, "xxh3:" + "0f" * 16, ["jax"], ["OldScale"])
    assert not {name for name in sys.modules if name.startswith("beta_extras")}


@pytest.mark.parametrize(
    ("name", "members"),
    [
        ("broken", {"objects": 3}),
        ("foreign", {"distribution": "other-extras"}),
        ("stale", {"objects": []}),
    ],
)
def test_snapshot_findings_are_shown(
    name: str,
    members: dict[str, Any],
    *,
    run: Callable[..., Ended],
    only_installed: Callable[..., None],
    tmp_path: Path,
) -> None:
    """A snapshot that cannot be believed leaves its facts unknown, and a warning says why."""
    only_installed(with_snapshot(tmp_path, **members))

    ended = run("list")
    document = json.loads(run("list", "--json").out)

    assert ended.code == 0
    check_golden(f"cli/list_snapshot_{name}", ended.out, replace={str(tmp_path): "SITE"})
    assert len(document["findings"]) == 1
    assert document["distributions"][0]["plugins"][0]["config_version"] is None


def test_shadowed_copy_is_named(
    run: Callable[..., Ended],
    only_installed: Callable[..., None],
    acme_site: Path,
    tmp_path: Path,
) -> None:
    """Of two copies of a distribution on the path the first is shown, and the other named."""
    entry_points = {"keras_registry.layers": {"acme>Old": "acme_layers.old:Old"}}
    hand_made_distribution(tmp_path, "acme-layers", "1.0", entry_points)
    only_installed(acme_site, tmp_path)

    ended = run("list")

    assert ended.code == 0
    assert "acme>Old" not in ended.out
    assert "D102 warning  acme-layers is installed twice" in ended.out


def test_hostile_metadata_is_shown_safely(
    run: Callable[..., Ended], only_installed: Callable[..., None], tmp_path: Path
) -> None:
    """Escapes and marks in the metadata of a distribution do not reach the screen."""
    evil = "\x1b[31mevil\u202e\x9b2J"
    hand_made_distribution(
        tmp_path,
        "evil-layers",
        "1.0",
        {"keras_registry.layers": {f"a>{evil}": f"m:{evil}"}},
    )
    hand_made_distribution(
        tmp_path,
        "other-layers",
        "1.0",
        {"keras_registry.layers": {"a>B": "m:B"}},
        metadata=f"Metadata-Version: 2.3\nName: x\nVersion: {evil}\n",
    )
    only_installed(tmp_path)

    ended = run("list")

    assert ended.code == 0
    assert {"D101", "D104"} <= set(ended.out.split())
    assert not {c for c in ended.out if not (c.isprintable() or c == "\n")}
