"""What Keras raises while it builds, compiles or fills a model, as a finding that names the cause.

Keras wraps an error once for each level of nesting, with the whole config in its text. What a
reader needs is the innermost: which object could not be made, where it is, and why.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from keras_registry.artifact import describe_place, find_use, iter_objects, scan_config
from keras_registry.findings import Need, finding
from keras_registry.names import printable
from keras_registry.resolution import lambda_finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keras_registry.bridge.progress import Progress
    from keras_registry.findings import Finding
    from keras_registry.resolution import ObjectResolution, Resolution

__all__ = ["explain_failure"]

_UNLOADED = re.compile(r"Example error message for object (.+?):\n\n(.+?)(?:\n\n|$)", re.DOTALL)
"""How `keras.src.saving.saving_lib._raise_loading_failure` words what could not be filled."""


def explain_failure(
    error: Exception, progress: Progress, resolution: Resolution, config: Any
) -> Finding:
    """The finding for an error that came while Keras loaded a model.

    Args:
        error: What Keras raised.
        progress: How far Keras came.
        resolution: The resolution of the model.
        config: Its config.
    """
    lambdas = lambda_finding(scan_config(config), config, resolution.policy)
    if lambdas is not None and "lambda" in str(error):
        return lambdas
    unloaded = _UNLOADED.search(str(error))
    if unloaded is not None:
        return finding(
            "K106",
            resolution.policy,
            f"the weights of {printable(unloaded[1], limit=100)} could not be restored",
            wanted="a load_own_variables() that takes what save_own_variables() wrote",
            found=printable(unloaded[2].partition("\n")[0], limit=300),
            hint="see load_own_variables() and build() of its class",
        )
    chain = list(_chain(error))
    made = next(((node, e) for node, e in progress.failures if e in chain), None)
    node, inner = (None, error) if made is None else made
    cause = list(_chain(inner))[-1]
    where = _place(node, config)
    item = _find_resolution(node, resolution)
    return finding(
        "K105",
        resolution.policy,
        f"{_title(node)} could not be made",
        needs=() if where is None else (Need(_title(node), 1, where[0]),),
        location=None if where is None else where[1],
        distribution=None if item is None or item.plugin is None else item.plugin.distribution,
        wanted=_wanted(resolution, item),
        found=f"{type(cause).__name__}: {_first_line(cause)}",
        hint=_hint(resolution, item),
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error and what it was raised for, the innermost last."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__context__ or found.__cause__


def _first_line(error: BaseException) -> str:
    return printable(str(error).strip().partition("\n")[0], limit=300) or "without a text"


def _title(node: Any) -> str:
    if not isinstance(node, dict):
        return "the model"
    use = find_use(node)
    return printable(node.get("class_name") if use is None else use.key, limit=100)


def _place(node: Any, config: Any) -> tuple[str, str] | None:
    """Where an object is in the config, in words and as a JSON pointer."""
    if not isinstance(node, dict):
        return None
    alike = [(path, other) for path, other in iter_objects(config) if _is_like(other, node)]
    exact = [path for path, other in alike if other == node]
    path = next(iter(exact or [path for path, _ in alike]), None)
    if path is None:
        return None
    pointer = "".join(f"/{str(t).replace('~', '~0').replace('/', '~1')}" for t in path)
    return describe_place(config, path), printable(pointer, limit=500)


def _is_like(one: Any, other: Any) -> bool:
    """Whether two configs are those of one object; Keras may have changed one of them."""
    names = ((node.get("config") or {}).get("name") for node in (one, other))
    return one.get("class_name") == other.get("class_name") and len(set(names)) == 1


def _find_resolution(node: Any, resolution: Resolution) -> ObjectResolution | None:
    use = find_use(node) if isinstance(node, dict) else None
    return next((i for i in resolution.objects if use is not None and i.key == use.key), None)


def _wanted(resolution: Resolution, item: ObjectResolution | None) -> str | None:
    """The versions that saved the model, as far as they are known."""
    saved = resolution.manifest and resolution.manifest.environment
    recorded = _recorded_version(resolution, item)
    parts = [f"keras {saved.keras}"] if saved and saved.keras else []
    if item is not None and item.plugin is not None and recorded is not None:
        parts.append(f"{item.plugin.distribution} {recorded}")
    return f"the object that {' and '.join(parts)} saved" if parts else None


def _recorded_version(resolution: Resolution, item: ObjectResolution | None) -> str | None:
    if item is None or item.plugin is None or resolution.manifest is None:
        return None
    record = resolution.manifest.find_distribution(item.plugin.distribution)
    return None if record is None else record.version


def _hint(resolution: Resolution, item: ObjectResolution | None) -> str:
    plugin = None if item is None else item.plugin
    if plugin is None:
        return "see the error that this one was raised from"
    name, installed = plugin.distribution, plugin.distribution_version
    recorded = _recorded_version(resolution, item)
    if recorded is not None and recorded != installed:
        return f'pip install "{name}=={recorded}"'
    return f"tell the author of {name} {installed}, with these lines"
