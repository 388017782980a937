"""Every verb of the project; CI and contributors call nothing else."""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "venv"
nox.options.error_on_external_run = True
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["lint", "types", "imports", "tests", "oldest"]

ROOT = Path(__file__).parent
PROJECT = nox.project.load_toml(ROOT / "pyproject.toml")
PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))
BACKENDS = "tensorflow,jax"

OLDEST_PYTHON = PROJECT["project"]["requires-python"].removeprefix(">=")
KERAS_MINORS = ["3.12", "3.13", "3.14", "3.15"]
"""The Keras releases that are supported, by minor release, oldest first."""

TORCH = "torch==2.13.0"
"""The release of torch that is tested: its builds are large, and not every one is for the CPU."""

KERAS_TESTS = [
    "tests/bridge/test_keras_own_tests.py",
    "tests/bridge/test_h5.py",
    "tests/bridge/test_h5_axis.py",
    "tests/bridge/test_folders.py",
    "tests/scenarios/test_p14.py",
    "tests/scenarios/test_routes.py",
]
"""What tells soonest that a release of Keras saves or loads in another way."""

THIRD_PARTY = [
    "hgq2==0.2.0",
    "keras-efficient-kan==0.1.10",
    "keras-hub==0.32.0",
    "keras-mdn-layer==1.0.0",
    "keras-rs==0.4.0",
    "keras-tcn==3.5.7",
    "kgcnn==4.0.2",
    "mingru-keras==0.1.3",
    "ncps==1.0.1",
    "quantizers==1.2.2",  # hgq2 is made of it
]
"""Distributions with layers of Keras 3 that know nothing of ours; see contract-third-party.md."""

THIRD_PARTY_NEEDS = ["dm-tree", "future", "pandas", "regex", "requests", "scikit-learn", "scipy"]
THIRD_PARTY_NEEDS += ["tokenizers", "tqdm"]
"""What their layers import: all that they ask for would be compilers, chemistry and macOS."""

BACKEND_TESTS = [
    *KERAS_TESTS,
    "tests/bridge/test_compiled_state.py",
    "tests/bridge/test_deserializing.py",
    "tests/bridge/test_loading.py",
    "tests/bridge/test_renaming.py",
    "tests/bridge/test_verification.py",
    "tests/bridge/test_weights.py",
    "tests/config",
    "tests/scenarios/test_p01.py",
    "tests/scenarios/test_p06.py",
    "tests/scenarios/test_p11.py",
    "tests/scenarios/test_p13.py",
    "tests/scenarios/test_s01.py",
    "tests/scenarios/test_s06.py",
    "tests/scenarios/test_s18.py",
    "plugins",
]
"""What depends on the backend: how weights are read, hashed and compared, and what layers are."""

IN_PARALLEL = ["--numprocesses=auto", "--maxprocesses=4", "--dist=loadfile"]
"""A process for each core, as far as memory goes; tests of one module share what they prepare."""

ONE_BACKEND = ["-k", "not other_backends"]
"""Leaves out what runs on each further backend that is installed, where there is none."""

NOT_TORCH = ["other_backends", "jax", "assets_are_named", "words", "hub", "BatchNormalization"]
"""What needs JAX or TensorFlow: for Keras's vocabularies, remote paths, and synchronisation."""


def group(name: str) -> list[str]:
    """Returns the requirements of one dependency group of pyproject.toml."""
    return list(nox.project.dependency_groups(PROJECT, name))


def pytest_environment(session: nox.Session, backend: str) -> dict[str, str]:
    """Returns the environment variables of a run of the tests."""
    return {
        # The user's own keras.json would choose the backend otherwise.
        "KERAS_HOME": session.create_tmp(),
        "KERAS_BACKEND": backend,
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }


def keras_tests(session: nox.Session) -> dict[str, str]:
    """Returns where Keras's own tests are, which releases before 3.15 do not bring: the newest."""
    newest = Path(session.create_tmp()) / "newest-keras"
    session.install("--no-deps", "--upgrade", "--target", str(newest), "keras")
    return {"KERAS_TESTS": str(newest / "keras" / "src")}


def run_tests(session: nox.Session, env: Mapping[str, str] | None = None) -> None:
    """Runs pytest in the session's environment and reports the coverage of the core."""
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    env = {**pytest_environment(session, backend), **(env or {})}
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *IN_PARALLEL, *session.posargs, env=env)
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


def install_oldest(session: nox.Session, extras: str, python: str) -> None:
    """Installs the oldest direct dependencies, with those of the tests."""
    pins = Path(session.create_tmp()) / "lowest.txt"
    session.install("uv")
    session.run(
        *("uv", "pip", "compile", "--quiet", "--resolution=lowest-direct"),
        *(f"--extra={extra}" for extra in extras.split(",")),
        *(f"--python-version={python}", f"--output-file={pins}", "pyproject.toml"),
    )
    session.install("-e", f".[{extras}]", *group("test"), "--constraint", str(pins))


@nox.session(python=OLDEST_PYTHON)
def lowest(session: nox.Session) -> None:
    """The whole test suite on the oldest Python and the oldest direct dependencies."""
    install_oldest(session, BACKENDS, OLDEST_PYTHON)
    run_tests(session, keras_tests(session))


@nox.session
def oldest(session: nox.Session) -> None:
    """Keras's own tests and ours of files, on the oldest dependencies: the short part of lowest."""
    install_oldest(session, "tensorflow", f"{sys.version_info.major}.{sys.version_info.minor}")
    tests = session.posargs or [*KERAS_TESTS, *ONE_BACKEND]
    env = pytest_environment(session, "tensorflow") | keras_tests(session)
    session.run("pytest", *IN_PARALLEL, *tests, env=env)


@nox.session
def torch(session: nox.Session) -> None:
    """What depends on the backend, with torch and no other."""
    session.install(TORCH)
    session.install("-e", ".[torch]", *group("test"))
    tests = session.posargs or [*BACKEND_TESTS, "-k", f"not ({' or '.join(NOT_TORCH)})"]
    session.run("pytest", *IN_PARALLEL, *tests, env=pytest_environment(session, "torch"))


@nox.session
@nox.parametrize("minor", KERAS_MINORS)
def keras(session: nox.Session, minor: str) -> None:
    """The whole test suite on the newest patch release of one supported Keras minor."""
    session.install("-e", f".[{BACKENDS}]", *group("test"), f"keras=={minor}.*")
    run_tests(session, keras_tests(session))


@nox.session
@nox.parametrize("minor", KERAS_MINORS[::-1])
def pairs(session: nox.Session, minor: str) -> None:
    """Small models of each newer Keras loaded by each older one; the newest writes first."""
    session.install("-e", ".[tensorflow]", f"keras=={minor}.*")
    env = {"KERAS_HOME": session.create_tmp(), "TF_CPP_MIN_LOG_LEVEL": "3"}
    files = session.cache_dir / "pairs"
    newer = [files / name for name in KERAS_MINORS[KERAS_MINORS.index(minor) + 1 :]]
    for folder in filter(Path.exists, newer):
        session.run("python", "scripts/newer_files.py", "read", str(folder), env=env)
    shutil.rmtree(files / minor, ignore_errors=True)
    session.run("python", "scripts/newer_files.py", "write", str(files / minor), env=env)


@nox.session
def orbax(session: nox.Session) -> None:
    """The tests of Orbax checkpoints on Orbax itself, for which the other tests have a stand-in."""
    session.install("-e", f".[{BACKENDS}]", *group("test"), "orbax-checkpoint")
    env = {"KERAS_HOME": session.create_tmp(), "TF_CPP_MIN_LOG_LEVEL": "2"}
    session.run("pytest", "tests/scenarios/test_orbax.py", *session.posargs, env=env)


@nox.session
def specificity(session: nox.Session) -> None:
    """The contract kit on all objects of Keras, compared with docs/contract-keras.md."""
    session.install("-e", ".[tensorflow]", *group("test"), "scipy")  # for its spectrograms
    env = pytest_environment(session, "tensorflow") | {"KERAS_REGISTRY_SPECIFICITY": "all"}
    session.run("pytest", "tests/contract/test_keras_objects.py", *session.posargs, env=env)


@nox.session
def third_party(session: nox.Session) -> None:
    """The contract kit on distributions of others, compared with contract-third-party.md."""
    session.install("-e", ".[tensorflow]", "keras==3.15.1", *group("test"), *THIRD_PARTY_NEEDS)
    session.install("--no-deps", *THIRD_PARTY)
    env = pytest_environment(session, "tensorflow")
    session.run("pytest", "tests/contract/on_third_party.py", *session.posargs, env=env)


@nox.session
def damage(session: nox.Session) -> None:
    """Hundreds of damaged files of each container; words after `--` are the rounds and the seed."""
    session.install("-e", ".[tensorflow]", *group("test"))
    rounds, seed = (*session.posargs, *("42", "6")[len(session.posargs) :])
    env = pytest_environment(session, "tensorflow")
    env |= {"DAMAGE_ROUNDS": rounds, "DAMAGE_SEED": seed}
    session.run("pytest", "-s", "tests/bridge/test_damaged_files.py", env=env)


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
