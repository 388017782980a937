"""How a policy is set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.scenarios.judging import POLICIES
from tests.scenarios.observing import observe
from tests.scenarios.variants import project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import SavedModel
    from tests.support.distributions import PluginProject
    from tests.support.processes import ForkServer

# A block that is not left before the load: the process ends with it.
ENTER = "block = keras_registry.policy({!r})\nblock.__enter__()"


@pytest.mark.parametrize(
    "way",
    [
        {"load": "keras_registry.load_model", "policy": "strict"},
        {"env": {"KERAS_REGISTRY_POLICY": "strict"}},
        {"prelude": ENTER.format("strict")},
        {
            "env": {"KERAS_REGISTRY_POLICY": "permissive"},
            "prelude": ENTER.format("strict"),
        },
        {
            "load": "keras_registry.load_model",
            "policy": "strict",
            "prelude": ENTER.format("permissive"),
        },
    ],
    ids=["argument", "variable", "block", "block over variable", "argument over block"],
)
def test_policy_can_be_set_in_three_ways(
    way: dict[str, Any],
    shelf: Callable[[PluginProject], Path],
    acme_model: SavedModel,
    fork_server: ForkServer,
) -> None:
    """The argument of a call, the block around it, the variable: the first that is set counts."""
    site = shelf(project("1.4.0"))

    failed = observe(fork_server.run, acme_model.path, path=[site], **way)

    assert failed.findings == (("R202", "error"),)


def test_unknown_policy_is_refused(
    acme_site: Path, acme_model: SavedModel, fork_server: ForkServer
) -> None:
    """A policy that there is not stops the load, and the message lists those that there are."""
    failed = observe(
        fork_server.run, acme_model.path, path=[acme_site], env={"KERAS_REGISTRY_POLICY": "lax"}
    )

    assert failed.error_classes[0] == "SettingsError"
    assert "'lax'" in failed.text
    assert all(policy in failed.text for policy in POLICIES)
