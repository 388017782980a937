"""`@register`, and the registry of live objects."""

import functools
import importlib
import sys
import threading
from dataclasses import replace

import keras
import pydantic
import pytest

from keras_registry import RegistrationError, register
from keras_registry.names import Kind
from keras_registry.registration import Registration, Registry, default_registry
from tests.support.golden import check_golden
from tests.support.processes import run_python
from tests.support.registered import restored_registries


@pytest.fixture(autouse=True)
def _registries():
    """What a test registers is gone after it."""
    with restored_registries():
        yield


class Config(pydantic.BaseModel):
    """The config of a class with units."""

    units: int = 1


def make_layer(name="Layer", *, module=__name__, qualname=None):
    """Return a new layer class of this name."""

    class Layer(keras.layers.Layer):
        def __init__(self, units: int = 1, **kwargs):
            super().__init__(**kwargs)
            self.units = units

    Layer.__name__, Layer.__qualname__, Layer.__module__ = name, qualname or name, module
    return Layer


def make_function(name="double", *, module=__name__, qualname=None):
    """Return a new function of this name."""

    def double(x):
        return 2 * x

    double.__name__, double.__qualname__, double.__module__ = name, qualname or name, module
    return double


class TestKeys:
    """Under which key an object is registered."""

    @pytest.mark.parametrize("make", [make_layer, make_function])
    @pytest.mark.parametrize(
        ("decorate", "key"),
        [
            (register, "tests>Thing"),
            (register(), "tests>Thing"),
            (register("acme"), "acme>Thing"),
            (register("acme.layers-2"), "acme.layers-2>Thing"),
            (register("acme", name="Other"), "acme>Other"),
            (register(name="Other"), "tests>Other"),
        ],
        ids=["bare", "empty", "namespace", "odd namespace", "name", "name alone"],
    )
    def test_key(self, make, decorate, key):
        """With and without parentheses: the namespace is the top-level module's by default."""
        target = make("Thing")

        assert decorate(target) is target
        assert default_registry.find(key).target is target
        assert default_registry.find(key).key == key

    def test_namespace_by_keyword(self):
        """The namespace may be named, as every other option."""
        target = register(namespace="acme")(make_layer("Thing"))

        assert default_registry.find("acme>Thing").target is target

    def test_a_script_is_unpublished(self):
        """In a script or a notebook the namespace is `__main__`."""
        register(make_function("double", module="__main__"))

        assert default_registry.find("__main__>double") is not None

    def test_the_same_object_again_is_no_news(self):
        """Registering the same object under the same key again does nothing."""
        target = register("acme")(make_layer())
        init = target.__init__

        assert register("acme")(target) is target
        assert target.__init__ is init

    def test_two_names_of_one_namespace(self):
        """A namespace holds any number of names."""
        register("acme")(make_layer("One"))
        register("acme")(make_layer("Two"))

        assert {r.key for r in default_registry} >= {"acme>One", "acme>Two"}


class TestKinds:
    """What an object is used for."""

    @pytest.mark.parametrize(
        ("base", "kind"),
        [
            (keras.layers.Layer, Kind.LAYER),
            (keras.layers.Dense, Kind.LAYER),
            (keras.layers.Wrapper, Kind.LAYER),
            (keras.layers.RNN, Kind.LAYER),
            (keras.Model, Kind.MODEL),
            (keras.Sequential, Kind.MODEL),
            (keras.losses.Loss, Kind.LOSS),
            (keras.metrics.Metric, Kind.METRIC),
            (keras.metrics.Mean, Kind.METRIC),
            (keras.optimizers.Optimizer, Kind.OPTIMIZER),
            (keras.optimizers.SGD, Kind.OPTIMIZER),
            (keras.optimizers.schedules.LearningRateSchedule, Kind.SCHEDULE),
            (keras.initializers.Initializer, Kind.INITIALIZER),
            (keras.regularizers.Regularizer, Kind.REGULARIZER),
            (keras.constraints.Constraint, Kind.CONSTRAINT),
            (keras.dtype_policies.DTypePolicy, Kind.OBJECT),
        ],
    )
    def test_by_base_class(self, base, kind):
        """A class is of the kind of the Keras class that it is built on."""
        register("acme")(type("Thing", (base,), {"__module__": __name__}))

        assert default_registry.find("acme>Thing").kind is kind

    def test_functions(self):
        """A function is of the kind function, whatever it is used for."""
        register("acme")(make_function())

        assert default_registry.find("acme>double").kind is Kind.FUNCTION

    def test_any_other_class(self):
        """A class that is built on nothing of Keras's is an object."""

        @register("acme")
        class Recipe:
            def __init__(self, steps: int):
                self.steps = steps

        assert default_registry.find("acme>Recipe").kind is Kind.OBJECT


class TestRegistration:
    """What a registration says of its object."""

    def test_of_a_class(self):
        """A registration has module, origin, schema and config version of its class."""
        target = register("acme", version=3)(make_layer("Thing", qualname="Outer.Thing"))

        registration = default_registry.find("acme>Thing")

        assert registration == Registration("acme>Thing", Kind.LAYER, target, registration.schema)
        assert registration.module == __name__
        assert registration.origin == (__name__, "Outer.Thing")
        assert registration.config_version == 3
        assert registration.schema.fields == ("units",)

    def test_of_a_function(self):
        """A function has no schema, and its config version is 1."""
        register("acme")(make_function())

        registration = default_registry.find("acme>double")

        assert registration.schema is None
        assert registration.config_version == 1

    def test_of_a_class_whose_config_keras_keeps(self):
        """A class without its own constructor has no schema."""
        register("acme")(type("Thing", (keras.layers.Dense,), {"__module__": __name__}))

        assert default_registry.find("acme>Thing").schema is None


class TestReplacing:
    """The same object defined anew replaces the old one; another one does not."""

    @pytest.mark.parametrize("make", [make_layer, make_function])
    def test_a_cell_that_is_run_twice(self, make):
        """An object of the same origin replaces the former one, here and in Keras."""
        first = register("acme")(make("Thing"))
        second = register("acme")(make("Thing"))

        assert second is not first
        assert default_registry.find("acme>Thing").target is second
        assert keras.saving.get_registered_object("acme>Thing") is second
        assert sum(r.key == "acme>Thing" for r in default_registry) == 1

    def test_a_reloaded_module(self, tmp_path, monkeypatch):
        """`importlib.reload` replaces the classes of the module by their new versions."""
        source = (
            "import keras\nfrom keras_registry import register\n\n"
            "@register('acme')\nclass Reloaded(keras.layers.Layer):\n"
            "    def __init__(self, units: int = {default}):\n        super().__init__()\n"
        )
        file = tmp_path / "reloaded_module.py"
        file.write_text(source.format(default=1), encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        module = importlib.import_module("reloaded_module")
        first = module.Reloaded
        file.write_text(source.format(default=1234), encoding="utf-8")

        try:
            importlib.reload(module)
        finally:
            del sys.modules["reloaded_module"]

        registration = default_registry.find("acme>Reloaded")
        assert registration.target is module.Reloaded is not first
        assert module.Reloaded().get_config()["units"] == 1234
        assert keras.saving.get_registered_object("acme>Reloaded") is module.Reloaded

    @pytest.mark.parametrize(
        ("module", "qualname"), [(__name__, "Outer.Thing"), ("another_module", "Thing")]
    )
    def test_another_object_is_refused(self, module, qualname):
        """An object from another place does not get a key that is taken."""
        first = register("acme")(make_layer("Thing"))

        with pytest.raises(RegistrationError, match="is taken by"):
            register("acme")(make_layer("Thing", module=module, qualname=qualname))
        assert default_registry.find("acme>Thing").target is first
        assert keras.saving.get_registered_object("acme>Thing") is first

    def test_a_refused_class_is_left_as_it_was(self):
        """A class that is refused is not wrapped, so it can be registered under another name."""
        register("acme")(make_layer("Thing"))
        other = make_layer("Thing", module="another_module")
        init = other.__init__

        with pytest.raises(RegistrationError):
            register("acme")(other)

        assert other.__init__ is init
        assert "get_config" not in vars(other)
        register("other")(other)
        assert other(units=3).get_config()["units"] == 3

    def test_a_class_that_keras_has_under_the_key_is_refused(self):
        """A key that another object has in Keras's own registry is taken, and the class is left."""
        keras.saving.register_keras_serializable("acme", "Thing")(make_layer("Elsewhere"))
        mine = make_layer("Thing")
        init = mine.__init__

        with pytest.raises(RegistrationError) as caught:
            register("acme")(mine)

        check_golden("registration/taken-in-keras", str(caught.value))
        assert default_registry.find("acme>Thing") is None
        assert mine.__init__ is init

    def test_anything_else_that_keras_has_under_the_key(self):
        """What someone has put under the key into Keras's registry may be no class at all."""
        keras.saving.get_custom_objects()["acme>Thing"] = functools.partial(make_layer)

        with pytest.raises(RegistrationError, match="is taken in Keras's registry"):
            register("acme")(make_layer("Thing"))

    def test_a_class_that_was_registered_with_keras_first(self):
        """A class that has both decorators, as in a package that moves over, is registered."""
        target = make_layer("Thing")
        keras.saving.register_keras_serializable("acme", "Thing")(target)

        register("acme")(target)

        assert default_registry.find("acme>Thing").target is target


class Callable:
    """A class whose instances can be called."""

    def __call__(self, x):
        return x


class Bare:
    """A class that says nothing about how it is saved."""


class BareParent:
    """Another one."""


class BareChild(BareParent):
    """One that inherits from it."""


WRONG = {
    "lambda": lambda: register("acme")(lambda x: x),
    "lambda-without-parentheses": lambda: register(lambda x: x),
    "instance": lambda: register("acme")(keras.layers.Dense(1)),
    "callable-instance": lambda: register("acme")(Callable()),
    "partial": lambda: register("acme")(functools.partial(make_function(), 1)),
    "builtin": lambda: register("acme")(len),
    "module": lambda: register("acme")(keras),
    "number": lambda: register(3),
    "nothing-to-derive-from": lambda: register("acme")(Bare),
    "nothing-to-inherit": lambda: register("acme")(BareChild),
    "bad-namespace": lambda: register("acme layers")(make_layer()),
    "key-as-namespace": lambda: register("acme>Layer")(make_layer()),
    "empty-namespace": lambda: register("")(make_layer()),
    "bad-name": lambda: register("acme", name="Gated Dense")(make_layer()),
    "hostile-name": lambda: register("acme", name="\x1b[31mred")(make_layer()),
    "version-zero": lambda: register("acme", version=0)(make_layer()),
    "version-text": lambda: register("acme", version="1.0")(make_layer()),
    "version-true": lambda: register("acme", version=True)(make_layer()),
    "config-no-model": lambda: register("acme", config={"units": int})(make_layer()),
    "config-instance": lambda: register("acme", config=Config())(make_layer()),
    "config-of-a-function": lambda: register("acme", config=Config)(make_function()),
    "version-of-a-function": lambda: register("acme", version=2)(make_function()),
    "registered-twice": lambda: register("other")(register("acme")(make_layer())),
    "function-registered-twice": lambda: register("other")(register("acme")(make_function())),
    "taken": lambda: (
        register("acme")(make_layer()),
        register("acme")(make_layer(module="elsewhere")),
    ),
    "taken-function": lambda: (
        register("acme")(make_function()),
        register("acme")(make_function(qualname="Outer.double")),
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_uses(case):
    """A use that could never be loaded back is refused at once, and the text has the way out."""
    before = {r.key: r.target for r in default_registry}
    in_keras = dict(keras.saving.get_custom_objects())

    with pytest.raises(RegistrationError) as caught:
        WRONG[case]()

    check_golden(f"registration/{case}", str(caught.value))
    added = {r.key for r in default_registry} - set(before)
    assert added <= {"acme>Layer", "acme>double"}, "what was refused is not there"
    assert set(keras.saving.get_custom_objects()) - set(in_keras) == added


def test_refusals_are_value_errors():
    """Code that catches ValueError around a registration goes on working."""
    assert issubclass(RegistrationError, ValueError)


class TestInKeras:
    """A registered object is in Keras's own registry, as after its own decorator."""

    @pytest.mark.parametrize("make", [make_layer, make_function])
    def test_plain_keras_finds_it(self, make):
        """`keras.saving` finds the object by its key, and the key by the object."""
        target = register("acme")(make("Thing"))

        assert keras.saving.get_registered_object("acme>Thing") is target
        assert keras.saving.get_registered_name(target) == "acme>Thing"
        assert keras.saving.get_custom_objects()["acme>Thing"] is target

    def test_plain_keras_loads_it(self):
        """Keras deserialises what it serialised, by the key and with no custom objects."""
        target = register("acme")(make_layer("Thing"))

        stored = keras.saving.serialize_keras_object(target(units=3))

        assert stored["registered_name"] == "acme>Thing"
        assert keras.saving.deserialize_keras_object(stored).units == 3

    def test_before_keras_is_imported(self):
        """What is registered before Keras is imported is in Keras's registry once it is."""
        code = """
import sys
from keras_registry import register

@register("acme")
def double(x):
    return 2 * x

@register("acme")
class Recipe:
    def __init__(self, steps: int = 1):
        self.steps = steps

assert "keras" not in sys.modules, "registering imports Keras"
assert Recipe(3).get_config() == {"steps": 3}
assert "keras" not in sys.modules, "a plain object imports Keras"
import keras

assert keras.saving.get_registered_object("acme>double") is double
assert keras.activations.get({
    "module": "builtins", "class_name": "function", "config": "acme>double",
    "registered_name": "acme>double",
}) is double
stored = keras.saving.serialize_keras_object(Recipe(3))
assert keras.saving.deserialize_keras_object(stored).steps == 3
"""
        run_python(code).check()

    def test_with_the_hooks_off(self, fork_server):
        """`KERAS_REGISTRY_HOOKS=0` leaves `@register` as it is."""
        code = """
import keras, keras_registry

@keras_registry.register("acme")
def double(x):
    return 2 * x

assert keras.saving.get_registered_object("acme>double") is double
"""
        fork_server.run(code, env={"KERAS_REGISTRY_HOOKS": "0"}).check()


class TestRegistry:
    """A registry is an object; the default one is an instance among others."""

    @pytest.fixture
    def registration(self):
        """Return a registration that is in no registry."""
        return Registration("acme>double", Kind.FUNCTION, make_function())

    def test_a_registry_of_ones_own(self, registration):
        """A registry made by hand is empty at first, and shares nothing with the default one."""
        registry = Registry()
        registry.add(registration)

        assert list(registry) == [registration]
        assert registry.find("acme>double") is registration
        assert registry.find("acme>other") is None
        assert default_registry.find("acme>double") is None
        assert list(Registry()) == []

    def test_order(self, registration):
        """Iterating yields the registrations in the order in which they were made."""
        registry = Registry()
        keys = [f"acme>f{number}" for number in (3, 1, 2)]
        for key in keys:
            registry.add(replace(registration, key=key))

        assert [r.key for r in registry] == keys

    def test_adding_while_iterating(self, registration):
        """Objects may be registered while the registry is iterated over."""
        registry = Registry()
        registry.add(registration)
        for number, _ in enumerate(registry):
            registry.add(replace(registration, key=f"acme>f{number}"))

        assert len(list(registry)) == 2

    def test_another_object_is_refused(self, registration):
        """A registry refuses another object under a key that is taken."""
        registry = Registry()
        registry.add(registration)
        other = replace(registration, target=make_function(module="elsewhere"))

        with pytest.raises(RegistrationError, match="'acme>double' is taken"):
            registry.add(other)
        assert registry.find("acme>double") is registration

    def test_subscribers_hear_of_each_registration(self, registration):
        """A listener is called for each registration from then on, replacements included."""
        registry, heard = Registry(), []
        registry.add(replace(registration, key="acme>before"))
        registry.subscribe(heard.append)
        again = replace(registration, target=make_function())

        registry.add(registration)
        registry.add(again)

        assert heard == [registration, again]

    def test_unsubscribing(self, registration):
        """The function that `subscribe` returns ends that subscription, and no other."""
        registry, one, other = Registry(), [], []
        stop = registry.subscribe(one.append)
        registry.subscribe(other.append)

        stop()
        registry.add(registration)

        assert (one, other) == ([], [registration])

    def test_a_listener_that_raises_prevents_the_entry(self, registration):
        """What a listener raises comes out of `add`, and the object is not registered."""
        registry = Registry()

        def refuse(registration):
            message = "not this one"
            raise LookupError(message)

        registry.subscribe(refuse)

        with pytest.raises(LookupError, match="not this one"):
            registry.add(registration)
        assert registry.find("acme>double") is None

    def test_refused_objects_are_not_heard_of(self, registration):
        """A listener does not hear of an object that is refused."""
        registry, heard = Registry(), []
        registry.add(registration)
        registry.subscribe(heard.append)

        with pytest.raises(RegistrationError):
            registry.add(replace(registration, target=make_function(module="elsewhere")))
        assert heard == []


class TestThreads:
    """Threads may register at once."""

    def test_different_keys(self):
        """Every object that several threads register at once is there."""
        errors = run_in_threads(
            lambda number: [register("acme")(make_function(f"f{number}_{i}")) for i in range(50)]
        )

        assert errors == []
        assert sum(r.key.startswith("acme>f") for r in default_registry) == 8 * 50

    def test_one_key(self):
        """Of several objects that threads register under one key, one gets it."""
        errors = run_in_threads(
            lambda number: register("acme")(make_layer("Thing", module=f"module_{number}"))
        )

        assert len(errors) == 7
        assert all(isinstance(error, RegistrationError) for error in errors)
        winner = default_registry.find("acme>Thing").target
        assert keras.saving.get_registered_object("acme>Thing") is winner


def run_in_threads(work, count=8):
    """Run a function in several threads that start together; return what they raised."""
    barrier, errors = threading.Barrier(count), []

    def run(number):
        barrier.wait(timeout=30)
        try:
            work(number)
        except RegistrationError as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return errors
