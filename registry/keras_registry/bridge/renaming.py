"""Loading a class under a former name.

Keras builds the paths of weights in a file from the names of classes. So that the weights of a
renamed class are found, its objects have the former name while they are loaded: they are made
from a subclass of that name, and become objects of the class itself when the load has ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FormerNames"]


class FormerNames:
    """The stand-ins of one load for classes that its file calls by former names."""

    def __init__(self) -> None:
        self._made: list[tuple[Any, type]] = []

    def stand_in(self, cls: type, former_name: str) -> type:
        """A subclass with a former name, whose objects `restore` turns into the class's own.

        Args:
            cls: The class as it is now.
            former_name: Its name in the file.
        """

        def from_config(kind: type, config: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
            made = cls.from_config.__func__(kind, config, *args, **kwargs)  # type: ignore[attr-defined]
            if type(made) is kind:
                self._made.append((made, cls))
            return made

        body = {"__module__": cls.__module__, "from_config": classmethod(from_config)}
        stand_in: type = type(cls)(former_name, (cls,), body)
        return stand_in

    def restore(self) -> None:
        """Gives all objects that were made from stand-ins their class."""
        for made, cls in self._made:
            # Layers and torch modules have a __setattr__ of their own.
            object.__setattr__(made, "__class__", cls)
