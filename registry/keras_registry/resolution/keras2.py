"""What is said of a model that Keras 2 saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from packaging.version import Version

from keras_registry.findings import Finding, Policy, finding
from keras_registry.names import printable
from keras_registry.resolution.keras_findings import Fit, pointer

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from keras_registry.artifact import Artifact, Modernised, Obstacle

__all__ = ["keras2_findings", "obstacles_to"]

_SHOWN = 6
_NEW_LAYOUT = Version("2.15")
"""The first Keras 2 whose ``.keras`` files the package tf_keras reads."""


def obstacles_to(
    modern: Modernised, *, given: Collection[str] = (), with_compile: bool = True
) -> tuple[Obstacle, ...]:
    """What of a model of Keras 2 keeps Keras 3 from making it.

    Args:
        modern: Its config.
        given: The names for which the caller gives objects.
        with_compile: Whether the compiled state of the whole model counts.
    """
    return tuple(
        item
        for item in modern.obstacles
        if item.class_name not in given and (with_compile or not item.in_compile_config)
    )


def keras2_findings(
    artifact: Artifact,
    modern: Modernised,
    obstacles: Sequence[Obstacle],
    *,
    saved_with: str | None,
    policy: Policy,
) -> Iterator[Finding]:
    """What was done with a config of Keras 2, and what stands in the way.

    Args:
        artifact: The file.
        modern: Its config.
        obstacles: What Keras 3 cannot do.
        saved_with: The version of the Keras that saved the model.
        policy: How strictly to judge.
    """
    fit = Fit(modern.config, None, saved_with, policy)
    by_class: dict[str, list[Obstacle]] = {}
    for item in obstacles:
        by_class.setdefault(item.class_name, []).append(item)
    for name, items in by_class.items():
        what = list(dict.fromkeys(printable(item.what, limit=100) for item in items))
        shown = printable(name, limit=100)
        yield finding(
            "K122",
            policy,
            f"Keras 3 has no {what[0] if len(what) == 1 else shown}",
            location=pointer(items[0].path),
            needs=(fit.need(f"keras {shown}", [item.path for item in items]),),
            wanted="a model of what Keras 3 has",
            found=f"{_listed(what)}{fit.source}",
            hint=_hint(artifact, saved_with, items),
        )
    if modern.steps:
        yield finding(
            "K121",
            policy,
            "the model was saved by Keras 2, and is read as one of Keras 3",
            wanted="a config of Keras 3",
            found=f"keras {saved_with}; {_listed([printable(step) for step in modern.steps])}",
            hint="save the model again",
        )


def _hint(artifact: Artifact, saved_with: str | None, items: Sequence[Obstacle]) -> str:
    if all(item.in_compile_config for item in items):
        return "load it with compile=False, and compile it anew"
    version = None if saved_with is None else Version(saved_with)
    if artifact.container == ".keras" and version is not None and version < _NEW_LAYOUT:
        loads = f'pip install "tensorflow=={version.major}.{version.minor}.*", which loads it'
    else:
        loads = "pip install tf_keras, whose tf_keras.models.load_model loads it"
    return f"{loads}; build the model anew without it, and set the weights of that one"


def _listed(texts: Sequence[str]) -> str:
    shown = "; ".join(texts[:_SHOWN])
    return shown if len(texts) <= _SHOWN else f"{shown}; …"
