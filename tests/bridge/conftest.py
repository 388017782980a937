"""What the tests of the bridge share: programs in processes of their own, and altered files."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import pytest

from tests.bridge.programs import LIVE, SCALE_SOURCE, as_program
from tests.support.distributions import hand_made_distribution, record_row
from tests.support.processes import Completed, run_python

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.conftest import SavedModel
    from tests.support.processes import ForkServer


@pytest.fixture
def child(fork_server: ForkServer, tmp_path: Path) -> Callable[..., Completed]:
    """Run a program in a process in which Keras is imported, and nothing of ours."""

    def run(body: str | list[str], *argv: object, **options: Any) -> Completed:
        parts = [body] if isinstance(body, str) else body
        options.setdefault("cwd", tmp_path)
        return fork_server.run(as_program(*parts), argv=map(str, argv), **options)

    return run


@pytest.fixture
def interpreter(tmp_path: Path) -> Callable[..., Completed]:
    """Run a program in a fresh interpreter, in which nothing is imported."""

    def run(body: str, *argv: object, **options: Any) -> Completed:
        options.setdefault("cwd", tmp_path)
        return run_python(as_program(body), argv=map(str, argv), **options)

    return run


@pytest.fixture(scope="session")
def alter() -> Callable[..., Path]:
    """Change the config, the metadata, the manifest or the weights inside a file."""

    def change(
        path: Path,
        *,
        config: Callable[[dict[str, Any]], object] | None = None,
        metadata: Callable[[dict[str, Any]], object] | None = None,
        manifest: Callable[[dict[str, Any]], object] | None = None,
        weights: Callable[[h5py.File], object] | None = None,
    ) -> Path:
        if config is not None:
            _edit_json(path, "config.json", config)
        if metadata is not None:
            _edit_json(path, "metadata.json", metadata)
        if manifest is not None:
            _edit_json(path, "metadata.json", lambda found: manifest(found["keras_registry"]))
        if weights is not None:
            _edit_weights(path, weights)
        return path

    return change


@pytest.fixture
def acme_copy(acme_model: SavedModel, tmp_path: Path, alter: Callable[..., Path]) -> Any:
    """Make a copy of the acme model, changed as `alter` does."""

    def copy(name: str = "copy.keras", **changes: Any) -> Path:
        return alter(Path(shutil.copy(acme_model.path, tmp_path / name)), **changes)

    return copy


@pytest.fixture
def scale_copy(scale_model: Path, tmp_path: Path, alter: Callable[..., Path]) -> Any:
    """Make a copy of the acme-scale model, changed as `alter` does."""

    def copy(name: str = "copy.keras", **changes: Any) -> Path:
        return alter(Path(shutil.copy(scale_model, tmp_path / name)), **changes)

    return copy


def _edit_json(path: Path, member: str, edit: Callable[[Any], object]) -> None:
    with zipfile.ZipFile(path) as archive:
        document = json.loads(archive.read(member))
    edit(document)
    _replace_member(path, member, json.dumps(document).encode())


def _edit_weights(path: Path, edit: Callable[[h5py.File], object]) -> None:
    with zipfile.ZipFile(path) as archive:
        store = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(store, "r+") as file:
        edit(file)
    _replace_member(path, "model.weights.h5", store.getvalue())


def _replace_member(path: Path, member: str, data: bytes) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {info.filename: archive.read(info) for info in archive.infolist()}
    members[member] = data
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@pytest.fixture(scope="session")
def scale_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that has the distribution acme-scale 1.2.0, with the layer `acme>Scale`."""
    folder = tmp_path_factory.mktemp("scale-site")
    (folder / "acme_scale.py").write_text(SCALE_SOURCE, encoding="utf-8")
    hand_made_distribution(
        folder,
        "acme-scale",
        "1.2.0",
        {"keras_registry.layers": {"acme>Scale": "acme_scale:Scale"}},
        record=[record_row("acme_scale.py", SCALE_SOURCE)],
    )
    return folder


@pytest.fixture(scope="session")
def scale_model(
    tmp_path_factory: pytest.TempPathFactory, scale_site: Path, fork_server: ForkServer
) -> Path:
    """A model with one `acme>Scale`. Read only."""
    path = tmp_path_factory.mktemp("scale-model") / "scale.keras"
    program = """
    import keras_registry
    from acme_scale import Scale
    small_model(Scale(3.0, name="scale")).save(sys.argv[1])
    """
    fork_server.run(as_program(program), argv=[path], path=[scale_site]).check()
    return path


@pytest.fixture
def acme_child(
    child: Callable[..., Completed], acme_site: Path, acme_model: SavedModel
) -> Callable[..., Completed]:
    """Run a program where acme-layers is installed; its first argument is its model."""

    def run(*parts: str, argv: Iterable[object] | None = None, **options: Any) -> Completed:
        arguments = [acme_model.path] if argv is None else argv
        return child([*parts], *arguments, path=[acme_site], **options)

    return run


@pytest.fixture
def scale_child(
    child: Callable[..., Completed], scale_site: Path, scale_model: Path
) -> Callable[..., Completed]:
    """Run a program, after `LIVE`, where acme-scale is installed; its argument is its model."""

    def run(*parts: str, argv: Iterable[object] | None = None, **options: Any) -> Completed:
        arguments = [scale_model] if argv is None else argv
        return child([LIVE, *parts], *arguments, path=[scale_site], **options)

    return run


@pytest.fixture(scope="session")
def session_child(fork_server: ForkServer) -> Callable[..., Completed]:
    """Run a program as `child` does, for a fixture that several tests share."""

    def run(body: str, *argv: object, **options: Any) -> Completed:
        return fork_server.run(as_program(body), argv=map(str, argv), **options)

    return run
