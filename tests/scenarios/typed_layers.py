"""acme-typed: layers that take dtype policies in every way, and a look at what they have."""

from __future__ import annotations

from tests.support.distributions import PluginProject

__all__ = ["MODULE", "PROJECT", "TELL", "TOLD"]

MODULE = '''\
import keras

from keras_registry import register
from keras_registry import types as t


@register("acme")
class Scaled(keras.layers.Layer):
    """A layer with keyword arguments."""

    def __init__(self, units: t.PositiveInt, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")

    def call(self, inputs):
        return keras.ops.matmul(inputs, self.kernel)


@register("acme")
class Curt(keras.layers.Layer):
    """A layer without them: what Keras saves of it is set after construction."""

    def __init__(self, units: t.PositiveInt):
        super().__init__()
        self.units = units

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), name="kernel")

    def call(self, inputs):
        return keras.ops.matmul(inputs, self.kernel)


@register("acme")
class Pair(keras.layers.Layer):
    """A layer with two others in it, one of which it makes itself."""

    def __init__(self, inner: t.Layer, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner
        self.own = keras.layers.Dense(2, dtype=self.dtype_policy, name="own")

    def build(self, input_shape):
        if not self.inner.built:
            self.inner.build(input_shape)
        self.own.build((*input_shape[:-1], self.inner.units))

    def call(self, inputs):
        return self.own(self.inner(inputs))


@register("acme")
class Typed(keras.layers.Layer):
    """A layer that takes a policy as an argument of its own."""

    def __init__(self, inner_policy: t.DTypePolicy = "float32", **kwargs):
        super().__init__(**kwargs)
        self.inner_policy = inner_policy
        self.dense = keras.layers.Dense(2, dtype=inner_policy, name="dense")

    def build(self, input_shape):
        self.dense.build(input_shape)

    def call(self, inputs):
        return self.dense(inputs)
'''

PROJECT = PluginProject(
    name="acme-typed",
    version="1.0.0",
    modules={"acme_typed/__init__.py": MODULE},
    entry_points={
        "keras_registry.layers": {
            f"acme>{name}": f"acme_typed:{name}" for name in ("Scaled", "Curt", "Pair", "Typed")
        }
    },
)

TOLD = """
def told(layer):
    policies = keras.saving.serialize_keras_object(layer.dtype_policy)
    return [layer.name, policies, layer.compute_dtype, layer.variable_dtype]
"""
"""A function that tells of a layer's policy: by itself, and what comes of it."""

TELL = f"""{TOLD}
seen["told"] = [told(layer) for layer in model._flatten_layers(include_self=False)]
seen["weights"] = sorted({{weight.dtype for weight in model.weights}})
"""
"""What `observe` is to note of a model."""
