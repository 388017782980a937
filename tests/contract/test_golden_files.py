"""Where golden files lie, what is read of them, and how what they say is compared."""

from __future__ import annotations

import re
import runpy
import tomllib

import numpy as np
import pytest

from keras_registry.contract import run_check
from keras_registry.contract.distributions import DistributionSubject
from keras_registry.contract.golden_checks import GOLDEN_CHECKS
from keras_registry.contract.golden_files import (
    INDEX,
    GoldenIndex,
    GoldenModel,
    find_golden_folder,
    iter_releases,
    read_arrays,
    write_arrays,
)
from keras_registry.contract.golden_loading import Golden, find_difference, load_all
from keras_registry.contract.rendering import render_failure
from keras_registry.environment import Environment, InstalledDistribution
from keras_registry.names import Kind
from tests.conftest import CHECKOUT
from tests.support.golden import check_golden

STARTER = CHECKOUT / "plugins" / "keras-registry-starter"

# --- where they lie --------------------------------------------------------------------------


def test_folder_beside_the_tests(starter_site, monkeypatch, tmp_path) -> None:
    """A test file that says nothing takes the folder `golden` beside it."""
    monkeypatch.syspath_prepend(starter_site)
    folder = tmp_path / "tests" / "golden"
    folder.mkdir(parents=True)
    test = (STARTER / "tests" / "test_contract.py").read_text(encoding="utf-8")
    (folder.parent / "test_contract.py").write_text(test, encoding="utf-8")

    module = runpy.run_path(str(folder.parent / "test_contract.py"))

    (mark,) = module["test_contract"].pytestmark
    assert {check.subject.golden for check in mark.args[1]} == {folder}


def test_folder_of_a_project(starter_site, monkeypatch, tmp_path) -> None:
    """Without an editable install the project in the working directory counts, if it is this."""
    monkeypatch.syspath_prepend(starter_site)
    starter = Environment().find_distribution("keras-registry-starter")

    monkeypatch.chdir(STARTER)
    assert find_golden_folder(starter).resolve() == STARTER / "tests" / "golden"
    monkeypatch.chdir(tmp_path)
    assert find_golden_folder(starter) is None
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 3\n", encoding="utf-8")
    assert find_golden_folder(starter) is None


def test_starter_has_golden_files_of_its_version() -> None:
    """The starter plugin has golden files of each of its objects in its current version."""
    text = (STARTER / "pyproject.toml").read_text(encoding="utf-8")
    declared = tomllib.loads(text)["project"]
    keys = {key for entries in declared["entry-points"].values() for key in entries}

    releases = {r.folder.name: r.index for r in iter_releases(STARTER / "tests" / "golden")}

    assert {model.key for model in releases[declared["version"]].models} == keys


# --- files that are damaged ------------------------------------------------------------------

MODEL = GoldenModel(
    key="krg>Kept",
    kind=Kind.LAYER,
    file="krg-Kept",
    made_by="Kept()",
    called_with="float32 of shape (2, 4), guessed",
    structure=[0],
    outputs={"output 0": "float32"},
)
RELEASED = GoldenIndex(
    generator="keras-registry 0.1.0",
    distribution="krg-layers",
    distribution_version="1.0.0",
    environment={"python": "3.11.7", "keras": "3.12.0", "backend": "jax", "backend_version": None},
    models=(MODEL,),
    left_out={},
)
TEXT = RELEASED.model_dump_json()


@pytest.mark.parametrize(
    ("damaged", "golden"),
    [
        (None, "no_index"),
        ("{", "no_json"),
        ("[" * 100_000, "deep"),
        (TEXT + " " * 2_000_000, "large"),
        (TEXT.replace('"1.0"', '"2.0"', 1), "other_version"),
        (TEXT.replace("krg-Kept", "../krg-Kept"), "path"),
        (TEXT.replace("krg>Kept", "krg>Kept\\u001b[31m"), "key"),
        (TEXT.replace('"kind":"layer",', ""), "no_kind"),
        ("[]", "list"),
        (TEXT, "no_files"),
    ],
    ids=lambda value: value if str(value).isidentifier() else "",
)
def test_damaged_index_is_named(damaged, golden, tmp_path) -> None:
    """An index that cannot be read, and files that are missing, fail with the place and the fix."""
    (tmp_path / "1.0.0").mkdir()
    if damaged is not None:
        (tmp_path / "1.0.0" / INDEX).write_text(damaged, encoding="utf-8")
    subject = DistributionSubject(InstalledDistribution("krg-layers", "2.0.0"), golden=tmp_path)

    result = run_check(GOLDEN_CHECKS[0], subject)

    text = render_failure(result, GOLDEN_CHECKS[0]).replace(str(tmp_path), "FOLDER")
    check_golden(f"contract/golden_damaged_{golden}", text)


def test_versions_are_in_order(tmp_path) -> None:
    """Versions are read from the oldest to the newest, and files between them are left alone."""
    for name in ("1.10.0", "1.9.0", "latest", ".1.11.0.new"):
        (tmp_path / name).mkdir()
    (tmp_path / "README.md").touch()

    found = [release.folder.name for release in iter_releases(tmp_path)]

    assert found == ["latest", "1.9.0", "1.10.0"]


def test_damaged_arrays_are_named(tmp_path) -> None:
    """Arrays that are none, that hold objects or too much, are refused, and said of the file."""
    good, text, pickled, bomb = (tmp_path / f"{n}.npz" for n in ("good", "text", "pickled", "bomb"))
    write_arrays(good, {"output 0": np.ones(3)})
    text.write_text("version https://git-lfs.github.com/spec/v1\n", encoding="utf-8")
    np.savez(pickled, **{"output 0": np.array([{}], dtype=object)})
    write_arrays(bomb, {"output 0": np.zeros(10_000_000)})

    assert read_arrays(good).keys() == {"output 0"}
    for path, words in ((text, "no arrays"), (pickled, "pickle"), (bomb, "more than")):
        with pytest.raises(ValueError, match=words):
            read_arrays(path)
    golden = Golden(tmp_path, RELEASED, MODEL.model_copy(update={"file": "text"}))
    load_all([golden])
    assert (golden.loaded, golden.error) == (None, "ValueError: no arrays of numpy")


# --- comparing -------------------------------------------------------------------------------


def difference(what: str, saved: dict, loaded: dict, *, outputs=None, backend: str = "jax"):
    """What is another in loaded arrays than in saved ones, as a line."""
    model = MODEL.model_copy(update={"outputs": outputs or {}})
    arrays = ({n: np.asarray(value) for n, value in part.items()} for part in (saved, loaded))
    golden = Golden(None, RELEASED, model, *arrays)
    found = find_difference(golden, what, backend=backend)
    return None if found is None else f"{found.name}: {found.wanted} / {found.found}"


ONE = np.ones(3, "float32")


@pytest.mark.parametrize(
    ("dtype", "same", "other"),
    [
        ("float64", 1e-8, 1e-4),
        ("float32", 1e-5, 1e-3),
        ("float16", 1e-3, 1e-1),
        ("bfloat16", 1e-2, 0.5),
        ("int32", 0, 1),
    ],
)
def test_outputs_are_compared_by_their_dtype(dtype, same, other) -> None:
    """Differences are allowed as far as the dtype has them; the largest one is told."""
    kind = {"bfloat16": "float32"}.get(dtype, dtype)
    saved = np.array([1, 2, 4], "float64").astype(kind)

    def compare(step: float):
        loaded = saved + np.array([0, step, 0]).astype(kind)
        return difference("outputs", {"it": saved}, {"it": loaded}, outputs={"it": dtype})

    assert compare(same) is None
    assert re.search(r"it: \[1, 2, 4\] / .*, largest difference .* at \[1\]", compare(other))


def test_what_is_another_is_told() -> None:
    """Another shape, a value that is missing or no number, and another weight are told."""
    outputs = {"it": "float32"}
    shape = difference("outputs", {"it": ONE}, {"it": ONE[:2]}, outputs=outputs)
    nan = difference("outputs", {"it": 1.0}, {"it": np.nan}, outputs=outputs)
    missing = difference("outputs", {"it": ONE}, {}, outputs=outputs)
    fewer = difference("weights", {"weight 0 a/b": ONE}, {})

    assert shape == "it: shape (3,) / shape (2,)"
    assert nan == "it: 1 / nan, largest difference inf"
    assert missing == "it: [1, 1, 1] / nothing"
    assert fewer == "weights: 1 weights / 0 weights"


def test_weights_belong_together_by_path_or_order() -> None:
    """Weights in another order are found by their paths, those with other paths by their order."""
    saved = {"weight 0 a/kernel": ONE, "weight 1 a/bias": 2 * ONE}
    swapped = {"weight 0 a/bias": ONE, "weight 1 a/kernel": 2 * ONE}
    renamed = {"weight 0 a/w": ONE, "weight 1 a/b": 2 * ONE}

    assert difference("weights", saved, saved) is None
    assert difference("weights", saved, renamed) is None
    assert difference("weights", saved, swapped).startswith("a/bias: [2, 2, 2] / [1, 1, 1], ")


def test_draws_of_another_backend_are_not_compared() -> None:
    """Random numbers are others on another backend."""
    values = ({"drawn": ONE}, {"drawn": 2 * ONE})

    assert difference("outputs", *values, outputs={"drawn": "float32"}, backend="torch") is None
    assert difference("outputs", *values, outputs={"drawn": "float32"}, backend="jax") is not None
