"""The structure of HDF5 files, checked before libhdf5 reads them."""

from __future__ import annotations

import io
import json
import random
import struct
import subprocess
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from keras_registry.artifact import find_damage, read_keras_h5
from keras_registry.artifact.hdf5_heaps import Bytes, Hdf5Error
from keras_registry.artifact.hdf5_structure import check_hdf5
from keras_registry.findings import render_findings
from tests.artifact.archives import make_archive
from tests.artifact.h5_damages import NASTY, make_weights
from tests.artifact.h5_files import make_h5
from tests.support.golden import check_golden
from tests.support.processes import run_python

COMPAT = Path(__file__).resolve().parents[1] / "compat"
WHOLE = make_weights()


def fault(raw: bytes, **options: Any) -> str | None:
    """What is wrong with these bytes, or None."""
    try:
        check_hdf5(Bytes(io.BytesIO(raw)), **options)
    except Hdf5Error as error:
        return str(error)
    return None


def damaged(name: str, raw: bytes = WHOLE) -> bytes:
    """A file with some damage."""
    changed = bytearray(raw)
    NASTY[name](changed)
    return bytes(changed)


def fill(file: h5py.File) -> None:
    """Write members, attributes and arrays of all forms that h5py has."""
    for number in range(40):
        file.create_group(f"layers/dense_{number}/vars").attrs["name"] = f"dense_{number}"
    texts = file.create_group("texts")
    values = {
        "one": "text",
        "many": ["a", "bc", ""],
        "none": [],
        "bytes": b"raw",
        "fixed": np.bytes_("x"),
    }
    for name, value in {**values, "null": h5py.Empty("S1"), "long": "x" * 60_000}.items():
        texts.attrs[name] = value
    texts.attrs["ragged"] = np.array([np.arange(2), np.arange(3)], dtype=h5py.vlen_dtype("int32"))[
        :0
    ]
    for number in range(30):
        texts.attrs[f"further_{number}"] = "text" * number
    data = np.arange(1000, dtype="float32").reshape(20, 50)
    file["contiguous"] = data
    file["scalar"] = 1.0
    file["texts/dataset"] = ["a", "bc"]
    file.create_dataset("packed", data=data, chunks=(3, 7), compression="gzip", fletcher32=True)
    file.create_dataset("bytes", data=np.arange(9, dtype="uint8"), chunks=(1,), maxshape=(None,))
    file.create_dataset("empty", shape=(0, 3), chunks=(1, 3), maxshape=(None, 3))
    file.create_dataset("nothing", data=h5py.Empty("float32"))
    file.create_dataset("compact", shape=(2,), dtype="int8")
    file["hard"] = file["texts"]
    file["texts/up"] = file["/"]
    file["soft"] = h5py.SoftLink("/nowhere")
    file["external"] = h5py.ExternalLink("other.h5", "/")


@pytest.mark.parametrize(
    "options",
    [{}, {"libver": "v108"}, {"libver": "latest"}, {"track_order": True}],
    ids=str,
)
def test_whole_files(options: dict[str, Any]) -> None:
    """Nothing is wrong with a file that h5py wrote, in whatever form."""
    store = io.BytesIO()
    with h5py.File(store, "w", **options) as file:
        fill(file)

    assert fault(store.getvalue()) is None


def test_files_that_keras_wrote() -> None:
    """Nothing is wrong with the files of any release of Keras, in whatever container."""
    paths = [path for suffix in ("h5", "keras") for path in COMPAT.rglob(f"*.{suffix}")]

    assert len(paths) > 20
    assert [path for path in paths if find_damage(path) is not None] == []


READ = """
import pathlib, re, resource, sys
import h5py

resource.setrlimit(resource.RLIMIT_AS, (3 << 29, 3 << 29))
try:
    with h5py.File(sys.argv[1]) as file:
        file.attrs["keras_version"]
        "layers/dense_7" in file
        file["vars/0"][()]
finally:
    status = pathlib.Path("/proc/self/status").read_text()
    print(int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1]) >> 10)
"""
"""The peak is not taken from `getrusage`, which counts in what the parent held when it forked."""


@pytest.mark.parametrize("name", NASTY)
def test_libhdf5_does_not_survive_it(name: str, tmp_path: Path) -> None:
    """With each damage that is looked for h5py alone does not end, crashes or takes a gigabyte."""
    path = tmp_path / "weights.h5"
    path.write_bytes(damaged(name))

    try:
        done = run_python(READ, argv=[path], timeout=3)
    except subprocess.TimeoutExpired:
        return

    assert done.returncode < 0 or int(done.stdout) > 800


def test_whole_file_is_read_by_libhdf5(tmp_path: Path) -> None:
    """The same program reads the same file without the damage in no time."""
    path = tmp_path / "weights.h5"
    path.write_bytes(WHOLE)

    assert int(run_python(READ, argv=[path], timeout=60).check().stdout) < 200


@pytest.mark.parametrize("name", NASTY)
def test_texts(name: str, tmp_path: Path) -> None:
    """What is damaged is told in a few words, as the weights of a model or as a file."""
    path = tmp_path / "churn.keras"
    path.write_bytes(make_archive({"model.weights.h5": damaged(name)}))
    alone = tmp_path / "churn.weights.h5"
    alone.write_bytes(damaged(name))

    inside, found = find_damage(path), find_damage(alone)

    assert inside is not None
    assert found is not None
    assert (inside.found, inside.location) == (found.found, "model.weights.h5")
    text = render_findings("churn.keras cannot be loaded", [inside])
    check_golden(f"artifact_A105_{name}", text)


VERIFY = """
import sys
from keras_registry.cli import main

print([main(["verify", path]) for path in sys.argv[1:]])
"""


def test_verify_survives_it(tmp_path: Path) -> None:
    """`verify` says of each such model that it is damaged, in the process that asked."""
    paths = []
    for name in NASTY:
        paths.append(tmp_path / f"{name}.keras")
        paths[-1].write_bytes(make_archive({"model.weights.h5": damaged(name)}))
    model = make_h5(tmp_path / "model.h5")
    with h5py.File(model, "r+") as file, h5py.File(io.BytesIO(WHOLE)) as weights:
        for member in weights:
            weights.copy(member, file)
    for name in NASTY:
        paths.append(tmp_path / f"{name}.h5")
        paths[-1].write_bytes(damaged(name, model.read_bytes()))

    done = run_python(VERIFY, argv=[model, *paths], timeout=60)

    assert json.loads(done.check().stdout.splitlines()[-1]) == [1, *[3] * len(paths)]


def test_inspect_survives_it(tmp_path: Path) -> None:
    """What `inspect` reads is looked at; damage elsewhere it does not meet."""
    codes = {}
    for name in NASTY:
        path = make_h5(tmp_path / f"{name}.h5")
        with h5py.File(path, "r+") as file, h5py.File(io.BytesIO(WHOLE)) as weights:
            for member in weights:
                weights.copy(member, file)
        path.write_bytes(damaged(name, path.read_bytes()))
        codes[name] = [found.code for found in read_keras_h5(path).findings]

    assert codes == {name: ["A105"] for name in NASTY} | {
        "circle_of_members": [],
        "chunk_of_nothing": [],
    }


def test_every_truncated_file_is_found() -> None:
    """A file that was cut off, wherever, is damaged."""
    lengths = range(0, len(WHOLE), 97)

    assert all(fault(WHOLE[:length]) is not None for length in lengths)
    assert fault(WHOLE[:5000]) == f"a truncated file: 5,000 of {len(WHOLE):,} bytes"


def test_any_damage_is_a_fault_or_none() -> None:
    """Numbers changed at random lead to a fault or to none, and to an end."""
    source = random.Random(9)  # noqa: S311 - repeatable damage
    found = 0
    for _ in range(600):
        raw = bytearray(WHOLE)
        for _ in range(source.choice([1, 2, 40])):
            at = source.randrange(len(raw) - 8) // 8 * 8
            number = source.choice([0, 1, at, source.randrange(len(raw)), (1 << 64) - 1, 1 << 62])
            struct.pack_into("<Q", raw, at, number)
        found += fault(bytes(raw)) is not None

    assert 100 < found < 600


def header(*messages: tuple[int, bytes]) -> bytes:
    """A file whose root has a header with these messages."""
    body = b"".join(struct.pack("<HHI", kind, len(data), 0) + data for kind, data in messages)
    size = 96 + 16 + len(body)
    superblock = (
        b"\x89HDF\r\n\x1a\n" + bytes([0, 0, 0, 0, 0, 8, 8, 0]) + struct.pack("<HHI", 4, 16, 0)
    )
    superblock += struct.pack("<QQQQ", 0, 0, size, 0) + struct.pack("<QQII16x", 0, 96, 0, 0)
    return superblock + struct.pack("<BxHIIxxxx", 1, len(messages), 1, len(body)) + body


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([(0x10, struct.pack("<QQ", 112, 24))], "a header that leads twice to byte 112"),
        ([(0x11, struct.pack("<QQ", 96, 96))], "no local heap at byte 96"),
        (
            [(0x10, struct.pack("<QQ", 1 << 40, 24))],
            "a part that ends at byte 1,099,511,627,800 of 136",
        ),
        ([(0x11, b"")], "a part that is shorter than what it should hold"),
        ([(0x03, b"\x19\x07")], "values of variable length that are neither sequences nor texts"),
    ],
)
def test_headers(messages: list[tuple[int, bytes]], words: str) -> None:
    """What a header leads to is there, once."""
    assert fault(header(*messages)) == words


def test_header_in_order() -> None:
    """A header with messages that are not known is none of this."""
    assert fault(header((0x03, b"\x11 "), (0x99, b"?"))) is None


@pytest.mark.parametrize(
    ("at", "value", "words"),
    [
        (0, b"\x88", "no HDF5 file"),
        (13, b"\x04", "addresses and lengths of 4 and 8 bytes"),
        (64, bytes([1]), "no object at byte 1"),
    ],
)
def test_superblocks(at: int, value: bytes, words: str) -> None:
    """The head of the file leads to its root."""
    assert fault(WHOLE[:at] + value + WHOLE[at + len(value) :]) == words


def test_newer_superblock_is_left_to_libhdf5() -> None:
    """A version that is not known may lay out everything in another way."""
    assert fault(WHOLE[:8] + b"\x04" + WHOLE[9:]) is None


def test_little_is_read() -> None:
    """Of a large file a few blocks are read, and of a model's root the first ones."""
    store = io.BytesIO()
    with h5py.File(store, "w") as file:
        file.attrs["keras_version"] = "3.15.1"
        for number in range(4):
            file[f"vars/{number}"] = np.zeros(1 << 20)
    counted = Counting(store.getvalue())

    check_hdf5(Bytes(counted))

    assert counted.read_bytes < counted.whole // 50


class Counting(io.BytesIO):
    """A file that counts what is read of it."""

    def __init__(self, raw: bytes) -> None:
        super().__init__(raw)
        self.whole, self.read_bytes = len(raw), 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.read_bytes += len(data)
        return data
