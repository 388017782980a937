"""Models saved as folders, and on the Hugging Face Hub, which takes and gives folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.processes import Completed

HUB = """
import shutil, types
import keras
from keras.src.saving import saving_lib


class HfApi:
    def __init__(self, **kwargs):
        pass
    def create_repo(self, name, exist_ok):
        return types.SimpleNamespace(repo_id=name, __str__=lambda self: name)
    def upload_folder(self, repo_id, folder_path, commit_message):
        shutil.copytree(folder_path, repo_id)


# The two calls of the hub's client that Keras makes, on a local folder.
saving_lib.huggingface_hub = types.SimpleNamespace(
    HfApi=HfApi, snapshot_download=lambda repo_id, **kwargs: repo_id
)
import keras_registry
"""


def test_hub(acme_child: Callable[..., Completed]) -> None:
    """`hf://`: the folder that goes up has the manifest, the one that comes down is verified."""
    done = acme_child(
        HUB,
        """
        from acme_layers.gated import GatedDense
        small_model(GatedDense(3)).save("hf://someone/churn")
        manifest = json.loads(open("someone/churn/metadata.json").read())["keras_registry"]
        again = keras.saving.load_model("hf://someone/churn")
        answer(keys=[item["key"] for item in manifest["objects"]],
               verified=keras_registry.report(again).verified)
        """,
    )

    assert done.check().stdout.splitlines()[-1] == (
        '{"keys": ["acme>GatedDense"], "verified": ["layers"]}'
    )


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        ("os.remove('m/model.weights.h5')", "A106"),
        ("open('m/config.json', 'w').write('{')", "A107"),
        ("os.remove('m/config.json')", "A102"),
    ],
)
def test_folders_that_are_no_models(
    child: Callable[..., Completed], damage: str, code: str
) -> None:
    """A folder that lacks a part of a model has its own finding."""
    done = child(
        f"""
        import keras, keras_registry
        small_model().save("m", zipped=False)
        {damage}
        error = caught(keras.saving.load_model, "m")
        answer(codes=codes(error.findings), is_value_error=isinstance(error, ValueError))
        """
    )

    assert done.json() == {"codes": [code], "is_value_error": True}
