"""acme-layers as it might be elsewhere: other versions, other code, another distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.plugins import ACME_ENTRY_POINTS, GATED_SOURCE, acme_project, altered

if TYPE_CHECKING:
    from tests.support.distributions import PluginProject

__all__ = [
    "LEAKY",
    "LOUDER",
    "MOVED",
    "MOVED_LAYER",
    "RIVAL",
    "SECOND",
    "UNREGISTERED",
    "WIDER",
    "project",
    "without_the_layer",
]

WIDER = altered(
    altered(
        GATED_SOURCE, "        **kwargs,\n", "        scale: float = 1.0,\n        **kwargs,\n"
    ),
    "        self.units = units\n",
    "        self.units = units\n        self.scale = scale\n",
)
"""The layer with a further argument: another config schema, under which old configs are valid."""

LOUDER = altered(GATED_SOURCE, "return gate *", "return 1.0 * gate *")
"""The layer with other code of the same meaning."""

SECOND = altered(GATED_SOURCE, '@register("acme")', '@register("acme", version=2)')
"""The layer with the next config version, and no migration to it."""

LEAKY = altered(
    GATED_SOURCE,
    "    def call(self, inputs):\n",
    """\
        self.extra = self.add_weight(shape=(2,), name="extra")

    def load_own_variables(self, store):
        self.kernel.assign(store["0"])
        self.gate.assign(store["1"])

    def call(self, inputs):
""",
)
"""The layer with a weight that no file has, and that it leaves at random."""

UNREGISTERED = altered(GATED_SOURCE, '@register("acme")', "")
"""The layer as it is when its author forgets the decorator."""


def project(version: str, gated: str | None = None, **changes: Any) -> PluginProject:
    """Return acme-layers of a version, with another source of its layer."""
    modules = {} if gated is None else {"acme_layers/gated.py": gated}
    return acme_project(version, modules=modules).evolve(**changes)


def without_the_layer() -> dict[str, dict[str, str]]:
    """Return the entry points of acme-layers without that of the layer."""
    return {g: e for g, e in ACME_ENTRY_POINTS.items() if g != "keras_registry.layers"}


MOVED = acme_project("3.0").evolve(name="moved-layers")
"""Another distribution that has everything."""

MOVED_LAYER = MOVED.evolve(
    modules={"moved_layers/gated.py": GATED_SOURCE},
    entry_points={"keras_registry.layers": {"acme>GatedDense": "moved_layers.gated:GatedDense"}},
)
"""Another distribution that has the layer alone."""

RIVAL = acme_project("3.0").evolve(name="rival-layers")
"""A third distribution that has everything."""
