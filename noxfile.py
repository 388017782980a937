"""Every verb of the project; CI and contributors call nothing else."""

import os
import shutil
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "venv"
nox.options.error_on_external_run = True
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "types", "imports", "tests"]

ROOT = Path(__file__).parent
PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))
BACKENDS = "tensorflow,jax"

OLDEST_PYTHON = PROJECT["project"]["requires-python"].removeprefix(">=")
KERAS_MINORS = ["3.12", "3.13", "3.14", "3.15"]
"""The Keras releases that are supported, by minor release, oldest first."""


def group(name: str) -> list[str]:
    """Returns the requirements of one dependency group of pyproject.toml."""
    return list(nox.project.dependency_groups(PROJECT, name))


def run_tests(session: nox.Session) -> None:
    """Runs pytest in the session's environment and reports the coverage of the core."""
    env = {
        # The user's own keras.json would choose the backend otherwise.
        "KERAS_HOME": session.create_tmp(),
        "KERAS_BACKEND": os.environ.get("KERAS_BACKEND", "tensorflow"),
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *session.posargs, env=env)
    session.run("coverage", "combine", "--quiet")
    # A chosen part of the tests says nothing about the coverage of the whole.
    session.run("coverage", "report", *(["--fail-under=0"] if session.posargs else []))


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff: the rules, then the format. `nox -s lint -- --fix` mends what it can."""
    session.install(*group("lint"))
    session.run("ruff", "check", *session.posargs, ".")
    session.run("ruff", "format", *([] if "--fix" in session.posargs else ["--check"]), ".")


@nox.session
def types(session: nox.Session) -> None:
    """Mypy, strict, over the package and the typing tests."""
    session.install("-e", ".", *group("test"))
    session.run("mypy", *session.posargs)


@nox.session
def imports(session: nox.Session) -> None:
    """import-linter: rooms import downwards only, and few of them import Keras."""
    session.install(*group("imports"))
    session.run("lint-imports", *session.posargs, env={"PYTHONPATH": str(ROOT / "registry")})


@nox.session
def tests(session: nox.Session) -> None:
    """The whole test suite on the newest dependencies, with coverage."""
    session.install("-e", f".[{BACKENDS}]", *group("test"))
    run_tests(session)


@nox.session(python=OLDEST_PYTHON)
def lowest(session: nox.Session) -> None:
    """The whole test suite on the oldest Python and the oldest direct dependencies."""
    pins = Path(session.create_tmp()) / "lowest.txt"
    session.install("uv")
    session.run(
        *("uv", "pip", "compile", "--quiet", "--resolution=lowest-direct"),
        *(f"--extra={extra}" for extra in BACKENDS.split(",")),
        *(f"--python-version={OLDEST_PYTHON}", f"--output-file={pins}", "pyproject.toml"),
    )
    session.install("-e", f".[{BACKENDS}]", *group("test"), "--constraint", str(pins))
    run_tests(session)


@nox.session
@nox.parametrize("minor", KERAS_MINORS)
def keras(session: nox.Session, minor: str) -> None:
    """The whole test suite on the newest patch release of one supported Keras minor."""
    session.install("-e", f".[{BACKENDS}]", *group("test"), f"keras=={minor}.*")
    run_tests(session)


@nox.session
def benchmarks(session: nox.Session) -> None:
    """The budgets, measured side by side with plain Keras."""
    session.install(f".[{BACKENDS}]")  # as users install it
    session.run("python", "-m", "benchmarks", *session.posargs)


@nox.session
def build(session: nox.Session) -> None:
    """The sdist and the wheel of the core and of each plugin, in dist/, checked by twine."""
    session.install(*group("package"))
    dist = ROOT / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    for project in (ROOT, *PLUGINS):
        session.run("python", "-m", "build", "--outdir", str(dist), str(project))
    session.run("twine", "check", "--strict", *map(str, sorted(dist.iterdir())))
