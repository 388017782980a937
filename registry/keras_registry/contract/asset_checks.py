"""Checks of the assets of layers and models (C219, C220)."""

from __future__ import annotations

import filecmp
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_registry.contract.attempts import attempting
from keras_registry.contract.inputs import call_for
from keras_registry.contract.layer_checks import LAYERS
from keras_registry.contract.results import Skip
from keras_registry.contract.table import Check

if TYPE_CHECKING:
    from keras_registry.contract.subjects import Case

__all__ = ["ASSET_CHECKS"]


def check_assets_come_back(case: Case) -> None:
    """What `save_assets` writes, `load_assets` reads, and writes again the same."""
    made = case.make()
    _need_assets(made)
    if case.subject.inputs is not None:
        made(*call_for(case).arguments)
    with tempfile.TemporaryDirectory(prefix="keras-registry-") as name:
        first, second = Path(name, "first"), Path(name, "second")
        first.mkdir()
        second.mkdir()
        made.save_assets(str(first))
        other = case.make()
        other.load_assets(str(first))
        other.save_assets(str(second))
        files = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
        for file in files:
            copy = second / file
            if not copy.exists() or not filecmp.cmp(first / file, copy, shallow=False):
                case.fail(
                    at_fault=str(file),
                    wanted="the same file",
                    found="another one" if copy.exists() else "no such file",
                    method="load_assets",
                )


def check_takes_no_assets(case: Case) -> None:
    """Its `load_assets` takes None, which stands for no assets.

    Keras calls it so where the file has assets, but none of this layer.
    """
    made = case.make()
    _need_assets(made)
    with attempting(case, "load_assets", "nothing to happen", method="load_assets"):
        made.load_assets(None)


def _need_assets(made: Any) -> None:
    if not hasattr(made, "load_assets") and not hasattr(made, "save_assets"):
        reason = "it has no assets"
        raise Skip(reason)


ASSET_CHECKS = (
    Check(
        "C219",
        check_assets_come_back,
        "let load_assets read all files that save_assets writes",
        kinds=LAYERS,
    ),
    Check(
        "C220",
        check_takes_no_assets,
        "begin load_assets with `if path is None: return`",
        kinds=LAYERS,
        on_first_case=True,
    ),
)
