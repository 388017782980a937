"""Installed versions and code against recorded ones."""

import pytest

from keras_registry import types as t
from keras_registry.config import derive_schema
from keras_registry.findings import Policy, render_finding
from keras_registry.names import Kind
from keras_registry.registration import Registration, Registry
from keras_registry.resolution import judge_schemas
from tests.resolution.situations import described_by, layer, manifest_of, model, of_code, unknown
from tests.support.golden import check_golden

MODEL = model(layer(units=3, name="gate"), layer("acme>Norm"))
KEYS = ["acme>Gated", "acme>Norm"]
OTHER_SCHEMA = "xxh3:" + "0" * 32
OTHER_DIGEST = "sha256:" + "0" * 64


class Gated:
    """A class of the plugin."""

    __module__ = "acme_layers.gated"

    def __init__(self, units: t.PositiveInt):
        self.units = units


class Norm:
    """Another one."""

    __module__ = "acme_layers.gated"

    def __init__(self, rate: float = 0.5):
        self.rate = rate


def imported(**versions):
    """Return a registry in which the plugin is imported, with the classes' config versions."""
    registry = Registry()
    for cls in (Gated, Norm):
        schema = derive_schema(cls, config_version=versions.get(cls.__name__, 1))
        registry.add(Registration(f"acme>{cls.__name__}", Kind.LAYER, cls, schema))
    return registry


def text_of(findings):
    """Return findings as a user sees them."""
    return "\n".join(map(render_finding, findings))


class TestTexts:
    """One text for each difference, word for word."""

    @pytest.mark.parametrize(
        ("code", "installed"), [("R201", "1.2.0"), ("R202", "1.6.1"), ("R203", "1.9.0")]
    )
    def test_versions(self, world, code, installed):
        """Too old, older and newer: what is wanted, what is there, what to install."""
        world.install(version=installed, keys=KEYS)

        resolution = world.resolve(MODEL, manifest_of(MODEL, version="1.6.2"))

        check_golden(f"resolution/{code}", text_of(resolution.findings))

    def test_other_code(self, world):
        """R208: both digests, as far as a reader can compare them."""
        digest = world.install(keys=KEYS)

        resolution = world.resolve(MODEL, manifest_of(MODEL, digest=OTHER_DIGEST))

        text = text_of(resolution.findings).replace(digest[:19], "sha256:(installed)")
        check_golden("resolution/R208", text)

    @pytest.mark.parametrize(("here", "there"), [(True, False), (False, True), (True, True)])
    def test_editable(self, world, here, there):
        """R209: where the install is editable, here or where the model was saved."""
        world.install(keys=KEYS, editable=here)

        resolution = world.resolve(
            MODEL, manifest_of(MODEL, editable=there, digest=None if there else OTHER_DIGEST)
        )

        check_golden(f"resolution/R209-{'here' if here else 'there'}", text_of(resolution.findings))

    @pytest.mark.parametrize(
        ("code", "installed", "schema"),
        [
            ("R205", "2.1", None),
            ("R206", "2.1", OTHER_SCHEMA),
            ("R207", "1.4.2", OTHER_SCHEMA),
        ],
    )
    def test_code(self, world, code, installed, schema):
        """What the imported code tells: a schema that stayed, and one that changed."""
        world.install(version=installed, keys=KEYS)
        objects = {"acme>Gated": {"schema": schema}, "acme>Norm": {"schema": schema}}
        resolution = world.resolve(MODEL, manifest_of(MODEL, objects=objects))

        findings = judge_schemas(resolution, described_by(imported()))

        check_golden(f"resolution/{code}", text_of(findings))

    def test_without_code(self, world):
        """R211: what is not known as long as the plugin is not imported."""
        world.install(version="2.1", keys=KEYS)

        findings = judge_schemas(world.resolve(MODEL, manifest_of(MODEL)), unknown)

        check_golden("resolution/R211", text_of(findings))


class TestVersions:
    """What `resolve_model` says of versions, without any code."""

    def test_the_same_version_and_code(self, world):
        """The same version with the same files is no finding."""
        digest = world.install(keys=KEYS)

        assert world.resolve(MODEL, manifest_of(MODEL, digest=digest)).findings == ()

    @pytest.mark.parametrize(
        ("recorded", "installed"), [("1.4.2", "1.4.2"), ("1.4", "1.4.0"), ("1.4.2rc1", "1.4.2RC1")]
    )
    def test_equal_by_pep_440(self, world, recorded, installed):
        """Versions are compared by PEP 440, not as text."""
        world.install(version=installed, keys=KEYS)

        assert world.resolve(MODEL, manifest_of(MODEL, version=recorded)).findings == ()

    @pytest.mark.parametrize("members", [{"version": None}, {"distributions": {}}])
    def test_an_unknown_version_is_not_judged(self, world, members):
        """Where the manifest does not say the version, there is nothing to compare."""
        world.install(version="0.1", keys=KEYS)

        assert world.resolve(MODEL, manifest_of(MODEL, **members)).findings == ()

    def test_an_unknown_digest_is_not_judged(self, world):
        """Where either side has no digest, other code cannot be told."""
        world.install(keys=KEYS)

        assert world.resolve(MODEL, manifest_of(MODEL, digest=None)).findings == ()

    def test_the_digest_of_another_version_is_not_judged(self, world):
        """Another version has other code, of course: only the version is told."""
        world.install(version="1.5.0", keys=KEYS)

        resolution = world.resolve(MODEL, manifest_of(MODEL, digest=OTHER_DIGEST))

        assert [finding.code for finding in resolution.findings] == ["R203"]

    def test_one_finding_for_one_distribution(self, world):
        """A distribution that differs is told once, with all objects that come from it."""
        world.install(version="1.2.0", keys=KEYS)

        (found,) = world.resolve(MODEL, manifest_of(MODEL)).findings

        assert [need.key for need in found.needs] == KEYS
        assert found.distribution == "acme-layers"

    def test_objects_from_elsewhere_are_not_held_against_it(self, world):
        """An object from another distribution than recorded is not compared by version."""
        world.install("acme-next", "9.0", keys=KEYS)

        resolution = world.resolve(MODEL, manifest_of(MODEL))

        assert {finding.code for finding in resolution.findings} == {"R210"}

    def test_the_recorded_range_is_not_believed(self, world):
        """`requires` in a manifest does not widen what is in range."""
        world.install(version="3.0", keys=KEYS)
        manifest = manifest_of(MODEL)
        manifest["distributions"]["acme-layers"]["requires"] = ">=0"
        resolution = world.resolve(MODEL, manifest)

        assert [f.code for f in judge_schemas(resolution, unknown)] == ["R211"]


class TestJudgeSchemas:
    """What the imported classes tell."""

    def resolution(self, world, installed="1.4.2", **objects):
        """Return the resolution of the model, with members of the records of its objects."""
        world.install(version=installed, keys=KEYS)
        records = {f"acme>{name}": members for name, members in objects.items()}
        return world.resolve(MODEL, manifest_of(MODEL, objects=records))

    def test_the_same_schema(self, world):
        """A fingerprint that is the recorded one is no finding."""
        registry = imported()
        schemas = {
            name: {"schema": registry.find(f"acme>{name}").schema.fingerprint}
            for name in ("Gated", "Norm")
        }

        assert judge_schemas(self.resolution(world, **schemas), described_by(registry)) == ()

    def test_an_unknown_schema(self, world):
        """Where the manifest has no fingerprint there is nothing to compare."""
        assert judge_schemas(self.resolution(world), described_by(imported())) == ()

    def test_only_the_objects_concerned(self, world):
        """R207 names the objects whose schema changed, and no others."""
        resolution = self.resolution(world, Gated={"schema": OTHER_SCHEMA})

        (found,) = judge_schemas(resolution, described_by(imported()))

        assert (found.code, [need.key for need in found.needs]) == ("R207", ["acme>Gated"])

    def test_some_changed_and_some_not(self, world):
        """A newer version in which one schema changed and one did not is two findings."""
        resolution = self.resolution(world, "2.0", Gated={"schema": OTHER_SCHEMA})

        findings = judge_schemas(resolution, described_by(imported()))

        assert [(f.code, [need.key for need in f.needs]) for f in findings] == [
            ("R205", ["acme>Norm"]),
            ("R206", ["acme>Gated"]),
        ]

    @pytest.mark.parametrize("installed", ["1.4.2", "1.9", "2.0"])
    def test_a_declared_change_is_no_surprise(self, world, installed):
        """A schema that changed with its config version is no undeclared change."""
        resolution = self.resolution(
            world, installed, Gated={"schema": OTHER_SCHEMA, "config_version": 1}
        )

        findings = judge_schemas(resolution, described_by(imported(Gated=2)))

        assert not of_code(findings, "R206", "R207")

    def test_the_policy_of_the_resolution_counts(self, world):
        """The levels are those of the policy under which the model was resolved."""
        world.install(version="2.0", keys=KEYS)
        levels = []
        for policy in Policy:
            resolution = world.resolve(MODEL, manifest_of(MODEL), policy=policy)
            levels += [
                finding.level for finding in judge_schemas(resolution, described_by(imported()))
            ]

        assert levels == ["error", "warning", "note"]

    @pytest.mark.parametrize("installed", ["1.2.0", "1.4.1", "1.4.2", "1.9"])
    def test_without_code_only_newer_ones_are_told(self, world, installed):
        """What is no newer than the range is fully judged without code."""
        assert judge_schemas(self.resolution(world, installed), unknown) == ()

    def test_objects_of_the_program_are_not_judged(self, world):
        """Objects that come from no plugin are left alone."""
        config = model(layer("mine>Own"))
        resolution = world.resolve(
            config, manifest_of(config, distribution=None), keras_has=lambda use: True
        )

        assert judge_schemas(resolution, described_by(imported())) == ()
        assert judge_schemas(resolution, unknown) == ()
