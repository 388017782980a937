"""``keras-registry migrate FILE``: rewrite a model file for the installed versions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras_registry.cli import Exit
from keras_registry.cli.output import foreign_code, print_json, print_unreadable, say
from keras_registry.errors import LoadError, SettingsError
from keras_registry.findings import render_findings
from keras_registry.names import printable

if TYPE_CHECKING:
    import argparse

__all__ = ["configure", "run"]


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the command."""
    parser.add_argument("file", help="a .keras file")
    parser.add_argument("-o", "--output", help="write there and leave FILE as it is")
    parser.add_argument("--json", action="store_true", help="print one JSON document")


def run(parsed: argparse.Namespace) -> int:
    """Migrates the file; the plugins that it needs are imported, and Keras with them."""
    from keras_registry.artifact import read_keras_zip

    if not parsed.file.endswith(".keras"):
        message = (
            f"{printable(parsed.file, limit=1000)} is no .keras file: load it and save it again"
        )
        raise SettingsError(message)
    reading = read_keras_zip(parsed.file)
    if reading.artifact is None:
        print_unreadable("migrate", reading.name, reading.findings, as_json=parsed.json)
        return Exit.UNREADABLE
    from keras_registry.bridge.migrating import migrate_file

    name = printable(parsed.file, limit=1000)
    try:
        with foreign_code():
            done = migrate_file(parsed.file, parsed.output or parsed.file)
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
