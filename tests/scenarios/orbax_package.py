"""A stand-in for Orbax: the few calls that Keras makes of it, on folders of pickles.

The real one brings more than all other dependencies of the tests together, and not to every
system. `nox -s orbax` runs the same tests on it.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["find_orbax"]

PARENT = """\
import types

from orbax.checkpoint import v1

multihost = types.SimpleNamespace(is_jax_distributed_client_initialized=lambda: False)
"""

SOURCE = """\
import contextlib
import pickle
import types
from pathlib import Path


def keep(*args):
    return args


Context = contextlib.nullcontext


class Checkpointer:
    def __init__(self, directory, **policies):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)

    @property
    def latest(self):
        steps = [int(path.name) for path in self.directory.iterdir() if path.name.isdigit()]
        return types.SimpleNamespace(step=max(steps)) if steps else None

    def save_checkpointables(self, step, payload):
        folder = self.directory / str(step)
        folder.mkdir()
        for name, value in payload.items():
            (folder / name).write_bytes(pickle.dumps(value))
        (folder / "_CHECKPOINT_METADATA").write_text("{}")

    def checkpointables_metadata(self, step):
        names = [path.name for path in (self.directory / str(step)).iterdir()]
        return types.SimpleNamespace(metadata=dict.fromkeys(names))

    def load_checkpointables(self, step, request):
        folder = self.directory / str(step)
        return {name: pickle.loads((folder / name).read_bytes()) for name in request}

    def close(self):
        pass


training = types.SimpleNamespace(
    Checkpointer=Checkpointer,
    preservation_policies=types.SimpleNamespace(LatestN=keep, AnyPreservationPolicy=keep),
    save_decision_policies=types.SimpleNamespace(FixedIntervalPolicy=keep),
)
"""


def find_orbax(folder: Path) -> list[Path]:
    """Return what a process needs on its path to import Orbax: nothing if it is installed.

    Args:
        folder: Where to write the stand-in.
    """
    if importlib.util.find_spec("orbax") is not None:
        return []
    package = folder / "orbax" / "checkpoint"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(PARENT, encoding="utf-8")
    (package / "v1.py").write_text(SOURCE, encoding="utf-8")
    return [folder]
