"""Files of weights alone: what they say of themselves, and what a model takes from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.golden import check_golden

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.processes import Completed

MODELS = """
import keras
import numpy as np
import keras_registry
from acme_layers.gated import GatedDense


def gated(units=3, *more, dtype=None, name="gate"):
    return small_model(GatedDense(units, name=name, dtype=dtype), *more)


def outcome(load, *args, **kwargs):
    '''What became of filling a model: the error, or what was noted and verified.'''
    model = load.__self__
    before = [array.copy() for array in model.get_weights()]
    try:
        load(*args, **kwargs)
    except keras_registry.LoadError as error:
        same = all(map(np.array_equal, before, model.get_weights()))
        return {"codes": codes(error.findings), "untouched": same, "text": str(error),
                "is_keras_error": isinstance(error, ValueError)}
    report = keras_registry.report(model)
    return {"codes": codes(report.findings), "verified": report.verified, "text": str(report)}
"""


@pytest.fixture
def models(acme_child: Callable[..., Completed]) -> Callable[..., dict[str, object]]:
    """Run a program with the layer and functions above; return its answer."""

    def run(body: str, **options: object) -> dict[str, object]:
        answer: dict[str, object] = acme_child(MODELS, body, **options).json()
        return answer

    return run


def test_manifest_of_weights(models: Callable[..., dict[str, object]]) -> None:
    """A `.weights.h5` file names the classes of its layers; filling a model from it is silent."""
    done = models(
        """
        import h5py
        gated().save_weights("m.weights.h5")
        with h5py.File("m.weights.h5") as file:
            manifest = json.loads(bytes(file["keras_registry/manifest"][()]))
        answer(objects=manifest["objects"], distributions=list(manifest["distributions"]),
               has_config="config" in manifest, weights=manifest["weights"]["layers"]["count"],
               files=os.listdir(), **outcome(gated().load_weights, "m.weights.h5"))
        """
    )

    (record,) = done["objects"]  # type: ignore[misc]
    assert record["key"] == "acme>GatedDense"
    assert (record["count"], "paths" in record) == (1, False)
    assert done["distributions"] == ["acme-layers"]
    assert (done["has_config"], done["weights"]) == (False, 4)
    assert done["files"] == ["m.weights.h5"]
    assert (done["codes"], done["verified"]) == ([], ["layers"])


MISFITS = {
    "shapes": ("gated(4)", "gated(3)"),
    "missing": ("gated(3, keras.layers.Dense(3, name='new'))", "gated(3)"),
    "unread": ("gated(3)", "gated(3, keras.layers.Dense(3, name='old'))"),
}


@pytest.mark.parametrize("ending", ["weights.h5", "keras", "h5"])
@pytest.mark.parametrize("case", MISFITS)
def test_weights_of_another_model(
    models: Callable[..., dict[str, object]], case: str, ending: str
) -> None:
    """Weights that a model does not take whole are refused before anything in it has changed.

    Plain Keras says nothing of arrays in the file for which the model has no place.
    """
    model, other = MISFITS[case]
    save = "save_weights" if ending == "weights.h5" else "save"

    done = models(
        f"""
        {other}.{save}("other.{ending}")
        answer(**outcome({model}.load_weights, "other.{ending}"))
        """
    )

    assert set(done["codes"]) == {"W101"}  # type: ignore[call-overload]
    assert (done["untouched"], done["is_keras_error"]) == (True, True)
    check_golden(f"weight_files_{case}_{ending.replace('.', '_')}", str(done["text"]))


@pytest.mark.parametrize("ending", ["weights.h5", "keras"])
def test_plain_keras_leaves_weights_unread(child: Callable[..., Completed], ending: str) -> None:
    """Plain Keras takes from a file what it finds a place for, and does not mention the rest."""
    save = "save_weights" if ending == "weights.h5" else "save"
    program = f"""
    import keras
    layers = [keras.layers.Dense(2), keras.layers.Dense(2), keras.layers.Dense(2)]
    keras.Sequential([keras.Input((4,)), *layers]).{save}("three.{ending}")
    two = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2), keras.layers.Dense(2)])
    """

    plain = child(
        [program, f'two.load_weights("three.{ending}"); answer(silent=True)'],
        env={"KERAS_REGISTRY_HOOKS": "0"},
    )
    hooked = child(
        [
            "import keras_registry",
            program,
            f'answer(codes=codes(caught(two.load_weights, "three.{ending}").findings))',
        ]
    )

    assert plain.json() == {"silent": True}
    assert plain.messages == ""
    assert "W101" in hooked.json()["codes"]


ALLOWED = {
    "skip_mismatch": ("gated(4)", "skip_mismatch=True"),
    "objects_to_skip": (
        "gated(3, keras.layers.Dense(3, name='new'))",
        "objects_to_skip=[model.get_layer('new'), model.get_layer('head')]",
    ),
}


@pytest.mark.parametrize("case", ALLOWED)
def test_what_the_caller_lets_be_passed_over(
    models: Callable[..., dict[str, object]], case: str
) -> None:
    """What an argument of the call allows is noted, and no more."""
    make, argument = ALLOWED[case]

    done = models(
        f"""
        gated(3).save_weights("m.weights.h5")
        model = {make}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # Keras's own, of what it passes over
            found = outcome(model.load_weights, "m.weights.h5", {argument})
        answer(**found)
        """
    )

    assert set(done["codes"]) == {"W106"}  # type: ignore[call-overload]
    assert done["verified"] == []
    check_golden(f"weight_files_{case}", str(done["text"]))


def test_layers_by_name(models: Callable[..., dict[str, object]]) -> None:
    """`by_name=True` fills the layers that have their names in a `.h5` file; others are noted."""
    done = models(
        """
        saved, model = gated(3), gated(3, keras.layers.Dense(3, name="new"))
        saved.save("m.h5")
        answer(**outcome(model.load_weights, "m.h5", by_name=True),
               equal=bool(np.array_equal(model.get_layer("gate").get_weights()[0],
                                         saved.get_layer("gate").get_weights()[0])))
        """
    )

    assert done["codes"] == ["W106"]
    assert done["equal"]
    check_golden("weight_files_by_name", str(done["text"]))


@pytest.mark.parametrize(
    ("saved", "filled"), [("float32", "float16"), ("bfloat16", "float32"), ("float32", "bfloat16")]
)
def test_weights_of_another_dtype(
    models: Callable[..., dict[str, object]], saved: str, filled: str
) -> None:
    """A model takes weights in its own dtype; that they cannot be hashed then is noted, no more."""
    done = models(
        f"""
        gated(dtype="{saved}").save_weights("m.weights.h5")
        answer(**outcome(gated(dtype="{filled}").load_weights, "m.weights.h5"))
        """
    )

    assert (done["codes"], done["verified"]) == (["W103"], [])


def test_changed_weights(models: Callable[..., dict[str, object]]) -> None:
    """A layer that does not restore what the file holds is named."""
    done = models(
        """
        class Forgetful(keras.layers.Dense):
            def load_own_variables(self, store):
                pass
        small_model(Forgetful(3, name="memory")).save_weights("m.weights.h5")
        model = small_model(Forgetful(3, name="memory"), seed=8)
        answer(**outcome(model.load_weights, "m.weights.h5"))
        """
    )

    assert done["codes"] == ["W101"]
    assert 'layers/forgetful/0 "memory" (4, 3)' in str(done["text"])


def test_weights_without_a_manifest(models: Callable[..., dict[str, object]]) -> None:
    """A file of plain Keras fills a model: its arrays and their places are compared, as noted."""
    done = models(
        """
        keras_registry.disable()
        gated().save_weights("m.weights.h5")
        keras_registry.enable()
        answer(**outcome(gated().load_weights, "m.weights.h5"))
        """
    )

    assert (done["codes"], done["verified"]) == (["M101"], [])


def test_several_files(models: Callable[..., dict[str, object]]) -> None:
    """Weights that Keras cuts into several files have their manifest in the index."""
    done = models(
        """
        gated(300).save_weights("m.weights.json", max_shard_size=1e-5)
        index = json.loads(open("m.weights.json").read())
        answer(keys=sorted(index), metadata=sorted(index["metadata"]),
               shards=len(os.listdir()) > 2,
               **outcome(gated(300, name="other").load_weights, "m.weights.json"))
        """
    )

    assert (done["keys"], done["metadata"]) == (
        ["metadata", "weight_map"],
        ["keras_registry", "total_size"],
    )
    assert done["shards"]
    assert (done["codes"], done["verified"]) == ([], ["layers"])


def test_file_editor(models: Callable[..., dict[str, object]]) -> None:
    """What Keras's file editor writes can be loaded; that it has no manifest any more is noted."""
    done = models(
        """
        import contextlib, io
        small_model(keras.layers.Dense(3, name="old")).save_weights("m.weights.h5")
        with contextlib.redirect_stdout(io.StringIO()):
            editor = keras.saving.KerasFileEditor("m.weights.h5")
        names = list(editor.weights_dict)
        editor.save("edited.weights.h5")
        model = small_model(keras.layers.Dense(3, name="old"))
        answer(names=names, **outcome(model.load_weights, "edited.weights.h5"))
        """
    )

    assert done["names"] == ["layers"]
    assert done["codes"] == ["M101"]


def test_file_editor_that_loses_weights(models: Callable[..., dict[str, object]]) -> None:
    """Keras's file editor leaves out layers inside a layer without own weights: that is named."""
    done = models(
        """
        import contextlib, io

        class Nested(keras.layers.Layer):
            def __init__(self, **kwargs):
                super().__init__(**kwargs)
                self.inner = keras.layers.Dense(3)
            def build(self, shape):
                self.inner.build(shape)
            def call(self, inputs):
                return self.inner(inputs)

        small_model(Nested(name="nested")).save_weights("m.weights.h5")
        with contextlib.redirect_stdout(io.StringIO()):
            keras.saving.KerasFileEditor("m.weights.h5").save("edited.weights.h5")
        answer(**outcome(small_model(Nested(name="nested")).load_weights, "edited.weights.h5"))
        """
    )

    assert done["codes"] == ["M101", "W101"]
    assert "layers/nested/inner/0" in str(done["text"])


def test_older_distribution(models: Callable[..., dict[str, object]]) -> None:
    """A class of an older distribution than that of the save is judged by the policy."""
    done = models(
        """
        import h5py
        from keras_registry.artifact import read_weights_metadata, replace_weights_manifest
        gated().save_weights("m.weights.h5")
        manifest = read_weights_metadata("m.weights.h5")["keras_registry"]
        manifest["distributions"]["acme-layers"]["version"] = "99.0"
        replace_weights_manifest("m.weights.h5", manifest)
        found = {}
        for policy in ("strict", "compatible", "permissive"):
            with keras_registry.policy(policy), warnings.catch_warnings():
                warnings.simplefilter("ignore", keras_registry.KerasRegistryWarning)
                found[policy] = outcome(gated().load_weights, "m.weights.h5")["codes"]
        answer(found=found, text=str(caught(gated().load_weights, "m.weights.h5")))
        """
    )

    policies = ("strict", "compatible", "permissive")
    assert done["found"] == {policy: ["R201"] for policy in policies}
    assert "wanted     acme-layers" in str(done["text"])


def test_save_that_fails(models: Callable[..., dict[str, object]]) -> None:
    """Where Keras refuses to save weights, the former file stays and nothing is left behind."""
    done = models(
        """
        gated().save_weights("m.weights.h5")
        before = open("m.weights.h5", "rb").read()

        class Broken(keras.layers.Dense):
            def save_own_variables(self, store):
                super().save_own_variables(store)
                raise RuntimeError("full")

        error = caught(small_model(Broken(3)).save_weights, "m.weights.h5")
        unbuilt = caught(keras.Sequential([keras.layers.Dense(3)]).save_weights, "n.weights.h5")
        answer(error=str(error), unbuilt=str(unbuilt), files=os.listdir(),
               same=open("m.weights.h5", "rb").read() == before)
        """
    )

    assert done["error"] == "full"
    assert str(done["unbuilt"]).startswith("You are saving a model that has not yet been built")
    assert (done["files"], done["same"]) == (["m.weights.h5"], True)


def test_plain_keras_reads_the_file(models: Callable[..., dict[str, object]]) -> None:
    """Plain Keras fills a model from a file with a manifest."""
    done = models(
        """
        saved, model = gated(), gated(name="other")
        saved.save_weights("m.weights.h5")
        keras_registry.disable()
        model.load_weights("m.weights.h5")
        answer(same=all(map(np.array_equal, model.get_weights(), saved.get_weights())),
               report=keras_registry.report(model))
        """
    )

    assert done == {"same": True, "report": None}


def test_object_of_two_names(models: Callable[..., dict[str, object]]) -> None:
    """A layer that a model knows by two names takes its weights by either, as in plain Keras."""
    done = models(
        """
        class First(keras.Model):
            def __init__(self):
                super().__init__(name="named")
                self.dense = keras.layers.Dense(3)
            def call(self, x):
                return self.dense(x)

        class Second(First):
            def __init__(self):
                super().__init__()
                self.a_dense = self.dense  # the first by which Keras meets it

        first, second = First(), Second()
        for model in (first, second):
            model(np.ones((1, 2)))
        first.save_weights("m.weights.h5")
        found = outcome(second.load_weights, "m.weights.h5")
        answer(equal=bool(np.array_equal(first.dense.kernel, second.a_dense.kernel)), **found)
        """
    )

    assert (done["codes"], done["verified"], done["equal"]) == ([], ["layers"], True)
