"""Loads a model in a process of its own, and writes what was found: for ``verify --build``.

Called as ``python -m keras_registry.cli.building FILE POLICY ANSWER``. Whatever the model does to
this process, the one that asked goes on.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from keras_registry.errors import LoadError
from keras_registry.findings import finding
from keras_registry.names import printable
from keras_registry.settings import parse_policy

if TYPE_CHECKING:
    from keras_registry.findings import Finding, Policy

__all__ = ["main"]


def main(file: str, policy: str, answer: str) -> None:
    """Loads a model, and writes the findings as JSON.

    Args:
        file: The path of the model.
        policy: How strictly to judge.
        answer: The path of what is written.
    """
    found = _find(file, parse_policy(policy))
    text = json.dumps([item.to_json() for item in found])
    Path(answer).write_text(text, encoding="utf-8")


def _find(file: str, policy: Policy) -> tuple[Finding, ...]:
    from keras_registry.bridge.explicit import load_model
    from keras_registry.bridge.reports import report

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # findings tell the same
            model = load_model(file, policy=policy)
    except LoadError as error:
        return error.findings
    except Exception as error:  # noqa: BLE001 - what Keras says of a path that is no model's
        parts = {"found": printable(str(error).partition("\n")[0], limit=300)}
        return (finding("K105", policy, "the model could not be made", **parts),)
    loaded = report(model)
    return () if loaded is None else loaded.findings


if __name__ == "__main__":
    main(*sys.argv[1:])
