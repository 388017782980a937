"""Texts in a model file that would act on a terminal: none of them gets there."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.scenarios.archives import alter, read_document, write_archive

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.cli.conftest import Ended
    from tests.conftest import SavedModel

EVIL = (
    "\x1b[2J\x1b]0;evil\x07\x9b31m\u202eevil\u2066\u200b\x00\ud800"
    '\n       hint       pip install "evil"\r\n'
)
"""Clears the screen, sets its title, turns the direction of writing, and adds a line."""

COMMANDS = (["inspect"], ["verify"], ["verify", "--policy", "strict"])

Places = list[tuple[str | int, ...]]


def places_of_texts(document: Any, path: tuple[str | int, ...] = ()) -> Places:
    """Return the places of a document that hold a text."""
    if isinstance(document, dict):
        items: Any = document.items()
    elif isinstance(document, list):
        items = enumerate(document)
    else:
        return [path] if isinstance(document, str) else []
    return [found for step, value in items for found in places_of_texts(value, (*path, step))]


def with_value(document: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """Return a copy of a document with another value in one place."""
    changed = copy.deepcopy(document)
    node = changed
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    return changed


def check(ended: Ended) -> None:
    """Check that a command ended as it should, and shows nothing that acts.

    Raises:
        AssertionError: It broke, or does.
    """
    shown = ended.out + ended.err
    assert ended.code in {0, 1, 3}, ended.err
    assert not {c for c in shown if not (c.isprintable() or c == "\n")}
    hints = [line for line in shown.splitlines() if line.lstrip().startswith("hint")]
    assert not [line for line in hints if "evil" in line]


@pytest.mark.parametrize("member", ["config.json", "metadata.json"])
def test_text_in_any_field_is_shown_safely(
    member: str, run: Callable[..., Ended], acme_model: SavedModel, tmp_path: Path
) -> None:
    """Each text of config and metadata, the manifest included, can be an attack without harm."""
    document = read_document(acme_model.path, member)
    places = places_of_texts(document)
    assert len(places) > 20

    for path in places:
        changed = json.dumps(with_value(document, path, EVIL))
        file = alter(acme_model.path, tmp_path / "model.keras", members={member: changed})
        for command in COMMANDS:
            try:
                check(run(*command, file))
            except AssertionError as error:
                error.add_note(f"{command} with {path}")
                raise


def test_text_in_any_name_of_a_field_is_shown_safely(
    run: Callable[..., Ended], acme_model: SavedModel, tmp_path: Path
) -> None:
    """A member of the config whose name is an attack, around a custom object, does no harm."""

    def change(config: dict[str, Any]) -> None:
        layer = config["config"]["layers"][1]
        config["config"][EVIL] = {EVIL: [layer, {"class_name": "__lambda__", "config": 1}]}

    file = alter(acme_model.path, tmp_path / "model.keras", config=change)

    for command in COMMANDS:
        check(run(*command, file))


@pytest.mark.parametrize("prefix", ["__main__>", "acme>", ""])
def test_hostile_key_is_suggested_nowhere(
    prefix: str, run: Callable[..., Ended], acme_model: SavedModel, tmp_path: Path
) -> None:
    """A key that is none, of a script or a namespace, is shown as what it is and in no hint."""

    def change(config: dict[str, Any]) -> None:
        config["config"]["layers"][1]["registered_name"] = f"{prefix}{EVIL}"

    for metadata in (None, lambda document: document.pop("keras_registry")):
        file = alter(acme_model.path, tmp_path / "model.keras", config=change, metadata=metadata)
        for command in COMMANDS:
            check(run(*command, file))


@pytest.mark.parametrize("lacks", [None, "config.json"], ids=["whole", "incomplete"])
def test_names_of_members_are_shown_safely(
    lacks: str | None, run: Callable[..., Ended], acme_model: SavedModel, tmp_path: Path
) -> None:
    """The names of the archive's members can be attacks."""
    evil = EVIL.replace("\ud800", "").replace("\x00", "")
    file = alter(acme_model.path, tmp_path / "whole.keras", members={evil: b"", "../up": b""})
    if lacks is not None:
        file = write_archive(tmp_path / "model.keras", {evil: b"", "metadata.json": "{}"})

    for command in COMMANDS:
        check(run(*command, file))


def test_name_of_the_file_is_shown_safely(
    run: Callable[..., Ended], acme_model: SavedModel, tmp_path: Path
) -> None:
    """The path itself can be an attack, whether there is a file or not."""
    name = "\x1b[31mred\u202e\x9b2J\n.keras"
    missing = tmp_path / f"not{name}"
    present = alter(acme_model.path, tmp_path / name)

    for file in (missing, present):
        for command in COMMANDS:
            check(run(*command, file))


def test_json_is_plain_ascii(
    run: Callable[..., Ended], acme_model: SavedModel, tmp_path: Path
) -> None:
    """JSON documents show such texts as escapes, so that nothing acts on a screen either."""
    document = read_document(acme_model.path, "config.json")

    for path in places_of_texts(document)[::3]:
        changed = json.dumps(with_value(document, path, EVIL))
        file = alter(acme_model.path, tmp_path / "model.keras", members={"config.json": changed})
        for command in ("inspect", "verify"):
            ended = run(command, "--json", file)

            assert ended.out.replace("\n", "").isprintable()
            assert ended.out.isascii()
            assert json.loads(ended.out)["command"] == command
