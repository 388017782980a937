"""Wrapping a class in place: validated constructor, derived `get_config` and `from_config`.

The class stays the same object. What it lacks is derived from its config schema; what its author
wrote by hand is left to do its work, and what comes of it is checked.
"""

from __future__ import annotations

import functools
import re
from contextlib import nullcontext
from enum import Enum
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticSerializationError, to_jsonable_python

from keras_registry.config.arguments import MISSING, arguments_of, is_same
from keras_registry.config.construction import label_of, wrap_init
from keras_registry.config.derivation import (
    base_arguments,
    has_own,
    keeps_config,
    parameters_of_parents,
    read_constructor,
    writes_config,
)
from keras_registry.config.faults import is_collecting, report_invalid, report_omissions
from keras_registry.config.left_out import add_left_out, wrap_keras_class
from keras_registry.config.prepared import Validated, expecting, find_prepared
from keras_registry.config.schema import (
    CONFIG_VERSION_FIELD,
    ConfigSchema,
    problems_of,
    read_config_version,
)
from keras_registry.config.sharing import sharing_scope, unmark
from keras_registry.config.weight_migration import mark_migrated, wrap_load_own_variables
from keras_registry.errors import ConfigError
from keras_registry.types.fields import AS_STORED, Stored
from keras_registry.types.values import store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keras_registry.config.derivation import Constructor
    from keras_registry.config.schema import ConfigReading

__all__ = ["wrap_class"]

_WRAPPED = ("__init__", "get_config", "from_config", "load_own_variables")
_INSTEAD_OF = "__keras_registry_instead_of__"
_FIXED = re.compile(r"multiple values for keyword argument '(\w+)'")
_ADDED = re.compile(r"unexpected keyword argument '(\w+)'")


def wrap_class(
    cls: type,
    schema: ConfigSchema | None,
    migrate_weights: Callable[[dict[str, Any], int], dict[str, Any]] | None = None,
) -> Callable[[], None]:
    """Gives a class a validated constructor and the config methods that it lacks.

    Args:
        cls: The class; changed in place.
        schema: Its config schema; None if Keras itself keeps its config.
        migrate_weights: Makes the weights of this version of those of an older one.

    Returns:
        A function that makes the class again what it was.
    """
    before = {name: vars(cls)[name] for name in _WRAPPED if name in vars(cls)}
    constructor = None if schema is None else read_constructor(cls)
    derives = constructor is not None and not writes_config(cls)
    has_own_from_config = has_own(cls, "from_config")
    if schema is not None and constructor is not None:
        wrap_init(cls, schema, constructor)
        if derives:
            _derive_get_config(cls, schema)
        else:
            _check_get_config(cls, schema, with_values=not has_own_from_config)
    elif schema is not None and schema.config_version > 1:
        _add_version_to_config(cls, schema.config_version)
    migrates_weights = migrate_weights is not None
    if schema is None and keeps_config(cls):
        wrap_keras_class(cls)
    is_bare = not hasattr(cls, "from_config")
    if is_bare or (schema is not None and not has_own_from_config):
        _wrap_from_config(cls, schema, constructor, migrates_weights=migrates_weights)
    elif schema is not None and schema.config_version > 1:
        _wrap_from_config(cls, schema, None, migrates_weights=migrates_weights)
    if migrate_weights is not None:
        wrap_load_own_variables(cls, migrate_weights)
    return functools.partial(_unwrap, cls, before)


def _unwrap(cls: type, before: Mapping[str, Any]) -> None:
    for name in _WRAPPED:
        if name in before:
            setattr(cls, name, before[name])
        elif name in vars(cls):
            delattr(cls, name)


# --- get_config ------------------------------------------------------------------------------


def _derive_get_config(cls: type, schema: ConfigSchema) -> None:
    label, version = label_of(cls), schema.config_version

    def get_config(self: Any) -> dict[str, Any]:
        """The config that `from_config` takes, derived from the constructor's arguments."""
        record = arguments_of(self)
        if record is None or label not in record.values:
            message = (
                f"{cls.__qualname__} was made without its constructor, so its arguments are not "
                "known; write get_config for this class"
            )
            raise ConfigError(message)
        values, has_changed = record.current(self, label)
        if has_changed:
            _check_values(cls, schema, self, values)
        with sharing_scope() as is_alone:
            base = _base_config(cls, self)
            base.pop(CONFIG_VERSION_FIELD, None)
            if "dtype" in base_arguments(cls) and "dtype" not in base:
                base["dtype"] = self.dtype
            config = add_left_out(cls, self, {**base, **_to_config(cls, schema, values)})
        if is_alone:
            unmark(config)
        if version > 1:
            config[CONFIG_VERSION_FIELD] = version
        return config

    get_config.__keras_registry_derived__ = True  # type: ignore[attr-defined]
    get_config.__qualname__ = f"{cls.__qualname__}.get_config"
    cls.get_config = get_config  # type: ignore[attr-defined]


def _check_values(cls: type, schema: ConfigSchema, instance: Any, values: dict[str, Any]) -> None:
    """Checks the arguments of an object whose attributes were changed after its construction."""
    try:
        schema.model.__pydantic_validator__.validate_python(values)
    except ValidationError as error:
        report_invalid(cls, instance, problems_of(error, values), error)


def _base_config(cls: type, instance: Any) -> dict[str, Any]:
    inherited = getattr(super(cls, instance), "get_config", None)
    try:
        return {} if inherited is None else dict(inherited())
    except NotImplementedError:
        return {}  # an abstract get_config, as of Regularizer and LearningRateSchedule


def _to_config(cls: type, schema: ConfigSchema, values: Mapping[str, Any]) -> dict[str, Any]:
    instance = schema.model.model_construct(**values)
    write = functools.partial(
        schema.model.__pydantic_serializer__.to_python, warnings=False, context=AS_STORED
    )
    try:
        return {name: _stored(value) for name, value in write(instance).items()}
    except (PydanticSerializationError, TypeError) as error:
        name = next(name for name in values if not _can_store(write, instance, name))
        message = (
            f"{cls.__qualname__}: no form of {name!r} would come back from a config as the same: "
            f"it is a {type(values[name]).__qualname__}. Annotate the argument in __init__ with "
            "its type, or with one of keras_registry.types"
        )
        raise ConfigError(message) from error


def _can_store(write: Callable[..., Any], instance: BaseModel, name: str) -> bool:
    try:
        _stored(write(instance, include={name}))
    except (PydanticSerializationError, TypeError):
        return False
    return True


def _stored(value: Any) -> Any:  # noqa: PLR0911 - one case for each form
    """What a config holds of a value that came out of pydantic."""
    if isinstance(value, Stored):
        return value.value
    if value is None or (
        isinstance(value, bool | int | float | str) and not isinstance(value, Enum)
    ):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, list | tuple):
        items = map(_stored, value)
        return tuple(items) if type(value) is tuple else list(items)
    if isinstance(value, set | frozenset):
        return sorted(map(_stored, value), key=repr)
    if isinstance(value, dict):
        return {name: _stored(item) for name, item in value.items()}
    try:
        return store(value)
    except TypeError:
        return to_jsonable_python(value)  # a date, a UUID: pydantic knows how to read them back


def _check_get_config(cls: type, schema: ConfigSchema, *, with_values: bool) -> None:
    """Checks what a hand-written `get_config` returns, while a model is saved.

    Args:
        cls: The class; changed in place.
        schema: Its config schema.
        with_values: Whether the constructor takes the config as it is, so that its values must
            satisfy the schema.
    """
    original = cls.get_config  # type: ignore[attr-defined]
    version = schema.config_version

    @functools.wraps(original)
    def get_config(self: Any) -> dict[str, Any]:
        config: dict[str, Any] = original(self)
        if version > 1:
            config = {**config, CONFIG_VERSION_FIELD: version}
        if with_values and type(self) is cls and is_collecting():
            _check_written(cls, schema, self, config)
        return config

    cls.get_config = get_config  # type: ignore[attr-defined]


def _check_written(
    cls: type, schema: ConfigSchema, instance: Any, config: Mapping[str, Any]
) -> None:
    record = arguments_of(instance)
    fields = schema.model.model_fields
    if record is not None:
        base = base_arguments(cls)
        passed = {name: value for name, value in record.passed_on.items() if name in base}
        passed = {**dict(sorted(passed.items())), **record.values.get(label_of(cls), {})}
        omitted = [
            (name, value)
            for name, value in passed.items()
            if name not in config and not (name in fields and _is_default(fields[name], value))
        ]
        if omitted:
            report_omissions(cls, instance, omitted)
    reading = schema.read_config(config)
    if reading.problems:
        report_invalid(cls, instance, reading.problems, reading.error)


def _is_default(field: Any, value: Any) -> bool:
    default = field.get_default(call_default_factory=True) if not field.is_required() else MISSING
    return is_same(value, default) or is_same(default, value)


def _add_version_to_config(cls: type, version: int) -> None:
    original = cls.get_config  # type: ignore[attr-defined]

    @functools.wraps(original)
    def get_config(self: Any) -> dict[str, Any]:
        return {**original(self), CONFIG_VERSION_FIELD: version}

    cls.get_config = get_config  # type: ignore[attr-defined]


# --- from_config -----------------------------------------------------------------------------


def _wrap_from_config(  # noqa: C901 - what it defines shares what it finds out
    cls: type,
    schema: ConfigSchema | None,
    constructor: Constructor | None,
    *,
    migrates_weights: bool = False,
) -> None:
    """Makes `from_config` take the config as it is saved, of whatever version.

    Where the constructor takes no ``**kwargs``, the arguments of Keras's base classes are set
    after construction.

    Args:
        cls: The class; changed in place.
        schema: Its config schema; None if Keras itself keeps its config.
        constructor: The constructor as its author wrote it; None if only the version is to be
            taken out of the config.
        migrates_weights: Whether objects of older configs have weights to migrate.
    """
    original: Callable[..., Any] | None = getattr(cls, "from_config", None)
    function = getattr(original, "__func__", None)
    function = getattr(function, _INSTEAD_OF, function)  # not that of a registered parent
    version = 1 if schema is None else schema.config_version
    late, refused = _late_and_refused(cls, constructor)

    def construct(kind: type, inner: dict[str, Any], values: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal function
        while True:
            passed = {name: value for name, value in inner.items() if name not in refused}
            try:
                with nullcontext() if values is None else expecting(Validated(cls, inner, values)):
                    if function is None:
                        return kind(**passed)
                    return function(kind, passed, *args, **kwargs)
            except TypeError as error:
                # `super().__init__(units=5, **kwargs)`: the parent's own config has the argument
                # that the class fixes. Which one it is, only the failing call tells.
                fixed = _FIXED.search(str(error))
                added = _ADDED.search(str(error))
                if fixed is not None and fixed[1] in passed:
                    refused.add(fixed[1])
                elif function is not None and added is not None and added[1] in refused:
                    # `Dense.from_config` adds an argument that this constructor does not take.
                    function = None
                else:
                    raise

    def from_config(kind: type, config: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Makes an object from its config."""
        reading, values, inner = None, None, dict(config)
        if schema is not None:
            reading = find_prepared(cls, config) or _migrated(cls, schema, config)
            values, inner = reading.values, dict(reading.config)
        base = {name: inner.pop(name) for name in late if name in inner}
        with sharing_scope():
            made = construct(kind, inner, values, *args, **kwargs)
        for name, value in base.items():
            _set_base_argument(made, name, value)
        if inner.get("trainable") is False and "trainable" in base_arguments(cls):
            _freeze_inside(made)
        if migrates_weights and reading is not None and reading.saved_version < version:
            mark_migrated(made, reading.saved_version)
        return made

    from_config.__keras_registry_derived__ = not has_own(cls, "from_config")  # type: ignore[attr-defined]
    setattr(from_config, _INSTEAD_OF, function)
    from_config.__qualname__ = f"{cls.__qualname__}.from_config"
    cls.from_config = classmethod(from_config)  # type: ignore[attr-defined]


def _late_and_refused(
    cls: type, constructor: Constructor | None
) -> tuple[frozenset[str], set[str]]:
    """Arguments of the parents to be set after construction, and those not to be passed on."""
    if constructor is None or constructor.takes_kwargs:
        return frozenset(), set()
    taken = {parameter.name for parameter in constructor.parameters}
    late = base_arguments(cls) - taken
    return late, {parameter.name for parameter in parameters_of_parents(cls)} - late - taken


def _migrated(cls: type, schema: ConfigSchema, config: Mapping[str, Any]) -> ConfigReading:
    saved = read_config_version(config)
    if saved > schema.config_version or saved < schema.oldest_version:
        have = f"{schema.oldest_version} to " if schema.migrations else ""
        message = (
            f"{cls.__qualname__}: the config has config_version {saved}; the installed class "
            f"reads {have}{schema.config_version}"
        )
        raise ConfigError(message)
    return schema.migrate_config(config)


def _freeze_inside(layer: Any) -> None:
    """Makes the layers untrainable that the constructor of a frozen layer has made.

    It makes them after it has handed ``trainable`` to its parent, so Keras would train them. Those
    that it was given have a config of their own, which says whether they are trained.
    """
    import keras

    record = arguments_of(layer)
    values = [] if record is None else list(record.values.values())
    arguments = [item for item in keras.tree.flatten(values) if isinstance(item, keras.Layer)]
    given = {id(item) for argument in arguments for item in _layers_of(argument)}
    for inner in layer._layers:  # noqa: SLF001 - there is no public way to inner layers
        if not any(id(item) in given for item in _layers_of(inner)):
            inner.trainable = False


def _layers_of(layer: Any) -> list[Any]:
    return list(layer._flatten_layers())  # noqa: SLF001


def _set_base_argument(instance: Any, name: str, value: Any) -> None:
    if name == "dtype" and hasattr(instance, "dtype_policy"):
        import keras

        instance.dtype_policy = (
            keras.dtype_policies.deserialize(value) if isinstance(value, dict) else value
        )
    elif name == "dtype":
        instance._dtype = value  # noqa: SLF001 - losses and metrics have no public setter
    elif name == "name" and isinstance(getattr(type(instance), "name", None), property):
        instance._name = value  # noqa: SLF001
    elif name == "activity_regularizer":
        import keras

        instance.activity_regularizer = keras.regularizers.get(value)
    else:
        setattr(instance, name, value)
