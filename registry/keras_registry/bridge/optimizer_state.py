"""The optimizer's state: all of it is restored, or none of it, and then that is noted.

Keras leaves a state alone that has other arrays than the optimizer, and fails where they have
other shapes, or sets those that come before. And where weights are migrated: the state has an
array of each weight's shape for each weight. Where a class made other weights of old ones, there
is nothing that the old arrays could mean: they are left as a new optimizer has them, and all
others are restored.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from keras_registry.bridge.progress import note_fresh, note_misfit, note_model
from keras_registry.bridge.rewritten import rewritten_text
from keras_registry.config import migrations_under_way

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from keras_registry.config import WeightMigrations

__all__ = ["has_state", "model_from_config", "optimizers_of", "watch_set_weights"]

_UNBUILT = 2
"""How many arrays an optimizer has that was never built: its counter, its learning rate."""


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
    for optimizer in optimizers_of(model):
        for found in (optimizer, getattr(optimizer, "inner_optimizer", None)):
            if found is not None and _loads_as_keras(found):
                vars(found)["load_own_variables"] = functools.partial(_load, found)
    return model


def _loads_as_keras(optimizer: Any) -> bool:
    import keras

    return type(optimizer).load_own_variables is keras.optimizers.Optimizer.load_own_variables


def optimizers_of(model: Any) -> Iterator[Any]:
    """The optimizer of a model, and others that it holds itself, in a fixed order.

    Args:
        model: A Keras model.
    """
    import keras

    own = getattr(model, "optimizer", None)
    if isinstance(own, keras.optimizers.Optimizer):
        yield own
    for _, found in sorted(vars(model).items(), key=lambda item: item[0]):
        if isinstance(found, keras.optimizers.Optimizer) and found is not own:
            yield found


def has_state(optimizer: Any) -> bool:
    """Whether an optimizer has more than a new one has.

    Args:
        optimizer: The optimizer.
    """
    if not optimizer.built:
        return False
    return len(optimizer.variables) > _UNBUILT or int(optimizer.iterations) > 0


def watch_set_weights(optimizer: Any) -> None:
    """Lets an optimizer take, the next time, the state of a ``.h5`` file whole, or what fits.

    Args:
        optimizer: The optimizer, whose state is about to be set.
    """
    vars(optimizer)["set_weights"] = functools.partial(_set, optimizer)


def _load(optimizer: Any, store: Any) -> None:
    del vars(optimizer)["load_own_variables"]
    by_name = {name: store[name] for name in list(store.keys())}
    names = [str(i) for i in range(len(by_name))]
    if set(names) != set(by_name):
        note_misfit(optimizer, [_shape(array) for array in by_name.values()])
    elif _fits(optimizer, [by_name[name] for name in names]):
        optimizer.load_own_variables(store)


def _set(optimizer: Any, values: Any) -> None:
    del vars(optimizer)["set_weights"]
    if _fits(optimizer, values):
        # Keras gives an optimizer that holds another one nothing of that one's.
        for variable, value in zip(optimizer.variables, values, strict=True):
            variable.assign(value)


def _shape(array: Any) -> tuple[int, ...]:
    return tuple(map(int, array.shape))


def _fits(optimizer: Any, arrays: Sequence[Any]) -> bool:
    """Whether Keras shall set the state of an optimizer; what was migrated is set already."""
    migrations = migrations_under_way()
    saved, held = list(map(_shape, arrays)), list(map(_shape, optimizer.variables))
    if len(saved) == len(held) and migrations is not None and migrations.marked:
        _assign_what_fits(optimizer, migrations, arrays)
        return False
    if saved == held:
        return True
    if len(saved) > _UNBUILT or any(saved):
        note_misfit(optimizer, saved)
    else:
        note_fresh(optimizer)
    return False


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
