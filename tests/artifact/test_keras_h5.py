"""Tests of reading `.h5` files: whole ones, damaged ones, and whatever stands in their place."""

from __future__ import annotations

import json
import os
import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest

from keras_registry.artifact import (
    MODEL_CONFIG,
    TRAINING_CONFIG,
    Artifact,
    find_obstacle,
    keras_h5,
    read_artifact,
    read_h5_configs,
    read_keras_h5,
    replace_h5_config,
    replace_h5_manifest,
)
from tests.artifact.archives import make_archive
from tests.artifact.failures import check_text, failure
from tests.artifact.h5_files import ATTRIBUTES, CONFIG, MANIFEST, TRAINING, make_h5
from tests.support.processes import run_python

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from keras_registry.findings import Finding


def read(path: Path) -> Artifact:
    """What is in a file that can be read."""
    reading = read_artifact(path)
    assert reading.findings == ()
    assert reading.artifact is not None
    return reading.artifact


def check(name: str, found: Finding, folder: Path) -> None:
    """Check the words of a finding about a `.h5` file."""
    check_text(f"h5_{name}", found, folder, file="churn.h5")


def write_bytes(folder: Path, data: bytes) -> Path:
    """A file with these bytes where a model should be."""
    path = folder / "churn.h5"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", ["churn.h5", "churn.hdf5"])
def test_whole_file_is_read(name: str, tmp_path: Path) -> None:
    """Both configs, the versions, the manifest and the members are those of the file."""
    path = make_h5(tmp_path / name)

    artifact = read(path)

    assert (artifact.name, artifact.size) == (str(path), path.stat().st_size)
    assert (artifact.container, artifact.is_file) == (".h5", True)
    assert artifact.config == {MODEL_CONFIG: CONFIG, TRAINING_CONFIG: TRAINING}
    assert artifact.model == CONFIG
    assert artifact.find_metadata("keras_version") == "3.15.1"
    assert artifact.find_metadata("backend") == "tensorflow"
    assert (artifact.has_manifest, artifact.manifest_document) == (True, MANIFEST)
    assert {member.name for member in artifact.members} == {
        "keras_registry",
        "model_weights",
        "optimizer_weights",
    }


def test_model_without_compiled_state(tmp_path: Path) -> None:
    """A model that was not compiled has only its own config."""
    path = make_h5(tmp_path / "churn.h5", {TRAINING_CONFIG: None})

    assert read(path).config == {MODEL_CONFIG: CONFIG}


def test_file_without_manifest(tmp_path: Path) -> None:
    """A file that plain Keras wrote has no manifest."""
    artifact = read(make_h5(tmp_path / "churn.h5", manifest=None))

    assert (artifact.has_manifest, artifact.manifest_document) == (False, None)


@pytest.mark.parametrize("form", [str, str.encode, np.bytes_], ids=["text", "bytes", "fixed"])
def test_texts_in_any_form_are_read(form: Callable[[str], Any], tmp_path: Path) -> None:
    """A config may be text or bytes, of variable or of fixed length, as older writers left it."""
    config = json.dumps(CONFIG | {"name": "Kräuter"}, ensure_ascii=form is np.bytes_)

    path = make_h5(tmp_path / "churn.h5", {MODEL_CONFIG: form(config)})

    assert read(path).model["name"] == "Kräuter"


@pytest.mark.parametrize("form", [bytes, np.bytes_], ids=["variable", "fixed"])
def test_bytes_that_are_no_text_can_be_shown(form: Callable[[bytes], Any], tmp_path: Path) -> None:
    """Bytes that are no UTF-8 inside a name do not keep the model from being read."""
    raw = json.dumps(CONFIG).encode().replace(b"small", b"sm\xffll")

    artifact = read(make_h5(tmp_path / "churn.h5", {MODEL_CONFIG: form(raw)}))

    assert json.dumps(artifact.model).isascii()


@pytest.mark.parametrize("value", [7, np.zeros(3), h5py.Empty("S1"), ["3.15.1"]])
def test_versions_that_are_no_text_are_left_out(value: Any, tmp_path: Path) -> None:
    """Keras loads whatever the versions say, so the model is read without them."""
    path = make_h5(tmp_path / "churn.h5", {"keras_version": value, "backend": value})

    artifact = read(path)

    assert artifact.find_metadata("keras_version") is None
    assert artifact.find_metadata("backend") is None


PLACE = "keras_registry/manifest"
BYTES = np.frombuffer(json.dumps(MANIFEST).encode(), "uint8")


def put(**options: Any) -> Callable[[h5py.File], Any]:
    """A function that makes the manifest's dataset."""
    return lambda file: file.create_dataset(PLACE, **options)


UNREADABLE: dict[str, Callable[[h5py.File], Any]] = {
    "other_bytes": put(data=BYTES.view("int8")),
    "numbers": put(data=BYTES.astype("float64")),
    "text": put(data=json.dumps(MANIFEST)),
    "one_byte": put(data=BYTES[0]),
    "table": put(data=BYTES[:40].reshape(2, 20)),
    "nothing": put(data=h5py.Empty("uint8")),
    "no_bytes": put(data=BYTES[:0]),
    "not_json": put(data=np.frombuffer(b"keras", "uint8")),
    "not_text": put(data=np.frombuffer(b"\xff\xfe\x00", "uint8")),
    "list": put(data=np.frombuffer(b"[1, 2]", "uint8")),
    "deep": put(data=np.frombuffer(b"[" * 200_000, "uint8")),
    "huge": put(shape=(1 << 50,), chunks=(1 << 10,), dtype="uint8"),
    "group": lambda file: file.create_group("keras_registry"),
    "type": lambda file: file.__setitem__("keras_registry", np.dtype("uint8")),
    "loop": lambda file: file.__setitem__("keras_registry", h5py.SoftLink("/keras_registry")),
    "dataset": lambda file: file.create_dataset("keras_registry", data=BYTES),
    "link": lambda file: file.__setitem__(PLACE, h5py.SoftLink("/model_weights")),
    "nowhere": lambda file: file.__setitem__("keras_registry", h5py.SoftLink("/nowhere")),
    "root": lambda file: file.__setitem__("keras_registry", file["/"]),
}


@pytest.mark.parametrize("write", UNREADABLE.values(), ids=UNREADABLE)
def test_manifest_of_another_form(write: Callable[[h5py.File], Any], tmp_path: Path) -> None:
    """Keras loads whatever stands there, so the model is read: with a manifest that is none."""
    path = make_h5(tmp_path / "churn.h5", manifest=None)
    with h5py.File(path, "a") as file:
        write(file)

    artifact = read(path)

    assert artifact.model == CONFIG
    assert (artifact.has_manifest, artifact.manifest_document) == (True, None)


def test_manifest_that_cannot_be_unpacked(tmp_path: Path) -> None:
    """A manifest with damaged bytes does not keep Keras from loading, and so it is none."""
    path = make_h5(tmp_path / "churn.h5", manifest=None)
    with h5py.File(path, "a") as file:
        file.create_dataset(PLACE, data=BYTES, chunks=BYTES.shape, fletcher32=True)
    raw = path.read_bytes()
    path.write_bytes(raw.replace(b"manifest_version", b"manifest-version"))

    artifact = read(path)

    assert (artifact.has_manifest, artifact.manifest_document) == (True, None)


def link_outside(file: h5py.File, other: Path) -> None:
    """Let the manifest be a link to the same name in another file."""
    file["keras_registry"] = h5py.ExternalLink(str(other), "keras_registry")


def lie_outside(file: h5py.File, other: Path) -> None:
    """Let the manifest's bytes lie in another file."""
    file.create_dataset(PLACE, BYTES.shape, "uint8", external=[(str(other), 0, BYTES.size)])


def look_outside(file: h5py.File, other: Path) -> None:
    """Let the manifest be a view of a dataset in another file."""
    layout = h5py.VirtualLayout(BYTES.shape, "uint8")
    layout[:] = h5py.VirtualSource(str(other), PLACE, BYTES.shape, "uint8")
    file.create_virtual_dataset(PLACE, layout)


@pytest.mark.parametrize("refer", [link_outside, lie_outside, look_outside])
def test_manifest_in_another_file_is_not_read(
    refer: Callable[[h5py.File, Path], None], tmp_path: Path
) -> None:
    """A model file cannot show what is in another file, by whatever way h5py would go there."""
    other = make_h5(tmp_path / "other.h5")
    if refer is lie_outside:
        other.write_bytes(BYTES.tobytes())
    path = make_h5(tmp_path / "churn.h5", manifest=None)
    with h5py.File(path, "a") as file:
        refer(file, other)
    with h5py.File(path) as file:
        assert bytes(file[PLACE][()]) == BYTES.tobytes()

    artifact = read(path)

    assert (artifact.has_manifest, artifact.manifest_document) == (True, None)


READ_ALL = """
import sys
from keras_registry.artifact import read_artifact

for path in sys.argv[1:]:
    reading = read_artifact(path)
    print(reading.artifact is not None, [found.code for found in reading.findings])
"""


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_other_files_are_not_even_opened(tmp_path: Path) -> None:
    """What a model file refers to is not opened: a pipe would never answer."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    paths = []
    for number, refer in enumerate([link_outside, lie_outside, look_outside]):
        paths.append(make_h5(tmp_path / f"{number}.h5", manifest=None))
        with h5py.File(paths[-1], "a") as file:
            refer(file, pipe)
    paths.append(tmp_path / "linked_weights.h5")
    with h5py.File(paths[-1], "w") as file:
        for name in ("layers", "vars"):
            file[name] = h5py.ExternalLink(str(pipe), name)

    done = run_python(READ_ALL, argv=paths, timeout=60).check()

    assert done.stdout.splitlines() == ["True []"] * 3 + ["False ['A106']"]


def test_model_and_weights_in_other_files_are_not_looked_for(tmp_path: Path) -> None:
    """Links called like the parts of a model are no parts: only attributes of the file count."""
    other = make_h5(tmp_path / "other.h5")
    path = tmp_path / "churn.h5"
    with h5py.File(path, "w") as file:
        file[MODEL_CONFIG] = h5py.ExternalLink(str(other), "/")
        file["model_weights"] = h5py.ExternalLink(str(other), "model_weights")

    found = failure(read_keras_h5(path))

    assert (found.code, found.found) == ("A106", "members model_config, model_weights")


def write_weights(file: h5py.File) -> None:
    """Weights as `save_weights` writes them."""
    file.create_dataset("layers/dense/vars/0", data=np.zeros((4, 3)))
    file.create_group("optimizer")


def write_old_weights(file: h5py.File) -> None:
    """Weights as older versions of Keras wrote them: the group `model_weights` as the root."""
    file.attrs["layer_names"] = [b"dense"]
    file.attrs["backend"] = "tensorflow"
    file.create_dataset("dense/kernel", data=np.zeros((4, 3)))


def write_own_weights(file: h5py.File) -> None:
    """Weights of a layer or an optimizer alone."""
    file.create_dataset("vars/0", data=np.zeros((4, 3)))


@pytest.mark.parametrize("write", [write_weights, write_old_weights, write_own_weights])
def test_weights_without_a_model(write: Callable[[h5py.File], None], tmp_path: Path) -> None:
    """A file of weights has its own hint, in whichever form Keras wrote it."""
    path = tmp_path / "churn.h5"
    with h5py.File(path, "w") as file:
        write(file)

    check("A106_weights", failure(read_artifact(path)), tmp_path)


@pytest.mark.parametrize("count", [0, 2, 9])
def test_file_that_is_no_model(count: int, tmp_path: Path) -> None:
    """Another HDF5 file is said to be one, with the first of its members."""
    path = tmp_path / "churn.h5"
    with h5py.File(path, "w") as file:
        for number in range(count):
            file.create_group(f"{number}\x1b[8m" if number == 1 else f"run{number}")

    check(f"A106_other_{count}", failure(read_artifact(path)), tmp_path)


CONFIGS: dict[str, Any] = {
    "number": np.int64(7),
    "array": np.arange(3),
    "texts": ["{}", "{}"],
    "nothing": h5py.Empty("S1"),
    "opaque": np.void(b"{}"),
    "not_json": b"keras",
    "no_text": b"\xff\xfe",
    "empty": b"",
    "list": b"[1, 2]",
    "null": b"null",
    "deep": b"[" * 200_000,
    "deep_object": b'{"a":' * 200_000,
    "long_number": b'{"a": ' + b"1" * 10_000 + b"}",
}


@pytest.mark.parametrize("part", [MODEL_CONFIG, TRAINING_CONFIG])
@pytest.mark.parametrize("value", CONFIGS.values(), ids=CONFIGS)
def test_config_that_is_no_json_object(value: Any, part: str, tmp_path: Path) -> None:
    """Whatever stands in place of a config, there is a finding that names the attribute."""
    found = failure(read_artifact(make_h5(tmp_path / "churn.h5", {part: value})))

    assert (found.code, found.location) == ("A107", part)


@pytest.mark.parametrize("name", ["number", "texts", "nothing", "not_json", "list", "deep"])
def test_texts_about_an_unreadable_config(name: str, tmp_path: Path) -> None:
    """What was found in place of the JSON object is said in a few words."""
    path = make_h5(tmp_path / "churn.h5", {MODEL_CONFIG: CONFIGS[name]})

    check(f"A107_{name}", failure(read_artifact(path)), tmp_path)


def test_huge_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A config that is larger than any model's is not parsed."""
    monkeypatch.setattr(keras_h5, "MAX_CONFIG_BYTES", 1000)
    path = make_h5(tmp_path / "churn.h5", {TRAINING_CONFIG: b" " * 999 + b"{}"})

    check("A107_huge", failure(read_artifact(path)), tmp_path)


def test_huge_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A manifest that is larger than any model's is not read."""
    monkeypatch.setattr(keras_h5, "MAX_METADATA_BYTES", BYTES.size - 1)

    artifact = read(make_h5(tmp_path / "churn.h5"))

    assert (artifact.has_manifest, artifact.manifest_document) == (True, None)


OTHERS = {
    "html": b"<!DOCTYPE html><title>Sign in</title>",
    "zip": make_archive(),
    "git_lfs": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
    "unknown": b"\x1b[31m\x00\xff\r\n model",
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_files_are_recognised(name: str, tmp_path: Path) -> None:
    """What stands in place of the file is named, and the hint is one for that."""
    check(f"A104_{name}", failure(read_artifact(write_bytes(tmp_path, OTHERS[name]))), tmp_path)


def test_empty_file(tmp_path: Path) -> None:
    """A file without a byte has its own finding."""
    check("A103", failure(read_artifact(write_bytes(tmp_path, b""))), tmp_path)


def test_missing_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path with nothing there is said with the working directory."""
    monkeypatch.chdir(tmp_path)

    check("A101", failure(read_artifact("churn.h5")), tmp_path)


def test_folder_in_place_of_a_file(tmp_path: Path) -> None:
    """A folder that is no model is no file either."""
    path = tmp_path / "churn.h5"
    path.mkdir()

    check("A102", failure(read_artifact(path)), tmp_path)


def test_path_that_no_system_takes() -> None:
    """A path with a null character is a finding, not an exception."""
    assert failure(read_artifact("churn\x00.h5")).code == "A101"


def test_every_truncated_file_is_found(tmp_path: Path) -> None:
    """A file that was cut off, wherever, is damaged."""
    whole = make_h5(tmp_path / "whole.h5").read_bytes()
    lengths = [*range(200), *range(200, len(whole), 61), len(whole) - 1]

    codes = {
        length: failure(read_artifact(write_bytes(tmp_path, whole[:length]))).code
        for length in lengths
    }

    assert codes.pop(0) == "A103"
    assert {code for length, code in codes.items() if length < 8} == {"A104"}
    assert {code for length, code in codes.items() if length >= 8} == {"A105"}


def test_text_about_a_truncated_file(tmp_path: Path) -> None:
    """What is damaged is said in a few words, without a traceback of h5py."""
    whole = make_h5(tmp_path / "whole.h5").read_bytes()
    path = write_bytes(tmp_path, whole[: len(whole) // 2])

    found = failure(read_artifact(path))

    assert "truncated" in str(found.found)
    check("A105_truncated", replace(found, found="WHAT HDF5 SAYS"), tmp_path)


READ_DAMAGED = """
import json, random, sys
from collections import Counter
from pathlib import Path
from keras_registry.artifact import read_artifact

whole, count = Path(sys.argv[1]), int(sys.argv[2])
raw = whole.read_bytes()
places = sorted(set(range(len(raw))) - set(json.loads(sys.argv[3])))
source = random.Random(20)
codes = Counter()
for _ in range(count):
    damaged = bytearray(raw)
    for _ in range(source.choice([1, 1, 2, 8])):
        damaged[source.choice(places)] = source.choice([0, 255, source.randrange(256)])
    path = whole.with_name("damaged.h5")
    path.write_bytes(damaged)
    reading = read_artifact(path)
    assert (reading.artifact is None) == bool(reading.findings)
    codes[reading.findings[0].code if reading.findings else "whole"] += 1
print(json.dumps(codes))
"""


def read_damaged(whole: Path, *, spared: Iterable[int] = ()) -> dict[str, int]:
    """How often a file that was damaged at random led to each code, in a process of its own.

    HDF5 is not written for damaged files: should it crash, or not come to an end, a test fails.
    """
    options = [str(whole), "600", json.dumps(sorted(spared))]
    codes: dict[str, int] = run_python(READ_DAMAGED, argv=options, timeout=100).json()
    return codes


def test_damaged_files_raise_nothing(tmp_path: Path) -> None:
    """Bytes changed at random, one or many, anywhere, lead to a finding or to a reading."""
    changes = {name: np.bytes_(value) for name, value in ATTRIBUTES.items()}

    codes = read_damaged(make_h5(tmp_path / "whole.h5", changes))

    assert codes.keys() >= {"whole", "A105", "A107"}
    assert codes.keys() <= {"whole", "A104", "A105", "A106", "A107"}


def test_damaged_files_as_keras_writes_them_raise_nothing(tmp_path: Path) -> None:
    """The same with texts of variable length, which HDF5 keeps in a heap of their own.

    All lengths of texts are spared: HDF5 1.14 believes what an attribute claims, up to 4 GiB, and
    does not come to an end on a heap in which they are damaged.
    """
    whole = make_h5(tmp_path / "whole.h5")
    raw = whole.read_bytes()
    heap = raw.index(b"GCOL")
    spared = set(range(heap, heap + 4096))
    references = [place for place in range(heap) if raw[place:].startswith(struct.pack("<Q", heap))]
    assert len(references) >= len(ATTRIBUTES)
    for place in references:
        spared.update(range(place - 4, place))

    codes = read_damaged(whole, spared=spared)

    assert codes.keys() >= {"whole", "A105"}
    assert codes.keys() <= {"whole", "A104", "A105", "A106", "A107"}


def test_nothing_is_in_the_way_of_a_file(tmp_path: Path) -> None:
    """What begins as HDF5 does is no obstacle, whether or not it turns out to be a model."""
    whole = make_h5(tmp_path / "whole.h5")

    assert find_obstacle(whole) is None
    assert find_obstacle(write_bytes(tmp_path, whole.read_bytes()[:100])) is None
    assert find_obstacle(str(make_h5(tmp_path / "other.hdf5", {MODEL_CONFIG: None}))) is None


@pytest.mark.parametrize("name", OTHERS)
def test_obstacles_are_what_the_reader_finds(name: str, tmp_path: Path) -> None:
    """What Keras cannot even open has the finding that reading it has."""
    path = write_bytes(tmp_path, OTHERS[name])

    assert find_obstacle(path) == failure(read_artifact(path))


def members_of(path: Path) -> dict[str, Any]:
    """All weights of a file, by their paths."""
    found = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: found.update({name: item[()]}) if hasattr(item, "dtype") else None
        )
    return {name: np.asarray(value).tolist() for name, value in found.items()}


@pytest.mark.parametrize("manifest", [None, MANIFEST], ids=["new", "replaced"])
def test_manifest_is_replaced(manifest: Any, tmp_path: Path) -> None:
    """A manifest that was put into a file is read back, and all else stays as it was."""
    path = make_h5(tmp_path / "churn.h5", manifest=manifest)
    before, members = read(path), members_of(path)
    document = {"manifest_version": "1.0", "text": "Kräuter \U0001f33f", "list": [1, None, 2.5]}

    with h5py.File(path, "a") as file:
        replace_h5_manifest(file, document)

    assert read(path).manifest_document == document
    assert read(path).config == before.config
    after = members_of(path)
    after.pop(PLACE)
    assert after == {name: value for name, value in members.items() if name != PLACE}


def test_manifest_is_put_in_place_of_a_link(tmp_path: Path) -> None:
    """A link goes away; what it led to is not touched."""
    other = make_h5(tmp_path / "other.h5")
    raw = other.read_bytes()
    path = make_h5(tmp_path / "churn.h5", manifest=None)
    with h5py.File(path, "a") as file:
        link_outside(file, other)
        replace_h5_manifest(file, {"manifest_version": "1.1"})

    assert read(path).manifest_document == {"manifest_version": "1.1"}
    assert other.read_bytes() == raw


@pytest.mark.parametrize("part", [MODEL_CONFIG, TRAINING_CONFIG])
@pytest.mark.parametrize("length", [1, 100_000])
def test_config_is_replaced(part: str, length: int, tmp_path: Path) -> None:
    """A config of any length that was put into a file is read back, and all else stays."""
    path = make_h5(tmp_path / "churn.h5")
    before, members = read(path), members_of(path)
    config = {"class_name": "Other", "config": {"name": "ü" * length}}

    with h5py.File(path, "a") as file:
        replace_h5_config(file, part, config)
        assert read_h5_configs(file) == before.config | {part: config}

    after = read(path)
    assert after.config == before.config | {part: config}
    assert (after.metadata, after.members) == (before.metadata, before.members)
    assert members_of(path) == members
