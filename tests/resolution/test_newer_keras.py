"""Tests of configs of a newer Keras, for an older one: by the table alone, nothing is imported."""

from __future__ import annotations

import copy
import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import pytest

from keras_registry.artifact import read_artifact
from keras_registry.findings import Level, Policy, render_findings
from keras_registry.resolution import DerivedUse, InstalledKeras, KerasFitting
from tests.resolution.situations import layer, model
from tests.support.golden import check_golden

COMPAT = Path(__file__).resolve().parents[1] / "compat" / "keras-3.15.1"


def own(module: str, name: str, /, **config: Any) -> dict[str, Any]:
    """Return a serialised object of Keras."""
    return {"module": module, "class_name": name, "config": config, "registered_name": None}


def dense(name: str = "head", /, **config: Any) -> dict[str, Any]:
    """Return a Dense as Keras 3.15 serialises it, as far as it matters here."""
    axes = {"seed": None, "input_axes": None, "output_axes": None}
    kernel = own("keras.initializers", "GlorotUniform", **axes)
    given = {"name": name, "units": 2, "kernel_initializer": kernel, "quantization_config": None}
    return own("keras.layers", "Dense", **{**given, **config})


def normalization(**config: Any) -> dict[str, Any]:
    """Return a BatchNormalization as Keras 3.15 serialises it."""
    renorm = {"renorm": False, "renorm_clipping": None, "renorm_momentum": 0.99}
    return own("keras.layers", "BatchNormalization", name="bn", axis=-1, **{**renorm, **config})


def fit(
    config: Any,
    keras_version: str | None = "3.12.0",
    *,
    saved_with: str | None = "3.15.1",
    policy: Policy = Policy.COMPATIBLE,
    installed: InstalledKeras | None = None,
    **options: Any,
) -> KerasFitting:
    """Return a config that was fitted to a release of Keras."""
    fitting = KerasFitting(
        config,
        keras_version=keras_version,
        saved_with=saved_with,
        policy=policy,
        installed=installed,
    )
    fitting.fit_own(**options)
    return fitting


def layers_of(fitting: KerasFitting) -> list[dict[str, Any]]:
    """Return the configs of the layers of a fitted model."""
    return [item["config"] for item in fitting.config["config"]["layers"]]


def test_defaults_are_left_out_and_named_once() -> None:
    """One warning names each argument with its value, the places, and both versions."""
    config = model(dense("first"), normalization(), dense("second"), dense("third"))
    before = copy.deepcopy(config)

    fitting = fit(config)

    first, norm, *_ = layers_of(fitting)
    assert first == {
        "name": "first",
        "units": 2,
        "kernel_initializer": own("keras.initializers", "GlorotUniform", seed=None),
    }
    assert norm == {"name": "bn", "axis": -1}
    assert config == before
    assert fitting.obstacles == ()
    (told,) = fitting.left_out
    assert [need.count for need in told.needs] == [3, 3, 1]
    check_golden("keras/left_out", render_findings("newer.keras", fitting.left_out))


@pytest.mark.parametrize(
    ("keras_version", "left"),
    [
        ("3.12.4", {"name", "axis"}),
        ("3.13.2", {"name", "axis"}),
        ("3.14.0", {"name", "axis", "renorm", "renorm_clipping", "renorm_momentum"}),
        ("3.14.0.dev1", {"name", "axis"}),
    ],
)
def test_each_release_takes_what_it_knows(keras_version: str, left: set[str]) -> None:
    """Left out is what came with a later release than the installed one."""
    fitting = fit(model(normalization()), keras_version)

    assert set(layers_of(fitting)[0]) == left


@pytest.mark.parametrize("keras_version", ["3.15.0", "3.15.1", "3.99.0", None])
def test_nothing_is_done_where_nothing_is_newer(keras_version: str | None) -> None:
    """A Keras that knows all of it, or none that is known, leaves the config as it is."""
    config = model(dense(), normalization(renorm=True))

    fitting = fit(config, keras_version)

    assert fitting.config is config
    assert (*fitting.obstacles, *fitting.left_out) == ()


@pytest.mark.parametrize(
    ("policy", "level"),
    [
        (Policy.STRICT, Level.ERROR),
        (Policy.COMPATIBLE, Level.WARNING),
        (Policy.PERMISSIVE, Level.WARNING),
    ],
)
def test_policy_decides_whether_to_go_on(policy: Policy, level: Level) -> None:
    """Only the strict policy stops for what is left out; another value stops under each."""
    assert [item.level for item in fit(model(dense()), policy=policy).left_out] == [level]
    refused = fit(model(normalization(renorm=True)), policy=policy).obstacles
    assert [item.level for item in refused] == [Level.ERROR]


def test_another_value_is_refused() -> None:
    """Another value is an error with place, value and both versions; alike ones are one error."""
    attention = {"use_gate": True, "sliding_window": None}
    config = model(
        own("keras.layers", "MultiHeadAttention", name="a", num_heads=2, **attention),
        own("keras.layers", "MultiHeadAttention", name="b", num_heads=4, **attention),
        dense("d", quantization_config=own("keras.quantizers", "Int8QuantizationConfig")),
    )

    fitting = fit(config)

    assert "use_gate" in layers_of(fitting)[0]
    codes = [(item.code, item.needs[0].key, item.needs[0].count) for item in fitting.obstacles]
    assert codes == [
        ("K110", "keras Int8QuantizationConfig", 1),
        ("K103", "keras MultiHeadAttention", 2),
        ("K103", "keras Dense", 1),
    ]
    check_golden("keras/refused", render_findings("newer.keras", fitting.obstacles))


@pytest.mark.parametrize("value", [0, 0.0, "", None, [], 0.990001])
def test_only_the_very_value_is_a_default(value: Any) -> None:
    """A value that merely compares as equal, or is as empty, is not the default."""
    assert fit(model(normalization(renorm=value))).obstacles


def test_default_that_works_in_another_way_is_refused() -> None:
    """Where an older Keras computes something else, no value is left out: Muon's learning rates."""
    muon = own("keras.optimizers", "Muon", name="muon", rms_rate=0.2, adam_weight_decay=0.004)
    config = model(compile_config={"optimizer": muon})

    (refused,) = fit(config).obstacles

    assert (refused.code, refused.location) == ("K103", "/compile_config/optimizer/config")
    assert fit(config, "3.13.0").obstacles == ()
    assert fit(config, with_compile=False).obstacles == ()


def test_place_in_a_custom_object_counts_too() -> None:
    """What a custom layer or loss holds of Keras is fitted as well."""
    inner = layer("acme>Pair", inner=dense("inner"), parts=[dense("part"), {"deep": dense("deep")}])

    fitting = fit(model(inner))

    (told,) = fitting.left_out
    assert [need.count for need in told.needs] == [3, 3]
    assert "quantization_config" not in json.dumps(fitting.config)


def test_what_is_no_object_of_keras_is_left_alone() -> None:
    """A custom class of the same name, or a dict that only looks like an object, stays as it is."""
    alike = {"class_name": "Dense", "config": {"quantization_config": None}}
    config = model(
        layer("Dense", module="acme_layers", quantization_config=None),
        {**own("keras.layers", "Dense", quantization_config=None), "registered_name": "a>Dense"},
        layer("acme>Table", rows=[alike]),
        {**own("keras.layers", "Dense"), "config": "quantization_config"},
    )

    fitting = fit(config)

    assert fitting.config is config
    assert (*fitting.obstacles, *fitting.left_out) == ()


def test_class_of_the_caller_is_left_alone() -> None:
    """A class that the caller gives may take the argument; it replaces Keras's in `.h5` alone."""
    layers = [{"class_name": name, "config": {}} for name in ("AdaptiveMaxPooling1D", "Dense")]
    layers[1]["config"] = {"quantization_config": None}
    config = {"model_config": model(*layers)}
    given = {"AdaptiveMaxPooling1D", "Dense"}

    assert fit(config).obstacles
    assert fit(config, given=given).config is config
    assert fit(config, given=given).obstacles == ()
    assert fit(model(dense()), given=given).left_out


def test_imported_keras_knows_better_than_the_table() -> None:
    """A class or an argument that the installed Keras has is not missed, whatever its version."""

    class Patched(InstalledKeras):
        def has(self, path: str) -> bool:
            return path == "keras.layers.AdaptiveMaxPooling1D"

        def taken_by(self, path: str) -> tuple[str, ...]:
            return ("renorm",) if path == "keras.layers.BatchNormalization" else ()

    config = model(own("keras.layers", "AdaptiveMaxPooling1D"), normalization(renorm=True))

    fitting = fit(config, installed=Patched())

    assert fitting.obstacles == ()
    assert layers_of(fitting)[1] == {"name": "bn", "axis": -1, "renorm": True}


def test_unknown_saving_keras_is_not_guessed() -> None:
    """Where nothing says which Keras saved the model, the first release that would do is named."""
    fitting = fit(model(dense(), normalization(renorm=True)), saved_with=None)

    (refused,), (told,) = fitting.obstacles, fitting.left_out
    assert refused.hint == 'pip install "keras>=3.14.0"'
    assert "saved with" not in str(refused.found)
    assert told.wanted == "keras 3.15.0 or newer"


def test_derived_class_loses_what_its_parent_gained() -> None:
    """The config of a custom class that is made of a Dense has a Dense's new arguments as well."""
    config = model(layer("acme>Mine", quantization_config=None, units=3))
    use = DerivedUse(("config", "layers", 0), "acme>Mine", ("keras.layers.Dense",), {"units"})
    fitting = fit(config)

    fitting.fit_derived([use])

    assert layers_of(fitting) == [{"name": "mine", "units": 3}]
    assert [need.key for need in fitting.left_out[0].needs] == ["acme>Mine"]


@pytest.mark.parametrize("change", ["taken", "other value", "no config"])
def test_derived_class_keeps_what_is_its_own(change: str) -> None:
    """An argument that the class takes itself, or has another value, is no matter of the table."""
    inner = {"quantization_config": "int8" if change == "other value" else None}
    config = model(layer("acme>Mine", **inner))
    if change == "no config":
        del config["config"]["layers"][0]["config"]
    taken = inner if change == "taken" else {}
    use = DerivedUse(("config", "layers", 0), "acme>Mine", ("keras.layers.Dense",), taken)
    fitting = fit(config)

    fitting.fit_derived([use])

    assert fitting.config is config
    assert (*fitting.obstacles, *fitting.left_out) == ()


# --- files of Keras 3.15.1 --------------------------------------------------------------------


def fit_file(name: str, keras_version: str) -> KerasFitting:
    """Return the config of a file of Keras 3.15.1, fitted to an older release."""
    artifact = read_artifact(COMPAT / name).artifact
    assert artifact is not None
    return fit(artifact.config, keras_version)


@pytest.mark.parametrize("keras_version", ["3.12.0", "3.13.2", "3.14.1"])
@pytest.mark.parametrize("name", ["transformer.keras", "adam.keras", "adam.h5", "nested.h5"])
def test_real_file_of_defaults_is_fitted(name: str, keras_version: str) -> None:
    """In a file of Keras 3.15.1 all that an older release does not know is found, by any format."""
    fitting = fit_file(name, keras_version)

    assert fitting.obstacles == ()
    (told,) = fitting.left_out
    found = {need.key.removeprefix("keras ") for need in told.needs}
    assert "GlorotUniform" in found
    assert ("Dense" in found) == (keras_version < "3.13")
    written = json.dumps(fitting.config)
    assert "input_axes" not in written
    assert ("quantization_config" in written) == (keras_version > "3.13")


@pytest.mark.parametrize("keras_version", ["3.12.0", "3.13.2"])
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_metric_and_loss_of_one_name_are_told_apart(suffix: str, keras_version: str) -> None:
    """`ignore_class` is left out of the metric that got it with 3.14, not of a loss that had it."""
    told = fit_file(f"adam{suffix}", keras_version).left_out[0]

    place = next(n.place for n in told.needs if n.key == "keras SparseCategoricalCrossentropy")
    assert ".metrics" in place
    loss = own("keras.losses", "SparseCategoricalCrossentropy", name="l", ignore_class=None)
    bare = {key: loss[key] for key in ("class_name", "config")}
    assert fit({"training_config": {"loss": bare}}, keras_version).left_out == ()
    assert fit(model(compile_config={"loss": loss}), keras_version).left_out == ()


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_real_file_that_needs_a_newer_keras_is_refused(suffix: str) -> None:
    """A real file with a new layer, or with a value that is no default, is refused by name."""
    (pooling,) = fit_file(f"pooling{suffix}", "3.12.0").obstacles
    (renorm,) = fit_file(f"renorm{suffix}", "3.13.2").obstacles

    assert (pooling.code, pooling.hint) == ("K110", 'pip install "keras>=3.13.0"')
    assert pooling.summary == "keras 3.12.0 has no AdaptiveMaxPooling1D"
    assert (renorm.code, renorm.hint) == ("K103", 'pip install "keras>=3.14.0"')
    assert fit_file(f"pooling{suffix}", "3.13.0").obstacles == ()
    assert fit_file(f"renorm{suffix}", "3.14.0").obstacles == ()


def test_files_say_who_saved_them() -> None:
    """The files are what Keras 3.15.1 wrote, and no manifest says it for them."""
    with zipfile.ZipFile(COMPAT / "adam.keras") as archive:
        metadata = json.loads(archive.read("metadata.json"))
    with h5py.File(COMPAT / "adam.h5") as file:
        assert file.attrs["keras_version"] == metadata["keras_version"] == "3.15.1"
        assert "keras_registry" not in file
    assert "keras_registry" not in metadata
