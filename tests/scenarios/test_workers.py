"""P09, further: forked workers, and the workers of joblib, to which models go as pickles."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.scenarios.observing import plain
from tests.support.processes import core_path

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import SavedModel
    from tests.support.processes import ForkServer

FORKED = """\
import json
import sys
from multiprocessing import get_context

import keras
import numpy as np

import keras_registry


def predict(path, x):
    before = "acme_layers" in sys.modules
    try:
        model = keras.saving.load_model(path)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    report = keras_registry.report(model)
    return [before, list(report.verified), model.predict(x, verbose=0).tolist()]


x = np.load(sys.argv[2])["x"]
with get_context("fork").Pool(2) as pool:
    found = pool.starmap(predict, [(sys.argv[1], x)] * 4, chunksize=1)
print(json.dumps([found, "acme_layers" in sys.modules]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_forked_workers(acme_model: SavedModel, acme_site: Path, fork_server: ForkServer) -> None:
    """Workers that were forked with the hooks in place find the plugin, and leave no trace.

    With the hooks off each of them fails.
    """
    options = {"argv": [acme_model.path, acme_model.npz], "path": [acme_site]}
    expected = np.load(acme_model.npz)["predictions"].tolist()

    found, in_parent = fork_server.run(FORKED, **options).json()

    assert [verified for _, verified, _ in found] == [["layers", "optimizer"]] * 4
    assert [predictions == expected for *_, predictions in found] == [True] * 4
    assert not found[0][0]
    assert not in_parent
    for error in fork_server.run(FORKED, env=plain, **options).json()[0]:
        assert "GatedDense" in error


TASKS = """\
import keras_registry


def predict(model, x):
    report = keras_registry.report(model)
    return list(report.verified), model.predict(x, verbose=0).tolist()
"""
"""A module of a program: whoever unpickles its function imports keras_registry."""

JOBLIB = """\
import json
import pickle
import sys

import joblib
import keras
import numpy as np

import keras_registry
import tasks


def unpickle(data, x):
    import pickle, sys
    try:
        model = pickle.loads(data)
    except Exception as error:
        found = f"{type(error).__name__}: {error}"
    else:
        found = model.predict(x, verbose=0).tolist()
    return found, "keras_registry" in sys.modules, "acme_layers" in sys.modules


def everywhere(function, *arguments):
    '''What two workers at once make of it.'''
    return joblib.Parallel(n_jobs=2)(joblib.delayed(function)(*arguments) for _ in range(2))


known = np.load(sys.argv[2])
x = known["x"]
model = keras.saving.load_model(sys.argv[1])
own = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
hooked = pickle.dumps(model), pickle.dumps(own)
keras_registry.disable()
unhooked = pickle.dumps(model)
keras_registry.enable()
answer = {
    "plain": everywhere(unpickle, unhooked, x),
    "unaware": everywhere(unpickle, hooked[0], x),
    "own": [everywhere(unpickle, hooked[1], x), own.predict(x, verbose=0).tolist()],
    "aware": everywhere(tasks.predict, model, x),
    "expected": known["predictions"].tolist(),
}
print(json.dumps(answer))
"""


def without_numbers(text: str) -> str:
    """Return a message without the addresses by which Keras knows shared objects."""
    return re.sub(r"\d{6,}", "N", text)


def test_joblib_workers(
    acme_model: SavedModel, acme_site: Path, fork_server: ForkServer, tmp_path: Path
) -> None:
    """A worker that imports keras_registry, as the module of a task does, gets the model.

    A worker that does not is told by Keras what plain Keras tells it, and gets the models of
    Keras's own layers, whoever pickled them.
    """
    (tmp_path / "tasks.py").write_text(TASKS, encoding="utf-8")
    argv = [acme_model.path, acme_model.npz]
    env = {"PYTHONPATH": os.pathsep.join(map(str, [tmp_path, acme_site, *core_path()]))}

    done = fork_server.run(JOBLIB, argv=argv, path=[tmp_path, acme_site], env=env).json()

    for found, plain_found in zip(done["unaware"], done["plain"], strict=True):
        assert found[1:] == plain_found[1:] == [False, False]
        assert found[0].startswith("TypeError: <class 'keras.src.models.sequential.Sequential'>")
        assert without_numbers(found[0]) == without_numbers(plain_found[0])
    own, expected = done["own"]
    assert own == [[expected, False, False]] * 2
    assert done["aware"] == [[["layers", "optimizer"], done["expected"]]] * 2
