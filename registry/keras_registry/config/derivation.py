"""Deriving a config schema from the typed signature of a class's constructor."""

from __future__ import annotations

import inspect
import typing
import warnings
from dataclasses import dataclass
from inspect import Parameter
from typing import Any, Optional

import pydantic
from pydantic import BaseModel, ConfigDict, Field, PydanticUserError

from keras_registry.config.annotations import UnstorableError, as_field, takes_none
from keras_registry.config.kinds import plain_class
from keras_registry.config.schema import ConfigSchema
from keras_registry.config.validators import holds_objects
from keras_registry.errors import RegistrationError

if typing.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from keras_registry.migrations import Migration

__all__ = [
    "Constructor",
    "base_arguments",
    "derive_schema",
    "fields_of_author",
    "has_own",
    "keeps_config",
    "parameters_of_parents",
    "read_constructor",
    "schema_from_model",
    "writes_config",
]


def base_arguments(cls: type) -> frozenset[str]:
    """The arguments that the Keras class behind a class saves and restores by itself."""
    if not any(base.__module__.partition(".")[0] == "keras" for base in cls.__mro__):
        return frozenset()
    import keras

    kept: tuple[tuple[type, set[str]], ...] = (
        (keras.layers.Layer, {"name", "dtype", "trainable", "activity_regularizer"}),
        (keras.losses.Loss, {"name", "reduction", "dtype"}),
        (keras.metrics.Metric, {"name", "dtype"}),
        # The learning rate changes while the model trains: only the optimizer knows it.
        (keras.optimizers.Optimizer, {"name", "learning_rate"}),
    )
    return frozenset(next((names for base, names in kept if issubclass(cls, base)), ()))


_UNSUPPORTED = (Parameter.POSITIONAL_ONLY, Parameter.VAR_POSITIONAL)


@dataclass(frozen=True, slots=True)
class Constructor:
    """The constructor of a class as its author wrote it.

    Attributes:
        function: The function, unwrapped.
        parameters: Its parameters without ``self`` and without ``**kwargs``.
        takes_kwargs: Whether it takes ``**kwargs``, which go on to the parent.
    """

    function: Callable[..., None]
    parameters: tuple[Parameter, ...]
    takes_kwargs: bool
    base_arguments: frozenset[str] = frozenset()

    @property
    def own(self) -> tuple[Parameter, ...]:
        """The parameters that are the class's own, not those of Keras's base classes."""
        return tuple(p for p in self.parameters if p.name not in self.base_arguments)


def is_foreign(cls: type) -> bool:
    """Whether a class belongs to Keras, a backend or Python: not written by the plugin's author."""
    return cls.__module__.partition(".")[0] in {"builtins", "keras", "tensorflow", "torch", "abc"}


def has_own(cls: type, method: str) -> bool:
    """Whether the class or an ancestor of the author's hand defines the method itself."""
    for base in cls.__mro__:
        if is_foreign(base):
            return False
        found = vars(base).get(method)
        if found is not None:
            function = getattr(found, "__func__", found)
            return not getattr(function, "__keras_registry_derived__", False)
    return False


def keeps_config(cls: type) -> bool:
    """Whether constructor and config of a class are Keras's own."""
    owners = (
        next((base for base in cls.__mro__ if name in vars(base)), object)
        for name in ("__init__", "get_config")
    )
    return all(owner.__module__.partition(".")[0] == "keras" for owner in owners)


def read_constructor(cls: type) -> Constructor | None:
    """The constructor that the author of a class wrote, or None if it is Keras's own.

    Raises:
        RegistrationError: Its arguments can be passed only by position.
    """
    owner = next((base for base in cls.__mro__ if "__init__" in vars(base)), object)
    if is_foreign(owner):
        return None
    function = cls.__init__  # type: ignore[misc]
    _, *parameters = inspect.signature(function).parameters.values()
    for parameter in parameters:
        if parameter.kind in _UNSUPPORTED:
            star = "*" if parameter.kind is Parameter.VAR_POSITIONAL else ""
            message = (
                f"{cls.__qualname__}.__init__ takes {star}{parameter.name} by position alone, so "
                "it cannot be called with a saved config. Give each argument a name, for example "
                f"`def __init__(self, {parameter.name}: list[int], **kwargs)`, or write "
                "get_config and from_config."
            )
            raise RegistrationError(message)
    named = tuple(p for p in parameters if p.kind is not Parameter.VAR_KEYWORD)
    return Constructor(
        function,
        named,
        takes_kwargs=len(named) < len(parameters),
        base_arguments=base_arguments(cls),
    )


def writes_config(cls: type) -> bool:
    """Whether a hand-written `get_config` knows the arguments of the class's constructor."""
    for base in cls.__mro__:
        if is_foreign(base):
            return False
        if "get_config" in vars(base):
            return has_own(cls, "get_config")
        if "__init__" in vars(base):
            return False
    return False


def derive_schema(
    cls: type, *, config_version: int = 1, migrations: Sequence[Migration] = ()
) -> ConfigSchema | None:
    """The config schema of a class, from the signature of its constructor.

    Args:
        cls: The class, not yet wrapped.
        config_version: The version of the schema.
        migrations: How older configs become ones of this version.

    Returns:
        The schema, or None if the constructor is Keras's own: Keras then keeps the config.

    Raises:
        RegistrationError: The signature cannot be turned into a schema; the message has the line
            to write.
    """
    derives_config = not writes_config(cls)
    try:
        constructor = read_constructor(cls)
    except RegistrationError:
        if derives_config:
            raise
        return None
    if constructor is None:
        return None
    if derives_config and cls.__dictoffset__ == 0:
        message = (
            f"{cls.__qualname__} has __slots__, so its arguments cannot be kept for get_config. "
            "Leave out __slots__, or write get_config and from_config."
        )
        raise RegistrationError(message)
    if derives_config and {"inputs", "outputs"} <= {p.name for p in constructor.parameters}:
        message = (
            f"{cls.__qualname__}.__init__ takes inputs and outputs, which are tensors of one model "
            "and have no form in a config. Make them inside __init__, from arguments such as a "
            "shape, and pass them to super().__init__; or write get_config and from_config."
        )
        raise RegistrationError(message)
    hints = _hints(cls, constructor, must_resolve=derives_config)
    fields: dict[str, Any] = {
        parameter.name: _field_of(cls, parameter, hints.get(parameter.name, Any), derives_config)
        for parameter in constructor.own
    }
    return ConfigSchema(
        model=_make_model(cls, fields),
        config_version=config_version,
        base_fields=_base_fields(cls),
        checks_config=not has_own(cls, "from_config"),
        is_complete=derives_config,
        migrations=migrations,
    )


def _field_of(
    cls: type,
    parameter: Parameter,
    hint: Any,
    derives_config: bool,  # noqa: FBT001 - of four, the last
) -> tuple[Any, Any]:
    """The field of a config model for an argument.

    Raises:
        RegistrationError: A config could not hold its values.
    """
    default = ... if parameter.default is Parameter.empty else parameter.default
    _check_name(cls, parameter)
    try:
        if parameter.default is None and not takes_none(hint):
            hint = Optional[hint]  # noqa: UP045 - of a type that is known only now
        field = as_field(hint)
        if not derives_config and holds_objects(field, set()) > holds_objects(hint, set()):
            # Where the config is hand-written, so is what becomes of objects in it, unless the
            # author asked for one of our types.
            field = Any
        _make_model(cls, {parameter.name: _field(field, default)})
    except (PydanticUserError, TypeError) as error:
        if derives_config:
            raise _underivable(cls, parameter, hint, error) from error
        field = Any
    return _field(field, default)


def _check_name(cls: type, parameter: Parameter) -> None:
    if parameter.name.startswith("_") or parameter.name in {"model_config", "model_fields"}:
        message = (
            f"the argument {parameter.name!r} of {cls.__qualname__}.__init__ cannot be the name "
            "of a config field: it begins with an underscore, or pydantic keeps it for itself. "
            "Give it another name."
        )
        raise RegistrationError(message)


def schema_from_model(
    cls: type,
    model: type[BaseModel],
    *,
    config_version: int = 1,
    migrations: Sequence[Migration] = (),
) -> ConfigSchema:
    """The config schema of a class whose author gives the pydantic model.

    Raises:
        RegistrationError: The model has fields that the constructor does not take.
    """
    constructor = read_constructor(cls)
    hand_written = has_own(cls, "from_config")
    if constructor is not None and not constructor.takes_kwargs and not hand_written:
        taken = {parameter.name for parameter in constructor.parameters}
        stray = [name for name in model.model_fields if name not in taken]
        if stray:
            message = (
                f"{model.__qualname__} has the field {stray[0]!r}, which {cls.__qualname__}"
                f".__init__ does not take. Add it to __init__, or write from_config."
            )
            raise RegistrationError(message)
    if constructor is not None and not hand_written:
        missing = [p.name for p in constructor.own if p.name not in model.model_fields]
        if missing:
            message = (
                f"{model.__qualname__} lacks the argument {missing[0]!r} of {cls.__qualname__}"
                ".__init__, which would be lost at every save. Add it to the model."
            )
            raise RegistrationError(message)
    return ConfigSchema(
        model=model,
        config_version=config_version,
        base_fields=base_arguments(cls) if constructor is None else _base_fields(cls),
        checks_config=not hand_written,
        is_complete=not writes_config(cls),
        migrations=migrations,
    )


def _field(hint: Any, default: Any) -> tuple[Any, Any]:
    return (hint, Field(default=default, validate_default=True))


def _make_model(cls: type, fields: dict[str, Any]) -> type[BaseModel]:
    config = ConfigDict(extra="forbid", protected_namespaces=(), revalidate_instances="always")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Field name .* shadows an attribute in parent")
        made: type[BaseModel] = pydantic.create_model(
            f"{cls.__name__}Config", __config__=config, __module__=cls.__module__, **fields
        )
    return made


def _hints(cls: type, constructor: Constructor, *, must_resolve: bool) -> dict[str, Any]:
    try:
        return typing.get_type_hints(constructor.function, include_extras=True)
    except (NameError, TypeError) as error:
        if not must_resolve:
            return {}
        message = (
            f"the annotations of {cls.__qualname__}.__init__ cannot be read: {error}. Import the "
            "name at run time, outside `if TYPE_CHECKING:`, or write get_config and from_config."
        )
        raise RegistrationError(message) from error


def _underivable(cls: type, parameter: Parameter, hint: Any, error: Exception) -> RegistrationError:
    shown = hint.__qualname__ if isinstance(hint, type) else str(hint)
    name = parameter.name
    advice = (
        str(error)
        if isinstance(error, UnstorableError)
        else f"Annotate it with a type of keras_registry.types, for example `{name}: t.Activation`"
    )
    message = (
        f"no config can be derived for the argument {name!r} of {cls.__qualname__}.__init__: its "
        f"annotation {shown} has no known form in a config. {advice}; or pass config=YourModel to "
        "@register, or write get_config and from_config."
    )
    return RegistrationError(message)


def _base_fields(cls: type) -> frozenset[str] | None:
    """The names that a config may hold besides the class's own: what the parents take.

    None for a subclass of one of Keras's own layers and the like: what their configs hold besides
    the arguments of their constructors is Keras's to know.
    """
    plain = plain_class(cls)
    keras_bases = [base for base in cls.__mro__ if base.__module__.partition(".")[0] == "keras"]
    if keras_bases and (plain is None or not set(keras_bases) <= set(plain.__mro__)):
        return None
    return base_arguments(cls) | {parameter.name for parameter in parameters_of_parents(cls)}


def fields_of_author(cls: type) -> frozenset[str]:
    """The names that the constructors of a class's parents take which are not of Keras."""
    return frozenset(
        name
        for base in cls.__mro__[1:]
        if "__init__" in vars(base) and not is_foreign(base)
        for name in inspect.signature(base.__init__).parameters  # type: ignore[misc]
    )


def parameters_of_parents(cls: type) -> Iterator[Parameter]:
    """The named parameters of the parents' constructors, as far up as ``**kwargs`` can reach."""
    for base in cls.__mro__[1:]:
        if "__init__" not in vars(base) or base is object:
            continue
        _, *parameters = inspect.signature(base.__init__).parameters.values()  # type: ignore[misc]
        named = [p for p in parameters if p.kind not in {*_UNSUPPORTED, Parameter.VAR_KEYWORD}]
        yield from named
        if len(named) == len(parameters):
            return
