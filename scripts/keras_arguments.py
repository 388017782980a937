"""Write `keras_registry/keras_arguments.py`: what newer Keras releases added to configs.

A file of a newer Keras fails on an older one because a config holds an argument that the older
class does not take, or names a class that it does not have. The table says for each such class and
argument which release had it first, and the argument's default as it stands in a config.

Usage: first in an environment with each of the releases, on any backend,

    python scripts/keras_arguments.py --note FOLDER     # writes FOLDER/<release>.json

and then, anywhere, with the notes of all of them,

    python scripts/keras_arguments.py --write FOLDER

The oldest of the releases is the one that everything is compared with. To add a release, note it,
and those before it once more: `pip install --no-deps --target x keras==3.13.2` on the path before
another Keras is all that another release takes. Needs nothing but Keras.
"""

from __future__ import annotations

import argparse
import inspect
import json
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

TARGET = Path(__file__).resolve().parents[1] / "registry" / "keras_registry" / "keras_arguments.py"

# Arguments whose default is not what Keras did before it had them. An older Keras computes
# something else whatever their value is, so that none of their values can be left out.
NOT_AS_BEFORE = frozenset(
    {
        ("keras.optimizers.Muon", "adam_weight_decay"),  # it was `weight_decay`
        ("keras.optimizers.Muon", "rms_rate"),  # updates were not scaled
        ("keras.quantizers.Int4QuantizationConfig", "block_size"),  # there were no blocks
    }
)

# What the constructors of Keras need at least, by the names of their arguments.
NEEDED: dict[str, Any] = {
    "activation": "relu",
    "axes": 1,
    "boundaries": [1, 2],
    "cropping": 1,
    "decay_rate": 0.5,
    "decay_steps": 10,
    "dims": (1,),
    "equation": "ab,bc->ac",
    "factor": 0.2,
    "filters": 2,
    "first_decay_steps": 5,
    "head_dim": 4,
    "height": 4,
    "height_factor": 0.2,
    "initial_learning_rate": 0.1,
    "input_dim": 4,
    "kernel_size": 3,
    "key_dim": 2,
    "max_number": 2,
    "mode": "int8",
    "n": 2,
    "name": "x",
    "num_bins": 3,
    "num_classes": 2,
    "num_heads": 2,
    "num_key_value_heads": 2,
    "num_query_heads": 4,
    "num_tokens": 4,
    "output_dim": 3,
    "output_shape": (None, 4),
    "output_size": 2,
    "pool_size": 2,
    "precision": 0.5,
    "rate": 0.5,
    "recall": 0.5,
    "scale": 2.0,
    "sensitivity": 0.5,
    "shape": (4,),
    "size": 2,
    "specificity": 0.5,
    "stddev": 0.1,
    "target_class_ids": [0],
    "target_shape": (4,),
    "units": 3,
    "value_range": (0, 255),
    "values": [1.0, 2.0, 3.0],
    "width": 4,
    "width_factor": 0.2,
}
REQUIRED = "required"

# The classes that every note must have; without them Keras was not read, and nothing is written.
LANDMARKS = frozenset(
    {"keras.layers.Dense", "keras.initializers.GlorotUniform", "keras.optimizers.Adam"}
)

Note = dict[str, dict[str, dict[str, Any]]]
"""By class and argument: what is known of its default, under ``default``; empty if nothing is."""


def note_classes() -> Note:
    """Return the arguments of every class that a config may name, in the running Keras."""
    found = sorted(_iter_classes(), key=lambda item: item[0])
    return {path: dict(sorted(_arguments_of(cls).items())) for path, cls in found}


def compare(notes: Mapping[str, Note]) -> tuple[dict[str, str], dict[str, dict[str, Any]]]:
    """Return the classes, and the arguments of older classes, that later releases added.

    Args:
        notes: What was noted, by release, the oldest first.
    """
    classes: dict[str, str] = {}
    arguments: dict[str, dict[str, Any]] = {}
    (_, oldest), *newer = notes.items()
    known = {path: set(taken) for path, taken in oldest.items()}
    for release, note in newer:
        for path, taken in note.items():
            if path not in known:
                classes[path] = release
            for name in sorted(set(taken) - known.get(path, set(taken))):
                entry = {"since": release, **taken[name]}
                if (path, name) in NOT_AS_BEFORE:
                    entry.pop("default", None)
                arguments.setdefault(path, {})[name] = entry
            known.setdefault(path, set()).update(taken)
    return dict(sorted(classes.items())), dict(sorted(arguments.items()))


def format_table(
    releases: Sequence[str], classes: Mapping[str, str], arguments: Mapping[str, Any]
) -> str:
    """Return the text of a `keras_arguments.py`."""
    return TEMPLATE.format(
        releases="".join(f'\n    "{release}",' for release in releases),
        classes="".join(f"    {_literal(path)}: {_literal(classes[path])},\n" for path in classes),
        arguments="".join(
            f"    {_literal(path)}: {{\n{_format_arguments(added)}    }},\n"
            for path, added in arguments.items()
        ),
    )


def main(arguments: list[str] | None = None) -> int:
    """Note the running Keras, or write the table, and say on standard error what was found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--note", type=Path, metavar="FOLDER", help="note the running Keras there")
    what.add_argument("--write", type=Path, metavar="FOLDER", help="make the table of the notes")
    parser.add_argument("--output", type=Path, default=TARGET, help="default: %(default)s")
    options = parser.parse_args(arguments)
    if options.note is not None:
        return _note(options.note)
    files = sorted(options.write.glob("*.json"), key=lambda file: _release_key(file.stem))
    notes = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in files}
    classes, added = compare(notes)
    options.output.write_text(format_table(list(notes), classes, added), encoding="utf-8")
    count = sum(map(len, added.values()))
    sys.stderr.write(
        f"{', '.join(notes)}: {len(classes)} classes, {count} arguments of {len(added)} more\n"
    )
    return 0


def _note(folder: Path) -> int:
    import keras

    found = note_classes()
    if missing := LANDMARKS - set(found):
        sys.stderr.write(f"{', '.join(sorted(missing))} not found in this Keras: nothing noted\n")
        return 1
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / f"{keras.__version__}.json"
    target.write_text(json.dumps(found, indent=1), encoding="utf-8")
    sys.stderr.write(f"{target}: {len(found)} classes\n")
    return 0


def _release_key(text: str) -> list[int]:
    return [int(part) for part in text.split(".")]


def _iter_classes() -> Iterator[tuple[str, type]]:
    """Yield the classes with a config, each under the module and name that a config has of it."""
    from keras.src import api_export
    from keras_names import NOT_PUBLIC, _import_all, _is_wanted

    for path, value in sorted(api_export.REGISTERED_NAMES_TO_OBJS.items()):
        if inspect.isclass(value) and not path.startswith(NOT_PUBLIC) and _is_wanted(value):
            yield path, value
            if path.rpartition(".")[2] != value.__name__:  # which is what a `.h5` file has of it
                yield f"{path.rpartition('.')[0]}.{value.__name__}", value
    for module in _import_all("keras.src"):
        for name, value in sorted(vars(module).items()):
            is_own = inspect.isclass(value) and value.__module__ == module.__name__
            is_named = is_own and not name.startswith("_") and name == value.__name__
            if is_named and _is_wanted(value) and api_export.get_name_from_symbol(value) is None:
                yield f"{module.__name__}.{name}", value


def _arguments_of(cls: type) -> dict[str, dict[str, Any]]:
    """The arguments of a class and its parents, with their defaults as a config holds them."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__[:-1]):
        if "__init__" in vars(base):
            found |= _parameters(base)
    config = _minimal_config(cls)
    taken: dict[str, dict[str, Any]] = {}
    for name in {*found, *config}:
        default = config.get(name, found.get(name))
        is_plain = default is None or isinstance(default, bool | int | float | str)
        is_known = name in config or found.get(name) != REQUIRED
        taken[name] = {"default": default} if is_plain and is_known else {}
    return taken


def _parameters(cls: type) -> dict[str, Any]:
    """The parameters of the constructor that a class has itself, with their defaults."""
    try:
        parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]  # type: ignore[misc]
    except (TypeError, ValueError):  # of a class that is not written in Python
        return {}
    return {
        each.name: REQUIRED if each.default is each.empty else each.default
        for each in parameters
        if each.kind not in {each.VAR_KEYWORD, each.VAR_POSITIONAL}
    }


def _minimal_config(cls: type) -> dict[str, Any]:
    """The config of an instance that was given only what it needs; empty if there is none."""
    import keras

    needed: dict[str, Any] = {
        **NEEDED,
        "cell": keras.layers.GRUCell(2),
        "fn": keras.losses.mean_squared_error,
        "inner_optimizer": keras.optimizers.SGD(),
        "layer": keras.layers.GRU(2) if "Bidirectional" in cls.__name__ else keras.layers.Dense(2),
    }
    required = [name for name, default in _parameters(cls).items() if default == REQUIRED]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made = cls(**{name: needed[name] for name in required})
            config = made.get_config()
            return dict(json.loads(json.dumps(config, default=lambda _: ["an object"])))
    except Exception:  # noqa: BLE001 - it needs more, and its signature has to tell
        return {}


def _format_arguments(arguments: Mapping[str, Mapping[str, Any]]) -> str:
    lines = []
    for name, entry in arguments.items():
        members = ", ".join(f"{_literal(key)}: {_literal(value)}" for key, value in entry.items())
        lines.append(f"        {_literal(name)}: {{{members}}},\n")
    return "".join(lines)


def _literal(value: Any) -> str:
    return json.dumps(value) if isinstance(value, str) else repr(value)


TEMPLATE = '''\
"""What newer Keras releases added to configs: a table, so that nobody has to import Keras.

An older Keras neither has the classes nor takes the arguments. Compared are the releases in
`KERAS_VERSIONS` with the first of them.

Written by `scripts/keras_arguments.py`, which says how. Do not edit it. A test compares it with the
Keras that is installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ARGUMENTS", "CLASSES", "KERAS_VERSIONS"]

KERAS_VERSIONS: tuple[str, ...] = ({releases}
)
"""The Keras releases that were compared, oldest first."""

# fmt: off
CLASSES: Mapping[str, str] = {{
{classes}}}
"""The release that first had a class, by the module and name under which a config has it."""

ARGUMENTS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {{
{arguments}}}
"""By class and argument: ``since``, the release that first took it, and ``default``, the value in a
config with which Keras does what it did before. Without ``default`` no value is known to."""
# fmt: on
'''

if __name__ == "__main__":
    raise SystemExit(main())
