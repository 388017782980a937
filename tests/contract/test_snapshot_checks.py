"""The checks of the snapshot against what released versions said: which changes they let pass."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.support.distributions import hand_made_distribution
from tests.support.golden import check_golden
from tests.support.plugins import altered

if TYPE_CHECKING:
    from pathlib import Path

LAYER = '''\
import keras

from keras_registry import register
from keras_registry.migrations import Migration, rename


@register("krn")
class Scale(keras.layers.Layer):
    """A layer."""

    def __init__(self, rate: float = 0.5, **kwargs):
        super().__init__(**kwargs)
        self.rate = rate

    def call(self, inputs):
        return inputs * self.rate
'''

RENAMED = altered(
    altered(LAYER, "rate: float", "share: float"), "self.rate = rate", "self.rate = share"
)
"""The argument has another name."""

STEPS = "migrations=[Migration(1, 2, rename('rate', 'share'))]"

MOVED = altered(LAYER, "class Scale", "class Scaled")

SECOND = {
    "same": (LAYER, "Scale", False),
    "wider": (altered(LAYER, "= 0.5,", "= 0.5, shift: float = 0.0,"), "Scale", False),
    "lost": (MOVED, "Scaled", False),
    "alias": (MOVED, "Scaled", True),
    "breaking": (RENAMED, "Scale", False),
    "bumped": (altered(RENAMED, '("krn")', '("krn", version=2)'), "Scale", False),
    "migrated": (altered(RENAMED, '("krn")', f'("krn", version=2, {STEPS})'), "Scale", False),
    "typed": (altered(LAYER, "rate: float = 0.5", "rate: str = 'fast'"), "Scale", False),
}
"""What each distribution is in its second version: source, name of its layer, and an alias."""


def distribution(folder: Path, name: str, version: str, source: str, target: str, *, alias: bool):
    """Put a distribution with one layer into a folder."""
    package = folder / f"{name}_layers"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "it.py").write_text(source.replace("krn", name), encoding="utf-8")
    entries = {"keras_registry.layers": {f"{name}>{target}": f"{name}_layers.it:{target}"}}
    if alias:
        entries["keras_registry.aliases"] = {f"{name}>Scale": f"{name}_layers.it:{target}"}
    hand_made_distribution(folder, f"{name}-layers", version, entries)


RELEASE = """\
import sys

from keras_registry.cli import main

for name in sys.argv[1:]:
    assert main(["snapshot", f"{name}-layers", "--output", f"{name}.json"]) == 0
"""

COMPARE = """\
import sys
from pathlib import Path

from keras_registry.contract import bind, subjects_of
from keras_registry.contract.rendering import render_failure

for name in sys.argv[1:]:
    for bound in bind(subjects_of(f"{name}-layers", released=Path(f"{name}.json"))[:1]):
        if bound.check.code == "C706":
            result = bound.run()
            print(name, result.status)
            if result.failure:
                print(render_failure(result, bound.check))
"""


def test_what_breaks_released_files_is_named(fork_server, tmp_path) -> None:
    """A key that is lost and a breaking change fail; an alias, a migration, a new argument pass."""
    for name, (source, target, alias) in SECOND.items():
        distribution(tmp_path / "1", name, "1.0.0", LAYER, "Scale", alias=False)
        distribution(tmp_path / "2", name, "2.0.0", source, target, alias=alias)
    fork_server.run(RELEASE, argv=SECOND, path=[tmp_path / "1"], cwd=tmp_path).check()

    done = fork_server.run(COMPARE, argv=SECOND, path=[tmp_path / "2"], cwd=tmp_path).check()

    check_golden("contract/released", done.stdout, replace={str(tmp_path): "FOLDER"})
    passed = re.findall(r"^(\w+) passed$", done.stdout, re.MULTILINE)
    assert passed == ["same", "wider", "alias", "migrated"]
