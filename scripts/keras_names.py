"""Write `keras_registry/keras_names.py`: the names of what Keras itself brings.

A name belongs to the table if Keras takes it, standing alone, for something of its own:

* what Keras exports, under its canonical name and under every public alias: classes that have a
  config, and all functions;
* the string identifiers of its deserializers (`"mse"`, `"glorot_uniform"`, `"adam"`) and of
  `compile()`;
* classes with a config that are not exported but stand in configs by their bare name
  (`Functional`, `IndexLookup`).

Left out are the operation classes of `keras.ops`, the private layers of `keras.applications` and
the like: Keras finds those by the module that the config names and never by a bare name, and
plugin authors use such names (`LayerScale`, `Threshold`, `Cross`) for layers of their own.

Usage, once in an environment with each supported Keras version, on any backend:

    python scripts/keras_names.py --merge

Without `--merge` the table is made anew, from the running Keras alone. Needs nothing but Keras.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import itertools
import pkgutil
import re
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

TARGET = Path(__file__).resolve().parents[1] / "registry" / "keras_registry" / "keras_names.py"

# Modules of `keras` that are no public interface of their own: the sources, a copy of the
# interface made for TensorFlow, and what is kept only so that Keras 1 code still imports.
NOT_PUBLIC = ("keras.src", "keras._tf_keras", "keras._legacy")

# Modules of `keras.src` whose private classes no config names without their module.
ALWAYS_WITH_MODULE = (
    "keras.src.activations",
    "keras.src.applications",
    "keras.src.layers.preprocessing.feature_space",
    "keras.src.legacy",
    "keras.src.ops",
)

# Identifiers that `compile()` knows beside those of the deserializers, as literals in its code.
COMPILE_IDENTIFIERS = ("acc", "accuracy", "ce", "crossentropy")

# The names that every table must have; without them Keras was not read, and nothing is written.
LANDMARKS = frozenset({"Dense", "Functional", "GlorotUniform", "MeanSquaredError", "SeedGenerator"})


class Names(NamedTuple):
    """The names that some versions of Keras use for what is theirs.

    Attributes:
        versions: The Keras versions that were asked.
        classes: Names that stand for a class.
        functions: Names that stand for a function, and lower-case string identifiers.
    """

    versions: frozenset[str]
    classes: frozenset[str]
    functions: frozenset[str]

    def merged_with(self, other: Names) -> Names:
        """Return the union of two tables."""
        return Names(
            self.versions | other.versions,
            self.classes | other.classes,
            self.functions | other.functions,
        )


def collect_names() -> Names:
    """Return the names of the Keras that is installed here."""
    import keras

    sources = _import_all("keras.src")
    interface = _import_all("keras")
    classes: set[str] = set()
    functions: set[str] = set(COMPILE_IDENTIFIERS)
    for name, value in itertools.chain(
        _iter_exports(interface), _iter_identifiers(sources), _iter_private_classes(sources)
    ):
        if inspect.isclass(value):
            classes.add(name)
            if name.islower():  # an identifier such as "adam", or an alias such as "l2"
                functions.add(name)
        else:
            functions.add(name)
    return Names(frozenset({keras.__version__}), frozenset(classes), frozenset(functions))


def parse_names(source: str) -> Names:
    """Return the table that the text of a `keras_names.py` holds, without running it."""
    tables: dict[str, frozenset[str]] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            strings = ast.walk(node.value) if node.value else ()
            tables[node.target.id] = frozenset(
                each.value
                for each in strings
                if isinstance(each, ast.Constant) and isinstance(each.value, str)
            )
    return Names(tables["KERAS_VERSIONS"], tables["CLASSES"], tables["FUNCTIONS"])


def format_names(names: Names) -> str:
    """Return the text of a `keras_names.py` that holds the table."""
    versions = sorted(names.versions, key=lambda text: [int(n) for n in re.findall(r"\d+", text)])
    return TEMPLATE.format(
        versions="".join(f'\n    "{version}",' for version in versions),
        classes=_format_set(names.classes),
        functions=_format_set(names.functions),
    )


def main(arguments: list[str] | None = None) -> int:
    """Write the table, and say on standard error what was found."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--merge", action="store_true", help="keep the names that are in the file")
    parser.add_argument("--output", type=Path, default=TARGET, help="default: %(default)s")
    options = parser.parse_args(arguments)

    found = collect_names()
    if missing := LANDMARKS - found.classes:
        sys.stderr.write(f"{', '.join(sorted(missing))} not found in this Keras: nothing written\n")
        return 1
    names = found
    if options.merge and options.output.exists():
        names = found.merged_with(parse_names(options.output.read_text(encoding="utf-8")))
    options.output.write_text(format_names(names), encoding="utf-8")
    for label, table in (("this Keras", found), ("in the file", names)):
        sys.stderr.write(
            f"{label} ({', '.join(sorted(table.versions))}): "
            f"{len(table.classes)} classes, {len(table.functions)} functions\n"
        )
    return 0


def _iter_exports(interface: Iterable[ModuleType]) -> Iterator[tuple[str, Any]]:
    """Yield what Keras exports: under canonical names, class names and public aliases."""
    from keras.src import api_export

    for path, value in api_export.REGISTERED_NAMES_TO_OBJS.items():
        if path.startswith(NOT_PUBLIC) or not _is_wanted(value):
            continue
        yield path.rpartition(".")[2], value
        if inspect.isclass(value):
            yield value.__name__, value
    for module in interface:
        for name, value in vars(module).items():
            if not name.startswith("_") and _is_wanted(value) and _is_from_keras(value):
                yield name, value


def _iter_identifiers(sources: Iterable[ModuleType]) -> Iterator[tuple[str, Any]]:
    """Yield the string identifiers that the deserializers of Keras know."""
    for module in sources:
        identifiers = getattr(module, "ALL_OBJECTS_DICT", None)
        if isinstance(identifiers, dict):
            yield from identifiers.items()


def _iter_private_classes(sources: Iterable[ModuleType]) -> Iterator[tuple[str, Any]]:
    """Yield classes with a config that Keras does not export but may name in a config."""
    for module in sources:
        if module.__name__.startswith(ALWAYS_WITH_MODULE):
            continue
        for name, value in vars(module).items():
            if (
                inspect.isclass(value)
                and value.__module__ == module.__name__
                and not name.startswith("_")
                and _is_wanted(value)
            ):
                yield name, value


def _is_wanted(value: object) -> bool:
    """Return whether Keras could name this in a config."""
    from keras.src.saving.keras_saveable import KerasSaveable

    if inspect.isclass(value):
        return (
            hasattr(value, "get_config")
            or hasattr(value, "from_config")
            or issubclass(value, KerasSaveable)
        )
    return inspect.isroutine(value)


def _is_from_keras(value: Any) -> bool:
    return str(getattr(value, "__module__", "")).startswith("keras.")


def _import_all(package: str) -> list[ModuleType]:
    """Return a package of Keras and all modules below it that can be imported here.

    The backends are left out: they name nothing in a config, and most are not installed.
    """
    module = importlib.import_module(package)
    modules = [module]
    for found in pkgutil.iter_modules(getattr(module, "__path__", ()), f"{package}."):
        if found.name.endswith(("_test", ".conftest")) or found.name == "keras.src.backend":
            continue
        if found.name.startswith(NOT_PUBLIC) and not package.startswith("keras.src"):
            continue
        try:
            modules += _import_all(found.name)
        except ImportError as error:  # written for a backend that is not here
            sys.stderr.write(f"left out: {found.name} ({error})\n")
    return modules


def _format_set(names: Iterable[str]) -> str:
    """Return names as lines of literals; each initial begins a line, which keeps diffs small."""
    lines: list[str] = []
    for _, group in itertools.groupby(sorted(names), key=lambda name: name[0]):
        literals = " ".join(f'"{name}",' for name in group)
        lines += textwrap.wrap(literals, width=96, break_long_words=False, break_on_hyphens=False)
    return textwrap.indent("\n".join(lines), " " * 4)


TEMPLATE = '''\
"""The names of what Keras itself brings: a frozen table, so that nobody has to import Keras.

Used where a config names no module (`.h5`, string identifiers) to tell Keras's own classes and
functions from custom ones, and to refuse a bare alias that would shadow one of them.

Written by `scripts/keras_names.py`, which says what belongs here. The table is the union over
the versions in `KERAS_VERSIONS`. Do not edit it: run the script with `--merge` under a newer
Keras. A test compares it with the Keras that is installed.
"""

from __future__ import annotations

__all__ = ["CLASSES", "FUNCTIONS", "KERAS_VERSIONS"]

KERAS_VERSIONS: tuple[str, ...] = ({versions}
)
"""The Keras versions whose names were collected, oldest first."""

# fmt: off
CLASSES: frozenset[str] = frozenset({{
{classes}
}})
"""Names that stand for a class, string identifiers such as `glorot_uniform` included."""

FUNCTIONS: frozenset[str] = frozenset({{
{functions}
}})
"""Names that stand for a function, and all lower-case string identifiers."""
# fmt: on
'''

if __name__ == "__main__":
    raise SystemExit(main())
