"""What plain Keras loads by itself: it loads as before."""

from __future__ import annotations

import pytest

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

UNREGISTERED = """
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
import numpy as np

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
    "objects", [BY_HAND, f"{UNREGISTERED}{ENTER}"], ids=["by hand", "in a scope"]
)
def test_what_keras_finds_loads_as_before(child, objects, hooks):
    """Objects that plain Keras finds, by its decorator or in a scope, load as they did before."""
    switch = f"import keras_registry; keras_registry.{hooks}()"
    done = child([objects, switch, SAVE_IT, "options = {}", LOAD_TWICE])

    assert done.json() == {"plain": FOUND, "hooked": FOUND}


def test_what_is_passed_by_hand_loads_as_before(child):
    """Unregistered objects of a notebook, passed as custom_objects, load as they did before."""
    options = 'options = {"custom_objects": {c.__name__: c for c in (Doubled, slow, Offset)}}'
    done = child([UNREGISTERED, "import keras_registry", SAVE_IT, options, LOAD_TWICE])

    assert done.json() == {"plain": FOUND, "hooked": FOUND}


def test_function_of_an_old_file(child, alter, tmp_path):
    """A file of Keras 3.6 names a custom function without its namespace; Keras finds it still."""
    child([BY_HAND, SAVE_IT]).check()

    def age(document):
        activation = document["config"]["layers"][1]["config"]["activation"]
        assert activation["config"] == "mine>slow"
        activation.update(config="slow", module="builtins", registered_name="function")

    alter(tmp_path / "mine.keras", config=age)
    done = child([BY_HAND, "import keras_registry; options = {}", LOAD_TWICE])

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
