"""What is said of migrations of weights: those that failed, and the state that they made new."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keras_registry.findings import finding
from keras_registry.names import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from keras_registry.config import WeightMigrations
    from keras_registry.findings import Finding, Policy

__all__ = ["failed_migrations", "renewed_state"]


def failed_migrations(migrations: WeightMigrations, policy: Policy) -> Iterator[Finding]:
    """The objects whose weights could not be migrated.

    Args:
        migrations: What migrations did to the weights.
        policy: How strictly to judge.
    """
    for owner, error in migrations.failures:
        if error.findings:
            yield from error.findings
            continue
        name = getattr(owner, "name", type(owner).__name__)
        yield finding(
            "W105",
            policy,
            f'the weights of {type(owner).__name__} "{printable(name)}" cannot be migrated',
            wanted="arrays of the names and shapes that the object has",
            found=printable(error, limit=300),
            hint="tell the author of the class, with these lines",
        )


def renewed_state(migrations: WeightMigrations, policy: Policy) -> Iterator[Finding]:
    """What the optimizer starts anew, since the weights that it is of were migrated.

    Args:
        migrations: What migrations did to the weights.
        policy: How strictly to judge.
    """
    reset = migrations.reset
    if reset:
        yield finding(
            "W104",
            policy,
            "the state of the optimizer is new where weights were migrated",
            wanted="the state that was saved",
            found=f"{len(reset)} new arrays, first: {printable(reset[0])}",
            hint="train on, or compile the model anew; a model saved now is whole",
        )
