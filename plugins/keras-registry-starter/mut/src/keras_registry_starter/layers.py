"""Layers."""

import keras

from keras_registry import register
from keras_registry import types as t
from keras_registry_starter._tensors import Shape, Tensor

__all__ = ["GatedDense"]


@register("starter")
class GatedDense(keras.layers.Layer):
    """A dense layer whose output is gated by a second projection of the same input.

    `output = activation(x @ W_gate + b_gate) * (x @ W_value + b_value)`

    With `"sigmoid"` this is the gated linear unit (GLU), with `"gelu"` GEGLU, with `"silu"` SwiGLU,
    with `"relu"` ReGLU, and with `"linear"` the bilinear layer.

    Both projections are one matrix product with `kernel = [W_gate | W_value]` and
    `bias = [b_gate | b_value]`. Each is drawn at once, so a seeded initializer gives the two halves
    different values, and an initializer that looks at the shape sees `2 * units` outputs.

    Args:
        units: Length of the last axis of the output.
        activation: Function of the gate.
        use_bias: Whether the two projections have a bias.
        kernel_initializer: Initializer of `kernel`.
        bias_initializer: Initializer of `bias`.
        **kwargs: Arguments of `keras.layers.Layer`: `name`, `dtype`, `trainable`.

    Input shape:
        `(batch, ..., features)`, rank 2 or more, with `features` known.

    Output shape:
        `(batch, ..., units)`. A mask passes through unchanged.

    Weights:
        `kernel` of shape `(features, 2 * units)`; `bias` of shape `(2 * units,)` if `use_bias`.

    Example:
        >>> import keras
        >>> layer = GatedDense(4, activation="silu")
        >>> tuple(layer(keras.ops.ones((2, 7, 3))).shape)
        (2, 7, 4)

    References:
        - Dauphin, Fan, Auli, Grangier (2017), Language Modeling with Gated Convolutional Networks,
          https://arxiv.org/abs/1612.08083 (the gated linear unit, equation 1)
        - Shazeer (2020), GLU Variants Improve Transformer, https://arxiv.org/abs/2002.05202
          (other activations for the gate, equations 4 and 5)
    """

    def __init__(
        self,
        units: t.PositiveInt,
        activation: t.Activation = "gelu",
        *,
        use_bias: bool = True,
        kernel_initializer: t.Initializer = "glorot_uniform",
        bias_initializer: t.Initializer = "zeros",
        **kwargs: object,
    ) -> None:
        """Keep the arguments, which arrive checked and converted. `build` makes the weights."""
        super().__init__(**kwargs)
        self.units = units
        self.activation = activation
        self.use_bias = use_bias
        self.kernel_initializer = kernel_initializer
        self.bias_initializer = bias_initializer
        self.input_spec = keras.InputSpec(min_ndim=2)
        self.supports_masking = True

    def build(self, input_shape: Shape) -> None:
        """Make the weights for inputs with `input_shape[-1]` features.

        Raises:
            ValueError: If the number of features is unknown.
        """
        features = input_shape[-1]
        if features is None:
            message = f"the last axis must have a known length, found input shape {input_shape}"
            raise ValueError(message)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(features, 2 * self.units),
            initializer=self.kernel_initializer,
        )
        self.bias = (
            self.add_weight(name="bias", shape=(2 * self.units,), initializer=self.bias_initializer)
            if self.use_bias
            else None
        )
        self.input_spec = keras.InputSpec(min_ndim=2, axes={-1: features})

    def call(self, inputs: Tensor) -> Tensor:
        """Map `(batch, ..., features)` to `(batch, ..., units)`."""
        projected = keras.ops.matmul(inputs, self.kernel)
        if self.bias is not None:
            projected = keras.ops.add(projected, self.bias)
        gate, value = keras.ops.split(projected, 2, axis=-1)
        return keras.ops.multiply(self.activation(gate), value)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Replace the last axis of `input_shape` by `units`."""
        return (*input_shape[:-1], self.units)
