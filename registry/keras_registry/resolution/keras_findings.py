"""What is said of a config that the installed Keras does not take as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from packaging.version import Version

from keras_registry.artifact import describe_place
from keras_registry.findings import Finding, Need, Policy, finding
from keras_registry.names import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    Path = tuple[str | int, ...]

__all__ = ["Fit", "argument_finding", "class_finding", "left_out_finding", "newest", "pointer"]


@dataclass(frozen=True, slots=True)
class Fit:
    """A config and the Keras that shall take it.

    Attributes:
        config: The JSON document of ``config.json``.
        keras_version: The version of the installed Keras; None if there is none.
        saved_with: The version of the Keras that saved the model; None if it is not known.
        policy: How strictly to judge.
    """

    config: Any
    keras_version: str | None
    saved_with: str | None
    policy: Policy

    def need(self, key: str, paths: Sequence[Path]) -> Need:
        """A class that the config needs, and where."""
        return Need(key, len(paths), describe_place(self.config, paths[0]))

    @property
    def newer(self) -> str | None:
        """The version that saved the model, if that is newer than the installed one."""
        saved, here = self.saved_with, self.keras_version
        return saved if saved and here and Version(saved) > Version(here) else None

    @property
    def source(self) -> str:
        """What a line ends with that names what is in the file."""
        return "" if self.saved_with is None else f"      saved with keras {self.saved_with}"


def argument_finding(
    fit: Fit,
    name: str,
    values: Mapping[str, Any],
    paths: Sequence[Path],
    *,
    since: str | None = None,
) -> Finding:
    """What is said of arguments that a class of the installed Keras does not take.

    Args:
        fit: The config.
        name: The name of the class.
        values: The arguments and their values.
        paths: The places of the objects, the first of which is named.
        since: The first release of Keras that takes them; None if it is not known.
    """
    need, names = fit.need(f"keras {name}", paths), sorted(values)
    steps = (*paths[0], "config", *(names if len(names) == 1 else ()))
    wanted = since or fit.newer
    return finding(
        "K103",
        fit.policy,
        f"{need.place}: {name} does not take {', '.join(map(printable, names))}",
        location=pointer(steps),
        needs=(need,),
        wanted=f"a config that {name} of keras {fit.keras_version} accepts",
        found=f"{_listed({name: values[name] for name in names})}{fit.source}",
        hint="the file was changed: save the model again"
        if wanted is None
        else f'pip install "keras>={wanted}"',
    )


def class_finding(fit: Fit, name: str, paths: Sequence[Path], since: str) -> Finding:
    """What is said of a class that the installed Keras does not have yet.

    Args:
        fit: The config.
        name: The name of the class.
        paths: The places of its objects.
        since: The first release of Keras that has it.
    """
    return finding(
        "K110",
        fit.policy,
        f"keras {fit.keras_version} has no {name}",
        location=pointer(paths[0]),
        needs=(fit.need(f"keras {name}", paths),),
        wanted=f"keras {since} or newer{fit.source}",
        found=f"keras {fit.keras_version}",
        hint=f'pip install "keras>={since}"',
    )


def left_out_finding(
    fit: Fit, left_out: Iterable[tuple[str, Path, Mapping[str, Any]]], since: str
) -> Finding:
    """What is said of all arguments that were left out of a config.

    Args:
        fit: The config.
        left_out: The key of the class, which is ``keras`` and the name for Keras's own, the
            place of the object, and its arguments.
        since: The first release of Keras that takes all of them.
    """
    places: dict[str, list[Path]] = {}
    values: dict[str, dict[str, Any]] = {}
    for key, path, dropped in left_out:
        places.setdefault(key, []).append(path)
        values.setdefault(key.removeprefix("keras "), {}).update(dropped)
    shown = "; ".join(f"{name}: {_listed(dropped)}" for name, dropped in values.items())
    newer = fit.saved_with or since
    return finding(
        "K109",
        fit.policy,
        f"arguments that keras {fit.keras_version} does not know are left out: they change nothing",
        needs=tuple(fit.need(key, paths) for key, paths in places.items()),
        wanted=f"keras {fit.saved_with}, which saved the model"
        if fit.saved_with
        else f"keras {since} or newer",
        found=f"keras {fit.keras_version}; {shown}",
        hint=f'pip install "keras>={newer}", or save the model again to have it without them',
    )


def newest(versions: Iterable[str]) -> str:
    """The newest of some versions."""
    return max(versions, key=Version)


def pointer(path: Path) -> str:
    """A place as a JSON pointer (RFC 6901), safe to print."""
    text = "".join(f"/{str(t).replace('~', '~0').replace('/', '~1')}" for t in path)
    return printable(text, limit=500)


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{printable(n)} = {printable(v, limit=60)}" for n, v in values.items())
