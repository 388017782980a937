"""S16: a preprocessing layer with a vocabulary that it learnt: it travels with the model, or stops.

Plain Keras takes whatever words lie in the file, and says nothing of a ``.h5`` file, which has no
place for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.bridge.test_folders import HUB
from tests.scenarios.observing import QUIET, TOLD, normalised, plain
from tests.support.golden import check_golden

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.processes import ForkServer

PRELUDE = f"""\
{QUIET}
import json, sys, warnings, zipfile
from pathlib import Path

{HUB}

warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)


@keras_registry.register("acme")
class Words(keras.layers.Layer):
    '''A layer that learns words, and keeps them in a file of its own.'''
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.words = []
    def call(self, inputs):
        return inputs
    def save_assets(self, folder):
        Path(folder, "words.txt").write_text(" ".join(self.words))
    def load_assets(self, folder):
        self.words = Path(folder, "words.txt").read_text().split()


def make():
    keras.utils.set_random_seed(16)
    lookup = keras.layers.StringLookup(name="lookup")
    lookup.adapt([["one"], ["two"], ["two"]])
    words = Words(name="words")
    words.words = ["three", "four"]
    layers = [keras.layers.Input((1,), dtype="string"), lookup, words]
    return keras.Sequential(layers, name="numbers")


{TOLD}


def save(path):
    is_folder = "." not in path and "://" not in path
    return told(make().save, path, **({{"zipped": False}} if is_folder else {{}}))[1]


def seen(path):
    model, texts = told(keras.saving.load_model, path)
    if isinstance(model, Exception):
        return {{"error": str(model)}}
    report = keras_registry.report(model)
    lookup, words = model.layers
    return {{
        "words": [*map(str, lookup.get_vocabulary()), *words.words],
        "verified": report and list(report.verified),
        "texts": texts,
    }}
"""

TRAVEL = """
found = {}
for path in ("m.keras", "m", "hf://someone/numbers"):
    save(path)
    found[path] = seen(path)
print(json.dumps(found))
"""

EDITED = """
def edit(path, old, new):
    '''Replace a word in the assets of a model.'''
    if path.endswith(".keras"):
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        with zipfile.ZipFile(path, "w") as archive:
            for name, data in members.items():
                is_asset = name.startswith("assets/")
                archive.writestr(name, data.replace(old, new) if is_asset else data)
        return
    for file in Path(path, "assets").rglob("*"):
        if file.is_file():
            file.write_bytes(file.read_bytes().replace(old, new))


found = {}
for path in ("m.keras", "m"):
    for old, new in ((b"two", b"2"), (b"four", b"4")):
        save(path)
        edit(path, old, new)
        with keras_registry.policy(sys.argv[1]):
            found[f"{path} {old.decode()}"] = seen(path)
print(json.dumps(found))
"""

LEGACY = """
said = save("m.h5")
print(json.dumps([said, seen("m.h5")]))
"""

LEARNT = ["[UNK]", "two", "one", "three", "four"]


def run(fork_server: ForkServer, folder: Path, program: str, *argv: str, **options: Any) -> Any:
    """Run a program after the prelude, in a folder, and return the JSON that it prints."""
    return fork_server.run(PRELUDE + program, argv=argv, cwd=folder, **options).json()


def test_words_travel(fork_server: ForkServer, tmp_path: Path) -> None:
    """By ``.keras`` files, folders and ``hf://`` all words come back, and are compared.

    A folder with a relative path plain Keras writes without them.
    """
    found = run(fork_server, tmp_path, TRAVEL)

    restored = {"words": LEARNT, "verified": ["layers", "assets"], "texts": []}
    assert list(found) == ["m.keras", "m", "hf://someone/numbers"]
    assert [model for model in found.values() if model != restored] == []
    (tmp_path / "plain").mkdir()
    theirs = run(fork_server, tmp_path / "plain", TRAVEL, env=plain)
    assert theirs["m"] == {"words": ["[UNK]"], "verified": None, "texts": []}


def test_other_words_are_an_error(fork_server: ForkServer, tmp_path: Path) -> None:
    """Other words than those that were saved stop the load; plain Keras takes them in silence."""
    ours = run(fork_server, tmp_path, EDITED, "compatible")
    theirs = run(fork_server, tmp_path, EDITED, "compatible", env=plain)

    [text] = {normalised(model["error"].partition("\n")[2]) for model in ours.values()}
    check_golden("scenarios/s16_edited", text)
    assert theirs["m.keras two"] == {
        "words": ["[UNK]", "2", "one", "three", "four"],
        "verified": None,
        "texts": [],
    }
    assert theirs["m.keras four"]["words"][-1] == "4"


def test_policies(fork_server: ForkServer, tmp_path: Path) -> None:
    """They are an error under `strict` too, and a warning under `permissive`."""
    strict = run(fork_server, tmp_path, EDITED, "strict")
    permissive = run(fork_server, tmp_path, EDITED, "permissive")

    assert all("W108 error" in model["error"] for model in strict.values())
    assert all("W108 warning" in model["texts"][0] for model in permissive.values())


def test_h5_names_the_layers(fork_server: ForkServer, tmp_path: Path) -> None:
    """A save in ``.h5`` names the layers whose words are lost; plain Keras loses them unsaid."""
    said, ours = run(fork_server, tmp_path, LEGACY)
    their_said, theirs = run(fork_server, tmp_path, LEGACY, env=plain)

    check_golden("scenarios/s16_h5", normalised("\n".join(said)))
    assert their_said == []
    assert ours["words"] == theirs["words"] == ["[UNK]"]
