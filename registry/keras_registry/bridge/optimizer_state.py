"""The optimizer's state where weights are migrated.

The state of an optimizer has an array of each weight's shape for each weight. Where a class made
other weights of old ones, there is nothing that the old arrays could mean: they are left as a new
optimizer has them, and all others are restored.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from keras_registry.bridge.progress import note_model
from keras_registry.bridge.rewritten import rewritten_text
from keras_registry.config import migrations_under_way

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from keras_registry.config import WeightMigrations

__all__ = ["keep_what_fits", "model_from_config"]


def model_from_config(
    wrapped: Callable[..., Any], config_json: Any, *args: Any, **kwargs: Any
) -> Any:
    """Stands where Keras makes a model of its config, before the weights are read.

    Args:
        wrapped: Keras's own function.
        config_json: The text of the config.
        *args: Its further arguments.
        **kwargs: Its further arguments.
    """
    model = wrapped(rewritten_text(config_json), *args, **kwargs)
    note_model(model)
    migrations = migrations_under_way()
    if migrations is not None and migrations.marked:
        optimizer = getattr(model, "optimizer", None)
        for found in (optimizer, getattr(optimizer, "inner_optimizer", None)):
            if found is not None:
                load = functools.partial(_load_what_fits, found, migrations)
                vars(found)["load_own_variables"] = load
    return model


def keep_what_fits(optimizer: Any) -> None:
    """Lets an optimizer take, the next time, all of a ``.h5`` file's state that fits.

    Keras gives all up at the first array that does not, and to an optimizer that holds another one
    nothing of that one's.

    Args:
        optimizer: The optimizer, whose state is about to be set.
    """
    migrations = migrations_under_way()
    if migrations is not None and (migrations.marked or hasattr(optimizer, "inner_optimizer")):
        vars(optimizer)["set_weights"] = functools.partial(_set_what_fits, optimizer, migrations)


def _set_what_fits(optimizer: Any, migrations: WeightMigrations, values: Any) -> None:
    del vars(optimizer)["set_weights"]
    if len(values) == len(optimizer.variables):
        _assign_what_fits(optimizer, migrations, values)
    else:
        optimizer.set_weights(values)  # Keras says what it does then


def _load_what_fits(optimizer: Any, migrations: WeightMigrations, store: Any) -> None:
    del vars(optimizer)["load_own_variables"]
    names = list(store.keys())
    if len(names) == len(optimizer.variables):
        _assign_what_fits(optimizer, migrations, [store[str(i)] for i in range(len(names))])
    else:
        optimizer.load_own_variables(store)  # Keras says what it does then


def _assign_what_fits(optimizer: Any, migrations: WeightMigrations, arrays: Sequence[Any]) -> None:
    import numpy as np

    # An optimizer that holds another has that one's variables too, under its name.
    migrated = tuple(
        f"{weight.path.replace('/', '_')}_"
        for owner in migrations.marked
        for weight in getattr(owner, "weights", ())
    )
    for variable, value in zip(optimizer.variables, arrays, strict=True):
        array = np.asarray(value)
        name = variable.path.rpartition("/")[2]
        if name.startswith(migrated) or array.shape != tuple(variable.shape):
            migrations.reset.append(variable.path)
        else:
            variable.assign(array)
