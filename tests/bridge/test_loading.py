"""Loading: what Keras raises, and files of every kind."""

from __future__ import annotations

import re

import pytest

from tests.bridge.programs import LIVE, SCALE_SOURCE
from tests.support.distributions import hand_made_distribution
from tests.support.golden import check_golden

BROKEN = """
class Scale(make_scale("the caller")):
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

Broken = Scale
"""


@pytest.mark.parametrize("where", ["init", "build", "load"])
def test_error_while_keras_builds_keeps_its_class(scale_child, scale_model, where):
    """An exception that comes while Keras builds keeps the class and the first line of its text."""
    done = scale_child(
        BROKEN,
        f"""
        Broken.where = "{where}"

        def errors():
            found = []
            for kind in (ValueError, TypeError, ZeroDivisionError, RuntimeError, KeyError):
                Broken.error = kind("no way")
                objects = {{"acme>Scale": Broken}}
                found.append(caught(keras.saving.load_model, sys.argv[1], custom_objects=objects))
            return found

        keras_registry.disable()
        plain = errors()
        keras_registry.enable()
        hooked = errors()
        lines = [str(error).splitlines()[0] for error in plain]
        answer(classes=all(isinstance(a, type(b)) for a, b in zip(hooked, plain)),
               causes=all(type(a.__cause__) is type(b) for a, b in zip(hooked, plain)),
               lines=[str(a).endswith(line) for a, line in zip(hooked, lines)],
               codes=[codes(error.findings) for error in hooked],
               text=str(hooked[0]))
        """,
    ).json()

    assert (done["classes"], done["causes"]) == (True, True)
    assert done["lines"] == [True] * 5
    assert done["codes"] == [["R301", "K106" if where == "load" else "K105"]] * 5
    text = re.sub(r"(line|keras) \d\S*", r"\1 N", done["text"])
    check_golden(f"loading_{where}", text, replace={str(scale_model): "scale.keras"})


def test_findings_that_may_explain_a_failure_are_told_with_it(scale_child, scale_copy):
    """The error for a failed load has all findings of that load, notes included."""
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
        answer(kind=type(error).__name__, text=str(error), records=records)
        """,
        argv=[path],
    ).json()

    assert done["kind"] == "LoadValueError"
    lines = done["text"].splitlines()
    assert lines[0] == f"{path} cannot be loaded: 1 error, 3 notes"
    assert [line[:6] for line in lines if line.startswith("  K")] == ["  K105", "  K101", "  K102"]
    assert [name for _, name in done["records"]] == ["K101", "K102", "R301", "K105"]
    assert lines[-1] == "no way"


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
        answer(text=str(hooked), is_keras_error=isinstance(hooked, type(plain)),
               ends_as_keras=str(hooked).splitlines()[-1] == str(plain).splitlines()[0],
               layers=[len(model.layers), len(again.layers)])
        """
    ).json()

    assert (done["is_keras_error"], done["ends_as_keras"]) == (True, True)
    assert done["layers"] == [2, 2]
    check_golden("loading_lambda", done["text"])


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
