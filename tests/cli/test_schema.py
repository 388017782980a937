"""`keras-registry schema`: config schemas are exported, compared and checked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from tests.scenarios.observing import install, normalised
from tests.support.distributions import PluginProject, hand_made_distribution
from tests.support.golden import check_golden

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.cli.conftest import Ended
    from tests.support.processes import Completed, ForkServer

PROGRAM = """\
import sys

from keras_registry.cli import main

sys.exit(main(sys.argv[1:]))
"""

SOURCE = '''\
"""A layer and a loss."""

from typing import Literal

import keras

from keras_registry import register
from keras_registry import types as t
from keras_registry.migrations import Migration, add, convert, drop, rename


@register("krt"OPTIONS)
class Gate(keras.layers.Layer):
    """A layer with a gate.

    Its second line.
    """

    def __init__(
        self,
        ARGUMENTS,
        **kwargs,
    ):
        super().__init__(**kwargs)


@register("krt")
class Pinball(keras.losses.Loss):
    def __init__(self, quantile: t.Probability = 0.5, **kwargs):
        super().__init__(**kwargs)

    def call(self, y_true, y_pred):
        return y_pred


@register("krt")
def swishy(x):
    """A function has no config."""
    return x
'''

ARGUMENTS = {
    "units": "t.PositiveInt",
    "rate": "float = 0.5",
    "mode": 'Literal["sum", "mean"] = "sum"',
    "activation": 't.Activation = "relu"',
    "label": "str | None = None",
}


def project(version: str = "1.0", options: str = "", **changes: str | None) -> PluginProject:
    """The plugin distribution, with other arguments of its layer; None leaves one out."""
    arguments = {n: a for n, a in {**ARGUMENTS, **changes}.items() if a is not None}
    required_first = sorted(arguments, key=lambda name: "=" in arguments[name])
    signature = ",\n        ".join(f"{name}: {arguments[name]}" for name in required_first)
    source = SOURCE.replace("ARGUMENTS", signature).replace("OPTIONS", options)
    return PluginProject(
        name="krt-layers",
        version=version,
        modules={"krt_layers/gate.py": source},
        entry_points={
            "keras_registry.layers": {"krt>Gate": "krt_layers.gate:Gate"},
            "keras_registry.losses": {"krt>Pinball": "krt_layers.gate:Pinball"},
            "keras_registry.functions": {"krt>swishy": "krt_layers.gate:swishy"},
        },
    )


@pytest.fixture
def schema(fork_server: ForkServer) -> Callable[..., Completed]:
    """Run `keras-registry schema` in a process that has these folders on its path."""

    def command(*arguments: str | Path, path: Any = (), cwd: Path | None = None) -> Completed:
        return fork_server.run(PROGRAM, argv=["schema", *arguments], path=path, cwd=cwd)

    return command


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the plugin distribution 1.0 is installed."""
    return install(project(), tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def published(
    site: Path, tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer
) -> Path:
    """A folder that has the schemas of version 1.0, as a repository would. Read only."""
    folder = tmp_path_factory.mktemp("published")
    argv = ["schema", "export", "krt-layers", "--output", folder]
    fork_server.run(PROGRAM, argv=argv, path=[site]).check()
    return folder


def files_in(folder: Path) -> dict[str, str]:
    """The texts of all files in a folder, by their paths."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {p.relative_to(folder).as_posix(): p.read_text(encoding="utf-8") for p in paths}


# --- export ----------------------------------------------------------------------------------


def test_export(schema: Callable[..., Completed], site: Path, tmp_path: Path) -> None:
    """Each class gets a file by its namespace, kind and name, in the folder of the repository."""
    done = schema("export", "krt-layers", path=[site], cwd=tmp_path)

    assert (done.returncode, done.messages) == (0, "")
    check_golden("cli/schema_export", done.stdout)
    files = files_in(tmp_path)
    assert list(files) == [
        "schema/config/krt/layer/Gate.json",
        "schema/config/krt/loss/Pinball.json",
    ]
    gate = json.loads(files["schema/config/krt/layer/Gate.json"])
    Draft202012Validator.check_schema(gate)
    assert (gate["title"], gate["description"]) == ("krt>Gate", "A layer with a gate.")
    facts = gate["x-keras-registry"]
    assert (facts["key"], facts["kind"], facts["config_version"]) == ("krt>Gate", "layer", 1)
    assert facts["fingerprint"].startswith("xxh3:")
    assert gate["properties"]["units"] == {"type": "integer", "exclusiveMinimum": 0}
    assert files["schema/config/krt/layer/Gate.json"].endswith("}\n")


def test_export_again_changes_nothing(
    schema: Callable[..., Completed], site: Path, published: Path, tmp_path: Path
) -> None:
    """The same code gives the same files, byte for byte, and the document names them."""
    done = schema("export", "Krt.Layers", "-o", tmp_path, "--json", path=[site])

    assert done.returncode == 0
    assert files_in(tmp_path) == files_in(published)
    assert json.loads(done.stdout) == {
        "report_version": "1.0",
        "command": "schema export",
        "files": [
            str(tmp_path / "krt" / "layer" / "Gate.json"),
            str(tmp_path / "krt" / "loss" / "Pinball.json"),
        ],
        "findings": [],
    }


def test_export_of_several_distributions(
    schema: Callable[..., Completed], site: Path, acme_site: Path, tmp_path: Path
) -> None:
    """Several distributions are exported at once."""
    path = [site, acme_site]

    done = schema("export", "krt-layers", "acme-layers", "-o", tmp_path, path=path)

    assert done.returncode == 0
    assert list(files_in(tmp_path)) == [
        "acme/layer/GatedDense.json",
        "acme/loss/Pinball.json",
        "acme/metric/Coverage.json",
        "krt/layer/Gate.json",
        "krt/loss/Pinball.json",
    ]


CLASH = """\
from keras_registry import register


@register("krt")
class Gate:
    def __init__(self, units: int): ...


@register("krt", name="GATE")
class Other:
    def __init__(self, units: int): ...


@register("Krt", name="gate")
def gate(x):
    return x
"""


@pytest.mark.parametrize("action", ["export", "check"])
def test_keys_that_differ_only_in_case(
    action: str, schema: Callable[..., Completed], tmp_path: Path
) -> None:
    """Two keys of one kind that differ only in case would be one file, and nothing is written."""
    clashing = PluginProject(
        name="krt-layers",
        version="1.0",
        modules={"krt_layers/gate.py": CLASH},
        entry_points={
            "keras_registry.objects": {
                "krt>Gate": "krt_layers.gate:Gate",
                "krt>GATE": "krt_layers.gate:Other",
            },
            "keras_registry.functions": {"Krt>gate": "krt_layers.gate:gate"},
        },
    )
    site, folder = install(clashing, tmp_path), tmp_path / "schemas"
    folder.mkdir()
    option = {"export": "--output", "check": "--against"}[action]

    done = schema(action, "krt-layers", option, folder, path=[site])

    assert done.returncode == 1
    check_golden(f"cli/schema_S203_{action}", done.stdout)
    assert files_in(folder) == {}


BROKEN = PluginProject(
    name="krt-layers",
    version="1.0",
    modules={
        "krt_layers/gate.py": "print('a word to the screen')\nimport krt_missing\n",
        "krt_layers/loss.py": "def pinball(x): ...\n",
        "krt_layers/stop.py": "import sys\n\nsys.exit(3)\n",
    },
    entry_points={
        "keras_registry.layers": {"krt>Gate": "krt_layers.gate:Gate"},
        "keras_registry.losses": {"krt>Pinball": "krt_layers.loss:pinball"},
        "keras_registry.metrics": {"krt>Stop": "krt_layers.stop:Stop"},
    },
)


@pytest.mark.parametrize("action", ["export", "check"])
def test_plugin_that_cannot_be_imported(
    action: str, schema: Callable[..., Completed], tmp_path: Path
) -> None:
    """What is wrong with each plugin is told at once, and nothing is written."""
    site, folder = install(BROKEN, tmp_path), tmp_path / "schemas"
    option = {"export": "--output", "check": "--against"}[action]

    done = schema(action, "krt-layers", option, folder, path=[site])
    document = json.loads(schema(action, "krt-layers", "--json", path=[site], cwd=site).stdout)

    assert done.returncode == 1
    check_golden(f"cli/schema_broken_{action}", done.stdout)
    assert [item["code"] for item in document["findings"]] == ["R103", "R105", "R103"]
    assert not folder.exists()


@pytest.mark.parametrize("action", ["export", "check"])
def test_distribution_that_is_not_installed(action: str, run: Callable[..., Ended]) -> None:
    """A distribution that is not there is wrong usage."""
    ended = run("schema", action, "krt-gone\x1b[31m")

    assert (ended.code, ended.out) == (2, "")
    assert ended.err == (
        "keras-registry: krt-gone\\x1b[31m is not installed here: pip install krt-gone\\x1b[31m\n"
    )


def test_distribution_without_plugins(
    run: Callable[..., Ended], only_installed: Callable[..., None], tmp_path: Path
) -> None:
    """A distribution that lists no plugins is wrong usage."""
    hand_made_distribution(tmp_path, "krt-plain", "1.0")
    only_installed(tmp_path)

    ended = run("schema", "export", "krt-plain")

    assert ended.code == 2
    assert ended.err == "keras-registry: krt-plain lists no plugins in its entry points\n"


def test_folder_that_cannot_be_written(
    schema: Callable[..., Completed], site: Path, tmp_path: Path
) -> None:
    """A folder that cannot be made is wrong usage, and no defect of ours."""
    (tmp_path / "file").touch()

    done = schema("export", "krt-layers", "-o", tmp_path / "file", path=[site])

    assert (done.returncode, done.stdout) == (2, "")
    assert "Gate.json cannot be written: " in done.stderr


@pytest.mark.parametrize("arguments", [[], ["export"], ["diff", "a"], ["check"], ["other"]])
def test_wrong_usage(arguments: list[str], run: Callable[..., Ended]) -> None:
    """An action, and what it works on, must be given."""
    ended = run("schema", *arguments)

    assert (ended.code, ended.out) == (2, "")
    assert "usage: keras-registry schema" in ended.err


# --- check -----------------------------------------------------------------------------------

BREAKING: dict[str, dict[str, Any]] = {
    "removed": {"rate": None},
    "renamed": {"rate": None, "ratio": "float = 0.5"},
    "narrowed": {"rate": "t.Probability = 0.5"},
    "made_required": {"rate": "float"},
    "type_changed": {"rate": 'str = "low"'},
    "enum_value_removed": {"mode": 'Literal["sum"] = "sum"'},
    "added_and_required": {"depth": "int"},
    "field_type_changed": {"activation": 't.Initializer = "zeros"'},
}
COMPATIBLE: dict[str, dict[str, Any]] = {
    "nothing": {},
    "optional_field_added": {"depth": "int = 1"},
    "widened_range": {"units": "t.NonNegativeInt"},
    "widened_type": {"units": "int | str"},
    "enum_value_added": {"mode": 'Literal["sum", "mean", "max"] = "sum"'},
    "made_optional": {"units": "t.PositiveInt = 1"},
    "default_changed": {"rate": "float = 0.25"},
}


@pytest.fixture
def check(
    schema: Callable[..., Completed], published: Path, tmp_path: Path
) -> Iterator[Callable[..., Completed]]:
    """Check a newer version of the distribution against the schemas of version 1.0."""

    def run_check(newer: PluginProject, *options: str) -> Completed:
        site = install(newer, tmp_path)
        return schema("check", "krt-layers", "--against", published, *options, path=[site])

    before = files_in(published)
    yield run_check
    assert files_in(published) == before


@pytest.mark.parametrize("name", BREAKING)
def test_breaking_change(name: str, check: Callable[..., Completed], published: Path) -> None:
    """A change with which old files do not load fails the check, with what to write instead."""
    done = check(project("1.1", **BREAKING[name]))

    assert done.returncode == 1
    check_golden(f"cli/schema_check_{name}", done.stdout, replace={str(published): "PUBLISHED"})


@pytest.mark.parametrize("name", COMPATIBLE)
def test_compatible_change(name: str, check: Callable[..., Completed], published: Path) -> None:
    """A change with which all old files load passes the check, with a note on what changed."""
    done = check(project("1.1", **COMPATIBLE[name]))

    assert (done.returncode, done.messages) == (0, "")
    check_golden(f"cli/schema_check_{name}", done.stdout, replace={str(published): "PUBLISHED"})


MIGRATED = ', version=2, migrations=[Migration(1, 2, rename("rate", "ratio"))]'


@pytest.mark.parametrize(
    ("name", "options", "code"),
    [
        ("migrated", MIGRATED, 0),
        ("without_a_migration", ", version=2", 1),
        ("without_a_version", "", 1),
    ],
)
def test_renamed_field(
    name: str, options: str, code: int, *, check: Callable[..., Completed], published: Path
) -> None:
    """A renamed field passes with a new config_version and a migration, and not with less."""
    done = check(project("2.0", options, rate=None, ratio="float = 0.5"))

    assert done.returncode == code
    check_golden(f"cli/schema_check_{name}", done.stdout, replace={str(published): "PUBLISHED"})


def test_new_version_alone(check: Callable[..., Completed], published: Path) -> None:
    """A new config_version without a migration fails even if no field changed."""
    done = check(project("2.0", ", version=2"))

    assert done.returncode == 1
    check_golden("cli/schema_check_version", done.stdout, replace={str(published): "PUBLISHED"})


HAND_WRITTEN = """\
        self.rate = rate

    def get_config(self):
        return {**super().get_config(), "units": 1, "rate": self.rate}
"""


@pytest.mark.parametrize(("rate", "code"), [("float = 0.5", 0), ("float = 0.25", 1)])
def test_default_where_configs_may_lack_the_field(
    rate: str, code: int, *, schema: Callable[..., Completed], tmp_path: Path
) -> None:
    """Another default is breaking where a hand-written get_config may leave the field out."""
    sites = []
    for version, default in (("1.0", ARGUMENTS["rate"]), ("1.1", rate)):
        plain = project(version, rate=default)
        source = plain.modules["krt_layers/gate.py"].replace(
            "        super().__init__(**kwargs)\n",
            f"        super().__init__(**kwargs)\n{HAND_WRITTEN}",
            1,
        )
        changed = plain.with_modules({"krt_layers/gate.py": source})
        sites.append(install(changed, tmp_path / version))
    published = tmp_path / "published"
    assert schema("export", "krt-layers", "-o", published, path=sites[:1]).returncode == 0

    done = schema("check", "krt-layers", "--against", published, path=sites[1:])

    assert done.returncode == code
    assert ("default changed from 0.5 to 0.25" in done.stdout) == bool(code)


@pytest.mark.parametrize("with_alias", [False, True])
def test_key_that_is_gone(
    with_alias: bool, check: Callable[..., Completed], published: Path
) -> None:
    """A class that is gone fails the check, but not if an alias leads to what became of it."""
    newer = project("2.0", ', name="BetterGate"')
    entry_points = {
        **newer.entry_points,
        "keras_registry.layers": {"krt>BetterGate": "krt_layers.gate:Gate"},
    }
    if with_alias:
        entry_points["keras_registry.aliases"] = {"krt>Gate": "krt_layers.gate:Gate"}

    done = check(newer.evolve(entry_points=entry_points))

    assert done.returncode == (0 if with_alias else 1)
    name = "alias" if with_alias else "gone"
    check_golden(f"cli/schema_check_{name}", done.stdout, replace={str(published): "PUBLISHED"})


def test_check_as_json(check: Callable[..., Completed], published: Path) -> None:
    """The document has what was asked, what follows, and every change as a finding."""
    document = json.loads(check(project("1.1", rate=None, depth="int = 1"), "--json").stdout)

    findings = document.pop("findings")
    assert document == {
        "report_version": "1.0",
        "command": "schema check",
        "distributions": ["krt-layers"],
        "against": str(published),
        "compatible": False,
    }
    assert [(item["code"], item["level"], item["summary"]) for item in findings] == [
        ("S202", "note", "krt>Gate: depth: added, with a default"),
        ("S201", "error", "krt>Gate: rate: removed"),
    ]
    assert findings[0]["needs"] == [{"key": "krt>Gate", "count": 1, "place": "", "kind": "layer"}]


def test_schemas_of_other_namespaces_do_not_matter(
    schema: Callable[..., Completed], site: Path, acme_site: Path, tmp_path: Path
) -> None:
    """Of a folder with the schemas of several distributions only those in question count."""
    both = ["krt-layers", "acme-layers"]
    schema("export", *both, "-o", tmp_path, path=[site, acme_site]).check()

    done = schema("check", "krt-layers", "--against", tmp_path, path=[site])

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["nowhere", "empty", "broken"])
def test_nothing_to_check_against(
    name: str, schema: Callable[..., Completed], site: Path, tmp_path: Path
) -> None:
    """A folder without published schemas, or with a broken one, is an unreadable file."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "Gate.json").write_text('{"title": "krt>Gate"}', encoding="utf-8")

    done = schema("check", "krt-layers", "--against", tmp_path / name, path=[site])
    document = schema("check", "krt-layers", "--json", "--against", tmp_path / name, path=[site])

    assert (done.returncode, done.stdout, document.returncode) == (3, "", 3)
    text = normalised(done.stderr)
    check_golden(f"cli/schema_check_{name}", text, replace={str(tmp_path): "FOLDER"})
    assert [item["code"] for item in json.loads(document.stdout)["findings"]] == ["A108"]


# --- diff ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory, fork_server: ForkServer) -> tuple[Path, Path]:
    """The schemas of a newer version, and its snapshot. Read only."""
    folder = tmp_path_factory.mktemp("newer")
    site = install(project("1.1", rate=None, depth="int = 1"), folder)
    snapshot = folder / "keras_registry.json"
    for arguments in (
        ["schema", "export", "krt-layers", "-o", folder / "schemas"],
        ["snapshot", "krt-layers", "-o", snapshot],
    ):
        fork_server.run(PROGRAM, argv=arguments, path=[site]).check()
    return folder / "schemas", snapshot


def test_diff_of_folders(run: Callable[..., Ended], published: Path, newer: Any) -> None:
    """Two folders of schemas are compared class by class."""
    ended = run("schema", "diff", published, newer[0])

    assert (ended.code, ended.err) == (1, "")
    places = {str(published): "OLD", str(newer[0]): "NEW"}
    check_golden("cli/schema_diff", ended.out, replace=places)


def test_diff_of_a_folder_with_itself(run: Callable[..., Ended], published: Path) -> None:
    """Nothing changed: nothing is said, and it ends with 0."""
    ended = run("schema", "diff", published, published)

    assert ended.code == 0
    assert (
        ended.out == f"from {published} to {published}, all old files load as before: no findings\n"
    )


def test_diff_of_files(run: Callable[..., Ended], published: Path, newer: Any) -> None:
    """Two files are compared, and the other way round other things break."""
    file = "krt/layer/Gate.json"

    forth = json.loads(run("schema", "diff", "--json", published / file, newer[0] / file).out)
    back = json.loads(run("schema", "diff", "--json", newer[0] / file, published / file).out)

    assert (forth["old"], forth["new"]) == (str(published / file), str(newer[0] / file))
    assert [forth["compatible"], back["compatible"]] == [False, False]
    assert [item["summary"] for item in forth["findings"]] == [
        "krt>Gate: depth: added, with a default",
        "krt>Gate: rate: removed",
    ]
    assert [item["summary"] for item in back["findings"]] == [
        "krt>Gate: depth: removed",
        "krt>Gate: rate: added, with a default",
    ]


def test_diff_with_a_snapshot(run: Callable[..., Ended], published: Path, newer: Any) -> None:
    """A snapshot stands for the schemas of its distribution."""
    folders = json.loads(run("schema", "diff", "--json", published, newer[0]).out)
    mixed = json.loads(run("schema", "diff", "--json", published, newer[1]).out)

    assert mixed["findings"] == folders["findings"]
    same = run("schema", "diff", newer[0], newer[1])
    assert same.code == 0, same.out


def test_diff_needs_no_keras(
    published: Path, newer: Any, tmp_path: Path, run: Callable[..., Ended]
) -> None:
    """Schemas are compared where neither Keras nor a plugin can be imported."""
    from tests.scenarios.commands import FRAMEWORKS, block_imports, run_command

    blocked = block_imports(tmp_path / "blocked", *FRAMEWORKS, "krt_layers")

    done = run_command("schema", "diff", published, newer[0], path=[blocked])

    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == run("schema", "diff", published, newer[0]).out


def hostile(published: Path, change: Callable[[dict[str, Any]], Any]) -> str:
    """A published schema that was edited."""
    document = json.loads((published / "krt" / "layer" / "Gate.json").read_text(encoding="utf-8"))
    change(document)
    return json.dumps(document)


UNREADABLE: dict[str, Any] = {
    "nothing": None,
    "no_json": "schema = 1",
    "no_text": b"\xff\xfe",
    "deep": "[" * 100_000,
    "number": "3",
    "other_schema": '{"type": "object", "properties": {}}',
    "no_key": lambda doc: doc["x-keras-registry"].pop("key"),
    "bad_key": lambda doc: doc["x-keras-registry"].update(key="\x1b[31mGate"),
    "bad_kind": lambda doc: doc["x-keras-registry"].update(kind="thing"),
    "bad_version": lambda doc: doc["x-keras-registry"].update(config_version=0),
    "bad_fields": lambda doc: doc["x-keras-registry"].update(fields=[["units"]]),
    "bad_required": lambda doc: doc["x-keras-registry"].update(required={"units": 1}),
    "bad_schema": lambda doc: doc["properties"].update(units={"anyOf": 3}),
    "snapshot_without_objects": '{"snapshot_version": "1.0"}',
    "snapshot_of_another_major": '{"snapshot_version": "2.0"}',
}


@pytest.mark.parametrize("name", UNREADABLE)
@pytest.mark.parametrize("side", ["old", "new"])
def test_diff_of_what_cannot_be_read(
    name: str, side: str, *, run: Callable[..., Ended], published: Path, tmp_path: Path
) -> None:
    """Whatever stands in place of a published schema is told in one finding, and ends with 3."""
    given, file = UNREADABLE[name], tmp_path / "Gate.json"
    given = hostile(published, given) if callable(given) else given
    if given is not None:
        file.write_bytes(given if isinstance(given, bytes) else given.encode())
    paths = [file, published] if side == "old" else [published, file]

    ended = run("schema", "diff", *paths)
    document = json.loads(run("schema", "diff", "--json", *paths).out)

    assert (ended.code, ended.out) == (3, "")
    assert [item["code"] for item in document["findings"]] == ["A108"]
    assert document["readable"] is False
    check_golden(f"cli/schema_A108_{name}", ended.err, replace={str(tmp_path): "FOLDER"})
