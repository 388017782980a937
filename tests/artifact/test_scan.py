"""Tests of finding every object that a serialised model names."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_registry.artifact import ConfigScan, ObjectUse, describe_place, scan_config
from keras_registry.names import Kind
from tests.manifest.strategies import json_documents

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.support.processes import ForkServer

PROPERTY = settings(derandomize=True, deadline=None, max_examples=150)
PROGRAM = Path(__file__).with_name("serialised_models.py")
RUN = "import runpy, sys; runpy.run_path(sys.argv[1], run_name='__main__')"

C = "compile_config"

# What each model of the program names: key, kind and place. A cell's kind has its own test.
EXPECTED = {
    "plain": [],
    "sequential": ["acme>Gated layer layers[1] 'gate'"],
    "functional": [
        "acme>Gated layer layers[1] 'left'",
        "acme>Gated layer layers[2] 'right'",
        "acme>swishy function layers[2] 'right'.activation",
        "acme>Init initializer layers[2] 'right'.kernel_initializer",
        "acme>Gated layer layers[3] 'inner'.layers[1] 'deep'",
    ],
    "shared": ["acme>Gated layer layers[1] 'shared'"],
    "activations": [
        "acme>swishy function layers[1] 'by_function'.activation",
        "acme>swishy function layers[2] 'as_layer'.activation",
        "acme>Act object layers[3] 'by_instance'.activation 'act'",
        "acme>Act layer layers[4] 'own'",
    ],
    "parts": [
        "acme>Init initializer layers[1] 'dense'.kernel_initializer",
        "acme>Reg regularizer layers[1] 'dense'.kernel_regularizer",
        "acme>Con constraint layers[1] 'dense'.bias_constraint",
    ],
    "recurrent": [
        "acme>Cell * layers[1] 'one'.cell 'c0'",
        "acme>Cell * layers[2] 'two'.cell 'stack'.cells[0] 'c1'",
        "acme>Cell * layers[2] 'two'.cell 'stack'.cells[1] 'c2'",
        "acme>Cell * layers[3] 'both'.layer 'forward_there'.cell 'c3'",
        "acme>Cell * layers[3] 'both'.backward_layer 'back'.cell 'c4'",
        "acme>Gated layer layers[4] 'each'.layer 'inside'",
    ],
    "lambda": [],
    "compiled": [
        f"acme>Descent optimizer {C}.optimizer 'descent'",
        f"acme>Slope schedule {C}.optimizer 'descent'.learning_rate",
        f"acme>Pinball loss {C}.loss 'pinball'",
        f"acme>Coverage metric {C}.metrics[0] 'coverage'",
        f"acme>distance function {C}.metrics[2]",
    ],
    "compiled_by_output": [
        f"acme>Slope schedule {C}.optimizer 'adam'.learning_rate",
        f"acme>distance function {C}.loss.a",
        f"acme>Coverage metric {C}.metrics.a[0] 'coverage'",
        f"acme>Coverage metric {C}.weighted_metrics.b[0] 'weighted'",
    ],
    "user_data": [
        "acme>Holder layer layers[1] 'like_an_object'",
        "acme>Gated? object layers[1] 'like_an_object'.data",
        "acme>Holder layer layers[2] 'like_keys'",
        "acme>swishy? object layers[2] 'like_keys'.data.names[0]",
        "acme>Act? object layers[2] 'like_keys'.data.names[1].inner",
        "acme>Holder layer layers[3] 'text'",
    ],
    "unregistered": ["Unregistered layer layers[1] 'mine'"],
    "subclassed": ["acme>Subclassed model the model itself"],
}

DENSE = {"module": "keras.layers", "class_name": "Dense", "config": {}, "registered_name": None}
GATED = {
    "module": None,
    "class_name": "GatedDense",
    "config": {"name": "gate"},
    "registered_name": "acme>GatedDense",
}


@pytest.fixture(scope="module")
def models(fork_server: ForkServer) -> dict[str, Any]:
    """Models as Keras serialises them, by name."""
    found: dict[str, Any] = fork_server.run(RUN, argv=[PROGRAM]).json()
    return found


def written(use: ObjectUse, config: Any) -> str:
    """A use as it stands in the table above."""
    kind = "*" if use.key == "acme>Cell" else use.kind
    place = describe_place(config, use.path).replace('"', "'")
    return f"{use.key}{'?' if use.is_possible else ''} {kind} {place}"


def node_at(config: Any, pointer: str) -> Any:
    """What a JSON pointer leads to (RFC 6901)."""
    node = config
    for token in pointer.split("/")[1:]:
        step = token.replace("~1", "/").replace("~0", "~")
        node = node[int(step)] if isinstance(node, list) else node[step]
    return node


def keys_of(config: Any, **options: bool) -> list[str]:
    """The keys that a config names, in its order."""
    return [use.key for use in scan_config(config, **options).uses]


@pytest.mark.parametrize("name", EXPECTED)
def test_everything_that_a_model_names_is_found(name: str, models: dict[str, Any]) -> None:
    """Of a model as Keras serialises it: all objects of its own, in order, and nothing else."""
    config = models[name]

    assert [written(use, config) for use in scan_config(config).uses] == EXPECTED[name]


def test_every_model_of_the_program_is_in_the_table(models: dict[str, Any]) -> None:
    """No model is serialised in vain."""
    assert list(models) == list(EXPECTED)


def test_uses_point_to_their_places(models: dict[str, Any]) -> None:
    """Each use has the JSON pointer of the object that it stands for."""
    for config in models.values():
        for use in scan_config(config).uses:
            node = node_at(config, use.pointer)
            names = [node] if isinstance(node, str) else [node[n] for n in node if n in NAMES]
            assert use.key in names


NAMES = ("config", "class_name", "registered_name")


def test_cells_and_wrapped_layers_are_layers(models: dict[str, Any]) -> None:
    """The cell of an RNN is a layer, wherever it stands."""
    uses = scan_config(models["recurrent"]).uses

    assert {use.kind for use in uses} == {Kind.LAYER}


def test_lambdas_are_found(models: dict[str, Any]) -> None:
    """A lambda is no object with a key: its place is told apart."""
    scan = scan_config(models["lambda"])

    (path,) = scan.lambdas
    assert describe_place(models["lambda"], path) == 'layers[1] "twice".function'
    assert node_at(models["lambda"], "/config/layers/1/config/function/class_name") == "__lambda__"


def test_compiled_state_can_be_left_out(models: dict[str, Any]) -> None:
    """Without the compiled state only what the model itself needs is found."""
    for name in ("compiled", "compiled_by_output"):
        assert keys_of(models[name], with_compile=False) == []
        assert all(use.in_compile_config for use in scan_config(models[name]).uses)
    assert keys_of(models["functional"], with_compile=False) == keys_of(models["functional"])


def test_only_the_whole_models_compiled_state_is_left_out() -> None:
    """A nested model that was compiled is revived with its compiled state in any case."""
    inner = {**DENSE, "class_name": "Sequential", "compile_config": {"loss": GATED}}
    config = {**DENSE, "class_name": "Sequential", "config": {"layers": [inner]}}

    assert keys_of(config, with_compile=False) == ["acme>GatedDense"]


def test_uses_are_grouped_by_key(models: dict[str, Any]) -> None:
    """The places of each key come together, keys in the order of their first places."""
    grouped = scan_config(models["functional"]).by_key()

    assert {key: len(uses) for key, uses in grouped.items()} == {
        "acme>Gated": 3,
        "acme>swishy": 1,
        "acme>Init": 1,
    }
    assert list(grouped) == ["acme>Gated", "acme>swishy", "acme>Init"]


def test_a_use_says_what_the_file_says() -> None:
    """Class name, module and registered name are those of the file; none is imported."""
    node = {**GATED, "module": "os"}

    assert scan_config({"layers": [node]}).uses == (
        ObjectUse("acme>GatedDense", ("layers", 0), "GatedDense", "os", Kind.LAYER),
    )


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"module": "keras.layers", "class_name": "Dense", "registered_name": None}, None),
        ({"module": "keras", "class_name": "Sequential", "registered_name": "Sequential"}, None),
        ({"module": "keras.src.ops.numpy", "class_name": "Exp", "registered_name": "Exp"}, None),
        ({"module": None, "class_name": "Dense", "registered_name": None}, None),
        ({"module": "acme", "class_name": "Dense", "registered_name": "Dense"}, "Dense"),
        ({"module": "keras.layers", "registered_name": "acme>Dense"}, "acme>Dense"),
        ({"module": "keras_evil.layers", "registered_name": None}, "GatedDense"),
        ({"module": "kerasx", "registered_name": None}, "GatedDense"),
        ({"module": "keras_hub.layers", "registered_name": "hub>X"}, "hub>X"),
        ({"module": None, "registered_name": "__main__>X"}, "__main__>X"),
        ({"module": 7, "registered_name": ["x"]}, "GatedDense"),
    ],
)
def test_kerass_own_objects_are_left_out(changes: dict[str, Any], key: str | None) -> None:
    """What Keras brings is known by module or bare name; a registered name is never Keras's."""
    found = keys_of([{**GATED, **changes}])

    assert found == ([] if key is None else [key])


@pytest.mark.parametrize(
    ("module", "name", "key"),
    [
        ("builtins", "relu", None),
        (None, "mse", None),
        ("keras.activations", "anything", None),
        ("builtins", "acme>swishy", "acme>swishy"),
        ("acme.functions", "relu", "relu"),
        ("builtins", "my_function", "my_function"),
    ],
)
def test_functions_are_named_by_their_config(
    module: str | None, name: str, key: str | None
) -> None:
    """A function's key is its config, whatever its registered name says."""
    node = {"module": module, "class_name": "function", "config": name, "registered_name": "x>y"}

    uses = scan_config([node]).uses

    assert [use.key for use in uses] == ([] if key is None else [key])
    assert all(use.kind is Kind.FUNCTION and use.class_name is None for use in uses)


def test_files_of_old_formats_name_no_module() -> None:
    """Where neither module nor registered name is given, only the class name tells."""
    uses = scan_config(
        [{"class_name": "Dense", "config": {}}, {"class_name": "Mine", "config": {}}]
    ).uses

    assert [(use.key, use.is_possible) for use in uses] == [("Mine", True)]


def test_where_an_object_comes_from_is_known() -> None:
    """Objects of a script and objects of Keras's family are told apart from the rest."""
    main, hub, acme = scan_config(
        [
            {**GATED, "registered_name": "__main__>Mine"},
            {**GATED, "module": "keras_hub.src.layers", "registered_name": "keras_hub>Rotary"},
            GATED,
        ]
    ).uses

    assert [use.is_unpublished for use in (main, hub, acme)] == [True, False, False]
    assert [use.in_keras_family for use in (main, hub, acme)] == [False, True, False]


@pytest.mark.parametrize("member", ["module", "class_name", "registered_name"])
def test_objects_hidden_in_plain_dicts_are_found(member: str) -> None:
    """A dict without a config is a plain dict to Keras: it revives objects in any member of it."""
    assert keys_of({"layers": [{"class_name": "x", member: GATED}]}) == ["acme>GatedDense"]


def test_places_with_special_characters_have_pointers() -> None:
    """Names with `/` and `~` are escaped in pointers, and lead back to their place."""
    config = {"a/b": {"c~d": {"": [GATED]}}}

    (use,) = scan_config(config).uses

    assert use.pointer == "/a~1b/c~0d//0"
    assert node_at(config, use.pointer) is GATED


@PROPERTY
@given(
    config=st.recursive(
        json_documents() | st.just(GATED) | st.sampled_from(["acme>A", "a -> b"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from([*NAMES, "module", "layers"]), inner, max_size=4)
        ),
        max_leaves=10,
    )
)
def test_any_json_is_scanned(config: Any) -> None:
    """Whatever stands in place of a config, the scan ends, and every place can be described."""
    config = {"config": config}
    scan = scan_config(config)

    assert isinstance(scan, ConfigScan)
    for use in scan.uses:
        assert node_at(config, use.pointer) is not None
        assert describe_place(config, use.path).isprintable()


def test_deep_and_wide_configs_are_scanned() -> None:
    """As deep as JSON can be read and as wide as a large model, without recursion, in time."""
    deep: Any = GATED
    for _ in range(5000):
        deep = {"layer": deep}
    wide = {"config": {"layers": [GATED, DENSE] * 20_000}}

    start = time.perf_counter()
    assert keys_of(deep) == ["acme>GatedDense"]
    assert len(keys_of(wide)) == 20_000
    assert time.perf_counter() - start < 5


def test_scan_does_not_change_the_config(models: dict[str, Any]) -> None:
    """The config is only looked at."""
    text = json.dumps(models["functional"])

    scan_config(models["functional"])

    assert json.dumps(models["functional"]) == text


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ((), "the model itself"),
        (("config", "layers", 0), 'layers[0] "gate"'),
        (("config", "layers", 0, "config", "activation"), 'layers[0] "gate".activation'),
        (("config", "layers", 1), "layers[1]"),
        (("config", "a\x1b[8m"), "a\\x1b[8m"),
        (("config", "layers", 2), 'layers[2] "\\x1b[2J\\u202e"'),
        (("config", "layers", 3), "layers[3]"),
        (("compile_config", "loss", "x" * 100), f"compile_config.loss.{'x' * 60}…"),
    ],
)
def test_places_are_described_in_words(path: tuple[str | int, ...], words: str) -> None:
    """A place is told by members, indices and the names of layers, safe to print and short."""
    activation = {"class_name": "function", "config": "acme>swishy"}
    config = {
        "class_name": "Sequential",
        "config": {
            "layers": [
                {**GATED, "config": {"name": "gate", "activation": activation}},
                {**GATED, "config": {}},
                {**GATED, "config": {"name": "\x1b[2J\u202e"}},
                {**GATED, "config": {"name": ["no", "text"]}},
            ],
            "a\x1b[8m": 1,
        },
        "compile_config": {"loss": {"x" * 100: "mse"}},
    }

    assert describe_place(config, path) == words


def h5(layers: Iterable[Any] = (), **training: Any) -> dict[str, Any]:
    """The configs of a `.h5` file, whose objects have neither module nor registered name."""
    model = {"class_name": "Sequential", "config": {"name": "m", "layers": [*layers]}}
    return (
        {"model_config": model, "training_config": training}
        if training
        else {"model_config": model}
    )


def bare(class_name: str, **config: Any) -> dict[str, Any]:
    """An object as a `.h5` file has it."""
    return {"class_name": class_name, "config": config}


def told(config: Any, **options: bool) -> list[str]:
    """What a config names: key, kind and place, with a `?` where it may be no object."""
    return [written(use, config) for use in scan_config(config, **options).uses]


def test_objects_of_h5_files_are_known_by_their_places() -> None:
    """Where only objects stand a class needs no module to be one."""
    config = h5(
        [
            bare("Dense", name="dense", kernel_initializer=bare("GlorotUniform")),
            bare("acme>Gated", name="gate"),
            bare("Unregistered", name="mine"),
            bare("RNN", name="rnn", cell=bare("acme>Unit", name="unit")),
            bare("RNN", name="stack", cell=bare("StackedRNNCells", cells=[bare("acme>Unit")])),
            bare("Bidirectional", name="both", layer=bare("Own"), backward_layer=bare("Own")),
            bare("Functional", name="inner", layers=[bare("acme>Gated", name="deep")]),
        ],
        optimizer_config=bare("acme>Descent", learning_rate=bare("acme>Slope")),
        loss=bare("acme>Pinball", name="pinball"),
        metrics=[bare("acme>Coverage", name="coverage"), bare("MeanSquaredError")],
        weighted_metrics={"a": [bare("acme>Coverage")]},
    )

    t = "training_config"
    assert told(config) == [
        "acme>Gated layer layers[1] 'gate'",
        "Unregistered layer layers[2] 'mine'",
        "acme>Unit layer layers[3] 'rnn'.cell 'unit'",
        "acme>Unit layer layers[4] 'stack'.cell.cells[0]",
        "Own layer layers[5] 'both'.layer",
        "Own layer layers[5] 'both'.backward_layer",
        "acme>Gated layer layers[6] 'inner'.layers[0] 'deep'",
        f"acme>Descent optimizer {t}.optimizer_config",
        f"acme>Slope schedule {t}.optimizer_config.learning_rate",
        f"acme>Pinball loss {t}.loss 'pinball'",
        f"acme>Coverage metric {t}.metrics[0] 'coverage'",
        f"acme>Coverage metric {t}.weighted_metrics.a[0]",
    ]


def test_model_of_an_h5_file_may_be_custom() -> None:
    """The model itself is an object, with the key of its class."""
    config = {"model_config": bare("acme>Tower", name="tower")}

    (use,) = scan_config(config).uses

    assert (use.key, use.kind, use.is_possible) == ("acme>Tower", Kind.MODEL, False)
    assert use.pointer == "/model_config"
    assert describe_place(config, use.path) == "the model itself"


def test_what_is_inside_a_layer_of_an_h5_file_is_only_possible() -> None:
    """An argument of a layer may be a dict of the user's own, which only looks like an object."""
    config = h5(
        [
            bare(
                "acme>Holder",
                name="holder",
                data=bare("Gated"),
                activation=bare("acme>Act"),
                options={"names": ["acme>swishy", bare("Own")]},
                kernel_initializer=bare("acme>Init"),
            )
        ]
    )

    assert told(config) == [
        "acme>Holder layer layers[0] 'holder'",
        "Gated? object layers[0] 'holder'.data",
        "acme>Act? object layers[0] 'holder'.activation",
        "acme>swishy? object layers[0] 'holder'.options.names[0]",
        "Own? object layers[0] 'holder'.options.names[1]",
        "acme>Init? initializer layers[0] 'holder'.kernel_initializer",
    ]


@pytest.mark.parametrize(
    ("training", "found"),
    [
        ({"loss": "acme>pinball"}, ["acme>pinball .loss"]),
        ({"loss": "pinball"}, ["pinball .loss"]),
        ({"loss": ["pinball", "mse"]}, ["pinball .loss[0]"]),
        ({"loss": {"a": "pinball", "b": None}}, ["pinball .loss.a"]),
        ({"metrics": ["acc", "near", bare("AUC")]}, ["near .metrics[1]"]),
        ({"metrics": [["near"], ["acc"]]}, ["near .metrics[0][0]"]),
        ({"metrics": {"a": ["acme>near"]}}, ["acme>near .metrics.a[0]"]),
        ({"weighted_metrics": [{"a": "near"}]}, ["near .weighted_metrics[0].a"]),
        ({"loss": "mse", "metrics": ["accuracy", "acc", "ce", "crossentropy", "mae"]}, []),
        ({"loss": "mean_squared_error", "metrics": ["MeanSquaredError", "AUC", "bce"]}, []),
        ({"loss": None, "metrics": None, "weighted_metrics": []}, []),
        ({"loss": 7, "metrics": [1.5, True]}, []),
        ({"loss": bare("Huber", name="pinball", reduction="sum")}, []),
        ({"loss_weights": ["acc", "near"], "run_eagerly": "near"}, []),
    ],
)
def test_losses_and_metrics_of_h5_files_may_be_names(
    training: dict[str, Any], found: list[str]
) -> None:
    """A loss or metric that is called by name is a function, unless Keras has the name."""
    config = h5(**training)

    wanted = [line.replace(" ", " function training_config", 1) for line in found]
    assert told(config) == wanted
    assert all(use.in_compile_config for use in scan_config(config).uses)


def test_names_of_losses_and_metrics_are_in_order() -> None:
    """Uses by name come behind the others: losses first, each part in the order of the file."""
    config = h5(
        [bare("acme>Gated", name="gate")],
        metrics=["third", ["fourth", "fifth"]],
        loss={"b": "first", "a": "second"},
    )

    assert keys_of(config) == ["acme>Gated", "first", "second", "third", "fourth", "fifth"]


def test_compiled_state_of_h5_files_can_be_left_out() -> None:
    """Without the compiled state neither its objects nor its names are found."""
    config = h5(
        [bare("acme>Gated", name="gate")],
        loss="acme>pinball",
        metrics=["near"],
        optimizer_config=bare("acme>Descent"),
    )

    assert keys_of(config) == ["acme>Gated", "acme>Descent", "acme>pinball", "near"]
    assert told(config, with_compile=False) == ["acme>Gated layer layers[0] 'gate'"]


@pytest.mark.parametrize("training", [None, [], "mse", 7, {"loss": {}}, ["near"]])
def test_compiled_state_of_another_form_names_nothing(training: Any) -> None:
    """Whatever stands in place of the compiled state, the scan ends."""
    assert keys_of({**h5(), "training_config": training}) == []


def test_names_in_keras_files_are_left_to_keras() -> None:
    """In a `.keras` file only Keras's own losses and metrics are called by name."""
    assert keys_of({**DENSE, "compile_config": {"loss": "pinball", "metrics": ["near"]}}) == []


def test_classes_of_h5_files_are_not_taken_for_those_of_a_script() -> None:
    """A `.h5` file names no modules, so that a class without one says nothing about its origin."""
    uses = scan_config(
        h5([bare("Mine", name="a"), bare("__main__>Mine", name="b")], loss=bare("Own"))
    ).uses

    assert [(use.key, use.is_unpublished) for use in uses] == [
        ("Mine", False),
        ("__main__>Mine", True),
        ("Own", False),
    ]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (("model_config",), "the model itself"),
        (("model_config", "config", "layers", 1), 'layers[1] "gate"'),
        (("model_config", "config", "layers", 1, "config", "units"), 'layers[1] "gate".units'),
        (("training_config", "loss"), "training_config.loss"),
        (("training_config", "metrics", 0), 'training_config.metrics[0] "near"'),
    ],
)
def test_places_of_h5_files_are_described_in_words(path: tuple[str | int, ...], words: str) -> None:
    """Places of the model are called as in a `.keras` file; those of the compiled state by it."""
    layers = [bare("InputLayer"), bare("acme>Gated", name="gate", units=3)]
    config = h5(layers, loss="mse", metrics=[bare("acme>Near", name="near")])

    assert describe_place(config, path) == words
