"""Wrapping a class in place: validated constructor, derived `get_config` and `from_config`.

The class stays the same object. What it lacks is derived from its config schema; what its author
wrote by hand is left as it is.
"""

from __future__ import annotations

import copy
import functools
import inspect
import re
from enum import Enum
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from keras_registry.config.derivation import (
    base_arguments,
    has_own,
    parameters_of_parents,
    read_constructor,
    writes_config,
)
from keras_registry.config.schema import CONFIG_VERSION_FIELD, problems_of
from keras_registry.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keras_registry.config.derivation import Constructor
    from keras_registry.config.schema import ConfigSchema

__all__ = ["wrap_class"]

# A dunder name in __dict__ itself passes by the tracking of layers, optimizers and torch modules,
# and Keras's saving does not walk into it.
_ARGUMENTS = "__keras_registry_args__"


class _Arguments:
    """The constructor arguments of one object, for each class that takes some.

    A class that passes its arguments on to a registered parent has two entries.
    """

    __slots__ = ("tracked", "values")

    def __init__(self) -> None:
        self.values: dict[str, dict[str, Any]] = {}
        self.tracked: frozenset[tuple[str, str]] = frozenset()

    def close(self, instance: object) -> None:
        """Notes which attributes equal their arguments now that the object is constructed.

        Only these are read again when the object is saved: reading others would turn
        ``self.units = units * 2`` into 32, 64, 128 over three round trips.
        """
        self.tracked = frozenset(
            (label, name)
            for label, values in self.values.items()
            for name, value in values.items()
            if _is_same(_attribute(instance, name), value)
        )


_MISSING = object()
_FIXED = re.compile(r"multiple values for keyword argument '(\w+)'")


def _attribute(instance: object, name: str) -> Any:
    try:
        return getattr(instance, name, _MISSING)
    except Exception:  # noqa: BLE001 - a property of the author's may raise anything
        return _MISSING


def _is_same(attribute: object, argument: object) -> bool:
    if attribute is argument:
        return True
    if attribute is _MISSING:
        return False
    comparable = (bool, int, float, str, bytes, list, tuple, dict, set, Enum)
    if not isinstance(argument, comparable) or not isinstance(attribute, type(argument)):
        return False
    if isinstance(attribute, bool) is not isinstance(argument, bool):
        return False
    return bool(attribute == argument)


def wrap_class(cls: type, schema: ConfigSchema | None) -> Callable[[], None]:
    """Gives a class a validated constructor and the config methods that it lacks.

    Args:
        cls: The class; changed in place.
        schema: Its config schema; None if Keras itself keeps its config.

    Returns:
        A function that makes the class again what it was.
    """
    before = {name: vars(cls)[name] for name in _WRAPPED if name in vars(cls)}
    constructor = None if schema is None else read_constructor(cls)
    derives = constructor is not None and not writes_config(cls)
    if schema is not None and constructor is not None:
        _wrap_init(cls, schema, constructor, records=derives)
        if derives:
            _derive_get_config(cls, schema)
    version = 1 if schema is None else schema.config_version
    if derives or version > 1 or not hasattr(cls, "from_config"):
        _wrap_from_config(cls, constructor if derives else None)
    if version > 1 and not derives:
        _add_version_to_config(cls, version)
    return functools.partial(_unwrap, cls, before)


_WRAPPED = ("__init__", "get_config", "from_config")


def _unwrap(cls: type, before: Mapping[str, Any]) -> None:
    for name in _WRAPPED:
        if name in before:
            setattr(cls, name, before[name])
        elif name in vars(cls):
            delattr(cls, name)


def _wrap_init(cls: type, schema: ConfigSchema, constructor: Constructor, *, records: bool) -> None:
    original = constructor.function
    own = frozenset(schema.fields)
    positional = tuple(
        p.name for p in constructor.parameters if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    )
    required = frozenset(
        name for name, field in schema.model.model_fields.items() if field.is_required()
    )
    defaults = {
        name: field.default
        for name, field in schema.model.model_fields.items()
        if not field.is_required() and field.default_factory is None
    }
    in_signature = {p.name: p.default for p in constructor.parameters}
    defaults |= {
        name: in_signature[name]
        for name in required
        if in_signature.get(name, inspect.Parameter.empty) is not inspect.Parameter.empty
    }
    validate = schema.model.__pydantic_validator__.validate_python
    label = f"{cls.__module__}.{cls.__qualname__}"

    @functools.wraps(original)
    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        given = dict(zip(positional, args, strict=False))
        passed = {name: kwargs[name] for name in own if name in kwargs}
        passed.update((name, value) for name, value in given.items() if name in own)
        passed = {**defaults, **passed}
        if len(args) > len(positional) or not kwargs.keys().isdisjoint(given):
            original(self, *args, **kwargs)  # raises Python's own error
            return
        if not required <= passed.keys():
            original(self, *args, **kwargs)
            return
        try:
            values = {name: _copied(value) for name, value in vars(validate(passed)).items()}
        except ValidationError as error:
            raise _config_error(cls, error) from error
        arguments = {**kwargs, **given, **values}
        if not records:
            original(self, **arguments)
            return
        record = self.__dict__.get(_ARGUMENTS)
        is_outermost = record is None
        if is_outermost:
            record = self.__dict__[_ARGUMENTS] = _Arguments()
        record.values[label] = {name: _copied(value) for name, value in values.items()}
        original(self, **arguments)
        if is_outermost:
            record.close(self)

    # Keras reads the signature of every constructor; this also makes that reading fast.
    __init__.__signature__ = inspect.signature(original)  # type: ignore[attr-defined]
    cls.__init__ = __init__  # type: ignore[misc]


def _config_error(cls: type, error: ValidationError) -> ConfigError:
    problems = "; ".join(f"{p.field}: {p.wanted} (got {p.found})" for p in problems_of(error))
    return ConfigError(f"{cls.__qualname__}: {problems}")


def _copied(value: Any) -> Any:
    """A copy of containers and arrays, so that later changes of the caller's do not matter."""
    if isinstance(value, list | tuple | set | frozenset):
        items = map(_copied, value)
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    if isinstance(value, dict):
        return {name: _copied(item) for name, item in value.items()}
    return copy.copy(value) if type(value).__module__ == "numpy" else value


def _derive_get_config(cls: type, schema: ConfigSchema) -> None:
    label = f"{cls.__module__}.{cls.__qualname__}"
    version = schema.config_version

    def get_config(self: Any) -> dict[str, Any]:
        """The config that `from_config` takes, derived from the constructor's arguments."""
        base = _base_config(cls, self)
        record = self.__dict__.get(_ARGUMENTS)
        if record is None or label not in record.values:
            message = (
                f"{cls.__qualname__} was made without its constructor, so its arguments are not "
                "known; write get_config for this class"
            )
            raise ConfigError(message)
        values = {
            name: _attribute(self, name) if (label, name) in record.tracked else value
            for name, value in record.values[label].items()
        }
        base.pop(CONFIG_VERSION_FIELD, None)
        if "dtype" in base_arguments(cls) and "dtype" not in base:
            base["dtype"] = self.dtype
        config = {**base, **_to_config(schema, values)}
        if version > 1:
            config[CONFIG_VERSION_FIELD] = version
        return config

    get_config.__keras_registry_derived__ = True  # type: ignore[attr-defined]
    get_config.__qualname__ = f"{cls.__qualname__}.get_config"
    cls.get_config = get_config  # type: ignore[attr-defined]


def _base_config(cls: type, instance: Any) -> dict[str, Any]:
    inherited = getattr(super(cls, instance), "get_config", None)
    try:
        return {} if inherited is None else dict(inherited())
    except NotImplementedError:
        return {}  # an abstract get_config, as of Regularizer and LearningRateSchedule


def _to_config(schema: ConfigSchema, values: Mapping[str, Any]) -> dict[str, Any]:
    instance = schema.model.model_construct(**values)
    dumped = schema.model.__pydantic_serializer__.to_python(instance, warnings=False)
    return {name: _stored(value) for name, value in dumped.items()}


def _stored(value: Any) -> Any:
    """What Keras stores for a value of no declared Keras type."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list | tuple):
        return type(value)(map(_stored, value)) if type(value) in {list, tuple} else [*value]
    if isinstance(value, dict):
        return {name: _stored(item) for name, item in value.items()}
    import keras

    return keras.saving.serialize_keras_object(value)


def _add_version_to_config(cls: type, version: int) -> None:
    original = cls.get_config  # type: ignore[attr-defined]

    @functools.wraps(original)
    def get_config(self: Any) -> dict[str, Any]:
        return {**original(self), CONFIG_VERSION_FIELD: version}

    cls.get_config = get_config  # type: ignore[attr-defined]


def _wrap_from_config(cls: type, constructor: Constructor | None) -> None:
    """Makes `from_config` take the config as it is saved.

    The version of the config is taken out. Where the constructor takes no ``**kwargs``, the
    arguments of Keras's base classes are set after construction.
    """
    original: Callable[..., Any] | None = getattr(cls, "from_config", None)
    function = getattr(original, "__func__", None)
    late, refused = frozenset[str](), set[str]()
    if constructor is not None and not constructor.takes_kwargs and not has_own(cls, "from_config"):
        taken = {parameter.name for parameter in constructor.parameters}
        late = base_arguments(cls) - taken
        refused = {parameter.name for parameter in parameters_of_parents(cls)} - late - taken

    def from_config(kind: type, config: Mapping[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Makes an object from its config."""
        inner = {name: value for name, value in config.items() if name != CONFIG_VERSION_FIELD}
        base = {name: inner.pop(name) for name in late if name in inner}
        while True:
            passed = {name: value for name, value in inner.items() if name not in refused}
            try:
                if function is None:
                    made = kind(**passed)
                else:
                    made = function(kind, passed, *args, **kwargs)
            except TypeError as error:
                # `super().__init__(units=5, **kwargs)`: the parent's own config has the argument
                # that the class fixes. Which one it is, only the failing call tells.
                fixed = _FIXED.search(str(error))
                if fixed is None or fixed[1] not in passed:
                    raise
                refused.add(fixed[1])
            else:
                break
        for name, value in base.items():
            _set_base_argument(made, name, value)
        return made

    from_config.__keras_registry_derived__ = not has_own(cls, "from_config")  # type: ignore[attr-defined]
    from_config.__qualname__ = f"{cls.__qualname__}.from_config"
    cls.from_config = classmethod(from_config)  # type: ignore[attr-defined]


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
