"""Damaged model files: each is refused, or gives the model that was saved; nothing hangs or dies.

A few files of each kind of damage are made here. `nox -s damage` makes hundreds of them, with other
seeds, by the variables `DAMAGE_ROUNDS` and `DAMAGE_SEED`.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.artifact.h5_damages import NASTY, make_weights
from tests.bridge.damages import WAYS, iter_wrong_types
from tests.bridge.programs import as_program

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from tests.support.processes import Completed, ForkServer

    Judge = Callable[[str, Iterable[tuple[str, bytes]]], list["Judgement"]]

SUFFIXES = (".keras", ".h5")
SAMPLE = "DAMAGE_ROUNDS" not in os.environ
ROUNDS = int(os.environ.get("DAMAGE_ROUNDS", "3"))
SEED = int(os.environ.get("DAMAGE_SEED", "5"))

SAVE = """
import keras
import acme_scale
import keras_registry

layers = [keras.layers.BatchNormalization(name="norm"), acme_scale.Scale(2.0, name="scale")]
model = small_model(*layers, keras.layers.Dropout(0.25), loss="mean_squared_error", metrics=["mae"])
for suffix in (".keras", ".h5"):
    model.save(sys.argv[1] + suffix)
"""

JUDGE = """
import contextlib, io, logging
from pathlib import Path
import keras
import numpy as np
from keras.src.saving import saving_lib
import keras_registry
from keras_registry.cli import main
from keras_registry.errors import LoadError

logging.disable()
warnings.simplefilter("ignore")


def plain(node):
    '''A config without what Keras writes anew in each process.'''
    if isinstance(node, dict):
        return {name: plain(value) for name, value in node.items() if name != "shared_object_id"}
    return [plain(value) for value in node] if isinstance(node, list) else node


def config_of(model):
    return plain(json.loads(saving_lib._serialize_model_as_json(model)[0]))


def verified(path):
    '''The exit code of `verify`, and what it prints.'''
    with contextlib.redirect_stdout(io.StringIO()) as out:
        with contextlib.redirect_stderr(out):
            return main(["verify", str(path)]), out.getvalue()


def loaded(path):
    '''What a load comes to: the codes of errors, "equal", or what should not be.'''
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            model = keras.saving.load_model(path)
    except LoadError as error:
        return sorted({item.code for item in error.findings if item.level == "error"})
    except BaseException as error:
        return f"{type(error).__name__}: {str(error)[:300]}"
    if config_of(model) != config:
        return "another config"
    found = model.get_weights()
    same = len(found) == len(weights) and all(map(np.array_equal, found, weights))
    return "equal" if same else "other weights"


for path in map(Path, sys.argv[1:]):
    if path.stem == "saved":
        model = keras.saving.load_model(path)
        config, weights = config_of(model), model.get_weights()
        continue
    print(path.name, end=" ", flush=True)
    print(json.dumps([*verified(path), loaded(path)]), flush=True)
with contextlib.suppress(ImportError):  # not on Windows
    import resource
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert peak < 2 << 20, f"a file that took {peak >> 10} MiB"
"""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What came of a damaged file.

    Attributes:
        name: What it is called, by the way in which it was damaged.
        code: The exit code of `verify`.
        text: What `verify` printed.
        loaded: The codes with which the load stopped, or what it came to.
    """

    name: str
    code: int
    text: str
    loaded: list[str] | str

    @property
    def is_right(self) -> bool:
        """Whether the file is refused, or gives the model that was saved, and is no defect."""
        is_refused = isinstance(self.loaded, list) and bool(self.loaded)
        return self.code in {0, 1, 3} and (is_refused or self.loaded == "equal")


@pytest.fixture(scope="module")
def saved(
    tmp_path_factory: pytest.TempPathFactory, scale_site: Path, fork_server: ForkServer
) -> Path:
    """A model file with a manifest; the ending is missing."""
    path = tmp_path_factory.mktemp("saved") / "saved"
    fork_server.run(as_program(SAVE), argv=[path], path=[scale_site]).check()
    return path


@pytest.fixture
def judge(saved: Path, tmp_path: Path, scale_site: Path, fork_server: ForkServer) -> Judge:
    """Let `verify` and a load judge damaged files, all in one process."""

    def run(suffix: str, files: Iterable[tuple[str, bytes]]) -> list[Judgement]:
        paths = []
        for name, raw in files:
            paths.append(tmp_path / f"{len(paths):04}-{name}{suffix}")
            paths[-1].write_bytes(raw)
        try:
            done = fork_server.run(
                as_program(JUDGE),
                argv=[saved.with_suffix(suffix), *paths],
                path=[scale_site],
                timeout=60 + len(paths),
            )
        except subprocess.TimeoutExpired as late:
            pytest.fail(f"no end with {str(late.output).splitlines()[-1:]}")
        return [read(line) for line in done.check().stdout.splitlines()]

    return run


def read(line: str) -> Judgement:
    """Read what the program tells of a file."""
    name, _, answer = line.partition(" ")
    return Judgement(name, *json.loads(answer))


def check_all(judgements: list[Judgement], kind: str) -> None:
    """Check that no file hangs, crashes, raises a foreign error, or gives another model."""
    counts = Counter(str(item.loaded) for item in judgements)
    codes = Counter(item.code for item in judgements)
    sys.stdout.write(f"{kind}: {len(judgements)} files, verify {codes}, load {counts}\n")
    assert [item for item in judgements if not item.is_right] == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_damage_of_each_kind(suffix: str, saved: Path, judge: Judge) -> None:
    """However a file is damaged, it is refused by a finding or gives the model that was saved."""
    raw = saved.with_suffix(suffix).read_bytes()
    files = [
        (way.__name__, way(raw, random.Random(f"{SEED}-{number}-{way.__name__}")))  # noqa: S311 - repeatable
        for number in range(ROUNDS)
        for way in WAYS
    ]

    judgements = judge(suffix, files)

    check_all(judgements, suffix)
    assert len(judgements) == ROUNDS * len(WAYS)
    assert {item.code for item in judgements} >= {0, 3}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_wrong_types_at_positions_of_the_config(suffix: str, saved: Path, judge: Judge) -> None:
    """A value of another type, wherever it is, does not make another model without a word."""
    raw = saved.with_suffix(suffix).read_bytes()
    files = [("type", damaged) for damaged in iter_wrong_types(raw)]
    chosen = files[SEED :: max(1, len(files) // (ROUNDS * 4))] if SAMPLE else files

    judgements = judge(suffix, chosen)

    check_all(judgements, f"{suffix}, wrong types")
    assert not any(item.loaded == "equal" and item.code == 3 for item in judgements)


FILL = """
import numpy as np
import keras_registry
from keras_registry.errors import LoadError

model = small_model(name="small")
before = model.get_weights()
for path in sys.argv[1:]:
    error = caught(model.load_weights, path)
    print(isinstance(error, LoadError), codes(error.findings))
answer(same=all(map(np.array_equal, before, model.get_weights())))
"""


def test_weights_alone(child: Callable[..., Completed], tmp_path: Path) -> None:
    """`load_weights` refuses what libhdf5 would not survive, and leaves the model as it was."""
    paths = []
    for name, damage in NASTY.items():
        raw = bytearray(make_weights())
        damage(raw)
        paths.append(tmp_path / f"{name}.weights.h5")
        paths[-1].write_bytes(raw)

    done = child(FILL, *paths)

    *lines, answer = done.check().stdout.splitlines()
    assert lines == ["True ['A105']"] * len(NASTY)
    assert json.loads(answer) == {"same": True}
