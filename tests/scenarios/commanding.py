"""Commands of `keras-registry` that import Keras, in processes that have it already."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.support.processes import Completed, ForkServer

__all__ = ["forked_command"]

PROGRAM = """\
import sys

from keras_registry.cli import main

sys.exit(main(sys.argv[1:]))
"""


def forked_command(
    server: ForkServer, *arguments: str | Path, path: Iterable[Path] = ()
) -> Completed:
    """Run a command in a forked child, which ends as the command would end."""
    return server.run(PROGRAM, argv=map(str, arguments), path=path)
