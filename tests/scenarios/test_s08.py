"""S08: what is at the path is no model, or a broken one: said by its name, in every way of asking.

Each situation is made for a ``.keras`` file, a folder and a ``.h5`` file, and put to `load_model`
with and without the hooks, to `verify` and to `inspect`. Plain Keras answers "File not found" to
most of the first, and with errors of h5py or zipfile to others.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.scenarios.observing import QUIET, normalised, plain
from tests.support.golden import check_golden

if TYPE_CHECKING:
    from tests.support.processes import ForkServer

PROGRAM = f"""\
{QUIET}
import contextlib, io, json, shutil, sys, traceback, warnings, zipfile
from pathlib import Path

import h5py
import keras
import numpy as np

import keras_registry
from keras_registry.cli import main

warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
logging.getLogger("keras_registry").disabled = True  # what it says is noted below
keras.utils.set_random_seed(8)
model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3, name="only")])
for path in ("good.keras", "good.h5", "good"):
    model.save(path, **({{}} if "." in path else {{"zipped": False}}))
model.save_weights("good.weights.h5")


def copied(path):
    source = Path(f"good{{path.suffix}}")
    (shutil.copytree if source.is_dir() else shutil.copyfile)(source, path)
    return path


def weights_in(path):
    '''The file with the bytes of the kernel, and their place in it.'''
    kernel = model.layers[0].kernel.numpy().tobytes()
    file = path / "model.weights.h5" if path.is_dir() else path
    return file, file.read_bytes().index(kernel)


def flip(path):
    file, place = weights_in(path)
    data = bytearray(file.read_bytes())
    data[place + 2] ^= 0xFF
    file.write_bytes(data)


def cut(path):
    file = path / "model.weights.h5" if path.is_dir() else path
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def write(data):
    def change(path):
        file = path / "config.json" if path.is_dir() else path
        file.write_bytes(data)
    return change


def as_folder(path):
    path.is_dir() and shutil.rmtree(path) or path.unlink(missing_ok=True)
    path.mkdir()


def as_other_zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "not a model")


def without_weights(path):
    (path / "model.weights.h5").unlink()


def given_weights(path):
    shutil.copyfile("good.weights.h5", path)


def gone(path):
    shutil.rmtree(path) if path.is_dir() else path.unlink()


FILES = {{
    "missing": gone, "folder": as_folder, "empty": write(b""), "truncated": cut, "flipped": flip,
    "other zip": as_other_zip, "web page": write(b"<!DOCTYPE html><html>Sign in</html>"),
    "weights": given_weights,
}}
FOLDERS = {{
    "missing": gone, "empty": write(b""), "truncated": cut, "flipped": flip,
    "web page": write(b"<!DOCTYPE html><html>Sign in</html>"), "no weights": without_weights,
    "empty folder": as_folder,
}}


def load(path):
    try:
        keras.saving.load_model(path)
    except Exception as error:
        return [type(error).__name__, str(error)]
    return [None, "loaded"]


def explicit(path):
    keras_registry.disable()
    try:
        keras_registry.load_model(path)
    except Exception as error:
        return [type(error).__name__, str(error)]
    finally:
        keras_registry.enable()
    return [None, "loaded"]


def command(name, path):
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        code = int(main([name, str(path)]))
    return [code, out.getvalue()]


found = {{}}
for ending in (".keras", ".h5", ""):
    for name, change in (FILES if ending else FOLDERS).items():
        path = Path(f"{{name.replace(' ', '_')}}{{ending}}")
        change(copied(path))
        ways = {{"load": load(str(path))}}
        if sys.argv[1] == "ours":
            ways["explicit"] = explicit(str(path))
            ways["verify"], ways["inspect"] = command("verify", path), command("inspect", path)
        found[f"{{name}}{{ending}}"] = ways
print(json.dumps(found))
"""


FILE_CODES = {
    "missing": "A101",
    "folder": "A102",
    "empty": "A103",
    "truncated": "A105",
    "flipped": "A105",
    "other zip": "A106",
    "web page": "A104",
    "weights": "A104",
}
CODES = {
    ".keras": FILE_CODES,
    # Without a checksum of its own: only the weights in memory tell, once they are loaded.
    ".h5": {**FILE_CODES, "flipped": "W102", "other zip": "A104", "weights": "A106"},
    "": {
        "missing": "A101",
        "empty": "A107",
        "truncated": "A105",
        "flipped": "W102",
        "web page": "A107",
        "no weights": "A106",
        "empty folder": "A102",
    },
}
UNSEEN = {
    ("flipped", ".keras"): ("inspect",),
    ("flipped", ".h5"): ("inspect", "verify"),
    ("flipped", ""): ("inspect", "verify"),
    ("truncated", ""): ("inspect",),
}
"""Which commands do not look at what is broken: the values of the weights, or all of them."""

SITUATIONS = [(name, ending) for ending, codes in CODES.items() for name in codes]


@pytest.fixture(scope="module")
def found(
    fork_server: ForkServer, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """What each way of asking answers to each path, and what plain Keras answers."""
    folders = {name: tmp_path_factory.mktemp(name) for name in ("ours", "theirs")}
    answers = {
        name: fork_server.run(
            PROGRAM, argv=[name], cwd=folder, env=plain if name == "theirs" else {}
        ).json()
        for name, folder in folders.items()
    }
    return {**answers, "folder": str(folders["ours"])}


@pytest.mark.parametrize(("name", "ending"), SITUATIONS)
def test_each_way_gives_the_same_finding(found: dict[str, Any], name: str, ending: str) -> None:
    """The finding names the path and what is there; nothing ends in a traceback of another."""
    code, ways = CODES[ending][name], found["ours"][f"{name}{ending}"]

    _, text = ways["load"]
    finding = [line for line in text.splitlines()[1:] if line.startswith(" ")]
    assert finding[0].startswith(f"  {code} error")
    assert text.startswith(f"{name.replace(' ', '_')}{ending} cannot be loaded: 1 error")
    assert len(text.splitlines()) <= 7
    assert normalised("\n".join(finding)) in normalised(ways["explicit"][1])
    for way in ("verify", "inspect"):
        status, printed = ways[way]
        assert "Traceback" not in printed
        if way in UNSEEN.get((name, ending), ()):
            assert status == 0
        else:
            assert (status, printed.splitlines()[1][2:6]) == (3, code)


@pytest.mark.parametrize("ending", CODES)
def test_texts(found: dict[str, Any], ending: str) -> None:
    """The whole texts, without the lines that are Keras's own."""
    loads = {name: found["ours"][f"{name}{ending}"]["load"][1] for name in CODES[ending]}
    ours = [
        "\n".join(line for line in text.splitlines() if line.startswith((" ", name.split()[0])))
        for name, text in loads.items()
    ]

    text = re.sub(r"[\d,]+ of [\d,]+ bytes", "N of N bytes", normalised("\n\n".join(ours)))
    name = f"scenarios/s08_{ending.removeprefix('.') or 'folder'}"
    check_golden(name, text, replace={found["folder"]: "FOLDER"})


@pytest.mark.parametrize(("name", "ending"), SITUATIONS)
def test_it_is_the_error_of_keras(found: dict[str, Any], name: str, ending: str) -> None:
    """The error is one of Keras's class; a flipped byte in HDF5 plain Keras does not notice.

    A folder without readable weights ends there in a defect: an `UnboundLocalError`.
    """
    (kind, text), (their_kind, theirs) = (
        found[who][f"{name}{ending}"]["load"] for who in ("ours", "theirs")
    )

    if CODES[ending][name] == "W102":
        assert (their_kind, theirs) == (None, "loaded")
    elif their_kind == "UnboundLocalError":
        assert (ending, name in {"truncated", "no weights"}) == ("", True)
    else:
        assert kind == f"Load{their_kind}"
        last = text.splitlines()[-1]
        assert last.startswith(" ") or last == theirs.splitlines()[0].strip('"')
