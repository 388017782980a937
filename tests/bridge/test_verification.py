"""The weights in memory, compared with those that were saved."""

from __future__ import annotations

import pytest


def turn_kernel(file):
    """Tamper with the weights: the rows of a kernel in another order."""
    kernel = file["layers/dense/vars/0"]
    kernel[...] = kernel[...][::-1]


def turn_optimizer(file):
    """Tamper with the state of the optimizer."""
    momentum = file["optimizer/vars/2"]
    momentum[...] = momentum[...] + 1


LOAD = """
import keras
import keras_registry


def load_in_block(path, policy):
    with keras_registry.policy(policy):
        return keras.saving.load_model(path)


def outcome(load, *args, **kwargs):
    '''What a load raises, of what it warns, what it notes and what it verifies.'''
    try:
        model, findings = warned(load, *args, **kwargs)
    except keras_registry.LoadError as error:
        return {"raised": codes(error.findings)}
    report = keras_registry.report(model)
    return {"warned": codes(findings), "noted": codes(report.findings),
            "verified": report.verified}
"""

STOPPED = {"raised": ["W102"]}
WARNED = {"warned": ["W102"], "noted": ["W102"], "verified": ["optimizer"]}


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ('keras_registry.load_model, sys.argv[1], policy="strict"', STOPPED),
        ('keras_registry.load_model, sys.argv[1], policy="compatible"', STOPPED),
        ('keras_registry.load_model, sys.argv[1], policy="permissive"', WARNED),
        ('load_in_block, sys.argv[1], "permissive"', WARNED),
        ("keras.saving.load_model, sys.argv[1]", STOPPED),
    ],
)
def test_tampered_weights(acme_child, acme_copy, call, expected):
    """Weights that are not those that were saved stop a load; only `permissive` warns instead."""
    done = acme_child(LOAD, f"answer(**outcome({call}))", argv=[acme_copy(weights=turn_kernel)])

    assert done.json() == expected


def test_policy_of_the_environment(acme_child, acme_copy):
    """`KERAS_REGISTRY_POLICY` is the policy of loads that say none; what they say wins."""
    done = acme_child(
        LOAD,
        """
        answer(said_nothing=outcome(keras.saving.load_model, sys.argv[1]),
               in_block=outcome(load_in_block, sys.argv[1], "strict"),
               argument=outcome(keras_registry.load_model, sys.argv[1], policy="compatible"))
        """,
        argv=[acme_copy(weights=turn_kernel)],
        env={"KERAS_REGISTRY_POLICY": "permissive"},
    )

    assert done.json() == {"said_nothing": WARNED, "in_block": STOPPED, "argument": STOPPED}


def test_unknown_policy(child, scale_site, scale_model):
    """A policy that there is not is refused, wherever it is named, with the names of those."""
    done = child(
        """
        import keras, keras_registry
        def block():
            with keras_registry.policy("lax"):
                pass
        os.environ["KERAS_REGISTRY_POLICY"] = "relaxed"
        errors = [
            caught(keras_registry.load_model, sys.argv[1], policy="loose"),
            caught(block),
            caught(keras.saving.load_model, sys.argv[1]),
        ]
        answer(names=[type(error).__name__ for error in errors], texts=list(map(str, errors)))
        """,
        scale_model,
        path=[scale_site],
    ).json()

    assert done["names"] == ["SettingsError"] * 3
    assert done["texts"] == [
        f"there is no policy '{name}'; the policies are strict, compatible, permissive"
        for name in ("loose", "lax", "relaxed")
    ]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("strict", {"raised": ["W104"]}),
        ("compatible", {"warned": ["W104"], "noted": ["W104"], "verified": ["layers"]}),
        ("permissive", {"warned": [], "noted": ["W104"], "verified": ["layers"]}),
    ],
)
def test_tampered_optimizer(acme_child, acme_copy, policy, expected):
    """An optimizer state that is not the one that was saved is judged by the policy."""
    done = acme_child(
        LOAD,
        f'answer(**outcome(keras_registry.load_model, sys.argv[1], policy="{policy}"))',
        argv=[acme_copy(weights=turn_optimizer)],
    )

    assert done.json() == expected


def set_learning_rate(file):
    """Change the second variable of the optimizer, which is its learning rate."""
    file["optimizer/vars/1"][()] = 0.5


def test_learning_rate_that_is_not_in_the_config(acme_child, acme_copy):
    """A model whose optimizer would train at another rate is not returned."""
    done = acme_child(
        LOAD,
        "answer(**outcome(keras_registry.load_model, sys.argv[1]))",
        argv=[acme_copy(weights=set_learning_rate)],
    )

    assert done.json() == {"raised": ["W104", "W102"]}


def test_tampered_optimizer_does_not_matter_uncompiled(child, acme_site, acme_copy):
    """`compile=False` loads no optimizer, so nothing is said of its state."""
    done = child(
        """
        import keras_registry
        model = keras_registry.load_model(sys.argv[1], compile=False)
        answer(codes=codes(keras_registry.report(model).findings))
        """,
        acme_copy(weights=turn_optimizer),
        path=[acme_site],
    )

    assert done.json() == {"codes": []}


LAZY = """
import keras
import keras_registry

@keras_registry.register("acme")
class Lazy(keras.layers.Layer):
    '''Its build() does not build the layer inside; that happens in call().'''
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = keras.layers.Dense(3, name="inner")
    def call(self, inputs):
        return self.inner(inputs)

@keras_registry.register("acme")
class Whole(keras.Model):
    '''A model whose build() builds nothing.'''
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = keras.layers.Dense(3, name="inner")
    def build(self, input_shape):
        self.built = True
    def call(self, inputs):
        return self.inner(inputs)
"""


@pytest.mark.parametrize("policy", ["strict", "compatible", "permissive"])
def test_weights_that_are_not_restored(child, policy):
    """A model whose children are not built again is not returned with random weights, ever."""
    done = child(
        [
            LAZY,
            f"""
            import numpy as np
            model = Whole()
            model(np.ones((2, 4), "float32"))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model.save("whole.keras")
                with keras_registry.policy("{policy}"):
                    error = caught(keras.saving.load_model, "whole.keras")
            [finding] = [f for f in error.findings if f.level == "error"]
            answer(kind=type(error).__name__, code=finding.code, wanted=finding.wanted,
                   found=finding.found)
            """,
        ]
    ).json()

    assert done["code"] == "W101"
    assert done["wanted"] == (
        'a place in the model for inner/0 "inner" (4, 3), inner/1 "inner" (3,)'
    )
    assert done["found"] == "no variables there"
    assert done["kind"] == "LoadValueError"


def test_layer_that_cannot_be_read_after_the_load(child):
    """Weights that cannot be read back are noted as not verified, and the model is returned."""
    done = child(
        """
        import keras, keras_registry

        @keras_registry.register("acme")
        class Shy(keras.layers.Dense):
            shy = False
            def save_own_variables(self, store):
                if self.shy:
                    raise ValueError("not now")
                super().save_own_variables(store)

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", keras_registry.KerasRegistryWarning)
            small_model(Shy(3), loss="mean_squared_error").save("shy.keras")
        Shy.shy = True
        report = keras_registry.report(keras.saving.load_model("shy.keras"))
        answer(codes=codes(report.findings), verified=report.verified,
               summary=report.findings[0].summary)
        """
    )

    assert done.json() == {
        "codes": ["W103"],
        "verified": ["optimizer"],
        "summary": "the weights of the layers cannot be verified",
    }


def test_weights_that_were_not_recorded(child, acme_site, acme_copy):
    """Weights of which the manifest has no fingerprint are noted as not verified."""

    def forget(manifest):
        del manifest["weights"]["layers"]

    done = child(
        """
        import keras, keras_registry
        report = keras_registry.report(keras.saving.load_model(sys.argv[1]))
        answer(codes=codes(report.findings), verified=report.verified)
        """,
        acme_copy(manifest=forget),
        path=[acme_site],
    )

    assert done.json() == {"codes": ["W103"], "verified": ["optimizer"]}


def test_optimizer_that_never_worked(child):
    """An optimizer that was compiled and never used has no state to lose, so nothing is said."""
    done = child(
        """
        import keras, keras_registry
        model = small_model()
        model.compile("adam", "mean_squared_error")
        with keras_registry.policy("strict"), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Skipping variable loading")  # what Keras says
            model.save("m.keras")
            loaded = keras.saving.load_model("m.keras")
        answer(compiled=loaded.compiled, codes=codes(keras_registry.report(loaded).findings))
        """
    )

    assert done.json() == {"compiled": True, "codes": []}


def test_adapter_that_keras_quantises_anew(child):
    """Weights that Keras merges and quantises anew at each save are noted, not refused."""
    done = child(
        """
        import keras, keras_registry
        import numpy as np
        model = small_model(keras.layers.Dense(16, name="adapted"))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            model.quantize("int8")
        adapted = model.get_layer("adapted")
        adapted.enable_lora(2)
        adapted.lora_kernel_a.assign(np.random.default_rng(1).normal(size=(4, 2)))
        adapted.lora_kernel_b.assign(np.random.default_rng(2).normal(size=(2, 16)))
        model.save("m.keras")
        report = keras_registry.report(keras.saving.load_model("m.keras"))
        answer(codes=codes(report.findings), verified=report.verified)
        """
    )

    assert done.json() == {"codes": ["W103"], "verified": []}


COUNTING = """
import keras, keras_registry


class Tally(keras.metrics.Mean):
    '''A metric whose state is saved.'''
    forgets = False
    def save_own_variables(self, store):
        store["total"] = self.total
        store["count"] = self.count
    def load_own_variables(self, store):
        if not Tally.forgets:
            self.total.assign(store["total"])
            self.count.assign(store["count"])


@keras_registry.register("acme")
class Counting(keras.layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.tally = Tally(name="tally")
    def call(self, inputs):
        return inputs


@keras_registry.register("acme")
class Words(keras.layers.Layer):
    '''A layer with a file beside its weights.'''
    forgets = False
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.words = []
    def call(self, inputs):
        return inputs
    def save_assets(self, folder):
        with open(os.path.join(folder, "words.txt"), "w") as file:
            file.write(" ".join(self.words))
    def load_assets(self, folder):
        if not Words.forgets:
            with open(os.path.join(folder, "words.txt")) as file:
                self.words = file.read().split()


def reloaded(cls, layer, policy="compatible"):
    '''What is said of a model that is saved, and loaded by a class that restores it or forgets.'''
    model = small_model(layer)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save("m.keras")
    found = []
    for cls.forgets in (False, True):
        with keras_registry.policy(policy), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                report = keras_registry.report(keras.saving.load_model("m.keras"))
                found.append([report.verified, codes(report.findings)])
            except keras_registry.LoadError as error:
                found.append(["error", codes(error.findings)])
    return found
"""


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("strict", "error"), ("compatible", ["layers"]), ("permissive", ["layers"])],
)
def test_state_of_metrics(child, policy, expected):
    """A metric in a layer that saves its state has that state again, or it is named."""
    done = child(
        [
            COUNTING,
            f"""
            layer = Counting()
            layer.tally.update_state([1.0, 2.0])
            answer(found=reloaded(Tally, layer, "{policy}"))
            """,
        ]
    )

    assert done.json()["found"] == [[["layers", "metrics"], []], [expected, ["W107"]]]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [("strict", "error"), ("compatible", "error"), ("permissive", ["layers"])],
)
def test_assets(child, policy, expected):
    """Assets are those that were saved, or the load stops."""
    done = child(
        [
            COUNTING,
            f"""
            layer = Words()
            layer.words = ["a", "b"]
            answer(found=reloaded(Words, layer, "{policy}"))
            """,
        ]
    )

    assert done.json()["found"] == [[["layers", "assets"], []], [expected, ["W108"]]]


def test_assets_that_cannot_be_written_are_not_recorded(child):
    """A layer whose assets cannot be written says so as in Keras; what is left is as in Keras."""
    done = child(
        [
            COUNTING,
            """
            class Full(Words):
                def save_assets(self, folder):
                    raise OSError("full")
            warnings.simplefilter("ignore", keras_registry.KerasRegistryWarning)
            error = caught(small_model(Full()).save, "m.keras")
            answer(kind=type(error).__name__, text=str(error), files=os.listdir())
            """,
        ]
    )

    assert done.json() == {"kind": "OSError", "text": "full", "files": ["m.keras"]}
