"""``keras-registry demo``: publish, save, load elsewhere, in a temporary folder."""

from __future__ import annotations

import json
import os
import site
import subprocess
import sys
import tempfile
import time
import venv
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from keras_registry.cli import Exit
from keras_registry.environment import Environment

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

__all__ = ["configure", "run"]

STARTER = "keras-registry-starter"

_TRAIN = """
import sys
import keras, numpy as np
import keras_registry
from keras_registry_starter.layers import GatedDense
from keras_registry_starter.losses import PinballLoss
from keras_registry_starter.metrics import Coverage

keras.utils.set_random_seed(7)
x = np.random.default_rng(7).normal(size=(256, 8)).astype("float32")
y = x.sum(axis=1, keepdims=True)
model = keras.Sequential([
    keras.Input((8,)), GatedDense(16, name="gate"), GatedDense(8), keras.layers.Dense(3),
])
model.compile(optimizer="adam", loss=PinballLoss((0.1, 0.5, 0.9)), metrics=[Coverage()])
model.fit(x, y, epochs=3, verbose=0)
model.save(sys.argv[1])
np.savez(sys.argv[2], x=x, y=y, predictions=model.predict(x, verbose=0))
"""

_LOAD = """
import json, sys
import keras, numpy as np
import keras_registry

before = set(sys.modules)
model = keras.saving.load_model(sys.argv[1])
came_in = sorted(set(sys.modules) - before)
data = np.load(sys.argv[2])
history = model.fit(data["x"], data["y"], epochs=1, verbose=0).history
again = keras.saving.load_model(sys.argv[1])
print(json.dumps({
    "equal": bool(np.array_equal(again.predict(data["x"], verbose=0), data["predictions"])),
    "plugin_modules": [name for name in came_in if name.startswith("keras_registry_starter.")],
    "loss": type(again.loss).__name__,
    "trained_on": float(history["loss"][0]),
    "report": str(keras_registry.report(again)),
}))
"""

_FAIL = """
import sys
import keras
import keras_registry

try:
    keras.saving.load_model(sys.argv[1])
except Exception as error:
    print(error)
    sys.exit(0)
sys.exit("the model was loaded without the plugin")
"""


class _StepFailedError(Exception):
    """A step of the demo did not do what it should; the text is what its process said."""


@dataclass
class _Demo:
    """The demo on its way: where it works and what it has shown."""

    console: Console
    folder: Path
    plugin: str
    rows: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def model(self) -> Path:
        return self.folder / "forecast.keras"

    @property
    def data(self) -> Path:
        return self.folder / "expected.npz"

    def step(self, title: str, act: Callable[[], tuple[str, str]]) -> None:
        """Does one step, shows what it prints, and notes its result and time."""
        number = len(self.rows) + 1
        self.console.print(f"\n{number}. {title}", style="bold", markup=False, highlight=False)
        start = time.perf_counter()
        with self.console.status("working …"):
            text, result = act()
        seconds = time.perf_counter() - start
        if text:
            self.console.print(text, markup=False, highlight=False, soft_wrap=True)
        self.console.print(f"   {result}  ({seconds:.1f} s)", style="green", markup=False)
        self.rows.append((title, result, f"{seconds:.1f} s"))

    def machine(self, name: str) -> Path:
        """The interpreter of a fresh virtual environment, in which this one's packages are."""
        home = self.folder / name
        venv.create(home, with_pip=False)
        python = home / ("Scripts" if os.name == "nt" else "bin") / "python"
        folders = [*site.getsitepackages(), *([site.getusersitepackages()] if _has_user() else [])]
        lines = [f"import site; site.addsitedir({folder!r})" for folder in folders]
        purelib = self.call(
            python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"
        ).strip()
        Path(purelib, "inherited.pth").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return python

    def call(self, *command: str | Path) -> str:
        """Runs a process and returns its output.

        Raises:
            _StepFailedError: It did not end well.
        """
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONWARNINGS": "default"}
        done = subprocess.run(  # noqa: S603 - the commands are those of this module
            [str(part) for part in command],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
            cwd=self.folder,
        )
        if done.returncode != 0:
            raise _StepFailedError(done.stderr.strip() or done.stdout.strip())
        return done.stdout

    def install(self, python: Path) -> None:
        """Installs the plugin with pip."""
        options = ("--disable-pip-version-check", "--quiet", "--no-deps")
        self.call(sys.executable, "-m", "pip", "--python", python, "install", *options, self.plugin)


def _has_user() -> bool:
    return bool(site.ENABLE_USER_SITE) and Path(site.getusersitepackages()).is_dir()


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the command."""
    parser.add_argument(
        "--plugin",
        default=STARTER,
        metavar="WHEEL",
        help=f"the wheel of {STARTER}, or a name that pip can install (default: {STARTER})",
    )


def run(parsed: argparse.Namespace) -> int:
    """Shows the story step by step, each in a real process and a real environment."""
    console = Console()
    obstacle = _obstacle()
    if obstacle is not None:
        Console(stderr=True).print(obstacle, markup=False)
        return Exit.USAGE
    plugin = str(Path(parsed.plugin).resolve()) if Path(parsed.plugin).exists() else parsed.plugin
    with tempfile.TemporaryDirectory(prefix="keras-registry-demo-") as folder:
        demo = _Demo(console, Path(folder), plugin)
        try:
            _tell_story(demo)
        except _StepFailedError as error:
            Console(stderr=True).print(f"the step failed:\n{error}", markup=False, soft_wrap=True)
            return Exit.FINDINGS
    table = Table("step", "result", "time", title="\nwhat happened")
    for row in demo.rows:
        table.add_row(*row)
    console.print(table)
    return Exit.OK


def _obstacle() -> str | None:
    """Why the demo cannot run here, or None."""
    if find_spec("pip") is None:
        return "the demo installs a wheel with pip, which is not installed here: pip install pip"
    environment = Environment()
    if environment.find_distribution(environment.backend) is None:
        return (
            f"the demo trains a model with {environment.backend}, which is not installed here: "
            f'pip install "keras-registry[{environment.backend}]"'
        )
    if environment.find_distribution(STARTER) is not None:
        return (
            "the demo shows what happens before and after a plugin is installed, but "
            f"{STARTER} is installed here already: pip uninstall {STARTER}"
        )
    return None


def _tell_story(demo: _Demo) -> None:
    machines: dict[str, Path] = {}

    def publish() -> tuple[str, str]:
        machines["author"] = demo.machine("author")
        demo.install(machines["author"])
        return "", f"{Path(demo.plugin).name} is installed on the author's machine"

    def train() -> tuple[str, str]:
        demo.call(machines["author"], "-c", _TRAIN, demo.model, demo.data)
        return "", f"{demo.model.name} is saved, with a manifest inside"

    def inspect() -> tuple[str, str]:
        shown = demo.call(sys.executable, "-m", "keras_registry", "inspect", demo.model)
        return shown.rstrip(), "the file says what it needs; nothing was imported to read it"

    def fail() -> tuple[str, str]:
        machines["user"] = demo.machine("user")
        shown = demo.call(machines["user"], "-c", _FAIL, demo.model)
        return shown.rstrip(), "refused before any weight was read, with the line to run"

    def install() -> tuple[str, str]:
        demo.install(machines["user"])
        return "", "the other machine has the plugin"

    def load() -> tuple[str, str]:
        said = demo.call(machines["user"], "-c", _LOAD, demo.model, demo.data)
        result: dict[str, Any] = json.loads(said.splitlines()[-1])
        if not result["equal"]:
            message = "the predictions differ"
            raise _StepFailedError(message)
        text = (
            f"   imported during the load: {', '.join(result['plugin_modules'])}\n"
            f"   compiled with: {result['loss']}; trained on from a loss of "
            f"{result['trained_on']:.4f}\n"
            f"   {result['report']}"
        )
        return text, "equal predictions, no custom_objects, the plugin never imported by hand"

    demo.step("The author's machine: install the plugin's wheel", publish)
    demo.step("The author's machine: train a model with it and save it", train)
    demo.step("Anywhere: keras-registry inspect forecast.keras", inspect)
    demo.step("Another machine: load it without the plugin", fail)
    demo.step("Another machine: install the plugin's wheel", install)
    demo.step("Another machine: keras.saving.load_model('forecast.keras')", load)
