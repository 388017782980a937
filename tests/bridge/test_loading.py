"""Loading: what Keras raises, and files of every kind."""

from __future__ import annotations

import pytest

from tests.bridge.programs import LIVE, SCALE_SOURCE
from tests.support.distributions import hand_made_distribution

BROKEN = """
class Broken(make_scale("the caller")):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        if Broken.where == "init":
            raise Broken.error
    def build(self, input_shape):
        super().build(input_shape)
        if Broken.where == "build":
            raise Broken.error
    def load_own_variables(self, store):
        if Broken.where == "load":
            raise Broken.error
        super().load_own_variables(store)
"""


@pytest.mark.parametrize("where", ["init", "build", "load"])
def test_error_while_keras_builds_keeps_its_class(scale_child, where):
    """An exception that comes while Keras builds has the class and text that plain Keras gives."""
    done = scale_child(
        BROKEN,
        f"""
        Broken.where = "{where}"

        def errors():
            found = []
            for kind in (ValueError, TypeError, ZeroDivisionError, RuntimeError, KeyError):
                Broken.error = kind("no way")
                objects = {{"acme>Scale": Broken}}
                error = caught(keras.saving.load_model, sys.argv[1], custom_objects=objects)
                text = str(error).split(" at 0x")[0]
                found.append([type(error).__name__, text, getattr(error, "__notes__", [])])
            return found

        keras_registry.disable()
        plain = errors()
        keras_registry.enable()
        answer(plain=plain, hooked=errors())
        """,
    ).json()

    assert done["hooked"] == done["plain"]
    assert all(notes == [] for _, _, notes in done["hooked"])


def test_findings_that_explain_are_added_to_the_error_of_keras(scale_child, scale_copy):
    """An error of Keras gets a note with the findings that may explain it, notes included."""
    path = scale_copy(manifest=lambda m: m["environment"].update(keras="9.1.0", backend="jax"))
    done = scale_child(
        BROKEN,
        """
        import logging
        records = []
        handler = logging.Handler()
        handler.emit = lambda r: records.append([r.levelname, r.getMessage()[:4]])
        logging.getLogger("keras_registry").addHandler(handler)
        logging.getLogger("keras_registry").setLevel(logging.DEBUG)
        Broken.where, Broken.error = "build", ValueError("no way")
        objects = {"acme>Scale": Broken}
        error = caught(keras.saving.load_model, sys.argv[1], custom_objects=objects)
        answer(kind=type(error).__name__, text=str(error), notes=error.__notes__, records=records)
        """,
        argv=[path],
    ).json()

    assert (done["kind"], done["text"]) == ("ValueError", "no way")
    [note] = done["notes"]
    lines = note.splitlines()
    assert lines[0] == f"{path} could not be loaded by Keras: 2 notes"
    assert [line[:6] for line in lines if line.startswith("  K")] == ["  K101", "  K102"]
    assert done["records"] == [["DEBUG", "K101"], ["DEBUG", "K102"]]


def test_safe_mode_refuses_a_lambda(child):
    """A lambda is refused as Keras refuses it, and loads where safe mode is off."""
    done = child(
        """
        import keras, keras_registry
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            small_model(keras.layers.Lambda(lambda x: x + 1)).save("lambda.keras")
        keras_registry.disable()
        plain = caught(keras.saving.load_model, "lambda.keras")
        keras_registry.enable()
        hooked = caught(keras.saving.load_model, "lambda.keras")
        model = keras.saving.load_model("lambda.keras", safe_mode=False)
        keras.config.enable_unsafe_deserialization()
        again = keras.saving.load_model("lambda.keras")
        answer(kind=type(hooked).__name__, same=[type(plain) is type(hooked),
               str(plain) == str(hooked)], layers=[len(model.layers), len(again.layers)])
        """
    )

    assert done.json() == {"kind": "ValueError", "same": [True, True], "layers": [2, 2]}


@pytest.mark.parametrize(
    ("policy", "warned"), [("strict", ["M101"]), ("compatible", []), ("permissive", [])]
)
def test_file_without_a_manifest(scale_child, scale_copy, policy, warned):
    """A file that plain Keras saved loads with the plugin that lists its class, which is noted."""
    done = scale_child(
        f"""
        model, findings = warned(keras_registry.load_model, sys.argv[1], policy="{policy}")
        answer(warned=codes(findings), **tell_of(model))
        """,
        argv=[scale_copy(metadata=lambda found: found.pop("keras_registry"))],
    )

    assert done.json() == {
        "warned": warned,
        "made_by": "the plugin",
        "codes": ["M101"],
        "sources": ["plugin"],
        "verified": [],
    }


def test_open_file_and_pickle(scale_child, scale_model):
    """A model in an open file, or a pickled one, is checked and reported like one at a path."""
    done = scale_child(
        """
        import pickle
        from io import BytesIO
        from keras.src.saving import saving_lib
        data = open(sys.argv[1], "rb").read()
        in_memory = saving_lib.load_model(BytesIO(data))
        with open(sys.argv[1], "rb") as file:
            on_disk = saving_lib.load_model(file)
        pickled = pickle.loads(pickle.dumps(on_disk))
        answer(models=[tell_of(model) for model in (in_memory, on_disk, pickled)],
               names=[keras_registry.report(model).name for model in (in_memory, on_disk, pickled)])
        """,
    ).json()

    wanted = {"made_by": "the plugin", "codes": [], "sources": ["plugin"], "verified": ["layers"]}
    assert done == {"models": [wanted] * 3, "names": ["model", str(scale_model), "model"]}


def test_position_of_arguments(scale_child):
    """The arguments of Keras's `load_model` can be given by position, as they are in Keras."""
    done = scale_child(
        """
        own = {"Scale": make_scale("the caller")}
        answer(**tell_of(keras.saving.load_model(sys.argv[1], own, False, True)))
        """,
    )

    assert done.json()["made_by"] == "the caller"


@pytest.mark.parametrize(
    ("target", "found"),
    [
        ("plain", "an object that is not registered"),
        ("other", "an object that is not registered"),
        ("aside", "another object than the registered acme_scale.Scale"),
        ("missing", "AttributeError: module 'acme_scale' has no attribute 'missing'"),
    ],
)
def test_plugin_that_does_not_keep_its_promise(child, tmp_path, scale_model, target, found):
    """An entry point that leads to anything but the registered object is named, and not used."""
    source = (
        SCALE_SOURCE if target == "aside" else "import keras\nfrom keras_registry import register"
    )
    (tmp_path / "acme_scale.py").write_text(
        f"{source}\n\nplain = type('Scale', (keras.layers.Layer,), {{}})\naside = plain\n"
        "other = register('acme')(type('Other', (keras.layers.Layer,), {}))\n",
        encoding="utf-8",
    )
    entry_points = {"keras_registry.layers": {"acme>Scale": f"acme_scale:{target}"}}
    hand_made_distribution(tmp_path, "acme-scale", "1.2.0", entry_points)
    done = child(
        [
            LIVE,
            """
            error = caught(keras.saving.load_model, sys.argv[1])
            [finding] = [f for f in error.findings if f.level == "error"]
            answer(code=finding.code, found=finding.found)
            """,
        ],
        scale_model,
        path=[tmp_path],
    )

    assert done.json() == {"code": "R103" if target == "missing" else "R105", "found": found}
