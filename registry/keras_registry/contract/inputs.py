"""What layers and models are called with: guessed by rank, dtype and structure.

What a layer takes is found by trying: first what its input spec says, then what most layers take.
The guess is said in the result of a check, and the author of a layer that takes nothing of it
gives `inputs`, a function that returns what the layer is called with: an array or nested arrays,
or a tuple for several arguments.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from keras_registry.contract.attempts import in_a_line
from keras_registry.contract.results import Skip

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keras_registry.contract.subjects import Case, Subject

__all__ = ["Call", "call_for", "find_call"]

BATCH = 2
"""How many samples a guess has."""

_SHAPES = ((4,), (5, 4), (8, 8, 3), (4, 8, 8, 3))
"""Shapes without the batch: features, sequences, images, videos."""


@dataclass(frozen=True)
class Call:
    """What a layer is called with.

    Attributes:
        label: What it is, in the words of a message.
        arguments: The positional arguments, each an array or nested arrays.
    """

    label: str
    arguments: tuple[Any, ...]

    @property
    def batch(self) -> int:
        """How many samples there are."""
        return int(keras.tree.flatten(list(self.arguments))[0].shape[0])

    def placeholders(self, batch: int | None = None) -> list[Any]:
        """Symbolic tensors of the same shapes.

        Args:
            batch: The size of the batch; None if it is not known.
        """
        return list(
            keras.tree.map_structure(
                lambda a: keras.Input(a.shape[1:], batch_size=batch, dtype=_dtype(a)),
                list(self.arguments),
            )
        )

    def resized(self, batch: int) -> tuple[Any, ...]:
        """The arguments with another number of samples.

        Args:
            batch: How many.
        """

        def resize(array: Any) -> Any:
            return np.resize(array, (batch, *array.shape[1:]))

        return tuple(keras.tree.map_structure(resize, list(self.arguments)))

    def cast(self, dtype: str) -> tuple[Any, ...]:
        """The arguments with another dtype for those of real numbers.

        Args:
            dtype: The dtype.
        """

        def cast(array: Any) -> Any:
            return keras.ops.cast(array, dtype) if array.dtype.kind == "f" else array

        return tuple(keras.tree.map_structure(cast, list(self.arguments)))

    @property
    def has_real_numbers(self) -> bool:
        """Whether any of the arrays has real numbers, of which there are gradients."""
        return any(array.dtype.kind == "f" for array in keras.tree.flatten(list(self.arguments)))


def _dtype(array: Any) -> str:
    return "string" if array.dtype.kind in "OUS" else str(array.dtype.name)


def call_for(case: Case) -> Call:
    """What the object of a case takes.

    Args:
        case: The case.

    Raises:
        Skip: It takes nothing of what was tried.
    """
    known = case.subject.once(_Calls)
    found = known.find(case)
    if found is None:
        reason = f"no inputs are known that it takes; {known.tried}: give inputs"
        raise Skip(reason)
    return found


def find_call(case: Case) -> tuple[Call | None, dict[str, str]]:
    """What the object of a case takes, or None; and why it does not take the others.

    Args:
        case: The case.
    """
    known = case.subject.once(_Calls)
    return known.find(case), known.errors


class _Calls:
    """The calls that were found out for a subject."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._found: dict[int, Call | None] = {}
        self._last: Call | None = None
        self.errors: dict[str, str] = {}

    @property
    def tried(self) -> str:
        """What was tried last, and what came of it."""
        label, error = next(reversed(self.errors.items()), ("nothing", "nothing"))
        return f"tried last: {label}: {error}"

    def find(self, case: Case) -> Call | None:
        if id(case) not in self._found:
            self._found[id(case)] = self._search(case)
        return self._found[id(case)]

    def _search(self, case: Case) -> Call | None:
        works: Call | None = None
        former = [] if self._last is None else [self._last]
        for call in (*former, *_candidates(self._subject, case)):
            made = case.make()
            try:
                outputs = made(*call.arguments)
            except Exception as error:  # noqa: BLE001 - a layer refuses inputs as it likes
                self.errors.setdefault(call.label, in_a_line(error))
                continue
            works = works or call
            # A layer for sequences may take a matrix, too: it then contradicts itself.
            if self._subject.inputs is not None or _is_as_announced(made, call, outputs):
                self._last = call
                return call
        self._last = works
        return works


def _is_as_announced(made: Any, call: Call, outputs: Any) -> bool:
    try:
        spec = made.compute_output_spec(*call.placeholders())
        announced = [tuple(item.shape) for item in keras.tree.flatten(spec)]
        real = [tuple(item.shape) for item in keras.tree.flatten(outputs)]
    except Exception:  # noqa: BLE001 - a check says so; here it only makes the guess unlikely
        return False
    pairs = zip(announced, real, strict=False)
    # A layer for images may take a batch of sequences for one image: it then loses the batch.
    keeps_batch = all(shape[:1] in {(), (BATCH,)} for shape in real)
    return len(announced) == len(real) and keeps_batch and all(_fits(*pair) for pair in pairs)


def _fits(announced: tuple[Any, ...], real: tuple[int, ...]) -> bool:
    return len(announced) == len(real) and all(
        wanted in {None, size} for wanted, size in zip(announced, real, strict=True)
    )


def _candidates(subject: Subject, case: Case) -> Iterator[Call]:
    if subject.inputs is not None:
        given = subject.inputs()
        arguments = given if isinstance(given, tuple) else (given,)
        arrays = keras.tree.map_structure(np.asarray, list(arguments))
        yield Call("the inputs that were given", tuple(arrays))
        return
    made = case.make()
    count = _count_arguments(made)
    shapes = [shape for shape in _specified(made) if shape is not None]
    if hasattr(made, "state_size") and not isinstance(made, keras.layers.RNN):
        yield from _of_cells(made)
    for shape in dict.fromkeys((*shapes, *_SHAPES)):
        yield _guess(shape, "float32", count)
    for shape in dict.fromkeys((*shapes, (5,), *_SHAPES[1:])):
        yield _guess(shape, "int32", count)
    if count == 1:
        for shape in _SHAPES[:3]:
            yield _guess(shape, "float32", 2, in_list=True)
        for shape in ((), (3,)):
            yield _guess(shape, "str", 1)


def _count_arguments(made: Any) -> int:
    """How many arguments of `call` have no default."""
    parameters = inspect.signature(made.call).parameters.values()
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [p for p in parameters if p.kind in positional and p.default is p.empty]
    return max(1, len([p for p in needed if p.name not in {"training", "mask"}]))


def _specified(made: Any) -> Iterator[tuple[int, ...] | None]:
    """The shapes without the batch that an input spec asks for."""
    for spec in keras.tree.flatten(getattr(made, "input_spec", None)):
        if spec is None:
            continue
        if spec.shape is not None:
            yield tuple(4 if size is None else size for size in spec.shape[1:])
            continue
        ndim = spec.ndim or spec.min_ndim
        if ndim is None:
            continue
        usual = next((shape for shape in _SHAPES if len(shape) == ndim - 1), (4,) * (ndim - 1))
        axes = {axis % ndim: size for axis, size in (spec.axes or {}).items()}
        yield tuple(axes.get(axis) or size for axis, size in enumerate(usual, start=1))


def _of_cells(made: Any) -> Iterator[Call]:
    """What a cell of a recurrent layer takes: the input and the states."""
    states = keras.tree.map_structure(
        lambda size: _values((size,), "float32"), list(_as_list(made.state_size))
    )
    yield Call("float32 of shape (2, 4), and states, guessed", (_values((4,), "float32"), states))


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else [value]


def _guess(shape: tuple[int, ...], dtype: str, count: int, *, in_list: bool = False) -> Call:
    whole = (BATCH, *shape)
    arrays = [_values(shape, dtype, seed) for seed in range(count)]
    if in_list:
        return Call(f"a list of {count} {dtype} of shape {whole}, guessed", (arrays,))
    several = "" if count == 1 else f"{count} "
    return Call(f"{several}{dtype} of shape {whole}, guessed", tuple(arrays))


def _values(shape: tuple[int, ...], dtype: str, seed: int = 0) -> np.ndarray[Any, Any]:
    """Positive numbers, of which there are roots and logarithms; or 0 and 1, or words."""
    random = np.random.default_rng(seed)
    whole = (BATCH, *shape)
    if dtype == "float32":
        return random.uniform(0.1, 0.9, whole).astype(dtype)
    if dtype == "int32":
        return random.integers(0, 2, whole).astype(dtype)
    return random.choice(["red", "green", "blue"], whole)
