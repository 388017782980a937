"""Tests of what is installed: distributions, plugins, aliases, and what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.version import Version

from keras_registry.environment import Environment, Plugin, normalise_version
from keras_registry.findings import Level, render_findings
from keras_registry.names import Kind
from tests.support.distributions import hand_made_distribution
from tests.support.golden import check_golden

if TYPE_CHECKING:
    from keras_registry.findings import Finding

LAYERS = "keras_registry.layers"
ALIASES = "keras_registry.aliases"
ONE_LAYER = {LAYERS: {"acme>GatedDense": "acme_layers.gated:GatedDense"}}
PLUGIN = Plugin(
    "acme>GatedDense", Kind.LAYER, "acme_layers.gated", "GatedDense", "acme-layers", "1.4.2"
)


def environment(*folders: Path) -> Environment:
    """The environment of some folders, as if they were all of `sys.path`."""
    return Environment(path=[str(folder) for folder in folders])


def only(findings: tuple[Finding, ...], code: str) -> Finding:
    """The one finding, which must have this code."""
    assert [finding.code for finding in findings] == [code]
    return findings[0]


def check_text(name: str, findings: tuple[Finding, ...], folder: Path) -> None:
    """Check the words of findings."""
    text = render_findings("this environment", findings)
    infos = folder.rglob("*.dist-info")
    replace = {str(info): f"SITE/{info.relative_to(folder).as_posix()}" for info in infos}
    check_golden(f"environment_{name}", text, replace=replace)


def test_plugins_of_every_kind_are_found(tmp_path: Path) -> None:
    """Every group of entry points is a kind; key, target and distribution are known."""
    groups = {kind.group: {f"acme>{kind.title()}": f"acme.{kind}:{kind.title()}"} for kind in Kind}
    hand_made_distribution(tmp_path, "acme", "1.0", {**groups, "console_scripts": {"a": "acme:a"}})

    found = environment(tmp_path)

    (distribution,) = found.iter_distributions()
    assert {plugin.kind: plugin.key for plugin in distribution.plugins} == {
        kind: f"acme>{kind.title()}" for kind in Kind
    }
    assert found.find_plugins("acme>Loss") == (
        Plugin("acme>Loss", Kind.LOSS, "acme.loss", "Loss", "acme", "1.0"),
    )
    assert found.find_plugins("acme>Loss")[0].target == "acme.loss:Loss"
    assert found.findings == ()


def test_what_is_not_installed_is_not_found(tmp_path: Path) -> None:
    """An unknown key has no plugin, an unknown distribution is None."""
    hand_made_distribution(tmp_path, "acme-layers", "1.4.2", ONE_LAYER)
    found = environment(tmp_path)

    assert found.find_plugins("acme>Other") == ()
    assert found.find_plugins("GatedDense") == ()
    for name in ("other", "", "acme", "../acme-layers", "acme-layers==1.4.2", "\x1b[31m"):
        assert found.find_distribution(name) is None


def test_distributions_without_plugins_are_not_listed(tmp_path: Path) -> None:
    """Of all that is installed only what lists plugins is iterated over, by name."""
    hand_made_distribution(tmp_path, "numpy", "2.0", {"console_scripts": {"f2py": "numpy:f2py"}})
    hand_made_distribution(tmp_path, "zeta", "1", {LAYERS: {"zeta>A": "zeta:A"}})
    hand_made_distribution(tmp_path, "acme-layers", "1.4.2", ONE_LAYER)
    hand_made_distribution(tmp_path, "bare", "1")

    found = environment(tmp_path)

    assert [each.name for each in found.iter_distributions()] == ["acme-layers", "zeta"]
    numpy = found.find_distribution("numpy")
    assert numpy is not None
    assert (numpy.distribution_version, numpy.plugins) == ("2.0", ())


@pytest.mark.parametrize("asked", ["acme-layers", "Acme_Layers", "ACME.layers", "acme--layers"])
def test_distribution_is_found_under_every_spelling(asked: str, tmp_path: Path) -> None:
    """Names are compared in their normal form (PEP 503), and the version is a normal one."""
    hand_made_distribution(tmp_path, "Acme.Layers", "1.4.2-beta.1", ONE_LAYER)

    found = environment(tmp_path).find_distribution(asked)

    assert found is not None
    assert (found.name, found.distribution_version) == ("acme-layers", "1.4.2b1")
    assert found.location == str(tmp_path / "acme_layers-1.4.2-beta.1.dist-info")
    assert found.plugins[0].distribution == "acme-layers"
    assert found.plugins[0].distribution_version == "1.4.2b1"


def test_egg_info_is_a_distribution(tmp_path: Path) -> None:
    """What older tools installed counts, too; without RECORD it has no digest."""
    info = tmp_path / "acme_layers.egg-info"
    info.mkdir()
    (info / "PKG-INFO").write_text("Name: acme-layers\nVersion: 1.4.2\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(
        "[keras_registry.layers]\nacme>GatedDense = acme_layers.gated:GatedDense\n",
        encoding="utf-8",
    )

    found = environment(tmp_path)

    assert found.find_plugins("acme>GatedDense") == (PLUGIN,)
    distribution = found.find_distribution("acme-layers")
    assert distribution is not None
    assert (distribution.digest, distribution.editable) == (None, False)


def test_one_distribution_is_found_without_a_scan(tmp_path: Path) -> None:
    """Asked for one distribution, nothing else is read: not even what is broken."""
    hand_made_distribution(tmp_path, "acme-layers", "1.4.2", ONE_LAYER)
    hand_made_distribution(tmp_path, "broken", "1", ONE_LAYER, metadata="no metadata")
    found = environment(tmp_path)

    distribution = found.find_distribution("acme-layers")

    assert distribution is not None
    assert distribution.find_plugin("acme>GatedDense") == PLUGIN
    assert distribution.find_plugin("acme>Other") is None
    assert found.find_distribution("acme-layers") is distribution
    assert "_scan" not in vars(found)


def test_new_environment_sees_what_was_installed_since(tmp_path: Path) -> None:
    """An environment is a look at one moment; the next one finds what came and went."""
    hand_made_distribution(tmp_path, "acme-layers", "1.4.2", ONE_LAYER)
    first = environment(tmp_path)
    assert len(list(first.iter_distributions())) == 1

    hand_made_distribution(tmp_path, "zeta", "1", {LAYERS: {"zeta>A": "zeta:A"}})

    assert len(list(first.iter_distributions())) == 1
    assert len(list(environment(tmp_path).iter_distributions())) == 2


def test_alias_leads_to_its_plugin(tmp_path: Path) -> None:
    """A former key, with a namespace or bare, finds the plugin, which keeps its own key."""
    aliases = {
        "old>GatedDense": "acme_layers.gated:GatedDense",
        "GatedDense": "acme_layers.gated : GatedDense",
    }
    hand_made_distribution(tmp_path, "acme-layers", "1.4.2", {**ONE_LAYER, ALIASES: aliases})
    found = environment(tmp_path)

    for name in ("acme>GatedDense", *aliases):
        (plugin,) = found.find_plugins(name)
        assert plugin.key == "acme>GatedDense"
        assert plugin.aliases == ("old>GatedDense", "GatedDense")
        distribution = found.find_distribution("acme-layers")
        assert distribution is not None
        assert distribution.find_plugin(name) == plugin
    assert found.findings == ()


@pytest.mark.parametrize(
    ("name", "alias", "target"),
    [
        ("shadows_class", "Dense", "acme_layers.gated:GatedDense"),
        ("shadows_function", "relu", "acme_layers.gated:GatedDense"),
        ("leads_nowhere", "acme>Gone", "acme_layers.gated:Gone"),
        ("no_key", "Gated Dense", "acme_layers.gated:GatedDense"),
        ("terminal_escape", "\x1b[8mGatedDense", "acme_layers.gated:GatedDense"),
    ],
)
def test_alias_that_does_not_count(name: str, alias: str, target: str, tmp_path: Path) -> None:
    """An alias that leads to no plugin or would shadow Keras is left out, and named."""
    hand_made_distribution(
        tmp_path, "acme-layers", "1.4.2", {**ONE_LAYER, ALIASES: {alias: target}}
    )
    found = environment(tmp_path)

    assert found.find_plugins(alias) == ()
    assert found.find_plugins("acme>GatedDense") == (PLUGIN,)
    assert only(found.findings, "D105").level is Level.WARNING
    check_text(f"D105_{name}", found.findings, tmp_path)


def test_alias_with_a_namespace_may_have_the_name_of_something_of_keras(tmp_path: Path) -> None:
    """Only a bare alias can shadow what Keras brings."""
    aliases = {"old>Dense": "acme_layers.gated:GatedDense"}
    hand_made_distribution(tmp_path, "acme-layers", "1.4.2", {**ONE_LAYER, ALIASES: aliases})
    found = environment(tmp_path)

    assert len(found.find_plugins("old>Dense")) == 1
    assert found.findings == ()


def test_bare_alias_that_two_claim_counts_for_neither(tmp_path: Path) -> None:
    """Two distributions cannot share a bare name; the key of each is not touched by it."""
    for name in ("acme", "zeta"):
        hand_made_distribution(
            tmp_path,
            name,
            "1.0",
            {
                LAYERS: {f"{name}>Norm": f"{name}.norm:Norm"},
                ALIASES: {"MyNorm": f"{name}.norm:Norm"},
            },
        )
    found = environment(tmp_path)

    assert found.find_plugins("MyNorm") == ()
    assert [plugin.key for plugin in found.find_plugins("zeta>Norm")] == ["zeta>Norm"]
    only(found.findings, "D105")
    check_text("D105_claimed_twice", found.findings, tmp_path)


@pytest.mark.parametrize("alias", ["acme>GatedDense", "acme>Other", "acme>Twice"])
def test_distribution_is_not_its_own_rival(alias: str, tmp_path: Path) -> None:
    """An alias that repeats a key, or itself, of one distribution is no claim of two."""
    groups = {
        LAYERS: {**ONE_LAYER[LAYERS], "acme>Other": "acme_layers.other:Other"},
        ALIASES: {alias: "acme_layers.gated:GatedDense"},
    }
    info = hand_made_distribution(tmp_path, "acme-layers", "1.4.2", groups)
    if alias == "acme>Twice":
        with (info / "entry_points.txt").open("a", encoding="utf-8") as file:
            file.write(f"{alias} = acme_layers.gated:GatedDense\n")

    assert "D103" not in {finding.code for finding in environment(tmp_path).findings}


def test_rivals_are_both_named(tmp_path: Path) -> None:
    """Two distributions that list one key are both found, in the order of their names."""
    hand_made_distribution(tmp_path, "zeta", "2.0", {LAYERS: {"acme>GatedDense": "zeta.g:G"}})
    hand_made_distribution(tmp_path, "acme-layers", "1.4.2", ONE_LAYER)
    found = environment(tmp_path)

    assert [plugin.distribution for plugin in found.find_plugins("acme>GatedDense")] == [
        "acme-layers",
        "zeta",
    ]
    only(found.findings, "D103")
    check_text("D103", found.findings, tmp_path)


def test_alias_can_be_the_rival_of_a_key(tmp_path: Path) -> None:
    """A key of one distribution and an alias of another with the same name are rivals."""
    hand_made_distribution(tmp_path, "acme-layers", "1.4.2", ONE_LAYER)
    groups = {
        LAYERS: {"zeta>Gated": "zeta.g:G"},
        ALIASES: {"acme>GatedDense": "zeta.g:G"},
    }
    hand_made_distribution(tmp_path, "zeta", "2.0", groups)
    found = environment(tmp_path)

    assert len(found.find_plugins("acme>GatedDense")) == 2
    only(found.findings, "D103")


@pytest.mark.parametrize(
    ("name", "key", "target"),
    [
        ("bare_key", "GatedDense", "acme_layers.gated:GatedDense"),
        ("no_key", "acme>Gated Dense", "acme_layers.gated:GatedDense"),
        ("no_attribute", "acme>Other", "acme_layers.gated"),
        ("no_module", "acme>Other", ":GatedDense"),
        ("no_identifier", "acme>Other", "acme-layers.gated:GatedDense"),
        ("extra", "acme>Other", "acme_layers.gated:Other [gpu]"),
        ("shell_line", "acme>Other", "os:system('rm -rf ~')"),
    ],
)
def test_entry_point_that_cannot_be_used(name: str, key: str, target: str, tmp_path: Path) -> None:
    """A wrong entry point is left out and named; the others of the distribution count."""
    groups = {"keras_registry.losses": {key: target}, **ONE_LAYER}
    hand_made_distribution(tmp_path, "acme-layers", "1.4.2", groups)
    found = environment(tmp_path)

    assert found.find_plugins(key) == ()
    assert found.find_plugins("acme>GatedDense") == (PLUGIN,)
    finding = only(found.findings, "D104")
    assert finding.distribution == "acme-layers"
    check_text(f"D104_{name}", found.findings, tmp_path)


def test_white_space_in_a_target_does_not_count(tmp_path: Path) -> None:
    """An entry point may be written with blanks around the colon, as the format allows."""
    groups = {LAYERS: {"acme>GatedDense": " acme_layers.gated : GatedDense "}}
    hand_made_distribution(tmp_path, "acme-layers", "1.4.2", groups)
    found = environment(tmp_path)

    assert found.find_plugins("acme>GatedDense") == (PLUGIN,)
    assert found.findings == ()


def test_key_listed_twice_counts_once(tmp_path: Path) -> None:
    """Of two entry points with one key, in one group or two, the first counts."""
    groups = {**ONE_LAYER, "keras_registry.models": {"acme>GatedDense": "acme_layers.m:M"}}
    hand_made_distribution(tmp_path, "acme-layers", "1.4.2", groups)
    found = environment(tmp_path)

    assert found.find_plugins("acme>GatedDense") == (PLUGIN,)
    only(found.findings, "D104")


def test_group_that_does_not_exist_is_not_looked_at(tmp_path: Path) -> None:
    """A group that a newer keras-registry may have added does no harm."""
    groups = {"keras_registry.gadgets": {"acme>Gadget": "acme.gadget:Gadget"}, **ONE_LAYER}
    hand_made_distribution(tmp_path, "acme-layers", "1.4.2", groups)
    found = environment(tmp_path)

    assert found.find_plugins("acme>Gadget") == ()
    assert found.findings == ()


BROKEN = {
    "no_name": ("METADATA", b"Metadata-Version: 2.3\nVersion: 1.0\n"),
    "no_version": ("METADATA", b"Metadata-Version: 2.3\nName: broken\n"),
    "wrong_version": ("METADATA", b"Name: broken\nVersion: latest\x1b[31m\n"),
    "binary": ("METADATA", b"\xff\xfe\x00\x01"),
    "empty": ("METADATA", b""),
    "missing": ("METADATA", None),
    "binary_entry_points": ("entry_points.txt", b"[keras_registry.layers]\n\xff = a:b\n"),
    "line_in_entry_points": ("entry_points.txt", b"[keras_registry.layers]\nnonsense\n"),
    "direct_url": ("direct_url.json", b"{"),
    "deep_direct_url": ("direct_url.json", b"[" * 100_000),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_distribution_harms_no_other(name: str, tmp_path: Path) -> None:
    """A distribution that cannot be read is named by its folder; the others count."""
    hand_made_distribution(tmp_path, "acme-layers", "1.4.2", ONE_LAYER)
    info = hand_made_distribution(tmp_path, "broken", "1.0", {LAYERS: {"broken>A": "broken:A"}})
    file, data = BROKEN[name]
    if data is None:
        (info / file).unlink()
    else:
        (info / file).write_bytes(data)
    found = environment(tmp_path)

    assert [each.name for each in found.iter_distributions()] == ["acme-layers"]
    assert found.find_plugins("acme>GatedDense") == (PLUGIN,)
    finding = only(found.findings, "D101")
    assert (finding.level, finding.location) == (Level.WARNING, str(info))
    assert finding.found
    assert finding.found.isprintable()
    assert found.find_distribution("broken") is None


@pytest.mark.parametrize("name", ["wrong_version", "no_version"])
def test_text_about_a_broken_distribution(name: str, tmp_path: Path) -> None:
    """The words say which folder, what was wanted and what was found."""
    info = hand_made_distribution(tmp_path, "broken", "1.0", ONE_LAYER)
    file, data = BROKEN[name]
    assert data is not None
    (info / file).write_bytes(data)
    found = environment(tmp_path)
    if name == "wrong_version":
        check_text("D101", found.findings, tmp_path)
    assert "PEP 440" in str(only(found.findings, "D101").wanted)


@pytest.mark.parametrize("name", ["acme\x1b[31m", "acme --pre", "acme; rm -rf ~", "größe"])
def test_distribution_with_a_name_that_is_none_is_broken(name: str, tmp_path: Path) -> None:
    """A name must be one that can be installed, since hints and manifests repeat it."""
    info = hand_made_distribution(tmp_path, "acme", "1.0", ONE_LAYER)
    (info / "METADATA").write_text(f"Name: {name}\nVersion: 1.0\n", encoding="utf-8")
    found = environment(tmp_path)

    assert list(found.iter_distributions()) == []
    only(found.findings, "D101")


def test_first_of_two_copies_counts(tmp_path: Path) -> None:
    """A distribution twice on the path: the first is the one that Python imports; both named."""
    first, second = tmp_path / "first", tmp_path / "second"
    hand_made_distribution(second, "acme-layers", "1.5.0", ONE_LAYER)
    hand_made_distribution(first, "Acme_Layers", "1.4.2", ONE_LAYER)
    found = environment(first, second)

    assert [each.distribution_version for each in found.iter_distributions()] == ["1.4.2"]
    assert found.find_plugins("acme>GatedDense") == (PLUGIN,)
    distribution = found.find_distribution("acme-layers")
    assert distribution is not None
    assert distribution.distribution_version == "1.4.2"
    only(found.findings, "D102")
    check_text("D102", found.findings, tmp_path)


def test_two_copies_in_one_folder_are_told_apart_the_same_way(tmp_path: Path) -> None:
    """Whichever of two copies in one folder counts, it is the same for every question."""
    for version in ("1.4.2", "1.5.0"):
        hand_made_distribution(tmp_path, "acme-layers", version, ONE_LAYER)
    found = environment(tmp_path)

    distribution = found.find_distribution("acme-layers")

    assert distribution is not None
    assert list(found.iter_distributions()) == [distribution]
    only(found.findings, "D102")


def test_copy_without_plugins_hides_a_later_copy(tmp_path: Path) -> None:
    """Python imports the first copy, so the plugins of the second are not there."""
    first, second = tmp_path / "first", tmp_path / "second"
    hand_made_distribution(first, "acme-layers", "0.9")
    hand_made_distribution(second, "acme-layers", "1.4.2", ONE_LAYER)
    found = environment(first, second)

    assert found.find_plugins("acme>GatedDense") == ()
    only(found.findings, "D102")


def test_broken_copy_lets_the_next_one_count(tmp_path: Path) -> None:
    """A copy that cannot be read does not hide one that can."""
    first, second = tmp_path / "first", tmp_path / "second"
    hand_made_distribution(first, "acme-layers", "1.3.0", ONE_LAYER, metadata="no metadata")
    hand_made_distribution(second, "acme-layers", "1.4.2", ONE_LAYER)
    found = environment(first, second)

    assert found.find_plugins("acme>GatedDense") == (PLUGIN,)
    distribution = found.find_distribution("acme-layers")
    assert distribution is not None
    assert distribution.distribution_version == "1.4.2"
    only(found.findings, "D101")


def test_folders_that_do_not_exist_are_empty(tmp_path: Path) -> None:
    """A path may name folders, files and archives that hold nothing."""
    (tmp_path / "file.txt").write_text("no folder", encoding="utf-8")

    found = environment(tmp_path / "nowhere", tmp_path / "file.txt", Path())

    assert found.find_plugins("acme>GatedDense") == ()
    assert Environment(path=[]).findings == ()


def test_versions_are_those_of_distributions(tmp_path: Path) -> None:
    """Keras and its backend are known by what is installed, without importing them."""
    hand_made_distribution(tmp_path, "keras", "3.15.1")
    hand_made_distribution(tmp_path, "jax", "0.7.0")

    found = Environment(path=[str(tmp_path)], backend="jax")

    assert (found.keras_version, found.backend, found.backend_version) == (
        "3.15.1",
        "jax",
        "0.7.0",
    )
    assert Version(str(found.python_version)) >= Version("3.11")


def test_what_is_not_installed_has_no_version(tmp_path: Path) -> None:
    """Without Keras there is no version of it, and of a backend that is not there neither."""
    found = Environment(path=[str(tmp_path)], backend="torch")

    assert (found.keras_version, found.backend_version) == (None, None)


def test_everything_can_be_said_instead_of_found() -> None:
    """A test, or a question about another machine, says what is installed there."""
    found = Environment(
        path=[],
        python_version="3.12.1",
        keras_version="3.13.0",
        backend="torch",
        backend_version="2.9.0+cu128",
    )

    assert (found.python_version, found.keras_version) == ("3.12.1", "3.13.0")
    assert (found.backend, found.backend_version) == ("torch", "2.9.0+cu128")


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("1.4.2", "1.4.2"),
        ("v1.4.2-beta.1", "1.4.2b1"),
        ("1.0+Local_1", "1.0+local.1"),
        ("latest", None),
        ("", None),
        (None, None),
        ("3.13.0+", None),
    ],
)
def test_version_is_normalised(text: str | None, normal: str | None) -> None:
    """A version is written in its normal form (PEP 440); what is none is None."""
    assert normalise_version(text) == normal


class TestBackend:
    """The backend that Keras would choose, found without importing it."""

    @pytest.fixture(autouse=True)
    def home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        """A home folder of the test's own, and no variables."""
        monkeypatch.delenv("KERAS_BACKEND", raising=False)
        monkeypatch.delenv("KERAS_HOME", raising=False)
        for variable in ("HOME", "USERPROFILE"):
            monkeypatch.setenv(variable, str(tmp_path))
        (tmp_path / ".keras").mkdir()
        return tmp_path / ".keras"

    def test_is_tensorflow_by_default(self) -> None:
        """Where nothing is set it is TensorFlow."""
        assert Environment(path=[]).backend == "tensorflow"

    def test_is_that_of_the_variable(self, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """`KERAS_BACKEND` wins over the file; an empty one is none."""
        (home / "keras.json").write_text('{"backend": "torch"}', encoding="utf-8")
        monkeypatch.setenv("KERAS_BACKEND", "jax")
        assert Environment(path=[]).backend == "jax"
        monkeypatch.setenv("KERAS_BACKEND", "")
        assert Environment(path=[]).backend == "torch"

    def test_is_that_of_the_file(
        self, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """`keras.json` lies in the home folder, or in that of `KERAS_HOME`."""
        (home / "keras.json").write_text('{"backend": "jax"}', encoding="utf-8")
        assert Environment(path=[]).backend == "jax"
        other = tmp_path / "other"
        other.mkdir()
        (other / "keras.json").write_text('{"backend": "torch"}', encoding="utf-8")
        monkeypatch.setenv("KERAS_HOME", str(other))
        assert Environment(path=[]).backend == "torch"

    def test_is_found_in_a_home_that_begins_with_a_tilde(
        self, home: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """`KERAS_HOME=~/.keras`, from a file that no shell has read, is what Keras takes it for."""
        (home / "keras.json").write_text('{"backend": "jax"}', encoding="utf-8")
        monkeypatch.setenv("KERAS_HOME", "~/.keras")

        assert Environment(path=[]).backend == "jax"

    @pytest.mark.parametrize(
        "text", ["", "{", "[]", "null", "{}", '{"backend": null}', '{"backend": 7}', "\udcff"]
    )
    def test_is_tensorflow_if_the_file_is_broken(self, text: str, home: Path) -> None:
        """Whatever stands in the file, it raises nothing."""
        (home / "keras.json").write_bytes(text.encode("utf-8", "surrogateescape"))

        assert Environment(path=[]).backend == "tensorflow"

    @pytest.mark.parametrize("name", ["../evil", "torch; rm -rf ~", "\x1b[31m"])
    def test_is_no_arbitrary_text(self, name: str, home: Path) -> None:
        """A backend's name is an identifier: it is looked up and shown."""
        (home / "keras.json").write_text(json.dumps({"backend": name}), encoding="utf-8")

        assert Environment(path=[]).backend == "tensorflow"
