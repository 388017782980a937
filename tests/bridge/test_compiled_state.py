"""Loads without a loss or metric that is not there; S10 has the messages."""

from __future__ import annotations

import shutil

import pytest

from tests.support.plugins import FUNCTIONS_SOURCE, GATED_SOURCE

INFERENCE_ONLY = """
import keras
import keras_registry
sys.path.append(sys.argv[2])
from own_layers import GatedDense, swishy
objects = {"GatedDense": GatedDense, "swishy": swishy}
"""


@pytest.fixture
def inference(child, acme_model, tmp_path):
    """Run a program in which the layers of the acme model are at hand, its loss and metric not."""
    folder = tmp_path / "own"
    folder.mkdir()
    sources = [GATED_SOURCE, FUNCTIONS_SOURCE]
    text = "\n".join(source.replace('@register("acme")', "") for source in sources)
    text = text.replace(
        "self.activation = activation", "self.activation = keras.activations.get(activation)"
    )
    text += "\n\nGatedDense.get_config = lambda self: {}\n"
    (folder / "own_layers.py").write_text(text, encoding="utf-8")

    def run(*parts):
        return child([INFERENCE_ONLY, *parts], acme_model.path, folder)

    return run


@pytest.mark.parametrize(
    "load",
    [
        'keras_registry.load_model(sys.argv[1], custom_objects=objects, on_missing_compile="skip")',
        "in_block(lambda: keras.saving.load_model(sys.argv[1], custom_objects=objects))",
    ],
    ids=["argument", "block"],
)
def test_missing_loss_can_be_skipped(inference, load):
    """Asked to skip it, a load without the loss gives the model uncompiled, with one warning."""
    done = inference(
        f"""
        from keras_registry.bridge.missing_compile import missing_compile
        def in_block(function):
            with missing_compile("skip"):
                return function()
        model, findings = warned(lambda: {load})
        [finding] = findings
        report = keras_registry.report(model)
        answer(compiled=model.compiled, code=finding.code,
               keys=[need.key for need in finding.needs], verified=report.verified,
               reported=[f.code for f in report.findings if f.level != "note"])
        """
    )

    assert done.json() == {
        "compiled": False,
        "code": "R108",
        "keys": ["acme>Pinball", "acme>Coverage"],
        "verified": ["layers"],
        "reported": ["R108"],
    }


def test_loss_whose_import_fails_can_be_skipped(child, acme_site, acme_model, tmp_path):
    """A loss whose plugin is installed and broken is skipped as one that is missing."""
    shutil.copytree(acme_site, tmp_path / "site")
    (tmp_path / "site" / "acme_layers" / "losses.py").write_text("import no_such_module\n")
    done = child(
        """
        import keras_registry
        model, findings = warned(
            keras_registry.load_model, sys.argv[1], on_missing_compile="skip"
        )
        answer(compiled=model.compiled, codes=codes(findings), found=findings[0].found)
        """,
        acme_model.path,
        path=[tmp_path / "site"],
    ).json()

    assert not done["compiled"]
    assert done["codes"] == ["R108"]
    assert "acme-layers==1.4.2 cannot be imported" in done["found"]


def test_skipping_does_not_skip_layers(child, acme_model):
    """Asked to skip what is missing of the compiled state, a load without a layer stops."""
    done = child(
        """
        import keras_registry
        error = caught(keras_registry.load_model, sys.argv[1], on_missing_compile="skip")
        answer(keys=[need.key for need in error.findings[0].needs])
        """,
        acme_model.path,
    )

    assert done.json() == {
        "keys": ["acme>GatedDense", "acme>swishy", "acme>Pinball", "acme>Coverage"]
    }


def test_skipping_does_not_skip_other_errors(child, acme_copy):
    """What else is wrong stops a load that may skip the compiled state, and is named with it."""
    path = acme_copy(
        config=lambda document: (
            document["config"]["layers"].pop(1) and document["config"]["layers"].pop(1)
        )
    )
    done = child(
        """
        import keras_registry
        error = caught(
            keras_registry.load_model, sys.argv[1], policy="strict", on_missing_compile="skip"
        )
        answer(codes=[f.code for f in error.findings if f.level == "error"])
        """,
        path,
    )

    assert done.json() == {"codes": ["M106", "R101"]}


def test_skipping_nothing_changes_nothing(child, acme_site, acme_model):
    """Where nothing is missing, a load that may skip the compiled state restores it."""
    done = child(
        """
        import keras_registry
        model = keras_registry.load_model(sys.argv[1], on_missing_compile="skip")
        error = caught(keras_registry.load_model, sys.argv[1], on_missing_compile="ignore")
        answer(compiled=model.compiled, error=[type(error).__name__, str(error)])
        """,
        acme_model.path,
        path=[acme_site],
    )

    assert done.json() == {
        "compiled": True,
        "error": [
            "SettingsError",
            "on_missing_compile='ignore' is not known; it is 'raise' or 'skip'",
        ],
    }
