"""What newer Keras releases added to configs: a table, so that nobody has to import Keras.

An older Keras neither has the classes nor takes the arguments. Compared are the releases in
`KERAS_VERSIONS` with the first of them.

Written by `scripts/keras_arguments.py`, which says how. Do not edit it. A test compares it with the
Keras that is installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ARGUMENTS", "CLASSES", "KERAS_VERSIONS"]

KERAS_VERSIONS: tuple[str, ...] = (
    "3.12.0",
    "3.12.1",
    "3.12.2",
    "3.12.3",
    "3.12.4",
    "3.13.0",
    "3.13.1",
    "3.13.2",
    "3.14.0",
    "3.14.1",
    "3.15.0",
    "3.15.1",
)
"""The Keras releases that were compared, oldest first."""

# fmt: off
CLASSES: Mapping[str, str] = {
    "keras.dtype_policies.AWQDTypePolicy": "3.14.0",
    "keras.dtype_policies.Int4DTypePolicy": "3.14.0",
    "keras.layers.AdaptiveAveragePooling1D": "3.13.0",
    "keras.layers.AdaptiveAveragePooling2D": "3.13.0",
    "keras.layers.AdaptiveAveragePooling3D": "3.13.0",
    "keras.layers.AdaptiveMaxPooling1D": "3.13.0",
    "keras.layers.AdaptiveMaxPooling2D": "3.13.0",
    "keras.layers.AdaptiveMaxPooling3D": "3.13.0",
    "keras.layers.ContrastLimitedAdaptiveHistogramEqualization": "3.14.0",
    "keras.optimizers.MultiOptimizer": "3.15.0",
    "keras.optimizers.OptimizerMap": "3.15.0",
    "keras.optimizers.ScheduleFreeAdamW": "3.14.0",
    "keras.quantizers.AWQConfig": "3.14.0",
    "keras.quantizers.Float8QuantizationConfig": "3.13.0",
    "keras.quantizers.GPTQConfig": "3.13.0",
    "keras.quantizers.Int4QuantizationConfig": "3.13.0",
    "keras.quantizers.Int8QuantizationConfig": "3.13.0",
    "keras.quantizers.QuantizationConfig": "3.13.0",
    "keras.src.layers.pooling.base_adaptive_pooling.BaseAdaptiveAveragePooling": "3.13.0",
    "keras.src.layers.pooling.base_adaptive_pooling.BaseAdaptiveMaxPooling": "3.13.0",
    "keras.src.layers.pooling.base_adaptive_pooling.BaseAdaptivePooling": "3.13.0",
    "keras.src.ops.image.SSIM": "3.15.0",
    "keras.src.ops.image.SobelEdges": "3.15.0",
    "keras.src.ops.linalg.MatrixRank": "3.15.0",
    "keras.src.ops.linalg.Pinv": "3.15.0",
    "keras.src.ops.math.CDist": "3.15.0",
    "keras.src.ops.math.Erfc": "3.15.0",
    "keras.src.ops.math.SegmentMin": "3.15.0",
    "keras.src.ops.math.SegmentProd": "3.15.0",
    "keras.src.ops.nn.AdaptiveAveragePool": "3.13.0",
    "keras.src.ops.nn.AdaptiveMaxPool": "3.13.0",
    "keras.src.ops.nn.DepthToSpace": "3.14.0",
    "keras.src.ops.nn.Fold": "3.14.0",
    "keras.src.ops.nn.SpaceToDepth": "3.14.0",
    "keras.src.ops.numpy.AllClose": "3.14.0",
    "keras.src.ops.numpy.ArraySplit": "3.13.0",
    "keras.src.ops.numpy.Dsplit": "3.15.0",
    "keras.src.ops.numpy.Dstack": "3.14.0",
    "keras.src.ops.numpy.EmptyLike": "3.13.0",
    "keras.src.ops.numpy.Fabs": "3.15.0",
    "keras.src.ops.numpy.Fliplr": "3.14.0",
    "keras.src.ops.numpy.Flipud": "3.14.0",
    "keras.src.ops.numpy.Fmax": "3.15.0",
    "keras.src.ops.numpy.Fmin": "3.15.0",
    "keras.src.ops.numpy.Fmod": "3.14.0",
    "keras.src.ops.numpy.Geomspace": "3.14.0",
    "keras.src.ops.numpy.Hsplit": "3.14.0",
    "keras.src.ops.numpy.I0": "3.14.0",
    "keras.src.ops.numpy.Ldexp": "3.13.0",
    "keras.src.ops.numpy.Nanargmax": "3.14.0",
    "keras.src.ops.numpy.Nanargmin": "3.14.0",
    "keras.src.ops.numpy.Nancumprod": "3.14.0",
    "keras.src.ops.numpy.Nancumsum": "3.14.0",
    "keras.src.ops.numpy.Nanmax": "3.14.0",
    "keras.src.ops.numpy.Nanmean": "3.14.0",
    "keras.src.ops.numpy.Nanmedian": "3.14.0",
    "keras.src.ops.numpy.Nanmin": "3.14.0",
    "keras.src.ops.numpy.Nanpercentile": "3.15.0",
    "keras.src.ops.numpy.Nanprod": "3.14.0",
    "keras.src.ops.numpy.Nanquantile": "3.14.0",
    "keras.src.ops.numpy.Nanstd": "3.14.0",
    "keras.src.ops.numpy.Nansum": "3.14.0",
    "keras.src.ops.numpy.Nanvar": "3.14.0",
    "keras.src.ops.numpy.Nextafter": "3.14.0",
    "keras.src.ops.numpy.Percentile": "3.15.0",
    "keras.src.ops.numpy.Ptp": "3.14.0",
    "keras.src.ops.numpy.Rad2deg": "3.14.0",
    "keras.src.ops.numpy.Sinc": "3.14.0",
    "keras.src.ops.numpy.Unique": "3.15.0",
    "keras.src.ops.numpy.Vander": "3.13.0",
    "keras.src.ops.numpy.Vsplit": "3.14.0",
}
"""The release that first had a class, by the module and name under which a config has it."""

ARGUMENTS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "keras.initializers.GlorotNormal": {
        "input_axes": {"since": "3.15.0", "default": None},
        "output_axes": {"since": "3.15.0", "default": None},
    },
    "keras.initializers.GlorotUniform": {
        "input_axes": {"since": "3.15.0", "default": None},
        "output_axes": {"since": "3.15.0", "default": None},
    },
    "keras.initializers.HeNormal": {
        "input_axes": {"since": "3.15.0", "default": None},
        "output_axes": {"since": "3.15.0", "default": None},
    },
    "keras.initializers.HeUniform": {
        "input_axes": {"since": "3.15.0", "default": None},
        "output_axes": {"since": "3.15.0", "default": None},
    },
    "keras.initializers.LecunNormal": {
        "input_axes": {"since": "3.15.0", "default": None},
        "output_axes": {"since": "3.15.0", "default": None},
    },
    "keras.initializers.LecunUniform": {
        "input_axes": {"since": "3.15.0", "default": None},
        "output_axes": {"since": "3.15.0", "default": None},
    },
    "keras.initializers.VarianceScaling": {
        "input_axes": {"since": "3.15.0", "default": None},
        "output_axes": {"since": "3.15.0", "default": None},
    },
    "keras.layers.BatchNormalization": {
        "renorm": {"since": "3.14.0", "default": False},
        "renorm_clipping": {"since": "3.14.0", "default": None},
        "renorm_momentum": {"since": "3.14.0", "default": 0.99},
    },
    "keras.layers.Dense": {
        "quantization_config": {"since": "3.13.0", "default": None},
    },
    "keras.layers.EinsumDense": {
        "quantization_config": {"since": "3.13.0", "default": None},
    },
    "keras.layers.Embedding": {
        "quantization_config": {"since": "3.13.0", "default": None},
    },
    "keras.layers.FlaxLayer": {
        "native_serialization_platforms": {"since": "3.14.0", "default": None},
    },
    "keras.layers.GroupQueryAttention": {
        "use_gate": {"since": "3.14.0", "default": False},
        "sliding_window": {"since": "3.15.0", "default": None},
    },
    "keras.layers.GroupedQueryAttention": {
        "use_gate": {"since": "3.14.0", "default": False},
        "sliding_window": {"since": "3.15.0", "default": None},
    },
    "keras.layers.IntegerLookup": {
        "oov_method": {"since": "3.14.0", "default": "floormod"},
        "salt": {"since": "3.14.0", "default": None},
    },
    "keras.layers.JaxLayer": {
        "native_serialization_platforms": {"since": "3.14.0", "default": None},
    },
    "keras.layers.MultiHeadAttention": {
        "use_gate": {"since": "3.14.0", "default": False},
        "sliding_window": {"since": "3.15.0", "default": None},
    },
    "keras.layers.ReversibleEmbedding": {
        "quantization_config": {"since": "3.13.0", "default": None},
    },
    "keras.layers.StringLookup": {
        "oov_method": {"since": "3.14.0", "default": "floormod"},
        "salt": {"since": "3.14.0", "default": None},
    },
    "keras.metrics.SparseCategoricalCrossentropy": {
        "ignore_class": {"since": "3.14.0", "default": None},
    },
    "keras.optimizers.Muon": {
        "adam_weight_decay": {"since": "3.13.0"},
        "rms_rate": {"since": "3.13.0"},
    },
    "keras.quantizers.Int4QuantizationConfig": {
        "block_size": {"since": "3.14.0"},
    },
    "keras.src.layers.preprocessing.index_lookup.IndexLookup": {
        "oov_method": {"since": "3.14.0", "default": "floormod"},
        "salt": {"since": "3.14.0", "default": None},
    },
    "keras.src.ops.core.ScatterUpdate": {
        "reduction": {"since": "3.14.0", "default": None},
    },
}
"""By class and argument: ``since``, the release that first took it, and ``default``, the value in a
config with which Keras does what it did before. Without ``default`` no value is known to."""
# fmt: on
