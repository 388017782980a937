"""What the constructors of the installed Keras take, by their signatures.

Of the arguments in the table of newer releases that is known before anything is built. Of others
it is asked only after Keras has refused a config: what its constructors take besides their
signatures is nobody's to know, so a config is never stopped for it.
"""

from __future__ import annotations

import inspect
import re
from functools import lru_cache, reduce
from typing import TYPE_CHECKING, Any

from keras_registry.artifact import iter_objects
from keras_registry.config import CONFIG_VERSION_FIELD
from keras_registry.keras_arguments import ARGUMENTS
from keras_registry.registration import default_registry
from keras_registry.resolution import DerivedUse, Fit, InstalledKeras, argument_finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keras_registry.findings import Finding
    from keras_registry.resolution import ObjectResolution, Resolution

__all__ = ["ImportedKeras", "derived_uses", "unknown_argument_findings"]

_REFUSED = re.compile(
    r"[Uu]nrecognized keyword arguments?|unexpected keyword argument|Argument\(s\) not recognized"
)

# What Keras writes into configs and takes out again itself, before or in the constructor.
_TAKEN_OUT = frozenset({CONFIG_VERSION_FIELD, "num_constants", "rms_scaling", "vocabulary_size"})


class ImportedKeras(InstalledKeras):
    """What the Keras of this process can do, whatever the table says of its release."""

    def has(self, path: str) -> bool:
        """Whether it has a class.

        Args:
            path: The module and the name of the class.
        """
        return _class_at(path) is not None

    def taken_by(self, path: str) -> frozenset[str]:
        """The arguments that a class takes.

        Args:
            path: The module and the name of the class.
        """
        cls = _class_at(path)
        return frozenset() if cls is None else _accepted(cls)


def derived_uses(item: ObjectResolution, cls: Any) -> Iterator[DerivedUse]:
    """The places of an object whose class is made of classes of Keras that gained arguments.

    Args:
        item: The object.
        cls: Its class; a function has no such places.
    """
    parents = _parents(cls) if isinstance(cls, type) else ()
    for use in item.uses if parents else ():
        yield DerivedUse(use.path, item.needs.key, parents, _accepted(cls))


@lru_cache(maxsize=512)
def _parents(cls: type) -> tuple[str, ...]:
    """The classes in the table of newer arguments from which a class is derived."""
    known = {_class_at(path): path for path in ARGUMENTS}
    return tuple(known[base] for base in cls.__mro__[1:] if base in known)


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

    fit = Fit(config, keras.__version__, resolution.saved_with, resolution.policy)
    for path, node in iter_objects(config):
        cls = _find_class(node)
        inner = node.get("config")
        # The config of a model describes its layers, not the arguments of a constructor.
        if cls is None or not isinstance(inner, dict) or issubclass(cls, keras.Model):
            continue
        unknown = set(inner) - _accepted(cls) - _TAKEN_OUT
        if unknown:
            values = {name: inner[name] for name in unknown}
            yield argument_finding(fit, cls.__name__, values, [path])


def _find_class(node: dict[str, Any]) -> type | None:
    """The class behind a node of a config, Keras's own or registered; nothing is imported."""
    live = default_registry.find(str(node.get("registered_name")))
    if live is not None and isinstance(live.target, type):
        return live.target
    module, name = node.get("module"), node.get("class_name")
    if not isinstance(module, str) or not isinstance(name, str):
        return None
    return _class_at(f"{module}.{name}") if node.get("registered_name") in {None, name} else None


def _class_at(path: str) -> type | None:
    """The class of Keras of this module and name; nothing is imported."""
    import keras

    root, *parts = path.split(".")
    if root != "keras":
        return None
    found = reduce(lambda place, part: getattr(place, part, None), parts, keras)
    return found if isinstance(found, type) else None


@lru_cache(maxsize=512)
def _accepted(cls: type) -> frozenset[str]:
    """The names that the constructors of a class and of its parents take."""
    names: set[str] = set()
    for base in cls.__mro__[:-1]:
        if "__init__" in vars(base):
            names.update(inspect.signature(base.__init__).parameters)  # type: ignore[misc]
    return frozenset(names)
