"""What is wrong with a file itself, looked for once Keras has failed to read it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras_registry.artifact import (
    WHOLE_HDF5,
    arrays_of,
    legacy_arrays_of,
    opening_weights,
    read_artifact,
    read_keras_zip,
)
from keras_registry.findings import Policy, finding
from keras_registry.names import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    import h5py

    from keras_registry.bridge.restored import WeightsFile
    from keras_registry.findings import Finding

__all__ = ["damage_findings"]

_MODEL_WEIGHTS = "model_weights"
"""What Keras calls the group of a ``.h5`` file that has the weights of the layers."""


def damage_findings(weights_file: WeightsFile) -> Sequence[Finding]:
    """What keeps anybody from reading a file; nothing if it can be read.

    Args:
        weights_file: The file, whose members are read through.
    """
    source = weights_file.source
    if hasattr(source, "read"):
        reading = read_keras_zip(source, verify_members=True)
    else:
        reading = read_artifact(source, verify_members=True)
    if reading.artifact is None:
        return reading.findings
    try:
        with opening_weights(source) as file:
            lack = _lack_of_weights(file) if weights_file.legacy and file is not None else None
            if file is not None and lack is None:
                (legacy_arrays_of if weights_file.legacy else arrays_of)(file)
    except Exception as error:  # noqa: BLE001 - damage shows in many ways
        found = str(error) or type(error).__name__
        what = "the weights in the file cannot be read"
        return [_finding("A105", what, WHOLE_HDF5, found)]
    if lack is not None:
        return [_finding("A106", "the file has no weights", f"a group {_MODEL_WEIGHTS}", lack)]
    return []


def _lack_of_weights(file: h5py.File) -> str | None:
    """What a ``.h5`` file has in place of the group with the weights; None if it has that."""
    import h5py

    if _MODEL_WEIGHTS not in file:
        return f"members {', '.join(file)}"
    is_group = isinstance(file[_MODEL_WEIGHTS], h5py.Group)
    return None if is_group else f"an array {_MODEL_WEIGHTS}"


def _finding(code: str, summary: str, wanted: str, found: str) -> Finding:
    parts = {"wanted": wanted, "found": printable(found, limit=300)}
    return finding(code, Policy.COMPATIBLE, summary, **parts, hint="copy or save the model again")
