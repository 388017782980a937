"""Tests of configs that Keras 2 wrote, in the form of Keras 3: each rule of the table."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from keras_registry.artifact import modernise_artifact, read_artifact, scan_config
from keras_registry.artifact.keras2 import modernise, without_obstacles
from keras_registry.artifact.keras2_rules import (
    ANY,
    GONE,
    LEFT_OUT,
    LEFT_OUT_OF_ALL,
    LEFT_OUT_OF_LOSSES,
    LEFT_OUT_OF_OPTIMIZERS,
    OTHER_OUTPUTS,
)
from keras_registry.keras_names import CLASSES

COMPAT = Path(__file__).resolve().parents[1] / "compat"
KERAS2 = [COMPAT / f"keras-{release}" for release in ("2.12.0", "2.13.1", "2.15.0")]


def own(name: str, /, module: str | None = "keras.layers", **config: Any) -> dict[str, Any]:
    """Return an object of Keras as a later Keras 2 wrote it; without a module as 2.12 did."""
    if module is None:
        return {"class_name": name, "config": config}
    return {"module": module, "class_name": name, "config": config, "registered_name": None}


def model(*layers: Any, **members: Any) -> dict[str, Any]:
    """Return a Sequential of some layers, as in a `.keras` file."""
    return {
        "module": "keras",
        "class_name": "Sequential",
        "config": {"name": "small", "layers": list(layers)},
        "registered_name": None,
        **members,
    }


def compiled(**parts: Any) -> dict[str, Any]:
    """Return a model that is compiled with these."""
    return model(compile_config=parts)


def modern_layer(layer: dict[str, Any]) -> Any:
    """Return the config of a layer in its present form; nothing of it is an obstacle."""
    made = modernise(model(layer))
    assert made.obstacles == ()
    return made.config["config"]["layers"][0]


# --- what is left out, renamed or put otherwise ----------------------------------------------

NEUTRAL = [
    (name, argument, None if values is ANY else values[0])
    for name, known in LEFT_OUT.items()
    for argument, values in known.items()
]


@pytest.mark.parametrize(("name", "argument", "value"), NEUTRAL)
def test_argument_without_a_meaning_is_left_out(name: str, argument: str, value: Any) -> None:
    """An argument that Keras 3 does not have is left out with the value that it always has."""
    layer = own(name, name="x", units=3, **{argument: value})

    assert modern_layer(layer)["config"] == {"name": "x", "units": 3}


OTHER = [(*row[:2], 7) for row in NEUTRAL if LEFT_OUT[row[0]][row[1]] is not ANY]


@pytest.mark.parametrize(("name", "argument", "value"), OTHER)
def test_argument_with_a_meaning_is_an_obstacle(name: str, argument: str, value: Any) -> None:
    """With another value it stays, and is named."""
    made = modernise(model(own(name, name="x", **{argument: value})))

    assert [item.what for item in made.obstacles] == [f"{name} with {argument} = {value}"]
    assert made.config["config"]["layers"][0]["config"][argument] == value


def test_arguments_of_every_layer_are_left_out() -> None:
    """`dynamic=False`, and the shape of the input of any layer that is no input."""
    left_out = {name: values[0] for name, values in LEFT_OUT_OF_ALL.items()}
    layer = own("Dense", dtype="float32", batch_input_shape=[None, 4], **left_out)
    custom = {**own("Gate", "acme", batch_input_shape=[None, 4]), "registered_name": "acme>Gate"}

    assert modern_layer(layer)["config"] == {"dtype": "float32"}
    assert modern_layer(custom)["config"] == {}
    inputs = own("InputLayer", batch_input_shape=[None, 4], name="i")
    assert modern_layer(inputs) == inputs


def test_arguments_of_losses_and_optimizers_are_left_out() -> None:
    """The function of a loss, and what only optimizers of Keras 2 had; elsewhere they stay."""
    loss = dict.fromkeys(LEFT_OUT_OF_LOSSES, "huber")
    optimizer = {name: values[0] for name, values in LEFT_OUT_OF_OPTIMIZERS.items()}

    made = modernise(
        compiled(
            loss=own("Huber", "keras.losses", delta=1.0, reduction="auto", **loss),
            optimizer=own("SGD", "keras.optimizers", momentum=0.9, **optimizer),
            metrics=[own("MeanMetricWrapper", "keras.metrics", fn="mae")],
        )
    ).config["compile_config"]

    assert made["loss"]["config"] == {"delta": 1.0, "reduction": "sum_over_batch_size"}
    assert made["optimizer"]["config"] == {"momentum": 0.9}
    assert made["metrics"][0]["config"] == {"fn": "mae"}


def test_decay_of_an_optimizer_is_an_obstacle() -> None:
    """A learning rate that fell by itself does so no more; only the compiled state is concerned."""
    (found,) = modernise(
        compiled(optimizer=own("SGD", "keras.optimizers.legacy", decay=0.5))
    ).obstacles

    assert (found.what, found.in_compile_config) == ("SGD with decay = 0.5", True)


def test_what_compile_was_not_told_is_left_out() -> None:
    """Where Keras 2 wrote nothing for an argument of `compile`, Keras 3 has its default."""
    unset = dict.fromkeys(("jit_compile", "run_eagerly", "steps_per_execution"))

    made = modernise(compiled(loss="mse", weighted_metrics=None, **unset)).config

    assert made["compile_config"] == {"loss": "mse", "weighted_metrics": None}
    kept = compiled(jit_compile=False, run_eagerly=True, steps_per_execution=2)
    assert modernise(kept).config is kept


def test_renamed_argument_has_its_present_name() -> None:
    """The slope of a LeakyReLU was called alpha."""
    assert modern_layer(own("LeakyReLU", alpha=0.3))["config"] == {"negative_slope": 0.3}
    assert modern_layer(own("ELU", alpha=0.3))["config"] == {"alpha": 0.3}


def test_list_of_one_number_is_a_number() -> None:
    """The axis of a BatchNormalization was a list; one of several stays as it is."""
    assert modern_layer(own("BatchNormalization", axis=[3]))["config"] == {"axis": 3}
    assert modern_layer(own("BatchNormalization", axis=[1, 2]))["config"] == {"axis": [1, 2]}
    assert modern_layer(own("LayerNormalization", axis=[1]))["config"] == {"axis": [1]}


def test_number_of_numpy_is_a_number() -> None:
    """What was a number of numpy in the config is a number; an array stays one."""
    number = own("__numpy__", None, value=0.5, dtype="float32")
    array = own("__numpy__", None, value=[0.5], dtype="float32")

    made = modern_layer(own("ReLU", threshold=number, other=array))["config"]

    assert made == {"threshold": 0.5, "other": array}


@pytest.mark.parametrize("module", ["keras.mixed_precision", None])
def test_policy_is_a_dtype_policy(module: str | None) -> None:
    """A `Policy` is called DTypePolicy now."""
    policy = own("Policy", module, name="mixed_float16")

    made = modern_layer(own("Dense", dtype=policy))["config"]["dtype"]

    assert made == own("DTypePolicy", "keras", name="mixed_float16")


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("Functional", "keras.engine.functional", "keras.src.models.functional"),
        ("Functional", "keras.src.engine.functional", "keras.src.models.functional"),
        ("Sequential", "keras.src.engine.sequential", "keras"),
        ("Model", "keras.engine.training", "keras"),
        ("SGD", "keras.optimizers.experimental", "keras.optimizers"),
        ("Adam", "keras.optimizers.legacy", "keras.optimizers"),
        ("Dense", "keras.src.layers.core.dense", "keras.layers"),
    ],
)
def test_module_is_the_present_one(name: str, old: str, new: str) -> None:
    """A class is looked for where Keras 3 has it."""
    made = modern_layer(own(name, old))

    assert (made["module"], made["class_name"]) == (new, name)
    assert made["registered_name"] == (name if name == "Functional" else None)
    custom = own("Mine", old)
    assert modern_layer(custom) == custom


def test_objects_inside_others_get_their_modules() -> None:
    """Keras 2.12 wrote them without, and Keras 3 does not find them then."""
    cells = own("StackedRNNCells", None, cells=[own("GRUCell", None), own("acme>Cell", None)])
    inner = own("Sequential", None, layers=[own("Dense", None)])
    schedule = own("ExponentialDecay", None)
    optimizer = own("SGD", "keras.optimizers", learning_rate=schedule)

    made = modernise(
        model(
            own("Bidirectional", None, layer=own("LSTM", None)),
            own("RNN", None, cell=cells),
            inner,
            own("acme>Gate", None),
            compile_config={"optimizer": optimizer},
        )
    ).config

    first, second, third, custom = made["config"]["layers"]
    assert first["module"] == first["config"]["layer"]["module"] == "keras.layers"
    stacked = second["config"]["cell"]
    assert stacked["module"] == stacked["config"]["cells"][0]["module"] == "keras.layers"
    assert "module" not in stacked["config"]["cells"][1]
    assert (third["module"], third["config"]["layers"][0]["module"]) == ("keras", "keras.layers")
    assert "module" not in custom
    rate = made["compile_config"]["optimizer"]["config"]["learning_rate"]
    assert rate["module"] == "keras.optimizers.schedules"


def test_layers_of_h5_files_have_no_modules() -> None:
    """In `.h5` Keras 3 itself writes the layers of a model without, and those inside with them."""
    wrapper = own("TimeDistributed", None, layer=own("Dense", None))
    config = {"model_config": own("Sequential", None, layers=[wrapper])}

    (layer,) = modernise(config).config["model_config"]["config"]["layers"]

    assert "module" not in layer
    assert layer["config"]["layer"]["module"] == "keras.layers"


def test_optimizer_of_h5_files_has_its_name() -> None:
    """Keras 2 registered its own optimizers as custom ones; a custom one of that name stays."""
    training = {"optimizer_config": own("Custom>Adam", None, is_legacy_optimizer=False)}
    custom = {"optimizer_config": own("Custom>Adam", None, learning_rate=0.1)}

    assert modernise({"training_config": training}).config == {
        "training_config": {"optimizer_config": own("Adam", None)}
    }
    assert modernise({"training_config": custom}).config == {"training_config": custom}


def test_custom_functions_are_functions() -> None:
    """Keras 2.12 wrote an activation by its name alone, and the key of a loss beside its name."""
    loss = {"module": "a", "class_name": "function", "config": "gap", "registered_name": "acme>gap"}
    config = model(
        own("Dense", activation="acme>squash"),
        own("LSTM", activation="squash", recurrent_activation="sigmoid"),
        compile_config={"loss": loss},
    )

    made = modernise(config).config

    first, second = (item["config"] for item in made["config"]["layers"])
    function = {"module": "builtins", "class_name": "function", "registered_name": "function"}
    assert first == {"activation": {**function, "config": "acme>squash"}}
    assert second["activation"] == {**function, "config": "squash"}
    assert second["recurrent_activation"] == "sigmoid"
    assert made["compile_config"]["loss"] == {**loss, "config": "acme>gap"}
    keys = {use.key for use in scan_config(made).uses}
    assert keys == {"acme>squash", "squash", "acme>gap"}


def test_bytecode_is_a_lambda() -> None:
    """A lambda of Keras 2 is found as one, and safe mode refuses it before anything is built."""
    layer = own("Lambda", name="l", function=["4wEAAAAA", None, None], function_type="lambda")

    made = modernise(model(layer)).config

    assert scan_config(made).lambdas == (("config", "layers", 0, "config", "function"),)


def test_attention_is_built_by_its_model() -> None:
    """The shapes with which a MultiHeadAttention was built say too little for Keras 3."""
    shapes = {"build_config": {"input_shape": [None, 5, 8]}}

    assert "build_config" not in modern_layer({**own("MultiHeadAttention"), **shapes})
    assert modern_layer({**own("Dense"), **shapes})["build_config"] == shapes["build_config"]


# --- calls of layers ---------------------------------------------------------------------------


def called(name: str, class_name: str, *calls: Any, **config: Any) -> dict[str, Any]:
    """Return a layer of a functional model with its calls."""
    inner = {"name": name, **config}
    return {**own(class_name), "config": inner, "name": name, "inbound_nodes": list(calls)}


def network(*layers: Any, outputs: Any) -> dict[str, Any]:
    """Return a functional model."""
    inner = {"name": "n", "layers": list(layers), "output_layers": outputs}
    return {**own("Functional", "keras.src.engine.functional"), "config": inner}


def tensor(*history: Any) -> dict[str, Any]:
    """Return the output of a layer as Keras 3 writes it."""
    config = {"shape": [None], "dtype": "float32", "keras_history": list(history)}
    return {"class_name": "__keras_tensor__", "config": config}


def test_tensors_in_keyword_arguments_are_tensors() -> None:
    """Keras 3 reads the calls of Keras 2, but takes a tensor among keyword arguments for a list."""
    keywords = {"value": ["i", 0, 0], "training": False, "mask": None}
    config = network(
        called("a", "MultiHeadAttention", [["i", 0, 0, keywords]]),
        called("b", "Dense", [["a", 0, 0, {"training": True}]]),
        called("c", "Add", [["a", 0, 0, {}], ["b", 0, 0, {"scale": ["i", 1, 2]}]]),
        outputs=[["c", 0, 0]],
    )

    first, second, third = modernise(config).config["config"]["layers"]

    value = {**keywords, "value": tensor("i", 0, 0)}
    assert first["inbound_nodes"] == [{"args": [tensor("i", 0, 0)], "kwargs": value}]
    assert second["inbound_nodes"] == [[["a", 0, 0, {"training": True}]]]
    joined = [tensor("a", 0, 0), tensor("b", 0, 0)]
    assert third["inbound_nodes"] == [{"args": [joined], "kwargs": {"scale": tensor("i", 1, 2)}}]


def test_call_with_one_tensor_has_a_list() -> None:
    """Of some layers Keras 2 wrote the only tensor by itself, which Keras 3 does not read."""
    config = network(called("a", "Gate", ["i", 0, 0, {"scale": 2}]), outputs=[["a", 0, 0]])

    (layer,) = modernise(config).config["config"]["layers"]

    assert layer["inbound_nodes"] == [[["i", 0, 0, {"scale": 2}]]]


def test_calls_of_models_inside_are_counted_from_0() -> None:
    """A model inside another one had a first call of its own, which Keras 3 does not count."""
    config = network(
        called("inner", "Functional", [["i", 0, 0, {}]], [["i", 0, 0, {}]], layers=[]),
        called("chain", "Sequential", [["inner", 1, 0, {}]], layers=[]),
        called("d", "Dense", [["inner", 2, 0, {"bias": ["chain", 1, 0]}]]),
        called("e", "Dense", [["d", 1, 0, {}]]),
        outputs=[["inner", 1, 0], ["chain", 1, 0], ["e", 0, 0]],
    )

    made = modernise(config).config["config"]

    _, chain, dense, last = made["layers"]
    assert chain["inbound_nodes"] == [[["inner", 0, 0, {}]]]
    call = {"args": [tensor("inner", 1, 0)], "kwargs": {"bias": tensor("chain", 0, 0)}}
    assert dense["inbound_nodes"] == [call]
    assert last["inbound_nodes"] == [[["d", 1, 0, {}]]]
    # Of a functional model's outputs Keras 3 counts them as Keras 2 did.
    assert made["output_layers"] == [["inner", 1, 0], ["chain", 0, 0], ["e", 0, 0]]


# --- what Keras 3 does not have ----------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(GONE))
def test_class_that_is_gone_is_an_obstacle(name: str) -> None:
    """A class that Keras 3 does not have is named, and is no custom object."""
    assert name not in CLASSES
    for config in (model(own(name, None)), model(own(name, "keras.src.layers.core.any"))):
        made = modernise(config)
        assert [(item.path, item.what) for item in made.obstacles] == [
            (("config", "layers", 0), name)
        ]
        assert without_obstacles(scan_config(made.config), made.obstacles).uses == ()
    custom = {**own(name, "acme"), "registered_name": f"acme>{name}"}
    assert modernise(model(custom)).obstacles == ()


def test_operation_is_named_with_its_function() -> None:
    """Of an operation of TensorFlow the function is what tells a reader most."""
    (found,) = modernise(model(own("TFOpLambda", None, function="nn.relu"))).obstacles

    assert found.what == "TFOpLambda of tf.nn.relu"


@pytest.mark.parametrize("argument", ["activation", "recurrent_activation"])
def test_other_function_of_the_same_name_is_an_obstacle(argument: str) -> None:
    """The slope of Keras 2's `hard_sigmoid` was 1/5, that of Keras 3's is 1/6."""
    (found,) = modernise(model(own("LSTM", **{argument: "hard_sigmoid"}))).obstacles

    assert found.what == f"LSTM with {argument} = hard_sigmoid as Keras 2 computed it"
    assert modernise(model(own("Dense", name="hard_sigmoid"))).obstacles == ()


@pytest.mark.parametrize("name", sorted(OTHER_OUTPUTS))
def test_class_with_other_outputs_is_an_obstacle(name: str) -> None:
    """A layer that predicts something else in Keras 3 would make another model of it."""
    assert [item.class_name for item in modernise(model(own(name))).obstacles] == [name]


# --- whole files -------------------------------------------------------------------------------


def test_config_is_never_changed_in_place() -> None:
    """What was read from the file stays as it is; where nothing has to change it is handed on."""
    config = model(own("LeakyReLU", alpha=0.3), own("Dense", units=3))
    before = copy.deepcopy(config)

    made = modernise(config).config

    assert config == before
    assert made != config
    assert made["config"]["layers"][1] is config["config"]["layers"][1]
    assert modernise(model(own("Dense", units=3))).steps == ()


@pytest.mark.parametrize("folder", KERAS2, ids=lambda folder: folder.name)
def test_places_stay_the_same(folder: Path) -> None:
    """Each object of a real file stands, after it all, where it stood."""
    for file in [*folder.glob("*.h5"), *folder.glob("*.keras")]:
        artifact = read_artifact(file).artifact
        assert artifact is not None
        made = modernise_artifact(artifact)
        assert made.steps or made.obstacles, file
        for use in scan_config(made.config).uses:
            node = artifact.config
            for step in use.path:
                node = node[step]
            assert node


@pytest.mark.parametrize("release", ["3.6.0", "3.15.1"])
def test_only_files_of_keras_2_are_changed(release: str) -> None:
    """What a file of Keras 3 holds is left as it is, whatever it is."""
    for file in (COMPAT / f"keras-{release}").glob("*.keras"):
        artifact = read_artifact(file).artifact
        assert artifact is not None
        assert modernise_artifact(artifact).config is artifact.config


@pytest.mark.parametrize(
    "config",
    [
        None,
        [],
        {"class_name": "Dense", "config": None},
        {"class_name": "Custom>Adam", "config": "is_legacy_optimizer"},
        {"class_name": "__numpy__", "config": []},
        model({"class_name": "Functional", "config": {"layers": [7, None, {"name": []}]}}),
        network({"class_name": "Dense", "config": {}, "inbound_nodes": [7, [["a", 0]]]}, outputs=3),
        {"compile_config": 3, "class_name": "Model", "config": {"layers": {}}},
    ],
)
def test_anything_else_is_passed_over(config: Any) -> None:
    """A config that no Keras wrote is no reason to fail: Keras says what is wrong with it."""
    assert modernise(config).obstacles == ()
