"""Loading: who has each object, what is checked, and what the caller is told."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

LIVE = """
import keras
import keras_registry


def make_scale(made_by):
    '''A class that can stand for acme>Scale.'''
    class Scale(keras.layers.Layer):
        def __init__(self, factor=1.0, **kwargs):
            super().__init__(**kwargs)
            self.factor = factor
        def build(self, input_shape):
            self.scale = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="scale")
        def call(self, inputs):
            return inputs * self.scale * self.factor
        def get_config(self):
            return {**super().get_config(), "factor": self.factor}
    Scale.made_by = made_by
    return Scale


def tell_of(model):
    '''Which class came out, and what was noted.'''
    report = keras_registry.report(model)
    return {"made_by": model.get_layer("scale").made_by, "codes": codes(report.findings),
            "sources": [str(item.source) for item in report.objects], "verified": report.verified}
"""
"""A program's own classes in place of the plugin's."""


# --- who has an object ----------------------------------------------------------------------


def test_plugin_is_imported_at_load_only(child, acme_site, acme_model):
    """A plugin is imported by the load that needs it, and of its distribution only the modules."""
    done = child(
        """
        import keras, keras_registry
        def modules():
            return sorted(name for name in sys.modules if name.partition(".")[0] == "acme_layers")
        before = modules()
        keras.saving.load_model(sys.argv[1], compile=False)
        answer(before=before, after=modules())
        """,
        acme_model.path,
        path=[acme_site],
    )

    assert done.json() == {
        "before": [],
        "after": ["acme_layers", "acme_layers.functions", "acme_layers.gated"],
    }


@pytest.mark.parametrize("name", ["acme>Scale", "Scale"])
def test_custom_objects_win(child, scale_site, scale_model, name):
    """What the caller passes wins over scope, live class and plugin, by full or by bare name."""
    done = child(
        f"""
{LIVE}
live = keras_registry.register("acme", name="Scale")(make_scale("the program"))
with keras.saving.custom_object_scope({{"{name}": make_scale("the scope")}}):
    model = keras.saving.load_model(
        sys.argv[1], custom_objects={{"{name}": make_scale("the caller")}}
    )
answer(**tell_of(model), imported="acme_scale" in sys.modules)
""",
        scale_model,
        path=[scale_site],
    )

    assert done.json() == {
        "made_by": "the caller",
        "codes": ["R301"],
        "sources": ["custom_objects"],
        "verified": ["layers"],
        "imported": False,
    }


def test_full_name_wins_over_bare_name(child, scale_site, scale_model):
    """Of two objects that the caller passes, the one under the full key is used."""
    done = child(
        f"""
{LIVE}
objects = {{"Scale": make_scale("the bare name"), "acme>Scale": make_scale("the key")}}
answer(**tell_of(keras.saving.load_model(sys.argv[1], custom_objects=objects)))
""",
        scale_model,
        path=[scale_site],
    )

    assert done.json()["made_by"] == "the key"


def test_custom_objects_are_not_changed(child, scale_site, scale_model):
    """The caller's dict is the same after the load."""
    done = child(
        f"""
{LIVE}
objects = {{"Scale": make_scale("the caller"), "other": print}}
keras.saving.load_model(sys.argv[1], custom_objects=objects)
answer(names=list(objects))
""",
        scale_model,
        path=[scale_site],
    )

    assert done.json() == {"names": ["Scale", "other"]}


@pytest.mark.parametrize("name", ["acme>Scale", "Scale"])
def test_scope_wins_over_live_and_plugin(child, scale_site, scale_model, name):
    """An enclosing scope wins over the running program's class and over the plugin."""
    done = child(
        f"""
{LIVE}
live = keras_registry.register("acme", name="Scale")(make_scale("the program"))
with keras.saving.custom_object_scope({{"{name}": make_scale("the scope")}}):
    model = keras.saving.load_model(sys.argv[1])
answer(**tell_of(model), imported="acme_scale" in sys.modules)
""",
        scale_model,
        path=[scale_site],
    )

    assert done.json() == {
        "made_by": "the scope",
        "codes": ["R302"],
        "sources": ["custom_object_scope"],
        "verified": ["layers"],
        "imported": False,
    }


def test_live_class_wins_over_the_plugin(child, scale_site, scale_model):
    """A class that the running program registered itself is used in place of the plugin's."""
    done = child(
        f"""
{LIVE}
live = keras_registry.register("acme", name="Scale")(make_scale("the program"))
answer(**tell_of(keras.saving.load_model(sys.argv[1])), imported="acme_scale" in sys.modules)
""",
        scale_model,
        path=[scale_site],
    )

    assert done.json() == {
        "made_by": "the program",
        "codes": ["R303"],
        "sources": ["registered by the running program"],
        "verified": ["layers"],
        "imported": False,
    }


@pytest.mark.parametrize("imported", [False, True])
def test_plugin(child, scale_site, scale_model, imported):
    """The installed plugin is used and checked, imported by the program already or not."""
    done = child(
        f"""
{LIVE}
{"import acme_scale" if imported else ""}
answer(**tell_of(keras.saving.load_model(sys.argv[1])))
""",
        scale_model,
        path=[scale_site],
    )

    assert done.json() == {
        "made_by": "the plugin",
        "codes": [],
        "sources": ["plugin"],
        "verified": ["layers"],
    }


def test_class_that_keras_has(child, scale_model):
    """Without the plugin, a class that the program registered with plain Keras is used and noted."""
    done = child(
        f"""
{LIVE}
keras.saving.register_keras_serializable("acme")(make_scale("the program"))
answer(**tell_of(keras.saving.load_model(sys.argv[1])))
""",
        scale_model,
    )

    assert done.json() == {
        "made_by": "the program",
        "codes": ["R304"],
        "sources": ["keras"],
        "verified": ["layers"],
    }


def test_class_of_keras_in_the_way_of_the_plugin(child, scale_site, scale_model):
    """With the plugin installed, a class that plain Keras has under its key is named, not mixed."""
    done = child(
        f"""
{LIVE}
keras.saving.register_keras_serializable("acme")(make_scale("the program"))
error = caught(keras.saving.load_model, sys.argv[1])
answer(codes=codes(error.findings), found=error.findings[0].found)
""",
        scale_model,
        path=[scale_site],
    ).json()

    assert done["codes"] == ["R103"]
    assert "'acme>Scale' is taken in Keras's registry by __main__.make_scale" in done["found"]


# --- as before ------------------------------------------------------------------------------

BY_HAND = """
import keras


@keras.saving.register_keras_serializable()
class Doubled(keras.layers.Dense):
    def call(self, inputs):
        return 2 * super().call(inputs)


@keras.saving.register_keras_serializable("mine")
def slow(x):
    return 0.1 * x


@keras.saving.register_keras_serializable("mine")
class Offset(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return keras.ops.mean(y_pred - y_true, axis=-1)
"""

IN_A_SCOPE = """
import keras


class Doubled(keras.layers.Dense):
    def call(self, inputs):
        return 2 * super().call(inputs)


def slow(x):
    return 0.1 * x


class Offset(keras.losses.Loss):
    def call(self, y_true, y_pred):
        return keras.ops.mean(y_pred - y_true, axis=-1)

    def get_config(self):
        return super().get_config()


"""

ENTER = """
keras.saving.CustomObjectScope({"Doubled": Doubled, "slow": slow, "Offset": Offset}).__enter__()
"""

SAVE_IT = """
import numpy as np
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    model = small_model(Doubled(3, activation=slow, name="doubled"), loss=Offset())
    model.save("mine.keras")
    np.save("mine.npy", model.predict(np.ones((2, 4)), verbose=0))
"""

LOAD_TWICE = """
def load(**options):
    model = keras.saving.load_model("mine.keras", **options)
    predictions = model.predict(np.ones((2, 4)), verbose=0)
    return {
        "types": [type(layer) is Doubled for layer in model.layers],
        "loss": type(model.loss) is Offset,
        "activation": model.layers[0].activation is slow,
        "equal": bool(np.array_equal(predictions, np.load("mine.npy"))),
    }

keras_registry.disable()
plain = load(**options)
keras_registry.enable()
answer(plain=plain, hooked=load(**options))
"""

FOUND = {"types": [True, False], "loss": True, "activation": True, "equal": True}


@pytest.mark.parametrize("hooks", ["disable", "enable"], ids=["saved plainly", "with manifest"])
@pytest.mark.parametrize(
    "objects", [BY_HAND, f"{IN_A_SCOPE}\n{ENTER}"], ids=["by hand", "in a scope"]
)
def test_what_keras_finds_loads_as_before(child, objects, hooks):
    """Objects that plain Keras finds, by its decorator or in a scope, load as they did before."""
    done = child(
        f"{objects}\nimport keras_registry\nkeras_registry.{hooks}()\n"
        f"{SAVE_IT}\noptions = {{}}\n{LOAD_TWICE}"
    )

    assert done.json() == {"plain": FOUND, "hooked": FOUND}


def test_what_is_passed_by_hand_loads_as_before(child):
    """Unregistered objects of a notebook, passed as custom_objects, load as they did before."""
    done = child(
        f"""
{IN_A_SCOPE}
import keras_registry
{SAVE_IT}
options = {{"custom_objects": {{"Doubled": Doubled, "slow": slow, "Offset": Offset}}}}
{LOAD_TWICE}
"""
    )

    assert done.json() == {"plain": FOUND, "hooked": FOUND}


def test_function_of_an_old_file(child, alter, tmp_path):
    """A file of Keras 3.6 names a custom function without its namespace; Keras finds it still."""
    program = f"{BY_HAND}\nimport keras_registry\n"
    child(program + SAVE_IT, env={"KERAS_REGISTRY_HOOKS": "0"}).check()

    def age(document):
        activation = document["config"]["layers"][1]["config"]["activation"]
        assert activation["config"] == "mine>slow"
        activation.update(config="slow", module="builtins", registered_name="function")

    alter(tmp_path / "mine.keras", config=age)
    done = child(f"{program}\nimport numpy as np\noptions = {{}}\n{LOAD_TWICE}")

    assert done.json() == {"plain": FOUND, "hooked": FOUND}


def test_class_of_a_notebook(child):
    """A class that a notebook registers with us loads there, also after its cell ran again."""
    done = child(
        """
        import keras, keras_registry

        def run_cell():
            @keras_registry.register
            class Tripled(keras.layers.Layer):
                def call(self, inputs):
                    return 3 * inputs
            return Tripled

        first = run_cell()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", keras_registry.KerasRegistryWarning)
            small_model(first(name="tripled")).save("cell.keras")
        second = run_cell()
        model = keras.saving.load_model("cell.keras")
        answer(
            newer=type(model.get_layer("tripled")) is second,
            keys=[item.key for item in keras_registry.report(model).objects],
        )
        """
    )

    assert done.json() == {"newer": True, "keys": ["__main__>Tripled"]}


# --- the compiled state ---------------------------------------------------------------------

INFERENCE = """
import keras
import keras_registry
sys.path.remove(sys.argv[2])  # the distribution is not installed; two of its objects are at hand
sys.path.append(sys.argv[3])
from own_layers import GatedDense, swishy
objects = {"GatedDense": GatedDense, "swishy": swishy}
"""


@pytest.fixture
def inference(child, acme_site, acme_model, tmp_path):
    """Run a program in which the layers of the acme model are at hand, its loss and metric not."""
    from tests.support.plugins import FUNCTIONS_SOURCE, GATED_SOURCE

    folder = tmp_path / "own"
    folder.mkdir()
    sources = [GATED_SOURCE, FUNCTIONS_SOURCE]
    text = "\n".join(source.replace('@register("acme")', "") for source in sources)
    text = text.replace("self.activation = activation", "self.activation = keras.activations.get(activation)")
    text += "\n\nGatedDense.get_config = lambda self: {}\n"
    (folder / "own_layers.py").write_text(text, encoding="utf-8")

    def run(body):
        return child(f"{INFERENCE}\n{body}", acme_model.path, acme_site, folder, path=[acme_site])

    return run


def test_compile_false_needs_no_loss(inference):
    """`compile=False` loads without the loss and the metric, and says nothing of them."""
    done = inference(
        """
model = keras.saving.load_model(sys.argv[1], custom_objects=objects, compile=False)
report = keras_registry.report(model)
answer(compiled=model.compiled, verified=report.verified,
       codes=sorted(set(codes(report.findings))))
"""
    )

    assert done.json() == {"compiled": False, "verified": ["layers"], "codes": ["R301"]}


def test_missing_loss_stops_by_default(inference):
    """Without the loss a load stops, and the error names the loss and the metric and no more."""
    done = inference(
        """
error = caught(keras.saving.load_model, sys.argv[1], custom_objects=objects)
[finding] = [f for f in error.findings if f.level == "error"]
answer(code=finding.code, keys=[need.key for need in finding.needs])
"""
    )

    assert done.json() == {"code": "R101", "keys": ["acme>Pinball", "acme>Coverage"]}


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
from keras_registry.bridge.loading import missing_compile
def in_block(function):
    with missing_compile("skip"):
        return function()
model, findings = warned(lambda: {load})
[finding] = findings
answer(compiled=model.compiled, code=finding.code, keys=[need.key for need in finding.needs],
       verified=keras_registry.report(model).verified,
       reported=[f.code for f in keras_registry.report(model).findings if f.level != "note"])
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


# --- weights --------------------------------------------------------------------------------


def turn_kernel(file):
    """Tamper with the weights: the rows of a kernel in another order."""
    kernel = file["layers/dense/vars/0"]
    kernel[...] = kernel[...][::-1]


def turn_optimizer(file):
    """Tamper with the state of the optimizer."""
    momentum = file["optimizer/vars/2"]
    momentum[...] = momentum[...] + 1


POLICIES = {
    "argument": 'keras_registry.load_model(sys.argv[1], policy="{}")',
    "block": 'in_block("{}")',
    "environment": "keras.saving.load_model(sys.argv[1])",
}


@pytest.mark.parametrize(
    ("how", "policy", "raised", "warned"),
    [
        ("argument", "strict", ["W102"], []),
        ("argument", "compatible", ["W102"], []),
        ("argument", "permissive", [], ["W102"]),
        ("block", "permissive", [], ["W102"]),
        ("environment", "permissive", [], ["W102"]),
    ],
)
def test_tampered_weights(child, acme_site, acme_copy, how, policy, raised, warned):
    """Weights that are not those that were saved stop a load; only `permissive` warns instead."""
    done = child(
        f"""
        import keras, keras_registry
        def in_block(policy):
            with keras_registry.policy(policy):
                return keras.saving.load_model(sys.argv[1])
        raised, warned_of, name = [], [], None
        try:
            model, findings = warned(lambda: {POLICIES[how].format(policy)})
            warned_of, name = codes(findings), model.name
        except keras_registry.LoadError as error:
            raised = codes(error.findings)
        answer(raised=raised, warned=warned_of, name=name)
        """,
        acme_copy(weights=turn_kernel),
        path=[acme_site],
        env={"KERAS_REGISTRY_POLICY": policy} if how == "environment" else {},
    )

    assert done.json() == {
        "raised": raised,
        "warned": warned,
        "name": "acme_model" if warned else None,
    }


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
    ("policy", "raised", "warned", "noted"),
    [
        ("strict", ["W104"], [], []),
        ("compatible", [], ["W104"], ["W104"]),
        ("permissive", [], [], ["W104"]),
    ],
)
def test_tampered_optimizer(child, acme_site, acme_copy, policy, raised, warned, noted):
    """An optimizer state that is not the one that was saved is judged by the policy."""
    done = child(
        f"""
        import keras_registry
        raised, warned_of, noted, verified = [], [], [], []
        try:
            model, findings = warned(keras_registry.load_model, sys.argv[1], policy="{policy}")
            warned_of = codes(findings)
            noted = codes(keras_registry.report(model).findings)
            verified = keras_registry.report(model).verified
        except keras_registry.LoadError as error:
            raised = codes(error.findings)
        answer(raised=raised, warned=warned_of, noted=noted, verified=verified)
        """,
        acme_copy(weights=turn_optimizer),
        path=[acme_site],
    )

    assert done.json() == {
        "raised": raised,
        "warned": warned,
        "noted": noted,
        "verified": [] if raised else ["layers"],
    }


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
        f"""
{LAZY}
import numpy as np
model = Whole()
model(np.ones((2, 4), "float32"))
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    model.save("whole.keras")
    with keras_registry.policy("{policy}"):
        error = caught(keras.saving.load_model, "whole.keras")
[finding] = [f for f in error.findings if f.level == "error"]
answer(code=finding.code, wanted=finding.wanted, found=finding.found, kind=type(error).__name__)
"""
    ).json()

    assert done["code"] == "W101"
    assert done["wanted"].startswith("2 arrays, xxh3:")
    assert done["found"].startswith("0 arrays, xxh3:")
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


# --- threads and nests ----------------------------------------------------------------------


def test_threads_do_not_meet(child, scale_site, scale_model):
    """Four threads that load with classes of their own under one key get each its own."""
    done = child(
        f"""
{LIVE}
import threading
import numpy as np
from concurrent.futures import ThreadPoolExecutor

keras.saving.register_keras_serializable("other")(make_scale("Keras"))
before = dict(keras.saving.get_custom_objects())
barrier = threading.Barrier(4)

def load(number):
    own = make_scale(f"thread {{number}}")
    names = ["Scale", "acme>Scale"]
    found = []
    for _ in range(10):
        barrier.wait(60)
        model = keras.saving.load_model(sys.argv[1], custom_objects={{names[number % 2]: own}})
        found.append(type(model.get_layer("scale")) is own)
        found.append(keras_registry.report(model).verified == ("layers",))
    return found

with ThreadPoolExecutor(4) as pool:
    found = [item for items in pool.map(load, range(4)) for item in items]
after = keras.saving.get_custom_objects()
same = list(before) == list(after) and all(after[name] is before[name] for name in before)
answer(found=found, same=same, imported="acme_scale" in sys.modules)
""",
        scale_model,
        path=[scale_site],
    )

    assert done.json() == {"found": [True] * 80, "same": True, "imported": False}


def test_threads_that_need_one_plugin(child, scale_site, scale_model):
    """Four threads whose loads import the same plugin all get its one class."""
    done = child(
        f"""
{LIVE}
import threading
from concurrent.futures import ThreadPoolExecutor
barrier = threading.Barrier(4)
def load(number):
    barrier.wait(60)
    model = keras.saving.load_model(sys.argv[1])
    return type(model.get_layer("scale"))
with ThreadPoolExecutor(4) as pool:
    classes = set(pool.map(load, range(4)))
import acme_scale
answer(same=classes == {{acme_scale.Scale}})
""",
        scale_model,
        path=[scale_site],
    )

    assert done.json() == {"same": True}


def test_load_registers_nothing_of_its_own(child, scale_site, scale_model):
    """After a load Keras's registry has, besides what it had, only what the plugin registered."""
    done = child(
        """
        import keras, keras_registry
        before = set(keras.saving.get_custom_objects())
        keras.saving.load_model(sys.argv[1])
        keras.saving.load_model(sys.argv[1])
        scope = keras.src.backend.common.global_state.get_global_attribute(
            "custom_objects_scope_dict", {}
        )
        answer(new=sorted(set(keras.saving.get_custom_objects()) - before), scope=list(scope))
        """,
        scale_model,
        path=[scale_site],
    )

    assert done.json() == {"new": ["acme>Scale"], "scope": []}


def test_failed_load_leaves_no_trace(child, scale_site, scale_model):
    """After a load that fails, an object that the caller passed is known nowhere."""
    done = child(
        f"""
{LIVE}
class Broken(make_scale("the caller")):
    def build(self, input_shape):
        raise ZeroDivisionError("broken")
error = caught(keras.saving.load_model, sys.argv[1], custom_objects={{"Scale": Broken}})
model = keras.saving.load_model(sys.argv[1])
answer(error=type(error).__name__, **tell_of(model))
""",
        scale_model,
        path=[scale_site],
    ).json()

    assert done["error"] == "ZeroDivisionError"
    assert done["made_by"] == "the plugin"
    assert done["codes"] == []


NESTED = """
@keras_registry.register("acme")
class Frozen(keras.layers.Layer):
    '''A layer that loads another model in its constructor.'''
    def __init__(self, source: str, **kwargs):
        super().__init__(**kwargs)
        self.source = source
        self.loaded = keras.saving.load_model(source, **Frozen.options)
    def build(self, input_shape):
        pass
    def call(self, inputs):
        return self.loaded(inputs)

Frozen.options = {}
"""


def test_nested_load(child, scale_site, scale_model):
    """A layer that loads another file in its constructor gets what that file needs, both checked."""
    done = child(
        f"""
{LIVE}
{NESTED}
with warnings.catch_warnings():
    warnings.simplefilter("ignore", keras_registry.KerasRegistryWarning)
    small_model(Frozen(sys.argv[1], name="frozen")).save("outer.keras")
model = keras.saving.load_model("outer.keras")
answer(outer=keras_registry.report(model).verified,
       inner=tell_of(model.get_layer("frozen").loaded))
""",
        scale_model,
        path=[scale_site],
    )

    assert done.json() == {
        "outer": ["layers"],
        "inner": {
            "made_by": "the plugin",
            "codes": [],
            "sources": ["plugin"],
            "verified": ["layers"],
        },
    }


def test_nested_load_is_checked_as_any_other(child, scale_site, scale_model, alter, tmp_path):
    """A file that is loaded inside another load is checked against manifest and policy as well."""
    inner = Path(shutil.copy(scale_model, tmp_path / "inner.keras"))
    alter(inner, manifest=lambda m: m["distributions"]["acme-scale"].update(version="1.9.0"))
    done = child(
        f"""
{LIVE}
{NESTED}
from acme_scale import Scale
with warnings.catch_warnings():
    warnings.simplefilter("ignore", keras_registry.KerasRegistryWarning)
    with keras_registry.policy("permissive"):
        layers = [Frozen("inner.keras", name="frozen"), Scale(name="outer_scale")]
        small_model(*layers).save("outer.keras")
alone = caught(keras.saving.load_model, "inner.keras")
error = caught(keras.saving.load_model, "outer.keras")
answer(alone=codes(alone.findings), nested="R201" in str(error))
""",
        path=[scale_site],
    )

    assert done.json() == {"alone": ["R201"], "nested": True}


def test_nested_load_with_objects_of_its_own(child, scale_site, scale_model):
    """Custom objects of a load inside another hold for that one, and those of the outer go on."""
    done = child(
        f"""
{LIVE}
{NESTED}
with warnings.catch_warnings():
    warnings.simplefilter("ignore", keras_registry.KerasRegistryWarning)
    from acme_scale import Scale
    layers = [Frozen(sys.argv[1], name="frozen"), Scale(name="outer_scale")]
    small_model(*layers).save("outer.keras")
Frozen.options = {{"custom_objects": {{"Scale": make_scale("the inner caller")}}}}
model = keras.saving.load_model(
    "outer.keras", custom_objects={{"Scale": make_scale("the outer caller")}}
)
answer(inner=model.get_layer("frozen").loaded.get_layer("scale").made_by,
       outer=model.get_layer("outer_scale").made_by)
""",
        scale_model,
        path=[scale_site],
    )

    assert done.json() == {"inner": "the inner caller", "outer": "the outer caller"}


# --- what Keras raises ----------------------------------------------------------------------

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
def test_error_while_keras_builds_keeps_its_class(child, scale_site, scale_model, where):
    """An exception that comes while Keras builds has the class and text that plain Keras gives."""
    done = child(
        f"""
{LIVE}
{BROKEN}
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
        scale_model,
        path=[scale_site],
    ).json()

    assert done["hooked"] == done["plain"]
    assert all(notes == [] for _, _, notes in done["hooked"])


def test_findings_that_explain_are_added_to_the_error_of_keras(
    child, scale_site, scale_model, alter, tmp_path
):
    """An error of Keras gets a note with the findings that may explain it, notes included."""
    path = Path(shutil.copy(scale_model, tmp_path / "m.keras"))
    alter(path, manifest=lambda m: m["environment"].update(keras="9.1.0", backend="jax"))
    done = child(
        f"""
{LIVE}
{BROKEN}
import logging
records = []
handler = logging.Handler()
handler.emit = lambda record: records.append([record.levelname, record.getMessage()[:4]])
logging.getLogger("keras_registry").addHandler(handler)
logging.getLogger("keras_registry").setLevel(logging.DEBUG)
Broken.where, Broken.error = "build", ValueError("no way")
error = caught(keras.saving.load_model, sys.argv[1], custom_objects={{"acme>Scale": Broken}})
answer(kind=type(error).__name__, text=str(error), notes=error.__notes__, records=records)
""",
        path,
        path=[scale_site],
    ).json()

    assert (done["kind"], done["text"]) == ("ValueError", "no way")
    [note] = done["notes"]
    lines = note.splitlines()
    assert lines[0] == f"{path} could not be loaded by Keras: 2 notes"
    assert [line[:6] for line in lines if line.startswith("  K")] == ["  K101", "  K102"]
    assert done["records"] == [["DEBUG", "K101"], ["DEBUG", "K102"]]


@pytest.mark.parametrize("hooks", ["0", "1"], ids=["plain Keras", "hooked"])
def test_safe_mode_refuses_a_lambda(child, hooks):
    """A lambda is refused as Keras refuses it, and loads where safe mode is off."""
    done = child(
        """
        import keras, keras_registry
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            small_model(keras.layers.Lambda(lambda x: x + 1)).save("lambda.keras")
        error = caught(keras.saving.load_model, "lambda.keras")
        model = keras.saving.load_model("lambda.keras", safe_mode=False)
        keras.config.enable_unsafe_deserialization()
        keras.saving.load_model("lambda.keras")
        answer(kind=type(error).__name__, text=str(error)[:60], layers=len(model.layers))
        """,
        env={"KERAS_REGISTRY_HOOKS": hooks},
    )

    assert done.json() == {
        "kind": "ValueError",
        "text": "Requested the deserialization of a `Lambda` layer whose `fun",
        "layers": 2,
    }


# --- without a manifest ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "warned"), [("strict", ["M101"]), ("compatible", []), ("permissive", [])]
)
def test_file_without_a_manifest(child, scale_site, scale_model, alter, tmp_path, policy, warned):
    """A file that plain Keras saved loads with the plugin that lists its class, and that is noted."""
    path = Path(shutil.copy(scale_model, tmp_path / "m.keras"))
    alter(path, metadata=lambda found: found.pop("keras_registry"))
    done = child(
        f"""
{LIVE}
model, findings = warned(keras_registry.load_model, sys.argv[1], policy="{policy}")
answer(warned=codes(findings), **tell_of(model))
""",
        path,
        path=[scale_site],
    )

    assert done.json() == {
        "warned": warned,
        "made_by": "the plugin",
        "codes": ["M101"],
        "sources": ["plugin"],
        "verified": [],
    }


def test_open_file_and_pickle(child, scale_site, scale_model):
    """A model in an open file, or a pickled one, is checked and reported like one at a path."""
    done = child(
        f"""
{LIVE}
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
        scale_model,
        path=[scale_site],
    ).json()

    wanted = {"made_by": "the plugin", "codes": [], "sources": ["plugin"], "verified": ["layers"]}
    assert done == {"models": [wanted] * 3, "names": ["model", str(scale_model), "model"]}


def test_position_of_arguments(child, scale_site, scale_model):
    """The arguments of Keras's `load_model` can be given by position, as they are in Keras."""
    done = child(
        f"""
{LIVE}
own = {{"Scale": make_scale("the caller")}}
answer(**tell_of(keras.saving.load_model(sys.argv[1], own, False, True)))
""",
        scale_model,
        path=[scale_site],
    )

    assert done.json()["made_by"] == "the caller"
