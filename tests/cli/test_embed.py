"""`keras-registry embed`: a manifest for files that have none, and files without it again."""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile
import tracemalloc
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from tests.artifact.h5_files import make_h5
from tests.cli.test_hostile_text import EVIL, places_of_texts, with_value
from tests.scenarios.archives import alter, read_document, read_manifest_document, write_archive
from tests.scenarios.commands import FRAMEWORKS, block_imports, run_command
from tests.scenarios.observing import normalised, observe, plain
from tests.support.distributions import hand_made_distribution
from tests.support.golden import check_golden
from tests.support.plugins import TRAIN_AND_SAVE

from keras_registry.artifact import read_artifact, replace_weights_manifest, rewriting
from keras_registry.hashes import hash_json
from keras_registry.manifest import read_manifest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cli.conftest import Ended
    from tests.conftest import SavedModel
    from tests.support.processes import ForkServer

CONTAINERS = {"keras": "m.keras", "h5": "m.h5", "folder": "m"}

SAVE_ALL = (
    TRAIN_AND_SAVE
    + """
from pathlib import Path

folder = Path(sys.argv[1]).parent
model.save(folder / "m", zipped=False)
model.save_weights(folder / "m.weights.h5")
model.save(folder / "m.h5")  # which costs the model its optimizer in plain Keras
"""
)


@dataclass(frozen=True, slots=True)
class Plain:
    """The same model in every container, saved by plain Keras. Read only.

    Attributes:
        folder: Where the files are.
        npz: The arrays `x` and `predictions`.
    """

    folder: Path
    npz: Path


@pytest.fixture(scope="module")
def saved(
    tmp_path_factory: pytest.TempPathFactory, acme_site: Path, fork_server: ForkServer
) -> Plain:
    """A trained model of acme-layers in files that have no manifest."""
    found = Plain(tmp_path_factory.mktemp("plain"), tmp_path_factory.mktemp("npz") / "m.npz")
    arguments = [found.folder / "m.keras", found.npz]
    fork_server.run(SAVE_ALL, argv=arguments, path=[acme_site], env=plain).check()
    return found


@pytest.fixture
def mine(saved: Plain, tmp_path: Path) -> Path:
    """A folder with copies of all files, to be changed."""
    return Path(shutil.copytree(saved.folder, tmp_path / "mine"))


def bytes_of(path: Path) -> Any:
    """Return the bytes of a file, or of all files in a folder by their names."""
    if path.is_file():
        return path.read_bytes()
    return {str(p.relative_to(path)): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def metadata_of(path: Path) -> str:
    """Return the text of `metadata.json`."""
    if path.is_dir():
        return (path / "metadata.json").read_text(encoding="utf-8")
    with zipfile.ZipFile(path) as archive:
        return archive.read("metadata.json").decode()


def members_of(path: Path) -> list[Any]:
    """Return all members of an archive but the metadata, with what the archive says of each."""
    with zipfile.ZipFile(path) as archive:
        return [
            (
                info.filename,
                archive.read(info),
                info.date_time,
                info.compress_type,
                info.external_attr,
                info.create_system,
                info.extra,
            )
            for info in archive.infolist()
            if info.filename != "metadata.json"
        ]


def contents_of(path: Path) -> dict[str, Any]:
    """Return every attribute, group and dataset of a `.h5` file but the manifest."""
    found: dict[str, Any] = {}

    def note(name: str, item: Any) -> None:
        attributes = {key: np.asarray(value).tolist() for key, value in item.attrs.items()}
        if isinstance(item, h5py.Dataset):
            form = (str(item.dtype), item.shape, item.chunks, item.compression, item.maxshape)
            found[name] = (attributes, form, item[()].tobytes())
        else:
            found[name] = (attributes, None, None)

    with h5py.File(path) as file:
        note("/", file)
        file.visititems(note)
    return {name: value for name, value in found.items() if not name.startswith("keras_registry")}


def manifest_in(path: Path) -> dict[str, Any] | None:
    """Return the document of the manifest in a file; None if there is none."""
    artifact = read_artifact(path).artifact
    assert artifact is not None
    document: dict[str, Any] | None = artifact.manifest_document
    return document


# --- a manifest for a file without one --------------------------------------------------------


@pytest.mark.usefixtures("with_acme")
@pytest.mark.parametrize("container", CONTAINERS)
def test_text_of_embed_and_inspect(container: str, run: Callable[..., Ended], mine: Path) -> None:
    """One line says what was done, and `inspect` shows what is known and what is not."""
    file = mine / CONTAINERS[container]

    embedded, inspected = run("embed", file), run("inspect", file)

    assert (embedded.code, embedded.err) == (0, "")
    text = f"{embedded.out}\n{inspected.out}"
    check_golden(f"cli/embed_{container}", normalised(text), replace={str(mine): "FOLDER"})


@pytest.mark.usefixtures("with_acme")
def test_manifest_has_what_file_and_environment_tell(run: Callable[..., Ended], mine: Path) -> None:
    """Objects, places and distributions are recorded; versions of the save are not made up."""
    file = mine / "m.keras"
    config = read_document(file, "config.json")
    run("embed", file)

    manifest = read_manifest_document(file)
    assert read_manifest(manifest).problems == ()
    assert manifest["distributions"] == {"acme-layers": {}}
    assert manifest["environment"] == {
        "keras": read_document(file, "metadata.json")["keras_version"]
    }
    assert manifest["config"] == hash_json(config)
    assert "weights" not in manifest
    gated, swishy, pinball, coverage = manifest["objects"]
    assert gated == {
        "key": "acme>GatedDense",
        "kind": "layer",
        "class_name": "GatedDense",
        "module": "acme_layers.gated",
        "distribution": "acme-layers",
        "config_version": 1,
        "paths": ["/config/layers/1", "/config/layers/2"],
        "count": 2,
    }
    assert swishy == {
        "key": "acme>swishy",
        "kind": "function",
        "distribution": "acme-layers",
        "paths": ["/config/layers/2/config/activation"],
        "count": 1,
    }
    assert [(item["key"], item["kind"]) for item in (pinball, coverage)] == [
        ("acme>Pinball", "loss"),
        ("acme>Coverage", "metric"),
    ]


@pytest.mark.usefixtures("with_acme")
def test_manifest_of_h5_has_the_backend(run: Callable[..., Ended], mine: Path) -> None:
    """A `.h5` file says which backend saved it; its objects are those of the `.keras` file."""
    run("embed", mine / "m.h5", mine / "m.keras")

    ours, theirs = manifest_in(mine / "m.h5"), manifest_in(mine / "m.keras")
    assert ours is not None
    assert theirs is not None
    assert ours["environment"]["backend"] == "tensorflow"
    told = {"key", "kind", "distribution", "count", "config_version"}
    assert [{part: item.get(part) for part in told} for item in ours["objects"]] == [
        {part: item.get(part) for part in told} for item in theirs["objects"]
    ]


@pytest.mark.usefixtures("with_acme")
def test_other_members_stay_as_they_are(
    run: Callable[..., Ended], saved: Plain, mine: Path
) -> None:
    """Bytes, order, dates and attributes of all other members are those of before."""
    run("embed", mine / "m.keras", mine / "m")

    assert members_of(mine / "m.keras") == members_of(saved.folder / "m.keras")
    with zipfile.ZipFile(mine / "m.keras") as archive:
        assert archive.namelist() == ["metadata.json", "config.json", "model.weights.h5"]
    before, after = bytes_of(saved.folder / "m"), bytes_of(mine / "m")
    assert before.pop("metadata.json") != after.pop("metadata.json")
    assert before == after


@pytest.mark.usefixtures("with_acme")
def test_everything_of_keras_in_h5_stays_as_it_is(
    run: Callable[..., Ended], saved: Plain, mine: Path
) -> None:
    """Every attribute and dataset has its value, type and layout, with and without a manifest."""
    before = contents_of(saved.folder / "m.h5")
    assert len(before) > 20

    run("embed", mine / "m.h5")
    assert contents_of(mine / "m.h5") == before
    run("embed", "--remove", mine / "m.h5")
    assert contents_of(mine / "m.h5") == before
    with h5py.File(mine / "m.h5") as file:
        assert "keras_registry" not in file


@pytest.mark.usefixtures("with_acme")
@pytest.mark.parametrize("container", ["keras", "folder"])
def test_removed_manifest_leaves_nothing(
    container: str, run: Callable[..., Ended], saved: Plain, mine: Path
) -> None:
    """`embed` and then `--remove` give back the very bytes that Keras wrote."""
    file = mine / CONTAINERS[container]
    run("embed", file)
    assert "keras_registry" in metadata_of(file)

    ended = run("embed", "--remove", file)

    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"{file} has no manifest any more: no findings\n"
    assert bytes_of(file) == bytes_of(saved.folder / CONTAINERS[container])


def test_manifest_of_a_save_can_be_removed(
    run: Callable[..., Ended], acme_model: SavedModel, tmp_path: Path
) -> None:
    """A file that keras-registry saved is as plain Keras would have saved it."""
    file = Path(shutil.copy(acme_model.path, tmp_path / "m.keras"))

    run("embed", "--remove", file)

    metadata = read_document(acme_model.path, "metadata.json")
    del metadata["keras_registry"]
    assert metadata_of(file) == json.dumps(metadata)
    assert members_of(file) == members_of(acme_model.path)
    assert manifest_in(file) is None


# --- what loads then --------------------------------------------------------------------------

IMPORTS = "import acme_layers.functions, acme_layers.gated, acme_layers.losses, acme_layers.metrics"


@pytest.fixture
def embedded(mine: Path, acme_site: Path, run: Callable[..., Ended]) -> Path:
    """A folder with all files, each with the manifest that `embed` gave it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(acme_site)
        ended = run("embed", *(mine / name for name in CONTAINERS.values()))
    assert ended.code == 0
    return mine


@pytest.mark.parametrize("container", CONTAINERS)
def test_plain_keras_loads_it(
    container: str, embedded: Path, saved: Plain, acme_site: Path, fork_server: ForkServer
) -> None:
    """Without the hooks the file loads as before, without a word, with its weights."""
    loaded = observe(
        fork_server.run,
        embedded / CONTAINERS[container],
        path=[acme_site],
        inputs=saved.npz,
        env=plain,
        prelude=IMPORTS,
    )

    assert loaded.is_silent()
    wanted = np.load(saved.npz)["predictions"]
    np.testing.assert_array_equal(np.asarray(loaded.predictions, "float32"), wanted)


TELL_MANIFEST = """
manifest = report.manifest
seen["told"] = [manifest.generator, manifest.find_object("acme>swishy").distribution]
"""


@pytest.mark.parametrize("container", CONTAINERS)
def test_load_uses_the_manifest(
    container: str, embedded: Path, saved: Plain, acme_site: Path, fork_server: ForkServer
) -> None:
    """Even a strict load finds nothing wrong with what is unknown; its report has the manifest."""
    loaded = observe(
        fork_server.run,
        embedded / CONTAINERS[container],
        path=[acme_site],
        inputs=saved.npz,
        env={"KERAS_REGISTRY_POLICY": "strict"},
        epilogue=TELL_MANIFEST,
    )

    assert loaded.is_silent()
    assert loaded.findings == ()
    assert loaded.raw["told"][0].startswith("keras-registry ")
    assert loaded.raw["told"][1] == "acme-layers"
    wanted = np.load(saved.npz)["predictions"]
    np.testing.assert_array_equal(np.asarray(loaded.predictions, "float32"), wanted)


@pytest.mark.parametrize("container", CONTAINERS)
def test_missing_distribution_is_named_without_a_version(
    container: str, embedded: Path, run: Callable[..., Ended]
) -> None:
    """Where the plugin is not installed, the line that installs it has its name alone."""
    ended = run("verify", embedded / CONTAINERS[container])

    assert (ended.code, ended.err) == (1, "")
    text = ended.out.replace(str(embedded / CONTAINERS[container]), "FILE")
    check_golden("cli/embed_missing", text.replace("training_config", "compile_config"))


@pytest.mark.parametrize("version", ["0.1", "1.4.2", "9.0"])
def test_any_version_will_do(
    version: str, embedded: Path, run: Callable[..., Ended], only_installed: Callable[..., None]
) -> None:
    """No installed version differs from one that is not known."""
    site = embedded / "site"
    entries = {"acme>GatedDense": "acme_layers.gated:GatedDense"}
    groups = {
        "keras_registry.layers": entries,
        "keras_registry.losses": {"acme>Pinball": "acme_layers.losses:Pinball"},
        "keras_registry.metrics": {"acme>Coverage": "acme_layers.metrics:Coverage"},
        "keras_registry.functions": {"acme>swishy": "acme_layers.functions:swishy"},
    }
    hand_made_distribution(site, "acme-layers", version, groups)
    only_installed(site)

    ended = run("verify", "--policy", "strict", embedded / "m.keras")

    assert ended.out == f"{embedded / 'm.keras'} can be loaded here: no findings\n"


# --- nothing is imported ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("container", "more"), [("keras", ("h5py", "numpy")), ("folder", ("h5py", "numpy")), ("h5", ())]
)
def test_nothing_is_imported(
    container: str, more: tuple[str, ...], mine: Path, acme_site: Path, tmp_path: Path
) -> None:
    """A manifest is made where neither Keras, nor a backend, nor the plugin can be imported."""
    blocked = block_imports(tmp_path / "blocked", *FRAMEWORKS, "acme_layers", *more)
    file = mine / CONTAINERS[container]

    done = run_command("embed", file, path=[blocked, acme_site])

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{file} was given a manifest with 4 objects: no findings\n"
    if container == "keras":
        for option in ("--replace", "--remove"):
            done = run_command("embed", option, file, path=[blocked, acme_site])
            assert (done.returncode, done.stderr) == (0, "")


# --- a manifest that is there already ---------------------------------------------------------


@pytest.mark.usefixtures("with_acme")
@pytest.mark.parametrize("container", CONTAINERS)
def test_manifest_that_is_there_stays(
    container: str, run: Callable[..., Ended], embedded: Path
) -> None:
    """A second `embed` writes nothing and says so; `--replace` has nothing to replace."""
    file = embedded / CONTAINERS[container]
    before = bytes_of(file)

    again, replaced = run("embed", file), run("embed", "--replace", file)

    assert (again.code, again.err) == (replaced.code, replaced.err) == (0, "")
    assert again.out == f"{file} has a manifest already, which was left as it is: no findings\n"
    wanted = f"{file} has a manifest that is up to date; nothing was written: no findings\n"
    assert replaced.out == wanted
    assert bytes_of(file) == before


def drift(config: dict[str, Any]) -> None:
    """Take the custom activation out of a model."""
    config["config"]["layers"][2]["config"]["activation"] = "gelu"


@pytest.mark.usefixtures("with_acme")
def test_drifted_manifest_is_brought_up_to_date(
    run: Callable[..., Ended],
    acme_model: SavedModel,
    acme_site: Path,
    fork_server: ForkServer,
    tmp_path: Path,
) -> None:
    """`--replace` drops what is not used any more, and keeps versions, schemas and weights."""
    file = alter(acme_model.path, tmp_path / "my model.keras", config=drift, rehash=False)
    before = read_manifest_document(file)

    left = run("embed", file)
    assert (left.code, left.err) == (0, "")
    check_golden("cli/embed_drift", normalised(left.out), replace={str(tmp_path): "FOLDER"})
    assert read_manifest_document(file) == before

    replaced = run("embed", "--replace", file)
    assert (replaced.code, replaced.err) == (0, "")
    assert replaced.out == f"{file} was given a new manifest with 3 objects: no findings\n"
    after = read_manifest_document(file)
    assert after["config"] == hash_json(read_document(file, "config.json")) != before["config"]
    assert after["objects"] == [item for item in before["objects"] if item["key"] != "acme>swishy"]
    for part in ("environment", "distributions", "weights"):
        assert after[part] == before[part]
    loaded = observe(fork_server.run, file, path=[acme_site])
    assert loaded.is_silent()
    assert loaded.raw["verified"] == ["layers", "optimizer"]


def test_replace_keeps_what_is_not_installed(
    run: Callable[..., Ended], acme_model: SavedModel, tmp_path: Path
) -> None:
    """What a manifest says of its objects needs no plugin to stay."""
    file = alter(acme_model.path, tmp_path / "m.keras", config=drift, rehash=False)
    before = read_manifest_document(file)

    ended = run("embed", "--replace", file)

    assert (ended.code, ended.err) == (0, "")
    assert read_manifest_document(file)["distributions"] == before["distributions"]


@pytest.mark.usefixtures("with_acme")
def test_replace_forgets_the_schema_of_another_config_version(
    run: Callable[..., Ended], acme_model: SavedModel, tmp_path: Path
) -> None:
    """Where a config says another version than before, the schema is not known any more."""

    def change(config: dict[str, Any]) -> None:
        for number in (1, 2):
            layer = config["config"]["layers"][number]["config"]
            layer["keras_registry_config_version"] = 3

    file = alter(acme_model.path, tmp_path / "m.keras", config=change, rehash=False)
    run("embed", "--replace", file)

    gated = read_manifest_document(file)["objects"][0]
    assert gated["config_version"] == 3
    assert "schema" not in gated


def spoil(member: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Return a change of a manifest."""
    return lambda manifest: manifest.update({member: value})


@pytest.mark.usefixtures("with_acme")
@pytest.mark.parametrize(
    ("change", "code", "ends"),
    [
        (spoil("objects", 5), "M102", 0),
        (spoil("distributions", {"no name": {}}), "M105", 0),
        (spoil("manifest_version", "2.0"), "M103", 1),
        (spoil("manifest_version", "1.7"), "M104", 0),
    ],
)
def test_manifest_that_cannot_be_used(
    change: Any,
    code: str,
    ends: int,
    *,
    run: Callable[..., Ended],
    acme_model: SavedModel,
    tmp_path: Path,
) -> None:
    """A broken one can be made anew; one of a newer format stays, for it may know more."""
    file = alter(acme_model.path, tmp_path / "m.keras", manifest=change)
    before = file.read_bytes()

    left = run("embed", file)
    check_golden(f"cli/embed_{code}", left.out, replace={str(tmp_path): "FOLDER"})
    assert (left.code, left.err) == (ends, "")
    assert file.read_bytes() == before

    replaced = run("embed", "--replace", file)
    if code in {"M102", "M105"}:
        assert replaced.code == 0
        assert read_manifest(read_manifest_document(file)).problems == ()
    else:
        assert (replaced.code, replaced.out) == (ends, left.out)
        assert file.read_bytes() == before


def test_no_manifest_to_remove(run: Callable[..., Ended], mine: Path) -> None:
    """`--remove` leaves files without a manifest to the last bit, and says so."""
    files = [mine / name for name in (*CONTAINERS.values(), "m.weights.h5")]
    before = [bytes_of(file) for file in files]

    ended = run("embed", "--remove", *files)

    assert (ended.code, ended.err) == (0, "")
    lines = [f"{file} has no manifest; nothing was written: no findings" for file in files]
    assert ended.out.splitlines() == lines
    assert [bytes_of(file) for file in files] == before


def test_remove_and_replace_exclude_each_other(run: Callable[..., Ended], mine: Path) -> None:
    """Both options at once, or no file, is wrong usage."""
    for arguments in (["--remove", "--replace", mine / "m.keras"], []):
        ended = run("embed", *arguments)

        assert (ended.code, ended.out) == (2, "")


# --- who provides the objects -----------------------------------------------------------------


def test_objects_that_nobody_lists(
    run: Callable[..., Ended], mine: Path, only_installed: Callable[..., None], tmp_path: Path
) -> None:
    """What no installed distribution lists, or two list, is named; the manifest has null."""
    for name in ("acme-layers", "acme-fork"):
        groups = {"keras_registry.layers": {"acme>GatedDense": f"{name[5:]}.gated:GatedDense"}}
        hand_made_distribution(tmp_path / "site", name, "1.0", groups)
    only_installed(tmp_path / "site")

    ended = run("embed", mine / "m.keras")

    assert (ended.code, ended.err) == (0, "")
    check_golden("cli/embed_unknown", ended.out, replace={str(mine): "FOLDER"})
    manifest = read_manifest_document(mine / "m.keras")
    assert [item.get("distribution") for item in manifest["objects"]] == [None] * 4
    assert manifest["distributions"] == {}


def test_distribution_is_named_later(
    run: Callable[..., Ended],
    mine: Path,
    acme_site: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`--replace` names the distribution once it is installed."""
    run("embed", mine / "m.keras")
    monkeypatch.syspath_prepend(acme_site)

    ended = run("embed", "--replace", mine / "m.keras")

    assert ended.out.endswith(" was given a new manifest with 4 objects: no findings\n")
    assert read_manifest_document(mine / "m.keras")["distributions"] == {"acme-layers": {}}


def test_alias_is_recorded_as_the_file_has_it(
    run: Callable[..., Ended], mine: Path, only_installed: Callable[..., None], tmp_path: Path
) -> None:
    """A former key stands in the manifest as in the config, with what provides it now."""
    target = "acme_layers.gated:GatedDense"
    groups = {
        "keras_registry.layers": {"acme>Gated": target},
        "keras_registry.aliases": {"acme>GatedDense": target},
    }
    hand_made_distribution(tmp_path / "site", "acme-layers", "3.0", groups)
    only_installed(tmp_path / "site")

    run("embed", mine / "m.keras")

    gated = read_manifest_document(mine / "m.keras")["objects"][0]
    assert (gated["key"], gated["distribution"]) == ("acme>GatedDense", "acme-layers")


@pytest.mark.usefixtures("with_acme")
def test_text_that_merely_looks_like_a_key(run: Callable[..., Ended], mine: Path) -> None:
    """A text with a `>` is recorded if a plugin claims it, and else not mentioned."""

    def change(config: dict[str, Any]) -> None:
        config["config"]["layers"][3]["config"]["name"] = "acme>nothing"
        config["config"]["layers"][3]["config"]["activation"] = "acme>swishy"

    file = alter(mine / "m.keras", mine / "text.keras", config=change)
    ended = run("embed", file)

    assert ended.out == f"{file} was given a manifest with 4 objects: no findings\n"
    records = {item["key"]: item for item in read_manifest_document(file)["objects"]}
    assert records["acme>swishy"]["count"] == 2


def test_model_without_custom_objects(run: Callable[..., Ended], tmp_path: Path) -> None:
    """A model of Keras's own layers gets a manifest, too: it has the hash of its config."""
    members = {"config.json": "{}", "metadata.json": "{}", "model.weights.h5": b""}
    file = write_archive(tmp_path / "m.keras", members)

    ended = run("embed", file)

    assert ended.out == f"{file} was given a manifest with no objects: no findings\n"
    assert read_manifest_document(file)["config"] == hash_json({})


# --- files as files ---------------------------------------------------------------------------


@pytest.mark.usefixtures("with_acme")
@pytest.mark.skipif(os.name == "nt", reason="Windows has no such mode bits")
@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m/metadata.json"])
def test_links_and_mode_bits_stay(run: Callable[..., Ended], mine: Path, name: str) -> None:
    """A symlink stays one, the file that it leads to is replaced, and its mode bits stay."""
    file = mine / name
    real = mine / f"real{file.suffix}"
    file.rename(real)
    file.symlink_to(real)
    real.chmod(0o640)

    ended = run("embed", mine / name.partition("/")[0])

    assert ended.code == 0
    assert file.is_symlink()
    assert not real.is_symlink()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert manifest_in(mine / name.partition("/")[0]) is not None
    assert not [path for path in mine.rglob("*") if path.name.startswith(".keras-registry")]


READ_ONLY = """
import contextlib, io, os, shutil, sys, tempfile

from keras_registry.cli import main

path, file_mode, folder_mode = sys.argv[1], int(sys.argv[2], 8), int(sys.argv[3], 8)
with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
    copy = os.path.join(folder, os.path.basename(sys.argv[4]))
    (shutil.copytree if os.path.isdir(sys.argv[4]) else shutil.copy)(sys.argv[4], copy)
    main(["embed", copy])  # imports what others may not read
os.chmod(path, file_mode)
os.chmod(os.path.dirname(path), folder_mode)
is_root = os.geteuid() == 0
if is_root:  # to root nothing is read-only
    os.setresuid(65534, 65534, 0)
code = main(["embed", sys.argv[4]])
if is_root:
    os.setresuid(0, 0, 0)
sys.exit(code)
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users can reach, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="keras-registry-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        folder.chmod(0o755)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such mode bits")
@pytest.mark.parametrize(("file_mode", "folder_mode"), [("444", "777"), ("666", "555")])
@pytest.mark.parametrize("name", ["m.keras", "m.h5", "m/metadata.json"])
def test_read_only_file_is_left(
    name: str,
    file_mode: str,
    folder_mode: str,
    *,
    saved: Plain,
    open_folder: Path,
    fork_server: ForkServer,
) -> None:
    """A file that may not be written, or not be replaced, is left, and both are said."""
    shutil.copytree(saved.folder / "m", open_folder / "m")
    file = open_folder / name
    shutil.copy(saved.folder / name, file)
    before = file.read_bytes()
    model = file.parent if name.startswith("m/") else file

    done = fork_server.run(READ_ONLY, argv=[str(file), file_mode, folder_mode, str(model)])

    assert (done.returncode, done.messages) == (1, "")
    assert file.read_bytes() == before
    assert len([path for path in open_folder.iterdir() if path.name.startswith(".keras")]) == 0
    if file_mode == "444":
        check_golden("cli/embed_A111", done.stdout, replace={str(file): "FILE", str(model): "FILE"})


FULL = """
import resource
import sys

from keras_registry.cli import main

limits = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))  # as if the disk were full
code = main(["embed", *sys.argv[1:]])
resource.setrlimit(resource.RLIMIT_FSIZE, limits)
sys.exit(code)
"""


def test_full_disk_leaves_the_file(mine: Path, fork_server: ForkServer) -> None:
    """A file that cannot be written to its end does not take the place of the old one."""
    files = [mine / "m.keras", mine / "m.h5"]
    before = [file.read_bytes() for file in files]

    done = fork_server.run(FULL, argv=map(str, files))

    assert (done.returncode, done.messages) == (1, "")
    assert done.stdout.count("A111 error") == 2
    assert done.stdout.count("File too large") == 2
    assert [file.read_bytes() for file in files] == before
    assert not [path for path in mine.iterdir() if path.name.startswith(".keras-registry")]


def test_file_that_is_saved_meanwhile_is_left(
    run: Callable[..., Ended], mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that somebody else writes while it is read is not replaced by its old self."""
    copy = rewriting.copy_archive

    def copy_and_save(source: Path, *arguments: Any) -> None:
        copy(source, *arguments)
        shutil.copy(source, mine / "newer")
        (mine / "newer").replace(source)

    monkeypatch.setattr(rewriting, "copy_archive", copy_and_save)
    ended = run("embed", mine / "m.keras")

    assert ended.code == 1
    assert "another program wrote the file meanwhile" in ended.out
    assert manifest_in(mine / "m.keras") is None
    assert not [path for path in mine.iterdir() if path.name.startswith(".keras-registry")]


def test_large_file_is_not_held_in_memory(run: Callable[..., Ended], tmp_path: Path) -> None:
    """What it takes to rewrite a file does not grow with its weights."""
    size = 1 << 26
    members = {"config.json": "{}", "metadata.json": "{}", "model.weights.h5": bytes(size)}
    file = write_archive(tmp_path / "m.keras", members)
    run("embed", "--json", tmp_path / "none.keras")  # imports all that the command needs

    tracemalloc.start()
    try:
        assert run("embed", file).code == 0
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < size / 8


# --- several files, and those that cannot be read ---------------------------------------------


@pytest.mark.usefixtures("with_acme")
def test_failure_of_one_does_not_stop_the_others(run: Callable[..., Ended], mine: Path) -> None:
    """All files are handled; the exit status is the worst, and errors are on stderr."""
    (mine / "page.keras").write_text("<!DOCTYPE html>", encoding="utf-8")
    names = ["m.keras", "page.keras", "none.h5", "m", "m.weights.h5", "m.h5"]

    ended = run("embed", *(mine / name for name in names))

    assert ended.code == 3
    text = f"--- stdout\n{ended.out}\n--- stderr\n{ended.err}"
    check_golden("cli/embed_several", text, replace={str(mine): "FOLDER", str(Path.cwd()): "HERE"})
    for name in ("m.keras", "m", "m.h5"):
        assert manifest_in(mine / name) is not None


@pytest.mark.usefixtures("with_acme")
def test_document_has_every_file(run: Callable[..., Ended], mine: Path) -> None:
    """With `--json` there is one complete document, with the manifest that each file has now."""
    (mine / "page.keras").write_text("<!DOCTYPE html>", encoding="utf-8")
    files = [mine / "m.keras", mine / "page.keras", mine / "m.keras"]

    ended = run("embed", "--json", *files)

    document = json.loads(ended.out)
    assert (ended.code, ended.err) == (3, "")
    assert list(document) == ["report_version", "command", "files", "findings"]
    assert document["command"] == "embed"
    written, unreadable, left = document["files"]
    assert [item["file"] for item in document["files"]] == list(map(str, files))
    assert (written["readable"], written["written"]) == (True, True)
    assert (unreadable["readable"], unreadable["written"]) == (False, False)
    assert (left["readable"], left["written"]) == (True, False)
    assert written["manifest"] == left["manifest"] == read_manifest_document(files[0])
    assert unreadable["manifest"] is None
    assert document["findings"] == unreadable["findings"]
    assert [item["code"] for item in document["findings"]] == ["A104"]


@pytest.mark.parametrize("options", [[], ["--remove"], ["--replace"]])
@pytest.mark.parametrize("text", ["{", "[]", "\xff"])
def test_metadata_that_cannot_be_read_is_left(
    text: str, options: list[str], *, run: Callable[..., Ended], mine: Path
) -> None:
    """What is in the place of the metadata is not replaced by a manifest."""
    file = alter(mine / "m.keras", mine / "odd.keras", members={"metadata.json": text})
    (mine / "m" / "metadata.json").write_text(text, encoding="latin-1")
    before = bytes_of(mine)

    for model in (file, mine / "m"):
        ended = run("embed", *options, model)

        assert (ended.code, ended.out) == (3, "")
        check_golden("cli/embed_A107", ended.err, replace={str(model): "FILE"})
    assert bytes_of(mine) == before


def test_folder_without_metadata(run: Callable[..., Ended], mine: Path) -> None:
    """A folder that lost its metadata gets one with nothing but the manifest."""
    (mine / "m" / "metadata.json").unlink()

    assert run("embed", mine / "m").code == 0
    assert list(json.loads(metadata_of(mine / "m"))) == ["keras_registry"]


def test_weights_alone_have_no_config(run: Callable[..., Ended], mine: Path) -> None:
    """A file of weights is refused, with what to do; it stays as it is."""
    before = bytes_of(mine / "m.weights.h5")

    ended = run("embed", mine / "m.weights.h5")

    assert (ended.code, ended.out) == (3, "")
    check_golden("cli/embed_A106_weights", ended.err, replace={str(mine): "FOLDER"})
    assert bytes_of(mine / "m.weights.h5") == before


def test_manifest_of_weights_alone_can_be_removed(run: Callable[..., Ended], mine: Path) -> None:
    """`--remove` takes the manifest out of a file of weights; every array stays."""
    file = mine / "m.weights.h5"
    before = contents_of(file)
    replace_weights_manifest(file, {"manifest_version": "1.0"})

    ended = run("embed", "--remove", file)

    assert ended.out == f"{file} has no manifest any more: no findings\n"
    assert contents_of(file) == before
    with h5py.File(file) as opened:
        assert "keras_registry" not in opened


def test_layer_of_that_name_is_no_manifest(run: Callable[..., Ended], tmp_path: Path) -> None:
    """Weights that happen to have the name of the manifest are not taken for one."""
    file = tmp_path / "m.weights.h5"
    with h5py.File(file, "w") as opened:
        opened["vars/0"] = [1.0]
        opened["keras_registry/vars/0"] = [2.0]
    before = file.read_bytes()

    ended = run("embed", "--remove", file)

    assert ended.out == f"{file} has no manifest; nothing was written: no findings\n"
    assert file.read_bytes() == before


# --- damaged and hostile files ----------------------------------------------------------------


@pytest.mark.parametrize("options", [[], ["--remove"]])
def test_damaged_weights_are_found(
    options: list[str], run: Callable[..., Ended], mine: Path
) -> None:
    """An archive with a flipped byte in its weights is not rewritten as if it were whole."""
    file = mine / "m.keras"
    if options:
        run("embed", file)
    data = bytearray(file.read_bytes())
    data[data.index(b"\x89HDF") + 4000] ^= 0xFF
    file.write_bytes(data)

    ended = run("embed", *options, file)

    assert (ended.code, ended.out) == (3, "")
    check_golden("cli/embed_A105", ended.err, replace={str(file): "FILE"})
    assert file.read_bytes() == bytes(data)
    assert not [path for path in mine.iterdir() if path.name.startswith(".keras-registry")]


def test_cut_off_files_are_left(run: Callable[..., Ended], mine: Path) -> None:
    """A file that lacks its end is unreadable, and stays as it is."""
    for name in ("m.keras", "m.h5"):
        file = mine / name
        file.write_bytes(file.read_bytes()[:-100])
        before = file.read_bytes()

        ended = run("embed", file)

        assert (ended.code, ended.out) == (3, "")
        assert file.read_bytes() == before


def test_overlapping_members_are_refused(run: Callable[..., Ended], tmp_path: Path) -> None:
    """An archive whose directory leads to the same bytes again and again fills no disk."""
    members = {"config.json": "{}", "metadata.json": "{}", "model.weights.h5": bytes(1 << 16)}
    file = write_archive(tmp_path / "m.keras", members)
    with zipfile.ZipFile(file, "a") as archive:
        weights = archive.getinfo("model.weights.h5")
        archive.filelist += [weights] * 1000
        archive._didModify = True
    before = file.read_bytes()

    ended = run("embed", file)

    assert (ended.code, ended.out) == (3, "")
    assert "its members overlap" in ended.err
    assert file.read_bytes() == before


@pytest.mark.usefixtures("with_acme")
def test_text_in_any_field_is_shown_safely(run: Callable[..., Ended], mine: Path) -> None:
    """Each text of the config can be an attack: it acts on no screen, and in no manifest."""
    document = read_document(mine / "m.keras", "config.json")
    places = places_of_texts(document)
    assert len(places) > 20

    for path in places:
        changed = json.dumps(with_value(document, path, EVIL))
        file = alter(mine / "m.keras", mine / "evil.keras", members={"config.json": changed})
        ended = run("embed", file)
        shown = ended.out + ended.err

        assert ended.code == 0, (path, ended.err)
        assert not {c for c in shown if not (c.isprintable() or c == "\n")}, path
        hints = [line for line in shown.splitlines() if line.lstrip().startswith("hint")]
        assert not [line for line in hints if "evil" in line]
        assert read_manifest(read_manifest_document(file)).problems == (), path


ODD: dict[str, dict[str, Any]] = {
    "number": {"keras_version": 5, "backend": 7},
    "no version": {"keras_version": "the latest", "backend": "\x1b[2J"},
    "long": {"keras_version": "1" * 500, "backend": "t" * 500},
    "null": {"keras_version": None, "backend": None},
}


@pytest.mark.parametrize("metadata", ODD.values(), ids=ODD)
def test_environment_of_any_form_is_unknown(
    metadata: dict[str, Any], run: Callable[..., Ended], tmp_path: Path
) -> None:
    """What is no version of Keras and no backend is not recorded as one."""
    members = {"config.json": "{}", "metadata.json": json.dumps(metadata), "model.weights.h5": b""}
    file = write_archive(tmp_path / "m.keras", members)
    made = make_h5(tmp_path / "m.h5", manifest=None)

    assert run("embed", file, made).code == 0
    assert read_manifest_document(file)["environment"] == {}
    assert manifest_in(made) is not None


def test_link_in_the_place_of_the_manifest(run: Callable[..., Ended], tmp_path: Path) -> None:
    """A link is not followed to another file: only the link itself is taken out."""
    other = make_h5(tmp_path / "other.h5")
    before = other.read_bytes()
    file = make_h5(tmp_path / "m.h5", manifest=None)
    with h5py.File(file, "r+") as opened:
        opened["keras_registry"] = h5py.ExternalLink(str(other), "/model_weights")

    ended = run("embed", "--remove", file)

    assert (ended.code, ended.err) == (0, "")
    assert other.read_bytes() == before
    with h5py.File(file) as opened:
        assert set(opened) == {"model_weights", "optimizer_weights"}
