"""The save side: the manifest of a serialised model."""

import json
from collections import Counter

import keras
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_registry import register
from keras_registry import types as t
from keras_registry.environment import Environment
from keras_registry.findings import Level, render_findings
from keras_registry.hashes import hash_json
from keras_registry.manifest import (
    DistributionRecord,
    EnvironmentRecord,
    WeightsRecord,
    dump_manifest,
    read_manifest,
)
from keras_registry.names import Kind
from keras_registry.recording import KnownObject, read_facts, record_model
from keras_registry.registration import Registration, Registry, default_registry
from tests.support.distributions import hand_made_distribution, record_row
from tests.support.golden import check_golden
from tests.support.registered import restored_registries

SAVING = {"python_version": "3.11.7", "keras_version": "3.15.1", "backend": "tensorflow"}
ACME_ENTRY_POINTS = {
    "keras_registry.layers": {"acme>Gated": "acme_layers.gated:Gated"},
    "keras_registry.losses": {"acme>Pinball": "acme_layers.losses:Pinball"},
    "keras_registry.metrics": {"acme>Coverage": "acme_layers.metrics:Coverage"},
    "keras_registry.functions": {"acme>swishy": "acme_layers.functions:swishy"},
}


@pytest.fixture(autouse=True)
def _registries():
    """What a test registers is gone after it."""
    with restored_registries():
        yield


class NoScan(Environment):
    """An environment in which nothing may look through all distributions."""

    def find_plugins(self, key):
        message = f"a scan was made for {key}"
        raise AssertionError(message)


class Acme:
    """The objects of acme-layers, registered as if they had been imported from there."""

    def __init__(self):
        class Gated(keras.layers.Layer):
            def __init__(self, units: t.PositiveInt, activation: t.Activation = "gelu", **kwargs):
                super().__init__(**kwargs)
                self.units, self.activation = units, activation

            def call(self, inputs):
                return inputs

        class Pinball(keras.losses.Loss):
            def __init__(self, quantile: float = 0.5, **kwargs):
                super().__init__(**kwargs)
                self.quantile = quantile

            def call(self, y_true, y_pred):
                return keras.ops.mean(y_true - y_pred)

        class Coverage(keras.metrics.Metric):
            def __init__(self, tolerance: float = 0.1, **kwargs):
                super().__init__(**kwargs)
                self.tolerance = tolerance

            def update_state(self, y_true, y_pred, sample_weight=None):
                pass

            def result(self):
                return 0.0

        def swishy(x):
            return x * keras.ops.sigmoid(x)

        self.Gated = publish(Gated, "acme_layers.gated", version=2)
        self.Pinball = publish(Pinball, "acme_layers.losses")
        self.Coverage = publish(Coverage, "acme_layers.metrics")
        self.swishy = publish(swishy, "acme_layers.functions")

    def build(self, layers=1):
        """Return a model with some gated layers, as JSON."""
        gated = [self.Gated(3, self.swishy, name=f"gate_{number}") for number in range(layers)]
        model = keras.Sequential([keras.Input((3,)), *gated], name="small")
        model.compile(optimizer="sgd", loss=self.Pinball(), metrics=[self.Coverage()])
        model.build((None, 3))
        return serialise(model)


@pytest.fixture
def acme():
    """Return the objects of acme-layers."""
    return Acme()


def publish(target, module, *, key_namespace="acme", **options):
    """Register an object as if an installed module defined it."""
    target.__module__, target.__qualname__ = module, target.__name__
    return register(key_namespace, **options)(target)


def serialise(model):
    """Return the JSON document that Keras writes for a model."""
    return json.loads(json.dumps(keras.saving.serialize_keras_object(model)))


def record(config, environment, *, known=None, registry=default_registry, weights=None):
    """Record a model, as `model.save` does."""
    return record_model(
        config,
        read_facts(config),
        generator="keras-registry 0.1.0",
        registry=registry,
        environment=environment,
        known=known or {},
        weights=weights or {},
    )


@pytest.fixture
def environment(tmp_path):
    """Return an environment with acme-layers 1.4.2, in which no scan may be made."""
    rows = [record_row("acme_layers/gated.py", "gated")]
    hand_made_distribution(tmp_path, "Acme_Layers", "1.4.2", ACME_ENTRY_POINTS, record=rows)
    return NoScan(path=[str(tmp_path)], backend_version="2.21.0", **SAVING)


def objects_of(recording):
    """Return the recorded objects by key."""
    return {record.key: record for record in recording.manifest.objects}


def check_readable(manifest):
    """Check that a manifest, written as JSON, is read back as it was, without a problem."""
    reading = read_manifest(json.loads(json.dumps(dump_manifest(manifest))))
    assert reading.problems == ()
    assert reading.value == manifest


class TestObjects:
    """Which objects are recorded, and what of them."""

    def test_each_object_is_recorded_once(self, acme, environment):
        """A compiled model's layers, functions, loss and metric are recorded, each once."""
        found = objects_of(record(acme.build(layers=3), environment))

        assert {key: (record.kind, record.count) for key, record in found.items()} == {
            "acme>Gated": (Kind.LAYER, 3),
            "acme>swishy": (Kind.FUNCTION, 3),
            "acme>Pinball": (Kind.LOSS, 1),
            "acme>Coverage": (Kind.METRIC, 1),
        }

    def test_a_record_says_where_the_object_comes_from(self, acme, environment):
        """A record has class, module, distribution, config version and schema fingerprint."""
        gated = objects_of(record(acme.build(), environment))["acme>Gated"]
        schema = default_registry.find("acme>Gated").schema

        assert (gated.class_name, gated.module) == ("Gated", "acme_layers.gated")
        assert gated.distribution == "acme-layers"
        assert (gated.config_version, gated.schema) == (2, schema.fingerprint)

    def test_a_function_has_no_schema(self, acme, environment):
        """The record of a function has its name, and neither a schema nor a version of one."""
        swishy = objects_of(record(acme.build(), environment))["acme>swishy"]

        assert (swishy.class_name, swishy.config_version, swishy.schema) == ("swishy", None, None)

    def test_paths_lead_to_the_object(self, acme, environment):
        """Each path is a JSON pointer into the config, and the object is there."""
        config = acme.build(layers=2)
        gated = objects_of(record(config, environment))["acme>Gated"]

        places = [config["config"]["layers"][number] for number in (1, 2)]
        assert gated.paths == ("/config/layers/1", "/config/layers/2")
        assert [place["registered_name"] for place in places] == ["acme>Gated"] * 2

    def test_at_most_eight_paths(self, acme, environment):
        """An object that is used often has eight paths, and the whole count."""
        gated = objects_of(record(acme.build(layers=12), environment))["acme>Gated"]

        assert len(gated.paths) == 8
        assert gated.count == 12

    def test_nested_models_are_looked_into(self, acme, environment):
        """An object inside a nested model is recorded with its path through the model."""
        inner = keras.Sequential([keras.Input((3,)), acme.Gated(3)], name="inner")
        outer = keras.Sequential([keras.Input((3,)), inner], name="outer")

        gated = objects_of(record(serialise(outer), environment))["acme>Gated"]

        assert gated.paths == ("/config/layers/1/config/layers/1",)

    def test_a_registered_model(self, tmp_path):
        """A model that is itself a registered object has the empty path."""

        class Stack(keras.Model):
            def __init__(self, width: int = 1, **kwargs):
                super().__init__(**kwargs)

            def call(self, inputs):
                return inputs

        publish(Stack, "acme_layers.gated")

        environment = Environment(path=[str(tmp_path)], **SAVING)

        stack = objects_of(record(serialise(Stack(3)), environment))["acme>Stack"]

        assert (stack.kind, stack.paths) == (Kind.MODEL, ("",))

    def test_a_function_as_loss(self, tmp_path):
        """A registered function used as a loss is recorded as a function."""

        def closeness(y_true, y_pred):
            return keras.ops.mean(y_true - y_pred, axis=-1)

        publish(closeness, "acme_layers.losses")
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        model.compile(optimizer="sgd", loss=closeness)

        environment = Environment(path=[str(tmp_path)], **SAVING)

        found = objects_of(record(serialise(model), environment))

        assert found["acme>closeness"].kind is Kind.FUNCTION

    def test_a_plain_model_has_no_objects(self, environment):
        """A model of nothing but Keras's own is recorded with no objects and no distributions."""
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, activation="relu")])
        model.compile(optimizer="adam", loss="mse", metrics=["mae"])

        recording = record(serialise(model), environment)

        assert recording.manifest.objects == ()
        assert recording.manifest.distributions == {}
        assert recording.findings == ()

    def test_text_that_looks_like_a_key_is_none(self, environment):
        """A string or dict that merely looks like an object is not recorded."""
        config = {
            "class_name": "Sequential",
            "module": "keras",
            "registered_name": None,
            "config": {"name": "a>b", "note": {"class_name": "Made", "config": {"up": "x>y"}}},
        }

        recording = record(config, environment)

        assert recording.manifest.objects == ()
        assert recording.findings == ()

    def test_text_that_is_a_registered_key_is_one(self, acme, environment):
        """A string that is the key of a registered object is recorded."""
        config = {
            "class_name": "Dense",
            "module": "keras.layers",
            "registered_name": None,
            "config": {"name": "dense", "activation": "acme>swishy"},
        }

        assert set(objects_of(record(config, environment))) == {"acme>swishy"}


class TestDistributions:
    """Which distribution an object is recorded with."""

    def test_the_one_named_like_its_module(self, acme, environment):
        """The distribution named like the object's top-level module is found without a scan."""
        recording = record(acme.build(), environment)

        assert recording.manifest.distributions == {
            "acme-layers": DistributionRecord(
                version="1.4.2",
                requires=">=1.4,<2",
                editable=False,
                digest=environment.find_distribution("acme-layers").digest,
            )
        }
        assert recording.manifest.distributions["acme-layers"].digest.startswith("sha256:")
        assert recording.findings == ()

    def test_one_of_another_name(self, acme, tmp_path):
        """A distribution that is named otherwise is found by a scan for the key."""
        hand_made_distribution(tmp_path, "acme-machine-learning", "0.3.1", ACME_ENTRY_POINTS)
        environment = Environment(path=[str(tmp_path)], **SAVING)

        recording = record(acme.build(), environment)

        assert objects_of(recording)["acme>Gated"].distribution == "acme-machine-learning"
        assert list(recording.manifest.distributions) == ["acme-machine-learning"]

    def test_the_one_that_has_the_module(self, acme, tmp_path):
        """Of two that list the key, the one whose entry point leads to the object's package."""
        other = {"keras_registry.layers": {"acme>Gated": "another_package.gated:Gated"}}
        hand_made_distribution(tmp_path, "a-rival", "9.0", other)
        hand_made_distribution(tmp_path, "z-owner", "1.0", ACME_ENTRY_POINTS)
        environment = Environment(path=[str(tmp_path)], **SAVING)

        assert objects_of(record(acme.build(), environment))["acme>Gated"].distribution == "z-owner"

    def test_an_object_handed_on_by_its_package(self, tmp_path):
        """An entry point may name another module of the object's package than the defining one."""

        def double(x):
            return 2 * x

        publish(double, "acme_layers.deep.inside")
        entries = {"keras_registry.functions": {"acme>double": "acme_layers:double"}}
        hand_made_distribution(tmp_path, "acme-layers", "1.4.2", entries)
        environment = NoScan(path=[str(tmp_path)], **SAVING)
        config = {"class_name": "function", "config": "acme>double", "module": "builtins"}

        found = objects_of(record([config], environment))

        assert found["acme>double"].distribution == "acme-layers"
        assert found["acme>double"].module == "acme_layers.deep.inside"

    def test_one_that_is_installed_but_does_not_list_the_object(self, acme, tmp_path):
        """A distribution that does not list the object is not recorded with it."""
        hand_made_distribution(tmp_path, "acme-layers", "1.4.2")
        environment = Environment(path=[str(tmp_path)], **SAVING)

        recording = record(acme.build(), environment)

        assert objects_of(recording)["acme>Gated"].distribution is None
        assert recording.manifest.distributions == {}

    def test_an_editable_install(self, acme, tmp_path):
        """An editable install is recorded as such, and has no digest."""
        rows = [record_row("acme_layers.pth", "/somewhere")]
        info = hand_made_distribution(
            tmp_path, "acme-layers", "1.4.2", ACME_ENTRY_POINTS, record=rows
        )
        url = {"url": "file:///somewhere", "dir_info": {"editable": True}}
        (info / "direct_url.json").write_text(json.dumps(url), encoding="utf-8")
        environment = NoScan(path=[str(tmp_path)], **SAVING)

        found = record(acme.build(), environment).manifest.distributions["acme-layers"]

        assert (found.editable, found.digest) == (True, None)

    def test_only_what_the_model_uses(self, acme, environment, tmp_path):
        """Distributions whose objects the model does not use are not recorded."""
        hand_made_distribution(
            tmp_path, "other", "1.0", {"keras_registry.layers": {"other>X": "other.x:X"}}
        )

        assert list(record(acme.build(), environment).manifest.distributions) == ["acme-layers"]


class TestTheRest:
    """What else the manifest holds."""

    def test_environment_weights_and_config(self, acme, environment):
        """The manifest has the environment, the weights as given, and the config's hash."""
        config = acme.build()
        weights = {"layers": WeightsRecord(count=3, fingerprint="xxh3:" + "0" * 32)}

        manifest = record(config, environment, weights=weights).manifest

        assert manifest.manifest_version == "1.0"
        assert manifest.generator == "keras-registry 0.1.0"
        assert manifest.environment == EnvironmentRecord(
            python="3.11.7", keras="3.15.1", backend="tensorflow", backend_version="2.21.0"
        )
        assert manifest.weights == weights
        assert manifest.config == hash_json(config)
        check_readable(manifest)

    def test_the_config_is_left_as_it_is(self, acme, environment):
        """Recording does not change the config that will be written."""
        config = acme.build()
        before = json.dumps(config)

        record(config, environment)

        assert json.dumps(config) == before


class TestStranded:
    """What nobody else can load is named, once, in one finding."""

    @pytest.fixture
    def bare(self, tmp_path):
        """Return an environment with nothing installed."""
        return Environment(path=[str(tmp_path)], **SAVING)

    def test_one_finding_names_them_all(self, bare):
        """A lambda, an unregistered class and an object of `__main__` are named with places."""

        class Loose(keras.layers.Layer):
            def call(self, inputs):
                return inputs

        @keras.saving.register_keras_serializable("notebook")
        class Known(keras.layers.Layer):
            def call(self, inputs):
                return inputs

        class Cell(keras.layers.Layer):
            def __init__(self, units: int = 1, **kwargs):
                super().__init__(**kwargs)

            def call(self, inputs):
                return inputs

        publish(Cell, "__main__", key_namespace="mine")
        shift = keras.layers.Lambda(lambda x: x + 1, name="shift")
        layers = [Loose(name="l"), Loose(name="m"), Cell(name="c"), Known(name="k"), shift]
        model = keras.Sequential([keras.Input((3,)), *layers])
        config = serialise(model)
        known = {"notebook>Known": KnownObject(Kind.LAYER, "__main__")}

        recording = record(config, bare, known=known)

        (found,) = recording.findings
        assert (found.code, found.level) == ("K201", Level.WARNING)
        assert Counter(need.key for need in found.needs) == Counter(
            ["Loose", "mine>Cell", "notebook>Known", "a lambda"]
        )
        check_golden("recording/K201", render_findings("model.keras", recording.findings))
        assert {"Loose", "mine>Cell", "notebook>Known"} == set(objects_of(recording))
        check_readable(recording.manifest)

    def test_a_module_that_no_distribution_lists_is_not_named(self, acme, bare):
        """An object of a module that can be imported is left alone, distribution or not."""
        assert record(acme.build(), bare).findings == ()

    def test_what_keras_knows_from_a_module_is_not_named(self, bare):
        """An object that is registered with plain Keras in a module is recorded and left alone."""
        config = {
            "module": "their_layers",
            "class_name": "Norm",
            "config": {},
            "registered_name": "their>Norm",
        }
        known = {"their>Norm": KnownObject(Kind.LAYER, "their_layers.deep")}

        recording = record(config, bare, known=known)

        assert recording.findings == ()
        norm = objects_of(recording)["their>Norm"]
        assert (norm.kind, norm.module, norm.class_name) == (
            Kind.LAYER,
            "their_layers.deep",
            "Norm",
        )
        assert norm.distribution is None

    def test_a_published_object_of_main_is_not_named(self, tmp_path):
        """An object that an installed distribution lists is not stranded, wherever it runs."""

        def double(x):
            return 2 * x

        publish(double, "acme_layers.functions")
        entries = {"keras_registry.functions": {"acme>double": "acme_layers.functions:double"}}
        hand_made_distribution(tmp_path, "acme-layers", "1.4.2", entries)
        config = {"class_name": "function", "config": "acme>double", "module": "builtins"}

        assert record([config], Environment(path=[str(tmp_path)], **SAVING)).findings == ()

    def test_hostile_names_are_printable(self, bare):
        """A name that a config holds is escaped in the finding."""
        config = {
            "module": "a\x1b[31mb",
            "class_name": "Evil\x07\x1b[2J",
            "config": {"name": "\x1b]0;owned\x07"},
            "registered_name": "Evil\x07\x1b[2J",
        }

        recording = record(config, bare)

        text = render_findings("model.keras", recording.findings)
        assert all(line.isprintable() for line in text.splitlines())
        check_readable(recording.manifest)


HOSTILE = [
    "",
    ">",
    "a>b>c",
    "acme>Gated",
    "acme>x" * 60,
    "x" * 300,
    "../../etc",
    "a b",
    "a/b~c",
    "\x1b[31m",
    "\n",
    "é",
    "ⅷ",
    "\u202e",
    "\ud800",
    "__main__>X",
    "__lambda__",
    "function",
    "Sequential",
]
texts = st.sampled_from(HOSTILE) | st.text(max_size=8)
nodes = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(texts, children, max_size=3)
        | st.fixed_dictionaries(
            {"class_name": texts, "config": children},
            optional={"registered_name": st.none() | texts, "module": st.none() | texts},
        )
    ),
    max_leaves=12,
)
# What Python lets a class be called: anything but surrogates and the null character.
class_names = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8
) | st.sampled_from(["a b", "x" * 300, "Gated\n", "é", "<locals>"])
keys = st.sampled_from([name for name in HOSTILE if name.count(">") == 1 and name != ">"])


@st.composite
def registries(draw):
    """A registry with objects whose names and modules are whatever Python allows."""
    registry = Registry()
    for key in draw(st.lists(keys, unique=True, max_size=3)):
        target = type(draw(class_names), (), {"__module__": draw(class_names)})
        registry.add(Registration(key, draw(st.sampled_from(Kind)), target))
    return registry


@given(
    config=st.fixed_dictionaries({"config": nodes}),
    registry=registries(),
    known=st.dictionaries(texts, st.builds(KnownObject, st.sampled_from(Kind), texts), max_size=3),
)
@settings(max_examples=300, deadline=None, derandomize=True)
def test_the_manifest_can_always_be_read(config, registry, known):
    """Whatever a config, a class or a module is called, the manifest is one that reads back."""
    environment = Environment(path=[], **SAVING)

    recording = record(config, environment, registry=registry, known=known)

    check_readable(recording.manifest)
    text = render_findings("model.keras", recording.findings)
    assert all(line.isprintable() for line in text.splitlines())
