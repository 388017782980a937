"""Ways to damage a model file, with other damage for each state of a source of random numbers.

Some change bytes, as a bad disk or a broken download does. Others write a part of the file anew and
wrong, as a broken program does: then all checksums are right.
"""

from __future__ import annotations

import copy
import io
import json
import math
import zipfile
from typing import TYPE_CHECKING, Any

import h5py

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

__all__ = ["WAYS", "iter_wrong_types"]

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
CONFIG_ATTRIBUTES = ("model_config", "training_config")
WRONG = (None, True, 7, "text", [], [1, "x"], {}, {"a": 1}, math.nan)
PARTS = (1, 8, 64, 512, 4096)
NUMBER, EVEN = "number", 0.5


def members_of(raw: bytes) -> dict[str, bytes]:
    """Return the members of a `.keras` file."""
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def archive_of(members: dict[str, bytes]) -> bytes:
    """Return a `.keras` file with these members."""
    store = io.BytesIO()
    with zipfile.ZipFile(store, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return store.getvalue()


def is_archive(raw: bytes) -> bool:
    """Whether this is a `.keras` file, and not a `.h5` file."""
    return raw.startswith(b"PK")


def with_hdf5(raw: bytes, edit: Callable[[h5py.File], object]) -> bytes:
    """Return a model file whose HDF5 file was edited: the file itself, or its weights."""
    members = members_of(raw) if is_archive(raw) else {WEIGHTS: raw}
    store = io.BytesIO(members[WEIGHTS])
    with h5py.File(store, "r+") as file:
        edit(file)
    members[WEIGHTS] = store.getvalue()
    return archive_of(members) if is_archive(raw) else members[WEIGHTS]


def config_texts(raw: bytes) -> dict[str, bytes]:
    """Return the texts of the configs, as they stand in a model file."""
    if is_archive(raw):
        return {CONFIG: members_of(raw)[CONFIG]}
    with h5py.File(io.BytesIO(raw)) as file:
        return {name: file.attrs[name].encode() for name in CONFIG_ATTRIBUTES if name in file.attrs}


def with_config(raw: bytes, name: str, config: Any) -> bytes:
    """Return a model file with another config."""
    text = json.dumps(config).encode()
    if is_archive(raw):
        return archive_of(members_of(raw) | {name: text})
    return with_hdf5(raw, lambda file: file.attrs.__setitem__(name, text))


def iter_positions(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of each value in a JSON document."""
    yield path
    if isinstance(node, dict | list):
        for step in node if isinstance(node, dict) else range(len(node)):
            yield from iter_positions(node[step], (*path, step))


def value_at(document: Any, path: tuple[Any, ...]) -> Any:
    """Return a value in a JSON document."""
    for step in path:
        document = document[step]
    return document


def with_value(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return a JSON document with another value at a path."""
    if not path:
        return value
    changed = copy.deepcopy(document)
    value_at(changed, path[:-1])[path[-1]] = value
    return changed


def type_of(value: Any) -> str:
    """Return the name of a JSON type; numbers that are none have their own."""
    if isinstance(value, float) and not math.isfinite(value):
        return "not finite"
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return NUMBER if is_number else type(value).__name__


def iter_wrong_types(raw: bytes) -> Iterator[bytes]:
    """Yield a model file for each position of its configs, and each type that is wrong there."""
    for name, text in config_texts(raw).items():
        config = json.loads(text)
        for path in iter_positions(config):
            for value in WRONG:
                if type_of(value) != type_of(value_at(config, path)):
                    yield with_config(raw, name, with_value(config, path, value))


def truncate(raw: bytes, source: random.Random) -> bytes:
    """Cut the file off."""
    return raw[: source.randrange(len(raw))]


def flip_a_bit(raw: bytes, source: random.Random) -> bytes:
    """Turn one bit over, anywhere."""
    at = source.randrange(len(raw))
    return raw[:at] + bytes([raw[at] ^ (1 << source.randrange(8))]) + raw[at + 1 :]


def flip_bytes(raw: bytes, source: random.Random) -> bytes:
    """Put other values in place of some bytes, anywhere."""
    damaged = bytearray(raw)
    for _ in range(source.choice([1, 1, 2, 4])):
        damaged[source.randrange(len(raw))] = source.choice([0, 255, source.randrange(256)])
    return bytes(damaged)


def flip_a_letter(raw: bytes, source: random.Random) -> bytes:
    """Put another letter or digit in place of one in a config, which may still be a config."""
    text = source.choice(list(config_texts(raw).values()))
    places = [place for place, byte in enumerate(text) if chr(byte).isalnum()]
    at = raw.index(text) + source.choice(places)
    others = "0123456789" if chr(raw[at]).isdigit() else "abcdefghijklmnopqrstuvwxyz"
    return raw[:at] + source.choice(others).encode() + raw[at + 1 :]


def erase(raw: bytes, source: random.Random) -> bytes:
    """Put zeros, or noise, in place of bytes that follow one another."""
    at, size = source.randrange(len(raw)), source.choice(PARTS)
    size = min(size, len(raw) - at)
    others = bytes(size) if source.random() < EVEN else source.randbytes(size)
    return raw[:at] + others + raw[at + size :]


def exchange(raw: bytes, source: random.Random) -> bytes:
    """Exchange two parts of the file that are as long as each other."""
    size = source.choice(PARTS)
    first, second = (source.randrange(len(raw) - size) // 8 * 8 for _ in "ab")
    damaged = bytearray(raw)
    damaged[first : first + size] = raw[second : second + size]
    damaged[second : second + size] = raw[first : first + size]
    return bytes(damaged)


def change_a_type(raw: bytes, source: random.Random) -> bytes:
    """Put a value of another type at a position of a config."""
    name, text = source.choice(list(config_texts(raw).items()))
    config = json.loads(text)
    path = source.choice(list(iter_positions(config)))
    before = type_of(value_at(config, path))
    value = source.choice([value for value in WRONG if type_of(value) != before])
    return with_config(raw, name, with_value(config, path, value))


def lose_a_number(raw: bytes, source: random.Random) -> bytes:
    """Put something that is no number in place of a number in a config."""
    name, text = source.choice(list(config_texts(raw).items()))
    config = json.loads(text)
    numbers = [path for path in iter_positions(config) if type_of(value_at(config, path)) == NUMBER]
    value = source.choice([math.nan, math.inf, -math.inf])
    return with_config(raw, name, with_value(config, source.choice(numbers), value))


def swap_members(raw: bytes, source: random.Random) -> bytes:
    """Exchange two members of the archive, or two of what the root of the HDF5 file has."""
    if is_archive(raw):
        members = members_of(raw)
        one, other = source.sample(sorted(members), 2)
        return archive_of(members | {one: members[other], other: members[one]})

    def swap(file: h5py.File) -> None:
        if source.random() < EVEN:
            one, other = source.sample(sorted(file.attrs), 2)
            file.attrs[one], file.attrs[other] = file.attrs[other], file.attrs[one]
        else:
            rename(file, *source.sample(sorted(file), 2))

    return with_hdf5(raw, swap)


def rename(file: h5py.File, one: str, other: str) -> None:
    """Give each of two members of an HDF5 file the name of the other."""
    file.move(one, "between")
    file.move(other, one)
    file.move("between", other)


def swap_arrays(raw: bytes, source: random.Random) -> bytes:
    """Exchange two arrays."""
    return with_hdf5(raw, lambda file: rename(file, *source.sample(arrays_of(file), 2)))


def arrays_of(file: h5py.File) -> list[str]:
    """Return the paths of all arrays."""
    paths: list[str] = []
    file.visititems(lambda path, item: paths.append(path) if hasattr(item, "shape") else None)
    return paths


def empty_a_member(raw: bytes, source: random.Random) -> bytes:
    """Leave nothing in a member of the archive, or in an attribute or a group of the root."""
    if is_archive(raw):
        members = members_of(raw)
        return archive_of(members | {source.choice(sorted(members)): b""})

    def empty(file: h5py.File) -> None:
        name = source.choice([*file.attrs, *file])
        if name in file.attrs:
            file.attrs[name] = ""
        else:
            file[name].clear()

    return with_hdf5(raw, empty)


def empty_an_array(raw: bytes, source: random.Random) -> bytes:
    """Leave nothing in an array."""

    def empty(file: h5py.File) -> None:
        path = source.choice(arrays_of(file))
        dtype = file[path].dtype
        del file[path]
        file.create_dataset(path, shape=(0,), dtype=dtype)

    return with_hdf5(raw, empty)


WAYS = (
    truncate,
    flip_a_bit,
    flip_bytes,
    flip_a_letter,
    erase,
    exchange,
    change_a_type,
    lose_a_number,
    swap_members,
    swap_arrays,
    empty_a_member,
    empty_an_array,
)
