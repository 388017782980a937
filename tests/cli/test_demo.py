"""`keras-registry demo`: the whole story, in real environments."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def test_demo_tells_the_whole_story(starter_wheel: Path) -> None:
    """It installs, trains, inspects, fails without the plugin, installs it and loads."""
    command = [sys.executable, "-m", "keras_registry", "demo", "--plugin", str(starter_wheel)]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    told = [
        "The author's machine: train a model",
        "starter>GatedDense   layer   2",
        "R101 error    keras-registry-starter is not installed",
        "imported during the load: keras_registry_starter._tensors",
        "verified: layers, optimizer",
        "equal predictions, no custom_objects",
        "what happened",
    ]
    places = [done.stdout.find(words) for words in told]
    assert places == sorted(places)
    assert places[0] >= 0


def test_demo_of_a_wheel_that_is_not_there_fails_with_pips_words() -> None:
    """A plugin that pip cannot install ends the demo with 1 and says what pip said."""
    command = [sys.executable, "-m", "keras_registry", "demo", "--plugin", "./no-such.whl"]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "no-such.whl" in done.stderr
