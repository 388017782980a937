"""`keras_registry.save_model` and `load_model`, with the hooks and without them."""

from __future__ import annotations

import pytest

HOOKS = pytest.mark.parametrize("hooks", ["0", "1"], ids=["hooks off", "hooks on"])

SCALE = """
import keras
import keras_registry
import zipfile
"""


@HOOKS
def test_save_and_load(child, scale_site, scale_model, hooks):
    """A model is saved with its manifest, in three members, and verified when it is loaded."""
    done = child(
        [
            SCALE,
            """
            model = keras_registry.load_model(sys.argv[1])
            keras_registry.save_model(model, "again.keras")
            report = keras_registry.report(keras_registry.load_model("again.keras"))
            with zipfile.ZipFile("again.keras") as archive:
                members = sorted(archive.namelist())
                whole = archive.testzip() is None
            manifest = manifest_of("again.keras")
            answer(members=members, whole=whole, keys=[item["key"] for item in manifest["objects"]],
                   distributions=list(manifest["distributions"]), verified=report.verified,
                   codes=codes(report.findings), files=os.listdir())
            """,
        ],
        scale_model,
        path=[scale_site],
        env={"KERAS_REGISTRY_HOOKS": hooks},
    )

    assert done.json() == {
        "members": ["config.json", "metadata.json", "model.weights.h5"],
        "whole": True,
        "keys": ["acme>Scale"],
        "distributions": ["acme-scale"],
        "verified": ["layers"],
        "codes": [],
        "files": ["again.keras"],
    }


def test_both_ways_write_the_same(child, scale_site, scale_model):
    """What the explicit function writes without the hooks is what the hooks write."""
    done = child(
        [
            SCALE,
            """
            model = keras_registry.load_model(sys.argv[1])
            model.save("hooked.keras")
            keras_registry.disable()
            keras_registry.save_model(model, "explicit.keras")
            hooked, explicit = manifest_of("hooked.keras"), manifest_of("explicit.keras")
            answer(same=hooked == explicit)
            """,
        ],
        scale_model,
        path=[scale_site],
    )

    assert done.json() == {"same": True}


@HOOKS
@pytest.mark.parametrize(("reply", "value"), [("y", 2.0), ("n", 1.0)])
def test_prompt_before_overwriting(child, hooks, reply, value):
    """`overwrite=False` asks before a file is replaced, and the answer counts."""
    done = child(
        [
            SCALE,
            f"""
            import builtins
            asked = []
            builtins.input = lambda prompt="": asked.append(prompt) or "{reply}"
            model = small_model()
            bias = model.get_layer("head").bias
            bias.assign([1.0, 1.0])
            keras_registry.save_model(model, "m.keras")
            bias.assign([2.0, 2.0])
            keras_registry.save_model(model, "m.keras", overwrite=False)
            model = keras_registry.load_model("m.keras")
            value = float(model.get_layer("head").bias[0])
            answer(asked=len(asked), value=value, files=os.listdir())
            """,
        ],
        env={"KERAS_REGISTRY_HOOKS": hooks},
    )

    assert done.json() == {"asked": 1, "value": value, "files": ["m.keras"]}


@HOOKS
def test_failed_save_leaves_everything_as_it_was(child, hooks):
    """A save that fails leaves the old file and no other."""
    done = child(
        [
            SCALE,
            """
            @keras_registry.register("acme")
            class Unsaveable(keras.layers.Dense):
                def save_own_variables(self, store):
                    raise RuntimeError("the disk of this layer is full")

            keras_registry.save_model(small_model(), "m.keras")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", keras_registry.KerasRegistryWarning)
                error = caught(keras_registry.save_model, small_model(Unsaveable(2)), "m.keras")
            layers = keras_registry.load_model("m.keras").layers
            answer(error=str(error), layers=len(layers), files=os.listdir())
            """,
        ],
        env={"KERAS_REGISTRY_HOOKS": hooks},
    )

    assert done.json() == {
        "error": "the disk of this layer is full",
        "layers": 1,
        "files": ["m.keras"],
    }


@HOOKS
def test_other_formats_are_passed_on(child, hooks):
    """A path of another format goes to Keras unchanged, both ways."""
    done = child(
        [
            SCALE,
            """
            import logging
            model = small_model()
            keras_registry.save_model(model, "folder", zipped=False)
            logging.disable(logging.WARNING)  # absl's, that HDF5 is considered legacy
            keras_registry.save_model(model, "m.h5")
            loaded = [keras_registry.load_model(path) for path in ("folder", "m.h5")]
            answer(layers=[len(model.layers) for model in loaded],
                   error=type(caught(keras_registry.save_model, model, "m.onnx")).__name__)
            """,
        ],
        env={"KERAS_REGISTRY_HOOKS": hooks},
    )

    assert done.json() == {"layers": [1, 1], "error": "ValueError"}


@HOOKS
def test_arguments_mean_what_they_mean_to_keras(child, acme_site, acme_model, hooks):
    """`compile`, `safe_mode` and `custom_objects` keep their meaning."""
    done = child(
        [
            SCALE,
            """
            uncompiled = keras_registry.load_model(sys.argv[1], compile=False)
            from acme_layers import gated
            class GatedDense(gated.GatedDense):
                pass
            mine = keras_registry.load_model(sys.argv[1], custom_objects={"GatedDense": GatedDense})
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model = small_model(keras.layers.Lambda(lambda x: x))
                keras_registry.save_model(model, "lambda.keras")
            refused = caught(keras_registry.load_model, "lambda.keras")
            allowed = keras_registry.load_model("lambda.keras", safe_mode=False)
            answer(
                compiled=[uncompiled.compiled, mine.compiled],
                mine=[type(layer) is GatedDense for layer in mine.layers],
                codes=codes(keras_registry.report(mine).findings),
                refused=type(refused).__name__,
                allowed=len(allowed.layers),
            )
            """,
        ],
        acme_model.path,
        path=[acme_site],
        env={"KERAS_REGISTRY_HOOKS": hooks},
    )

    assert done.json() == {
        "compiled": [False, True],
        "mine": [True, True, False],
        "codes": ["R301"],
        "refused": "LoadValueError",
        "allowed": 2,
    }


@HOOKS
def test_errors(child, acme_model, hooks):
    """A missing distribution and a missing file are errors of keras-registry and of Keras."""
    done = child(
        [
            SCALE,
            """
            paths = [sys.argv[1], "missing.keras"]
            errors = [caught(keras_registry.load_model, path) for path in paths]
            answer(names=[type(error).__name__ for error in errors],
                   codes=[codes(error.findings) for error in errors])
            """,
        ],
        acme_model.path,
        env={"KERAS_REGISTRY_HOOKS": hooks},
    )

    assert done.json() == {
        "names": ["LoadTypeError", "LoadValueError"],
        "codes": [["R101"], ["A101"]],
    }


def test_hooks_stay_out(child, scale_site, scale_model):
    """The explicit functions do not put the hooks in."""
    done = child(
        [
            SCALE,
            """
            keras_registry.disable()
            model = keras_registry.load_model(sys.argv[1])
            keras_registry.save_model(model, "explicit.keras")
            model.save("plain.keras")
            answer(manifest=manifest_of("plain.keras"))
            """,
        ],
        scale_model,
        path=[scale_site],
    )

    assert done.json() == {"manifest": None}
