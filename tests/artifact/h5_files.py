"""`.h5` files made by hand, in the form in which Keras writes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ATTRIBUTES", "CONFIG", "MANIFEST", "TRAINING", "make_h5"]

CONFIG: dict[str, Any] = {
    "class_name": "Sequential",
    "config": {
        "name": "small",
        "layers": [
            {"class_name": "InputLayer", "config": {"batch_shape": [None, 4], "name": "input"}},
            {"class_name": "acme>GatedDense", "config": {"name": "gate", "units": 3}},
        ],
    },
}
TRAINING: dict[str, Any] = {
    "loss": "mean_squared_error",
    "loss_weights": None,
    "metrics": ["accuracy"],
    "weighted_metrics": None,
    "optimizer_config": {"class_name": "Adam", "config": {"name": "adam", "learning_rate": 0.001}},
}
MANIFEST: dict[str, Any] = {"manifest_version": "1.0", "generator": "keras-registry 0.1.0"}

# Keras passes the configs to h5py as bytes, and the rest as text.
ATTRIBUTES: dict[str, Any] = {
    "keras_version": "3.15.1",
    "backend": "tensorflow",
    "model_config": json.dumps(CONFIG).encode(),
    "training_config": json.dumps(TRAINING).encode(),
}


def make_h5(path: Path, changes: dict[str, Any] | None = None, *, manifest: Any = MANIFEST) -> Path:
    """Write a `.h5` file and return its path.

    Args:
        path: Where it goes.
        changes: Attributes to exchange, add or, with None, leave out.
        manifest: The manifest's document; None for a file without.
    """
    with h5py.File(path, "w") as file:
        for name, value in (ATTRIBUTES | (changes or {})).items():
            if value is not None:
                file.attrs[name] = value
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = [b"input", b"gate"]
        weights.create_dataset("gate/kernel", data=np.arange(12, dtype="float32").reshape(4, 3))
        file.create_dataset("optimizer_weights/iteration", data=7)
        if manifest is not None:
            data = np.frombuffer(json.dumps(manifest).encode(), "uint8")
            file.create_dataset("keras_registry/manifest", data=data)
            file.create_group("keras_registry/vars")
    return path
