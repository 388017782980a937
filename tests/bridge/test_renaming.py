"""A class is loaded under the name by which a file calls it, and is itself afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.bridge.programs import SCALE_SOURCE
from tests.support.distributions import hand_made_distribution, record_row
from tests.support.plugins import altered

if TYPE_CHECKING:
    from pathlib import Path

RENAMED_SOURCE = altered(
    altered(SCALE_SOURCE, "class Scale(", "class Rescale("),
    '@register("acme")',
    '@register("acme", name="Scale")',
)

STAND_INS = """
import keras
import keras_registry
from keras_registry.bridge.renaming import FormerNames

@keras_registry.register("here")
class Now(keras.layers.Layer):
    def __init__(self, units: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.units = units

former = FormerNames()
Before = former.stand_in(Now, "Before")
"""


@pytest.fixture(scope="module")
def renamed_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with acme-scale 1.3.0, where the class behind `acme>Scale` is called Rescale."""
    folder = tmp_path_factory.mktemp("renamed-site")
    (folder / "acme_scale.py").write_text(RENAMED_SOURCE, encoding="utf-8")
    hand_made_distribution(
        folder,
        "acme-scale",
        "1.3.0",
        {"keras_registry.layers": {"acme>Scale": "acme_scale:Rescale"}},
        record=[record_row("acme_scale.py", RENAMED_SOURCE)],
    )
    return folder


def test_stand_in_is_the_class_under_its_former_name(child):
    """A stand-in has the former name and is a subclass; what it makes becomes the class's own."""
    done = child(
        [
            STAND_INS,
            """
        made = Before.from_config({"units": 3, "name": "old"})
        was = [type(made).__name__, isinstance(made, Now), Before.__module__ == Now.__module__]
        former.restore()
        answer(was=was, now=type(made) is Now, config=made.get_config()["units"])
        """,
        ]
    )

    assert done.json() == {"was": ["Before", True, True], "now": True, "config": 3}


def test_other_objects_are_left_alone(child):
    """Objects of the class itself, made meanwhile, are not touched."""
    done = child(
        [
            STAND_INS,
            """
        mine = Now(2)
        class Child(Now):
            pass
        theirs = Child(2)
        former.restore()
        answer(types=[type(mine) is Now, type(theirs) is Child])
        """,
        ]
    )

    assert done.json() == {"types": [True, True]}


def test_hand_written_from_config_is_respected(child):
    """A `from_config` by the author's hand is handed the stand-in, and may make something else."""
    done = child(
        """
        import keras
        import keras_registry
        from keras_registry.bridge.renaming import FormerNames

        class Other(keras.layers.Layer):
            pass

        @keras_registry.register("here")
        class Now(keras.layers.Layer):
            def __init__(self, units=1, **kwargs):
                super().__init__(**kwargs)
                self.units = units
            def get_config(self):
                return {**super().get_config(), "units": self.units}
            @classmethod
            def from_config(cls, config):
                config = dict(config)
                return Other() if config.pop("units") == 0 else cls(units=7, **config)

        former = FormerNames()
        Before = former.stand_in(Now, "Before")
        made, other = Before.from_config({"units": 3}), Before.from_config({"units": 0})
        was = type(made).__name__
        former.restore()
        answer(was=was, units=made.units, types=[type(made) is Now, type(other) is Other])
        """,
    )

    assert done.json() == {"was": "Before", "units": 7, "types": [True, True]}


LOAD = """
import gc
import keras
import keras_registry
model = keras.saving.load_model(sys.argv[1])
layer = model.get_layer("scale")
gc.collect()
report = keras_registry.report(model)
names = [type(layer).__name__, [cls.__name__ for cls in type(layer).__subclasses__()]]
answer(
    names=names, codes=codes(report.findings), verified=report.verified, factor=layer.factor,
    wanted=[item.wanted for item in report.findings if item.code == "R305"],
)
"""


def test_renamed_class_behind_its_key(child, renamed_site, scale_model):
    """The objects of a loaded model are of the class as it is now, and no stand-in is left."""
    done = child(LOAD, scale_model, path=[renamed_site])

    assert done.json() == {
        "names": ["Rescale", []],
        "codes": ["R203", "R305"],
        "verified": ["layers"],
        "factor": 3.0,
        "wanted": ["class Scale, as the file calls it"],
    }
    assert done.messages == ""


def test_explicit_load_restores_classes_too(child, renamed_site, scale_model):
    """`keras_registry.load_model` without hooks does the same."""
    program = LOAD.replace("keras.saving.load_model", "keras_registry.load_model")

    done = child(program, scale_model, path=[renamed_site], env={"KERAS_REGISTRY_HOOKS": "0"})

    assert done.json()["names"] == ["Rescale", []]
    assert done.json()["verified"] == ["layers"]


def test_several_former_names_are_told_and_not_guessed(child, scale_site, scale_copy):
    """A file that calls one class by two names, neither the present one, is loaded as it is."""

    def rename(config):
        layers = config["config"]["layers"]
        twin = {**layers[1], "class_name": "Twin", "config": {**layers[1]["config"], "name": "b"}}
        layers[1]["class_name"] = "Zoom"
        layers.insert(2, twin)

    file = scale_copy(config=rename, manifest=lambda document: document.pop("config"))

    done = child(
        """
        import keras
        import keras_registry
        error = caught(keras.saving.load_model, sys.argv[1])
        answer(codes=codes(error.findings), text=str(error))
        """,
        file,
        path=[scale_site],
    ).json()

    assert "W101" in done["codes"]
    assert "class Twin, class Zoom, as the file calls it" in done["text"]


def test_name_that_is_none_is_told_and_not_used(child, scale_site, scale_copy):
    """What cannot be a class's name is shown with its control characters escaped, and left."""

    def rename(config):
        config["config"]["layers"][1]["class_name"] = "\x1b[31m no name"

    done = child(
        LOAD,
        scale_copy(config=rename, manifest=lambda document: document.pop("config")),
        path=[scale_site],
    )

    assert done.json()["names"] == ["Scale", []]
    assert done.json()["wanted"] == [r"class \x1b[31m no name, as the file calls it"]
    assert done.json()["verified"] == ["layers"]


def test_failed_load_leaves_nothing(child, renamed_site, scale_copy):
    """After a load that fails, a good file loads, and no stand-in is left of either."""
    bad = scale_copy("bad.keras", weights=lambda file: file["layers/scale/vars"].pop("0"))
    good = scale_copy("good.keras")
    first = "import keras, keras_registry\ncaught(keras.saving.load_model, sys.argv[2])\n"

    done = child([first, LOAD], good, bad, path=[renamed_site])

    assert done.json()["names"] == ["Rescale", []]
    assert done.json()["verified"] == ["layers"]
