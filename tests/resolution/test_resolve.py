"""Who has an object: the order in which caller, program, plugins and Keras are asked."""

import pytest

from keras_registry.findings import Level
from keras_registry.names import Kind
from keras_registry.registration import Registration, Registry
from keras_registry.resolution import Source
from tests.resolution.situations import NoScan, layer, manifest_of, model, of_code

MODEL = model(layer(units=3), layer(units=4))


def live(key="acme>Gated", module="acme_layers.gated"):
    """Return a registry with one class that the running program has registered."""
    registry = Registry()
    target = type(key.rpartition(">")[2], (), {"__module__": module})
    registry.add(Registration(key, Kind.LAYER, target))
    return registry


def only(resolution):
    """Return the one object of a resolution."""
    (found,) = resolution.objects
    return found


def codes(resolution):
    """Return the codes of the findings."""
    return [finding.code for finding in resolution.findings]


CUSTOM = {"given": {"acme>Gated": Source.CUSTOM_OBJECTS}}
SCOPE = {"given": {"acme>Gated": Source.SCOPE}}
KERAS = {"keras_has": lambda use: True}
OTHER_LIVE = {"registry": live(module="notebook")}
OWN_LIVE = {"registry": live()}


class TestOrder:
    """The first that has an object wins."""

    @pytest.mark.parametrize(
        ("options", "source", "note"),
        [
            ({**CUSTOM, **OTHER_LIVE, **KERAS}, Source.CUSTOM_OBJECTS, "R301"),
            ({**SCOPE, **OTHER_LIVE, **KERAS}, Source.SCOPE, "R302"),
            ({**OTHER_LIVE, **KERAS}, Source.LIVE, "R303"),
            ({**OWN_LIVE, **KERAS}, Source.PLUGIN, None),
            (KERAS, Source.PLUGIN, None),
            ({}, Source.PLUGIN, None),
        ],
    )
    def test_with_the_recorded_plugin_installed(self, world, options, source, note):
        """Caller, scope, program, then the plugin; whoever stands before the plugin is noted."""
        world.install()

        resolution = world.resolve(MODEL, manifest_of(MODEL), **options)

        assert only(resolution).source is source
        assert codes(resolution) == ([note] if note else [])
        assert all(finding.level is Level.NOTE for finding in resolution.findings)

    @pytest.mark.parametrize(
        ("options", "source", "note"),
        [
            ({**CUSTOM, **OTHER_LIVE, **KERAS}, Source.CUSTOM_OBJECTS, "R301"),
            ({**SCOPE, **OTHER_LIVE, **KERAS}, Source.SCOPE, "R302"),
            ({**OTHER_LIVE, **KERAS}, Source.LIVE, None),
            (KERAS, Source.KERAS, "R304"),
            ({}, Source.MISSING, "R106"),
        ],
    )
    def test_without_any_plugin(self, world, options, source, note):
        """With no plugin and no manifest, Keras comes last, and then the object is missing."""
        resolution = world.resolve(MODEL, **options)

        assert only(resolution).source is source
        assert codes(resolution) == ["M101", *([note] if note else [])]

    def test_an_installed_plugin_comes_before_keras(self, world):
        """Without a manifest, an installed plugin is preferred to what plain Keras finds."""
        world.install()

        assert only(world.resolve(MODEL, **KERAS)).source is Source.PLUGIN

    def test_what_the_caller_gives_is_not_judged(self, world):
        """The caller's object is used whatever the state of the plugin; only a note says so."""
        world.install(version="0.1")

        resolution = world.resolve(MODEL, manifest_of(MODEL), **CUSTOM)

        assert codes(resolution) == ["R301"]

    @pytest.mark.parametrize("registry", [None, live()], ids=["not imported", "imported"])
    @pytest.mark.parametrize(
        ("installed", "recorded", "code"),
        [
            (("acme-layers", "1.2.0"), "acme-layers", "R201"),
            (("acme-layers", "1.4.1"), "acme-layers", "R202"),
            (("acme-layers", "1.9.0"), "acme-layers", "R203"),
            (("acme-moved", "1.4.2"), "acme-layers", "R210"),
        ],
    )
    def test_an_imported_plugin_is_judged_too(self, world, registry, installed, recorded, code):
        """A plugin is held against the manifest whether it is imported already or not."""
        world.install(*installed)

        resolution = world.resolve(
            MODEL, manifest_of(MODEL, distribution=recorded), registry=registry
        )

        assert only(resolution).source is Source.PLUGIN
        assert codes(resolution) == [code]

    def test_the_recorded_one_of_two_rivals(self, world):
        """Of two distributions that claim a key, the one that the manifest names is used."""
        world.install("acme-fork", "9.0")
        world.install("acme-layers", "1.4.2")

        resolution = world.resolve(MODEL, manifest_of(MODEL))

        assert only(resolution).plugin.distribution == "acme-layers"
        assert resolution.findings == ()


class TestScans:
    """When all distributions are looked through."""

    def test_no_scan_for_recorded_objects(self, world):
        """A manifest leads straight to its distributions: no scan is made."""
        world.install()

        resolution = world.resolve(MODEL, manifest_of(MODEL), environment=world.environment(NoScan))

        assert only(resolution).source is Source.PLUGIN

    @pytest.mark.parametrize("options", [CUSTOM, SCOPE, OTHER_LIVE], ids=["c", "s", "l"])
    def test_no_scan_for_what_is_at_hand(self, world, options):
        """Nothing is looked for that the caller or the program has."""
        world.resolve(MODEL, environment=world.environment(NoScan), **options)

    def test_no_scan_for_a_plain_model(self, world):
        """A model of nothing but Keras's own objects needs no look at what is installed."""
        plain = model(
            {
                "module": "keras.layers",
                "class_name": "Dense",
                "config": {"name": "dense", "units": 1, "activation": "relu"},
                "registered_name": None,
            }
        )

        resolution = world.resolve(plain, manifest_of(plain), environment=world.environment(NoScan))

        assert resolution.objects == ()
        assert resolution.findings == ()


class TestObjects:
    """What a resolution says of each object."""

    def test_each_key_once(self, world):
        """A resolution has each key once, in the order of the config, with all its places."""
        world.install(keys=["acme>Gated", "acme>Norm"])
        config = model(layer(units=3), layer("acme>Norm"), layer(units=4))

        resolution = world.resolve(config, manifest_of(config))

        assert [item.key for item in resolution.objects] == ["acme>Gated", "acme>Norm"]
        assert [len(item.uses) for item in resolution.objects] == [2, 1]
        assert str(resolution.objects[0].needs) == 'acme>Gated (2 places, first: layers[0] "gated")'

    def test_record_and_plugin(self, world):
        """An object carries what the manifest says of it, and the plugin that has it."""
        world.install()

        found = only(world.resolve(MODEL, manifest_of(MODEL)))

        assert found.record.distribution == "acme-layers"
        assert found.plugin.target == "acme_layers.gated:Gated"
        assert found.plugin.distribution_version == "1.4.2"

    def test_the_plugins_of_a_model(self, world):
        """`plugins` has each plugin once, also where two keys lead to it."""
        world.install(keys=["acme>Gated"], aliases={"old>Gated": "acme>Gated"})
        config = model(layer(), layer("old>Gated"), layer())

        resolution = world.resolve(config, manifest_of(config))

        assert [plugin.key for plugin in resolution.plugins] == ["acme>Gated"]

    def test_the_kind_is_the_recorded_one(self, world):
        """The kind of a need is the manifest's where there is one, else what the place tells."""
        loss = {**layer("acme>Pinball"), "config": {}}
        config = model(compile_config={"loss": loss})
        manifest = manifest_of(config, objects={"acme>Pinball": {"kind": "function"}})

        assert only(world.resolve(config)).needs.kind == "loss"
        assert only(world.resolve(config, manifest)).needs.kind == "function"

    def test_nothing_is_imported(self, world):
        """A module that a file or an entry point names is not imported."""
        import sys

        world.install(module="acme_layers_that_must_not_be_imported.gated")
        config = model(layer(module="antigravity"))

        assert only(world.resolve(config, manifest_of(config))).source is Source.PLUGIN
        assert "antigravity" not in sys.modules
        assert "acme_layers_that_must_not_be_imported" not in sys.modules


class TestAliases:
    """Former names of an object."""

    @pytest.mark.parametrize("old", ["old>Gated", "acme>FormerGated", "Gated"])
    def test_without_a_manifest(self, world, old):
        """A former name leads to the plugin that claims it, a bare one too."""
        world.install(aliases={old: "acme>Gated"})

        found = only(world.resolve(model(layer(old))))

        assert (found.key, found.source) == (old, Source.PLUGIN)
        assert found.plugin.key == "acme>Gated"

    def test_with_a_manifest(self, world):
        """A former name that the manifest has is found in the recorded distribution, unscanned."""
        world.install(aliases={"old>Gated": "acme>Gated"})
        config = model(layer("old>Gated"))

        resolution = world.resolve(
            config, manifest_of(config), environment=world.environment(NoScan)
        )

        assert only(resolution).plugin.key == "acme>Gated"

    def test_in_another_distribution(self, world):
        """An object that moved under an alias is found where it is now, and that is said."""
        world.install("acme-next", "1.0", aliases={"old>Gated": "acme>Gated"})
        config = model(layer("old>Gated"))

        resolution = world.resolve(config, manifest_of(config))

        assert only(resolution).plugin.distribution == "acme-next"
        assert codes(resolution) == ["R210"]


DENSE = {
    "module": "keras.layers",
    "class_name": "Dense",
    "config": {"name": "dense", "units": 1, "activation": "acme>Gated"},
    "registered_name": None,
}


class TestPossibleKeys:
    """Text in a config that merely looks like a key."""

    def test_nobody_has_it(self, world):
        """Text that nobody claims is just text: it is neither an object nor a finding."""
        resolution = world.resolve(model(DENSE))

        assert resolution.objects == ()
        assert codes(resolution) == ["M101"]

    def test_a_plugin_has_it(self, world):
        """Without a manifest, text that one plugin claims is taken for its key."""
        world.install()

        assert only(world.resolve(model(DENSE))).source is Source.PLUGIN

    def test_two_plugins_have_it(self, world):
        """Text that two plugins claim stops nothing."""
        world.install()
        world.install("acme-fork", "9.0")

        resolution = world.resolve(model(DENSE))

        assert resolution.objects == ()
        assert codes(resolution) == ["M101"]

    def test_the_program_has_it(self, world):
        """Text that is the key of a live object is taken for it."""
        resolution = world.resolve(model(DENSE), registry=live())

        assert only(resolution).source is Source.LIVE

    def test_the_manifest_lists_it(self, world):
        """Text that the manifest lists as an object is one, also if it is missing here."""
        config = model(DENSE)
        manifest = manifest_of(config)
        manifest["objects"] = [
            {"key": "acme>Gated", "kind": "function", "distribution": "acme-layers"}
        ]

        resolution = world.resolve(config, manifest)

        assert only(resolution).source is Source.MISSING
        assert codes(resolution) == ["R101"]

    def test_the_manifest_does_not_list_it(self, world):
        """Text that the manifest does not list is just text, whoever claims it: no scan is made."""
        world.install()
        config = model(DENSE)

        resolution = world.resolve(
            config, manifest_of(config), environment=world.environment(NoScan)
        )

        assert resolution.objects == ()

    def test_a_dict_of_the_users_own(self, world):
        """A dict with `class_name` and `config` that is no serialised object is just a dict."""
        config = model(layer(note={"class_name": "Recipe", "config": {"steps": 3}}))
        world.install()

        assert only(world.resolve(config)).key == "acme>Gated"
        assert of_code(world.resolve(config).findings, "R106") == []


class TestEditedManifests:
    """Nothing is gained by editing a manifest: what is needed comes from the config."""

    def test_an_object_more(self, world):
        """An object that the manifest lists and the config does not use is not looked at."""
        world.install()
        manifest = manifest_of(MODEL)
        manifest["objects"].append({"key": "evil>Thing", "kind": "layer", "distribution": "evil"})

        resolution = world.resolve(MODEL, manifest)

        assert [item.key for item in resolution.objects] == ["acme>Gated"]
        assert resolution.findings == ()

    def test_an_object_less(self, world):
        """An object that the manifest leaves out is found all the same."""
        world.install()
        manifest = {**manifest_of(MODEL), "objects": []}

        assert only(world.resolve(MODEL, manifest)).source is Source.PLUGIN

    def test_a_manifest_that_is_not_believed(self, world):
        """A manifest with a problem is not used at all, not even where it is in order."""
        world.install()
        manifest = manifest_of(MODEL, generator="\x1b[2J")

        resolution = world.resolve(MODEL, manifest)

        assert resolution.manifest is None
        assert only(resolution).record is None
        assert codes(resolution) == ["M102"]
