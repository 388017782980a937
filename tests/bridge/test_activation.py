"""When Keras is hooked, in whatever order things are imported; and when it is not."""

from __future__ import annotations

import pytest

from tests.support.plugins import LOAD_AND_COMPARE


def test_import_alone_is_light(interpreter):
    """Importing keras_registry imports neither Keras nor a backend, pydantic or wrapt."""
    done = interpreter(
        """
        import keras_registry
        heavy = ["h5py", "jax", "keras", "numpy", "pydantic", "rich", "tensorflow", "torch",
                 "wrapt"]
        answer(imported=[name for name in heavy if name in sys.modules])
        """
    )

    assert done.json() == {"imported": []}


def test_registry_before_keras(interpreter, acme_site, acme_model):
    """In a fresh interpreter, keras_registry imported before Keras: saves and loads are checked."""
    done = interpreter(
        """
        import keras_registry

        @keras_registry.register("early")
        def doubled(x):
            return 2 * x

        @keras_registry.register("early")
        class Scale:
            def __init__(self, factor: float = 2.0):
                self.factor = factor

        assert "keras" not in sys.modules
        import keras
        import numpy as np

        early = [key for key in keras.saving.get_custom_objects() if key.startswith("early>")]
        model = keras.saving.load_model(sys.argv[1])
        known = np.load(sys.argv[2])
        equal = np.array_equal(model.predict(known["x"], verbose=0), known["predictions"])
        model.save("again.keras")
        report = keras_registry.report(keras.saving.load_model("again.keras"))
        answer(early=sorted(early), equal=bool(equal), verified=report.verified,
               distributions=list(report.manifest.distributions))
        """,
        acme_model.path,
        acme_model.npz,
        path=[acme_site],
    )

    assert done.json() == {
        "early": ["early>Scale", "early>doubled"],
        "equal": True,
        "verified": ["layers", "optimizer"],
        "distributions": ["acme-layers"],
    }


def test_registry_after_keras(child, acme_site, acme_model):
    """With Keras imported before keras_registry, a model loads without its plugin imported."""
    answer = child(LOAD_AND_COMPARE, acme_model.path, acme_model.npz, path=[acme_site]).json()

    assert answer["before"] == []
    assert answer["equal"]
    assert answer["compiled"]


def test_fresh_interpreter_on_jax(interpreter, child):
    """On JAX models are saved and loaded, their weights verified, also one from TensorFlow."""
    child(
        """
        import keras, keras_registry
        between = [keras.layers.BatchNormalization(), keras.layers.Dropout(0.5, seed=1)]
        small_model(*between, loss="mean_squared_error").save("tensorflow.keras")
        """
    ).check()

    done = interpreter(
        """
        import keras_registry
        import keras
        from keras_registry import types as t

        @keras_registry.register("acme")
        class Scale(keras.layers.Layer):
            def __init__(self, units: t.PositiveInt, activation: t.Activation = "tanh", **kwargs):
                super().__init__(**kwargs)
                self.units = units
                self.activation = activation

            def build(self, input_shape):
                self.scale = self.add_weight(shape=(input_shape[-1],), name="scale")

            def call(self, inputs):
                return self.activation(inputs * self.scale)

        model = small_model(Scale(3), loss="mean_squared_error")
        x = keras.ops.ones((8, 4))
        model.fit(x, x[:, :2], verbose=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", keras_registry.KerasRegistryWarning)  # of __main__
            model.save("saved.keras")
        loaded = keras.saving.load_model("saved.keras")
        report = keras_registry.report(loaded)
        other = keras_registry.report(keras.saving.load_model("tensorflow.keras"))
        answer(
            other=[codes(other.findings), other.verified],
            backend=[keras.backend.backend(), report.manifest.environment.backend],
            verified=report.verified,
            findings=codes(report.findings),
            equal=bool((model.predict(x, verbose=0) == loaded.predict(x, verbose=0)).all()),
        )
        """,
        backend="jax",
    )

    assert done.json() == {
        "other": [["K102", "K112"], ["layers", "optimizer"]],
        "backend": ["jax", "jax"],
        "verified": ["layers", "optimizer"],
        "findings": [],
        "equal": True,
    }


@pytest.mark.parametrize(
    "imports",
    [
        "import keras; load_model = keras.saving.load_model; import keras_registry",
        "from keras.models import load_model; import keras_registry",
        "from keras.saving import load_model; import keras_registry",
        "from tensorflow.keras.models import load_model; import keras_registry",
    ],
)
def test_name_bound_before_the_hooks(child, acme_copy, imports):
    """A `load_model` bound before keras_registry was imported is checked like any other."""
    path = acme_copy()

    done = child(
        f"""
        {imports}
        error = caught(load_model, sys.argv[1])
        answer(kind=type(error).__name__, codes=codes(error.findings))
        """,
        path,
    )

    assert done.json() == {"kind": "LoadTypeError", "codes": ["R101"]}


TF_KERAS = {
    "tf.keras.models": "import tensorflow as tf; load_model = tf.keras.models.load_model",
    "tensorflow.keras.saving": "from tensorflow.keras.saving import load_model",
    "from tensorflow import keras": "from tensorflow import keras; "
    "load_model = keras.models.load_model",
}


@pytest.mark.parametrize("imports", TF_KERAS.values(), ids=TF_KERAS)
@pytest.mark.parametrize("first", ["import keras_registry", "pass"])
def test_tf_keras(child, imports, first):
    """`tf.keras` is hooked by each of its names, used before keras_registry was or after."""
    done = child(
        f"""
        import tensorflow
        tensorflow.keras.layers.Dense  # as a program that was at work before
        {first}
        {imports}
        import keras_registry
        model = tensorflow.keras.Sequential([tensorflow.keras.layers.Input((4,)),
                                             tensorflow.keras.layers.Dense(2)])
        model.save("saved.keras")
        report = keras_registry.report(load_model("saved.keras"))
        answer(manifest=manifest_of("saved.keras") is not None, verified=report.verified)
        """
    )

    assert done.json() == {"manifest": True, "verified": ["layers"]}


@pytest.mark.parametrize(
    "imports",
    ["import tensorflow as tf\nimport keras_registry", "import keras_registry, tensorflow as tf"],
    ids=["TensorFlow first", "keras_registry first"],
)
def test_tf_keras_in_a_fresh_interpreter(interpreter, imports):
    """`tf.keras` is hooked in a fresh interpreter, which imports Keras by way of TensorFlow."""
    program = f"""
{imports}
model = tf.keras.Sequential([tf.keras.layers.Input((4,)), tf.keras.layers.Dense(2)])
model.save("saved.keras")
error = caught(tf.keras.models.load_model, "missing.keras")
report = keras_registry.report(tf.keras.models.load_model("saved.keras"))
answer(verified=report.verified, missing=codes(error.findings))
"""

    assert interpreter(program).json() == {"verified": ["layers"], "missing": ["A101"]}


@pytest.mark.parametrize("value", ["0", "off", "FALSE"])
def test_hooks_can_be_switched_off_by_the_environment(child, value):
    """With KERAS_REGISTRY_HOOKS=0 Keras is as without us: nothing is recorded or checked."""
    done = child(
        """
        import keras
        from keras.models import load_model

        def public():
            names = [(m, n) for m in sorted(sys.modules) if m.partition(".")[0] == "keras"
                     for n in ("load_model", "save_model", "_load_model_from_fileobj",
                               "_model_from_config", "_serialize_model_as_json",
                               "_retrieve_class_or_fn")]
            return {name: getattr(sys.modules[name[0]], name[1], None) for name in names}

        before = public()
        import keras_registry

        @keras_registry.register("acme")
        class Scale(keras.layers.Layer):
            def __init__(self, factor: float = 2.0, **kwargs):
                super().__init__(**kwargs)

        small_model().save("saved.keras")
        after = public()
        answer(
            same=all(after[name] is found for name, found in before.items()),
            manifest=manifest_of("saved.keras"),
            report=keras_registry.report(keras.saving.load_model("saved.keras")),
            registered=keras.saving.get_registered_object("acme>Scale") is Scale,
        )
        """,
        env={"KERAS_REGISTRY_HOOKS": value},
    )

    assert done.json() == {"same": True, "manifest": None, "report": None, "registered": True}


def test_hooks_switched_off_by_the_environment_can_be_enabled(child):
    """`enable()` puts the hooks in even where KERAS_REGISTRY_HOOKS=0 kept them out."""
    done = child(
        """
        import keras, keras_registry
        keras_registry.enable()
        small_model().save("saved.keras")
        answer(manifest=manifest_of("saved.keras") is not None)
        """,
        env={"KERAS_REGISTRY_HOOKS": "0"},
    )

    assert done.json() == {"manifest": True}


SEAMS = {
    "saving/saving_api": ["load_model"],
    "saving/saving_lib": [
        "save_model",
        "deserialize_keras_object",
        "_serialize_model_as_json",
        "_load_model_from_fileobj",
        "_load_model_from_dir",
        "_model_from_config",
        "save_weights_only",
        "load_weights_only",
    ],
    "saving/serialization_lib": ["deserialize_keras_object", "_retrieve_class_or_fn"],
    "legacy/saving/legacy_h5_format": [
        "save_model_to_hdf5",
        "load_model_from_hdf5",
        "load_weights_from_hdf5_group",
        "load_weights_from_hdf5_group_by_name",
    ],
    "export": ["export_saved_model"],
    "legacy/saving/saving_utils": [
        "model_from_config",
        "compile_args_from_training_config",
        "try_build_compiled_arguments",
    ],
}
KERAS_STUB = """
import importlib
for name in ("export", "saving.saving_lib", "saving.serialization_lib", "saving.saving_api",
             "legacy.saving.legacy_h5_format", "legacy.saving.saving_utils"):
    name = f"keras.src.{name}"
    importlib.import_module(name)
"""


@pytest.fixture
def stub_site(tmp_path):
    """A folder with a tiny `keras` that has the seams, so that import order is cheap to test."""
    folder = tmp_path / "stub"
    source = folder / "keras" / "src"
    for package in (source / "saving", source / "legacy" / "saving"):
        package.mkdir(parents=True)
    for package in (source, source / "saving", source / "legacy", source / "legacy" / "saving"):
        (package / "__init__.py").write_text(
            "def deserialize_keras_object(): ...\n" if package.parent == source else ""
        )
    (source.parent / "__init__.py").write_text(f'__version__ = "3.99.0"\n{KERAS_STUB}')
    for module, seams in SEAMS.items():
        text = "".join(f"def {name}(*args): return 'plain'\n" for name in seams)
        (source / f"{module}.py").write_text(text)
    return folder


IS_HOOKED = """
import keras
answer(hooked=hasattr(keras.src.saving.saving_lib.save_model, "__wrapped__"))
"""


def test_failed_import_of_keras_does_not_use_up_the_hooks(interpreter, stub_site):
    """A look for a Keras that is not there yet leaves the hooks ready for the one that comes."""
    done = interpreter(
        f"""
import importlib.util

class Absent:
    def find_spec(self, fullname, path=None, target=None):
        if fullname in {{"keras", "tf_keras"}}:
            raise ModuleNotFoundError(fullname)

absent = Absent()
sys.meta_path.insert(0, absent)
import keras_registry
for look in (importlib.util.find_spec, __import__):
    for name in ("tf_keras", "keras"):
        assert isinstance(caught(look, name), ModuleNotFoundError)
sys.meta_path.remove(absent)
assert importlib.util.find_spec("keras").origin.startswith(sys.argv[1])
{IS_HOOKED}
""",
        stub_site,
        path=[stub_site],
    )

    assert done.json() == {"hooked": True}


def test_disable_before_keras_is_imported(interpreter, stub_site):
    """`disable()` before Keras is imported keeps the hooks out, until `enable()`."""
    done = interpreter(
        f"""
import keras_registry
keras_registry.disable()
import keras
before = hasattr(keras.src.saving.saving_lib.save_model, "__wrapped__")
keras_registry.enable()
assert not before, "hooked although disabled"
{IS_HOOKED}
""",
        path=[stub_site],
    )

    assert done.json() == {"hooked": True}


@pytest.fixture
def legacy_site(tmp_path):
    """A folder with a `tf_keras` as far as TensorFlow looks at it."""
    folder = tmp_path / "legacy"
    api = folder / "tf_keras" / "api" / "_v2" / "keras"
    api.mkdir(parents=True)
    for package in (api.parents[1], api.parents[0]):
        (package / "__init__.py").touch()
    (folder / "tf_keras" / "__init__.py").write_text('__version__ = "2.19.0"\n')
    (api / "__init__.py").write_text("from tf_keras import __version__\n")
    return folder


def test_legacy_keras_as_tf_keras(interpreter, legacy_site):
    """Under TF_USE_LEGACY_KERAS=1, a use of `tf.keras` warns once that it is not covered."""
    done = interpreter(
        """
        import keras_registry

        def use():
            import tensorflow as tf
            return tf.keras.__version__

        version, findings = warned(use)
        _, again = warned(use)
        answer(version=version, codes=codes(findings), again=codes(again),
               found=[f.found for f in findings])
        """,
        path=[legacy_site],
        env={"TF_USE_LEGACY_KERAS": "1"},
    )

    assert done.json() == {
        "version": "2.19.0",
        "codes": ["K302"],
        "again": [],
        "found": ["tf_keras 2.19.0, by TF_USE_LEGACY_KERAS"],
    }


@pytest.mark.parametrize(
    ("order", "value", "codes"),
    [
        ("import keras_registry, tf_keras", "1", ["K302"]),
        ("import tf_keras, keras_registry", "true", ["K302"]),
        ("import keras_registry, tf_keras, tf_keras", "1", ["K302"]),
        ("import keras_registry, tf_keras", "0", []),
        ("import keras_registry, tf_keras", None, []),
    ],
)
def test_legacy_keras_warns_only_where_it_is_tf_keras(
    interpreter, legacy_site, order, value, codes
):
    """`tf_keras` itself may be imported; the warning is for programs whose `tf.keras` it is."""
    done = interpreter(
        f"""
        def imports():
            {order}

        _, findings = warned(imports)
        answer(codes=codes(findings))
        """,
        path=[legacy_site],
        env={"TF_USE_LEGACY_KERAS": value},
    )

    assert done.json() == {"codes": codes}


def test_coming_of_keras_is_noticed_with_other_finders_in_place(interpreter, stub_site):
    """An import hook of another library, there before or put in later, does not get in the way."""
    done = interpreter(
        f"""
class Finder:
    def find_spec(self, fullname, path=None, target=None):
        return None

sys.meta_path.insert(0, Finder())
import keras_registry
sys.meta_path.insert(0, Finder())
{IS_HOOKED}
""",
        path=[stub_site],
    )

    assert done.json() == {"hooked": True}
