"""Arguments in the configs of Keras's objects, and of classes built on them, that nothing takes.

Asked only after Keras has refused a config: what its constructors take besides their signatures
is nobody's to know, so a config is never stopped for it.
"""

from __future__ import annotations

import inspect
import re
from functools import lru_cache, reduce
from typing import TYPE_CHECKING, Any

from keras_registry.artifact import describe_place, iter_objects
from keras_registry.config import CONFIG_VERSION_FIELD
from keras_registry.findings import Need, finding
from keras_registry.names import printable
from keras_registry.registration import default_registry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keras_registry.findings import Finding
    from keras_registry.resolution import Resolution

__all__ = ["unknown_argument_findings"]

_REFUSED = re.compile(
    r"[Uu]nrecognized keyword arguments?|unexpected keyword argument|Argument\(s\) not recognized"
)

# What Keras writes into configs and takes out again itself, before or in the constructor.
_TAKEN_OUT = frozenset({CONFIG_VERSION_FIELD, "num_constants", "rms_scaling", "vocabulary_size"})


def unknown_argument_findings(
    resolution: Resolution, config: Any, error: Exception
) -> Iterator[Finding]:
    """The arguments for which Keras may have refused a config, by its constructors' signatures.

    Args:
        resolution: The resolution of the model.
        config: The JSON document of ``config.json``.
        error: What Keras raised.
    """
    if not _REFUSED.search(str(error)):
        return
    import keras

    saved = resolution.manifest and resolution.manifest.environment
    saved_with = saved.keras if saved else None
    for path, node in iter_objects(config):
        cls = _find_class(keras, node)
        inner = node.get("config")
        # The config of a model describes its layers, not the arguments of a constructor.
        if cls is None or not isinstance(inner, dict) or issubclass(cls, keras.Model):
            continue
        unknown = sorted(set(inner) - _accepted(cls) - _TAKEN_OUT)
        if unknown:
            place = describe_place(config, path)
            steps = (*path, "config", *(unknown if len(unknown) == 1 else ()))
            pointer = "".join(f"/{str(t).replace('~', '~0').replace('/', '~1')}" for t in steps)
            names = ", ".join(map(printable, unknown))
            shown = ", ".join(f"{printable(n)} = {printable(inner[n], limit=60)}" for n in unknown)
            source = f"      saved with keras {saved_with}" if saved_with else ""
            yield finding(
                "K103",
                resolution.policy,
                f"{place}: {cls.__name__} does not take {names}",
                location=printable(pointer, limit=500),
                needs=(Need(f"keras {cls.__name__}", 1, place),),
                wanted=f"a config that {cls.__name__} of keras {keras.__version__} accepts",
                found=f"{shown}{source}",
                hint=f'pip install "keras>={saved_with}"'
                if saved_with and saved_with != keras.__version__
                else "the file was changed: save the model again",
            )


def _find_class(keras: Any, node: dict[str, Any]) -> type | None:
    """The class behind a node of a config, Keras's own or registered; nothing is imported."""
    live = default_registry.find(str(node.get("registered_name")))
    if live is not None and isinstance(live.target, type):
        return live.target
    module, name = node.get("module"), node.get("class_name")
    if not isinstance(module, str) or not isinstance(name, str):
        return None
    root, *parts = module.split(".")
    if root != "keras" or node.get("registered_name") not in {None, name}:
        return None
    found = reduce(lambda place, part: getattr(place, part, None), [*parts, name], keras)
    return found if isinstance(found, type) else None


@lru_cache(maxsize=512)
def _accepted(cls: type) -> frozenset[str]:
    """The names that the constructors of a class and of its parents take."""
    names: set[str] = set()
    for base in cls.__mro__[:-1]:
        if "__init__" in vars(base):
            names.update(inspect.signature(base.__init__).parameters)  # type: ignore[misc]
    return frozenset(names)
