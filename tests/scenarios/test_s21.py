"""S21: an operator reads the logs of a service that loads models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.archives import alter
from tests.scenarios.observing import install, observe, plain
from tests.support.golden import check_golden
from tests.support.plugins import acme_project

if TYPE_CHECKING:
    from tests.conftest import SavedModel
    from tests.support.processes import ForkServer


@pytest.fixture(scope="module")
def older_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an acme-layers that is a little older than the one that saved the model."""
    return install(acme_project("1.4.0"), tmp_path_factory.mktemp("older"))


def test_success_logs_nothing_above_debug(
    acme_site: Path, acme_model: SavedModel, fork_server: ForkServer
) -> None:
    """A load without findings logs nothing at all."""
    loaded = observe(fork_server.run, acme_model.path, path=[acme_site])

    assert loaded.is_silent()
    assert loaded.log == ()


def test_note_is_logged_as_debug(
    acme_site: Path, acme_model: SavedModel, fork_server: ForkServer, tmp_path: Path
) -> None:
    """A note, such as that there is no manifest, is one DEBUG record."""
    file = alter(
        acme_model.path, tmp_path / "bare.keras", metadata=lambda doc: doc.pop("keras_registry")
    )

    loaded = observe(fork_server.run, file, path=[acme_site])

    ((logger, level, text),) = loaded.log
    assert (logger, level) == ("keras_registry", "DEBUG")
    check_golden("scenarios/s21_note", text)
    assert loaded.is_silent()


def test_warning_is_logged_and_warned_once(
    acme_model: SavedModel, older_site: Path, fork_server: ForkServer
) -> None:
    """A finding of level warning is one WARNING record and one Python warning, with its code."""
    loaded = observe(fork_server.run, acme_model.path, path=[older_site])

    assert loaded.error is None
    ((logger, level, text),) = loaded.log
    ((category, code, shown, file),) = loaded.warnings
    assert (logger, level) == ("keras_registry", "WARNING")
    check_golden("scenarios/s21_warning", text)
    assert (category, code) == ("KerasRegistryWarning", "R202")
    assert text in shown
    assert shown.startswith(f"{acme_model.path}\n")
    assert file == "<string>"  # the program itself, not a file of Keras or of ours


def test_each_error_is_logged_once(
    acme_model: SavedModel, fork_server: ForkServer, tmp_path: Path
) -> None:
    """A load that fails logs each finding once, as ERROR, and gives no warning besides."""
    failed = observe(fork_server.run, acme_model.path)

    ((logger, level, text),) = failed.log
    assert (logger, level) == ("keras_registry", "ERROR")
    check_golden("scenarios/s21_error", text)
    assert failed.warnings == ()


@pytest.mark.parametrize(
    ("content", "code"),
    [(None, "A101"), (b"", "A103"), (b"<!DOCTYPE html>", "A104"), (b"PK\x03\x04cut off", "A105")],
)
def test_unreadable_file_is_logged_once(
    content: bytes | None, code: str, fork_server: ForkServer, tmp_path: Path
) -> None:
    """A file that cannot be read is one ERROR record with the code of its finding."""
    file = tmp_path / "model.keras"
    if content is not None:
        file.write_bytes(content)

    failed = observe(fork_server.run, file)

    ((_, level, text),) = failed.log
    assert level == "ERROR"
    replace = {str(tmp_path): "FOLDER", str(Path.cwd()): "HERE"}
    check_golden(f"scenarios/s21_{code}", text, replace=replace)


def test_notes_are_logged_with_the_error_that_they_explain(
    acme_model: SavedModel, older_site: Path, fork_server: ForkServer
) -> None:
    """A load that stops on one finding logs the others, too, each at its own level."""
    failed = observe(
        fork_server.run,
        acme_model.path,
        path=[older_site],
        env={"KERAS_REGISTRY_POLICY": "strict"},
    )

    assert failed.findings == (("R202", "error"),)
    assert [(level, text[:4]) for _, level, text in failed.log] == [("ERROR", "R202")]
    assert failed.warnings == ()


def test_two_loads_are_two_records(
    acme_model: SavedModel, older_site: Path, fork_server: ForkServer
) -> None:
    """Each load speaks for itself: the second logs its finding again."""
    loaded = observe(
        fork_server.run,
        acme_model.path,
        path=[older_site],
        prelude="import warnings\n"
        "with warnings.catch_warnings():\n"
        "    warnings.simplefilter('ignore')\n"
        "    keras.saving.load_model(options['file'])\n",
    )

    assert [(level, text[:4]) for _, level, text in loaded.log] == [("WARNING", "R202")] * 2


UNCONFIGURED = """\
import sys
import keras
import keras_registry

try:
    keras.saving.load_model(sys.argv[1])
except TypeError:
    pass
"""


def test_without_logging_set_up_nothing_is_printed(
    acme_model: SavedModel, fork_server: ForkServer
) -> None:
    """Where nobody set up logging, an error that the program catches leaves no trace on screen."""
    done = fork_server.run(UNCONFIGURED, argv=[acme_model.path]).check()

    assert (done.stdout, done.messages) == ("", "")


def test_warnings_can_be_filtered_by_code(
    acme_model: SavedModel, older_site: Path, fork_server: ForkServer
) -> None:
    """A warning turned into an error carries its finding, so that code can tell it by its code."""
    failed = observe(
        fork_server.run,
        acme_model.path,
        path=[older_site],
        load="load",
        prelude="""
def load(*arguments, **options):
    warnings.simplefilter("error", keras_registry.KerasRegistryWarning)
    try:
        return keras.saving.load_model(*arguments, **options)
    except keras_registry.KerasRegistryWarning as warning:
        seen["caught"] = [warning.finding.code, warning.finding.distribution]
        raise
""",
    )

    assert failed.raw["caught"] == ["R202", "acme-layers"]


def test_plain_keras_logs_nothing(
    acme_site: Path, acme_model: SavedModel, fork_server: ForkServer
) -> None:
    """With the hooks off there is no record, whether the load fails or succeeds."""
    imports = "from acme_layers import functions, gated, losses, metrics"
    failed = observe(fork_server.run, acme_model.path, path=[acme_site], env=plain)
    loaded = observe(fork_server.run, acme_model.path, path=[acme_site], env=plain, prelude=imports)

    assert failed.error is not None
    assert loaded.error is None
    assert failed.log == loaded.log == ()
