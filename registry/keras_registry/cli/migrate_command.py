"""``keras-registry migrate FILE``: rewrite a model file for the installed versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras_registry.artifact import H5_ENDINGS, read_artifact
from keras_registry.cli import Exit
from keras_registry.cli.output import foreign_code, print_json, print_unreadable, say
from keras_registry.errors import LoadError, SettingsError
from keras_registry.findings import render_findings
from keras_registry.names import printable

if TYPE_CHECKING:
    import argparse

    from keras_registry.artifact import Artifact

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the command."""
    parser.add_argument("file", help="a .keras or .h5 file, or a folder")
    parser.add_argument("-o", "--output", help="write there and leave FILE as it is")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(parsed: argparse.Namespace) -> int:
    """Migrates the file; the plugins that it needs are imported, and Keras with them."""
    reading = read_artifact(parsed.file)
    if reading.artifact is None:
        print_unreadable("migrate", reading.name, reading.findings, as_json=parsed.json)
        return Exit.UNREADABLE
    if parsed.output is not None:
        _check_output(parsed.output, reading.artifact)
    from keras_registry.bridge.migrating import migrate_file

    name = printable(parsed.file, limit=1000)
    try:
        with foreign_code():
            done = migrate_file(parsed.file, parsed.output)
    except LoadError as error:
        if parsed.json:
            print_json("migrate", error.findings, file=name, written=None)
        else:
            say(render_findings(f"{name} cannot be migrated", error.findings))
        return Exit.FINDINGS
    written = None if done.written is None else str(done.written)
    if parsed.json:
        print_json(
            "migrate", done.findings, file=name, written=written, wrote_weights=done.wrote_weights
        )
    elif written is None:
        say(f"{name} needs no migration; nothing was written")
    else:
        weights = (
            "its weights were written anew"
            if done.wrote_weights
            else "its weights are as they were"
        )
        say(
            render_findings(
                f"{printable(written, limit=1000)} was written, {weights}", done.findings
            )
        )
    return Exit.OK


def _check_output(output: str, artifact: Artifact) -> None:
    """Refuses a path under which Keras would take the result for something else.

    Raises:
        SettingsError: It is one.
    """
    endings = {".keras": (".keras",), ".h5": H5_ENDINGS}
    wanted = endings.get(artifact.container)
    fits = (
        output.endswith(wanted)
        if wanted is not None
        else not output.endswith((".keras", *H5_ENDINGS))
    )
    if not fits:
        ending = "no ending of a file" if wanted is None else f"the ending {' or '.join(wanted)}"
        message = (
            f"--output {printable(output, limit=1000)} needs {ending}: "
            f"{artifact.name} is migrated as it is, not converted"
        )
        raise SettingsError(message)
