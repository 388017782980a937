"""Layers whose weights, shapes or calls go wrong; most of them have derived configs."""

import types
import uuid
from pathlib import Path

import keras
import numpy as np
from keras import ops

from keras_registry import types as t
from tests.contract.faults import fault, twin


class Linear(keras.layers.Layer):
    """A linear layer with a bias."""

    def __init__(self, units: t.PositiveInt = 3, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")

    def call(self, inputs):
        return ops.matmul(inputs, self.kernel) + self.bias

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)


@twin()
class LinearTwin(Linear):
    """A linear layer with a bias."""


class Holding(keras.layers.Layer):
    """A layer with a dense layer in it."""

    def __init__(self, units: t.PositiveInt = 3, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.inner = keras.layers.Dense(units)

    def build(self, input_shape):
        self.inner.build(input_shape)

    def call(self, inputs):
        return self.inner(inputs)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)


@twin()
class HoldingTwin(Holding):
    """A layer with a dense layer in it."""


class Given(keras.layers.Layer):
    """A layer that is given another one."""

    def __init__(self, inner: t.Layer, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner

    def build(self, input_shape):
        if not self.inner.built:
            self.inner.build(input_shape)

    def call(self, inputs):
        return self.inner(inputs)


@twin(examples=[{"inner": keras.layers.Dense(3)}])
class GivenTwin(Given):
    """A layer that is given another one."""


# --- what it holds, and how it is built ------------------------------------------------------


@fault(
    "`build` does not build the layer inside: a loaded one keeps random weights",
    check="build_makes_every_weight",
    names="kernel",
    thread=(
        "keras-team/keras#18823",
        "on load_weights: layer was never built, but the weights file lists variables for it",
    ),
)
class ChildNotBuilt(Holding):
    def build(self, input_shape):
        self.built = True


@fault(
    "`build` makes the layer inside, and does not build it",
    check="build_makes_every_weight",
    names="kernel",
    thread=(
        "rstudio/keras3#1123",
        "the weights of a dense layer that is made in `build` are missing, and are not trained",
    ),
)
class ChildMadeInBuild(Linear):
    def build(self, input_shape):
        self.inner = keras.layers.Dense(self.units)
        self.built = True

    def call(self, inputs):
        return self.inner(inputs)


@fault(
    "some weights are made by the first call",
    check="build_makes_every_weight",
    names="scale",
)
class WeightInCall(Linear):
    def call(self, inputs):
        if not hasattr(self, "scale"):
            self._tracker.unlock()
            self.scale = self.add_weight(shape=(self.units,), initializer="ones", name="scale")
        return super().call(inputs) * self.scale


@fault(
    "each call makes a new layer, with new weights",
    check="tracks_what_it_holds",
    names="call",
    thread=(
        "keras-team/keras#11736",
        "a dense layer made in `call` is not trained",
    ),
    also=["is_the_same_when_compiled", "takes_any_batch"],
)
class ChildInCall(Holding):
    def build(self, input_shape):
        del input_shape

    def call(self, inputs):
        return keras.layers.Dense(self.units)(inputs)


@fault(
    "a layer is kept in an object of another class, where Keras does not look",
    check="tracks_what_it_holds",
    names="parts",
    thread=(
        "tensorflow/tensorflow#47264",
        "layers do not track the variables of a `tf.Module` that they hold",
    ),
)
class ChildInObject(Holding):
    def __init__(self, units: t.PositiveInt = 3, **kwargs):
        keras.layers.Layer.__init__(self, **kwargs)
        self.units = units
        inner = keras.layers.Dense(units, dtype=self.dtype_policy)
        self.parts = types.SimpleNamespace(inner=inner)

    def build(self, input_shape):
        self.parts.inner.build(input_shape)

    def call(self, inputs):
        return self.parts.inner(inputs)


@fault(
    "variables are kept past the tracking of attributes",
    check="tracks_what_it_holds",
    names="kernels",
    thread=(
        "tensorflow/tensorflow#38211",
        "variables that are appended to a list are missing in `trainable_variables`",
    ),
)
class UntrackedVariables(Linear):
    def build(self, input_shape):
        shape = (input_shape[-1], self.units)
        kernels = (keras.Variable(0.1 * np.ones(shape, "float32"), name="hidden"),)
        object.__setattr__(self, "kernels", kernels)

    def call(self, inputs):
        return ops.matmul(inputs, self.kernels[0])


@fault(
    "a shape is added to a tuple, but after a load it is a list",
    check="takes_shapes_as_lists",
    names="build",
    thread=(
        "keras-team/keras#20076",
        "a fix in Keras itself: `input_shape` may be a list in place of a tuple during a load",
    ),
)
class AddsToShape(Linear):
    def build(self, input_shape):
        super().build((None,) + input_shape[1:])  # noqa: RUF005 - the mistake


@fault(
    "`build` builds a layer that it was given, though it may be built already",
    check="takes_built_children",
    names="build",
    examples=[{"inner": keras.layers.Dense(3)}],
)
class BuildsTwice(Given):
    def build(self, input_shape):
        self.inner.build(input_shape)


@fault(
    "the names of weights differ from one object to the next",
    check="build_makes_every_weight",
    names="kernel",
    also=["takes_shapes_as_lists"],
)
class RandomNames(Linear):
    def build(self, input_shape):
        name = f"kernel_{uuid.uuid4().hex[:8]}"
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name=name)

    def call(self, inputs):
        return ops.matmul(inputs, self.kernel)


@fault(
    "`call` uses an attribute that nothing has set",
    check="can_be_called",
    names="kernal",
)
class Misspelt(Linear):
    def call(self, inputs):
        return ops.matmul(inputs, self.kernal)


# --- what it announces -----------------------------------------------------------------------


@fault(
    "`compute_output_shape` is that of the input",
    check="announces_its_outputs",
    names="compute_output_shape",
    thread=(
        "keras-team/keras#11753",
        "the summary is wrong where `compute_output_shape` gives the shape of the input",
    ),
)
class ShapeOfInput(Linear):
    def compute_output_shape(self, input_shape):
        return input_shape


@fault(
    "the output is integers, where Keras announces the dtype of the layer",
    check="announces_its_outputs",
    names="compute_output_shape",
)
class Choosing(keras.layers.Layer):
    def call(self, inputs):
        return ops.argmax(inputs, axis=-1)

    def compute_output_shape(self, input_shape):
        return input_shape[:-1]


@fault(
    "one output is announced, and there are two",
    check="announces_its_outputs",
    names="compute_output_shape",
)
class TwoOutputs(Linear):
    def call(self, inputs):
        outputs = super().call(inputs)
        return outputs, ops.mean(outputs, axis=-1)

    def compute_output_shape(self, input_shape):
        return super().compute_output_shape(input_shape)


# --- batches, dtypes, masks ------------------------------------------------------------------


@fault(
    "noise is drawn in the static shape of the input, whose batch is None",
    check="takes_any_batch",
    names="call",
    thread=(
        "tensorflow/tensorflow#36991",
        "`tf.random.normal(x.shape)` in `call`: None values not supported",
    ),
    also=["is_the_same_when_compiled"],
    backend="tensorflow",
)
class StaticNoise(Linear):
    def call(self, inputs):
        noise = keras.random.normal(inputs.shape[:1], dtype=self.compute_dtype, seed=1)
        return super().call(inputs) + noise[:, None]


@fault(
    "a reshape takes the size of the batch from the static shape",
    check="takes_any_batch",
    names="call",
    thread=(
        "keras-team/keras#4671",
        "a reshape in a layer is not possible, because the shape contains None",
    ),
    also=["is_the_same_when_compiled"],
    backend="tensorflow",
)
class StaticReshape(Linear):
    def call(self, inputs):
        outputs = super().call(inputs)
        return ops.reshape(outputs, [inputs.shape[0], *outputs.shape[1:]])


@fault(
    "a weight is float32 under every policy, and what it is multiplied with becomes that too",
    check="follows_its_dtype_policy",
    names="call",
    thread=(
        "keras-team/keras#16907",
        "ConvNeXt is not compatible with mixed precision, because of its layer `LayerScale`",
    ),
)
class FixedScale(Linear):
    def build(self, input_shape):
        super().build(input_shape)
        self.gamma = self.add_weight(
            shape=(self.units,), initializer="ones", name="gamma", autocast=False
        )

    def call(self, inputs):
        return super().call(inputs) * self.gamma


@fault(
    "the input is cast to float32, and nothing is cast back",
    check="follows_its_dtype_policy",
    names="call",
    thread=(
        "JanMarcelKezmann/TensorFlow-Advanced-Segmentation-Models#29",
        "custom layers fail under mixed_float16: half and float tensors are concatenated",
    ),
)
class CastInside(keras.layers.Layer):
    def call(self, inputs):
        return ops.softmax(ops.cast(inputs, "float32"))


@fault(
    "it says that it supports masks, and takes the masked axis away",
    check="passes_masks_on",
    names="supports_masking",
)
class MaskBehindPooling(keras.layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs):
        return ops.mean(inputs, axis=1)


# --- training, random numbers, compilation ---------------------------------------------------


@fault(
    "a moving average moves in inference, too",
    check="runs_in_training_and_inference",
    names="average",
)
class AlwaysMoving(Linear):
    def build(self, input_shape):
        super().build(input_shape)
        self.average = self.add_weight(
            shape=(self.units,), initializer="zeros", trainable=False, name="average"
        )

    def call(self, inputs):
        outputs = super().call(inputs)
        axes = tuple(range(len(outputs.shape) - 1))
        self.average.assign(0.9 * self.average + 0.1 * ops.mean(outputs, axis=axes))
        return outputs


@fault(
    "noise comes from a generator that no seed reaches",
    check="follows_the_seed",
    names="call",
)
class OwnGenerator(Linear):
    def call(self, inputs, training=None):
        outputs = super().call(inputs)
        if training:
            outputs *= 1.0 + float(np.random.default_rng().normal())
        return outputs


@fault(
    "weights begin with numbers that no seed reaches",
    check="follows_the_seed",
    names="build",
)
class UnseededWeights(Linear):
    def build(self, input_shape):
        super().build(input_shape)
        self.kernel.assign(np.random.default_rng().normal(size=(input_shape[-1], self.units)))


@fault(
    "numbers are looked at in Python where there are any, so tracing gives something else",
    check="is_the_same_when_compiled",
    names="call",
)
class AnotherWhenTraced(Linear):
    def call(self, inputs):
        outputs = super().call(inputs)
        try:
            large = float(np.max(ops.convert_to_numpy(outputs))) > -1e9
        except Exception:  # noqa: BLE001 - the mistake
            large = False
        return outputs * 2.0 if large else outputs


# --- gradients -------------------------------------------------------------------------------


@fault(
    "a bias is made and not used",
    check="gradients_reach_its_weights",
    names="bias",
)
class UnusedBias(Linear):
    def call(self, inputs):
        return ops.matmul(inputs, self.kernel)


@fault(
    "weights are rounded, which has no gradient",
    check="gradients_reach_its_weights",
    names="kernel",
)
class RoundedWeights(Linear):
    def call(self, inputs):
        return ops.matmul(inputs, ops.round(self.kernel)) + self.bias


# --- files -----------------------------------------------------------------------------------


@fault(
    "a matrix of random numbers is kept as an array, which is in no file",
    check="outputs_come_back",
    names="output",
    in_files=True,
)
class RandomProjection(keras.layers.Layer):
    def __init__(self, units: t.PositiveInt = 3, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        drawn = np.random.normal(size=(input_shape[-1], self.units))  # noqa: NPY002 - as seen
        self.matrix = drawn.astype("float32")

    def call(self, inputs):
        return ops.matmul(inputs, ops.cast(self.matrix, inputs.dtype))


@fault(
    "an argument is changed in `build`, and the config has what became of it",
    check="built_config_comes_back",
    names="factor",
    in_files=True,
    also=["outputs_come_back", "second_load_is_like_the_first"],
)
class ChangedInBuild(keras.layers.Layer):
    def __init__(self, factor: t.PositiveInt = 2, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def build(self, input_shape):
        self.factor = 2 * self.factor

    def call(self, inputs):
        return inputs * self.factor

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


@fault(
    "`save_own_variables` and `load_own_variables` do not agree on the order",
    check="loads_in_a_fresh_process",
    names="swapped_variables",
    in_files=True,
    also=["weights_can_be_handed_on"],
)
class SwappedVariables(Linear):
    def build(self, input_shape):
        shape = (input_shape[-1], self.units)
        self.kernel = self.add_weight(shape=shape, name="kernel")
        self.gate = self.add_weight(shape=shape, name="gate")

    def call(self, inputs):
        return ops.matmul(inputs, self.kernel) * ops.matmul(inputs, self.gate)

    def save_own_variables(self, store):
        if self.built:
            store["0"], store["1"] = self.kernel, self.gate

    def load_own_variables(self, store):
        if self.built:
            self.kernel.assign(store["1"])
            self.gate.assign(store["0"])


class Words(keras.layers.Layer):
    """A layer with a list of words that it has from an asset."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.words = ["red", "green"]

    def call(self, inputs):
        return inputs * len(self.words)

    def save_assets(self, folder):
        Path(folder, "words.txt").write_text("\n".join(self.words), encoding="utf-8")

    def load_assets(self, folder):
        if folder is not None:
            self.words = Path(folder, "words.txt").read_text(encoding="utf-8").split()


@twin()
class WordsTwin(Words):
    """A layer with a list of words."""


@fault(
    "an asset is not read as it was written",
    check="assets_come_back",
    names="words.txt",
    also=["copies_and_pickles"],
)
class LosesWords(Words):
    def load_assets(self, folder):
        if folder is not None:
            self.words = Path(folder, "words.txt").read_text(encoding="utf-8").splitlines()[:1]


@fault(
    "`load_assets` does not take None",
    check="takes_no_assets",
    names="load_assets",
)
class NeedsAssets(Words):
    def load_assets(self, folder):
        self.words = Path(folder, "words.txt").read_text(encoding="utf-8").split()
