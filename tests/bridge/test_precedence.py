"""Who has an object: the caller, a scope, the running program, a plugin, or Keras."""

from __future__ import annotations

import pytest

from tests.bridge.programs import LIVE


def test_plugin_is_imported_at_load_only(child, acme_site, acme_model):
    """A plugin is imported by the load that needs it, and of its distribution only the modules."""
    done = child(
        """
        import keras, keras_registry
        def modules():
            return sorted(name for name in sys.modules if name.partition(".")[0] == "acme_layers")
        before = modules()
        keras.saving.load_model(sys.argv[1], compile=False)
        answer(before=before, after=modules())
        """,
        acme_model.path,
        path=[acme_site],
    )

    assert done.json() == {
        "before": [],
        "after": ["acme_layers", "acme_layers.functions", "acme_layers.gated"],
    }


@pytest.mark.parametrize("name", ["acme>Scale", "Scale"])
def test_custom_objects_win(scale_child, name):
    """What the caller passes wins over scope, live class and plugin, by full or by bare name."""
    done = scale_child(
        f"""
        live = keras_registry.register("acme", name="Scale")(make_scale("the program"))
        with keras.saving.custom_object_scope({{"{name}": make_scale("the scope")}}):
            model = keras.saving.load_model(
                sys.argv[1], custom_objects={{"{name}": make_scale("the caller")}}
            )
        answer(**tell_of(model), imported="acme_scale" in sys.modules)
        """,
    )

    assert done.json() == {
        "made_by": "the caller",
        "codes": ["R301"],
        "sources": ["custom_objects"],
        "verified": ["layers"],
        "imported": False,
    }


def test_full_name_wins_over_bare_name(scale_child):
    """Of two objects that the caller passes, the one under the full key is used."""
    done = scale_child(
        """
        objects = {"Scale": make_scale("the bare name"), "acme>Scale": make_scale("the key")}
        answer(**tell_of(keras.saving.load_model(sys.argv[1], custom_objects=objects)))
        """,
    )

    assert done.json()["made_by"] == "the key"


def test_custom_objects_are_not_changed(scale_child):
    """The caller's dict is the same after the load."""
    done = scale_child(
        """
        objects = {"Scale": make_scale("the caller"), "other": print}
        keras.saving.load_model(sys.argv[1], custom_objects=objects)
        answer(names=list(objects))
        """,
    )

    assert done.json() == {"names": ["Scale", "other"]}


@pytest.mark.parametrize("name", ["acme>Scale", "Scale"])
def test_scope_wins_over_live_and_plugin(scale_child, name):
    """An enclosing scope wins over the running program's class and over the plugin."""
    done = scale_child(
        f"""
        live = keras_registry.register("acme", name="Scale")(make_scale("the program"))
        with keras.saving.custom_object_scope({{"{name}": make_scale("the scope")}}):
            model = keras.saving.load_model(sys.argv[1])
        answer(**tell_of(model), imported="acme_scale" in sys.modules)
        """,
    )

    assert done.json() == {
        "made_by": "the scope",
        "codes": ["R302"],
        "sources": ["custom_object_scope"],
        "verified": ["layers"],
        "imported": False,
    }


def test_live_class_wins_over_the_plugin(scale_child):
    """A class that the running program registered itself is used in place of the plugin's."""
    done = scale_child(
        """
        live = keras_registry.register("acme", name="Scale")(make_scale("the program"))
        model = keras.saving.load_model(sys.argv[1])
        answer(**tell_of(model), imported="acme_scale" in sys.modules)
        """,
    )

    assert done.json() == {
        "made_by": "the program",
        "codes": ["R303"],
        "sources": ["registered by the running program"],
        "verified": ["layers"],
        "imported": False,
    }


@pytest.mark.parametrize("imported", [False, True])
def test_plugin(scale_child, imported):
    """The installed plugin is used and checked, imported by the program already or not."""
    done = scale_child(
        f"""
        {"import acme_scale" if imported else ""}
        answer(**tell_of(keras.saving.load_model(sys.argv[1])))
        """,
    )

    assert done.json() == {
        "made_by": "the plugin",
        "codes": [],
        "sources": ["plugin"],
        "verified": ["layers"],
    }


def test_class_that_keras_has(child, scale_model):
    """Without the plugin, a class that was registered with plain Keras is used and noted."""
    done = child(
        [
            LIVE,
            """
            keras.saving.register_keras_serializable("acme")(make_scale("the program"))
            answer(**tell_of(keras.saving.load_model(sys.argv[1])))
            """,
        ],
        scale_model,
    )

    assert done.json() == {
        "made_by": "the program",
        "codes": ["R304"],
        "sources": ["keras"],
        "verified": ["layers"],
    }


def test_class_of_keras_in_the_way_of_the_plugin(scale_child):
    """With the plugin installed, a class that plain Keras has under its key is named, not mixed."""
    done = scale_child(
        """
        keras.saving.register_keras_serializable("acme")(make_scale("the program"))
        error = caught(keras.saving.load_model, sys.argv[1])
        answer(codes=codes(error.findings), found=error.findings[0].found)
        """,
    ).json()

    assert done["codes"] == ["R103"]
    assert "'acme>Scale' is taken in Keras's registry by __main__.make_scale" in done["found"]
