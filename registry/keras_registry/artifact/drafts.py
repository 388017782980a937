"""A config that is being changed, while what it was made of stays as it is."""

from __future__ import annotations

from typing import Any

__all__ = ["Draft"]


class Draft:
    """A JSON document that is being changed: what is not changed in it stays the same object.

    Args:
        document: The document; it is never changed itself.

    Example:
        >>> draft = Draft({"layers": [{"units": 3}]})
        >>> draft.put(("layers", 0, "units"), 4)
        >>> draft.document
        {'layers': [{'units': 4}]}
    """

    def __init__(self, document: Any) -> None:
        self._root = {"": document}
        self._own = {id(self._root)}

    @property
    def document(self) -> Any:
        """The document as it is now; the one that was given if nothing was changed."""
        return self._root[""]

    def find(self, path: tuple[str | int, ...]) -> Any:
        """What is at a place now; None if there is nothing.

        Args:
            path: Member names and indices.
        """
        node: Any = self.document
        for step in path:
            try:
                node = node[step]
            except (KeyError, IndexError, TypeError):
                return None
        return node

    def put(self, path: tuple[str | int, ...], value: Any) -> None:
        """Puts something else in a place that exists.

        Args:
            path: Member names and indices.
            value: What to put there.
        """
        node: Any = self._root
        steps = ("", *path)
        for step in steps[:-1]:
            child = node[step]
            if id(child) not in self._own:
                node[step] = child = child.copy()
                self._own.add(id(child))
            node = child
        node[steps[-1]] = value
