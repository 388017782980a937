"""Classes for one load alone: threads and loads inside loads do not meet."""

from __future__ import annotations


def test_threads_do_not_meet(scale_child):
    """Four threads that load with classes of their own under one key get each its own."""
    done = scale_child(
        """
        import threading
        import numpy as np
        from concurrent.futures import ThreadPoolExecutor

        keras.saving.register_keras_serializable("other")(make_scale("Keras"))
        before = dict(keras.saving.get_custom_objects())
        barrier = threading.Barrier(4)

        def load(number):
            own = make_scale(f"thread {number}")
            names = ["Scale", "acme>Scale"]
            found = []
            for _ in range(10):
                barrier.wait(60)
                objects = {names[number % 2]: own}
                model = keras.saving.load_model(sys.argv[1], custom_objects=objects)
                found.append(type(model.get_layer("scale")) is own)
                found.append(keras_registry.report(model).verified == ("layers",))
            return found

        with ThreadPoolExecutor(4) as pool:
            found = [item for items in pool.map(load, range(4)) for item in items]
        after = keras.saving.get_custom_objects()
        same = list(before) == list(after) and all(after[name] is before[name] for name in before)
        answer(found=found, same=same, imported="acme_scale" in sys.modules)
        """,
    )

    assert done.json() == {"found": [True] * 80, "same": True, "imported": False}


def test_threads_that_need_one_plugin(scale_child):
    """Four threads whose loads import the same plugin all get its one class."""
    done = scale_child(
        """
        import threading
        from concurrent.futures import ThreadPoolExecutor
        barrier = threading.Barrier(4)
        def load(number):
            barrier.wait(60)
            model = keras.saving.load_model(sys.argv[1])
            return type(model.get_layer("scale"))
        with ThreadPoolExecutor(4) as pool:
            classes = set(pool.map(load, range(4)))
        import acme_scale
        answer(same=classes == {acme_scale.Scale})
        """,
    )

    assert done.json() == {"same": True}


def test_load_registers_nothing_of_its_own(child, scale_site, scale_model):
    """After a load Keras's registry has, besides what it had, only what the plugin registered."""
    done = child(
        """
        import keras, keras_registry
        before = set(keras.saving.get_custom_objects())
        keras.saving.load_model(sys.argv[1])
        keras.saving.load_model(sys.argv[1])
        scope = keras.src.backend.common.global_state.get_global_attribute(
            "custom_objects_scope_dict", {}
        )
        answer(new=sorted(set(keras.saving.get_custom_objects()) - before), scope=list(scope))
        """,
        scale_model,
        path=[scale_site],
    )

    assert done.json() == {"new": ["acme>Scale"], "scope": []}


def test_failed_load_leaves_no_trace(scale_child):
    """After a load that fails, an object that the caller passed is known nowhere."""
    done = scale_child(
        """
        class Broken(make_scale("the caller")):
            def build(self, input_shape):
                raise ZeroDivisionError("broken")
        error = caught(keras.saving.load_model, sys.argv[1], custom_objects={"Scale": Broken})
        model = keras.saving.load_model(sys.argv[1])
        answer(error=type(error).__name__, **tell_of(model))
        """,
    ).json()

    assert done["error"] == "LoadZeroDivisionError"
    assert done["made_by"] == "the plugin"
    assert done["codes"] == []


NESTED = """
@keras_registry.register("acme")
class Frozen(keras.layers.Layer):
    '''A layer that loads another model in its constructor.'''
    def __init__(self, source: str, **kwargs):
        super().__init__(**kwargs)
        self.source = source
        self.loaded = keras.saving.load_model(source, **Frozen.options)
    def build(self, input_shape):
        pass
    def call(self, inputs):
        return self.loaded(inputs)

Frozen.options = {}
"""


def test_nested_load(scale_child):
    """A layer that loads another file in its constructor gets what that file needs."""
    done = scale_child(
        NESTED,
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", keras_registry.KerasRegistryWarning)
            small_model(Frozen(sys.argv[1], name="frozen")).save("outer.keras")
        model = keras.saving.load_model("outer.keras")
        answer(outer=keras_registry.report(model).verified,
               inner=tell_of(model.get_layer("frozen").loaded))
        """,
    )

    assert done.json() == {
        "outer": ["layers"],
        "inner": {
            "made_by": "the plugin",
            "codes": [],
            "sources": ["plugin"],
            "verified": ["layers"],
        },
    }


def test_nested_load_is_checked_as_any_other(scale_child, scale_copy):
    """A file that is loaded inside another load is checked against manifest and policy as well."""
    path = scale_copy(manifest=lambda m: m["distributions"]["acme-scale"].update(version="1.9.0"))
    done = scale_child(
        NESTED,
        """
        from acme_scale import Scale
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", keras_registry.KerasRegistryWarning)
            with keras_registry.policy("permissive"):
                layers = [Frozen(sys.argv[1], name="frozen"), Scale(name="outer_scale")]
                small_model(*layers).save("outer.keras")
        alone = caught(keras.saving.load_model, sys.argv[1])
        error = caught(keras.saving.load_model, "outer.keras")
        answer(alone=codes(alone.findings), nested="R201" in str(error))
        """,
        argv=[path],
    )

    assert done.json() == {"alone": ["R201"], "nested": True}


def test_nested_load_with_objects_of_its_own(scale_child):
    """Custom objects of a load inside another hold for that one, and those of the outer go on."""
    done = scale_child(
        NESTED,
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", keras_registry.KerasRegistryWarning)
            from acme_scale import Scale
            layers = [Frozen(sys.argv[1], name="frozen"), Scale(name="outer_scale")]
            small_model(*layers).save("outer.keras")
        Frozen.options = {"custom_objects": {"Scale": make_scale("the inner caller")}}
        model = keras.saving.load_model(
            "outer.keras", custom_objects={"Scale": make_scale("the outer caller")}
        )
        answer(inner=model.get_layer("frozen").loaded.get_layer("scale").made_by,
               outer=model.get_layer("outer_scale").made_by)
        """,
    )

    assert done.json() == {"inner": "the inner caller", "outer": "the outer caller"}
