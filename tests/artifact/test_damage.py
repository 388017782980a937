"""Tests of damaged and of hostile `.keras` files: no exception, no file taken for whole."""

from __future__ import annotations

import io
import random
import struct
import zipfile
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_registry.artifact import ArtifactReading, Expansion, read_keras_zip
from keras_registry.artifact.keras_zip import MAX_CONFIG_BYTES, MAX_METADATA_BYTES
from keras_registry.findings import render_findings
from tests.artifact.archives import (
    CONFIG,
    FLAGS,
    METHOD,
    OFFSET,
    claim_size,
    data_of,
    flip,
    make_archive,
    patch,
)
from tests.support.golden import check_golden

if TYPE_CHECKING:
    from pathlib import Path

PROPERTY = settings(derandomize=True, deadline=None, max_examples=200)
WHOLE = make_archive()


def read(raw: bytes, *, verify: bool = False) -> ArtifactReading:
    """What the reader says about these bytes."""
    reading = read_keras_zip(io.BytesIO(raw), verify_members=verify)
    assert (reading.artifact is None) == bool(reading.findings)
    return reading


def code_of(raw: bytes, *, verify: bool = False) -> str | None:
    """The code of the finding about these bytes; None if they are a model."""
    reading = read(raw, verify=verify)
    return reading.findings[0].code if reading.findings else None


@PROPERTY
@given(raw=st.binary(max_size=200))
def test_arbitrary_bytes_are_no_model(raw: bytes) -> None:
    """Whatever the bytes are, there is a finding and no exception."""
    assert code_of(raw) == "A105"
    assert code_of(b"PK\x03\x04" + raw) == "A105"


def test_every_truncated_file_is_found() -> None:
    """A file that was cut off, wherever, is damaged."""
    codes = {code_of(WHOLE[:length]) for length in range(len(WHOLE))}

    assert codes == {"A105"}


def test_every_flipped_byte_of_the_description_is_found() -> None:
    """A changed byte in the metadata or the config is found in every reading."""
    for member in ("metadata.json", "config.json"):
        positions = data_of(WHOLE, member)
        assert len(positions) > 50
        assert {code_of(flip(WHOLE, position)) for position in positions} == {"A105"}


def test_every_flipped_byte_of_the_weights_is_found_when_asked_for() -> None:
    """A changed byte in the weights is found if all members are verified, and only then."""
    for position in data_of(WHOLE, "model.weights.h5"):
        damaged = flip(WHOLE, position)
        assert code_of(damaged) is None
        (found,) = read(damaged, verify=True).findings
        assert (found.code, found.location) == ("A105", "model.weights.h5")


@pytest.mark.parametrize(
    "compression",
    [
        zipfile.ZIP_STORED,
        zipfile.ZIP_DEFLATED,
        zipfile.ZIP_BZIP2,
        zipfile.ZIP_LZMA,
    ],
    ids=["stored", "deflated", "bzip2", "lzma"],
)
def test_damaged_files_raise_nothing(compression: int) -> None:
    """Bytes changed at random, one or many, anywhere, lead to a finding or to the same config."""
    raw = make_archive(compression=compression)
    source = random.Random(20)  # noqa: S311 - repeatable damage
    seen = set()
    for _ in range(1500):
        damaged = bytearray(raw)
        for _ in range(source.choice([1, 1, 2, 8])):
            damaged[source.randrange(len(raw))] = source.choice([0, 255, source.randrange(256)])
        if source.random() < 0.2:
            del damaged[source.randrange(len(raw)) :]
        reading = read(bytes(damaged), verify=source.random() < 0.5)
        seen.add(reading.findings[0].code if reading.findings else None)
        if reading.artifact is not None:
            assert reading.artifact.config == CONFIG

    assert seen >= {None, "A105", "A106"}


def test_huge_claims_are_refused_unread() -> None:
    """A member that claims to be larger than any real one is not unpacked."""
    for claimed in (MAX_CONFIG_BYTES + 1, 0xFFFFFFFE):
        assert code_of(claim_size(WHOLE, "config.json", claimed)) == "A107"
    for claimed in (MAX_METADATA_BYTES + 1, 0xFFFFFFFE):
        artifact = read(claim_size(WHOLE, "metadata.json", claimed)).artifact
        assert artifact is not None
        assert artifact.metadata is None


def test_decompression_bombs_are_refused_unread(tmp_path: Path) -> None:
    """A member that says it unpacks to far more than it can is named, and nothing is unpacked."""
    members = {"assets/words.txt": b"word", **dict.fromkeys(("assets/1", "assets/2"), b"")}
    bomb = claim_size(make_archive(members), "assets/words.txt", 1 << 30)

    check_golden("A112_assets", render_findings("m.keras", read(bomb).findings))
    assert code_of(make_archive(members)) is None
    small = Expansion(times=10, large=64, large_on_disk=64)
    weights = make_archive({"model.weights.h5": bytes(10_000)}, compression=zipfile.ZIP_DEFLATED)
    for raw, wanted in ((weights, "A112"), (WHOLE, None)):
        findings = read_keras_zip(io.BytesIO(raw), expansion=small).findings
        assert [found.code for found in findings] == ([wanted] if wanted else [])


@pytest.mark.parametrize("claimed", [0, 1, 40])
def test_small_claims_do_not_let_more_through(claimed: int) -> None:
    """A member that holds more than it claims is read up to its claim, and then is damaged."""
    bomb = make_archive({"config.json": b" " * 10_000 + b"{}"}, compression=zipfile.ZIP_DEFLATED)

    assert code_of(claim_size(bomb, "config.json", claimed)) in {"A105", "A107"}


def test_encrypted_member_is_damaged() -> None:
    """A member that needs a password cannot be read; nobody is asked for one."""
    assert code_of(patch(WHOLE, "config.json", FLAGS, "<H", 1)) == "A105"


def test_unknown_compression_is_damaged() -> None:
    """A member in a compression that Python does not have cannot be read."""
    assert code_of(patch(WHOLE, "config.json", METHOD, "<H", 99)) == "A105"


def test_offsets_beyond_every_file_are_damaged() -> None:
    """A directory that points behind the end of the file, or before its start, is damaged."""
    for offset in (0x7FFFFFFF, 0xFFFFFFFE):
        assert code_of(patch(WHOLE, "config.json", OFFSET, "<I", offset)) == "A105"
    end = WHOLE.rindex(b"PK\x05\x06")
    for field, value in ((12, 0xFFFFFFFE), (16, 0xFFFFFFFE), (8, 0xFFFE), (20, 0xFFFF)):
        damaged = bytearray(WHOLE)
        struct.pack_into("<H" if field in {8, 20} else "<I", damaged, end + field, value)
        assert code_of(bytes(damaged)) in {"A105", None}


def test_member_twice_is_read_as_keras_reads_it() -> None:
    """Of two members of one name the last counts, for this reader and for Keras's."""
    buffer = io.BytesIO(make_archive())
    with (
        pytest.warns(UserWarning, match="Duplicate name"),
        zipfile.ZipFile(buffer, "a") as archive,
    ):
        archive.writestr("config.json", '{"class_name": "Other"}')

    artifact = read(buffer.getvalue()).artifact

    assert artifact is not None
    with zipfile.ZipFile(buffer) as archive:
        assert archive.read("config.json") == b'{"class_name": "Other"}'
    assert artifact.config == {"class_name": "Other"}


@pytest.mark.parametrize(
    ("name", "raw", "verify"),
    [
        ("truncated", WHOLE[: len(WHOLE) // 2], False),
        ("flipped_config", flip(WHOLE, data_of(WHOLE, "config.json")[20]), False),
        ("flipped_weights", flip(WHOLE, data_of(WHOLE, "model.weights.h5")[20]), True),
    ],
)
def test_texts_about_damage(name: str, raw: bytes, verify: object, tmp_path: Path) -> None:
    """What is damaged is said in a few words, without a traceback of zipfile."""
    path = tmp_path / "churn.keras"
    path.write_bytes(raw)

    reading = read_keras_zip(path, verify_members=bool(verify))

    text = render_findings("churn.keras cannot be loaded", reading.findings)
    check_golden(f"artifact_A105_{name}", text, replace={str(tmp_path): "FOLDER"})
