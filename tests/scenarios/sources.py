"""Source texts of objects that several plugins of the scenarios have, without their decorators."""

from __future__ import annotations

__all__ = ["GAP", "GATE", "IMPORTS", "SHARE", "SQUASH", "registered"]

IMPORTS = """\
import keras

from keras_registry import register
from keras_registry import types as t
"""

SQUASH = """\
def squash(x):
    return x / (1 + keras.ops.abs(x))
"""

GAP = """\
def gap(y_true, y_pred):
    return keras.ops.mean(keras.ops.abs(y_true - y_pred), axis=-1)
"""

GATE = """\
class Gate(keras.layers.Layer):
    def __init__(self, units: t.PositiveInt, activation: t.Activation = "tanh", **kwargs):
        super().__init__(**kwargs)
        self.units, self.activation = units, activation

    def build(self, input_shape):
        shape = (input_shape[-1], self.units)
        self.kernel = self.add_weight(shape=shape, name="kernel")
        self.gate = self.add_weight(shape=shape, name="gate")

    def call(self, inputs):
        gate = self.activation(keras.ops.matmul(inputs, self.gate))
        return gate * keras.ops.matmul(inputs, self.kernel)
"""

SHARE = """\
class Share(keras.metrics.Metric):
    def __init__(self, tolerance: float = 0.1, **kwargs):
        super().__init__(**kwargs)
        self.tolerance = tolerance
        self.hits = self.add_variable(shape=(), initializer="zeros", name="hits")

    def update_state(self, y_true, y_pred, sample_weight=None):
        close = keras.ops.abs(y_true - y_pred) <= self.tolerance
        self.hits.assign_add(keras.ops.sum(keras.ops.cast(close, "float32")))

    def result(self):
        return keras.ops.convert_to_tensor(self.hits)
"""


def registered(*sources: str) -> str:
    """Return these objects, each registered under the namespace `acme`."""
    return "\n\n".join(f'@register("acme")\n{source}' for source in sources)
