"""One function a budget."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import textwrap
import zipfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import keras

import keras_registry
from benchmarks.pairs import Ratio, measure_pairs
from benchmarks.subjects import (
    CUSTOM_OBJECTS,
    Gate,
    PlainGate,
    make_large_model,
    make_many_layers,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = ["CASES"]


def _plain(act: Callable[[], Any]) -> Callable[[], None]:
    """The act without hooks."""

    def done() -> None:
        keras_registry.disable()
        try:
            act()
        finally:
            keras_registry.enable()

    return done


def _load_pair(name: str, path: Path, pairs: int) -> Ratio:
    def ours() -> None:
        keras.saving.load_model(path)

    def plain() -> None:
        keras.saving.load_model(path, custom_objects=CUSTOM_OBJECTS)

    return measure_pairs(name, 1.05, ours, _plain(plain), pairs=pairs)


def _save_pair(
    name: str,
    model: Any,
    folder: Path,
    pairs: int,
    *,
    over_a_file: bool = False,
    changes: bool = False,
) -> Ratio:
    """Saving to a new path, or over a file that is there and must stay whole until it is replaced.

    In memory the latter costs fresh pages, which plain Keras takes from the file it truncates. What
    was said of a config at one save is known at the next, unless the model has another one by then.
    """
    target = folder / "saved.keras"

    def save() -> None:
        model.save(target)

    def clear() -> None:
        if not over_a_file:
            target.unlink(missing_ok=True)
        if changes:
            layer = model.layers[-1]
            is_relu = layer.activation is keras.activations.relu
            layer.activation = keras.activations.get("tanh" if is_relu else "relu")

    return measure_pairs(name, 1.05, save, _plain(save), pairs=pairs, before=clear)


def large_model(folder: Path, pairs: int) -> Iterator[Ratio]:
    """Loading and saving 512 MB."""
    path = folder / "large.keras"
    model = make_large_model(path, megabytes=512)
    yield _load_pair("load 512 MB / plain Keras", path, pairs)
    yield _save_pair("save 512 MB / plain Keras", model, folder, pairs)
    name = "save 512 MB over a file / plain Keras, which truncates it first"
    yield _save_pair(name, model, folder, pairs, over_a_file=True)


def many_layers(folder: Path, pairs: int) -> Iterator[Ratio]:
    """Loading and saving 300 layers."""
    path = folder / "many.keras"
    model = make_many_layers(path, layers=300)
    yield _load_pair("load 300 layers / plain Keras", path, pairs)
    yield _save_pair("save 300 layers again / plain Keras", model, folder, pairs)
    changed = "save 300 layers, a config not saved before / plain Keras"
    yield _save_pair(changed, model, folder, pairs, changes=True)


def containers(folder: Path, pairs: int) -> Iterator[Ratio]:
    """Plain Keras on what has a manifest and on what has none, in each container."""
    logging.getLogger("absl").setLevel(logging.ERROR)  # that HDF5 is considered legacy
    model = make_many_layers(folder / "first.keras", layers=300)
    for name, save in {
        "many.keras": model.save,
        "many": lambda path: model.save(path, zipped=False),
        "many.h5": model.save,
        "many.weights.h5": model.save_weights,
    }.items():
        ours, bare = folder / "ours" / name, folder / "bare" / name
        for path in (ours, bare):
            path.parent.mkdir(exist_ok=True)
        save(ours)
        _plain(lambda save=save, path=bare: save(path))()

        def load(path: Path) -> Callable[[], None]:
            if path.name.endswith(".weights.h5"):
                return _plain(lambda: model.load_weights(path))
            return _plain(lambda: keras.saving.load_model(path, custom_objects=CUSTOM_OBJECTS))

        kind = "".join(ours.suffixes) or "folder"
        title = f"plain Keras, {kind} with a manifest / without"
        yield measure_pairs(title, 1.01, load(ours), load(bare), pairs=pairs)


def construction(folder: Path, pairs: int) -> Iterator[Ratio]:  # noqa: ARG001 - no files
    """Constructing a registered layer."""
    yield measure_pairs(
        "construct a registered layer / unregistered",
        1.05,
        lambda: Gate(8, activation="relu"),
        lambda: PlainGate(8, activation="relu"),
        pairs=pairs,
        repeat=2000,
    )


def many_distributions(folder: Path, pairs: int) -> Iterator[Ratio]:
    """The same load with 10,000 installed plugin distributions and with one."""
    one, many = folder / "one", folder / "many"
    _install(one, 1)
    _install(many, 10_000)
    module = one / "bench_0000.py"
    module.write_text(_PLUGIN, encoding="utf-8")
    (many / module.name).write_text(_PLUGIN, encoding="utf-8")
    path = folder / "plugin.keras"
    with _on_path(one):
        from bench_0000 import Block  # type: ignore[import-not-found]

        tensor = inputs = keras.Input((8,))
        for _ in range(50):
            tensor = Block(8)(tensor)
        keras_registry.save_model(keras.Model(inputs, tensor), path)

    def load(site: Path) -> Callable[[], None]:
        def done() -> None:
            with _on_path(site):
                keras.saving.load_model(path)

        return done

    def start(program: str, hooks: str) -> Callable[[], None]:
        command = [sys.executable, "-c", f"{program}; keras.saving.load_model({str(path)!r})"]
        environment = {**os.environ, "PYTHONPATH": str(many), "KERAS_REGISTRY_HOOKS": hooks}
        return lambda: subprocess.run(
            command, env=environment, check=True, stderr=subprocess.DEVNULL
        )

    name = "load with 10,000 plugin distributions / with one"
    yield measure_pairs(name, 1.05, load(many), load(one), pairs=pairs)
    # TensorFlow itself reads the metadata of all that is installed, so both sides have 10,000.
    ours = start("import keras, keras_registry", "1")
    plain = start("import keras, bench_0000", "0")
    name = "fresh process with 10,000, its first load / plain Keras"
    yield measure_pairs(name, 1.05, ours, plain, pairs=pairs)


_PLUGIN = """
import keras
from keras_registry import register, types as t


@register("bench-0000", name="Block")
class Block(keras.layers.Layer):
    def __init__(self, units: t.PositiveInt, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units))

    def call(self, inputs):
        return keras.ops.matmul(inputs, self.kernel)
"""


def _install(site: Path, count: int) -> None:
    for number in range(count):
        name = f"bench-{number:04}"
        info = site / f"{name.replace('-', '_')}-1.0.dist-info"
        info.mkdir(parents=True)
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        (info / "METADATA").write_text(metadata, encoding="utf-8")
        entry = f"[keras_registry.layers]\n{name}>Block = {name.replace('-', '_')}:Block\n"
        (info / "entry_points.txt").write_text(entry, encoding="utf-8")


@contextmanager
def _on_path(site: Path) -> Iterator[None]:
    """Puts a folder on sys.path."""
    sys.path.insert(0, str(site))
    try:
        yield
    finally:
        sys.path.remove(str(site))


def inspection(folder: Path, pairs: int) -> Iterator[Ratio]:
    """`keras-registry inspect` of a file of 1 GiB, as a whole process."""
    path = folder / "huge.keras"
    small = folder / "small.keras"
    make_many_layers(small, layers=10)
    with zipfile.ZipFile(small) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
        with target.open("padding.bin", "w") as member:
            for _ in range(1 << 10):
                member.write(bytes(1 << 20))
    command = [sys.executable, "-m", "keras_registry", "inspect", str(path)]
    baseline = [sys.executable, "-c", "import pydantic, zipfile, json"]
    yield measure_pairs(
        "inspect of 1 GiB, whole process / importing pydantic, zipfile, json",
        1.3,
        lambda: subprocess.run(command, stdout=subprocess.DEVNULL, check=True),
        lambda: subprocess.run(baseline, stdout=subprocess.DEVNULL, check=True),
        pairs=max(pairs, 15),
        remark=_memory_and_reads(path, small),
    )


def _memory_and_reads(path: Path, small: Path) -> str:
    """Peak memory of the process, and bytes read for the large file beyond its imports."""
    program = textwrap.dedent("""
        import contextlib, io, json, sys
        from keras_registry.cli import main
        def rchar():
            with open("/proc/self/io") as file:
                return int(file.readline().split()[1])
        with contextlib.redirect_stdout(io.StringIO()):
            main(["inspect", sys.argv[2]])
            before = rchar()
            main(["inspect", sys.argv[1]])
            read = rchar() - before
        with open("/proc/self/status") as file:
            peak = next(line.split()[1] for line in file if line.startswith("VmHWM"))
        print(json.dumps([int(peak), read]))
    """)
    command = [sys.executable, "-c", program, str(path), str(small)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    kilobytes, read = json.loads(said)
    return f"peak {kilobytes / 1024:.0f} MB (budget 80), {read / 1e6:.2f} MB read (budget 1)"


CASES = {
    "construct": construction,
    "many-layers": many_layers,
    "containers": containers,
    "large": large_model,
    "distributions": many_distributions,
    "inspect": inspection,
}
