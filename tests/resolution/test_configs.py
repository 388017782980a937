"""Saved configs against the config schemas of the imported code."""

import pytest

from keras_registry import types as t
from keras_registry.config import derive_schema
from keras_registry.findings import Level, render_finding
from keras_registry.names import Kind
from keras_registry.registration import Registration, Registry
from keras_registry.resolution import Source, judge_configs
from tests.resolution.situations import layer, manifest_of, model
from tests.support.golden import check_golden

VERSION = "keras_registry_config_version"


class Gated:
    """The class of the plugin."""

    __module__ = "acme_layers.gated"

    def __init__(self, units: t.PositiveInt, widths: list[int] = (), name: str = ""):
        self.units = units


def imported(*, key="acme>Gated", config_version=1, schema=...):
    """Return a registry in which the plugin is imported."""
    registry = Registry()
    if schema is ...:
        schema = derive_schema(Gated, config_version=config_version)
    registry.add(Registration(key, Kind.LAYER, Gated, schema))
    return registry


@pytest.fixture
def validate(world):
    """Return a function that validates a model's configs, the plugin being installed."""

    def validate(config, registry=None, *, version="1.4.2", installed="1.4.2", **members):
        world.install(version=installed)
        manifest = manifest_of(config, version=version, **members)
        resolution = world.resolve(config, manifest)
        return judge_configs(resolution, config, registry or imported()).findings

    return validate


def text_of(findings):
    """Return findings as a user sees them."""
    return "\n".join(map(render_finding, findings))


class TestTexts:
    """One text for each reason, word for word."""

    def test_invalid(self, validate):
        """S101: the place, the field, what the schema says and what the file holds."""
        config = model(layer(units=3), layer(units=0, widths=[1, "2"], name="gate", surprise=[1]))

        check_golden("resolution/S101", text_of(validate(config, installed="1.4.1")))

    def test_invalid_under_the_very_version(self, validate):
        """S101: where the version is the recorded one, the file or the plugin is at fault."""
        check_golden("resolution/S101-same", text_of(validate(model(layer(units=0)))))

    def test_too_new(self, validate):
        """S102: both versions of the config, and the line that upgrades."""
        config = model(layer(units=3, **{VERSION: 3}))
        objects = {"acme>Gated": {"config_version": 3}}

        findings = validate(config, installed="1.2.0", version="1.4.2", objects=objects)

        check_golden("resolution/S102", text_of(findings))

    def test_too_old(self, validate):
        """S103: both versions of the config, and the line that goes back."""
        findings = validate(model(layer(units=3)), imported(config_version=2), installed="2.0")

        check_golden("resolution/S103", text_of(findings))


class TestFindings:
    """What is found, where."""

    def test_good_configs(self, validate):
        """A model whose configs are all accepted has no finding."""
        assert validate(model(layer(units=3), layer(units=4, name="x", widths=[1]))) == []

    def test_each_place_is_looked_at(self, validate):
        """Each place that uses a class is checked, and told with its own path."""
        config = model(layer(units=0, name="a"), layer(units=3), layer(units=-1, name="b"))

        findings = validate(config)

        assert [(f.code, f.level) for f in findings] == [("S101", Level.ERROR)] * 2
        assert [f.location for f in findings] == [
            "/config/layers/0/config/units",
            "/config/layers/2/config/units",
        ]
        assert [str(f.needs[0]) for f in findings] == [
            'acme>Gated (1 place, layers[0] "a")',
            'acme>Gated (1 place, layers[2] "b")',
        ]
        assert all(f.distribution == "acme-layers" for f in findings)

    def test_all_problems_of_a_place_in_one_finding(self, validate):
        """The problems of one object are one finding, whose location is the object's config."""
        (found,) = validate(model(layer(units="3", widths=["1"], surprise=1)))

        assert found.location == "/config/layers/0/config"
        assert found.summary.count("gated") == 3
        assert "units = '3'" in found.found

    def test_the_message_of_the_design(self, validate):
        """The summary reads `layers[0] "gate": units: Input should be greater than 0`."""
        (found,) = validate(model(layer(units=0, name="gate")))

        assert found.summary == 'layers[0] "gate": units: Input should be greater than 0'

    @pytest.mark.parametrize(
        ("wrong", "location"),
        [({"widths": [1, "2"]}, "widths/1"), ({"a/b~c": 1}, "a~1b~0c"), ({"x\x1b": 1}, "x\\x1b")],
        ids=str,
    )
    def test_the_location_of_a_single_problem(self, validate, wrong, location):
        """A problem that is the only one is located by a JSON pointer to the very value."""
        (found,) = validate(model(layer(units=3, **wrong)))

        assert found.location == f"/config/layers/0/config/{location}"

    def test_a_missing_field(self, validate):
        """A field that has to be there is told by its name."""
        (found,) = validate(model(layer()))

        assert found.summary == 'layers[0] "gated": units: Field required'

    def test_the_version_comes_first(self, validate):
        """A config of another version is told by its version, whatever its fields are."""
        (found,) = validate(model(layer(**{VERSION: 2, "new_field": 1})))

        assert found.code == "S102"

    def test_versions_that_agree(self, validate):
        """A config of the installed version is checked like any other."""
        config = model(layer(units=0, **{VERSION: 2}))

        (found,) = validate(config, imported(config_version=2))

        assert found.code == "S101"

    def test_hostile_values_are_printable(self, validate):
        """What the file holds is escaped and cut."""
        config = model(layer(units="\x1b[2J" * 1000, name="\x07", **{"\x1b]0;x\x07": "\x00"}))

        (found,) = validate(config)

        assert all(line.isprintable() for line in render_finding(found).splitlines())
        assert all(len(line) < 600 for line in render_finding(found).splitlines())


class TestWhoIsChecked:
    """Whose configs are looked at."""

    BAD = model(layer(units=0))

    def test_a_live_object(self, world):
        """An object that the running program registered is checked against its own schema."""
        registry = imported()
        resolution = world.resolve(self.BAD, registry=registry)

        (found,) = judge_configs(resolution, self.BAD, registry).findings

        assert resolution.objects[0].source is Source.LIVE
        assert (found.code, found.distribution) == ("S101", None)

    @pytest.mark.parametrize(
        "options",
        [
            {"given": {"acme>Gated": Source.CUSTOM_OBJECTS}},
            {"given": {"acme>Gated": Source.SCOPE}},
        ],
    )
    def test_what_the_caller_gives_is_not(self, world, options):
        """An object that the caller passed is used as it is, whatever is registered."""
        registry = imported()
        resolution = world.resolve(self.BAD, registry=registry, **options)

        assert judge_configs(resolution, self.BAD, registry).findings == []

    def test_what_keras_has_is_not(self, world):
        """An object that plain Keras has is used as it is."""
        resolution = world.resolve(self.BAD, keras_has=lambda use: True)

        assert judge_configs(resolution, self.BAD, imported()).findings == []

    def test_an_object_without_a_schema_is_not(self, validate):
        """A class whose config Keras keeps has nothing to be held against."""
        assert validate(self.BAD, imported(schema=None)) == []

    def test_functions_are_not(self, world):
        """A function has no config."""
        function = {
            "module": "builtins",
            "class_name": "function",
            "config": "acme>swishy",
            "registered_name": "function",
        }
        config = model(layer(units=3, activation=function))
        registry = imported(key="acme>swishy", schema=None)
        resolution = world.resolve(config, registry=registry, keras_has=lambda use: True)

        assert judge_configs(resolution, config, registry).findings == []

    def test_an_alias_is_checked_by_its_object(self, world):
        """A config under a former key is held against the schema of the object it leads to."""
        world.install(aliases={"old>Gated": "acme>Gated"})
        config = model(layer("old>Gated", units=0))
        resolution = world.resolve(config, manifest_of(config))

        (found,) = judge_configs(resolution, config, imported()).findings

        assert (found.code, found.needs[0].key) == ("S101", "old>Gated")

    @pytest.mark.parametrize("inner", [None, [], "text", 3])
    def test_a_config_that_is_no_dict_is_told_by_keras(self, world, inner):
        """An object whose config is no dict at all does not break the check."""
        config = model({**layer(), "config": inner})
        registry = imported()
        resolution = world.resolve(config, registry=registry)

        assert judge_configs(resolution, config, registry).findings == []
