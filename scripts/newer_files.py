"""Write small models as one release of Keras saves them, and load them with an older one.

In most of them every value is a default, so that an older Keras can do all that the newer one did;
plain Keras stops all the same, for arguments that it does not know. A few need the newer release.
`nox -s pairs` runs this for each pair of supported releases.

    python scripts/newer_files.py write FOLDER              # with the newer release
    python scripts/newer_files.py read FOLDER               # with the older one, and keras-registry

Writing needs nothing but Keras and a backend; with `--manifest` it needs keras-registry. Reading
loads each file, compares the predictions with those of the newer release, saves the model again,
and says what was left out. The status is 1 if a file does not load or predicts something else, or
if one loads that needs the newer release.
"""

from __future__ import annotations

import argparse
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from packaging.version import Version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

layers = keras.layers


def _sequential(shape: tuple[int, ...], *parts: Any, dtype: str | None = None) -> Any:
    return keras.Sequential([layers.Input(shape, dtype=dtype), *parts])


def _compiled(model: Any, **arguments: Any) -> Any:
    model.compile(**arguments)
    model.optimizer.build(model.trainable_variables)
    return model


def _functional() -> Any:
    first, second = layers.Input((4,), name="first"), layers.Input((4,), name="second")
    shared = layers.Dense(3, name="shared")
    joined = layers.Concatenate()([shared(first), shared(second), keras.ops.tanh(first)])
    return keras.Model([first, second], layers.Dense(2)(joined))


def _attention(layer: Any) -> Any:
    inputs = layers.Input((5, 8))
    return keras.Model(inputs, layers.GlobalAveragePooling1D()(layer(inputs, inputs)))


def _dot_attention(layer: Any) -> Any:
    inputs = layers.Input((5, 8))
    return keras.Model(inputs, layer([inputs, inputs]))


def _transformer() -> Any:
    inputs = layers.Input((6,), dtype="int32")
    x = layers.Embedding(10, 8)(inputs)
    x = layers.LayerNormalization()(x + layers.MultiHeadAttention(2, 4)(x, x))
    x = x + layers.Dense(8)(layers.Dense(16, activation="gelu")(x))
    return keras.Model(inputs, layers.Dense(10, activation="softmax")(x))


def _residual() -> Any:
    inputs = layers.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, padding="same", use_bias=False)(inputs)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Add()([x, layers.SeparableConv2D(4, 3, padding="same")(x)])
    return keras.Model(inputs, layers.Dense(2)(layers.GlobalMaxPooling2D()(x)))


def _nested() -> Any:
    inner = _sequential((4,), layers.Dense(3), layers.BatchNormalization())
    return _sequential((4,), inner, layers.Dense(1))


def _classifier(optimizer: Any) -> Any:
    return _compiled(
        _sequential((4,), layers.Dense(3, activation="softmax")),
        optimizer=optimizer,
        loss="sparse_categorical_crossentropy",
        metrics=[keras.metrics.SparseCategoricalCrossentropy(), "accuracy"],
    )


def _regressor() -> Any:
    rate = keras.optimizers.schedules.CosineDecay(0.1, 10)
    model = _sequential((4,), layers.Dense(3, kernel_regularizer="l2"), layers.Dense(1))
    return _compiled(model, optimizer=keras.optimizers.SGD(rate, 0.9), loss="mean_squared_error")


MODELS: dict[str, Callable[[], Any]] = {
    "dense": lambda: _sequential((4,), layers.Dense(3), layers.Dense(2, activation="relu")),
    "initializers": lambda: _sequential(
        (4,),
        layers.Dense(3, kernel_initializer="he_normal", bias_initializer="zeros"),
        layers.Dense(3, kernel_initializer="lecun_uniform"),
        layers.Dense(3, kernel_initializer=keras.initializers.VarianceScaling(2.0)),
        layers.Dense(3, kernel_initializer="orthogonal"),
    ),
    "batch_normalization": lambda: _sequential((4,), layers.Dense(3), layers.BatchNormalization()),
    "normalizations": lambda: _sequential(
        (6, 4), layers.LayerNormalization(), layers.GroupNormalization(2)
    ),
    "einsum_dense": lambda: _sequential((3, 4), layers.EinsumDense("abc,cd->abd", (None, 5))),
    "embedding": lambda: _sequential((5,), layers.Embedding(10, 4), dtype="int32"),
    "reversible_embedding": lambda: _sequential(
        (5,), layers.ReversibleEmbedding(10, 4), dtype="int32"
    ),
    "conv1d": lambda: _sequential((8, 3), layers.Conv1D(4, 3), layers.MaxPooling1D()),
    "conv2d": lambda: _sequential((8, 8, 3), layers.Conv2D(4, 3), layers.AveragePooling2D(2)),
    "conv_transpose": lambda: _sequential((4, 4, 3), layers.Conv2DTranspose(2, 3)),
    "depthwise": lambda: _sequential((6, 6, 3), layers.DepthwiseConv2D(3), layers.Flatten()),
    "residual": _residual,
    "lstm": lambda: _sequential((5, 3), layers.LSTM(4, return_sequences=True), layers.GRU(3)),
    "bidirectional": lambda: _sequential((5, 3), layers.Bidirectional(layers.LSTM(3))),
    "cells": lambda: _sequential((5, 3), layers.RNN([layers.GRUCell(3), layers.LSTMCell(2)])),
    "conv_lstm": lambda: _sequential((3, 6, 2), layers.ConvLSTM1D(2, 3)),
    "wrappers": lambda: _sequential(
        (5, 4),
        layers.TimeDistributed(layers.Dense(3)),
        layers.SpectralNormalization(layers.Dense(2)),
    ),
    "multi_head_attention": lambda: _attention(layers.MultiHeadAttention(2, 4)),
    "group_query_attention": lambda: _attention(layers.GroupQueryAttention(4, 4, 2)),
    "attention": lambda: _dot_attention(layers.Attention(use_scale=True)),
    "transformer": _transformer,
    "functional": _functional,
    "nested": _nested,
    "augmented": lambda: _sequential(
        (8, 8, 3),
        layers.RandomFlip(seed=1),
        layers.RandomBrightness(0.2, seed=1),
        layers.RandomContrast(0.2, seed=1),
        layers.Conv2D(2, 3),
    ),
    "adam": lambda: _classifier("adam"),
    "rmsprop": lambda: _classifier("rmsprop"),
    "schedule": _regressor,
    "lookup": lambda: _sequential(
        (3,),
        layers.IntegerLookup(vocabulary=[3, 5, 7], num_oov_indices=2),
        layers.Embedding(6, 2),
        dtype="int64",
    ),
}
NEWER: dict[str, tuple[str, Callable[[], Any]]] = {
    "pooling": ("3.13", lambda: _sequential((6, 2), layers.AdaptiveMaxPooling1D(3))),
    "muon": ("3.13", lambda: _classifier(keras.optimizers.Muon())),  # which 3.13 has no name for
    "renorm": ("3.14", lambda: _sequential((4,), layers.BatchNormalization(renorm=True))),
    "gate": ("3.14", lambda: _attention(layers.MultiHeadAttention(2, 4, use_gate=True))),
    "window": ("3.15", lambda: _attention(layers.MultiHeadAttention(2, 4, sliding_window=2))),
}
"""Models that only Keras from this release on can make."""

SUFFIXES = (".keras", ".h5")
NOT_IN_H5 = frozenset({"attention", "augmented", "cells", "functional", "muon", "transformer"})
"""What one of the releases cannot save in `.h5`, or not load from a `.h5` file of its own."""


def write(folder: Path, names: list[str], *, plain: bool) -> None:
    """Write models in both formats, each with inputs and predictions.

    Args:
        folder: Where they go.
        names: Which models.
        plain: Whether to write them without manifests.
    """
    if not plain:
        import keras_registry  # noqa: F401 - which adds them
    folder.mkdir(parents=True, exist_ok=True)
    here = Version(keras.__version__)
    newer = {name: make for name, (since, make) in NEWER.items() if here >= Version(since)}
    for name, make in {**MODELS, **newer}.items():
        if name not in names:
            continue
        keras.utils.set_random_seed(3)
        keras.backend.clear_session()
        model = make()
        x = [_values(each) for each in model.inputs]
        predictions = model.predict(x, verbose=0)
        for suffix in SUFFIXES:
            if suffix == ".keras" or name not in NOT_IN_H5:
                model.save(folder / f"{name}{suffix}")
        arrays = {f"x{i}": array for i, array in enumerate(x)}
        np.savez(folder / f"{name}.npz", predictions=predictions, **arrays)


def _values(tensor: Any) -> Any:
    random = np.random.default_rng(4)
    shape = (2, *tensor.shape[1:])
    if keras.backend.is_int_dtype(tensor.dtype):
        return random.integers(0, 10, shape).astype(tensor.dtype)
    return random.normal(size=shape).astype("float32")


def read(folder: Path) -> int:
    """Load all models of a folder, and say what became of each; return how many failed."""
    words = ("loaded", "with something left out", "stopped by plain Keras", "rightly stopped")
    counts, failed = dict.fromkeys(words, 0), 0
    for file, arrays in _iter_files(folder):
        since = NEWER[file.stem][0] if file.stem in NEWER else "3"
        if Version(keras.__version__) < Version(since):
            told, wrong = _fail_one(file)
            counts["rightly stopped"] += wrong is None
        else:
            told, wrong = _read_one(file, arrays)
            counts["loaded"] += wrong is None
            counts["with something left out"] += bool(told)
            counts["stopped by plain Keras"] += _stops_plain_keras(file)
        failed += wrong is not None
        print(f"  {file.name:<30} {wrong or told or 'as it is'}")
    figures = ", ".join(f"{count} {words}" for words, count in counts.items())
    print(f"{folder.name} under keras {keras.__version__}: {failed} failed, {figures}")
    return failed


def _iter_files(folder: Path) -> Iterator[tuple[Path, Any]]:
    for npz in sorted(folder.glob("*.npz")):
        for suffix in SUFFIXES:
            file = npz.with_suffix(suffix)
            if file.exists():
                yield file, np.load(npz)


def _read_one(file: Path, arrays: Any) -> tuple[str, str | None]:
    """What was left out of a file, and what is wrong with the model that was loaded."""
    import keras_registry

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model = keras_registry.load_model(file)
        except keras_registry.LoadError as error:
            return "", str(error)
    found = (getattr(warning.message, "finding", None) for warning in caught)
    told = "; ".join(item.found for item in found if item is not None and item.code == "K109")
    x = [arrays[name] for name in sorted(arrays) if name != "predictions"]
    predictions = model.predict(x, verbose=0)
    if not np.allclose(predictions, arrays["predictions"], rtol=1e-4, atol=1e-5):
        return told, "other predictions"
    with tempfile.TemporaryDirectory() as folder:
        again = Path(folder, file.name)
        model.save(again)
        keras_registry.load_model(again, policy="strict")
    return told, None


def _fail_one(file: Path) -> tuple[str, str | None]:
    """Why a file is stopped that needs a newer Keras, and what is wrong if it is not."""
    import keras_registry

    try:
        keras_registry.load_model(file)
    except keras_registry.LoadError as error:
        found = [item for item in error.findings if item.code in {"K103", "K110"}]
        if found:
            return "; ".join(item.summary for item in found), None
        return "", str(error)
    return "", "loaded without what it needs"


def _stops_plain_keras(file: Path) -> bool:
    """Whether Keras alone does not load a file; keras-registry is off here."""
    import keras_registry

    keras_registry.disable()
    try:
        keras.saving.load_model(file)
    except Exception:  # noqa: BLE001 - whatever it raises
        return True
    finally:
        keras_registry.enable()
    return False


def main() -> int:
    """Write models or load them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("action", choices=["write", "read"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--models", nargs="+", default=[*MODELS, *NEWER])
    parser.add_argument("--manifest", action="store_true", help="write them with keras-registry")
    options = parser.parse_args()
    if options.action == "read":
        return 1 if read(options.folder) else 0
    write(options.folder, options.models, plain=not options.manifest)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
