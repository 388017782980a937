"""What importing a module of a plugin costs, where Keras is imported already."""

from __future__ import annotations

import builtins
import importlib
import sys
import time
from typing import Any

__all__ = ["BACKENDS", "import_module"]

BACKENDS = ("tensorflow", "jax", "torch", "openvino")
"""What a plugin must not import by itself, so that it runs on each of them."""


def import_module(*, module: str) -> dict[str, Any]:
    """Imports a module and says what that took.

    Args:
        module: The module of a plugin.

    Returns:
        The seconds; the backends that the modules of the plugin ask for by an import of their own;
        and the number of modules that came with it.
    """
    root = module.partition(".")[0]
    asked: dict[str, str] = {}
    original = builtins.__import__

    def spy(name: str, globals: Any = None, *args: Any, **kwargs: Any) -> Any:  # noqa: A002
        importer = str((globals or {}).get("__name__", ""))
        level = args[2] if len(args) > 2 else kwargs.get("level", 0)  # noqa: PLR2004
        top = name.partition(".")[0]
        if importer.partition(".")[0] == root and level == 0 and top in BACKENDS:
            asked.setdefault(top, importer)
        return original(name, globals, *args, **kwargs)

    before, start = set(sys.modules), time.perf_counter()
    builtins.__import__ = spy
    try:
        importlib.import_module(module)
    finally:
        builtins.__import__ = original
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "backends": asked, "modules": len(set(sys.modules) - before)}
